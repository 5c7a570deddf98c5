/**
 * Everything that happened in one run of a storm: what the store holds, what the carrier saw, what the application was
 * told, what went wrong on purpose. Laws are checked over it.
 *
 * Numbers, digits and words are not masked.
 *
 * @since 0.1.0
 */
import type {
  Action,
  CallEvent,
  CallIndex,
  EventStore,
  LiveCall,
  Reply,
  Retention,
  Settings,
  Webhook
} from "@ringback/core"
import type { Entry, Ring } from "./CompanyRecord.ts"
import type { Kind } from "./StormFaults.ts"

/**
 * When something happened: `at` in milliseconds since 1970, as the world counts them, and `seq` to put in order what
 * happened within one of them.
 *
 * @since 0.1.0
 */
export interface Moment {
  readonly seq: number
  readonly at: number
}

/**
 * A turn that became durable, and which incarnation of the process appended it. `begun` is when it asked the store to,
 * `confirmed` when it heard that it is stored, if it did.
 *
 * @since 0.1.0
 */
export interface Appended extends Moment {
  readonly begun: Moment
  readonly confirmed?: Moment
  readonly incarnation: number
  readonly turn: EventStore.Turn
  readonly summary: EventStore.Summary
}

/**
 * What the engine answered to a webhook, when, and on what it says that this rests.
 *
 * @since 0.1.0
 */
export interface Answered extends Moment {
  readonly action: Action.Action | undefined
  readonly basis: Reply.Basis
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
  readonly arrived: Moment
  /** When the engine took it into its hands: later, if the process stood still. `clock` is the time that it goes by. */
  readonly taken?: Moment & { readonly clock: number }
  /** Absent while the engine has not answered, or if it died before. */
  readonly answered?: Answered
  /** What the engine failed with instead of an answer. `excused` if it was held up meanwhile, or closed. */
  readonly failed?: { readonly at: number; readonly problem: string; readonly excused: boolean }
  /** What the engine was told of its answer, and when. */
  readonly told?: { readonly seq: number; readonly whole: boolean }
  /** The carrier carried the answer out. */
  readonly obeyed: boolean
}

/**
 * One `POST` of a dial, when it left the process. `begun` is when the engine decided to send it: earlier, if the process
 * stood still in the very write.
 *
 * @since 0.1.0
 */
export interface Sent extends Moment {
  readonly begun: Moment
  readonly incarnation: number
  readonly action: Action.Dial
  readonly fault: Kind | undefined
}

/**
 * A fault that struck.
 *
 * @since 0.1.0
 */
export interface Fault extends Moment {
  readonly kind: Kind
}

/**
 * A stretch of time, in milliseconds since 1970.
 *
 * @since 0.1.0
 */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/**
 * The life of one incarnation of the process, and what befell it.
 *
 * @since 0.1.0
 */
export interface Life {
  readonly incarnation: number
  /** Which computer it lived on: 1, or 2 for a second process beside it. */
  readonly computer: number
  /** Whether it has registered the version of the flow that the storm is about. */
  readonly knowsFlow: boolean
  readonly born: Moment
  /** When its engine had started; absent if it never did. */
  readonly ready?: number
  /** When its engine began to close; absent if it never did. */
  readonly closing?: Moment
  /** `Infinity` if it lived to the end of the run. */
  readonly died: number
  /** When it stood still as a whole. */
  readonly stood: Array<Stretch>
  /**
   * When it took one that lived for gone: from a look at which that one, or it itself, could not be seen, to the next. On a store that
   * shows no process to another, since both have lived.
   */
  readonly erred: Array<Stretch>
  /** When its store was slow. */
  readonly waited: Array<Stretch>
  /** When its store failed. */
  readonly failed: Array<number>
  /** When the clock of its computer jumped. */
  readonly jumped: Array<number>
}

/**
 * Something that can be read outside of the store and the carrier: a line of the log, a span, a metric, an error.
 *
 * @since 0.1.0
 */
export interface Shown {
  readonly where: "log" | "span" | "metric" | "error" | "inspector"
  readonly text: string
}

/**
 * A turn that the store did not take: for good for what is in it, or with another one of its commit, where `isOwn` is false.
 * `tries` is how often it was asked to.
 *
 * @since 0.1.0
 */
export interface Refused extends Moment {
  readonly turn: EventStore.Turn
  readonly incarnation: number
  readonly isOwn: boolean
  readonly tries: number
}

/**
 * A warning or an error in the log of one incarnation.
 *
 * @since 0.1.0
 */
export interface Logged extends Moment {
  readonly level: "Warn" | "Error" | "Fatal"
  readonly text: string
  readonly incarnation: number
}

/**
 * A webhook that the carrier did not post, and what the engine made of it, if it came to that.
 *
 * @since 0.1.0
 */
export interface Foreign extends Moment {
  readonly webhook: Webhook.Webhook
  readonly incarnation: number
  readonly answered?: Answered
  readonly failed?: Moment & { readonly problem: string }
}

/**
 * A start that was acknowledged. `begun` is when it was asked for, `isNew` whether the call began with it.
 *
 * @since 0.1.0
 */
export interface Started extends Moment {
  readonly begun: Moment
  readonly key: string
  readonly id: CallEvent.CallId
  readonly incarnation: number
  readonly isNew: boolean
}

/**
 * A start that failed because the call of its key was pruned, in these words.
 *
 * @since 0.1.0
 */
export interface KeyPruned extends Moment {
  readonly begun: Moment
  readonly key: string
  readonly id: CallEvent.CallId
  readonly endedAt: number
  readonly message: string
}

/**
 * An outcome that could not be told any more, because the call was pruned.
 *
 * @since 0.1.0
 */
