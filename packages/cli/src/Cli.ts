/**
 * The command line, as a value: for who runs it with other services, or beside commands of their own.
 *
 * @since 0.1.0
 */
import type { Layer, Runtime } from "effect"
import { Command } from "effect/cli"
import * as Failures from "./internal/failure.ts"
import * as Printing from "./internal/printing.ts"
import { root } from "./internal/root.ts"
import * as Calls from "./internal/verbs/calls.ts"
import * as Cancel from "./internal/verbs/cancel.ts"
import * as Doctor from "./internal/verbs/doctor.ts"
import * as Emulator from "./internal/verbs/emulator.ts"
import * as Explore from "./internal/verbs/explore.ts"
import * as Outcome from "./internal/verbs/outcome.ts"
import * as Prune from "./internal/verbs/prune.ts"
import * as Show from "./internal/verbs/show.ts"
import * as Signal from "./internal/verbs/signal.ts"
import * as Storm from "./internal/verbs/storm.ts"
import * as Watch from "./internal/verbs/watch.ts"
import * as Why from "./internal/verbs/why.ts"

/**
 * The command `ringback` with all its verbs.
 *
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
    Emulator.command
  ])
)

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
