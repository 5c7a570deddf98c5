/**
 * What a call has decided on its way into the store. Only when it is durable does the state in memory change, and does
 * anybody see anything of it.
 */
import { Cause, Deferred, Effect, Exit, Option, Result } from "effect"
import type * as Call from "../../Call.ts"
import type { CallEvent, CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import { isOfSession } from "../../CallLine.ts"
import type * as Decider from "../../Decider.ts"
import { Down, StoreError, type VersionConflict } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import * as Defect from "../defect.ts"
import { isLasting } from "../report.ts"
import * as Unforked from "../unforked.ts"
import * as CallLog from "./callLog.ts"
import { caught, type Deciding } from "./deciding.ts"
import type { Deliveries } from "./deliveries.ts"
import type { Duplicates } from "./duplicates.ts"
import { type Entity, make as makeEntity, passed, sure, type Unsure } from "./entity.ts"
import type { GivenUp } from "./givenUp.ts"
import type { Options } from "./message.ts"
import * as Mixing from "./mixing.ts"
import { make as pendings, newSessionIn, type Pending, sessionsIn } from "./pending.ts"
import type { Sessions } from "./sessions.ts"
import type { Follow, Surroundings } from "./surroundings.ts"
import type { Timing } from "./timing.ts"

/** Stores what calls decide. */
export interface Storing {
  /**
   * Appends a decision, and tells what that came to. `false` if somebody else has appended to the call, which then has to be
   * read again. `since` is when it was decided, by the time that has elapsed; `message` is what it was decided on, if that is
   * tried again when the store fails.
   */
  readonly append: (
    entity: Entity,
    decided: Decider.Decided,
    since: number,
    then: (exit: Exit.Exit<boolean, StoreError>) => void,
    message?: Options
  ) => void
  /** The same for whoever waits. `cause` is what made the engine stop the call, if that is what is decided. */
  readonly commit: (
    entity: Entity,
    decided: Decider.Decided,
    since: number,
    cause?: unknown
  ) => Effect.Effect<boolean, StoreError>
  /** What begins a call inside of a transaction. Nothing of it is kept in memory, for the transaction may yet be rolled back. */
  readonly first: (id: CallId, live: LiveCall.LiveCall, input: CallInput.CallInput) => Pending
  /** Shows what is durable: in memory, to the world, and to whoever waits for it. */
  readonly show: (entity: Entity, turn: Unsure, events: ReadonlyArray<CallEvent>, call: Call.Call) => void
}

/** What storing needs of the other parts. */
export interface Parts {
  readonly sessions: Sessions
  readonly deliveries: Deliveries
  readonly duplicates: Duplicates
  readonly deciding: Deciding
  readonly timing: Timing
  readonly givenUp: GivenUp
  readonly follow: Follow
  /** Nobody knows whether the last append of a call is stored. */
  readonly doubt: (entity: Entity, unsure: Unsure) => void
}

const appending =
  ({ store }: Surroundings) =>
  ({ decided, entity, summary, turn }: Pending, isTold: boolean): Effect.Effect<void, VersionConflict | StoreError> =>
    store.append(turn, summary, { referenceId: newSessionIn(decided.events, entity.live?.call), isTold })

/** Whether a call comes to its end here that another machine looks after: there somebody may wait for its outcome. */
const endsElsewhere = ({ placement }: Surroundings, { decided: { events }, entity: { id } }: Pending): boolean =>
  placement?.isOwn(id) === false && events.some(({ _tag }) => _tag === "FlowEnded")

/** Into the store of an engine. */
export const make = (surroundings: Surroundings, parts: Parts): Storing => {
  const { figures, process, read, restore, run, troubles } = surroundings
  const { deciding, deliveries, doubt, follow, givenUp, sessions, timing } = parts
  const pend = pendings(surroundings)
  const isTold = Mixing.make(process, surroundings.neighbours)
  const toStore = appending(surroundings)

  const begin = (pending: Pending, then: (exit: Exit.Exit<boolean, StoreError>) => void): void => {
    const ended = (exit: Exit.Exit<void, VersionConflict | StoreError>) => then(outcome(pending, exit))
    const begun = caught(() => toStore(pending, isTold(pending.entity.writer) || endsElsewhere(surroundings, pending)))
    if (Result.isFailure(begun)) ended(Exit.die(begun.failure))
    else Unforked.begin(begun.success, run, ended)
  }

  const outcome = (
    pending: Pending,
    exit: Exit.Exit<void, VersionConflict | StoreError>
  ): Exit.Exit<boolean, StoreError> => {
    if (Exit.isFailure(exit)) return failed(pending, exit.cause)
    stored(pending)
    return yes
  }

  const stored = (pending: Pending): void => {
    const { decided, entity, summary, turn, worker } = pending
    const { live } = decided
    entity.live = live
    entity.earlier = undefined
    entity.known = live.call
    entity.version = turn.version
    entity.writer = process
    entity.worker = worker
    entity.unsure = sure
    restore.stored(entity.id, turn.version)
    givenUp.stored(entity.id)
    if (troubles.throws.isBegun) run(troubles.throws.over())
    show(entity, pending, decided.events, live.call)
    if (LiveCall.isWithoutFlow(live)) timing.rest(entity, live)
    else timing.restUntil(entity, live.call, summary.due)
  }

  const failed = (pending: Pending, cause: Cause.Cause<VersionConflict | StoreError>): Exit.Exit<false, StoreError> => {
    const { entity } = pending
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    if (error?._tag === "VersionConflict") {
      passed(entity)
      parts.duplicates.lost(pending)
      return no
    }
    entity.live = undefined
    figures.failed()
    if (error === undefined || !isLasting(error)) {
      entity.unsure = [...entity.unsure, pending]
      doubt(entity, pending)
    }
    return error === undefined && Cause.hasDies(cause)
      ? Exit.fail(deadAppend(entity, cause))
      : Exit.failCause(cause as Cause.Cause<StoreError>)
  }

  /** A store that throws where it should fail: nobody knows of the append, as after any failure. */
  const deadAppend = (entity: Entity, cause: Cause.Cause<unknown>): StoreError => {
    const thrown = Defect.error(Cause.squash(cause))
    run(CallLog.about(entity, troubles.throws.failed(thrown.stack ?? thrown.message)))
    return new StoreError({
      operation: "write",
      reason: new Down({ problem: `It threw: ${thrown.message}` }),
      cause: thrown
    })
  }

  const show: Storing["show"] = (entity, { cause, decided, since }, events, call) => {
    const stop = CallLog.stopOf(entity, decided, cause)
    if (stop !== undefined) run(stop)
    for (const session of sessionsIn(events)) {
      if (call.lines.some((line) => isOfSession(line, session))) sessions.claim(session, entity.id)
    }
    deliveries.follow(entity, events, call)
    try {
      follow(entity, events, call, since)
    } catch (thrown) {
      run(CallLog.died(entity, `What follows a turn of call ${entity.id} threw`, thrown))
    }
    if (call.exit !== undefined) Deferred.doneUnsafe(entity.ended, Exit.succeed(call.exit))
    deliveries.answer(entity, call)
  }

  return {
    append: (entity, decided, since, then, message) => begin(pend(entity, decided, since, { message }), then),
    commit: (entity, decided, since, cause) =>
      Effect.callback((resume) => begin(pend(entity, decided, since, { cause }), resume)),
    first: (id, live, input) => {
      const entity = makeEntity(id)
      const reading = read()
      return pend(entity, deciding.decide(entity, live, input, reading), reading.elapsed)
    },
    show
  }
}

const yes = Exit.succeed(true)
const no = Exit.succeed<false>(false)
