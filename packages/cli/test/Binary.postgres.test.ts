/** The program itself, as a user runs it, over a PostgreSQL that an application uses. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Calls, SqlEventStore } from "@ringback/core"
import { Effect, Layer, Redacted } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Ran } from "../../../scripts/terminal.ts"
import { Approval } from "../../../scripts/testApplication.ts"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Cli } from "../src/index.ts"
import { engine } from "./fixtures/application.ts"

const { exitCodes } = Cli

const root = fileURLToPath(new URL("../../../", import.meta.url))

const server = await Postgres.start()

/** Runs the program until it ends, or until it has said something. */
const run = (args: ReadonlyArray<string>, until?: RegExp) =>
  Effect.callback<Ran>((resume) => {
    const child = spawn(
      process.execPath,
      ["--conditions=source", `${root}packages/cli/src/bin/ringback.ts`, ...args],
      { cwd: root, env: { PATH: process.env["PATH"], NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] }
    )
    let [out, err] = ["", ""]
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text
      if (until?.test(out) === true) child.kill("SIGINT")
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (err += text))
    child.on("close", (code) => resume(Effect.succeed({ out, err, code: code ?? -1 })))
    return Effect.sync(() => void child.kill())
  })

describe.skipIf(server === undefined)("the program over a PostgreSQL that an application uses", () => {
  it.effect("reads it any time, steers nothing, and prunes when nothing runs", () =>
    Effect.gen(function*() {
      const url = yield* Postgres.schema(server!)
      const stores = SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
      const look = (...args: ReadonlyArray<string>) => run([...args, "--database", url])
      const none = yield* look("calls")
      assert.strictEqual(none.code, exitCodes.unavailable)
      assert.include(none.err, "no tables of Ringback")
      const id = yield* Effect.provide(
        Effect.gen(function*() {
          const { id } = yield* Calls.start(Approval, { order: "17" })
          const listed = yield* look("calls", "--json")
          assert.strictEqual(listed.code, 0, listed.err)
          assert.strictEqual(JSON.parse(listed.out).callId, id)
          assert.strictEqual((yield* look("outcome", id)).code, exitCodes.notYet)
          const steered = yield* look("cancel", id)
          assert.strictEqual(steered.code, exitCodes.refused)
          assert.include(steered.err, "--url")
          const watched = yield* run(["watch", id, "--database", url], /SignalAwaited/)
          assert.strictEqual(watched.code, 0, watched.err)
          yield* Calls.cancel(id)
          const pruned = yield* look("prune", "--keep", "0", "--yes")
          assert.strictEqual(pruned.code, exitCodes.refused)
          assert.include(pruned.err, "--url")
          return id
        }),
        engine(stores)
      )
      const why = yield* look("why", id)
      assert.include(why.out, "the application has cancelled it")
      assert.match((yield* look("prune", "--keep", "0", "--yes")).out, /^removed: 1 call,/)
      assert.strictEqual((yield* look("show", id)).code, exitCodes.notFound)
    }), 120_000)

  it.effect("says that it is not reached, and not by which address", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* run(["calls", "--database", "postgres://ann:canary-password@127.0.0.1:9/none"])
      assert.strictEqual(code, exitCodes.unavailable)
      assert.notInclude(out + err, "canary-password")
    }))

  it.effect("gives completions, and says on standard error what it does not understand", () =>
    Effect.gen(function*() {
      const completions = yield* run(["--completions", "bash"])
      assert.strictEqual(completions.code, 0)
      assert.include(completions.out, "ringback")
      const misunderstood = yield* run(["show", "x"])
      assert.strictEqual(misunderstood.code, exitCodes.usage)
      assert.include(misunderstood.err, "id of a call")
    }))
})
