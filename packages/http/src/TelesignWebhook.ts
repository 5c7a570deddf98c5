/**
 * The routes on which Telesign reports what happens to calls, and on which each report gets its answer.
 *
 * @since 0.1.0
 */
import { Calls } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import { ByteSize, Effect, Exit, Metric, Result } from "effect"
import type { Context, Layer, Redacted, Scope } from "effect"
import { HttpEffect, HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import * as TelesignAuth from "./TelesignAuth.ts"
import * as TelesignWire from "./TelesignWire.ts"

/**
 * Where and how webhooks come in.
 *
 * @since 0.1.0
 */
export interface Options extends TelesignWire.Options {
  /** The path of the URL that Telesign was told to report to. */
  readonly path: HttpRouter.PathInput
  /**
   * Checks signatures with the API key. A wrong one is always refused; a missing one only if a signature is `required`,
   * because it is not documented that Voice signs its events ("Authenticate callbacks" speaks of callbacks in general).
   * Require it as soon as you have seen one.
   */
  readonly verify?: { readonly apiKey: Redacted.Redacted; readonly required: boolean } | undefined
  /** The longest body that is read, 64 KiB by default. */
  readonly maxBodySize?: ByteSize.Input | undefined
}

/**
 * The route for webhooks, for the `HttpRouter` that an application already has. Of `Calls` it uses `receive` only.
 *
 * The answer to an event is 200 with one action or, where there is nothing to do, `{}`. It comes after the event is
 * durable. Events and fields that are not known go the same way. Anything else:
 *
 * | what comes in | answer |
 * | --- | --- |
 * | a signature that is wrong, or missing though required | 401 |
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
 * Each webhook counts in the metric `ringback_webhooks`, by `event` and `result`.
 *
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<never, TelesignAuth.InvalidApiKey, HttpRouter.HttpRouter | Calls.Calls> =>
  HttpRouter.use((router) => Effect.flatMap(handler(options), (handle) => router.add("POST", options.path, handle)))

type Request = HttpServerRequest.HttpServerRequest

type Response = HttpServerResponse.HttpServerResponse

// A webhook is paid for in garbage as much as in steps. So on its way it passes values, not errors, and what can be made
// once is made with the layer.

const handler = Effect.fnUntraced(function*(options: Options) {
  const calls = yield* Calls.Calls
  const context = yield* Effect.context<never>()
  const read = reader(options)
  const isTrusted = options.verify === undefined ? undefined : yield* verifier(options.verify)
  const count = counter(context)
  const answer = answerer(calls, options, count, Effect.runForkWith(context))

  const rejected = (rejection: Rejection) => {
    count("unread", rejection)
    return Effect.succeed(rejections[rejection])
  }
  const decoded = (request: Request, body: Body) => {
    const webhook = decode(body)
    return typeof webhook === "string" ? rejected(webhook) : answer(request, webhook)
  }
  return (request: Request) =>
    Effect.flatMap(read(request), (body) => {
      if (typeof body === "string") return rejected(body)
      if (isTrusted === undefined) return decoded(request, body)
      return Effect.flatMap(
        isTrusted(request, body),
        (trusted) => trusted ? decoded(request, body) : rejected("unauthorized")
      )
    })
})

// Reading

const json = (status: number, body: object) => HttpServerResponse.jsonUnsafe(body, { status })

const rejections = {
  unauthorized: json(401, { error: "The signature is missing or wrong" }),
  too_large: json(413, { error: "The body is too large" }),
  unreadable: json(400, { error: "The body could not be read" }),
  not_json: json(400, { error: "The body is not JSON" }),
  not_an_event: json(400, { error: "The body is not an event: it needs event and reference_id" })
}

type Rejection = keyof typeof rejections

type Body = Uint8Array<ArrayBuffer>

/** Makes what reads the body of a request, or tells why there is none. */
const reader = ({ maxBodySize = "64 KiB" }: Options) => {
  const limit = ByteSize.fromInputUnsafe(maxBodySize)
  const bytes = Number(limit)
  const inTurn = stepByStep()
  return (request: Request): Effect.Effect<Body | Rejection> => {
    const source = nodeSource(request)
    if (source !== undefined) return nodeBody(source, bytes, inTurn)
    return request.arrayBuffer.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, limit),
      Effect.match({ onFailure: readError, onSuccess: (buffer) => new Uint8Array(buffer) })
    )
  }
}

