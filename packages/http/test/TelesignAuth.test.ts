import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"
import { Headers } from "effect/http"
import { createHmac } from "node:crypto"
import { inspect } from "node:util"
import { TelesignAuth } from "../src/index.ts"

const apiKey = "q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ=="
const customerId = Redacted.make("11AA22BB-0000-4000-8000-CC33DD44EE55")
const auth = TelesignAuth.make({ apiKey: Redacted.make(apiKey) })

const bytes = (text: string) => new TextEncoder().encode(text)
const hmac = (data: string | Uint8Array, key = apiKey) =>
  createHmac("sha256", Buffer.from(key, "base64")).update(data).digest("base64")

const body = `{"event":"dial_completed","reference_id":"7A10"}`
const right = hmac(body)

const verdict = (headers: Record<string, string>, given: string = body) =>
  Effect.flatMap(auth, ({ verify }) => verify(Headers.fromInput(headers), bytes(given)))

describe("basic", () => {
  const header = TelesignAuth.basic({ customerId, apiKey: Redacted.make(apiKey) })

  it("joins customer id and key as they are", () =>
    assert.strictEqual(
      Redacted.value(header),
      "Basic " + Buffer.from(`11AA22BB-0000-4000-8000-CC33DD44EE55:${apiKey}`).toString("base64")
    ))

  it("stays redacted when printed", () => assert.notInclude(inspect(header) + JSON.stringify({ header }), "MTFBQTI"))
})

describe("make", () => {
  for (const [name, key] of [["empty", ""], ["no base64", "not base64!"], ["cut", "q0hvb3Nl="]] as const) {
    it.effect(`refuses a key that is ${name}, without repeating it`, () =>
      Effect.gen(function*() {
        const result = yield* Effect.result(TelesignAuth.make({ apiKey: Redacted.make(key) }))
        assert(Result.isFailure(result))
        assert.strictEqual(result.failure._tag, "InvalidApiKey")
        if (key !== "") assert.notInclude(inspect(result.failure) + JSON.stringify(result.failure), key)
      }))
  }
})

