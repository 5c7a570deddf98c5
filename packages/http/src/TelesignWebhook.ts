/**
 * The routes on which Telesign reports what happens to calls, and on which each report gets its answer.
 *
 * @since 0.1.0
 */
import type { Calls } from "@ringback/core"
import { ByteSize, Effect, Exit, Latch, Layer } from "effect"
import type { Scope } from "effect"
import { HttpEffect, HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import type * as Admission from "./internal/admission.ts"
import * as Desk from "./internal/desk.ts"
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
 * An event is recorded even if the carrier hangs up the connection meanwhile. On Node over HTTP/1.1 the engine learns
 * whether the connection took the whole answer; on other servers, that the server took it.
 *
 * Middleware sees and changes the answer as that of any route. Only a pre-response handler that is registered after the
 * route has run comes too late.
 *
 * Each webhook counts in the metric `ringback_webhooks`, by `event` and `result`. Whom it refuses the log tells, of each kind
 * at once and then once a minute at most.
 *
 * @since 0.1.0
 */
export const layer = <const V extends Verification<unknown> = "required">(
  options: Options<V>
): Layer.Layer<never, Fails<V>, HttpRouter.HttpRouter | Calls.Calls | Needs<V>> =>
  HttpRouter.use((router) =>
    Effect.flatMap(routeHandler(options as Options), (handle) => router.add("POST", options.path, handle))
  ) as Layer.Layer<never, Fails<V>, HttpRouter.HttpRouter | Calls.Calls | Needs<V>>

/**
 * The part of a `Server` of `node:http` or `node:https` that `layerNode` needs.
 *
 * @since 0.1.0
 */
export interface NodeServer extends NodeHttp.Server {}

/**
 * Takes the webhooks of a Node server before anything else that listens to it: an Express or Fastify application, or an
 * `HttpRouter` served by `NodeHttpServer.layer(() => server, ...)`, which get all other requests. The answers are those of
 * `layer`, and so is the metric. As there is no router on the way, there are a tenth to a quarter more turns a second
 * (`bench/README.md`), and no middleware, access log or span of a request. A defect is logged, and answered with 500.
 *
 * `path` is compared as it stands, with no parameters or wildcards. Requests over HTTP/2 are left to the others.
 *
 * When the layer closes it takes nothing new, and waits until all that it has read is answered.
 *
 * ```ts
 * const server = createServer()
 * const Server = HttpRouter.serve(Routes).pipe(
 *   Layer.provide(TelesignWebhook.layerNode(server, { path: "/telesign/events" })),
 *   Layer.provide(NodeHttpServer.layer(() => server, { port: 3000 })),
 *   Layer.provideMerge(CallsLive)
 * )
 * ```
 *
 * @since 0.1.0
 */
export const layerNode = <const V extends Verification<unknown> = "required">(
  server: NodeServer,
  options: Options<V>
): Layer.Layer<never, Fails<V>, Calls.Calls | Needs<V>> =>
  Layer.effectDiscard(Effect.flatMap(nodeHandler(options as Options), ({ idle, take }) =>
    Effect.acquireRelease(
      Effect.sync(() => NodeHttp.intercept(server, take)),
      (undo) => Effect.andThen(Effect.sync(undo), idle)
    ))) as Layer.Layer<never, Fails<V>, Calls.Calls | Needs<V>>

// The route

type Request = HttpServerRequest.HttpServerRequest

type Response = HttpServerResponse.HttpServerResponse

/** An event is recorded and answered even if nobody waits for the answer any more. Then the engine learns that it was not heard. */
const routeHandler = Effect.fnUntraced(function*(options: Options) {
  const desk = yield* Desk.make(options)
  const limit = bodyLimit(options)
  const read = NodeHttp.reader(Number(limit))

  /** With one suspension for both, and no more: every webhook on Node comes by here. */
  const readAndAsk = (request: Request, source: NodeHttp.Source): Effect.Effect<Response, never, Scope.Scope> =>
    Effect.callback((resume) => {
      let isWaiting = true
      read(source, (body) => {
        if (typeof body === "string") return resume(Effect.succeed(toResponse(desk.reject(body))))
        desk.ask(() => request.headers, body, (answer) => {
          if (isWaiting) resume(respond(request, answer))
          else answer.sent(false)
        })
      })
      return Effect.sync(() => {
        isWaiting = false
      })
    })

  const ask = (request: Request, body: Desk.Body | Desk.Rejection): Effect.Effect<Response, never, Scope.Scope> => {
    if (typeof body === "string") return Effect.succeed(toResponse(desk.reject(body)))
    const answer = Effect.callback<Desk.Answer>((resume) =>
      desk.ask(() => request.headers, body, (answer) => resume(Effect.succeed(answer)))
    )
    return Effect.uninterruptible(Effect.flatMap(answer, (answer) => respond(request, answer)))
  }

  return (request: Request): Effect.Effect<Response, never, Scope.Scope> => {
    const source = nodeSource(request)
    if (source !== undefined) return readAndAsk(request, source)
    return Effect.flatMap(readWhole(request, limit), (body) => ask(request, body))
  }
})

const bodyLimit = ({ maxBodySize = "64 KiB" }: Options): ByteSize.ByteSize => ByteSize.fromInputUnsafe(maxBodySize)

const readWhole = (request: Request, limit: ByteSize.ByteSize): Effect.Effect<Desk.Body | Desk.Rejection> =>
  request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, limit),
    Effect.match({ onFailure: readError, onSuccess: (buffer) => new Uint8Array(buffer) })
  )

