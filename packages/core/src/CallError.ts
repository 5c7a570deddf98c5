/**
 * Why a call could not be started, found or told something, or ended without an outcome of its flow. What a store does wrong is
 * `StoreError`, and a mistake in settings is `Settings.InvalidSettings`.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { CallId, StopReason } from "./CallEvent.ts"
import { isCallId } from "./internal/callId.ts"

/**
 * The call ended without its flow's consent: it was cancelled, an activity was overdue, the flow died of a defect, or it
 * disagrees with what the call recorded.
 *
 * @since 0.1.0
 */
export class CallStopped extends Schema.TaggedError<CallStopped>()("CallStopped", {
  callId: CallId,
  reason: StopReason
}) {
  override get message() {
    const { reason } = this
    switch (reason._tag) {
      case "Cancelled":
        return `Call ${this.callId} was cancelled`
      case "Defect":
        return `Call ${this.callId} was stopped by a defect of its flow: ${reason.message}`
      case "Overdue":
        return `Call ${this.callId} was stopped because its activity ${reason.activity} took too long`
      case "FlowDiverged":
        return `Call ${this.callId} cannot go on: its flow disagrees with its log at event ${reason.at} ` +
          `(recorded ${reason.recorded}, now ${reason.now}). Register the version that it began with`
      case "FlowMissing":
        return `Call ${this.callId} was ended without its flow ${reason.flow}, version ${reason.version}: ` +
          `no process had registered that for too long`
    }
  }
}

/**
 * A call cannot be started so: its input does not fit its flow's schema or has no form in JSON that reads back, it is over
 * `Flow.maxValueBytes`, or its key is empty or over 255 characters. `problem` names the place, never the value.
 *
 * @since 0.1.0
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  flow: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The flow ${this.flow} cannot be started so. ${this.problem}`
  }
}

/**
 * A flow was started that `Calls.layer` was not told of.
 *
 * @since 0.1.0
 */
export class FlowNotRegistered extends Schema.TaggedError<FlowNotRegistered>()("FlowNotRegistered", {
  flow: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    return `The flow ${this.flow} (version ${this.version}) is not registered: add it to the flows of Calls.layer`
  }
}

/**
 * The flows given to `Calls.layer` cannot be told apart: two have one name and one version.
 *
 * @since 0.1.0
 */
export class DuplicateFlow extends Schema.TaggedError<DuplicateFlow>()("DuplicateFlow", {
  flow: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    return `Two flows are named ${this.flow} in version ${this.version}: rename one, or give the changed one a new version`
  }
}

/**
 * Calls are running whose flow, in the version that they began with, is not registered. Register it too, until they are
 * over.
 *
 * @since 0.1.0
 */
export class FlowsMissing extends Schema.TaggedError<FlowsMissing>()("FlowsMissing", {
  missing: Schema.Array(Schema.Struct({ flow: Schema.String, version: Schema.Int, calls: Schema.Int }))
}) {
  override get message() {
    const list = this.missing.map(({ calls, flow, version }) => `${flow} version ${version} (${calls} running)`)
    return `Running calls need flows that are not registered: ${list.join(", ")}. ` +
      "Register them until these calls are over, or leave the calls to wait with Calls.layer({ missingFlows: \"leave\" })"
  }
}

/**
 * The key is that of a call which began with another input, so this is not the same call, and nothing was started. Take
 * another key, or ask for the call that there is by `Calls.handle(flow, callId)`.
 *
 * Inputs are compared in their stored form; the order of keys in JSON does not count.
 *
 * @since 0.1.0
 */
export class KeyTaken extends Schema.TaggedError<KeyTaken>()("KeyTaken", {
  flow: Schema.String,
  key: Schema.String,
  callId: CallId,
  /** The version of the flow that the call began in, if that is another one. */
  version: Schema.optionalKey(Schema.Int)
}) {
  /** Printed, it has no key: that may be somebody's number. */
  override toJSON(): unknown {
    const { _tag, callId, flow } = this
    return { _tag, callId, flow }
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.stack ?? this.message
  }
  override get message() {
    const began = this.version === undefined ? "" : `in version ${this.version} and `
    return `This key of the flow ${this.flow} is that of call ${this.callId}, which began ${began}with another input. ` +
      "Take another key, or the handle of that call"
  }
}

/**
 * The key is that of a call that was over and has been pruned, and it is remembered that there was one. Nothing was started, and
 * nobody is rung: what was done once under this key is not done again.
 *
 * @since 0.1.0
 */
export class KeyPruned extends Schema.TaggedError<KeyPruned>()("KeyPruned", {
  flow: Schema.String,
  callId: CallId,
  /** When the call was over, in milliseconds since 1970. */
  endedAt: Schema.Finite
}) {
  override get message() {
    return `This key of the flow ${this.flow} is that of call ${this.callId}, which was over at ` +
      `${new Date(this.endedAt).toISOString()} and has been pruned. To call again, take another key`
  }
}

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

/**
 * A signal was refused and not recorded: the flow does not declare it, the value does not fit its schema, too many wait that the
 * flow does not wait for, or it cannot be recorded. `problem` says which, never the value.
 *
 * @since 0.1.0
 */
export class SignalRejected extends Schema.TaggedError<SignalRejected>()("SignalRejected", {
  callId: CallId,
  signal: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `Call ${this.callId} does not take the signal ${this.signal}. ${this.problem}`
  }
}
