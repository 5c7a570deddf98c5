import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { FlowDrawing } from "@ringback/core"
import { Law } from "@ringback/testing"
import { Effect, Exit, Layer, Result } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { command, data, explore, read, standalone } from "../src/internal/exploreCommand.ts"

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url))

/** The largest has 140,000 steps, 15 s of a processor. It bounds what hangs, and not a machine that is busy. */
const patience = 180_000

const drawn = readdirSync(examples).filter((name) => existsSync(join(examples, name, "flow.ts")))

describe("the examples", () => {
  for (const name of drawn) {
    it.effect(`${name} keeps its laws on every path, and its drawing is current`, () =>
      Effect.gen(function*() {
        const folder = join(examples, name)
        const report = yield* explore(yield* read(folder))
        assert.deepStrictEqual(report.broken.map(({ law, why }) => [law, why]), [])
        assert.deepStrictEqual(report.unseen, [])
        const { drawing } = report
        assert.isAtMost(drawing!.boxes.length, 25, "nobody reads more boxes")
        const again = `npm run explore -- examples/${name}`
        assert.strictEqual(readFileSync(join(folder, "flow.mmd"), "utf8"), FlowDrawing.mermaid(drawing!), again)
        assert.strictEqual(readFileSync(join(folder, "flow.svg"), "utf8"), standalone(drawing!), again)
        const json = join(folder, "flow.json")
        if (existsSync(json)) assert.strictEqual(readFileSync(json, "utf8"), data(drawing!), again)
      }).pipe(Effect.provide(NodeServices.layer)), patience)
  }
})

const scratch = fileURLToPath(new URL("./.explore/", import.meta.url))

/** A folder of its own, inside of the package so that its imports are found. */
const folder = Effect.acquireRelease(
  Effect.sync(() => {
    mkdirSync(scratch, { recursive: true })
    return mkdtempSync(scratch)
  }),
  () => Effect.sync(() => rmSync(scratch, { recursive: true, force: true }))
)

const run = (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Command.runWith(command, { version: "test" })(args))
    const printed = yield* TestConsole.logLines
    return { ok: Exit.isSuccess(exit), text: printed.join("\n"), exit: String(exit) }
  }).pipe(Effect.provide(Layer.merge(NodeServices.layer, TestConsole.layer)))

describe("explore", () => {
  it.effect("prints what there is and writes the drawing", () =>
    Effect.gen(function*() {
      const at = yield* folder
      cpSync(join(examples, "hang-up/flow.ts"), join(at, "flow.ts"))
      const { ok, text } = yield* run(at)
      assert.isTrue(ok)
      assert.match(text, /conversations +8\n/)
      for (const { name } of Law.standard) assert.include(text, `✓ ${name}`)
      assert.match(readFileSync(join(at, "flow.mmd"), "utf8"), /^flowchart TD\n/)
      assert.isFalse(existsSync(join(at, "flow.json")))
    }))

  it.effect("writes the drawing as data where that is asked for, and keeps it current then", () =>
    Effect.gen(function*() {
      const at = yield* folder
      cpSync(join(examples, "hang-up/flow.ts"), join(at, "flow.ts"))
      const json = join(at, "flow.json")
      const written = () => FlowDrawing.decode(JSON.parse(readFileSync(json, "utf8")))
      assert.include((yield* run(at, "--data")).text, "flow.json, in")
      const first = written()
      assert.isTrue(Result.isSuccess(first) && first.success.boxes.length > 0)
      writeFileSync(json, "{}")
      assert.isTrue((yield* run(at)).ok)
      assert.deepStrictEqual(written(), first)
    }))

  it.effect("fails with the shortest path if a law is broken, and shows no number", () =>
    Effect.gen(function*() {
      const at = yield* folder
      cpSync(join(examples, "table-ready/flow.ts"), join(at, "flow.ts"))
      writeFileSync(
        join(at, "explore.ts"),
        `import { Law } from "@ringback/testing"\nexport const laws = [Law.fails(), Law.promptAtMost(2)]\n`
      )
      const one = yield* run(at, "--law", "no failure")
      assert.notInclude(one.text, "at most 2 times")
      const both = yield* run(at)
      assert.isFalse(both.ok)
      assert.include(both.text, "✗ a prompt at most 2 times")
      assert.match(both.text, /presses 0/)
      assert.include(both.text, "PhoneCompany.callee(input.to")
      assert.notInclude(both.text, "15550170001")
      const none = yield* run(at, "--law", "gravity")
      assert.include(none.exit, "No law is called gravity")
    }))

  it.effect("is no proof if it was cut", () =>
    Effect.gen(function*() {
      const at = yield* folder
      cpSync(join(examples, "table-ready/flow.ts"), join(at, "flow.ts"))
      const { exit, ok } = yield* run(at, "--max", "5")
      assert.isFalse(ok)
      assert.include(exit, "Not all laws are proved on every path")
      assert.isFalse(existsSync(join(at, "flow.mmd")), "half a flow is drawn")
    }))

  it.effect("says what a folder lacks", () =>
    Effect.gen(function*() {
      const at = yield* folder
      assert.include((yield* run(at)).exit, "has no flow.ts")
      writeFileSync(join(at, "flow.ts"), "export const nothing = 1\n")
      assert.include((yield* run(at)).exit, "exports no Flow.make")
      assert.include((yield* run(join(at, "flow.ts"))).exit, "name the folder that holds one")
      rmSync(at, { recursive: true })
      const other = yield* folder
      cpSync(join(examples, "passcode/flow.ts"), join(other, "flow.ts"))
      assert.include((yield* run(other)).exit, "passcode needs an input")
      assert.isFalse((yield* run(other, "--max", "0")).ok)
    }))
})
