/**
 * How Telesign and an application prove to each other who they are: Basic, and signatures with the API key.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer, Redacted, Result, Schema } from "effect"
import { Mac, SecureRandom } from "effect/crypto"
import { Base64 } from "effect/encoding"
import { Headers } from "effect/http"

/**
 * What an account is known by. All stay redacted wherever they are printed.
 *
 * @since 0.1.0
 */
export interface Credentials {
  readonly customerId: Redacted.Redacted
  readonly apiKey: Redacted.Redacted
  /**
   * Keys that webhooks may be signed with beside `apiKey`: the next one before the account changes to it, the last one until
   * nothing that it signed is under way any more. Requests are sent with `apiKey` alone.
   */
  readonly furtherApiKeys?: ReadonlyArray<Redacted.Redacted> | undefined
}

/**
 * The account of an application. `Telesign.layer` and `Telesign.layerConfig` give it, and `TelesignWebhook` verifies with it,
 * so that both go by the same keys.
 *
 * @since 0.1.0
 */
export class Account extends Context.Service<Account, Credentials>()("@ringback/http/TelesignAuth/Account") {}

/**
 * The header `Authorization` of HTTP Basic ("Authentication"; documented). The API key is used as it is, not decoded.
 *
 * @since 0.1.0
 */
export const basic = ({ apiKey, customerId }: Credentials): Redacted.Redacted =>
  Redacted.make(`Basic ${Base64.encode(`${Redacted.value(customerId)}:${Redacted.value(apiKey)}`)}`, {
    label: "authorization"
  })

/**
 * What the signatures of a webhook say. `valid`: there is one, and all that are there are right. `missing`: there is none.
 * `wrong`: one was made with another key or of another body. `malformed`: a header is not in the form of a signature.
 * `doubled`: a header came twice.
 *
 * @since 0.1.0
 */
export type Verdict = "valid" | "missing" | "wrong" | "malformed" | "doubled"

/**
 * The parts of a request that are signed, beside the body. `date` is in the form of RFC 1123, such as `Mon, 02 Mar 2026
 * 14:05:00 GMT`; `nonce` is used once only, or Telesign refuses the request.
 *
 * @since 0.1.0
 */
export interface SignedRequest {
  readonly method: string
  readonly contentType: string
  readonly path: string
  readonly date: string
  readonly nonce: string
  readonly body: string
}

/**
 * Signs with one API key, and verifies with that and others.
 *
 * @stability unstable
 * @since 0.1.0
 */
export interface TelesignAuth {
  /** The signature of the raw bytes of a webhook: HMAC-SHA256 in base64 ("Authenticate callbacks"; documented). */
  readonly sign: (body: Uint8Array) => Effect.Effect<string>
  /**
   * Compares the signatures of a webhook with its raw bytes, in constant time ("Authenticate callbacks"; documented for
   * callbacks in general, presumed for Voice).
   *
   * They are in `Authorization`, as `TSA <customer id>:<signature>`, and in `X-TS-Authorization`, bare or in the same
   * form. One header is enough, for a proxy may need `Authorization` for itself, with another scheme. The customer id is
   * not compared: it is not signed. Only the body is signed, so a webhook that somebody recorded and sends again is valid.
   */
  readonly verify: (headers: Headers.Headers, body: Uint8Array) => Effect.Effect<Verdict>
  /**
   * The headers that authenticate a request by a signature in place of Basic ("Authentication"; the order of what is
   * signed: Telesign's sample code). Telesign calls this Digest; it is not the Digest of HTTP.
   */
  readonly signRequest: (customerId: Redacted.Redacted, request: SignedRequest) => Effect.Effect<Headers.Headers>
}

/**
 * The API key cannot sign, because it is not the base64 text that Telesign gives out. The key is not kept.
 *
 * @since 0.1.0
 */
export class InvalidApiKey extends Schema.TaggedError<InvalidApiKey>()("InvalidApiKey", {}) {
  override get message() {
    return "The API key is not base64 text. Copy it from the Telesign portal as it stands there"
  }
}