const readError = ({ reason }: HttpServerError.HttpServerError): Desk.Rejection =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "too_large" : "unreadable"

/**
 * Node's own request, from which the body is read with nothing in between: by `request.arrayBuffer` that costs more than all
 * that the server does with a request besides. Only if the body is still whole, its sender does not wait to be asked for
 * it, and it is not encoded: a middleware that decompresses gives the request another body, not the source.
 */
const nodeSource = (request: Request): NodeHttp.Source | undefined => {
  if (!NodeHttp.isRequest(request.source)) return undefined
  const source = request.source as unknown as NodeHttp.Source & {
    readonly destroyed?: boolean
    readonly readableDidRead?: boolean
    readonly headers: { readonly [name: string]: unknown }
  }
  const isWhole = source.readableDidRead === false && source.destroyed === false
  const isPlain = source.headers["expect"] === undefined && source.headers["content-encoding"] === undefined
  return isWhole && isPlain ? source : undefined
}

const nodeResponse = (request: Request): NodeHttp.Response | undefined => {
  const { response } = request as { readonly response?: NodeHttp.Response }
  return NodeHttp.isRequest(request.source) && typeof response?.on === "function" ? response : undefined
}

const toResponse = ({ status, text }: Desk.Answer): Response =>
  HttpServerResponse.text(text, { status, contentType: "application/json" })

/** Gives the answer to the server, and tells, once, whether the carrier's connection took the whole of it. */
const respond = (request: Request, answer: Desk.Answer): Effect.Effect<Response, never, Scope.Scope> => {
  const response = nodeResponse(request)
  // The scope of a request closes when the server has taken the answer, or when there will be none.
  if (response === undefined) {
    return Effect.as(
      Effect.addFinalizer((exit) => Effect.sync(() => answer.sent(Exit.isSuccess(exit)))),
      toResponse(answer)
    )
  }
  if (response.destroyed) {
    answer.sent(false)
    return Effect.succeed(toResponse(answer))
  }
  NodeHttp.onWritten(response, answer.sent)
  return inOnePiece(response, toResponse(answer))
}

/**
 * Has an answer leave in one write of head and body, which saves a tenth of what a webhook costs beside the engine: Node can
 * do that from version 24 on, but not under `strictContentLength`, which Effect's server sets.
 *
 * So the answer is written here, at the last moment that Effect gives to a route: after what may change it on its way, and
 * before the server, which leaves alone what has ended. One that was changed is left to the server.
 */
const inOnePiece = (
  response: NodeHttp.Response,
  answer: Response
): Effect.Effect<Response> =>
  Effect.withFiber((fiber) => {
    HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, (_, last) => {
      if (last === answer && last.body._tag === "Uint8Array" && !response.destroyed && !response.headersSent) {
        response.writeHead(last.status, last.headers)
        response.end(last.body.text ?? last.body.body)
      }
      return Effect.succeed(last)
    })
    return Effect.succeed(answer)
  })

// Node's server

/** Makes what takes webhooks from a Node server, and what waits until all that it took are answered. */
const nodeHandler = Effect.fnUntraced(function*(options: Options) {
  const desk = yield* Desk.make(options)
  const read = NodeHttp.reader(Number(bodyLimit(options)))
  const latch = yield* Latch.make(true)
  let underWay = 0

  const write = (response: NodeHttp.Response, answer: Desk.Answer) => {
    if (response.destroyed || response.headersSent) return answer.sent(false)
    NodeHttp.onWritten(response, answer.sent)
    response.statusCode = answer.status
    response.setHeader("content-type", "application/json")
    response.end(answer.text)
  }
  const ask = (request: NodeHttp.Request, response: NodeHttp.Response, body: Desk.Body) => {
    if (++underWay === 1) latch.closeUnsafe()
    desk.ask(() => request.headers, body, (answer) => {
      write(response, answer)
      if (--underWay === 0) latch.openUnsafe()
    })
  }
  const take: NodeHttp.Take = (request, response) => {
    if (request.method !== "POST" || pathOf(request) !== options.path || !NodeHttp.isRequest(request)) return false
    read(request, (body) => {
      if (typeof body === "string") write(response, desk.reject(body))
      else ask(request, response, body)
    })
    return true
  }
  return { take, idle: latch.await }
})

const pathOf = ({ url = "" }: NodeHttp.Request): string => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}
