/**
 * The routes on which Telesign reports what happens to calls, and on which each report gets its answer.
 *
 * @since 0.1.0
 */
import { type CallEvent, Calls, CallTrace } from "@ringback/core"
import { ByteSize, Context, Effect, Exit, Tracer } from "effect"
import type { Layer, Scope } from "effect"
import { HttpEffect, HttpIncomingMessage, HttpMiddleware, HttpRouter, HttpServerResponse } from "effect/http"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import type * as Admission from "./internal/admission.ts"
import * as Answering from "./internal/answering.ts"
import * as NodeHttp from "./internal/nodeHttp.ts"
import type * as TelesignAuth from "./TelesignAuth.ts"
import type * as TelesignWire from "./TelesignWire.ts"

/**
 * An own way to tell whether a webhook comes from Telesign, by its headers and its body as it came: such as the certificate that
 * a proxy in front has checked, or a secret that it adds.
 *
 * @since 0.1.0
 */
export type Verifier<R = never> = Admission.Verifier<R>

/**
 * How webhooks are verified.
 *
 * - `"required"`, the default: each has to be signed with a key of the account (`TelesignAuth.Account`). That Voice signs its
 *   events follows from two pages of the documents together ("Authenticate callbacks", "Transaction Callback Service").
 * - `"if signed"`: a wrong signature is refused, a missing one is taken, with a warning that counts. To find out whether an
 *   account signs, and no longer: it keeps nobody out.
 * - `"none"`: nothing is checked, with a warning at the start. Whoever finds the address can have calls answered, and whoever
 *   knows an id of a call can hear it, steer it and end it.
 * - a `Verifier` of the program.
 *
 * @since 0.1.0
 */
export type Verification<R = never> = Admission.Verification<R>

/**
 * What a way to verify webhooks needs: the account, nothing, or what a `Verifier` of the program needs.
 *
 * @since 0.1.0
 */
export type Needs<V> = V extends "none" ? never : V extends Verifier<infer R> ? R : TelesignAuth.Account

/**
 * How a way to verify webhooks cannot be set up: without a key that is one.
 *
 * @since 0.1.0
 */
export type Fails<V> = V extends "none" | Verifier<infer _> ? never : TelesignAuth.InvalidApiKey

/**
 * Where and how webhooks come in.
 *
 * @stability unstable
 * @since 0.1.0
 */
export interface Options<V extends Verification<unknown> = Verification> extends TelesignWire.Options {
  /**
   * The path of the URL that Telesign was told to report to. It may hold a secret, such as `/telesign/${secret}`, beside
   * signatures or in place of them; then keep it out of access logs.
   */
  readonly path: HttpRouter.PathInput
  /** How webhooks are verified: by a signature that is `"required"`. */
  readonly verify?: V | undefined
  /** The longest body that is read, 64 KiB by default. */
  readonly maxBodySize?: ByteSize.Input | undefined
}

