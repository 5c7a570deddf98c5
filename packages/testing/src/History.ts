/**
 * Everything that happened in one run of a storm: what the store holds, what the carrier saw, what went wrong on purpose.
 * Laws are checked over it.
 *
 * Whatever has a `seq` can be put in order by it, also within one millisecond. Numbers, digits and words are not masked.
 *
 * @since 0.1.0
 */
import type { Action, Call, CallEvent, EventStore, Settings, Webhook } from "@ringback/core"
import type { Kind } from "./Faults.ts"
import type { Entry, Ring } from "./PhoneCompany.ts"

/**
 * A turn that became durable, and which incarnation of the process appended it.
 *
 * @since 0.1.0
 */
export interface Appended {
  readonly seq: number
  readonly at: number
  readonly incarnation: number
  readonly turn: EventStore.Turn
  readonly summary: EventStore.Summary
}

/**
 * A webhook in the hands of one incarnation. All deliveries of one webhook have the same `posting`; `copy` counts them
 * from 1 in the order of their arrival.
 *
 * @since 0.1.0
 */
export interface Delivery {
  readonly posting: number
  readonly copy: number
  readonly webhook: Webhook.Webhook
  readonly incarnation: number
  readonly arrived: { readonly seq: number; readonly at: number }
  /** When the engine took it into its hands: later, if the process stood still. */
  readonly takenAt?: number
  /** What the engine answered and when; absent while it has not, or died before. */
  readonly answered?: {
    readonly seq: number
    readonly at: number
    readonly action: Action.Action | undefined
    /** For how long injected faults held the engine up meanwhile. */
    readonly heldUpMillis: number
  }
  /** What the engine failed with instead of an answer. `excused` if the store was made to fail meanwhile. */
  readonly failed?: { readonly at: number; readonly problem: string; readonly excused: boolean }
  /** What the engine was told of its answer, and when. */
  readonly told?: { readonly seq: number; readonly whole: boolean }
  /** The carrier carried the answer out. */
  readonly obeyed: boolean
}

/**
 * One `POST` of a dial. `rang` counts the phones that rang for it, `heldUpMillis` how long the process stood still in its
 * very write.
 *
 * @since 0.1.0
 */
export interface Sent {
  readonly seq: number
  readonly at: number
  readonly incarnation: number
  readonly action: Action.Dial
  readonly heldUpMillis: number
  readonly fault: Kind | undefined
}

/**
 * A fault that struck.
 *
 * @since 0.1.0
 */
export interface Fault {
  readonly seq: number
  readonly at: number
  readonly kind: Kind
}

/**
 * What the application was told.
 *
 * @since 0.1.0
 */
export interface Told {
  /** The call whose start was acknowledged. */
  readonly started: ReadonlySet<CallEvent.CallId>
  /** The outcomes, as text that is equal if they are. */
  readonly outcomes: ReadonlyArray<string>
}

/**
 * A finished run.
 *
 * @since 0.1.0
 */
export interface History {
  readonly flow: Call.AnyDefinition
  readonly settings: Settings.Settings
  readonly turns: ReadonlyArray<Appended>
  readonly deliveries: ReadonlyArray<Delivery>
  readonly sent: ReadonlyArray<Sent>
  readonly rings: ReadonlyArray<Ring>
  readonly log: ReadonlyArray<Entry>
  readonly faults: ReadonlyArray<Fault>
  readonly told: Told
  /** When each incarnation of the process died, in the order of their starts; the last one lives to the end. */
  readonly deaths: ReadonlyArray<number>
  /** Moments at which the engine's state was not what the log folds to. */
  readonly strayed: ReadonlyArray<string>
  /** What the engine wrote to its log, in one line each. */
  readonly lines: ReadonlyArray<string>
  /** When the run was given up on, if it did not come to its end. */
  readonly abandonedAt: number | undefined
}

/**
 * The events of the calls, by call.
 *
 * @since 0.1.0
 */
export const events = (self: History): ReadonlyMap<CallEvent.CallId, ReadonlyArray<CallEvent.CallEvent>> => {
  const found = new Map<CallEvent.CallId, Array<CallEvent.CallEvent>>()
  for (const { turn } of self.turns) {
    const known = found.get(turn.callId)
    if (known === undefined) found.set(turn.callId, [...turn.events])
    else known.push(...turn.events)
  }
  return found
}
