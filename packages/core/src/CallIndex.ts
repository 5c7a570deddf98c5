/**
 * What people find calls by. The engine never asks it: it is written with the turns, and read by pages, programs and terminals.
 *
 * @since 0.1.0
 */
import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { CallId } from "./CallEvent.ts"
import type { StoreError } from "./EventStore.ts"
import type { PhoneNumber } from "./PhoneNumber.ts"

/**
 * How a flow ended, in a word: with its output, with an error of its own, or stopped from outside.
 *
 * @since 0.1.0
 */
export const Outcome = Schema.Literals(["Success", "Failure", "Stopped"])

/**
 * How a flow ended, in a word.
 *
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * A call as a list shows it. Times are in milliseconds since 1970.
 *
 * @since 0.1.0
 */
export interface Entry {
  readonly callId: CallId
  readonly flow: string
  readonly flowVersion: number
  /** `outbound` is a call that the application started, `inbound` one that came in. */
  readonly direction: "outbound" | "inbound"
  /** A call is over when its flow has an outcome and all its lines are closed. */
  readonly status: "running" | "over"
  readonly startedAt: number
  /** When it was over. */
  readonly endedAt: number | undefined
  /** Of its flow. It may come before the call is over. */
  readonly outcome: Outcome | undefined
  /** What it waits for, in words without secrets. */
  readonly waitingFor: string
  /** When it has to be woken at the latest. */
  readonly due: number | undefined
  /** How many turns it has. */
  readonly version: number
}

/**
 * Which calls are meant: those to which all of it applies. Times are in milliseconds since 1970; `from` is part of a span, `before`
 * is not.
 *
 * @since 0.1.0
 */
export interface Filter {
  readonly flow?: string | undefined
  readonly flowVersion?: number | undefined
  readonly direction?: Entry["direction"] | undefined
  readonly status?: Entry["status"] | undefined
  readonly outcome?: Outcome | undefined
  readonly startedFrom?: number | undefined
  readonly startedBefore?: number | undefined
  readonly endedFrom?: number | undefined
  readonly endedBefore?: number | undefined
  /** Running calls that have to be woken before this. */
  readonly dueBefore?: number | undefined
  /** The number of who was dialled, or of who called in. Fails with `NumbersNotSearchable` where there is no key for it. */
  readonly number?: PhoneNumber | undefined
  /** The key that the call was started under. A key belongs to a flow: without `flow` all flows are asked. */
  readonly key?: string | undefined
}

/**
 * The place after which a list goes on. It holds nothing secret, stays valid, and is good for any process on the store.
 *
 * @since 0.1.0
 */
export const Cursor = Schema.String.check(Schema.isPattern(/^\d{1,16}(\.\d+)?-[0-9a-z]{1,40}$/)).pipe(
  Schema.brand("@ringback/core/CallIndex/Cursor")
)

/**
 * The place after which a list goes on.
 *
 * @since 0.1.0
 */
export type Cursor = typeof Cursor.Type

/**
 * Some calls, those that were started last first.
 *
 * @since 0.1.0
 */
export interface Page {
  readonly calls: ReadonlyArray<Entry>
  /** Where the next page begins, if there is one. */
  readonly next: Cursor | undefined
}

/**
 * How many calls there are, those that were pruned not among them.
 *
 * @since 0.1.0
 */
export interface Counts {
  readonly running: number
  readonly over: { readonly [K in Outcome]: number }
}

/**
 * Calls cannot be searched by number, because the store has no key to do that with: see `NumbersKey`.
 *
 * @since 0.1.0
 */
export class NumbersNotSearchable extends Schema.TaggedError<NumbersNotSearchable>()("NumbersNotSearchable", {}) {
  override get message() {
    return "Calls cannot be searched by number: give the store a key for it with CallIndex.layerNumbersKey"
  }
}

/**
 * How many calls a page has, unless it is told otherwise, and at most.
 *
 * @since 0.1.0
 */
export const pageSize = { usual: 50, most: 1000 }

/**
 * The port to the list of calls.
 *
 * @since 0.1.0
 */
export class CallIndex extends Context.Service<CallIndex, {
  /** The calls to which a filter applies, newest first. `limit` is from 1 to 1000, default 50. */
  readonly list: (
    filter?: Filter,
    page?: { readonly limit?: number | undefined; readonly after?: Cursor | undefined }
  ) => Effect.Effect<Page, StoreError | NumbersNotSearchable>
  /** How many calls there are to which a filter applies. */
  readonly counts: (filter?: Filter) => Effect.Effect<Counts, StoreError | NumbersNotSearchable>
}>()("@ringback/core/CallIndex") {}
