import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { inject } from "vitest"
import * as Packed from "./packed.ts"

// An application that has `@ringback/core`, and a library of flows that brings another version of it.

const folder = Packed.folder("copies")
const core = Packed.packages["@ringback/core"]!

afterAll(() => folder.remove())

/** The packed core as an earlier release of itself. */
const earlier = async () => {
  folder.write("earlier/.keep", "")
  await folder.run("tar", ["xzf", inject("packed").archives["@ringback/core"]!, "-C", "earlier"])
  for (const file of ["package.json", "dist/internal/version.js"]) {
    const path = join("earlier/package", file)
    folder.write(path, readFileSync(join(folder.home, path), "utf8").replaceAll(`"${core}"`, `"0.0.9"`))
  }
  await folder.run("npm", ["pack", "./earlier/package", "--ignore-scripts"])
}

const library = `import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"
export const Ready = Flow.make("ready", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Void,
  run: ({ from, to }) => Line.speak("Ready.").pipe(Flow.dial({ to, from }))
})`

const application = `import { Calls, PhoneNumber } from "@ringback/core"
import { TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { Ready } from "library"
const started = Effect.gen(function*() {
  const call = yield* Calls.start(Ready, { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") })
  return yield* Effect.flip(call.outcome)
})
const error = await Effect.runPromise(Effect.provide(started, TestCalls.layer({ flows: [Ready] })))
console.log(error.message)`

describe("two copies of core in one process", () => {
  let said = ""

  beforeAll(async () => {
    await earlier()
    folder.write("library/package.json", {
      name: "library",
      version: "1.0.0",
      type: "module",
      exports: "./index.js",
      dependencies: { "@ringback/core": `file:${folder.home}/ringback-core-0.0.9.tgz` },
      peerDependencies: Packed.tools("effect")
    })
    folder.write("library/index.js", library)
    await Packed.install(folder, {
      ...Packed.tools("effect", "@effect/platform-node"),
      "@ringback/core": core,
      "@ringback/testing": core,
      library: "file:library"
    })
    folder.write("application.js", application)
    said = await folder.run(process.execPath, ["application.js"])
  })

  it("are told when an engine starts: which, where, and what is to be done", () => {
    const line = said.split("\n").find((each) => each.includes("copies of @ringback/core")) ?? ""
    assert.match(line, /0\.0\.9 in \S+library\/node_modules\/@ringback\/core\b/)
    assert.include(line, `${core} in ${folder.home}/node_modules/@ringback/core`)
    assert.include(line, "npm ls @ringback/core")
  })

  it("are told by a call whose flow is of the other", () => {
    const line = said.split("\n").findLast((each) => each.includes("another copy of @ringback/core")) ?? ""
    assert.match(line, /\(0\.0\.9 in \S+library\/node_modules\/@ringback\/core\)/)
    assert.include(line, "npm ls @ringback/core")
  })

  it("are both in the list that they ask for", async () => {
    const list = await folder.run("npm", ["ls", "@ringback/core"])
    assert.include(list, "@ringback/core@0.0.9")
    assert.include(list, `@ringback/core@${core}`)
  })
})
