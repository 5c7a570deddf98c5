/**
 * The facts of a call and their stored form.
 *
 * Tags and fields are a file format: they are changed by an upcast in `decode`, never in place.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { Action } from "./Action.ts"
import * as Masked from "./internal/masked.ts"
import { PhoneNumber } from "./PhoneNumber.ts"

/**
 * The id of a call: 20 characters of `0-9 a-z` without `i l o u`. It is part of the `external_id` of every dial.
 *
 * @since 0.1.0
 */
export type CallId = typeof CallId.Type

/**
 * The codec of `CallId`.
 *
 * @since 0.1.0
 */
export const CallId = Schema.String.check(
  Schema.isPattern(/^[0-9a-hjkmnp-tv-z]{20}$/, { message: "Expected the id of a call" })
).pipe(Schema.brand("CallId"))

/**
 * Why a flow was stopped from outside.
 *
 * @since 0.1.0
 */
export type StopReason = typeof StopReason.Type

/**
 * The codec of `StopReason`: cancelled by the application, died of a defect in the flow, overdue because an activity
 * took too long, diverged because the flow that is deployed now disagrees with what the call recorded, or missing because
 * no process has registered the flow in this version for too long.
 *
 * @since 0.1.0
 */
export const StopReason = Schema.TaggedUnion({
  Cancelled: {},
  Defect: { message: Schema.String },
  Overdue: { activity: Schema.String },
  FlowDiverged: { at: Schema.Int, recorded: Schema.String, now: Schema.String },
  FlowMissing: { flow: Schema.String, version: Schema.Int }
})

/**
 * What stands in the way of dials, whoever is to be rung: the carrier does not accept the credentials, is not reached, or does
 * not take the number of ours that the dial is from.
 *
 * @since 0.1.0
 */
export const Obstacle = Schema.Literals(["credentials", "unreachable", "caller id"])

/**
 * What stands in the way of dials, whoever is to be rung.
 *
 * @since 0.1.0
 */
export type Obstacle = typeof Obstacle.Type

/**
 * The codec of how a flow ended: with its output, with an error of its own, or stopped. Values are in their stored form.
 *
 * @since 0.1.0
 */
export const Exit = Schema.TaggedUnion({
  Success: { value: Schema.Unknown },
  Failure: { error: Schema.Unknown },
  Stopped: { reason: StopReason }
})

/**
 * How a flow ended, in stored form.
 *
 * @since 0.1.0
 */
export type Exit = typeof Exit.Type

/**
 * Who steered a call from outside and why, for the record: a name of a person or a program, and their words. Neither is secret, so
 * numbers in them are masked wherever they are shown.
 *
 * @since 0.1.0
 */
export const By = Schema.Struct({ who: Schema.String, why: Schema.optionalKey(Schema.String) })

/**
 * Who steered a call from outside and why, for the record.
 *
 * @since 0.1.0
 */
export type By = typeof By.Type

const by = Schema.optionalKey(By)

const at = Schema.Finite
const line = Schema.Int
const n = Schema.Int
const content = Schema.String
const extra = Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
const number = Schema.toType(PhoneNumber)

/**
 * The codec of `CallEvent`.
 *
 * @since 0.1.0
 */
