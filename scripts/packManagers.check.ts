import { afterAll, assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Packed from "./packed.ts"

// The packages, taken from a registry by each installer, without the optional peers. What is installed runs a call.

const { config } = Packed.workspace

const { "@effect/vitest": _, ...needed } = Packed.peers

interface Manager {
  readonly name: string
  readonly install: (folder: Packed.Folder) => Promise<unknown>
  /** How the program is run, where that is not simply by Node. */
  readonly run?: (folder: Packed.Folder, program: string) => Promise<string>
}

/** A program from the registry of npm, run by npm. */
const npx = (from: string, bin: string) => (folder: Packed.Folder, ...args: ReadonlyArray<string>) =>
  folder.run("npx", ["-y", "-p", from, bin, ...args], { CI: "" })

const pnpm = npx(`pnpm@${config.pnpm}`, "pnpm")
const classic = npx(`yarn@${config.yarnClassic}`, "yarn")
const berry = npx(`@yarnpkg/cli-dist@${config.yarn}`, "yarn")
const bun = npx(`bun@${config.bun}`, "bun")

/** What Yarn reads instead of `.npmrc`: the registry, and whose certificates npm trusts. */
const yarnrc = async (folder: Packed.Folder) => {
  const ofNpm = async (name: string) => (await folder.run("npm", ["config", "get", name])).trim()
  const [registry, authorities] = [await ofNpm("registry"), await ofNpm("cafile")]
  return [
    `npmRegistryServer: ${registry}`,
    ...(authorities === "null" ? [] : [`httpsCaFilePath: ${authorities}`]),
    `npmScopes: { ringback: { npmRegistryServer: ${folder.registry} } }`,
    "unsafeHttpWhitelist: [127.0.0.1]",
    "enableTelemetry: false",
    ""
  ].join("\n")
}

const managers: ReadonlyArray<Manager> = [
  { name: "npm", install: (folder) => folder.run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"]) },
  { name: `pnpm ${config.pnpm}`, install: (folder) => pnpm(folder, "install") },
  { name: `yarn ${config.yarnClassic}`, install: (folder) => classic(folder, "install", "--no-progress") },
  {
    name: `yarn ${config.yarn}, which has no node_modules`,
    install: async (folder) => {
      folder.write(".yarnrc.yml", await yarnrc(folder))
      await berry(folder, "install")
    },
    run: (folder, program) => berry(folder, "node", program)
  },
  {
    name: `bun ${config.bun}`,
    install: (folder) => {
      folder.write("bunfig.toml", "[install.cache]\ndisable = true\n")
      return bun(folder, "install")
    }
  }
]

describe.concurrent("the packed packages, installed by", () => {
  const folders: Array<Packed.Folder> = []
  afterAll(() => folders.forEach((folder) => folder.remove()))

  it.each(managers)("$name, run a call", async ({ install, run }) => {
    const folder = Packed.folder("manager")
    folders.push(folder)
    folder.write("package.json", {
      name: "consumer",
      version: "1.0.0",
      type: "module",
      private: true,
      dependencies: { ...Packed.packages, ...needed }
    })
    folder.write("call.ts", readFileSync(join(Packed.root, "scripts/pack.call.ts"), "utf8"))
    await install(folder)
    const said = await (run?.(folder, "call.ts") ?? folder.run(process.execPath, ["call.ts"]))
    assert.match(said, /^coming$/m)
  })
})
