/**
 * Inputs that a prompt takes, drawn from the schema of what it gives. So most prompts need no samples: a date, a code with a
 * check digit, one of some words are found from what the schema says.
 */
import { Arbitrary, Effect, Result, Schema } from "effect"

/** How many values are drawn, and how many different ones are still few: then all of them are tried. */
const draws = 64
const few = 4

/** Draws from a schema, always the same. What nobody can draw from gives nothing. */
const draw = <S extends Schema.Constraint>(schema: S): ReadonlyArray<S["Type"]> =>
  Result.getOrElse(
    Result.try(() =>
      Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(schema), { count: draws, seed: "inputs" }))
    ),
    () => []
  )

/** Values of a schema as they are keyed in. */
const encoded = (schema: Input): ReadonlyArray<string> => {
  const encode = Schema.encodeUnknownResult(schema as Schema.Codec<unknown, string>)
  return draw(Schema.toType(schema)).flatMap((value) => {
    const found = Result.try(() => encode(value))
    return Result.isSuccess(found) && Result.isSuccess(found.success) ? [found.success.success] : []
  })
}

/** The numbers of up to four digits, where nothing better is known. */
const counted = (max: number): ReadonlyArray<string> =>
  max > 4 ? [] : Array.from({ length: 10 ** max }, (_, i) => String(i).padStart(max, "0"))

type Input = Schema.ConstraintCodec<unknown, string, never, unknown>

/** A prompt that takes what its schema says, in at most so many digits. */
interface Asking {
  readonly schema: Input
  readonly max: number
  readonly asked: string
}

/** What was found, by the schema and the prompt. */
export type Found = WeakMap<object, Map<string, ReadonlyArray<string>>>

/** What is tried at a prompt: all that it takes, if that is little, and otherwise one if nothing else is taken. */
export const of = (
  found: Found,
  asking: Asking,
  accepts: (digits: string) => boolean,
  tried: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const ofSchema = found.get(asking.schema) ?? new Map<string, ReadonlyArray<string>>()
  found.set(asking.schema, ofSchema)
  const key = `${asking.max} ${asking.asked}`
  const inputs = ofSchema.get(key) ?? find(asking, accepts, tried)
  ofSchema.set(key, inputs)
  return inputs
}

/** Whether keys are read as a number: then the largest is tried beside the smallest, for most flows part them by their size. */
const isNumber = (schema: Input, tried: ReadonlyArray<string>): boolean => {
  const decode = Schema.decodeUnknownResult(schema as Schema.Codec<unknown, string>)
  return tried.some((digits) => {
    const read = Result.try(() => decode(digits))
    return Result.isSuccess(read) && Result.isSuccess(read.success) &&
      ["number", "bigint"].includes(typeof read.success.success)
  })
}

const find = (
  { max, schema }: Asking,
  accepts: (digits: string) => boolean,
  tried: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const taken = (candidates: ReadonlyArray<string>) =>
    Array.from(new Set(candidates.filter((digits) => digits !== "" && digits.length <= max && accepts(digits))))
  const drawn = taken([...encoded(schema), ...draw(Schema.toEncoded(schema))])
  const largest = isNumber(schema, [...drawn, ...tried]) ? taken(["9".repeat(max)]) : []
  if (drawn.length > 0 && drawn.length <= few) return Array.from(new Set([...drawn, ...largest]))
  if (tried.some(accepts)) return largest
  return drawn.length > 0 ? drawn.slice(0, 1) : taken(counted(max)).slice(0, 1)
}
