/** What a call decides: the pure decision, with what it needs of its surroundings as data. */
import { Result } from "effect"
import * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import * as Decider from "../../Decider.ts"
import * as LiveCall from "../../LiveCall.ts"
import type { Entity } from "./entity.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"
import type { Timing } from "./timing.ts"

/** Decides on inputs. */
export interface Deciding {
  readonly decide: (
    entity: Entity,
    live: LiveCall.LiveCall,
    input: CallInput.CallInput,
    reading: Reading
  ) => Decider.Decided
  /**
   * A decision on an input, or what it or the input threw. What throws while a call begins ends it as it begins, so that it is
   * not lost.
   */
  readonly attempt: (
    entity: Entity,
    live: LiveCall.LiveCall,
    input: () => CallInput.CallInput,
    reading: Reading
  ) => Result.Result<Decider.Decided, unknown>
}

/** What a function gives, or what it threw. */
export const caught = <A>(f: () => A): Result.Result<A, unknown> => Result.try({ try: f, catch: (thrown) => thrown })

type Attempt = Extract<CallEvent, { readonly _tag: "DialAttempted" }>

const isAttempt = (event: CallEvent): event is Attempt => event._tag === "DialAttempted"

/** Whether an event may hold an `external_id` that was made for it. */
const isNamed = ({ _tag }: CallEvent): boolean => _tag === "DialAttempted" || _tag === "CallArrived"

/** The number of ours that a dial is from. */
const fromOf = ({ live }: Decider.Decided, { line }: Attempt): string => Call.lineOf(live.call, line)?.from ?? ""

/** By the settings and the pace of an engine. */
export const make = (surroundings: Surroundings, { timeOf }: Timing): Deciding => {
  const { draw, isMissing, namespace, pacing, process, restore, settings } = surroundings

  /** For the next `external_id`: drawn before it is known which decision makes one, and anew once one has. */
  let chance = draw()

  /** What a call is told. One whose flow no process knows is told so when it wakes. */
  const toldTo = (live: LiveCall.LiveCall, input: CallInput.CallInput): CallInput.CallInput =>
    input._tag === "Wake" && LiveCall.isWithoutFlow(live) && isMissing(live.call.flow, live.call.flowVersion)
      ? { _tag: "FlowMissing" }
      : input

  const decide: Deciding["decide"] = (entity, live, input, reading) => {
    const decided = Decider.decide(live, toldTo(live, input), {
      now: timeOf(entity, live.call, reading),
      process,
      namespace,
      chance,
      settings,
      restored: restore.verdicts,
      hasPlace: pacing.hasPlace(entity.id, reading.elapsed),
      obstacles: pacing.standing(reading.elapsed)
    })
    if (decided.events.some(isNamed)) chance = draw()
    const attempt = decided.events.find(isAttempt)
    if (attempt !== undefined) pacing.attempted(entity.id, fromOf(decided, attempt), reading.elapsed)
    return decided
  }

  return {
    decide,
    attempt: (entity, live, input, reading) => {
      const found = caught(() => decide(entity, live, input(), reading))
      return Result.isFailure(found) && live.call.flow === ""
        ? caught(() => decide(entity, LiveCall.stillborn(live, found.failure), input(), reading))
        : found
    }
  }
}
