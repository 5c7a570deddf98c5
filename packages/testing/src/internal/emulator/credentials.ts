/**
 * Who may send requests: Basic, or a signature ("Authentication"; the order of what is signed: Telesign's sample code).
 *
 * The reasons to refuse a signature are those that Telesign publishes for its products: no date or no method, a date that
 * cannot be read or is out of range, a nonce that is too long or was used. Their bounds are not public, and to a request
 * to Voice each of them is 401 `not_authorized`.
 */
import { TelesignAuth } from "@ringback/http"
import { Clock, Duration, Effect, Layer, Redacted, Result } from "effect"
import { Mac, SecureRandom } from "effect/crypto"
import { Base64 } from "effect/encoding"
import type { Headers, HttpServerRequest } from "effect/http"
import { TurnedAway } from "./turnedAway.ts"

export interface Settings {
  readonly account: TelesignAuth.Credentials
  /** How far the date of a signed request may be from now. */
  readonly signedWithin: Duration.Duration
}

/** Makes what looks at the credentials of a request, whose body is the text as it came. */
export const make = Effect.fnUntraced(function*({ account, signedWithin }: Settings) {
  const isSignature = yield* signing(account.apiKey)
  const nonces = new Set<string>()

  const signed = Effect.fnUntraced(function*(
    { headers, method, url }: HttpServerRequest.HttpServerRequest,
    body: string,
    { customerId, signature }: Tsa
  ): Effect.fn.Return<void, TurnedAway> {
    if (customerId !== Redacted.value(account.customerId)) return yield* denied("another customer id")
    const algorithm = algorithms[headers["x-ts-auth-method"]?.toUpperCase() ?? ""]
    if (algorithm === undefined) return yield* denied("x-ts-auth-method is neither HMAC-SHA256 nor HMAC-SHA1")
    const aside = yield* millisFromNow(headers["x-ts-date"] ?? headers["date"])
    if (aside === undefined) {
      return yield* denied("neither x-ts-date nor Date is a date like Mon, 02 Mar 2026 14:05:00 GMT")
    }
    if (aside > Duration.toMillis(signedWithin)) {
      return yield* denied(`its date is more than ${Duration.format(signedWithin)} from now`)
    }
    const nonce = headers["x-ts-nonce"]
    if (nonce !== undefined && !isNonce(nonce)) return yield* denied("its nonce is too short or too long")
    if (nonce !== undefined && nonces.has(nonce)) return yield* denied("its nonce was used before")
    const path = new URL(url, "http://localhost").pathname
    if (!(yield* isSignature(algorithm, signature, textToSign({ method, headers, body, path })))) {
      return yield* denied(
        "the signature is not the key's over method, Content-Type, date, x-ts headers, body and path"
      )
    }
    if (nonce !== undefined) keep(nonces, nonce)
  })

  return Effect.fnUntraced(function*(
    request: HttpServerRequest.HttpServerRequest,
    body: string
  ): Effect.fn.Return<void, TurnedAway> {
    const header = request.headers["authorization"] ?? ""
    const tsa = tsaIn(header)
    if (tsa !== undefined) return yield* signed(request, body, tsa)
    const given = basicIn(header)
    if (given === undefined) return yield* missing
    const right = `${Redacted.value(account.customerId)}:${Redacted.value(account.apiKey)}`
    if (given !== right) return yield* denied("another customer id or key")
  })
})

const missing = new TurnedAway({
  httpStatus: 401,
  status: "credentials_not_provided",
  problem: "Authorization is neither Basic nor TSA"
})

const denied = (problem: string) => new TurnedAway({ httpStatus: 401, status: "not_authorized", problem })

const algorithms: { readonly [method: string]: Mac.Algorithm | undefined } = {
  "HMAC-SHA256": Mac.hmacSha256,
  "HMAC-SHA1": Mac.hmacSha1
}

const signing = Effect.fnUntraced(
  function*(apiKey: Redacted.Redacted): Effect.fn.Return<
    (algorithm: Mac.Algorithm, signature: string, text: string) => Effect.Effect<boolean>,
    TelesignAuth.InvalidApiKey,
    Mac.Mac
  > {
    const mac = yield* Mac.Mac
    const bytes = Base64.decode(Redacted.value(apiKey))
    if (Result.isFailure(bytes)) return yield* new TelesignAuth.InvalidApiKey()
    return Effect.fnUntraced(function*(algorithm, signature, text) {
      const tag = Base64.decode(signature)
      if (Result.isFailure(tag)) return false
      const key = yield* Effect.orDie(Mac.key(algorithm, bytes.success))
      return yield* Effect.orDie(mac.verify(key, tag.success, encoder.encode(text)))
    })
  },
  Effect.provide(Mac.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto)))
)

const encoder = new TextEncoder()

/** An empty line stands for the header `Date` where `x-ts-date` takes its place. */
const textToSign = ({ body, headers, method, path }: {
  readonly method: string
  readonly headers: Headers.Headers
  readonly body: string
  readonly path: string
}): string => {
  const own = ["x-ts-auth-method", "x-ts-date", "x-ts-nonce"].filter((name) => headers[name] !== undefined)
  return [
    method.toUpperCase(),
    headers["content-type"] ?? "",
    headers["x-ts-date"] === undefined ? headers["date"] ?? "" : "",
    ...own.map((name) => `${name}:${headers[name]}`),
    ...(body === "" ? [] : [body]),
    path
  ].join("\n")
}

const millisFromNow = (text: string = "") =>
  Effect.map(Clock.currentTimeMillis, (now) => dateForm.test(text) ? Math.abs(Date.parse(text) - now) : undefined)

const dateForm = new RegExp(
  "^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} " +
    "\\d\\d:\\d\\d:\\d\\d (?:GMT|UTC?|[+-]\\d{4})$"
)

/** 8 to 128 characters, which is ours. */
const isNonce = (nonce: string) => nonce.length >= 8 && nonce.length <= 128

const keep = (nonces: Set<string>, nonce: string): void => {
  nonces.add(nonce)
  if (nonces.size > 10_000) nonces.delete(nonces.values().next().value!)
}

interface Tsa {
  readonly customerId: string
  readonly signature: string
}

const tsaIn = (header: string): Tsa | undefined => {
  const [, customerId, signature] = /^TSA\s+([^\s:]+):(\S+)$/i.exec(header.trim()) ?? []
  return customerId === undefined || signature === undefined ? undefined : { customerId, signature }
}

/** What a Basic header holds, if both the id and the key are there. */
const basicIn = (header: string): string | undefined => {
  const decoded = Base64.decodeString(/^Basic\s+(\S+)$/i.exec(header.trim())?.[1] ?? "")
  return Result.isSuccess(decoded) && /^[^:]+:.+$/.test(decoded.success) ? decoded.success : undefined
}
