/**
 * The command line, as a value: for who runs it with other services, or beside commands of their own.
 *
 * @since 0.1.0
 */
import { Commands } from "@ringback/testing"
import { Effect, type Layer, type Runtime } from "effect"
import { type CliError, Command } from "effect/cli"
import * as Failures from "./internal/failure.ts"
import * as Printing from "./internal/printing.ts"
import { root } from "./internal/root.ts"
import * as Calls from "./internal/verbs/calls.ts"
import * as Cancel from "./internal/verbs/cancel.ts"
import * as Doctor from "./internal/verbs/doctor.ts"
import * as Emulator from "./internal/verbs/emulator.ts"
import * as Explore from "./internal/verbs/explore.ts"
import * as Init from "./internal/verbs/init.ts"
import * as Outcome from "./internal/verbs/outcome.ts"
import * as Prune from "./internal/verbs/prune.ts"
import * as Show from "./internal/verbs/show.ts"
import * as Signal from "./internal/verbs/signal.ts"
import * as Storm from "./internal/verbs/storm.ts"
import * as Watch from "./internal/verbs/watch.ts"
import * as Why from "./internal/verbs/why.ts"
import * as Words from "./internal/words.ts"

/**
 * The command `ringback` with all its verbs.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const command = root.pipe(
  Command.withSubcommands([
    Calls.command,
    Show.command,
    Why.command,
    Watch.command,
    Outcome.command,
    Signal.command,
    Cancel.command,
    Prune.command,
    Doctor.command,
    Explore.command,
    Storm.command,
    Emulator.command,
    Init.command
  ])
)

/**
 * Runs the command with the words of a command line. A value may begin with a dash (`--since -2h`). What is not understood is told on
 * standard error, with the help for it, so that standard output holds nothing but data.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const run = (
  words: ReadonlyArray<string>,
  { version }: { readonly version: string }
): Effect.Effect<
  void,
  Failures.Failure | CliError.CliError | Command.Error<typeof command>,
  Command.Environment | Command.Services<typeof command>
> => {
  const bound = Words.bound(words)
  const run = "stray" in bound ? stray(bound) : Command.runWith(command, { version })(bound)
  return Effect.provide(run, Commands.misuse)
}

const stray = ({ stray }: Words.Stray) => {
  const words =
    `${stray} is no flag of one letter. A value that begins with a dash stands behind its flag, and an argument behind --`
  return Effect.andThen(Printing.talk(words), Effect.fail(Failures.fail("usage", words)))
}

/**
 * What the command exits with if it does not do what it was asked to: it `failed`, was not understood (`usage`), something is not there
 * (`notFound`), a token does not allow it (`notAllowed`), it was `refused`, the application or the store is `unavailable`, or there is no
 * outcome yet (`notYet`).
 *
 * @since 0.1.0
 */
export const exitCodes = Failures.codes

/**
 * Ends the process with such a code. An interruption ends it with 0.
 *
 * @since 0.1.0
 */
export const teardown: Runtime.Teardown = Failures.teardown

/**
 * Keeps what is logged out of the data: from warnings on, on standard error.
 *
 * @since 0.1.0
 */
export const logs: Layer.Layer<never> = Printing.logs
