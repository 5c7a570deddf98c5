#!/usr/bin/env node
/**
 * The explorer as a program: goes every path of a flow, prints what there is, and writes a drawing beside it.
 *
 * ```sh
 * npm run explore -- examples/table-ready
 * npm run explore -- examples/passcode --law "key press" --max 1000
 * ```
 *
 * Words and keys are those of the samples in `explore.ts`; numbers are masked. It exits with 1 if a law is broken.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { readFileSync } from "node:fs"
import { command } from "../internal/exploreCommand.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

Command.run(command, { version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain())
