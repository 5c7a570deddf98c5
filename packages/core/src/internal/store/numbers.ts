/**
 * What calls are found by number with: the first half of an HMAC of the number. Who has the database and not the key cannot try
 * all numbers.
 */
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { Effect, Redacted } from "effect"
import * as Base64Url from "effect/encoding/Base64Url"
import { NumbersKey } from "../../CallIndex.ts"
import type { Hash } from "./listing.ts"

const bytes = 16

const text = new TextEncoder()

/** The hash under a key. Not an effect, for a number is hashed where its turn is on its way into the store. */
const under = (key: Redacted.Redacted): Hash => {
  const keyed = hmac.create(sha256, text.encode(Redacted.value(key)))
  return (number) => Base64Url.encode(keyed.clone().update(text.encode(number)).digest().subarray(0, bytes))
}

/** The hash under the key of the application, if it has given one. */
export const hash: Effect.Effect<Hash | undefined> = Effect.map(
  NumbersKey,
  (key) => key === undefined ? undefined : under(key)
)
