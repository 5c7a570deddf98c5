import { assert, beforeAll, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import * as Packed from "./packed.ts"

// What agents read lies in the archive of core, belongs to its version, and is true of it.

const core = (...path: ReadonlyArray<string>) => Packed.installed("@ringback/core", ...path)
const pages = ["AGENTS.md", "skills/ringback/SKILL.md"]
const read = (page: string) => readFileSync(core(page), "utf8")

interface Snippet {
  readonly file: string
  readonly code: string
}

/** The code of a page. A first line such as `// flow.ts` gives a piece its name, by which others import it. */
const snippetsOf = (page: string): ReadonlyArray<Snippet> =>
  Array.from(read(page).matchAll(/```ts\n([^]*?)```/g), ({ 1: code = "" }, n) => ({
    file: /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `snippet${n}.ts`,
    code
  }))

const place = Packed.place("agents")
const folderOf = (page: string) => `page${pages.indexOf(page)}`

beforeAll(() => {
  for (const page of pages) {
    for (const { code, file } of snippetsOf(page)) place.write(`${folderOf(page)}/${file}`, code)
  }
})

it("the code that agents are shown compiles", () =>
  Packed.compile("typescript", place, { module: "NodeNext", allowImportingTsExtensions: true }))

it("the tests that agents are shown pass", async () => {
  const said = await place.run(process.execPath, [Packed.installed("vitest/vitest.mjs"), "run", "--root", "."])
  assert.match(said, /Test Files\s+2 passed/)
})

describe.each(pages)("%s", (page) => {
  it("shows code at all, and a test", () => {
    assert.isAtLeast(snippetsOf(page).length, 3)
    assert.lengthOf(snippetsOf(page).filter(({ file }) => file.endsWith(".test.ts")), 1)
  })

  it("leads only to what is there", () => {
    const links = Array.from(read(page).matchAll(/\]\(([^)#:]+)\)/g), (match) => match[1]!)
    assert.deepStrictEqual(links.filter((link) => !existsSync(core(dirname(page), link))), [])
  })
})

describe("the skill", () => {
  it("says in its head what it is and when to use it, as skills do", () => {
    const [, head = ""] = /^---\n([^]*?)\n---\n/.exec(read("skills/ringback/SKILL.md")) ?? []
    const fields = Object.fromEntries(head.split("\n").map((line) => line.split(/: (.*)/, 2)))
    assert.deepStrictEqual(Object.keys(fields), ["name", "description", "license", "compatibility"])
    assert.strictEqual(fields["name"], "ringback") // that of its folder
    assert.isBelow(fields["description"]!.length, 1_024)
    assert.isBelow(fields["compatibility"]!.length, 500)
  })
})

describe("the readme of every other package", () => {
  it.each(Packed.manifests.map(({ name }) => name).filter((name) => name !== "@ringback/core"))(
    "%s says where that is",
    (name) => assert.include(readFileSync(Packed.installed(name, "README.md"), "utf8"), "@ringback/core/AGENTS.md")
  )
})
