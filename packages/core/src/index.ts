/**
 * Phone calls as event-sourced aggregates: flows as values, pure reducers, durable engine.
 *
 * @since 0.1.0
 */

// What is said and heard.
export * as Action from "./Action.ts"
export * as CallEvent from "./CallEvent.ts"
export * as PhoneNumber from "./PhoneNumber.ts"
export * as Prompt from "./Prompt.ts"
export * as Webhook from "./Webhook.ts"

// Conversations as values.
export * as Flow from "./Flow.ts"
export * as Line from "./Line.ts"
export * as Request from "./Request.ts"
export * as Step from "./Step.ts"

// A call, decided purely.
export * as Call from "./Call.ts"
export * as CallInput from "./CallInput.ts"
export * as CallLine from "./CallLine.ts"
export * as CallTrace from "./CallTrace.ts"
export * as Decider from "./Decider.ts"
export * as Explain from "./Explain.ts"
export * as FlowDrawing from "./FlowDrawing.ts"
export * as Ladder from "./Ladder.ts"
export * as LiveCall from "./LiveCall.ts"
export * as Replay from "./Replay.ts"
export * as Settings from "./Settings.ts"
export * as Silence from "./Silence.ts"

// The engine and what it needs.
export * as CallError from "./CallError.ts"
export * as CallMetrics from "./CallMetrics.ts"
export * as Calls from "./Calls.ts"
export * as EventStore from "./EventStore.ts"
export * as Reply from "./Reply.ts"
export * as SqlEventStore from "./SqlEventStore.ts"
export * as Transport from "./Transport.ts"
export * as Witness from "./Witness.ts"

// What people look at.
export * as CallIndex from "./CallIndex.ts"
export * as CallTelemetry from "./CallTelemetry.ts"
export * as EventLog from "./EventLog.ts"
export * as Retention from "./Retention.ts"