/**
 * The route for webhooks, for the `HttpRouter` that an application already has. Of `Calls` it uses
 * `receiveUnsafe` only.
 *
 * The answer to an event is 200 with one action or, where there is nothing to do, `{}`. It comes after the event is
 * durable. Events and fields that are not known go the same way. Anything else:
 *
 * | what comes in | answer |
 * | --- | --- |
 * | a signature that is missing, wrong, malformed or doubled | 401 |
 * | more than `maxBodySize` | 413 |
 * | no JSON, whatever its content type, or no event: no `event`, no `reference_id` | 400 |
 * | an event that the store cannot record in time, where no hold would help | 503 and `{}` |
 *
 * **503**: what was not recorded must not be acted on, for nobody would remember it after a crash. While the store is late,
 * whoever waits on a line hears a hold (see `Calls.receive`); other events get 503. A carrier that takes anything but 200
 * for a failure, as Telesign's SMS callbacks do, delivers again and is then answered.
 *
 * An event is recorded even if the carrier hangs up the connection meanwhile. The engine learns that the server took the
 * answer; by `TelesignNode`, that the connection took the whole of it.
 *
 * The address is one: other spellings of `path` (another case, a trailing slash, `//`, an encoded letter) are 404, for they would
 * pass by what a proxy allows by path. So is a request that wants a WebSocket. Middleware sees and changes the answer as that of any route.
 *
 * Requests of webhooks leave no access log (`HttpMiddleware.logger`): what is to be known of them the engine says.
 *
 * Where requests have spans, that of a webhook is linked to the trace of its call (`CallTrace`), with the id as `ringback.call`.
 *
 * Each webhook counts in the metric `ringback_webhooks_total`, by `event` and `result`. Whom it refuses the log tells, of each kind
 * at once and then once a minute at most.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const layer = <const V extends Verification<unknown> = "required">(
  options: Options<V>
): Layer.Layer<never, Fails<V>, HttpRouter.HttpRouter | Calls.Calls | Needs<V>> =>
  HttpRouter.use((router) =>
    Effect.flatMap(route(options as Options), (handle) => router.add("POST", options.path, handle))
  ) as Layer.Layer<never, Fails<V>, HttpRouter.HttpRouter | Calls.Calls | Needs<V>>

// The route

type Request = HttpServerRequest.HttpServerRequest

type Response = HttpServerResponse.HttpServerResponse

const route = Effect.fnUntraced(function*(options: Options) {
  const calls = yield* Calls.Calls
  const { answer, limit } = yield* Answering.make(calls.receiveUnsafe, options)
  const reading = { bytes: ByteSize.bytes(limit), read: NodeHttp.reader(limit) }

  /** An event is recorded and answered even if nobody waits for the answer any more. Then the engine learns that it was not heard. */
  const answered = (
    request: Request,
    body: Answering.Body | Answering.Unread
  ): Effect.Effect<Response, never, Scope.Scope> =>
    Effect.uninterruptible(Effect.flatMap(
      Effect.callback<Answering.Answer>((resume) =>
        answer(() => NodeHttp.withAllOf(request.headers, request.source), body, (answer) =>
          resume(Effect.succeed(answer)))
      ),
      respond
    ))

  return (request: Request): Effect.Effect<Response, never, Scope.Scope> =>
    Answering.isAt(options.path, NodeHttp.cameTo(request.url, request.source)) &&
      !Answering.isSocket(request.headers["upgrade"])
      ? unlogged(Effect.flatMap(bodyOf(request, reading), (body) => answered(request, body)))
      : Effect.succeed(HttpServerResponse.empty({ status: 404 }))
})

/** What is worth a line of the log the engine says. A line for each request would hide it. */
const unlogged = <A, E, R>(handled: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  HttpMiddleware.withLoggerDisabled(handled) as Effect.Effect<A, E, R> // the request is in the fiber that asks

/** By `request.arrayBuffer` a body costs more than all that a server does with a request besides. */
const bodyOf = (
  request: Request,
  { bytes, read }: { readonly bytes: ByteSize.ByteSize; readonly read: NodeHttp.Read }
): Effect.Effect<Answering.Body | Answering.Unread> => {
  const source = NodeHttp.sourceOf(request.source)
  if (source !== undefined) return Effect.callback((resume) => read(source, (body) => resume(Effect.succeed(body))))
  return request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, bytes),
    Effect.match({ onFailure: whyUnread, onSuccess: (buffer) => new Uint8Array(buffer) })
  )
}

/** The span of the request and the trace of the call find each other. */
const link = (span: Tracer.AnySpan | undefined, call: CallEvent.CallId): void => {
  if (span?._tag !== "Span") return
  span.attribute("ringback.call", call)
  span.addLinks([{ span: Tracer.externalSpan(CallTrace.ofCall(call)), attributes: {} }])
}

const whyUnread = ({ reason }: HttpServerError.HttpServerError): Answering.Unread =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "too_large" : "unreadable"

/**
 * Gives the answer to the server, and tells, once, what became of it. The scope of a request closes when the server has taken
 * the answer, or when there will be none; another status is not our answer.
 */
const respond = (
  { call, headers, sent, status, text }: Answering.Answer
): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    let isTaken = false
    if (call !== undefined) link(Context.getOrUndefined(fiber.context, Tracer.ParentSpan), call)
    // Whoever is gone has interrupted the request, which shows where it may be interrupted.
    HttpEffect.appendPreResponseHandlerUnsafe(
      fiber.context,
      (_, response) =>
        Effect.map(Effect.exit(Effect.interruptible(Effect.void)), (exit) => {
          isTaken = Exit.isSuccess(exit) && response.status === 200
          return response
        })
    )
    return Effect.as(
      Effect.addFinalizer((exit) => Effect.sync(() => sent(Exit.isSuccess(exit) && isTaken))),
      HttpServerResponse.text(text, { status, headers })
    )
  })
