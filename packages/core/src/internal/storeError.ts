/** What a store answers when it does not do its work. */
import { Schema } from "effect"
import { CallId } from "../CallEvent.ts"

/**
 * The turn does not come next: somebody else appended this version first, the version before it is missing, or the call was
 * pruned. Nothing was stored. Read the call again and decide again.
 */
export class VersionConflict extends Schema.TaggedError<VersionConflict>()("VersionConflict", {
  callId: CallId,
  version: Schema.Int
}) {
  override get message() {
    return `Turn ${this.version} of call ${this.callId} does not come next`
  }
}

/**
 * The store cannot do its work now: no connection, a full disk, an error of its own. Later it may. What was to be written
 * may be stored all the same.
 */
export class Down extends Schema.TaggedClass<Down>()("Down", { problem: Schema.String }) {}

/**
 * The store did not answer in time. What was asked of it may still be done.
 */
export class Late extends Schema.TaggedClass<Late>()("Late", { problem: Schema.String }) {}

/**
 * Too much waits for the store already, so it was not asked: surely nothing is stored. It can be tried again later.
 */
export class Busy extends Schema.TaggedClass<Busy>()("Busy", { problem: Schema.String }) {}

/**
 * The store is closed, or the engine over it. Nothing is begun any more; what was under way may be stored.
 */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", { problem: Schema.String }) {}

/**
 * The store refuses what it was given, for what it is: surely nothing is stored, and trying again does not help. Others are
 * not concerned.
 */
export class Rejected extends Schema.TaggedClass<Rejected>()("Rejected", { problem: Schema.String }) {}

/**
 * What is stored of this call cannot be read, for example because a later Ringback wrote it. Trying again does not help.
 * Others are not concerned.
 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", { problem: Schema.String }) {}

/**
 * The database is none that this Ringback can use: it is of another kind, or a later Ringback made its tables.
 */
export class Foreign extends Schema.TaggedClass<Foreign>()("Foreign", { problem: Schema.String }) {}

/**
 * The store did not do its work: it could not be opened, written, or read. `reason` says what that proves. A `write` is
 * surely not stored if the reason is `Busy` or `Rejected`; otherwise only reading the call again tells.
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.Literals(["open", "write", "read"]),
  reason: Schema.Union([Down, Late, Busy, Closed, Rejected, Unreadable, Foreign]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    const what = this.reason._tag === "Closed" ? "is waited for no more" : `failed to ${this.operation}`
    return `The event store ${what}. ${this.reason.problem}`
  }
}
