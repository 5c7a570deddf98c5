/**
 * The only truth about calls: what was appended, and nothing else.
 *
 * @since 0.1.0
 */
import { Context, Schema } from "effect"
import type { Effect, Option, Stream } from "effect"
import type { CallEvent } from "./CallEvent.ts"
import { CallId } from "./CallEvent.ts"

/**
 * One append: the facts that one input brought and what the flow decided on them. It is stored whole or not at all.
 *
 * `version` numbers the turns of a call from 1 without a gap; two writers of one version cannot both win. `id` is unique,
 * so that a store that lost the answer to its commit can recognise its own row.
 *
 * @since 0.1.0
 */
export interface Turn {
  readonly id: string
  readonly callId: CallId
  readonly version: number
  readonly at: number
  readonly events: ReadonlyArray<CallEvent>
}

/**
 * What is kept about each call beside its events, for finding calls. Written with the turn and derived from it.
 *
 * @since 0.1.0
 */
export interface Summary {
  readonly callId: CallId
  readonly version: number
  readonly flow: string
  readonly flowVersion: number
  /** A call is over when its flow has an outcome and all its lines are closed. */
  readonly status: "running" | "over"
  /** What the call waits for, in words without secrets. */
  readonly waitingFor: string
  /** When the call has to be woken at the latest, in milliseconds since 1970; `null` when it is over. */
  readonly due: number | null
  /** It has work under way that only its process knows of (a `POST`, an activity), so a restart has to look at once. */
  readonly urgent: boolean
}

/**
 * Somebody else appended this version first. Read the call again and decide again.
 *
 * @since 0.1.0
 */
export class VersionConflict extends Schema.TaggedError<VersionConflict>()("VersionConflict", {
  callId: CallId,
  version: Schema.Int
}) {
  override get message() {
    return `Call ${this.callId} already has a turn ${this.version}`
  }
}

/**
 * The store did not do its work: it could not be opened, written, or read, or holds something that cannot be decoded.
 * For `write` nothing is promised: the turn may or may not be stored, and only reading the call again tells.
 *
 * @since 0.1.0
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.Literals(["open", "write", "read", "decode"]),
  problem: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    return `The event store failed to ${this.operation}. ${this.problem}`
  }
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
  /** Stores one turn and its summary together. Succeeds when both are durable. */
  readonly append: (
    turn: Turn,
    summary: Summary,
    options?: { readonly referenceId?: string | undefined }
  ) => Effect.Effect<void, VersionConflict | StoreError>
  /** All turns of a call, oldest first; none if there is no such call. */
  readonly read: (callId: CallId) => Effect.Effect<ReadonlyArray<Turn>, StoreError>
  /** The call that learned of this carrier's session. */
  readonly find: (referenceId: string) => Effect.Effect<Option.Option<CallId>, StoreError>
  /** The running calls whose due time is at or before `before`, the earliest first. Never reads events. */
  readonly due: (options: { readonly before: number }) => Effect.Effect<ReadonlyArray<Summary>, StoreError>
  /** The summary of one call. */
  readonly summary: (callId: CallId) => Effect.Effect<Option.Option<Summary>, StoreError>
  /** Turns as they are appended through this service, from now on. A slow reader loses nothing but holds memory. */
  readonly changes: Stream.Stream<Turn>
}>()("@ringback/core/EventStore") {}
