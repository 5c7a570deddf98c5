/** What becomes of a command line that is not understood. */
import { Cause, Console, Effect, Exit, type Layer, Runtime } from "effect"
import { CliError, CliOutput } from "effect/cli"

/** The exit code of it. */
const code = 2

export const layer: Layer.Layer<never> = CliOutput.layerPresenter({
  present: (event) => {
    const told = CliOutput.defaultPresenter.present(event)
    return event._tag === "InvalidInvocation" ? Effect.updateService(told, Console.Console, onlyErrors) : told
  }
})

const onlyErrors = (console: Console.Console): Console.Console => ({ ...console, log: console.error })

export const is = (thrown: unknown): boolean =>
  CliError.isCliError(thrown) && (thrown._tag !== "ShowHelp" || thrown.errors.length > 0) && thrown._tag !== "UserError"

export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return onExit(0)
  if (Exit.isFailure(exit) && is(Cause.squash(exit.cause))) return onExit(code)
  Runtime.defaultTeardown(exit, onExit)
}
