/**
 * What a decision appends: the turn, what is known of the call after it, and what has to be remembered until the store has
 * answered.
 */
import * as Call from "../../Call.ts"
import type { CallEvent, CallId } from "../../CallEvent.ts"
import { isOfSession } from "../../CallLine.ts"
import * as Decider from "../../Decider.ts"
import type { Summary, Turn } from "../../EventStore.ts"
import * as Explain from "../../Explain.ts"
import * as ids from "../ids.ts"
import type { Entity } from "./entity.ts"
import type { Options } from "./message.ts"
import type { Surroundings } from "./surroundings.ts"

/** What a decision appends. A class, as frames are in `flow/interpreter.ts`, because it waits for its commit. */
export class DecidedTurn implements Turn {
  readonly id: string
  readonly callId: CallId
  readonly version: number
  readonly at: number
  readonly events: ReadonlyArray<CallEvent>
  constructor(id: string, callId: CallId, version: number, { events, live }: Decider.Decided) {
    this.id = id
    this.callId = callId
    this.version = version
    this.at = live.call.at
    this.events = events
  }
}

/** What a call waits for, until when it has to be woken, and from when on its dial waits for a place. */
interface Expected {
  readonly what: string
  readonly wakeAt: number | undefined
  readonly dialFrom?: number | undefined
}

/** What is known of a call after a turn. A class for the same reason. */
export class CallSummary implements Summary {
  readonly callId: CallId
  readonly version: number
  readonly flow: string
  readonly flowVersion: number
  readonly status: Summary["status"]
  readonly waitingFor: string
  readonly due: number | null
  declare readonly dialFrom?: number
  readonly process: string | null
  readonly at: number
  constructor(
    call: Call.Call,
    version: number,
    { dialFrom, wakeAt, what }: Expected,
    process: string | undefined
  ) {
    const over = Call.isOver(call)
    this.callId = call.id
    this.version = version
    this.flow = call.flow
    this.flowVersion = call.flowVersion
    this.status = over ? "over" : "running"
    this.waitingFor = what
    this.due = over ? null : wakeAt ?? call.at
    if (dialFrom !== undefined) this.dialFrom = dialFrom
    this.process = process ?? null
    this.at = call.at
  }
}

/** A decision on its way into the store. A class for the same reason. */
export class Pending {
  readonly entity: Entity
  readonly decided: Decider.Decided
  readonly turn: Turn
  readonly summary: Summary
  /** The process that runs the activity which the call waits for then. */
  readonly worker: string | undefined
  /** When it was decided, by the time that has elapsed. */
  readonly since: number
  /** What made the engine stop the call, if that is what is decided. */
  readonly cause: unknown
  /** The message that it was decided on, if it may be tried again. */
  readonly message: Options | undefined
  constructor(
    entity: Entity,
    decided: Decider.Decided,
    turn: Turn,
    summary: Summary,
    worker: string | undefined,
    since: number,
    cause: unknown,
    message: Options | undefined
  ) {
    this.entity = entity
    this.decided = decided
    this.turn = turn
    this.summary = summary
    this.worker = worker
    this.since = since
    this.cause = cause
    this.message = message
  }
}

/** The sessions that these events name. */
export const sessionsIn = (events: ReadonlyArray<CallEvent>): ReadonlyArray<string> =>
  (events as ReadonlyArray<{ readonly referenceId?: string }>).flatMap(({ referenceId }) => referenceId ?? [])

/** All sessions of a call. */
export const sessionsOf = (call: Call.Call | undefined): ReadonlyArray<string> =>
  (call?.lines ?? []).flatMap(({ otherReferenceIds, referenceId }) =>
    referenceId === undefined ? otherReferenceIds : [referenceId, ...otherReferenceIds]
  )

/** The session that these events name first, if the call did not know it before. What it knew is stored as its already. */
export const newSessionIn = (events: ReadonlyArray<CallEvent>, before: Call.Call | undefined): string | undefined => {
  const [session] = sessionsIn(events)
  return session !== undefined && before?.lines.some((line) => isOfSession(line, session)) ? undefined : session
}

/** From such an event on, the process that recorded it runs the activity which the call waits for. */
export const beginsWork = ({ _tag }: CallEvent): boolean => _tag === "ActivityStarted" || _tag === "Restarted"

/**
 * The process that knows something of a call which no other can know: it runs the activity, or sends the dial, or wrote the
 * last reply. If it is gone, somebody has to look at the call at once.
 */
export const responsible = (
  call: Call.Call,
  { worker, writer }: Pick<Entity, "worker" | "writer">
): string | undefined => {
  if (!Call.isUrgent(call)) return undefined
  if (call.wait?._tag === "Activity") return worker
  return Call.liveLines(call).find((line) => line.phase === "Attempted")?.process ?? writer
}

/** Makes of a decision what it appends. `since` is when it was decided, by the time that has elapsed. */
export type Pend = (
  entity: Entity,
  decided: Decider.Decided,
  since: number,
  reason?: { readonly cause?: unknown; readonly message?: Options | undefined }
) => Pending

/** Of the calls of an engine. */
export const make = ({ pacing, process, restore, settings }: Surroundings): Pend => {
  let turns = 0

  /** What is known of a call after a turn of this process. A dial that waits does so here. */
  const summaryOf = (call: Call.Call, version: number, worker: string | undefined, since: number): CallSummary => {
    const dialFrom = Decider.dialFrom(call, restore.verdicts)
    const inCharge = dialFrom === undefined ? responsible(call, { worker, writer: process }) : process
    const { until, what } = Explain.waitingFor(call, settings, {
      restored: restore.verdicts,
      obstacles: pacing.standing(since)
    })
    const wakeAt = dialFrom === undefined ? until : Decider.wakeAt(call, settings, restore.verdicts)
    return new CallSummary(call, version, { what, wakeAt, dialFrom }, inCharge)
  }

  return (entity, decided, since, { cause, message } = {}) => {
    const version = entity.version + 1
    const worker = decided.events.some(beginsWork) ? process : entity.worker
    const turn = new DecidedTurn(ids.turnId(process, ++turns), entity.id, version, decided)
    const summary = summaryOf(decided.live.call, version, worker, since)
    return new Pending(entity, decided, turn, summary, worker, since, cause, message)
  }
}
