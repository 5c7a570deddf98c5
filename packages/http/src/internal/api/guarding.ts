/** What stands before every endpoint of `CallsApi`: who may do it, how often, and what becomes of what cannot be read. */
import { type ByteSize, Cause, Context, Duration, Effect, Layer, Option, SchemaIssue } from "effect"
import { HttpEffect, HttpIncomingMessage, HttpServerError, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { RateLimiter } from "effect/persistence"
import * as CallsApi from "../../CallsApi.ts"
import * as Problem from "../../CallsApiProblem.ts"
import { kindAndPlace } from "../thrown.ts"

/** What one token may ask for. */
export interface Limits {
  readonly body: ByteSize.ByteSize
  /** So many requests in a window. */
  readonly requests: number
  readonly window: Duration.Duration
}

/** Asks for the scope of the endpoint, then for a place in the rate. */
export const permission = ({ requests, window }: Limits): Layer.Layer<CallsApi.Permission> =>
  Layer.effect(
    CallsApi.Permission,
    Effect.map(RateLimiter.make, (limiter) => {
      const place = (actor: string) =>
        Effect.catch(
          limiter.consume({ algorithm: "token-bucket", key: actor, limit: requests, window }),
          ({ reason }) => reason._tag === "RateLimitExceeded" ? Effect.fail(tooMany(reason.retryAfter)) : Effect.void
        )
      return CallsApi.Permission.of(Effect.fnUntraced(function*(answer, { endpoint }) {
        const { actor, scopes } = yield* CallsApi.Caller
        const needs = Option.getOrUndefined(Context.getOption(endpoint.annotations, CallsApi.Needs))
        if (needs === undefined || !scopes.includes(needs)) {
          return yield* new Problem.NotPermitted({ scope: needs ?? "none" })
        }
        yield* place(actor)
        return yield* answer
      }))
    })
  ).pipe(Layer.provide(RateLimiter.layerStoreMemory))

const tooMany = (retryAfter: Duration.Duration): Problem.TooManyRequests =>
  new Problem.TooManyRequests({ retryAfterSeconds: Math.max(1, Math.ceil(Duration.toSeconds(retryAfter))) })

/** Reads no more than is allowed, and says in a problem what cannot be read or fails. */
export const readable = ({ body }: Limits): Layer.Layer<CallsApi.Readable> =>
  Layer.succeed(
    CallsApi.Readable,
    CallsApi.Readable.of((answer) =>
      answer.pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, body),
        Effect.flatMap(typed),
        Effect.catchCause((cause) => Effect.flatMap(problemOf(cause), (problem) => Effect.fail(problem as never))),
        Effect.tapError(retryLater),
        (answered) => Effect.andThen(guarded, answered)
      )
    )
  )

/**
 * What is about calls stays in no cache, and a browser that is led to it, by a login that goes along by itself, takes it for nothing else
 * than it is: it runs nothing, asks nobody, and is framed by nobody.
 */
export const headers = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

const guarded = HttpEffect.appendPreResponseHandler((_, response) =>
  Effect.succeed(HttpServerResponse.setHeaders(response, headers))
)

/** The answer that Effect gives by itself to a body of another type. */
const typed = (response: HttpServerResponse.HttpServerResponse) =>
  response.status === 415 ? Effect.fail(new Problem.NotJson({})) : Effect.succeed(response)

/** Says in the header, too, when to ask again. */
const retryLater = (problem: unknown) => {
  const seconds = (problem as { readonly retryAfterSeconds?: number }).retryAfterSeconds
  return seconds === undefined ?
    Effect.void :
    HttpEffect.appendPreResponseHandler((_, response) =>
      Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", `${seconds}`))
    )
}

/** The problem of a request that failed: its own, or that it cannot be read, or one that should not be. */
const problemOf = (cause: Cause.Cause<unknown>): Effect.Effect<unknown> => {
  const failed = Cause.findErrorOption(cause)
  if (Option.isSome(failed)) {
    return HttpApiError.HttpApiSchemaError.is(failed.value) ? unreadable(failed.value) : Effect.succeed(failed.value)
  }
  if (Cause.hasInterrupts(cause)) return Effect.failCause(cause as never)
  const thrown = Cause.squash(cause)
  if (isTooLarge(thrown)) return Effect.succeed(new Problem.BodyTooLarge({}))
  if (thrown instanceof RangeError) return Effect.succeed(unfit([{ path: [], message: "It is nested too deep" }]))
  if (thrown instanceof HttpServerError.HttpServerError) {
    return Effect.succeed(unfit([{ path: [], message: "The body does not arrive" }]))
  }
  return unexpected(cause)
}

const isTooLarge = (thrown: unknown): boolean =>
  thrown instanceof HttpServerError.HttpServerError && thrown.reason._tag === "RequestParseError" &&
  thrown.reason.reason === "BodyTooLarge"

/** Our own fault is told to the log alone. */
const unexpected = (cause: Cause.Cause<unknown>) =>
  Effect.as(
    Effect.logError(`A request to the API of calls failed: ${kindAndPlace(Cause.squash(cause))}`),
    new Problem.Unexpected({})
  )

const unfit = (errors: Problem.InvalidRequest["errors"]) => new Problem.InvalidRequest({ errors })

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** What cannot be read of a request is its sender's fault; what cannot be written of an answer is ours. */
const unreadable = (error: HttpApiError.HttpApiSchemaError) => {
  if (error.kind === "Body" || error.kind === "ResponseHeaders") return unexpected(Cause.fail(error))
  const issues = issuesOf(error.cause.issue).issues.map(({ message, path = [] }) => ({
    path: [error.kind.toLowerCase(), ...path.map(segment)],
    message
  }))
  return Effect.succeed(unfit(issues))
}

const segment = (part: PropertyKey | { readonly key: PropertyKey }): string | number => {
  const key = typeof part === "object" ? part.key : part
  return typeof key === "number" ? key : String(key)
}
