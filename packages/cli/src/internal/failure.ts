/** What ends a command with another code than 0. */
import { Commands } from "@ringback/testing"
import { Cause, Exit, Runtime, Schema, Struct } from "effect"
import { CliError } from "effect/cli"

/** The exit codes, as documented. */
export const codes = {
  failed: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  refused: 5,
  unavailable: 6,
  notYet: 7
} as const

/** A command cannot do what it was asked to, in words for whoever asked. */
export class Failure extends Schema.TaggedError<Failure>()("Failure", {
  code: Schema.Literals(Struct.keys(codes)),
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = codes[this.code]
  override readonly [Runtime.errorReported] = false
  override readonly [CliError.userMessage] = this.message
}

/** A command cannot do what it was asked to. */
export const fail = (code: keyof typeof codes, message: string): Failure => new Failure({ code, message })

/** Ends the process: being told to stop is no failure, and not being understood has a code of its own. */
export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return onExit(0)
  if (Exit.isFailure(exit) && Commands.isMisuse(Cause.squash(exit.cause))) return onExit(codes.usage)
  Runtime.defaultTeardown(exit, onExit)
}
