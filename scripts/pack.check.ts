import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Tidy from "./tidy.ts"

// Packs the built packages, installs the archives with npm into a folder of their own, and uses them from there.

const root = fileURLToPath(new URL("../", import.meta.url))

interface Manifest extends Tidy.Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"))

const workspace = json(join(root, "package.json"))
const oldest: string = workspace.config.oldestNode
const manifests: ReadonlyArray<Manifest> = globSync(join(root, "packages/*/package.json")).toSorted().map(json)
const entries = manifests.flatMap((manifest) => Object.keys(Tidy.entries(manifest)))

const home = mkdtempSync(join(tmpdir(), "ringback-pack-"))
const installed = (...path: ReadonlyArray<string>) => join(home, "node_modules", ...path)

const run = (command: string, args: ReadonlyArray<string>, cwd = home): string => {
  const { output, status } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "" }
  })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${output.join("")}`)
  return output[1] ?? ""
}

const write = (path: string, content: unknown) => {
  mkdirSync(dirname(join(home, path)), { recursive: true })
  writeFileSync(join(home, path), typeof content === "string" ? content : JSON.stringify(content))
}

const peers = Object.keys(Object.assign({}, ...manifests.map((manifest) => manifest.peerDependencies)))

beforeAll(() => {
  run(
    "npx",
    ["-y", `pnpm@${workspace.config.pnpm}`, "--filter", "./packages/*", "pack", "--pack-destination", home],
    root
  )
  const archives = manifests.map(({ name, version }) => [
    name,
    `file:${name.replace("@", "").replace("/", "-")}-${version}.tgz`
  ])
  const tools = [...peers, "@types/node", "typescript"].map((name) => [name, workspace.devDependencies[name]])
  write("package.json", {
    type: "module",
    private: true,
    dependencies: { ...Object.fromEntries([...archives, ...tools]), node: oldest }
  })
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"])
})

afterAll(() => rmSync(home, { recursive: true, force: true }))

/** What a program on `node` sees of each entry point: the names that it exports. */
const namesSeen = (node: string, args: ReadonlyArray<string> = []): Readonly<Record<string, ReadonlyArray<string>>> => {
  write(
    "see.js",
    `const names = {}
    for (const entry of ${JSON.stringify(entries)}) names[entry] = Object.keys(await import(entry)).toSorted()
    console.log(JSON.stringify(names))`
  )
  return JSON.parse(run(node, [...args, "see.js"]))
}

const namesWritten = async () =>
  Object.fromEntries(
    await Promise.all(entries.map(async (entry) => [entry, Object.keys(await import(entry)).toSorted()] as const))
  )

/** Compiles a program that mentions all entry points, declarations of libraries included. */
const compile = (options: Readonly<Record<string, unknown>>) => {
  const lines = entries.map((entry, n) => `export * as entry${n} from "${entry}"`)
  write("src/consumer.ts", [...lines, readFileSync(join(root, "scripts/pack.consumer.ts"), "utf8")].join("\n"))
  write("tsconfig.json", {
    compilerOptions: { target: "ES2023", strict: true, noEmit: true, types: ["node"], skipLibCheck: false, ...options },
    include: ["src"]
  })
  return run(process.execPath, [installed("typescript/bin/tsc"), "-p", "."])
}

describe("the packed packages", () => {
  it("ask for real versions of each other", () => {
    for (const { name, version } of manifests) {
      const { dependencies }: Manifest = json(installed(name, "package.json"))
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

  it("export on the newest and on the oldest Node what the sources export", async () => {
    const written = await namesWritten()
    assert.deepStrictEqual(namesSeen(process.execPath), written)
    assert.strictEqual(run(installed(".bin/node"), ["--version"]).trim(), `v${oldest}`)
    assert.deepStrictEqual(namesSeen(installed(".bin/node")), written)
  })

  it("load too in a program that sets the condition source for itself", async () =>
    assert.deepStrictEqual(namesSeen(process.execPath, ["--conditions=source"]), await namesWritten()))

  it("type check in a program that resolves as Node does", () => {
    compile({ module: "NodeNext" })
  })

  it("type check in a program that resolves as a bundler does", () => {
    compile({ module: "ESNext", moduleResolution: "Bundler" })
  })

  it("refuse wrong use at compile time, so that the checks above are known to look", () => {
    const consumer = join(home, "src/wrong.ts")
    writeFileSync(
      consumer,
      `import { PhoneNumber } from "@ringback/core"\nexport const n: number = PhoneNumber.make("1")\n`
    )
    assert.throws(() => compile({ module: "NodeNext" }), /wrong\.ts\(2,14\): error TS2322/)
    rmSync(consumer)
  })

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
