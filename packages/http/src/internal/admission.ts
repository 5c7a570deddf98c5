/**
 * Who may send webhooks: whoever signs them with a key of the account, as long as the program does not say otherwise. Whom it
 * keeps out the log tells.
 */
import { Effect } from "effect"
import type { Headers } from "effect/http"
import * as TelesignAuth from "../TelesignAuth.ts"
import * as Telling from "./telling.ts"

/** An own way to tell whether a webhook comes from Telesign: its headers, and its body as it came. */
export type Verifier<R = never> = (headers: Headers.Headers, body: Uint8Array) => Effect.Effect<boolean, never, R>

/** How webhooks are verified. */
export type Verification<R = never> = "required" | "if signed" | "none" | Verifier<R>

/** Why a webhook may not come in. */
export type Refusal =
  | "unsigned"
  | "wrong_signature"
  | "malformed_signature"
  | "doubled_signature"
  | "unverified"

/** Tells why a webhook may not come in, if it may not. */
export type Check = (headers: Headers.Headers, body: Uint8Array) => Effect.Effect<Refusal | undefined>

/** Makes what checks webhooks, if anything does, and says in the log if it does not check all. */
export const make = (
  verification: Verification
): Effect.Effect<Check | undefined, TelesignAuth.InvalidApiKey, TelesignAuth.Account> => {
  if (verification === "none") {
    return Effect.as(Effect.logWarning(`Webhooks are not verified (verify: "none"). ${danger}`), undefined)
  }
  if (typeof verification === "function") return Effect.succeed(asked(verification))
  return bySignature(verification === "required")
}

const danger = "Whoever finds their address can have calls answered, and whoever knows an id of a call can steer it"

/** An own verifier, whose refusals are told like others. */
const asked = (verifier: Verifier): Check => {
  const tell = Telling.make<Refusal>()
  return Effect.fnUntraced(function*(headers, body) {
    if (yield* verifier(headers, body)) return undefined
    yield* tell("unverified", (count) => Effect.logWarning(`${webhooks(count)} refused by the verifier of the program`))
    return "unverified"
  })
}

const bySignature = Effect.fnUntraced(function*(isRequired: boolean) {
  const auth = yield* TelesignAuth.make(yield* TelesignAuth.Account)
  if (!isRequired) yield* Effect.logWarning(`Webhooks without a signature are taken (verify: "if signed"). ${danger}`)
  const tell = Telling.make<Refusal | "taken">()
  let hasTaken = false

  const refused = (refusal: Exclude<Refusal, "unverified">): Effect.Effect<Refusal> =>
    Effect.as(
      tell(refusal, (count) => {
        const line = `${webhooks(count)} refused: ${words[refusal]}`
        return hasTaken
          ? Effect.logWarning(line)
          : Effect.logError(`${line}. None was taken so far. ${remedies[refusal]}`)
      }),
      refusal
    )
  const signed = Effect.suspend(() => {
    if (hasTaken) return Effect.succeed(undefined)
    hasTaken = true
    const advice = `Telesign signs the webhooks of this account. Leave out verify: "if signed", so that it has to`
    return Effect.as(isRequired ? Effect.void : Effect.logInfo(advice), undefined)
  })
  const taken = tell("taken", (count) => Effect.logWarning(`${webhooks(count)} taken without a signature`))

  const check: Check = Effect.fnUntraced(function*(headers, body) {
    switch (yield* auth.verify(headers, body)) {
      case "valid":
        return yield* signed
      case "missing":
        return isRequired ? yield* refused("unsigned") : yield* Effect.as(taken, undefined)
      case "wrong":
        return yield* refused("wrong_signature")
      case "malformed":
        return yield* refused("malformed_signature")
      case "doubled":
        return yield* refused("doubled_signature")
    }
  })
  return check
})

const webhooks = (count: number): string => count === 1 ? "1 webhook was" : `${count} webhooks were`

const words = {
  unsigned: "no signature",
  wrong_signature: "signed with another key, or the body was changed",
  malformed_signature: "a malformed signature",
  doubled_signature: "two signatures in one header"
}

const askSupport =
  `Ask Telesign's support to sign the webhooks of this account; verify: "if signed" takes them meanwhile`

const remedies = {
  unsigned: askSupport,
  wrong_signature:
    "Set the API key (TELESIGN_API_KEY) to one that the Telesign portal shows, and let no proxy change bodies",
  malformed_signature: "Let no proxy change the headers Authorization and X-TS-Authorization",
  doubled_signature: "Let no proxy add to the headers Authorization and X-TS-Authorization"
}
