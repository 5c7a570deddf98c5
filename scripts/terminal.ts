/** The command `ringback` in the process of a test. */
import { NodeServices } from "@effect/platform-node"
import { Cli } from "@ringback/cli"
import { ConfigProvider, Console, Effect } from "effect"

/** What a command printed, and its exit code. */
export interface Ran {
  readonly out: string
  readonly err: string
  readonly code: number
}

/** Runs the command in this process, with an environment of its own. */
export const run = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<Ran> => {
  const [out, err]: [Array<string>, Array<string>] = [[], []]
  const console = {
    ...globalThis.console,
    log: (...words: ReadonlyArray<unknown>) => void out.push(words.join(" ")),
    error: (...words: ReadonlyArray<unknown>) => void err.push(words.join(" "))
  }
  const codeOf = (exit: Parameters<typeof Cli.teardown>[0]) => {
    let code = -1
    Cli.teardown(exit, (given) => void (code = given))
    return code
  }
  return Cli.run(args, { version: "0.1.0" }).pipe(
    Effect.provide([NodeServices.layer, ConfigProvider.layer(ConfigProvider.fromUnknown(environment))]),
    Effect.provideService(Console.Console, console as never),
    Effect.exit,
    Effect.map((exit) => ({ out: out.join("\n"), err: err.join("\n"), code: codeOf(exit) }))
  ) as Effect.Effect<Ran>
}
