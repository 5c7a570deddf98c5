/**
 * A call in memory, and the webhooks that wait for it to be recorded.
 */
import { Deferred } from "effect"
import type { Fiber } from "effect"
import type * as Call from "../../Call.ts"
import type { CallId, Exit as FlowExit } from "../../CallEvent.ts"
import type { Owed } from "../../CallLine.ts"
import type * as Decider from "../../Decider.ts"
import type { StoreError, Turn } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import { Mailbox } from "./mailbox.ts"

/** What is known of the delivery of the action in flight on a line. Not in the log: it is of this process alone. */
export interface Delivery {
  /** Which action that is: its number, and when it was decided. */
  readonly n: number
  readonly at: number
  /** Whether it answers a webhook of this process: another may have put it in flight, and written its reply. */
  readonly isOurs: boolean
  written: number | undefined
  copies: number
}

/** A turn whose append failed, with what was decided, and what made the engine stop the call if that is what it says. */
export interface Unsure {
  readonly turn: Turn
  readonly decided: Decider.Decided
  readonly since: number
  readonly cause: unknown
  /** The message that it was decided on, if it may be tried again. */
  readonly message: unknown
}

/** A call in memory, with what belongs to this process alone. */
export interface Entity {
  readonly id: CallId
  readonly mailbox: Mailbox
  /** The outcome; a failure if the engine ends before. */
  readonly ended: Deferred.Deferred<FlowExit, StoreError>
  live: LiveCall.LiveCall | undefined
  /** The call as it was at `version`, before another process went on with it: what came since is told on top of it. */
  earlier: LiveCall.LiveCall | undefined
  /** Whether it was read for what has its turn. */
  isRead: boolean
  /** The call as it was last known: for what cannot wait until the store can be read again. */
  known: Call.Call | undefined
  version: number
  /** How many times the lease of this process had been over when the call was known as it is in memory. */
  lapses: number
  /** The process that appended the last turn. */
  writer: string | undefined
  /** The process that runs the activity which the call waits for, if it waits for one. */
  worker: string | undefined
  /** Why what has its turn is tried again, if it is. */
  trying: StoreError | undefined
  /** How many holds went out since the last recorded reply that the log does not know, by session. */
  readonly unrecordedHolds: Map<string, number>
  /** The sessions whose end came in, recorded or not. Whoever knows our id can make some up: only the latest are kept. */
  readonly reportedOver: Set<string>
  /** Webhooks that wait for their flow to decide, by line. */
  readonly waiters: Map<number, Set<Deferred.Deferred<Owed>>>
  readonly deliveries: Map<number, Delivery>
  activity: { readonly n: number; readonly fiber: Fiber.Fiber<void> | undefined } | undefined
  /** The appends of the next turn that failed. One of them may be stored all the same. */
  unsure: ReadonlyArray<Unsure>
  /** The one of them that was found in the store last: what is tried again for it is done. */
  found: Unsure | undefined
  /**
   * How far the call is ahead of the clock, in milliseconds: it never lives before its own last record. Of this process
   * alone, so that a call which is much ahead stays in memory.
   */
  ahead: number
  /** How many take inputs of the call or wait to do so, and how many wait for its outcome. */
  takers: number
  listeners: number
}

/** Of no append is it unknown whether it is stored. */
export const sure: ReadonlyArray<Unsure> = []

/** A call of which nothing is known yet. */
export const make = (id: CallId): Entity => ({
  id,
  mailbox: new Mailbox(),
  ended: Deferred.makeUnsafe(),
  live: undefined,
  earlier: undefined,
  isRead: false,
  known: undefined,
  version: 0,
  lapses: 0,
  writer: undefined,
  worker: undefined,
  trying: undefined,
  unrecordedHolds: new Map(),
  reportedOver: new Set(),
  waiters: new Map(),
  deliveries: new Map(),
  activity: undefined,
  unsure: sure,
  found: undefined,
  ahead: 0,
  takers: 0,
  listeners: 0
})

/** More sessions than the lines of a call can have at a time that something of them is not recorded. */
const mostSessions = 100

const forgetOldest = (sessions: Set<string> | Map<string, number>): void => {
  const [oldest] = sessions.keys()
  if (sessions.size > mostSessions && oldest !== undefined) sessions.delete(oldest)
}

/** The end of a session came in. */
export const reportOver = ({ reportedOver }: Entity, session: string): void => {
  reportedOver.add(session)
  forgetOldest(reportedOver)
}

/** A session gets one more hold that nobody records. */
export const countHold = ({ unrecordedHolds }: Entity, session: string): void => {
  unrecordedHolds.set(session, (unrecordedHolds.get(session) ?? 0) + 1)
  forgetOldest(unrecordedHolds)
}

/** Another process has gone on with a call. */
export const passed = (entity: Entity): void => {
  entity.earlier = entity.live ?? entity.earlier
  entity.live = undefined
}