export const CallEvent = Schema.TaggedUnion({
  // How a call begins.
  CallStarted: {
    at,
    flow: Schema.String,
    version: Schema.Int,
    input: Schema.Unknown,
    key: Schema.optionalKey(Schema.String),
    /** It was started inside of a transaction: its flow begins when that is committed, in a turn of its own. */
    inTransaction: Schema.optionalKey(Schema.Literal(true))
  },
  CallArrived: {
    at,
    flow: Schema.String,
    version: Schema.Int,
    line,
    referenceId: Schema.String,
    externalId: Schema.optionalKey(Schema.String),
    to: Schema.optionalKey(Schema.String),
    from: Schema.optionalKey(Schema.String),
    content,
    extra
  },

  // What the flow decided. A replay makes these again and compares.
  DialPlanned: {
    at,
    n,
    line,
    to: number,
    from: number,
    ringForMillis: Schema.Finite,
    maxCallDurationSeconds: Schema.Int,
    sendDtmf: Schema.optionalKey(Schema.String),
    parameters: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
    evenIfUnknown: Schema.optionalKey(Schema.Boolean)
  },
  ActionDecided: { at, n, line, action: Action, goodbye: Schema.optionalKey(Schema.Boolean) },
  LineLeft: { at, line },
  SleepStarted: { at, n, until: Schema.Finite },
  ActivityStarted: { at, n, name: Schema.String, until: Schema.Finite },
  SignalAwaited: {
    at,
    n,
    name: Schema.String,
    until: Schema.Finite,
    heard: Schema.optionalKey(Schema.Boolean),
    unfit: Schema.optionalKey(Schema.Int)
  },
  DeadlineSet: { at, n, until: Schema.Finite },
  DeadlineLifted: { at, n },
  Drawn: { at, n, value: Schema.Finite },
  Noted: { at, n, name: Schema.String, data: Schema.Unknown },
  FlowEnded: { at, exit: Exit },

  // What became of a dial.
  DialHeld: { at, line, until: Schema.Finite },
  DialAttempted: { at, line, externalId: Schema.String, process: Schema.String },
  DialAccepted: { at, line, referenceId: Schema.String },
  // `notAuthorized` is of an early version: now such a dial is not sent, for the carrier may take it later.
  DialRefused: { at, line, status: Schema.String, notAuthorized: Schema.optionalKey(Schema.Literal(true)) },
  // Without `retryAt` and without `final` it is of an early version, which told the flow that the dial had failed.
  DialNotSent: {
    at,
    line,
    reason: Schema.String,
    throttled: Schema.optionalKey(Schema.Literal(true)),
    obstacle: Schema.optionalKey(Obstacle),
    retryAt: Schema.optionalKey(Schema.Finite),
    final: Schema.optionalKey(Schema.Literal(true))
  },
  DialUnknown: { at, line, reason: Schema.String },
  DialGivenUp: { at, line, reason: Schema.Literals(["no answer", "unknown"]) },

  // What the carrier reported of a line.
  CallAnswered: { at, line, referenceId: Schema.String, content, extra },
  LateAnswer: { at, line, referenceId: Schema.String, content, extra },
  DialFailed: {
    at,
    line,
    referenceId: Schema.String,
    status: Schema.String,
    reason: Schema.Literals(["busy", "no answer", "failed"]),
    content,
    extra
  },
  SecondLine: { at, line, referenceId: Schema.String },
  PromptCompleted: { at, line, n, digits: Schema.String, status: Schema.optionalKey(Schema.String), content, extra },
  HoldAnswered: { at, line, action: Action },
  HoldCompleted: { at, line, content, extra },
  LegAnswered: { at, line, content, extra },
  LegFailed: { at, line, status: Schema.optionalKey(Schema.String), content, extra },
  LegEnded: { at, line, leg: Schema.Literals(["them", "caller", "unknown"]), content, extra },
  CallEnded: {
    at,
    line,
    referenceId: Schema.String,
    status: Schema.optionalKey(Schema.String),
    durationSeconds: Schema.optionalKey(Schema.Finite),
    content,
    extra
  },
  Stray: { at, line, event: Schema.String, hungUp: Schema.Boolean, content, extra },
  ReplyBroken: { at, line },

  // What time brought.
  SettleElapsed: { at, line },
  LineSilent: { at, line },
  HoldExpired: { at, line },
  LinePresumedClosed: { at, line },
  SleepElapsed: { at, n },
  SignalExpired: { at, n },
  DeadlinePassed: { at, n },
  ActivityOverdue: { at, n, name: Schema.String },

  // What the application brought.
  ActivityCompleted: { at, n, ok: Schema.Boolean, value: Schema.Unknown },
  ActivityDied: { at, n, message: Schema.String },
  SignalReceived: { at, name: Schema.String, key: Schema.optionalKey(Schema.String), value: Schema.Unknown, by },
  Cancelled: { at, by },
  Restarted: {
    at,
    process: Schema.String,
    doubtful: Schema.Boolean,
    jumpedMillis: Schema.optionalKey(Schema.Finite)
  },

  // Between the two, facts are recorded by a process that has not registered the flow: it has not heard of them.
  FlowAwaited: { at },
  FlowResumed: { at }
})

/**
 * A fact of a call, in the past tense. `at` is the time in milliseconds since 1970, and never goes backwards in a call;
 * `line` numbers the lines of a call from 1; `n` numbers what the flow decided from 1.
 *
 * Plain data; an event that was decided or read prints without numbers, digits and words, as a whole and as JSON. Its fields are
 * whole, and so is what `encode` writes. What lies inside of it prints so by itself too in what `Calls.events` and `EventLog` give.
 *
 * @since 0.1.0
 */
export type CallEvent = typeof CallEvent.Type

/**
 * What the flow itself decided. All other events are facts that came from outside.
 *
 * @since 0.1.0
 */
export type Decision = Extract<
  CallEvent,
  {
    readonly _tag:
      | "DialPlanned"
      | "ActionDecided"
      | "LineLeft"
      | "SleepStarted"
      | "ActivityStarted"
      | "SignalAwaited"
      | "DeadlineSet"
      | "DeadlineLifted"
      | "Drawn"
      | "Noted"
      | "FlowEnded"
  }
>

/**
 * Tells a decision of the flow from a fact that came from outside.
 *
 * @since 0.1.0
 */
export const isDecision = (event: CallEvent): event is Decision => {
  switch (event._tag) {
    case "DialPlanned":
    case "ActionDecided":
    case "LineLeft":
    case "SleepStarted":
    case "ActivityStarted":
    case "SignalAwaited":
    case "DeadlineSet":
    case "DeadlineLifted":
    case "Drawn":
    case "Noted":
    case "FlowEnded":
      return true
    default:
      return false
  }
}

const Stored = Schema.Array(CallEvent)
const decodeStored = Schema.decodeUnknownResult(Stored)

/**
 * The stored form of the events of one append: a JSON array. It is whole, also for the events that `Calls.events` gives, which
 * else are masked as JSON.
 *
 * @since 0.1.0
 */
export const encode = (events: ReadonlyArray<CallEvent>): string => Masked.whole(() => JSON.stringify(events))

/**
 * An event as JSON that may be shown: numbers are masked, and digits, words, keys and values are left out.
 *
 * @since 0.1.0
 */
export const shown = (event: CallEvent): { readonly [field: string]: Schema.Json } => Masked.shown(event) as never

/**
 * Reads the stored form back. Throws a `SchemaError` or a `SyntaxError` if the text is not what `encode` wrote.
 *
 * @since 0.1.0
 */
export const decode = (text: string): ReadonlyArray<CallEvent> => {
  const result = decodeStored(JSON.parse(text))
  if (result._tag === "Failure") throw result.failure
  return result.success.map(Masked.from)
}
