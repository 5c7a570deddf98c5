/**
 * The carrier's side of a webhook: posts an event, signed, and reads the reply.
 */
import type { Action, Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import type { TelesignAuth } from "@ringback/http"
import { ByteSize, Deferred, Duration, Effect, Exit, Predicate, Redacted, Result, Schema, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import { UnreadableReply } from "../../CompanyRecord.ts"
import * as Knobs from "./knobs.ts"
import * as unproved from "./unproved.ts"

/** There was no reply; the message says why, without the address. */
export class NoReply extends Schema.TaggedError<NoReply>()("NoReply", { message: Schema.String }) {}

type Reply = Action.Action | undefined

export interface Settings extends TelesignWire.Options, unproved.Settings {
  readonly auth: TelesignAuth.TelesignAuth
  readonly customerId: Redacted.Redacted
  readonly timeout: Duration.Duration
  readonly partiesOnTop: boolean
  readonly knobs: Knobs.Knobs
  /** Hears of a reply to a copy when another one was first. */
  readonly copied: (webhook: Webhook.Webhook, action: Reply) => Effect.Effect<void>
}

/** Makes what posts an event to an address. The first reply to any of its copies is the one that counts. */
export const make = Effect.fnUntraced(function*(settings: Settings) {
  const client = yield* HttpClient.HttpClient
  const scope = yield* Effect.scope
  return Effect.fnUntraced(function*(url: string, webhook: Webhook.Webhook) {
    const body = encoder.encode(JSON.stringify({
      ...(settings.partiesOnTop ? partiesOf(webhook) : {}),
      ...TelesignWire.encodeWebhook(webhook)
    }))
    const request = HttpClientRequest.post(url).pipe(
      HttpClientRequest.bodyUint8Array(body, "application/json"),
      HttpClientRequest.setHeaders(headers(settings.customerId, yield* settings.auth.sign(body)))
    )
    const { askAgainAfter, copies, copyDelay, late, losses } = settings.knobs
    const attempt = Effect.suspend(() =>
      isLost(losses.events, webhook)
        ? Effect.fail(lost)
        : Effect.filterOrFail(
          send(client, request, settings),
          () => !isLost(losses.replies, webhook),
          () => lost
        )
    )
    const post = patiently(Duration.isZero(late) ? attempt : Effect.delay(attempt, late), askAgainAfter)
    if (copies === 1) return yield* post
    const first = yield* Deferred.make<Reply, NoReply | UnreadableReply>()
    let open = copies
    const copy = Effect.fnUntraced(function*(number: number) {
      yield* Effect.sleep(Duration.times(copyDelay, number))
      const exit = yield* Effect.exit(post)
      open--
      const isFirst = (Exit.isSuccess(exit) || open === 0) && (yield* Deferred.done(first, exit))
      if (Exit.isSuccess(exit) && !isFirst) yield* settings.copied(webhook, exit.value)
    })
    for (let number = 0; number < copies; number++) yield* Effect.forkIn(copy(number), scope)
    return yield* Deferred.await(first)
  })
})

const encoder = new TextEncoder()

const lost = new NoReply({ message: "lost on the way, as was asked for" })

const isLost = (left: Map<string, number>, { event }: Webhook.Webhook): boolean => {
  const name = (left.get(event) ?? 0) > 0 ? event : Knobs.any
  const times = left.get(name) ?? 0
  if (times > 0) left.set(name, times - 1)
  return times > 0
}

const partiesOf = ({ from, to }: Webhook.Webhook) => ({
  ...(to === undefined ? {} : { to }),
  ...(from === undefined ? {} : { from })
})

/** Both signatures, as in "Authenticate callbacks". No connection is kept: it would hold up a server that shuts down. */
const headers = (customerId: Redacted.Redacted, signature: string) => ({
  connection: "close",
  authorization: `TSA ${Redacted.value(customerId)}:${signature}`,
  "x-ts-authorization": signature
})

/** Asks again after each of these waits, as long as there is no reply. */
const patiently = <A, E, R>(
  post: Effect.Effect<A, NoReply | E, R>,
  [wait, ...waits]: ReadonlyArray<Duration.Duration>
): Effect.Effect<A, NoReply | E, R> =>
  wait === undefined
    ? post
    : Effect.catchIf(
      post,
      (error): error is NoReply => error instanceof NoReply,
      () => Effect.andThen(Effect.sleep(wait), patiently(post, waits))
    )

const send = Effect.fnUntraced(function*(
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  settings: Settings
): Effect.fn.Return<Reply, NoReply | UnreadableReply> {
  const { status, text } = yield* client.execute(request).pipe(
    Effect.flatMap((response) => Effect.map(readText(response), (text) => ({ status: response.status, text }))),
    Effect.mapError((error) => new NoReply({ message: unreachable(error) })),
    Effect.tap(() => Duration.isZero(settings.knobs.slow) ? Effect.void : Effect.sleep(settings.knobs.slow)),
    Effect.timeoutOrElse({
      duration: settings.timeout,
      orElse: () => Effect.fail(new NoReply({ message: `none within ${Duration.format(settings.timeout)}` }))
    }),
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
  )
  if (status < 200 || status > 299) return yield* new NoReply({ message: `HTTP ${status}` })
  return yield* Effect.fromResult(read(text, settings))
})

/** A response without a body, such as 204, has an empty text. */
const readText = (response: HttpClientResponse.HttpClientResponse) =>
  Stream.mkString(Stream.decodeText(Stream.limitBytes(response.stream, ByteSize.kibibytes(64), () => Stream.empty)))
    .pipe(
      Effect.catchIf((error) => error.reason._tag === "EmptyBodyError", () => Effect.succeed(""))
    )

const read = (text: string, options: Settings): Result.Result<Reply, UnreadableReply> => {
  const unreadable = (problem: string) => Result.fail(new UnreadableReply({ problem }))
  if (text.trim() === "") return Result.succeed(undefined)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return unreadable("it is not JSON")
  }
  const raw = unproved.read(json, options)
  if (raw !== undefined) return Result.succeed(raw)
  const action = TelesignWire.decodeAction(json, options)
  if (Result.isSuccess(action)) return Result.succeed(action.success)
  return action.failure.reason._tag === "NoAction" ? Result.succeed(undefined) : unreadable(action.failure.message)
}

/** Names what broke by its code; an address in the error stays out. */
const unreachable = (error: HttpClientError.HttpClientError): string => {
  let cause: unknown = error.reason.cause
  while (Predicate.isObject(cause)) {
    if (typeof cause.code === "string") return `the events URL cannot be reached (${cause.code})`
    cause = cause.cause
  }
  return "the events URL cannot be reached"
}
