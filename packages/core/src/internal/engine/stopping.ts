/**
 * What becomes of a call whose decision threw, or whose turn the store refuses for good. It is stopped, for its flow is not
 * trusted any more, and its lines are closed; if that cannot be recorded either, it is left as it is.
 */
import { Effect, Result } from "effect"
import type * as Call from "../../Call.ts"
import * as Decider from "../../Decider.ts"
import { Rejected, StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import * as Defect from "../defect.ts"
import { isLasting } from "../report.ts"
import * as CallLog from "./callLog.ts"
import { caught } from "./deciding.ts"
import type { Entity } from "./entity.ts"
import type { GivenUp } from "./givenUp.ts"
import type { Loading } from "./loading.ts"
import type { Storing } from "./storing.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Timing } from "./timing.ts"
import type { Unattended } from "./unattended.ts"

/** Stops calls that cannot go on. */
export interface Stopping {
  /**
   * Stops a call. Fails if it is left as it is. What only came in is left out of a call that has its outcome: its lines are
   * closed when their time is over. What time brings is asked again and again.
   */
  readonly stop: (
    entity: Entity,
    live: LiveCall.LiveCall,
    problem: unknown,
    isOfTime: boolean
  ) => Effect.Effect<void, StoreError>
}

/** What stopping needs of the other parts. */
export interface Parts {
  readonly timing: Timing
  readonly storing: Storing
  readonly loading: Loading
  readonly givenUp: GivenUp
  readonly unattended: Unattended
}

const unrecordable = (problem: unknown): StoreError =>
  new StoreError({
    operation: "write",
    reason: new Rejected({ problem: `Nothing can be recorded: ${Defect.message(problem)}` })
  })

/** Stops calls of an engine. */
export const make = ({ read }: Surroundings, parts: Parts): Stopping => {
  const { givenUp, loading, storing, timing, unattended } = parts

  const stop: Stopping["stop"] = (entity, live, problem, isOfTime) => {
    const { call } = live
    if (call.exit !== undefined && !isOfTime) return leaveOut(entity, problem)
    const reading = read()
    entity.live = undefined
    if (call.flow === "" || call.exit !== undefined) return abandon(entity, call, problem)
    const decided = caught(() => Decider.defect(live, problem, timing.timeOf(entity, call, reading)))
    if (Result.isFailure(decided)) return abandon(entity, call, problem)
    return storing.commit(entity, decided.success, reading.elapsed, problem).pipe(
      Effect.asVoid,
      Effect.catchIf(isLasting, () => abandon(entity, call, problem))
    )
  }

  /** Gives a call up in this process. It stays in the store as it is, for whoever can go on with it. */
  const abandon = (entity: Entity, { flow }: Call.Call, problem: unknown): Effect.Effect<never, StoreError> => {
    entity.live = undefined
    const words = `Call ${entity.id} can neither go on nor be stopped, and is left as it is`
    if (flow === "" || !givenUp.abandon(entity.id)) return Effect.fail(unrecordable(problem))
    unattended.forget(entity.id)
    return Effect.andThen(CallLog.died(entity, words, problem), Effect.fail(unrecordable(problem)))
  }

  const leaveOut = (entity: Entity, problem: unknown): Effect.Effect<never, StoreError> => {
    entity.live = undefined
    // Its alarm is set by how far it is ahead of the clock, which is forgotten with a call that is not in memory.
    const isLeftOut = Effect.andThen(Effect.ignore(loading.loaded(entity)), Effect.fail(unrecordable(problem)))
    if (!givenUp.leaveOut(entity.id)) return isLeftOut
    const words = `What came in for call ${entity.id} after its outcome cannot be recorded, and is left out`
    return Effect.andThen(CallLog.died(entity, words, problem), isLeftOut)
  }

  return { stop }
}
