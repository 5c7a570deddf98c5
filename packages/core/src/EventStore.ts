/**
 * The only truth about calls: what was appended, and nothing else.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer, Random } from "effect"
import type { Exit, Option, Scope, Stream } from "effect"
import type { CallId } from "./CallEvent.ts"
import { CallIndex } from "./CallIndex.ts"
import { EventLog } from "./EventLog.ts"
import * as Broadcast from "./internal/broadcast.ts"
import * as Hints from "./internal/store/hints.ts"
import * as Memory from "./internal/store/memory.ts"
import * as Numbers from "./internal/store/numbers.ts"
import {
  Busy,
  Closed,
  Down,
  Foreign,
  Late,
  Rejected,
  StoreError,
  Unreadable,
  VersionConflict
} from "./internal/storeError.ts"
import { format, fromStored, notEncoded, type StoredTurn, type Summary, toStored, type Turn } from "./internal/turn.ts"
import { Retention } from "./Retention.ts"

export {
  /**
   * What is kept about each call beside its events, for finding calls. Written with the turn and derived from it.
   *
   * @since 0.1.0
   */
  type Summary,
  /**
   * One append: the facts that one input brought and what the flow decided on them. It is stored whole or not at all.
   *
   * @since 0.1.0
   */
  type Turn
}

/**
 * What one process tells another. `look`: there is something new of these calls, and `from` is told in turn when they have gone
 * on. `yours`: `from` is about to end, and they are to be looked after from now on by who is told. `mine`: `from` does so.
 *
 * @since 0.1.0
 */
export interface Told {
  readonly what: "look" | "yours" | "mine"
  readonly calls: ReadonlyArray<CallId>
  readonly from: string
}

/**
 * A turn that another process has appended, as it is stored: `events` is text in the given `format`.
 *
 * @since 0.1.0
 */
export interface ToldTurn extends StoredTurn {
  readonly callId: CallId
}

/**
 * What one process tells all others: turns that it has appended.
 *
 * @since 0.1.0
 */
export interface ToldTurns {
  readonly what: "turns"
  readonly turns: ReadonlyArray<ToldTurn>
}

/**
 * What the processes that share a store know of each other. Membership is the business of the database: a process lives as
 * long as the database sees it and hears of it. What is written down of one that does not live counts for nothing.
 *
 * It can err in one direction: who has lost the connection for a moment, or has paused for longer than its lease, is taken for
 * dead while it lives. Whoever asks must be able to bear that.
 *
 * @since 0.1.0
 */
export interface Processes {
  /**
   * Lets the others see this process and which flows it has registered (`name@version`), for as long as its lease is renewed, until
   * the scope closes or the process dies, whichever way. A lost connection is made anew. `process` is 8 characters of those that an id of a call has.
   */
  readonly join: (
    process: string,
    flows: ReadonlySet<string>,
    lease: {
      /** After so many milliseconds without a sign of life it counts for dead, by the clock of the database. */
      readonly millis: number
      /** Is called each time that a sign of life is sent. What it gives is called when that has arrived. */
      readonly renewing: () => () => void
    }
  ) => Effect.Effect<void, StoreError, Scope.Scope>
  /**
   * The process is about to end: what it has registered counts no more, so nothing is left to it. It still shows as one that
   * lives.
   */
  readonly leave: (process: string) => Effect.Effect<void, StoreError>
  /**
   * The processes that live, this one among them once it has joined, and the flows that each has registered. A process
   * that lives under another rule, because it is of an earlier Ringback, has none, and neither has one that is about to end.
   */
  readonly alive: Effect.Effect<ReadonlyMap<string, ReadonlySet<string>>, StoreError>
  /**
   * Tells processes something of at most 300 calls. A hint that may be lost, but that arrives at once: what it is about is in the
   * store, where the others look from time to time.
   */
  readonly tell: (processes: ReadonlyArray<string>, told: Told) => Effect.Effect<void, StoreError>
  /**
   * Listens to what this process is told, until the scope closes. The stream fails when something may have been missed. Turns may come
   * late, twice, in any order or not at all, those of this process among them: each is stored, and whatever is missing can be read.
   */
  readonly told: (
    process: string
  ) => Effect.Effect<Stream.Stream<Told | ToldTurns, StoreError>, StoreError, Scope.Scope>
  /** Writes down how many lines ring or talk at this process, or may soon, for the others. */
  readonly use: (process: string, lines: number) => Effect.Effect<void, StoreError>
  /** How many lines each process uses, as it has written it down last. Of one that does not live it counts for nothing. */
  readonly inUse: Effect.Effect<ReadonlyMap<string, number>, StoreError>
  /** The time by the one clock that all of them can read, in milliseconds since 1970. */
  readonly now: Effect.Effect<number, StoreError>
}

