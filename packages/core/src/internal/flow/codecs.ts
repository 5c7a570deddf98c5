/**
 * Encoders and decoders of schemas that user code has made. What such a schema throws comes out as it is, with its stack:
 * Effect's own would say only that something was thrown.
 */
import { Cause, Exit, Option, Result, Schema } from "effect"

/** What a parser came to. */
const toResult = <A, E>(exit: Exit.Exit<A, E>): Result.Result<A, E> => {
  if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
  const problem = Cause.findErrorOption(exit.cause)
  if (Option.isSome(problem)) return Result.fail(problem.value)
  throw Cause.squash(exit.cause)
}

/** Encodes values of a schema. */
export const encoder = <S extends Schema.ConstraintEncoder<unknown>>(schema: S) => {
  const encode = Schema.encodeUnknownExit(schema)
  return (value: unknown): Result.Result<S["Encoded"], Schema.SchemaError> => toResult(encode(value))
}

/** Decodes values of a schema. */
export const decoder = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownExit(schema)
  return (stored: unknown): Result.Result<S["Type"], Schema.SchemaError> => toResult(decode(stored))
}
