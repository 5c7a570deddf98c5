/**
 * A flow over its input as the engine runs it: each run gets an input of its own, decoded from the stored form.
 */
import { Flow } from "@ringback/core"
import { Result } from "effect"

/** Throws an `Error` if the input does not fit. */
export const given = <Input, A, E, R>(
  { codec, name, run }: Flow.Definition<string, Input, A, E, R>,
  input: Input
): Flow.Flow<A, E, R> => {
  const stored = codec.encodeInput(input)
  if (stored._tag === "Failure") throw new Error(`The input does not fit the flow ${name}. ${stored.failure.message}`)
  return Flow.suspend(() => run(Result.getOrThrow(codec.decodeInput(stored.success)) as Input))
}
