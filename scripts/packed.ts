/**
 * The packages as users get them: packed once for a run of the tests (`pack.setup.ts`), on a registry from which any installer takes
 * them by their names, and installed by npm with all that they may be used with. A test writes to a `place` beside what is
 * installed, or asks for a `folder` of its own and installs there.
 */
import { spawn } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import * as Tidy from "./tidy.ts"

/** What was packed for this run. */
export interface Packed {
  /** The registry that has the packages, and nothing else. */
  readonly registry: string
  /** The archives, by the names of the packages. */
  readonly archives: Readonly<Record<string, string>>
  /** Where they are installed. */
  readonly home: string
}

declare module "vitest" {
  interface ProvidedContext {
    readonly packed: Packed
  }
}

export interface Manifest extends Tidy.Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const root = fileURLToPath(new URL("../", import.meta.url))

export const json = (path: string) => JSON.parse(readFileSync(path, "utf8"))

/** The manifest of the workspace: which tools, in which versions. */
export const workspace = json(join(root, "package.json"))

/** The manifests of the packages as they stand in the workspace. */
export const manifests: ReadonlyArray<Manifest> = globSync(join(root, "packages/*/package.json")).toSorted().map(json)

/** What users import: each entry point of each package. */
export const entries: ReadonlyArray<string> = manifests.flatMap((manifest) => Object.keys(Tidy.entries(manifest)))

/** The packages, each in the version that it is packed in, as dependencies. */
export const packages: Readonly<Record<string, string>> = Object.fromEntries(
  manifests.map(({ name, version }) => [name, version])
)

/** Those of the names that the workspace has as tools, in the same versions, as dependencies. */
export const tools = (...names: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, workspace.devDependencies[name]]))

/** What the packages leave to whoever installs them, as dependencies. */
export const peers = tools(...Object.keys(Object.assign({}, ...manifests.map((each) => each.peerDependencies))))

export interface Options {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command to its end and gives what it printed. Fails, with all that was said, if the command fails. */
export const run = (command: string, args: ReadonlyArray<string>, { cwd, env }: Options): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const said: Array<string> = []
    const printed: Array<string> = []
    child.stdout.setEncoding("utf8").on("data", (text) => printed.push(text) && said.push(text))
    child.stderr.setEncoding("utf8").on("data", (text) => said.push(text))
    child.once("error", reject)
    child.once("close", (status) =>
      status === 0
        ? resolve(printed.join(""))
        : reject(new Error(`${command} ${args.join(" ")} ended with ${status}\n${said.join("")}`)))
  })

/** A folder outside of the workspace, whose installers find the packages. */
export interface Folder {
  readonly home: string
  readonly registry: string
  readonly write: (path: string, content: unknown) => void
  /** Runs a command in it. */
  readonly run: (command: string, args: ReadonlyArray<string>, env?: Options["env"]) => Promise<string>
  readonly remove: () => void
}

const at = (home: string, registry: string): Folder => ({
  home,
  registry,
  write: (path, content) => {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), typeof content === "string" ? content : JSON.stringify(content, undefined, 2))
  },
  run: (command, args, env = {}) => run(command, args, { cwd: home, env }),
  remove: () => rmSync(home, { recursive: true, force: true })
})

/** Makes an empty folder. */
export const folder = (name: string, registry = inject("packed").registry): Folder => {
  const made = at(mkdtempSync(join(tmpdir(), `ringback-${name}-`)), registry)
  const token = `//${registry.replace(/^http:\/\//, "")}:_authToken=nobody`
  made.write(".npmrc", [`@ringback:registry=${registry}`, token, ""].join("\n"))
  return made
}

/** Makes a folder whose programs find what is installed. It goes with the run. */
export const place = (name: string): Folder => {
  const { home, registry } = inject("packed")
  const made = at(join(home, name), registry)
  made.write("package.json", { type: "module", private: true })
  return made
}

/** A path of what is installed. */
export const installed = (...path: ReadonlyArray<string>): string =>
  join(inject("packed").home, "node_modules", ...path)

/** Installs dependencies into a folder with npm. */
export const install = async (into: Folder, dependencies: Readonly<Record<string, string>>): Promise<void> => {
  into.write("package.json", { type: "module", private: true, dependencies })
  await into.run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--install-links"])
}

/** The `node` of a version. */
export const node = async (version: string): Promise<string> =>
  (await run("npx", ["-y", `node@${version}`, "--print", "process.execPath"], { cwd: tmpdir() })).trim()

/** Compiles a place with one of the compilers that are installed. */
export const compile = (
  compiler: "typescript" | "typescript-oldest",
  place: Folder,
  options: Readonly<Record<string, unknown>>
): Promise<string> => {
  place.write("tsconfig.json", {
    compilerOptions: { target: "ES2023", strict: true, noEmit: true, types: ["node"], skipLibCheck: false, ...options },
    include: ["."]
  })
  return place.run(process.execPath, [installed(compiler, "bin/tsc"), "-p", ".", "--pretty", "false"])
}
