/**
 * The routes on which Telesign reports what happens to calls, and on which each report gets its answer.
 *
 * @since 0.1.0
 */
import { Calls } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import { ByteSize, Effect, Exit, Metric, Predicate, Result } from "effect"
import type { Context, Layer, Redacted, Scope } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
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
 * Each webhook counts in the metric `ringback_webhooks`, by `event` and `result`.
 *
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<never, TelesignAuth.InvalidApiKey, HttpRouter.HttpRouter | Calls.Calls> =>
  HttpRouter.use((router) => Effect.flatMap(handler(options), (handle) => router.add("POST", options.path, handle)))

type Request = HttpServerRequest.HttpServerRequest

const handler = Effect.fnUntraced(function*(options: Options) {
  const calls = yield* Calls.Calls
  const read = yield* reader(options)
  const rejected = (rejection: Rejection) => Effect.as(count("unread", rejection), rejections[rejection])
  return (request: Request) =>
    Effect.matchEffect(read(request), {
      onFailure: rejected,
      onSuccess: (webhook) => Effect.uninterruptible(answer(calls, request, webhook, options))
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

/** Makes what turns a request into an event. */
const reader = Effect.fnUntraced(function*({ maxBodySize = "64 KiB", verify }: Options) {
  const limit = ByteSize.fromInputUnsafe(maxBodySize)
  const trusted = verify === undefined ? undefined : yield* verified(verify)
  return (request: Request): Effect.Effect<Webhook.Webhook, Rejection> => {
    const body = bodyOf(request, limit)
    return Effect.flatMap(
      trusted === undefined ? body : Effect.flatMap(body, (bytes) => trusted(request, bytes)),
      (bytes) => Effect.fromResult(decode(bytes))
    )
  }
})

/** Makes what lets a body pass that is signed as it should be. */
const verified = Effect.fnUntraced(function*({ apiKey, required }: NonNullable<Options["verify"]>) {
  const auth = yield* TelesignAuth.make(apiKey)
  return Effect.fnUntraced(function*(request: Request, body: Body) {
    const verdict = yield* auth.verify(request.headers, body)
    if (verdict === "valid" || (verdict === "missing" && !required)) return body
    return yield* Effect.fail("unauthorized" as const)
  })
})

const bodyOf = (request: Request, limit: ByteSize.ByteSize): Effect.Effect<Body, Rejection> => {
  const source = nodeSource(request)
  if (source !== undefined) return nodeBody(source, Number(limit))
  return request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, limit),
    Effect.mapBoth({ onFailure: readError, onSuccess: (buffer) => new Uint8Array(buffer) })
  )
}

const readError = ({ reason }: HttpServerError.HttpServerError): Rejection =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "too_large" : "unreadable"

/**
 * Reads the body from Node's own request, with nothing in between: reading it by `request.arrayBuffer` costs more than
 * all that the server does with a request besides.
 */
const nodeBody = (source: NodeSource, limit: number): Effect.Effect<Body, Rejection> =>
  Effect.callback((resume) => {
    const chunks: Array<Body> = []
    let size = 0
    const take = (chunk: Body) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= limit) return
      source.off("data", take) // What still comes is let go; the server sees to the connection.
      resume(Effect.fail("too_large"))
    }
    source.on("data", take)
    source.on("end", () => resume(Effect.succeed(joined(chunks, size))))
    source.on("close", () => resume(Effect.fail("unreadable")))
    return Effect.sync(() => void source.off("data", take))
  })

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

const decoder = new TextDecoder()

const decode = (body: Body): Result.Result<Webhook.Webhook, Rejection> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(body))
  } catch {
    return Result.fail("not_json")
  }
  return Result.mapError(TelesignWire.decodeWebhook(parsed), () => "not_an_event")
}

// Answering

const nothing = json(200, {})

const unavailable = json(503, {})

const hangup = json(200, { method: "hangup", params: {} })

const answer = (calls: Calls.Calls["Service"], request: Request, webhook: Webhook.Webhook, options: Options) =>
  Effect.matchEffect(calls.receive(webhook), {
    onFailure: (error) =>
      Effect.logError(`A webhook was not recorded. ${error.message}`).pipe(
        Effect.andThen(count(webhook.event, "unavailable")),
        Effect.as(unavailable)
      ),
    onSuccess: (reply) => respond(request, webhook, reply, options)
  })

