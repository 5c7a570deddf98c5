/** Tokens: found in a time that tells nothing about them. */
import { Effect, Layer, Redacted } from "effect"
import { Mac, SecureRandom } from "effect/crypto"

interface Token {
  readonly token: Redacted.Redacted
  readonly actor: string
}

const shortest = 16

/** Why tokens cannot be used. */
export const problem = (tokens: ReadonlyArray<Token>): string | undefined => {
  if (tokens.length === 0) return "There is none, so nobody could ask for anything: give at least one"
  const short = tokens.find(({ token }) => Redacted.value(token).length < shortest)
  if (short !== undefined) return `That of ${short.actor} is shorter than ${shortest} characters`
  if (new Set(tokens.map(({ token }) => Redacted.value(token))).size < tokens.length) return "Two are equal"
  return tokens.every(({ actor }) => actor.length > 0 && actor.length <= 255)
    ? undefined
    : "An actor has no name, or one of more than 255 characters"
}

/**
 * Finds a token by its code under a key that is drawn for this process: how long that takes depends on the code alone, which nobody can
 * choose.
 */
export const make = Effect.fnUntraced(
  function*<T extends Token>(tokens: ReadonlyArray<T>) {
    const [mac, random] = [yield* Mac.Mac, yield* SecureRandom.SecureRandom]
    const key = yield* Effect.orDie(Mac.key(Mac.hmacSha256, yield* random.randomBytes(32)))
    const codeOf = (token: Redacted.Redacted) =>
      Effect.map(Effect.orDie(mac.sign(key, new TextEncoder().encode(Redacted.value(token)))), (code) => code.join("."))
    const known = new Map<string, T>()
    for (const token of tokens) known.set(yield* codeOf(token.token), token)
    return (token: Redacted.Redacted) => Effect.map(codeOf(token), (code) => known.get(code))
  },
  Effect.provide(Layer.provideMerge(Mac.layerWebCrypto, SecureRandom.layerWebCrypto))
)
