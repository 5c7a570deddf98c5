/**
 * What people find calls by. The engine never asks it: it is written with the turns, and read by pages, programs and terminals.
 *
 * @since 0.1.0
 */
import { type Config, ConfigProvider, Context, Effect, Layer, Redacted, Schema } from "effect"
import type { CallId } from "./CallEvent.ts"
import * as ids from "./internal/ids.ts"
import type { StoreError } from "./internal/storeError.ts"
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
  /** What it waits for, in words without secrets, as of its last turn. What stands in the way of dials now, `Calls.obstacles` says. */
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
 * The place after which a list goes on, under the same filter. It holds nothing secret, stays valid, and is good for any process
 * on the store.
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
 * Some calls, newest first: those that were started last, or that ended last where a filter says when they ended.
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
 * The id of the call that is started under a key of a flow, whether it was started yet or not.
 *
 * @since 0.1.0
 */
export const idOf = (flow: string, key: string): CallId => ids.namedCallId(flow, key)

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
 * What calls are found by number with: a secret of 16 characters at least, the same for all processes on a store, and never
 * in the database. Without it no number is kept in a form that can be searched.
 *
 * A store writes with the key that it was opened with. Calls from before, or of another key, are found once
 * `SqlEventStore.rebuild` has run with this one.
 *
 * @since 0.1.0
 */
export const NumbersKey: Context.Reference<Redacted.Redacted | undefined> = Context.Reference(
  "@ringback/core/CallIndex/NumbersKey",
  { defaultValue: (): Redacted.Redacted | undefined => undefined }
)

/**
 * The key that is too short to keep numbers secret from who has the database. `setting` is what the configuration calls it, if it
 * came from there.
 *
 * @since 0.1.0
 */
export class NumbersKeyTooShort extends Schema.TaggedError<NumbersKeyTooShort>()("NumbersKeyTooShort", {
  setting: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const key = this.setting === undefined ? "The key" : `${this.setting}, the key`
    return `${key} that calls are found by number with, needs ${shortest} characters at least`
  }
}

const shortest = 16

/** Reads a setting, and tells how it is called. */
const read = Effect.fnUntraced(function*<A>(config: Config.Config<A>) {
  const provider = yield* ConfigProvider.ConfigProvider
  let setting = ""
  const value = yield* config.parse(ConfigProvider.make((path) => {
    setting = path.join("_")
    return provider.load(path)
  }))
  return { value, setting }
})

/**
 * Gives a store the key that calls are found by number with, from the configuration or at hand.
 *
 * @example
 * SqlEventStore.layer.pipe(Layer.provide(CallIndex.layerNumbersKey(Config.Redacted("RINGBACK_NUMBERS_KEY"))))
 * @since 0.1.0
 */
export const layerNumbersKey = (
  key: Redacted.Redacted | Config.Config<Redacted.Redacted>
): Layer.Layer<never, Config.ConfigError | NumbersKeyTooShort> =>
  Layer.effect(
    NumbersKey,
    Effect.gen(function*() {
      const { value, ...named } = Redacted.isRedacted(key) ? { value: key as Redacted.Redacted } : yield* read(key)
      if (Redacted.value(value).length < shortest) return yield* new NumbersKeyTooShort(named)
      return value
    })
  )

/**
 * How many calls a page has, unless it is told otherwise, and at most.
 *
 * @since 0.1.0
 */
export const pageSize = { usual: 50, most: 1000 }

/**
 * The port to the list of calls. On PostgreSQL it lacks calls of an earlier release that knew no lists, until an engine has listed them
 * in the background after its start.
 *
 * @since 0.1.0
 */
export class CallIndex extends Context.Service<CallIndex, {
  /**
   * The calls to which a filter applies, newest first: those that were started last, or that ended last where the filter says
   * when they ended. `limit` is from 1 to 1000, default 50.
   */
  readonly list: (
    filter?: Filter,
    page?: { readonly limit?: number | undefined; readonly after?: Cursor | undefined }
  ) => Effect.Effect<Page, StoreError | NumbersNotSearchable>
  /** How many calls there are to which a filter applies. */
  readonly counts: (filter?: Filter) => Effect.Effect<Counts, StoreError | NumbersNotSearchable>
}>()("@ringback/core/CallIndex") {}
