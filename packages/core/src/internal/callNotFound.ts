/** The error of whoever asks something of a call that is not there. */
import { Schema } from "effect"
import { CallId } from "../CallEvent.ts"

/**
 * There is no call of this id: it was never stored, or another store holds it. Nothing was done, and asking again does not
 * help.
 *
 * @since 0.1.0
 */
export class CallNotFound extends Schema.TaggedError<CallNotFound>()("CallNotFound", {
  callId: CallId
}) {
  override get message() {
    return `There is no call ${this.callId} in this store`
  }
}
