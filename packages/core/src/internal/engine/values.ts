/** What goes into a call and what comes out of it, between the types of its flow and their stored form. */
import { Effect, Result } from "effect"
import { CallStopped } from "../../CallError.ts"
import type { By, CallId, Exit } from "../../CallEvent.ts"
import type * as Flow from "../../Flow.ts"
import type { AnyDefinition } from "../../LiveCall.ts"
import * as bounds from "../bounds.ts"

/** The stored form of an input, or why there is none. */
export const input = (
  { codec }: AnyDefinition,
  given: never,
  key: string | undefined
): Result.Result<unknown, string> => {
  const problem = key === undefined ? undefined : bounds.keyProblem(key)
  if (problem !== undefined) return Result.fail(problem)
  const stored = Result.mapError(codec.encodeInput(given), ({ message }) => `The input does not fit: ${message}`)
  return Result.flatMap(stored, (written) =>
    Result.mapBoth(codec.decodeInput(written), {
      onSuccess: () => written,
      onFailure: ({ message }) => `The schema of the input does not read back what it wrote: ${message}`
    }))
}

/** Who and why as they are recorded. */
export const by = (given: By | undefined): By | undefined =>
  given === undefined
    ? undefined
    : { who: given.who.slice(0, 255), ...(given.why === undefined ? {} : { why: given.why.slice(0, 500) }) }

const isSignal = (given: unknown): given is Flow.AnySignal =>
  typeof given === "object" && given !== null && "~ringback/Signal" in given

/** The value of a signal as it is recorded, or why it cannot be. */
export const signal = (given: unknown, value: unknown, key: string | undefined): Result.Result<unknown, string> => {
  if (!isSignal(given)) return Result.fail("Expected a signal, as Flow.Signal(name, schema) makes it")
  const problem = key === undefined ? undefined : bounds.keyProblem(key)
  return problem === undefined
    ? Result.mapError(given.codec.encode(value), ({ message }) => message)
    : Result.fail(problem)
}

/** The name of a signal as it may be shown, whatever was given for one. */
export const name = (given: unknown): string =>
  isSignal(given) ? given.name : typeof given === "string" ? given.slice(0, 255) : typeof given

/** The recorded outcome in the types of its flow. */
export const outcome = <A, E>(
  flow: Flow.Definition<string, never, A, E, unknown>,
  callId: CallId,
  exit: Exit,
  begunIn: Effect.Effect<number | undefined>
): Effect.Effect<A, E | CallStopped> => {
  const misfit = (problem: string) =>
    Effect.flatMap(begunIn, (version) => {
      const words = version === undefined || version === flow.version
        ? "The recorded outcome does not fit"
        : `The call began in version ${version}, and its outcome does not fit version ${flow.version}`
      return new CallStopped({ callId, reason: { _tag: "Defect", message: `${words}: ${problem}` } })
    })
  switch (exit._tag) {
    case "Success": {
      const value = flow.codec.decodeOutput(exit.value)
      return value._tag === "Success" ? Effect.succeed(value.success) : misfit(value.failure.message)
    }
    case "Failure": {
      const error = flow.codec.decodeError(exit.error)
      return error._tag === "Success" ? Effect.fail(error.success) : misfit(error.failure.message)
    }
    case "Stopped":
      return Effect.fail(new CallStopped({ callId, reason: exit.reason }))
  }
}
