/** `ringback init` on each kind of project: what it writes compiles, its test passes, and its program calls through an emulator. */
import { assert, describe, it } from "@effect/vitest"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePort } from "./freePort.ts"
import { run } from "./terminal.ts"

const root = fileURLToPath(new URL("../", import.meta.url))

/** A folder with these files. */
const project = (files: Readonly<Record<string, string | object>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const home = mkdtempSync(join(tmpdir(), "ringback-init-"))
      for (const [file, content] of Object.entries(files)) {
        mkdirSync(dirname(join(home, file)), { recursive: true })
        writeFileSync(join(home, file), typeof content === "string" ? content : JSON.stringify(content, undefined, 4))
      }
      return home
    }),
    (home) => Effect.sync(() => rmSync(home, { recursive: true, force: true }))
  )

const read = (...path: ReadonlyArray<string>) => readFileSync(join(...path), "utf8")
const manifestOf = (home: string) => JSON.parse(read(home, "package.json"))
const filesIn = (home: string) =>
  readdirSync(home, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(home, path)).isFile())
    .toSorted()

/** Runs a command to its end, and gives what it said; `told` sees it as it is said. */
const command = (home: string, args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, args, { cwd: home, env: { ...process.env, NO_COLOR: "1", ...environment } })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let text = ""
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (said) => text += said)
    const closed = once(child, "close")
    const ended = Effect.promise(async () => {
      const [code] = await closed
      return { code, text }
    })
    const says = (words: string) =>
      Effect.raceFirst(
        Effect.promise(async () => {
          while (!text.includes(words)) await once(child.stdout, "data")
        }),
        Effect.map(ended, ({ text }) => assert.fail(text))
      )
    return { child, ended, says }
  })

const succeeds = Effect.fnUntraced(function*(home: string, ...args: ReadonlyArray<string>) {
  const { code, text } = yield* (yield* command(home, args)).ended
  assert.strictEqual(code, 0, text)
  return text
})

const compiles = (home: string) => {
  const sources = ["--customConditions", "source", "--lib", "ES2023,ESNext.Iterator"]
  return succeeds(home, `${root}node_modules/typescript/bin/tsc`, "-p", ".", ...sources)
}

const pass = (home: string) =>
  Effect.suspend(() => {
    // Packages of the workspace are sources here, and what is installed elsewhere is built.
    writeFileSync(join(home, "source.config.ts"), `export default { ssr: { resolve: { conditions: ["source"] } } }\n`)
    return succeeds(home, `${root}node_modules/vitest/vitest.mjs`, "run", "--config", join(home, "source.config.ts"))
  })

const calls = Effect.fnUntraced(function*(home: string, main: string) {
  const port = yield* Effect.promise(freePort)
  const telesign = yield* TelesignEmulator.TelesignEmulator
  yield* telesign.reportTo(`http://127.0.0.1:${port}/telesign/events`)
  const environment = {
    PORT: String(port),
    DATABASE_FILE: join(home, "calls.db"),
    TELESIGN_BASE_URL: telesign.url,
    TELESIGN_CALLER_ID: "15550170009",
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  }
  const program = yield* command(home, ["--conditions=source", main, "+15550170001", "order-1"], environment)
  yield* program.says("order-1: tomorrow")
  program.child.kill("SIGTERM")
  const { text } = yield* program.ended
  assert.isNull(program.child.signalCode, text)
})

/** It waits for a reply for as long as a busy machine may take to say the first one. */
const emulator = TelesignEmulator.layer({
  callee: Callee.answers("1 second").hears("Press 1").presses("2"),
  replies: { timeout: "60 seconds" }
})

const projects = {
  empty: {},
  effect: { "package.json": { name: "orders", type: "module", dependencies: { effect: "4.1.0" } } },
  express: {
    "package.json": {
      name: "shop",
      scripts: { start: "node app.js", test: "jest" },
      dependencies: { express: "^4.21.0" }
    },
    "app.js": "require('express')().listen(3000)\n"
  },
  fastify: { "package.json": { type: "module", dependencies: { fastify: "5.12.8" } }, "pnpm-lock.yaml": "" },
  node: { "package.json": { name: "plain", version: "1.0.0" }, "tsconfig.json": "{}" }
} as const

const kinds = Object.keys(projects) as ReadonlyArray<keyof typeof projects>

const placeOf = (kind: keyof typeof projects) => kind === "empty" ? "" : "calls/"
const sourcesOf = (kind: keyof typeof projects) => kind === "empty" ? "src" : "calls"