const respond = (
  request: Request,
  webhook: Webhook.Webhook,
  reply: Calls.Reply,
  options: Options
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Scope.Scope> => {
  if (reply.action === undefined) return written(request, webhook, reply, "nothing", nothing)
  const envelope = TelesignWire.encodeAction(reply.action, options)
  if (Result.isSuccess(envelope)) return written(request, webhook, reply, "action", json(200, envelope.success))
  // Nobody could steer the line after no answer, so the callee is not kept on it.
  return Effect.logError(`A call is hung up. ${envelope.failure.message}`).pipe(
    Effect.andThen(reply.sent(false)),
    Effect.andThen(count(webhook.event, "unsayable")),
    Effect.as(hangup)
  )
}

const written = (
  request: Request,
  webhook: Webhook.Webhook,
  reply: Calls.Reply,
  result: Outcome,
  response: HttpServerResponse.HttpServerResponse
) => Effect.andThen(whenWritten(request, reply.sent), Effect.as(count(webhook.event, result), response))

// What became of an answer

/** Tells the engine, once, whether the carrier's connection took the whole answer. */
const whenWritten = (request: Request, sent: Calls.Reply["sent"]): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const response = nodeResponse(request)
    // The scope of a request closes when the server has taken the answer, or when there will be none.
    if (response === undefined) return Effect.addFinalizer((exit) => sent(Exit.isSuccess(exit)))
    if (response.destroyed) return sent(false)
    let isTold = false
    const tell = (whole: boolean) => {
      if (isTold) return
      isTold = true
      Effect.runForkWith(context)(sent(whole))
    }
    // Another status is not our answer: the server gave up, or something between changed it.
    response.on("finish", () => tell(response.statusCode === 200))
    response.on("close", () => tell(false))
    return Effect.void
  })

// Node's requests and responses are found by their shape, so that other servers need no Node. Only those of HTTP/1.1 are
// looked at: over HTTP/2 Node says `finish` even of an answer that was cut off.

/** The part of Node's `IncomingMessage` that gives the body. */
interface NodeSource {
  readonly on: (event: "data" | "end" | "close", listener: (chunk: Body) => void) => unknown
  readonly off: (event: "data", listener: (chunk: Body) => void) => unknown
}

/** The part of Node's `ServerResponse` that shows whether the answer was written. */
interface NodeResponse {
  readonly destroyed: boolean
  readonly statusCode: number
  readonly on: (event: "finish" | "close", listener: () => void) => unknown
}

const isNode = ({ source }: Request): boolean => "httpVersionMajor" in source && source.httpVersionMajor === 1

/** The body, if it is still whole and its sender does not wait to be asked for it. */
const nodeSource = (request: Request): NodeSource | undefined => {
  if (!isNode(request)) return undefined
  const source = request.source as NodeSource & {
    readonly destroyed?: boolean
    readonly readableDidRead?: boolean
    readonly headers: { readonly expect?: string }
  }
  const isWhole = source.readableDidRead === false && source.destroyed === false
  return isWhole && source.headers.expect === undefined ? source : undefined
}

const nodeResponse = (request: Request): NodeResponse | undefined => {
  const { response } = request as { readonly response?: unknown }
  return isNode(request) && Predicate.hasProperty(response, "on") ? response as NodeResponse : undefined
}

// Counting

const knownEvents = new Set([
  "incoming_call",
  "dial_completed",
  "speak_completed",
  "play_completed",
  "call_leg_completed",
  "call_completed",
  "unread"
])

type Outcome = "action" | "nothing" | "unsayable" | "unavailable" | Rejection

const counters = new Map<string, Metric.Counter<number>>()

/** Counts a webhook. Names that are not known share one label, so that nobody can fill the memory with metrics. */
const count = (event: string, result: Outcome): Effect.Effect<void> => {
  const label = knownEvents.has(event) ? event : "other"
  const key = `${label} ${result}`
  let counter = counters.get(key)
  if (counter === undefined) {
    counter = Metric.counter("ringback_webhooks", {
      description: "Webhooks that came in, by event and by what became of them",
      attributes: { event: label, result },
      incremental: true
    })
    counters.set(key, counter)
  }
  return Metric.update(counter, 1)
}