const readError = ({ reason }: HttpServerError.HttpServerError): Rejection =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "too_large" : "unreadable"

/**
 * Reads the body from Node's own request, with nothing in between: reading it by `request.arrayBuffer` costs more than
 * all that the server does with a request besides. Whoever stops waiting for it need not say so, for what still comes is
 * taken up to the limit and then let go; the server sees to the connection.
 */
const nodeBody = (source: NodeSource, limit: number, inTurn: InTurn): Effect.Effect<Body | Rejection> =>
  Effect.callback((resume) => {
    const chunks: Array<Body> = []
    let size = 0
    let isWhole = false
    const take = (chunk: Body) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= limit) return
      source.off("data", take)
      resume(Effect.succeed("too_large"))
    }
    source.on("data", take)
    source.on("end", () => {
      isWhole = true
      inTurn(() => resume(Effect.succeed(joined(chunks, size))))
    })
    source.on("close", () => isWhole || resume(unreadable))
  })

type InTurn = (task: () => void) => void

/**
 * Makes what runs tasks when the event loop has read all that came in together. So all bodies are read first and then all
 * events are decided on, which is a fifth faster than one request after another: the processor has the code of one step at
 * hand, but not that of all. Effect's own dispatcher does the same, but gave three quarters of the turns a second.
 */
const stepByStep = (): InTurn => {
  const waiting: Array<() => void> = []
  const runAll = () => {
    for (const task of waiting.splice(0)) task()
  }
  return (task) => {
    if (waiting.push(task) === 1) setImmediate(runAll)
  }
}

const unreadable = Effect.succeed("unreadable" as const)

const joined = (chunks: ReadonlyArray<Body>, size: number): Body => {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** Makes what tells whether a body is signed as it should be. */
const verifier = Effect.fnUntraced(function*({ apiKey, required }: NonNullable<Options["verify"]>) {
  const auth = yield* TelesignAuth.make(apiKey)
  return (request: Request, body: Body) =>
    Effect.map(
      auth.verify(request.headers, body),
      (verdict) => verdict === "valid" || (verdict === "missing" && !required)
    )
})

const decoder = new TextDecoder()

const decode = (body: Body): Webhook.Webhook | Rejection => {
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(body))
  } catch {
    return "not_json"
  }
  const webhook = TelesignWire.decodeWebhook(parsed)
  return Result.isSuccess(webhook) ? webhook.success : "not_an_event"
}

// Answering

const nothing = json(200, {})

const unavailable = json(503, {})

const hangup = json(200, { method: "hangup", params: {} })

/** Makes what hands an event to the engine, and its reply to the server. */
const answerer = (calls: Calls.Calls["Service"], options: Options, count: Count, fork: Fork) => {
  const respond = (request: Request, webhook: Webhook.Webhook, { action, sent }: Calls.Reply) => {
    if (action === undefined) {
      count(webhook.event, "nothing")
      return written(request, nothing, sent, fork)
    }
    const envelope = TelesignWire.encodeAction(action, options)
    if (Result.isSuccess(envelope)) {
      count(webhook.event, "action")
      return written(request, json(200, envelope.success), sent, fork)
    }
    // Nobody could steer the line after no answer, so the callee is not kept on it.
    count(webhook.event, "unsayable")
    return Effect.logError(`A call is hung up. ${envelope.failure.message}`).pipe(
      Effect.andThen(sent(false)),
      Effect.as(hangup)
    )
  }
  return (request: Request, webhook: Webhook.Webhook) =>
    Effect.uninterruptible(
      Effect.matchEffect(calls.receive(webhook), {
        onFailure: (error) => {
          count(webhook.event, "unavailable")
          return Effect.as(Effect.logError(`A webhook was not recorded. ${error.message}`), unavailable)
        },
        onSuccess: (reply) => respond(request, webhook, reply)
      })
    )
}

// What became of an answer

/** Runs what follows an answer, for which nobody waits. */
type Fork = (effect: Effect.Effect<void>) => unknown

