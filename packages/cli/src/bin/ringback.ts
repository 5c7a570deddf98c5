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
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import * as Cli from "../Cli.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

// Whoever reads no further (`ringback calls | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

Cli.run(process.argv.slice(2), { version }).pipe(
  Effect.provide([NodeServices.layer, Cli.logs]),
  NodeRuntime.runMain({ teardown: Cli.teardown })
)
