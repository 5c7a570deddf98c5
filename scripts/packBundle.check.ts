import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { rolldown } from "rolldown"
import * as Packed from "./packed.ts"

// The packages in one file, as whoever ships a service or a function has them.

const place = Packed.place("bundle")
const out = Packed.folder("bundled") // far from any node_modules

afterAll(() => out.remove())

beforeAll(async () => {
  place.write("call.ts", readFileSync(join(Packed.root, "scripts/pack.call.ts"), "utf8"))
  const bundle = await rolldown({ input: join(place.home, "call.ts"), platform: "node", logLevel: "silent" })
  await bundle.write({ file: join(out.home, "call.js"), format: "esm", minify: true, codeSplitting: false })
  out.write("package.json", { type: "module" })
})

describe("a bundle of the packed packages", () => {
  it("is one file that runs a call by itself", async () => {
    assert.notInclude(readdirSync(out.home), "node_modules")
    assert.match(await out.run(process.execPath, ["call.js"]), /^coming$/m)
  })

  it("holds no more than it uses", () => {
    const kilobytes = Math.round(statSync(join(out.home, "call.js")).size / 1024)
    console.log(`bundled and minified, with Effect and the test kit: ${kilobytes} KB`)
    assert.isBelow(kilobytes, 2_000)
  })
})
