/** What a call decides: the pure decision, with what it needs of its surroundings as data. */
import { Result } from "effect"
import * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"
import type { Entity } from "./entity.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"
import type { Timing } from "./timing.ts"

/** Decides on inputs. */
export interface Deciding {
  readonly decide: (entity: Entity, live: Call.Live, input: Call.Input, reading: Reading) => Call.Decided
  /**
   * A decision on an input, or what it or the input threw. What throws while a call begins ends it as it begins, so that it is
   * not lost.
   */
  readonly attempt: (
    entity: Entity,
    live: Call.Live,
    input: () => Call.Input,
    reading: Reading
  ) => Result.Result<Call.Decided, unknown>
}

/** What a function gives, or what it threw. */
export const caught = <A>(f: () => A): Result.Result<A, unknown> => Result.try({ try: f, catch: (thrown) => thrown })

const isAttempt = ({ _tag }: CallEvent): boolean => _tag === "DialAttempted"

/** By the settings and the pace of an engine. */
export const make = (surroundings: Surroundings, { timeOf }: Timing): Deciding => {
  const { isMissing, namespace, pacing, process, restore, settings } = surroundings

  /** What a call is told. One whose flow no process knows is told so when it wakes. */
  const toldTo = (live: Call.Live, input: Call.Input): Call.Input =>
    input._tag === "Wake" && Call.isWithoutFlow(live) && isMissing(live.call.flow, live.call.flowVersion)
      ? { _tag: "FlowMissing" }
      : input

  const decide: Deciding["decide"] = (entity, live, input, reading) => {
    const decided = Call.decide(live, toldTo(live, input), {
      now: timeOf(entity, live.call, reading),
      process,
      namespace,
      settings,
      restored: restore.verdicts,
      hasPlace: pacing.hasPlace(entity.id, reading.elapsed)
    })
    if (decided.events.some(isAttempt)) pacing.attempted(entity.id, reading.elapsed)
    return decided
  }

  return {
    decide,
    attempt: (entity, live, input, reading) => {
      const found = caught(() => decide(entity, live, input(), reading))
      return Result.isFailure(found) && live.call.flow === ""
        ? caught(() => decide(entity, Call.stillborn(live, found.failure), input(), reading))
        : found
    }
  }
}
