/**
 * The turns of all calls in one order, for what is made of them beside the engine: pages, reports, exports.
 *
 * @since 0.1.0
 */
import { Context, Schema } from "effect"
import type { Effect, Stream } from "effect"
import type { CallId } from "./CallEvent.ts"
import type { StoreError } from "./internal/storeError.ts"
import type { Turn } from "./internal/turn.ts"

/**
 * A place in the order of all turns. Keep it as it is and go on from it, also in a later process; only the store reads it.
 *
 * @since 0.1.0
 */
export const Position = Schema.String.check(Schema.isPattern(/^\d{1,20}(\.\d{1,20})?$/)).pipe(
  Schema.brand("@ringback/core/EventLog/Position")
)

/**
 * A place in the order of all turns.
 *
 * @since 0.1.0
 */
export type Position = typeof Position.Type

/**
 * A turn and its place. Both print masked, and so do the events: their fields are whole, and so is what `CallEvent.encode` writes.
 *
 * @since 0.1.0
 */
export interface Entry {
  readonly position: Position
  readonly turn: Turn
}

/**
 * The port to the turns of all calls, also those that other processes append.
 *
 * The order is the same for whoever reads, and whenever: nothing comes later in front of what was read. The turns of a call stand in
 * the order of their versions. What was pruned is left out.
 *
 * On PostgreSQL a turn is shown when no transaction that began before it can store another one in front of it. So a transaction of the
 * same database that has written something and stays open (a bulk load, a migration, one that was prepared and forgotten) holds up all
 * that is shown here, for as long as it is open, and nothing else: no call waits for it. One that only reads, such as a dump or a
 * report, holds up nothing, and neither does one of another database of the server. How to find it is in `docs/postgresql.md`.
 *
 * @since 0.1.0
 */
export class EventLog extends Context.Service<EventLog, {
  /** The turns after a place, from the first one without it, and then those that come, until the scope of the store closes. */
  readonly tail: (options?: { readonly after?: Position | undefined }) => Stream.Stream<Entry, StoreError>
  /** Some turns after a place, 256 unless told otherwise, at once: none if there are none yet. */
  readonly read: (options?: {
    readonly after?: Position | undefined
    readonly limit?: number | undefined
  }) => Effect.Effect<ReadonlyArray<Entry>, StoreError>
  /** The place of the last turn that `tail` would give now, if there is one. */
  readonly last: Effect.Effect<Position | undefined, StoreError>
  /**
   * The turns of one call after a version, from the first one without it, and then those that come, until the call is over or
   * the scope of the store closes. Ends at once for a call that is not there.
   */
  readonly follow: (
    callId: CallId,
    options?: { readonly after?: number | undefined }
  ) => Stream.Stream<Turn, StoreError>
}>()("@ringback/core/EventLog") {}
