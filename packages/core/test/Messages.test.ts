import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** The compilers that are supported: the repository's own, and the oldest. */
const compilers = ["typescript", "typescript-oldest"] as const

/** What a compiler says of the code of a folder. */
const compiled = (compiler: typeof compilers[number], folder: string): string =>
  spawnSync(
    process.execPath,
    [path(`../../../node_modules/${compiler}/bin/tsc`), "-p", path(`${folder}/tsconfig.json`), "--pretty", "false"],
    { encoding: "utf8" }
  ).stdout

/** What a compiler says of each mistake, by the comment above it. */
const messages = (compiler: typeof compilers[number]): ReadonlyMap<string, string> => {
  const lines = readFileSync(path("mistakes/mistakes.ts"), "utf8").split("\n")
  return new Map(
    compiled(compiler, "mistakes").split(/\n(?=\S)/).flatMap((message) => {
      const line = /^[^(]*mistakes\.ts\((\d+),/.exec(message)?.[1]
      const above = lines.slice(0, Number(line ?? 0)).findLast((text) => text.trim().startsWith("// "))
      const comment = above?.trim().replace("// ", "")
      return comment === undefined ? [] : [[comment, message] as const]
    })
  )
}

const expected = {
  "speaks without a line": "This flow needs a live line: wrap the conversation in Flow.dial or Flow.inbound",
  "dials inside of a live line": "Flow.dial inside a live line: use Line.bridge, or dial after the conversation",
  "bridges a line that it dialled": "Line.bridge needs a caller: it works under Flow.inbound",
  "does not declare an error": "declare under `error` or catch",
  "starts a flow that answers": "register it under Calls.layer({ inbound }) instead of starting it",
  "answers nobody": "This flow answers nobody: wrap the conversation with the caller in Flow.inbound",
  "has a choice of two keys": "A choice is one key: 0 to 9, * or #",
  "waits for a signal that it does not declare":
    "This flow waits for the signal driver: declare it under `signals` of Flow.make",
  "tells a signal that the flow does not declare":
    "The flow of this call does not declare this signal: add it to `signals` of Flow.make",
  "tells a value of another type": "Argument of type 'number' is not assignable to parameter of type 'string'",
  "tells a signal to a flow that declares none":
    "The flow of this call does not declare this signal: add it to `signals` of Flow.make",
  "runs a Flow as an activity": "An activity runs an Effect: a Flow goes on by yield* or Flow.andThen",
  "collects with a schema that is not of text":
    "Pressed keys are text: give a schema that decodes text, such as Schema.NumberFromString",
  "has a text for its output": "Expected a schema, such as Schema.String or Schema.Literals([...])",
  "yields a Flow in Effect.gen": "YieldedInFlowGen<void, HungUp, Line>",
  "answers callers and takes input":
    "This flow takes an input, and a caller brings none: make it `input: {}` and ask on the line",
  "has a mistake in it": "This flow needs a live line",
  "starts something that is no flow": "Expected a flow that Flow.make has made, in its own type",
  "yields an Effect": "yield* takes a Flow (an Effect runs in Flow.activity, an error fails through Flow.fail)"
}

describe.each(compilers)("the compiler %s", (compiler) => {
  it("says in a sentence what is wrong with a flow", () => {
    const said = messages(compiler)
    for (const [mistake, words] of Object.entries(expected)) assert.include(said.get(mistake) ?? "", words, mistake)
    assert.strictEqual(said.size, Object.keys(expected).length)
    const guide = readFileSync(path("../../../docs/your-own-flow.md"), "utf8")
    const shown = /^error TS\d+: [^`]+/m.exec(guide)?.[0] ?? assert.fail("the guide shows no error")
    assert.include(said.get("speaks without a line"), shown.trim().replaceAll(/\s+/g, " "))
  })

  it("keeps literals, and takes computed menus, flows with different results and generic libraries without a cast", () => {
    assert.strictEqual(compiled(compiler, "compiles"), "")
  })
})
