/**
 * A client of the calls over HTTP that `CallsApi` describes: a function for each endpoint, and streams that outlive a connection.
 *
 * @since 0.1.0
 */
import type { EventLog } from "@ringback/core"
import { Duration, Effect, type Redacted, Result, Schema, Stream } from "effect"
import { Sse } from "effect/encoding"
import { HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as CallsApi from "./CallsApi.ts"
import * as Joined from "./internal/joined.ts"

/**
 * A client with a function for each endpoint.
 *
 * @stability unstable
 * @since 0.1.0
 */
export type Client = HttpApiClient.ForApi<typeof CallsApi.CallsApi>

/**
 * A client of the API at an address, such as `https://example.com/ringback`: where `CallsApiServer` was mounted.
 *
 * @example
 * const api = yield* CallsApiClient.make({ url: "https://example.com/ringback", token })
 * const { callId } = yield* api.calls.start({ headers: { "idempotency-key": "order-17" }, payload: { flow, input } })
 * @stability unstable
 * @since 0.1.0
 */
export const make = (
  { token, url }: { readonly url: string | URL; readonly token: Redacted.Redacted }
): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  HttpApiClient.make(CallsApi.CallsApi, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
  })

/**
 * What a request to the API can fail with, beside its problems.
 *
 * @stability unstable
 * @since 0.1.0
 */
export type Broken = HttpClientError.HttpClientError | Schema.SchemaError | Sse.SseError | Sse.Retry

/**
 * A call as a page shows it, with what was left out of a later piece of it (`next`, or what has changed after its `place`) put before that.
 *
 * @since 0.1.0
 */
export const joined = (
  before: typeof CallsApi.View.Type,
  piece: typeof CallsApi.View.Type
): typeof CallsApi.View.Type => Joined.joined(before, piece)

/**
 * All of a call as a page shows it, read piece by piece. With `reveal`, which needs the scope `reveal`, words and keys are shown.
 *
 * @example
 * const { ladder, report } = yield* CallsApiClient.view(api, id)
 * @since 0.1.0
 */
export const view = Effect.fnUntraced(function*(
  client: Client,
  callId: string,
  options: { readonly reveal?: boolean | undefined } = {}
) {
  const reveal = options.reveal === true ? { reveal: true } : {}
  const piece = (after?: string) =>
    client.calls.view({ params: { callId }, query: { ...reveal, ...(after === undefined ? {} : { after }) } })
  let whole = yield* piece()
  while (whole.next !== undefined) whole = joined(whole, yield* piece(whole.next))
  return whole
})

/**
 * From where turns are followed, and what is shown of them.
 *
 * @since 0.1.0
 */
export interface Following<Place> {
  /** After which place; of a call the number of a turn. */
  readonly after?: Place | undefined
  /** Whether numbers, digits and words are shown; needs the scope `reveal`. */
  readonly reveal?: boolean | undefined
  /** Hears of a connection that was lost, before it is made anew. */
  readonly lost?: Effect.Effect<void> | undefined
}

/** A place, in the forms in which it is asked for. */
interface Asked<Place extends string> {
  readonly query: { readonly reveal?: boolean }
  readonly headers: { readonly "last-event-id"?: Place }
}

/** How long to wait before a lost connection is made anew. */
const pause = Duration.seconds(1)

/** Goes on after the last event that was heard, until there is no more to come. */
const resumed = <E, E2>(
  connect: (asked: Asked<string>) => Effect.Effect<Stream.Stream<CallsApi.Live, E>, E2>,
  { after, lost = Effect.void, reveal = false }: Following<string | number>
): Stream.Stream<typeof CallsApi.Turn.Type, Exclude<E | E2, Broken>> => {
  let last = after === undefined ? undefined : `${after}`
  let isOver = false
  const hear = (live: CallsApi.Live) => {
    if (live.id !== undefined) last = live.id
    if (live.event === "over") isOver = true
    return live.event === "turn" ? Result.succeed(live.data) : Result.failVoid
  }
  const once = Stream.suspend(() =>
    Stream.unwrap(connect({
      query: reveal ? { reveal } : {},
      headers: last === undefined ? {} : { "last-event-id": last }
    }))
  ).pipe(
    Stream.filterMap(hear),
    Stream.catch((error) => isBroken(error) ? Stream.empty : Stream.fail(error as Exclude<E | E2, Broken>))
  )
  const again = Effect.suspend(() =>
    isOver ? Effect.succeed(false) : Effect.andThen(lost, Effect.as(Effect.sleep(pause), true))
  )
  return Stream.flatMap(
    Stream.takeWhile(Stream.concat(Stream.make(true), Stream.fromEffectRepeat(again)), (goesOn) => goesOn),
    () => once
  )
}

const isBroken = (error: unknown): error is Broken =>
  HttpClientError.isHttpClientError(error) || Schema.isSchemaError(error) || Sse.Retry.is(error) ||
  error instanceof Sse.SseError

/**
 * The turns of a call as they come, until it is over. A connection that is lost is made anew, without a gap and without a copy, as often
 * as it takes.
 *
 * @since 0.1.0
 */
export const follow = (client: Client, callId: string, options: Following<number> = {}) =>
  resumed(({ headers, query }) => client.calls.live({ params: { callId }, query, headers }), options)

/**
 * The turns of all calls as they come, from now on or after a place, without an end; like `follow`.
 *
 * @since 0.1.0
 */
export const followAll = (client: Client, options: Following<EventLog.Position> = {}) =>
  resumed((asked) => client.engine.live(asked as Asked<EventLog.Position>), options)
