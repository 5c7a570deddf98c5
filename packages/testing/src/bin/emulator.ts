#!/usr/bin/env node
/**
 * The emulator as a program: a Telesign on localhost, to try an application by hand.
 *
 * ```sh
 * npm run emulator -- --port 4010 --events-url http://127.0.0.1:4020/telesign/events --callee "answers 2s; presses 1"
 * ```
 *
 * It prints where it listens and what it expects, then a line for each request, event and reply. Numbers, digits and
 * spoken words are masked.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime } from "effect"
import { Command } from "effect/cli"
import { readFileSync } from "node:fs"
import { command } from "../internal/emulatorCommand.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

/** Being told to stop is no failure. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

Command.run(command, { version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain({ teardown }))