describe.concurrent("ringback init", { timeout: 240_000 }, () => {
  it.each(kinds)(
    "writes an application that calls: %s",
    (kind) =>
      Effect.gen(function*() {
        const home = yield* project(projects[kind])
        const { code, err, out } = yield* run(["init", home, "--json"])
        assert.strictEqual(code, 0, err)
        const [place, sources] = [placeOf(kind), sourcesOf(kind)]
        const own = ["express", "node"].includes(kind) ? ["calls/package.json"] : []
        const expected = [".env", ".gitignore", "tsconfig.json"].map((file) => place + file).concat(
          ["calls.ts", "flow.test.ts", "flow.ts", "main.ts"].map((file) => `${sources}/${file}`),
          own,
          kind === "empty" ? ["package.json"] : []
        )
        assert.strictEqual(JSON.parse(out).kind, kind)
        assert.sameMembers(JSON.parse(out).written, expected)
        const before = Object.keys(projects[kind]).filter((file) => file !== "package.json")
        assert.sameMembers(filesIn(home), [...new Set([...expected, ...before, "package.json"])])
        for (const file of before) {
          assert.strictEqual(read(home, file), (projects[kind] as Record<string, string>)[file])
        }

        symlinkSync(`${root}node_modules`, join(home, "node_modules"))
        yield* calls(home, `${sources}/main.ts`)
      }).pipe(Effect.scoped, Effect.provide(emulator), Effect.runPromise)
  )

  it("writes applications that compile, and whose tests pass", () =>
    Effect.gen(function*() {
      // Side by side, so that the compiler and the tests are started once for all of them.
      const files = kinds.flatMap((kind) =>
        Object.entries(projects[kind]).map(([file, content]) => [`${kind}/${file}`, content])
      )
      const home = yield* project(Object.fromEntries(files))
      const options: Array<unknown> = []
      for (const kind of kinds) {
        assert.strictEqual((yield* run(["init", join(home, kind)])).code, 0)
        options.push(JSON.parse(read(home, kind, `${placeOf(kind)}tsconfig.json`)).compilerOptions)
      }
      for (const each of options) assert.deepStrictEqual(each, options[0])
      symlinkSync(`${root}node_modules`, join(home, "node_modules"))
      const include = kinds.map((kind) => `${kind}/${sourcesOf(kind)}`)
      writeFileSync(join(home, "tsconfig.json"), JSON.stringify({ extends: "./empty/tsconfig.json", include }))
      yield* compiles(home)
      assert.include(yield* pass(home), `${kinds.length} passed`)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("keeps what a package.json says, and adds what it has not", () =>
    Effect.gen(function*() {
      const home = yield* project(projects.express)
      const { out } = yield* run(["init", home])
      const manifest = manifestOf(home)
      assert.deepInclude(manifest, { name: "shop" })
      assert.deepInclude(manifest.scripts, projects.express["package.json"].scripts)
      assert.hasAllKeys(manifest.scripts, ["start", "test", "start:calls", "test:calls", "emulator"])
      assert.strictEqual(manifest.dependencies.express, "^4.21.0")
      assert.match(read(home, "package.json"), /\n {4}"name"/)
      assert.include(out, "express ^4.21.0; this is tested with 5.")
      assert.include(out, "npm run start:calls -- +15550170001 order-1")
      assert.include(out, "package.json: dependencies.express")
    }).pipe(Effect.scoped, Effect.runPromise))

  it("says to an Effect application with a client of PostgreSQL that it needs no file beside it", () =>
    Effect.gen(function*() {
      const [dependencies, words] = [
        { effect: "4.1.0" },
        "It has @effect/sql-pg: leave SqliteClient out of calls/calls.ts"
      ]
      const having = yield* project({
        "package.json": { dependencies: { ...dependencies, "@effect/sql-pg": "4.0.5" } }
      })
      const lacking = yield* project({ "package.json": { dependencies } })
      assert.include((yield* run(["init", having])).out, words)
      assert.notInclude((yield* run(["init", lacking])).out, words)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("overwrites no file, and says which it left alone", () =>
    Effect.gen(function*() {
      const home = yield* project({ ...projects.node, "calls/main.ts": "mine", "calls/.env": "MINE=1" })
      const { code, out } = yield* run(["init", home])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual([read(home, "calls/main.ts"), read(home, "calls/.env")], ["mine", "MINE=1"])
      assert.match(out, /Left alone, for it was there\n {2}calls\/main.ts\n {2}calls\/\.env\n/)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("speaks of the package manager that the project has", () =>
    Effect.gen(function*() {
      const home = yield* project(projects.fastify)
      const { out } = yield* run(["init", home])
      assert.include(out, "pnpm install")
      assert.include(out, "pnpm run start +15550170001 order-1")
    }).pipe(Effect.scoped, Effect.runPromise))

  it("says so where the Node of whoever types is too old for the application", () =>
    Effect.gen(function*() {
      for (
        const [node, isOld] of [["20.20.2", true], ["22.18.0", true], ["22.19.0", false], ["24.0.0", false]] as const
      ) {
        const { out } = yield* run(["init", yield* project()], {
          npm_config_user_agent: `npm/11.0.0 node/v${node} linux`
        })
        assert.strictEqual(out.includes(`It runs on Node 22.19 or later. Yours is ${node}`), isOld, out)
      }
    }).pipe(Effect.scoped, Effect.runPromise))

  it("says with which account an application is started that was there", () =>
    Effect.gen(function*() {
      const { out } = yield* run(["init", yield* project(projects.express)])
      assert.include(out, "node --env-file=calls/.env")
    }).pipe(Effect.scoped, Effect.runPromise))

  it("writes nothing where it does not fit: Effect 3, Ringback already, no JSON, no archives", () =>
    Effect.gen(function*() {
      const refused = [
        [{ "package.json": { dependencies: { effect: "^3.19.0" } } }, [], /has Effect 3, and Ringback is for Effect 4/],
        [{ "package.json": { dependencies: { "@ringback/core": "0.1.0" } } }, [], /has Ringback already/],
        [{ "package.json": "{" }, [], /is no JSON object/],
        [{ "notes.txt": "mine" }, ["--packages", root], /has no ringback-core-/],
        [{ "notes.txt": "mine" }, ["--packages", "/nowhere"], /There is no folder/]
      ] as const
      for (const [files, flags, words] of refused) {
        const home = yield* project(files)
        const { code, err } = yield* run(["init", home, ...flags])
        assert.notStrictEqual(code, 0)
        assert.match(err, words)
        assert.deepStrictEqual(filesIn(home), Object.keys(files))
      }
    }).pipe(Effect.scoped, Effect.runPromise))
})