/** Gives the answer to the server, and tells the engine, once, whether the carrier's connection took the whole of it. */
const written = (
  request: Request,
  answer: Response,
  sent: Calls.Reply["sent"],
  fork: Fork
): Effect.Effect<Response, never, Scope.Scope> => {
  const response = nodeResponse(request)
  // The scope of a request closes when the server has taken the answer, or when there will be none.
  if (response === undefined) return Effect.as(Effect.addFinalizer((exit) => sent(Exit.isSuccess(exit))), answer)
  if (response.destroyed) return Effect.as(sent(false), answer)
  let isTold = false
  const tell = (whole: boolean) => {
    if (isTold) return
    isTold = true
    fork(sent(whole))
  }
  // Another status is not our answer: the server gave up, or something between changed it.
  response.on("finish", () => tell(response.statusCode === 200))
  response.on("close", () => tell(false))
  return inOnePiece(response, answer)
}

/**
 * Has an answer leave in one write of head and body, which saves a tenth of what a webhook costs beside the engine: Node can
 * do that from version 24 on, but not under `strictContentLength`, which Effect's server sets.
 *
 * So the answer is written here, at the last moment that Effect gives to a route: after what may change it on its way, and
 * before the server, which leaves alone what has ended. One that was changed is left to the server.
 */
const inOnePiece = (response: NodeResponse, answer: Response): Effect.Effect<Response> =>
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

// Node's requests and responses are found by their shape, so that other servers need no Node. Only those of HTTP/1.1 are
// looked at: over HTTP/2 Node says `finish` even of an answer that was cut off.

/** The part of Node's `IncomingMessage` that gives the body. */
interface NodeSource {
  readonly on: (event: "data" | "end" | "close", listener: (chunk: Body) => void) => unknown
  readonly off: (event: "data", listener: (chunk: Body) => void) => unknown
}

/** The part of Node's `ServerResponse` that writes the answer, and shows whether it was written. */
interface NodeResponse {
  readonly destroyed: boolean
  readonly headersSent: boolean
  readonly statusCode: number
  readonly writeHead: (status: number, headers: { readonly [name: string]: string }) => unknown
  readonly end: (body: string | Uint8Array) => unknown
  readonly on: (event: "finish" | "close", listener: () => void) => unknown
}

const isNode = ({ source }: Request): boolean =>
  (source as { readonly httpVersionMajor?: number }).httpVersionMajor === 1

/**
 * The body, if it is still whole, its sender does not wait to be asked for it, and it is not encoded: a middleware that
 * decompresses gives the request another body, not the source.
 */
const nodeSource = (request: Request): NodeSource | undefined => {
  if (!isNode(request)) return undefined
  const source = request.source as NodeSource & {
    readonly destroyed?: boolean
    readonly readableDidRead?: boolean
    readonly headers: { readonly [name: string]: unknown }
  }
  const isWhole = source.readableDidRead === false && source.destroyed === false
  const isPlain = source.headers["expect"] === undefined && source.headers["content-encoding"] === undefined
  return isWhole && isPlain ? source : undefined
}

const nodeResponse = (request: Request): NodeResponse | undefined => {
  const { response } = request as { readonly response?: NodeResponse }
  return isNode(request) && typeof response?.on === "function" ? response : undefined
}

// Counting

const knownEvents = [
  "incoming_call",
  "dial_completed",
  "speak_completed",
  "play_completed",
  "call_leg_completed",
  "call_completed",
  "unread"
]

type Outcome = "action" | "nothing" | "unsayable" | "unavailable" | Rejection

type Count = (event: string, result: Outcome) => void

/** Makes what counts webhooks. Names that are not known share one label, so that nobody can fill the memory with metrics. */
const counter = (context: Context.Context<never>): Count => {
  const known = new Map(knownEvents.map((event) => [event, countersOf(event)]))
  const others = countersOf("other")
  return (event, result) => (known.get(event) ?? others)(result).updateUnsafe(1, context)
}

const countersOf = (event: string) => {
  const counters = new Map<Outcome, Metric.Counter<number>>()
  return (result: Outcome): Metric.Counter<number> => {
    const found = counters.get(result)
    if (found !== undefined) return found
    const made = Metric.counter("ringback_webhooks", {
      description: "Webhooks that came in, by event and by what became of them",
      attributes: { event, result },
      incremental: true
    })
    counters.set(result, made)
    return made
  }
}
