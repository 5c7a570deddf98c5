/**
 * The commands of this package as values, for a command line that has more of them: `ringback` of `@ringback/cli` does.
 *
 * @since 0.1.0
 */
import * as emulatorCommand from "./internal/emulatorCommand.ts"
import * as exploreCommand from "./internal/exploreCommand.ts"
import * as Misuse from "./internal/misuse.ts"

/**
 * A Telesign on this machine, to try an application by hand.
 *
 * @since 0.1.0
 */
export const emulator = emulatorCommand.command

/**
 * Goes every path of a flow, holds laws to it, and draws it.
 *
 * @since 0.1.0
 */
export const explore = exploreCommand.command

/**
 * What a folder says about its flow.
 *
 * @since 0.1.0
 */
export type Exploration = exploreCommand.Exploration

/**
 * Reads `flow.ts` of a folder and, if there is one, `explore.ts` beside it with `input`, `samples`, `laws`, and `flow` if the flow has to
 * be made first.
 *
 * @since 0.1.0
 */
export const read = exploreCommand.read

/**
 * Tells on standard error what was not understood of a command line, and the help that is given with it, so that standard output holds
 * nothing but what a command prints.
 *
 * @since 0.1.0
 */
export const misuse = Misuse.layer

/**
 * Whether a command line was not understood.
 *
 * @since 0.1.0
 */
export const isMisuse = Misuse.is

/**
 * Ends a program of commands: with 0 if it was told to stop, with 2 if its command line was not understood.
 *
 * @since 0.1.0
 */
export const teardown = Misuse.teardown
