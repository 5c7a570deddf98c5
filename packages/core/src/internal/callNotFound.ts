/** The error of whoever asks something of a call that is not there. */
import { Schema } from "effect"
import { CallId } from "../CallEvent.ts"

/**
 * There is no call of this id: it was never stored, another store holds it, or it was pruned. Nothing was done, and asking again
 * does not help.
 *
 * @since 0.1.0
 */
export class CallNotFound extends Schema.TaggedError<CallNotFound>()("CallNotFound", {
  callId: CallId,
  /** When the call was over, in milliseconds since 1970, if it was pruned since. */
  endedAt: Schema.optionalKey(Schema.Finite)
}) {
  override get message() {
    if (this.endedAt !== undefined) {
      return `Call ${this.callId} was over at ${new Date(this.endedAt).toISOString()} and has been pruned: ` +
        "only its id and its sessions are left"
    }
    return isCallId(this.callId)
      ? `There is no call ${this.callId} in this store`
      : "There is no such call: what was asked for is no id of a call"
  }
}

/** Whether something can be the id of a call. What an application has from elsewhere may be anything. */
export const isCallId: (id: unknown) => id is CallId = Schema.is(CallId)

/** There is no such call, whatever was asked for. */
export const notFound = (id: unknown): CallNotFound =>
  new CallNotFound({ callId: (typeof id === "string" ? id : "") as CallId }, { disableChecks: true })
