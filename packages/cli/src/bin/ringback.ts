#!/usr/bin/env node
/**
 * Ringback in a terminal.
 *
 * ```sh
 * npm run ringback -- calls --database calls.db --status running
 * ```
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime } from "effect"
import { CliError, Command } from "effect/cli"
import { readFileSync } from "node:fs"
import { command, exitCodes } from "../Cli.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

const isMisunderstood = (thrown: unknown): boolean =>
  CliError.isCliError(thrown) && (thrown._tag !== "ShowHelp" || thrown.errors.length > 0) && thrown._tag !== "UserError"

/** Being told to stop is no failure, and not being understood has a code of its own. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return onExit(0)
  if (Exit.isFailure(exit) && isMisunderstood(Cause.squash(exit.cause))) return onExit(exitCodes.usage)
  Runtime.defaultTeardown(exit, onExit)
}

// Whoever reads no further (`ringback calls | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

Command.run(command, { version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain({ teardown }))
