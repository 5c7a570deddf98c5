/**
 * The server of `CallsApi`, as routes for the `HttpRouter` that an application already has.
 *
 * @since 0.1.0
 */
import type { CallIndex, Calls, EventLog, EventStore, Retention } from "@ringback/core"
import { ByteSize, Config, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { FileSystem, Path } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import type { Etag, HttpPlatform } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import * as CallsApi from "./CallsApi.ts"
import * as Problem from "./CallsApiProblem.ts"
import * as Answering from "./internal/api/answering.ts"
import * as Guarding from "./internal/api/guarding.ts"
import * as Live from "./internal/api/live.ts"
import * as Missing from "./internal/api/missing.ts"
import * as Tokens from "./internal/api/tokens.ts"
import { challenge } from "./internal/challenge.ts"
import * as Paths from "./internal/paths.ts"

/**
 * What the API may cost.
 *
 * @stability unstable
 * @since 0.1.0
 */
export interface Limits {
  /** The longest body that is read, 128 KiB by default. */
  readonly maxBodySize?: ByteSize.Input | undefined
  /** How many requests one actor may make in a minute, 600 by default. They come back one by one. */
  readonly requestsPerMinute?: number | undefined
  /** How many live streams may be open, 200 by default. */
  readonly streams?: number | undefined
  /** How many of them one actor may have, 20 by default. */
  readonly streamsPerActor?: number | undefined
  /** How often a live stream says that it is still there, every 15 s by default. */
  readonly heartbeat?: Duration.Input | undefined
}

/**
 * Where the API is, and what the application gives to it.
 *
 * @stability unstable
 * @since 0.1.0
 */
export interface Options {
  /** The path under which it lies, `/ringback` by default. */
  readonly path?: HttpRouter.PathInput | undefined
  /** Drawings of flows, by their names, or by name and version (`appointment-reminder@2`). */
  readonly drawings?: { readonly [flow: string]: typeof CallsApi.Drawing.Type } | undefined
  readonly limits?: Limits | undefined
  /**
   * Whether the OpenAPI document and the reference page are served, at `openapi.json` and `reference` under the path; default `true`.
   * They need no token, and say nothing about calls and flows.
   */
  readonly reference?: boolean | undefined
}

/**
 * What the routes need: the engine, what can be asked of its store, and a way to find out who asks.
 *
 * @stability unstable
 * @since 0.1.0
 */
export type Needs =
  | Calls.Calls
  | EventStore.EventStore
  | CallIndex.CallIndex
  | EventLog.EventLog
  | Retention.Retention
  | CallsApi.Authorization
  | HttpRouter.HttpRouter
  | Etag.Generator
  | HttpPlatform.HttpPlatform
  | FileSystem.FileSystem
  | Path.Path

/**
 * The routes of the API. Without an `Authorization` they do not compile: `layerTokens` is one, for programs; an application with people
 * gives its own.
 *
 * Each request is answered for one actor, whose scopes say what is allowed. Who started, signalled, cancelled, pruned or revealed is told
 * by the log, and a signal or a cancel keeps it on record.
 *
 * @example
 * const Api = CallsApiServer.layer().pipe(Layer.provide(CallsApiServer.layerTokensConfig))
 * @stability unstable
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never, never, Needs> => {
  const { drawings = {}, limits = {}, reference = true } = options
  const path = Paths.unslashed(options.path ?? "/ringback")
  const api = path === "" ? CallsApi.CallsApi : under(path)
  const live = liveLimits(limits)
  const given: Answering.Given = { api, drawings, limits: live, streams: Live.make(live) }
  const guarded = {
    body: sizeOf(limits),
    requests: limits.requestsPerMinute ?? 600,
    window: Duration.minutes(1)
  }
  const routes = HttpApiBuilder.layer(api, reference ? { openapiPath: `${path}/openapi.json` as `/${string}` } : {})
    .pipe(
      Layer.provide([Answering.calls(given), Answering.flows(given), Answering.engine(given)]),
      Layer.provide([Guarding.permission(guarded), Guarding.readable(guarded)])
    )
  return Layer.mergeAll(
    routes,
    reference ? page(api, path) : Layer.empty,
    path === "" ? Layer.empty : Missing.layer(api, path) // at the root the application answers what is not there
  )
}

const sizeOf = ({ maxBodySize = "128 KiB" }: Limits): ByteSize.ByteSize => ByteSize.fromInputUnsafe(maxBodySize)

/** The API under a path. Its type does not say the path: it would be too large for the compiler. */
const under = (path: string): typeof CallsApi.CallsApi => (CallsApi.CallsApi as unknown as Prefixed).prefix(path)

interface Prefixed {
  readonly prefix: (path: string) => typeof CallsApi.CallsApi
}

const liveLimits = ({ heartbeat = "15 seconds", streams = 200, streamsPerActor = 20 }: Limits): Live.Limits => ({
  streams,
  streamsPerActor,
  heartbeat: Duration.fromInputUnsafe(heartbeat)
})

/** Everything that the page needs is in it, and a browser asks no other host for anything. */
const policy = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const page = (api: typeof CallsApi.CallsApi, path: string): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpApiScalar.layer(api, { path: `${path}/reference` as `/${string}`, scalar: { withDefaultFonts: false } }).pipe(
    Layer.provide(
      HttpRouter.middleware((answer) =>
        Effect.map(answer, HttpServerResponse.setHeader("content-security-policy", policy))
      ).layer
    )
  )

/**
 * A token of a program or a person. It is at least 16 characters long.
 *
 * @since 0.1.0
 */
export interface Token {
  readonly token: Redacted.Redacted
  /** Who has it, for the record. */
  readonly actor: string
  readonly scopes: ReadonlyArray<CallsApi.Scope>
}

/**
 * The tokens cannot be used: there is none, one is too short, two are equal, or an actor has no name.
 *
 * @since 0.1.0
 */
export class InvalidTokens extends Schema.TaggedError<InvalidTokens>()("InvalidTokens", { problem: Schema.String }) {
  override get message() {
    return `The tokens of the API cannot be used. ${this.problem}`
  }
}

/**
 * Lets in who has one of these tokens, as `Authorization: Bearer …`. Tokens are compared in a time that tells nothing.
 *
 * @since 0.1.0
 */
export const layerTokens = (
  tokens: ReadonlyArray<Token>
): Layer.Layer<CallsApi.Authorization, InvalidTokens> =>
  Layer.effect(
    CallsApi.Authorization,
    Effect.gen(function*() {
      const problem = Tokens.problem(tokens)
      if (problem !== undefined) return yield* new InvalidTokens({ problem })
      const find = yield* Tokens.make(tokens)
      return CallsApi.Authorization.of({
        bearer: Effect.fnUntraced(function*(answer, { credential }) {
          const found = yield* find(credential)
          if (found === undefined) return yield* refused
          return yield* Effect.provideService(answer, CallsApi.Caller, {
            actor: found.actor,
            scopes: [...found.scopes]
          })
        })
      })
    })
  )

const refused = Effect.andThen(challenge("Bearer"), Effect.fail(new Problem.NotAuthenticated({})))

const Configured = Schema.fromJsonString(Schema.Array(
  Schema.Struct({ token: Schema.String, actor: Schema.String, scopes: Schema.Array(CallsApi.Scope) })
))

/**
 * The tokens of the variable `RINGBACK_API_TOKENS`: JSON such as `[{"token":"…","actor":"billing","scopes":["read","steer"]}]`.
 *
 * @since 0.1.0
 */
export const layerTokensConfig: Layer.Layer<CallsApi.Authorization, InvalidTokens | Config.ConfigError> = Layer.unwrap(
  Effect.gen(function*() {
    const text = Redacted.value(yield* Config.Redacted("RINGBACK_API_TOKENS"))
    const read = Schema.decodeUnknownOption(Configured)(text)
    if (Option.isNone(read)) {
      return yield* new InvalidTokens({
        problem: "RINGBACK_API_TOKENS is not a JSON list of { token, actor, scopes }, with scopes of " +
          CallsApi.Scope.literals.join(", ")
      })
    }
    return layerTokens(read.value.map((each) => ({ ...each, token: Redacted.make(each.token) })))
  })
)