export {
  /**
   * Too much waits for the store already, so it was not asked: surely nothing is stored. It can be tried again later.
   *
   * @since 0.1.0
   */
  Busy,
  /**
   * The store is closed, or the engine over it. Nothing is begun any more; what was under way may be stored.
   *
   * @since 0.1.0
   */
  Closed,
  /**
   * The store cannot do its work now: no connection, a full disk, an error of its own. Later it may. What was to be written
   * may be stored all the same.
   *
   * @since 0.1.0
   */
  Down,
  /**
   * The database is none that this Ringback can use: it is of another kind, or a later Ringback made its tables.
   *
   * @since 0.1.0
   */
  Foreign,
  /**
   * The store did not answer in time. What was asked of it may still be done.
   *
   * @since 0.1.0
   */
  Late,
  /**
   * The store refuses what it was given, for what it is: surely nothing is stored, and trying again does not help. Others are
   * not concerned.
   *
   * @since 0.1.0
   */
  Rejected,
  /**
   * The store did not do its work: it could not be opened, written, or read. `reason` says what that proves. A `write` is
   * surely not stored if the reason is `Busy` or `Rejected`; otherwise only reading the call again tells.
   *
   * @since 0.1.0
   */
  StoreError,
  /**
   * What is stored of this call cannot be read, for example because a later Ringback wrote it. Trying again does not help.
   * Others are not concerned.
   *
   * @since 0.1.0
   */
  Unreadable,
  /**
   * The turn does not come next: somebody else appended this version first, the version before it is missing, or the call was
   * pruned. Nothing was stored. Read the call again and decide again.
   *
   * @since 0.1.0
   */
  VersionConflict
}

/**
 * A transaction of the application on the database of a store.
 *
 * @since 0.1.0
 */
export interface Transaction {
  /**
   * Runs something once the transaction is committed, and not if it is rolled back. It may be lost: if the process ends
   * before, or the answer to the commit is. It must not take long.
   */
  readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
}

/**
 * The port to a store of calls.
 *
 * @since 0.1.0
 */
export class EventStore extends Context.Service<EventStore, {
  /**
   * Names this installation in the `external_id` of its dials: made once with the store, 8 characters of `0-9 a-z`.
   * One Telesign account may serve several installations, and each must leave the calls of the others alone.
   */
  readonly namespace: string
  /**
   * Stores one turn and its summary together. Succeeds when both are durable.
   *
   * A turn that is stored already, under the same `id`, succeeds again, so that an append whose answer was lost can be
   * repeated. An append that is interrupted may be stored or not, and is never stored twice. It may be `unforked`.
   *
   * `isTold` asks to tell other processes of the turn when it is stored. Nothing depends on it but how much they read.
   */
  readonly append: (
    turn: Turn,
    summary: Summary,
    options?: { readonly referenceId?: string | undefined; readonly isTold?: boolean | undefined }
  ) => Effect.Effect<void, VersionConflict | StoreError>
  /**
   * The turns of a call after a version, oldest first; all of them if none is given, none if there is no such call. It may be
   * `unforked`.
   */
  readonly read: (callId: CallId, after?: number) => Effect.Effect<ReadonlyArray<Turn>, StoreError>
  /** The call that learned of this carrier's session, the first one if there are more. */
  readonly find: (referenceId: string) => Effect.Effect<Option.Option<CallId>, StoreError>
  /** The running calls whose due time is at or before `before`, the earliest first, `limit` at most. Never reads events. */
  readonly due: (options: {
    readonly before: number
    readonly limit?: number | undefined
  }) => Effect.Effect<ReadonlyArray<Summary>, StoreError>
  /**
   * The running calls of which a process knows something that is not among `alive`, in the order of their ids. Never reads
   * events.
   */
  readonly orphans: (alive: ReadonlySet<string>) => Effect.Effect<ReadonlyArray<Summary>, StoreError>
  /** The summary of one call. */
  readonly summary: (callId: CallId) => Effect.Effect<Option.Option<Summary>, StoreError>
  /** The summaries of those of the calls that are stored, in no order. */
  readonly summaries: (callIds: ReadonlyArray<CallId>) => Effect.Effect<ReadonlyArray<Summary>, StoreError>
  /**
   * The transaction that the fiber which asks is in, if it is one of this store's database: then what the fiber appends is a
   * part of it, and is stored if and only if it is committed. Fails if that cannot be. Not there if a store knows no
   * transactions.
   */
  readonly transaction?: Effect.Effect<Transaction | undefined, StoreError>
  /** What is known of other processes on this store; `undefined` where there cannot be any. */
  readonly processes: Processes | undefined
  /**
   * Turns as they are appended through this service, from now on, in the order of their versions. A slow reader loses
   * nothing but holds memory. A turn that is appended again is told again. Ends when the store closes.
   */
  readonly changes: Stream.Stream<Turn>
}>()("@ringback/core/EventStore") {}

