/**
 * What an activity or a signal may come to, where its schema leaves only a few values: nothing, a truth value, one of some
 * literals. A request carries its codec as functions, so the values are learnt from what they accept, and from what they
 * say they expected.
 */
import type { Result } from "effect"

type Encode = (value: unknown) => Result.Result<unknown, Error>

/** Nothing has this type. */
const nothing: unique symbol = Symbol("nothing")

const accepts = (encode: Encode, value: unknown): boolean => encode(value)._tag === "Success"

const complaint = (encode: Encode): string => {
  const result = encode(nothing)
  return result._tag === "Failure" ? result.failure.message : ""
}

const literal = String.raw`"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?`
const literals = new RegExp(`^Expected (?:${literal})(?: \\| (?:${literal}))*$`)

/** All values that fit, if there are few of them; else `undefined`. */
export const all = (encode: Encode): ReadonlyArray<unknown> | undefined => {
  const something = encode("something")
  if (something._tag === "Success" && something.success === null) return [undefined]
  const expected = complaint(encode)
  if (expected === "Expected never") return []
  if (expected === "Expected boolean") return [true, false]
  if (!literals.test(expected)) return undefined
  const values = Array.from(expected.matchAll(new RegExp(literal, "g")), ([text]) => JSON.parse(text) as unknown)
  return values.every((value) => accepts(encode, value)) ? values : undefined
}
