/** What nobody can guess in the `external_id` of a dial. */
import { Context } from "effect"
import { SecureRandom } from "effect/crypto"
import * as ids from "../ids.ts"

/** Draws 8 digits (40 bits): from the secure source of the platform, if a test does not say otherwise. */
export const Chance = Context.Reference<() => string>("@ringback/core/Calls/Chance", {
  defaultValue: () => () => ids.chanceFrom(SecureRandom.randomBytesUnsafe(8))
})