/**
 * Begins an append or a read, whose end is told by a callback, at once or later. If it can be called off, gives the way to do so.
 *
 * @since 0.1.0
 */
export type Begin<A, E> = (answer: (exit: Exit.Exit<A, E>) => void) => Effect.Effect<void> | void

const beginning = Symbol("@ringback/core/EventStore/unforked")

/**
 * An append or a read that can also be begun without a fiber, which is how the engine then begins it: a fiber for each append
 * costs about a tenth of what the engine can do. Whoever makes another effect of it, as a wrapper around a store does, gets an
 * ordinary effect, so nothing that stands around a store is passed over. For authors of stores.
 *
 * @since 0.1.0
 */
export const unforked = <A, E>(effect: Effect.Effect<A, E>, begin: Begin<A, E>): Effect.Effect<A, E> =>
  Object.assign(effect, { [beginning]: begin })

/**
 * How an append or a read is begun without a fiber, if it can be. For authors of stores.
 *
 * @since 0.1.0
 */
export const beginOf = <A, E>(effect: Effect.Effect<A, E>): Begin<A, E> | undefined =>
  (effect as { readonly [beginning]?: Begin<A, E> })[beginning]

/**
 * Draws a namespace for a new store: 8 characters of `0-9 a-z`. For authors of stores.
 *
 * @since 0.1.0
 */
export const makeNamespace: Effect.Effect<string> = Effect.map(
  Effect.all(Array.from({ length: 8 }, () => Random.nextIntBetween(0, 35))),
  (digits) => digits.map((digit) => digit.toString(36)).join("")
)

export {
  /**
   * The number of the format that `toStored` writes. It changes when the text of the events can no longer be read by the
   * version of Ringback before, not with every new field.
   *
   * @since 0.1.0
   */
  format,
  /**
   * Reads the turns of a call back from their stored form. Fails with `Unreadable`, which names the call, the
   * turn and the place, and never a value. For authors of stores.
   *
   * @since 0.1.0
   */
  fromStored,
  /**
   * The error of an append whose turn has no stored form: what its encoding threw, in words. For authors of stores.
   *
   * @since 0.1.0
   */
  notEncoded,
  /**
   * A turn as a store keeps it: `events` is text in the given `format`. For authors of stores.
   *
   * @since 0.1.0
   */
  type StoredTurn,
  /**
   * The stored form of a turn. For authors of stores.
   *
   * @since 0.1.0
   */
  toStored
}

/**
 * A store for tests and first steps, with all that is read beside it: all is lost when the layer is closed, and no other process
 * can see it. What is read went through its stored form, as it would in a database.
 *
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<EventStore | CallIndex | EventLog | Retention> = Layer.effectContext(
  Effect.gen(function*() {
    const changes = yield* Broadcast.make<Turn>()
    const hints = yield* Hints.make
    const memory = Memory.make(yield* Numbers.hash, hints, changes.tell)
    return Context.make(EventStore, {
      namespace: yield* makeNamespace,
      ...memory.store,
      processes: undefined,
      changes: changes.stream
    }).pipe(
      Context.add(CallIndex, memory.index),
      Context.add(EventLog, memory.log),
      Context.add(Retention, memory.retention)
    )
  })
)