export interface Missing extends Moment {
  readonly id: CallEvent.CallId
  readonly endedAt: number
}

/**
 * Somebody pruned: from when they asked to when they were answered, if they were. Times are in milliseconds.
 *
 * @since 0.1.0
 */
export interface Pruning extends Moment {
  readonly incarnation: number
  readonly endedBefore: number | undefined
  readonly keepAtMost: number | undefined
  readonly rememberFor: number
  readonly answered?: Moment & Retention.Pruned
}

/**
 * What was left of calls that were pruned, at a moment: the calls that are remembered and until when, and what should not be there,
 * by the place where it is.
 *
 * @since 0.1.0
 */
export interface Look extends Moment {
  readonly pruned: ReadonlyArray<{ readonly id: CallEvent.CallId; readonly until: number }>
  readonly rest: ReadonlyArray<string>
}

/**
 * A turn that somebody read who follows the log of all turns, by its id.
 *
 * @since 0.1.0
 */
export interface Followed extends Moment {
  readonly turn: string
}

/**
 * What the store tells when the run is over: the list of its calls and their counts, the calls by number, the ids of all turns in
 * order, and those that were left for who follows the log.
 *
 * @since 0.1.0
 */
export interface Kept {
  readonly calls: ReadonlyArray<CallIndex.Entry>
  readonly counts: CallIndex.Counts
  readonly byNumber: ReadonlyMap<string, ReadonlyArray<CallEvent.CallId>>
  readonly log: ReadonlyArray<string>
  readonly unread: ReadonlyArray<string>
}

/**
 * How long the oldest due work of the shard that is behind most has waited, in milliseconds, as a process of a cluster said; 0 if none is
 * behind.
 *
 * @since 0.1.0
 */
export interface Behind extends Moment {
  readonly incarnation: number
  readonly forMillis: number
}

/**
 * An outcome that the application was told, in its stored form.
 *
 * @since 0.1.0
 */
export interface Outcome extends Moment {
  readonly id: CallEvent.CallId
  readonly exit: CallEvent.Exit
}

/**
 * A signal that was acknowledged.
 *
 * @since 0.1.0
 */
export interface Signalled extends Moment {
  readonly id: CallEvent.CallId
  readonly name: string
  readonly key: string
}

/**
 * A cancellation that was acknowledged.
 *
 * @since 0.1.0
 */
export interface Cancelled extends Moment {
  readonly id: CallEvent.CallId
}

/**
 * An activity ran, as it said itself by `Storm.ran`: `name` names the request of the flow, `key` is what it ran under.
 *
 * @since 0.1.0
 */
export interface Ran extends Moment {
  readonly name: string
  readonly key: string
  readonly incarnation: number
}

/**
 * What the application was told.
 *
 * @since 0.1.0
 */
export interface Told {
  readonly started: ReadonlyArray<Started>
  readonly keysPruned: ReadonlyArray<KeyPruned>
  readonly missing: ReadonlyArray<Missing>
  readonly outcomes: ReadonlyArray<Outcome>
  readonly signalled: ReadonlyArray<Signalled>
  readonly cancelled: ReadonlyArray<Cancelled>
}

/**
 * A finished run.
 *
 * @since 0.1.0
 */
export interface StormHistory {
  readonly flow: LiveCall.AnyDefinition
  /** Names the request of the flow that a dial answers, where requests can be told apart by what they dial. */
  readonly requestOf: ((dial: Action.Dial) => string) | undefined
  /** What the laws hold the engine to. */
  readonly settings: Settings.Settings
  /** How many calls the application wanted to start. */
  readonly wanted: number
  readonly turns: ReadonlyArray<Appended>
  readonly deliveries: ReadonlyArray<Delivery>
  readonly sent: ReadonlyArray<Sent>
  readonly ran: ReadonlyArray<Ran>
  readonly rings: ReadonlyArray<Ring>
  readonly log: ReadonlyArray<Entry>
  readonly faults: ReadonlyArray<Fault>
  readonly told: Told
  /** The incarnations of the process, in the order of their starts. */
  readonly lives: ReadonlyArray<Life>
  /** Moments at which the engine's state was not what the log folds to. */
  readonly strayed: ReadonlyArray<string>
  /** What somebody who reads logs, spans, metrics and errors saw. */
  readonly shown: ReadonlyArray<Shown>
  /** Turns that were refused for good. */
  readonly refused: ReadonlyArray<Refused>
  /** The warnings and errors among it, each as often as it was logged. */
  readonly logged: ReadonlyArray<Logged>
  /** What strangers posted. */
  readonly strangers: ReadonlyArray<Foreign>
  /** Each time that somebody pruned, and what was left then. */
  readonly prunings: ReadonlyArray<Pruning>
  readonly looks: ReadonlyArray<Look>
  /** What somebody read who followed the log, in the order in which it came. */
  readonly followed: ReadonlyArray<Followed>
  /** What processes of a cluster said of their shards, each time that somebody looked. */
  readonly behind: ReadonlyArray<Behind>
  readonly kept: Kept
  /** When the run ended. */
  readonly endedAt: number
  /** It did not come to its end and was given up on. */
  readonly abandoned: boolean
}

/**
 * The events of the calls, by call.
 *
 * @since 0.1.0
 */
export const events = (self: StormHistory): ReadonlyMap<CallEvent.CallId, ReadonlyArray<CallEvent.CallEvent>> => {
  const found = new Map<CallEvent.CallId, Array<CallEvent.CallEvent>>()
  for (const { turn } of self.turns) {
    const known = found.get(turn.callId)
    if (known === undefined) found.set(turn.callId, [...turn.events])
    else known.push(...turn.events)
  }
  return found
}
