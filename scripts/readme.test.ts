import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const examples = readdirSync(new URL("examples/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => read(`examples/${path}`))

const readme = read("README.md")
const blocks = Array.from(readme.matchAll(/```ts\n([^]*?)```/g), (match) => match[1] ?? "")

describe("the README", () => {
  it("quotes TypeScript only from examples, which are compiled and tested", () => {
    assert.isAtLeast(blocks.length, 3)
    for (const block of blocks) {
      assert.isTrue(examples.some((example) => example.includes(block.trimEnd())), `not in an example:\n${block}`)
    }
  })

  it("names only commands that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> }
    const named = Array.from(readme.matchAll(/npm run ([a-z0-9:]+)/g), (match) => match[1] ?? "")
    assert.deepStrictEqual(named.filter((name) => scripts[name] === undefined), [])
  })
})
