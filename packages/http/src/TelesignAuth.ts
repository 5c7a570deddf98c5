/**
 * How Telesign and an application prove to each other who they are: Basic, and signatures with the API key.
 *
 * @since 0.1.0
 */
import { Effect, Layer, Redacted, Result, Schema } from "effect"
import { Mac, SecureRandom } from "effect/crypto"
import { Base64 } from "effect/encoding"
import { Headers } from "effect/http"

/**
 * What an account is known by. Both stay redacted wherever they are printed.
 *
 * @since 0.1.0
 */
export interface Credentials {
  readonly customerId: Redacted.Redacted
  readonly apiKey: Redacted.Redacted
}

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
 * What the signature of a webhook says: `missing` if there is none, `invalid` if one is there but no header holds a right
 * one.
 *
 * @since 0.1.0
 */
export type Verdict = "valid" | "invalid" | "missing"

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
 * Signs and verifies with one API key.
 *
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
   * form. One right signature is enough, for a proxy may need `Authorization` for itself. Only the body is signed, so a
   * webhook that somebody recorded and sends again is valid.
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
 * Makes what signs and verifies with an API key. Fails with `InvalidApiKey` if the key is not base64 text.
 *
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(
  function*(apiKey: Redacted.Redacted): Effect.fn.Return<TelesignAuth, InvalidApiKey, Mac.Mac> {
    const mac = yield* Mac.Mac
    const bytes = Base64.decode(Redacted.value(apiKey))
    if (Result.isFailure(bytes)) return yield* new InvalidApiKey()
    const key = yield* Effect.mapError(Mac.key(Mac.hmacSha256, bytes.success), () => new InvalidApiKey())

    const sign = (data: Uint8Array) => Effect.map(Effect.orDie(mac.sign(key, data)), Base64.encode)

    const isRight = (signature: string, body: Uint8Array) => {
      const tag = Base64.decode(signature)
      return Result.isFailure(tag) ? Effect.succeed(false) : Effect.orDie(mac.verify(key, tag.success, body))
    }

    return {
      sign,
      verify: Effect.fnUntraced(function*(headers, body) {
        const signatures = signaturesIn(headers)
        for (const signature of signatures) {
          if (yield* isRight(signature, body)) return "valid"
        }
        return signatures.length === 0 ? "missing" : "invalid"
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

const signaturesIn = (headers: Headers.Headers): ReadonlyArray<string> => {
  const own = headers["x-ts-authorization"]
  return [tsaSignature(headers["authorization"]), tsaSignature(own) ?? own?.trim()].filter((text) => text !== undefined)
}

const tsaSignature = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : /^TSA\s+[^\s:]+:(\S+)$/i.exec(header.trim())?.[1]
