/**
 * What can go wrong with a request to `CallsApi`, as problem details (RFC 9457). Each has a `type` of its own, which is what a program goes
 * by; `title` and `detail` are for people and may change. None shows a number, a digit, a word that was spoken or a value.
 *
 * @since 0.1.0
 */
import { CallEvent, type EventStore } from "@ringback/core"
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"

const type = <const Name extends string>(name: Name): `urn:ringback:problem:${Name}` => `urn:ringback:problem:${name}`

/** After how many seconds to ask again. The header `Retry-After` says the same. */
const retryAfterSeconds = Schema.Int

/**
 * The request cannot be read. `errors` names the places, never the values; nothing was done.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()("InvalidRequest", {
  type: type("invalid-request"),
  status: 400,
  title: "The request cannot be read"
}, { errors: Schema.Array(HttpApiError.ProblemIssue) }) {}

/**
 * There is no token, or not one that is known.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class NotAuthenticated extends HttpApiError.Problem<NotAuthenticated>()("NotAuthenticated", {
  type: type("not-authenticated"),
  status: 401,
  title: "The request has no token that is known"
}) {}

/**
 * The token does not allow this. `scope` is what it would have to have.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class NotPermitted extends HttpApiError.Problem<NotPermitted>()("NotPermitted", {
  type: type("not-permitted"),
  status: 403,
  title: "The token does not allow this"
}, { scope: Schema.String }) {}

/**
 * There is no endpoint at this path.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class NoSuchPath extends HttpApiError.Problem<NoSuchPath>()("NoSuchPath", {
  type: type("no-such-path"),
  status: 404,
  title: "There is nothing at this path"
}) {}

/**
 * There is an endpoint at this path, but not for this method. The header `Allow` names those that there are.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: type("method-not-allowed"),
  status: 405,
  title: "This path cannot be asked by this method"
}) {}

/**
 * There is no call of this id in the store.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class CallNotFound extends HttpApiError.Problem<CallNotFound>()("CallNotFound", {
  type: type("call-not-found"),
  status: 404,
  title: "There is no such call"
}) {}

/**
 * The application has not registered a flow of this name, or not in this version, or only as one that answers callers.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class FlowNotRegistered extends HttpApiError.Problem<FlowNotRegistered>()("FlowNotRegistered", {
  type: type("flow-not-registered"),
  status: 404,
  title: "No such flow can be started here"
}) {}

/**
 * The application gave no drawing of this flow.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class NoDrawing extends HttpApiError.Problem<NoDrawing>()("NoDrawing", {
  type: type("no-drawing"),
  status: 404,
  title: "There is no drawing of this flow"
}) {}

/**
 * A start under the same key is being carried out right now, and nobody knows yet what becomes of it. Ask again: then the answer is the
 * call, or that the key belongs to another input.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class StartInProgress extends HttpApiError.Problem<StartInProgress>()("StartInProgress", {
  type: type("start-in-progress"),
  status: 409,
  title: "A start under this key is in progress"
}, { retryAfterSeconds }) {}

/**
 * The place to go on from has not come yet in the order of all turns: it is of another store, or this one was restored from an earlier copy.
 * Asking again for it does not help: begin anew.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class PlaceUnknown extends HttpApiError.Problem<PlaceUnknown>()("PlaceUnknown", {
  type: type("place-unknown"),
  status: 409,
  title: "The place to go on from has not come yet"
}) {}

/**
 * The key is that of a call which began with another input. Nothing was started.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class KeyTaken extends HttpApiError.Problem<KeyTaken>()("KeyTaken", {
  type: type("key-taken"),
  status: 409,
  title: "The key is that of a call with another input"
}, { callId: CallEvent.CallId }) {}

/**
 * The key is that of a call which has been pruned. Nothing was started: what it did once it shall not do again.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class KeyPruned extends HttpApiError.Problem<KeyPruned>()("KeyPruned", {
  type: type("key-pruned"),
  status: 410,
  title: "The key is that of a call that has been pruned"
}, { callId: CallEvent.CallId, endedAt: Schema.Finite }) {}

/**
 * The body is over the limit.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class BodyTooLarge extends HttpApiError.Problem<BodyTooLarge>()("BodyTooLarge", {
  type: type("body-too-large"),
  status: 413,
  title: "The body is too large"
}) {}

/**
 * The body is not JSON by its `Content-Type`.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class NotJson extends HttpApiError.Problem<NotJson>()("NotJson", {
  type: type("not-json"),
  status: 415,
  title: "The body has to be application/json"
}) {}

/**
 * The input does not fit the flow's schema, or is over `Flow.maxValueBytes`. Nothing was started.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class InvalidInput extends HttpApiError.Problem<InvalidInput>()("InvalidInput", {
  type: type("invalid-input"),
  status: 422,
  title: "The flow does not take this input"
}) {}

/**
 * The call does not take this signal: its flow does not declare it, its value does not fit, or too many wait already. Nothing was recorded.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class SignalRejected extends HttpApiError.Problem<SignalRejected>()("SignalRejected", {
  type: type("signal-rejected"),
  status: 422,
  title: "The call does not take this signal"
}) {}

/**
 * Calls cannot be searched by number here: the store has no key for it.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class NumbersNotSearchable extends HttpApiError.Problem<NumbersNotSearchable>()("NumbersNotSearchable", {
  type: type("numbers-not-searchable"),
  status: 422,
  title: "Calls cannot be searched by number here"
}) {}

/**
 * The token has used up its requests for now, or what it may cost.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()("TooManyRequests", {
  type: type("too-many-requests"),
  status: 429,
  title: "Too many requests"
}, { retryAfterSeconds }) {}

/**
 * The token, or the whole server, has as many live streams open as it may.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class TooManyStreams extends HttpApiError.Problem<TooManyStreams>()("TooManyStreams", {
  type: type("too-many-streams"),
  status: 429,
  title: "Too many live streams are open"
}, { retryAfterSeconds }) {}

/**
 * Something failed that should not. The log says what.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class Unexpected extends HttpApiError.Problem<Unexpected>()("Unexpected", {
  type: type("unexpected"),
  status: 500,
  title: "Something failed that should not"
}) {}

/**
 * What is stored of this call cannot be read by this release. Asking again does not help.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class CallUnreadable extends HttpApiError.Problem<CallUnreadable>()("CallUnreadable", {
  type: type("call-unreadable"),
  status: 500,
  title: "What is stored of this call cannot be read"
}) {}

/**
 * The store did not do its work. `mayBeDone` tells whether what was asked for may be done all the same: a start is repeated under its key
 * then, and a signal under its.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class StoreUnavailable extends HttpApiError.Problem<StoreUnavailable>()("StoreUnavailable", {
  type: type("store-unavailable"),
  status: 503,
  title: "The store is not available"
}, { mayBeDone: Schema.Boolean, retryAfterSeconds }) {}

/**
 * All problems.
 *
 * @since 0.1.0
 */