/**
 * Makes what signs and verifies with the keys of an account. Fails with `InvalidApiKey` if one of them is not base64 text.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(
  function*(
    { apiKey, furtherApiKeys = [] }: Pick<Credentials, "apiKey" | "furtherApiKeys">
  ): Effect.fn.Return<TelesignAuth, InvalidApiKey, Mac.Mac> {
    const mac = yield* Mac.Mac
    const key = yield* keyFrom(apiKey)
    const keys = [key, ...yield* Effect.forEach(furtherApiKeys, keyFrom)]

    const sign = (data: Uint8Array) => Effect.map(Effect.orDie(mac.sign(key, data)), Base64.encode)

    const isRight = Effect.fnUntraced(function*(tag: Uint8Array, body: Uint8Array) {
      for (const each of keys) {
        if (yield* Effect.orDie(mac.verify(each, tag, body))) return true
      }
      return false
    })

    return {
      sign,
      verify: Effect.fnUntraced(function*(headers, body) {
        const found = signaturesIn(headers)
        if (typeof found === "string") return found
        for (const tag of found) {
          if (!(yield* isRight(tag, body))) return "wrong"
        }
        return "valid"
      }),
      signRequest: (customerId, request) =>
        Effect.map(sign(encoder.encode(textToSign(request))), (signature) =>
          Headers.fromInput({
            authorization: `TSA ${Redacted.value(customerId)}:${signature}`,
            "x-ts-auth-method": authMethod,
            "x-ts-date": request.date,
            "x-ts-nonce": request.nonce
          }))
    }
  },
  Effect.provide(Mac.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto)))
)

const keyFrom = (apiKey: Redacted.Redacted): Effect.Effect<Mac.Key<typeof Mac.hmacSha256>, InvalidApiKey> => {
  const bytes = Base64.decode(Redacted.value(apiKey))
  return Result.isFailure(bytes)
    ? Effect.fail(new InvalidApiKey())
    : Effect.mapError(Mac.key(Mac.hmacSha256, bytes.success), () => new InvalidApiKey())
}

const encoder = new TextEncoder()

const authMethod = "HMAC-SHA256"

/** The empty line stands for the header `Date`, whose place `x-ts-date` takes. */
const textToSign = ({ body, contentType, date, method, nonce, path }: SignedRequest) =>
  [
    method.toUpperCase(),
    contentType,
    "",
    `x-ts-auth-method:${authMethod}`,
    `x-ts-date:${date}`,
    `x-ts-nonce:${nonce}`,
    ...(body === "" ? [] : [body]),
    path
  ].join("\n")

/** The signatures of a webhook, each once, or why there are none. */
const signaturesIn = (headers: Headers.Headers): ReadonlyArray<Uint8Array> | "missing" | "malformed" | "doubled" => {
  const read = [inAuthorization(headers["authorization"]), inOwnHeader(headers["x-ts-authorization"])]
  if (read.includes("doubled")) return "doubled"
  if (read.includes("malformed")) return "malformed"
  const signatures = new Set(read.filter((each) => each !== undefined))
  if (signatures.size === 0) return "missing"
  return [...signatures].map((signature) => Result.getOrThrow(Base64.decode(signature)))
}

/** A proxy may use this header for itself, with another scheme. */
const inAuthorization = (header: string | undefined): string | undefined =>
  header === undefined || otherScheme.test(header) ? undefined : inForm(header, ofScheme)

const inOwnHeader = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : inForm(header, ofScheme, bare)

const inForm = (header: string, ...forms: ReadonlyArray<RegExp>): string => {
  if (header.includes(",")) return "doubled"
  for (const form of forms) {
    const signature = form.exec(header)?.[1]
    if (signature !== undefined) return signature
  }
  return "malformed"
}

const otherScheme = /^(?!TSA )[a-z][\w-]* +[^\s,](?!.*,\s*TSA\b)/i

/** 32 bytes have one form in base64, so that no two texts are the same signature. */
const bare = /^([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/

const ofScheme = /^[Tt][Ss][Aa] +[^\s:]+:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/
