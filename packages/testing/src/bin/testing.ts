#!/usr/bin/env node
/**
 * The commands of this package as one program, so that `npx @ringback/testing` knows which to run.
 *
 * ```sh
 * npx @ringback/testing emulator --port 4010 --events-url http://127.0.0.1:4020/telesign/events --callee "answers 2s; presses 1"
 * npx @ringback/testing explore calls
 * ```
 *
 * The emulator prints where it listens and what it expects, then a line for each request, event and reply, masked. The explorer
 * prints words and keys of the samples in `explore.ts`, and exits with 1 if a law is broken. What is not
 * understood is told on standard error, with the exit code 2.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { readFileSync } from "node:fs"
import * as Commands from "../Commands.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

const command = Command.make("ringback-testing").pipe(
  Command.withDescription("A Telesign on this machine, and every path of a flow"),
  Command.withSubcommands([Commands.emulator, Commands.explore])
)

Command.run(command, { version }).pipe(
  Effect.provide([NodeServices.layer, Commands.misuse]),
  NodeRuntime.runMain({ teardown: Commands.teardown })
)
