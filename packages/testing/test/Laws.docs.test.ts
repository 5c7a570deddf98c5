import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { StormLaws } from "../src/index.ts"

const root = new URL("../../../", import.meta.url)
const page = readFileSync(new URL("docs/laws.md", root), "utf8")
const named = (pattern: RegExp) => Array.from(page.matchAll(pattern), ([, name]) => name!)

describe("docs/laws.md", () => {
  it("names every law that a storm checks, and no other", () => {
    const laws = new Map(Object.entries(StormLaws).map(([name, value]) => [value as unknown, name]))
    const checked = StormLaws.all.map((law) => laws.get(law))
    const onPage = [...named(/`StormLaws\.(?!test)(\w+)`/g), ...named(/\(`(\w+)`\)/g)]
    assert.deepStrictEqual([...new Set(onPage)].toSorted(), checked.toSorted())
  })

  it("names only tests and commands that exist", () => {
    const files = globSync("packages/*/test/*.test.ts", { cwd: root }).map((path) => path.split("/").at(-1)!)
    const tests = new Set(named(/`(\w+)\.test`/g))
    assert.isAbove(tests.size, 10)
    assert.deepStrictEqual([...tests].filter((name) => !files.includes(`${name}.test.ts`)), [])
  })
})
