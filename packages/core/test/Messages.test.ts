import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** What the compiler says of each mistake, by the comment above it. */
const messages = (): ReadonlyMap<string, string> => {
  const lines = readFileSync(path("mistakes/mistakes.ts"), "utf8").split("\n")
  const compiler = path("../../../node_modules/typescript/bin/tsc")
  const { stdout } = spawnSync(
    process.execPath,
    [compiler, "-p", path("mistakes/tsconfig.json"), "--pretty", "false"],
    {
      encoding: "utf8"
    }
  )
  return new Map(
    stdout.split(/\n(?=\S)/).flatMap((message) => {
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
  "yields an Effect": "yield* takes a Flow (an Effect runs in Flow.activity, an error fails through Flow.fail)"
}

describe("the compiler", () => {
  it("says in a sentence what is wrong with a flow", () => {
    const said = messages()
    for (const [mistake, words] of Object.entries(expected)) assert.include(said.get(mistake) ?? "", words, mistake)
    assert.strictEqual(said.size, Object.keys(expected).length)
    const guide = readFileSync(path("../../../docs/your-own-flow.md"), "utf8")
    const shown = /^error TS\d+: [^`]+/m.exec(guide)?.[0] ?? assert.fail("the guide shows no error")
    assert.include(said.get("speaks without a line"), shown.trim().replaceAll(/\s+/g, " "))
  })
})