describe("verify", () => {
  it.effect("takes a right signature from either header, bare or after TSA, whatever the case of the name", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* verdict({ authorization: `TSA 11AA:${right}` }), "valid")
      assert.strictEqual(yield* verdict({ Authorization: `tsa  11AA:${right}` }), "valid")
      assert.strictEqual(yield* verdict({ "X-TS-Authorization": right }), "valid")
      assert.strictEqual(yield* verdict({ "x-ts-authorization": `TSA 11AA:${right}` }), "valid")
      assert.strictEqual(yield* verdict({ authorization: "Bearer proxy", "x-ts-authorization": right }), "valid")
    }))

  it.effect("finds no signature where there is none", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* verdict({}), "missing")
      assert.strictEqual(yield* verdict({ authorization: "Basic MTFBQTI6" }), "missing")
      assert.strictEqual(yield* verdict({ authorization: `Digest username="a", realm="b"` }), "missing")
    }))

  it.effect("refuses a wrong signature, though another header has a right one", () =>
    Effect.gen(function*() {
      const other = hmac(body, "b3RoZXIga2V5IG90aGVyIGtleQ==")
      assert.strictEqual(yield* verdict({ "x-ts-authorization": other }), "wrong")
      assert.strictEqual(yield* verdict({ "x-ts-authorization": hmac("") }), "wrong")
      assert.strictEqual(yield* verdict({ authorization: `TSA 11AA:${other}` }), "wrong")
      assert.strictEqual(yield* verdict({ authorization: `TSA 11AA:${right}`, "x-ts-authorization": other }), "wrong")
      assert.strictEqual(yield* verdict({ authorization: `TSA 11AA:${other}`, "x-ts-authorization": right }), "wrong")
    }))

  it.effect("never takes a malformed header for a missing one", () =>
    Effect.gen(function*() {
      const last = right.at(-2)!
      const sameBytes = right.slice(0, -2) + String.fromCharCode(last.charCodeAt(0) + 1) + "="
      assert.deepStrictEqual(Buffer.from(sameBytes, "base64"), Buffer.from(right, "base64"))
      for (
        const text of [right.slice(0, 8), "not base64!", "", ` ${right}`, `${right} `, right.slice(0, -1), sameBytes]
      ) {
        assert.strictEqual(yield* verdict({ "x-ts-authorization": text }), "malformed", text)
        assert.strictEqual(yield* verdict({ authorization: `TSA 11AA:${text.trim()}x` }), "malformed", text)
      }
      for (const text of ["TSA x", "TSA", "TSA ", "", right, `TSA ${right}`, `TSA :${right}`, `TSA\t11AA:${right}`]) {
        assert.strictEqual(yield* verdict({ authorization: text }), "malformed", text)
        assert.strictEqual(yield* verdict({ authorization: text, "x-ts-authorization": right }), "malformed", text)
      }
    }))

  it.effect("refuses a header that came twice, also with a right signature both times", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* verdict({ "x-ts-authorization": `${right}, ${right}` }), "doubled")
      assert.strictEqual(yield* verdict({ authorization: `TSA 11AA:${right}, TSA 11AA:${right}` }), "doubled")
      assert.strictEqual(yield* verdict({ authorization: `Basic MTFB, TSA 11AA:${right}` }), "doubled")
    }))

  it.effect("signs the bytes, not what they mean", () =>
    Effect.gen(function*() {
      const spaced = JSON.stringify(JSON.parse(body), null, 1)
      assert.strictEqual(yield* verdict({ "x-ts-authorization": right }, spaced), "wrong")
      assert.strictEqual(yield* verdict({ "x-ts-authorization": right }, `${body}\n`), "wrong")
    }))

  it.effect.prop(
    "agrees with the HMAC of Node for all bytes",
    [Schema.Array(Schema.Int)],
    ([numbers]) =>
      Effect.gen(function*() {
        const data = Uint8Array.from(numbers)
        const { sign, verify } = yield* auth
        assert.strictEqual(yield* sign(data), hmac(data))
        assert.strictEqual(yield* verify(Headers.fromInput({ "x-ts-authorization": hmac(data) }), data), "valid")
      })
  )
})

describe("signRequest", () => {
  const request: TelesignAuth.SignedRequest = {
    method: "post",
    contentType: "application/json",
    path: "/v2/voice",
    date: "Mon, 02 Mar 2026 14:05:00 GMT",
    nonce: "7f3a9c",
    body: `{"method":"hangup","params":{}}`
  }

  it.effect("signs method, type, date, nonce, body and path in this order", () =>
    Effect.gen(function*() {
      const { signRequest } = yield* auth
      const expected = hmac(
        "POST\napplication/json\n\nx-ts-auth-method:HMAC-SHA256\nx-ts-date:Mon, 02 Mar 2026 14:05:00 GMT\n" +
          `x-ts-nonce:7f3a9c\n{"method":"hangup","params":{}}\n/v2/voice`
      )
      assert.deepStrictEqual({ ...(yield* signRequest(customerId, request)) }, {
        authorization: `TSA 11AA22BB-0000-4000-8000-CC33DD44EE55:${expected}`,
        "x-ts-auth-method": "HMAC-SHA256",
        "x-ts-date": "Mon, 02 Mar 2026 14:05:00 GMT",
        "x-ts-nonce": "7f3a9c"
      })
    }))

  it.effect("leaves the line of an empty body out", () =>
    Effect.gen(function*() {
      const { signRequest } = yield* auth
      const { authorization } = yield* signRequest(customerId, { ...request, body: "" })
      const expected = hmac(
        "POST\napplication/json\n\nx-ts-auth-method:HMAC-SHA256\nx-ts-date:Mon, 02 Mar 2026 14:05:00 GMT\n" +
          "x-ts-nonce:7f3a9c\n/v2/voice"
      )
      assert.strictEqual(authorization, `TSA 11AA22BB-0000-4000-8000-CC33DD44EE55:${expected}`)
    }))
})
