import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Packed from "./packed.ts"
import * as Tidy from "./tidy.ts"

// The packages, packed and installed by npm in a folder of their own, and used from there.

const { entries, installed, json, manifests } = Packed
const { config, devDependencies } = Packed.workspace

/** What a program on `node` sees of each entry point: the names that it exports. */
const namesSeen = async (node: string, args: ReadonlyArray<string> = [], by = "await import"): Promise<unknown> => {
  const place = Packed.place("see")
  const file = by === "require" ? "see.cjs" : "see.js"
  place.write(
    file,
    `const names = {}
    for (const entry of ${JSON.stringify(entries)}) names[entry] = Object.keys(${by}(entry)).toSorted()
    console.log(JSON.stringify(names))`
  )
  return JSON.parse(await place.run(node, [...args, file]))
}

const namesWritten = async () =>
  Object.fromEntries(
    await Promise.all(entries.map(async (entry) => [entry, Object.keys(await import(entry)).toSorted()] as const))
  )

describe("the packed packages", () => {
  it("ask for real versions of each other", () => {
    for (const { name, version } of manifests) {
      const { dependencies }: Packed.Manifest = json(installed(name, "package.json"))
      const siblings = Object.entries(dependencies ?? {}).filter(([dependency]) => dependency.startsWith("@ringback/"))
      for (const [, range] of siblings) assert.strictEqual(range, version)
    }
  })

  it("share one copy of Effect", () =>
    assert.deepStrictEqual(globSync("**/effect/package.json", { cwd: installed() }), ["effect/package.json"]))

  it("hold licence, readme, changelog and code, and no test", () => {
    for (const { name } of manifests) {
      for (const file of ["LICENSE", "README.md", "CHANGELOG.md", "dist/index.js", "dist/index.d.ts", "src/index.ts"]) {
        assert.isTrue(existsSync(installed(name, file)), `${name} lacks ${file}`)
      }
      assert.deepStrictEqual(globSync("**/*.test.*", { cwd: installed(name) }), [])
    }
  })

  it.each([config.oldestNode, devDependencies.node, config.newestNode])(
    "export on Node %s what the sources export, and run a call",
    async (version) => {
      const node = await Packed.node(version)
      assert.strictEqual((await Packed.place("see").run(node, ["--version"])).trim(), `v${version}`)
      assert.deepStrictEqual(await namesSeen(node), await namesWritten())
      const place = Packed.place("see")
      place.write("call.ts", readFileSync(join(Packed.root, "scripts/pack.call.ts"), "utf8"))
      assert.match(await place.run(node, ["call.ts"]), /^coming$/m)
    }
  )

  it("are taken by require as they are", async () =>
    assert.deepStrictEqual(await namesSeen(process.execPath, [], "require"), await namesWritten()))

  it("load too in a program that sets the condition source for itself", async () =>
    assert.deepStrictEqual(await namesSeen(process.execPath, ["--conditions=source"]), await namesWritten()))

  it("have source maps that lead to the sources", () => {
    for (const { name } of manifests) {
      const maps = globSync("dist/**/*.map", { cwd: installed(name) })
      assert.isAtLeast(maps.length, 2)
      for (const map of maps) {
        const { sources } = json(installed(name, map))
        for (const source of sources) assert.isTrue(existsSync(installed(name, dirname(map), source)), `${name} ${map}`)
      }
    }
  })

  it("show no any to users", () => {
    const declarations = manifests.flatMap(({ name }) =>
      globSync("dist/**/*.d.ts", { cwd: installed(name) }).map((file) => ({
        path: `${name}/${file}`,
        text: readFileSync(installed(name, file), "utf8")
      }))
    )
    assert.deepStrictEqual(Tidy.typed(declarations.map(Tidy.parse)), [])
  })
})