export const all = [
  InvalidRequest,
  NotAuthenticated,
  NotPermitted,
  NoSuchPath,
  MethodNotAllowed,
  CallNotFound,
  FlowNotRegistered,
  NoDrawing,
  StartInProgress,
  PlaceUnknown,
  KeyTaken,
  KeyPruned,
  BodyTooLarge,
  NotJson,
  InvalidInput,
  SignalRejected,
  NumbersNotSearchable,
  TooManyRequests,
  TooManyStreams,
  Unexpected,
  CallUnreadable,
  StoreUnavailable
] as const

/**
 * Any of the problems.
 *
 * @since 0.1.0
 */
export type Problem = InstanceType<(typeof all)[number]>

/**
 * The problem that an error of the store is.
 *
 * @since 0.1.0
 */
export const fromStore = ({ operation, reason }: EventStore.StoreError): StoreUnavailable | CallUnreadable =>
  reason._tag === "Unreadable"
    ? new CallUnreadable({})
    : new StoreUnavailable({
      mayBeDone: operation === "write" && reason._tag !== "Busy" && reason._tag !== "Rejected",
      retryAfterSeconds: 2
    })

/**
 * The problem that an error of the log of all turns is.
 *
 * @since 0.1.0
 */
export const fromLog = (error: EventStore.StoreError): StoreUnavailable | CallUnreadable | PlaceUnknown =>
  error.reason._tag === "Rejected" ? new PlaceUnknown({}) : fromStore(error)
