/**
 * How long calls are kept after their end.
 *
 * @since 0.1.0
 */
import { Context, Duration } from "effect"
import type { DateTime, Effect } from "effect"
import type { StoreError } from "./internal/storeError.ts"

/**
 * How long a call that was pruned is remembered, from its end, unless told otherwise: 400 days.
 *
 * @since 0.1.0
 */
export const rememberFor: Duration.Duration = Duration.days(400)

/**
 * Which calls go: those to which one of these applies.
 *
 * @since 0.1.0
 */
export interface Options {
  /** Calls that were over before this go. */
  readonly endedBefore?: DateTime.Utc | undefined
  /** So many calls that are over stay at most, those that ended last. */
  readonly keepAtMost?: number | undefined
  /**
   * How long the key and the sessions of a call that went are remembered, from the end of the call; default 400 days. Within it a
   * start under the key fails with `CallError.KeyPruned` and never rings, and an event of a session makes no new call. Choose it longer
   * than anybody repeats a start, and than an event can be late: one that names a dial which was forgotten counts as a sign that the
   * store was restored from a copy, and holds the dials of calls that run.
   */
  readonly rememberFor?: Duration.Input | undefined
}

/**
 * What has gone.
 *
 * @since 0.1.0
 */
export interface Pruned {
  readonly calls: number
  readonly turns: number
  /** The keys and sessions that nobody has to remember any more. */
  readonly forgotten: number
}

/**
 * The port to what removes calls from a store. It works in small commits, while engines run, also those of other processes; it removes
 * everything of a call at once, and never a call that is running.
 *
 * @since 0.1.0
 */
export class Retention extends Context.Service<Retention, {
  readonly prune: (options: Options) => Effect.Effect<Pruned, StoreError>
}>()("@ringback/core/Retention") {}
