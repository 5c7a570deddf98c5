// Writes what `ringback init` writes into its package: the files of examples/starter as texts, so that what somebody begins with is
// code that is compiled and tested here. A test holds them to their sources.
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../", import.meta.url))

/** The module of the package that holds them. */
export const path = `${root}packages/cli/src/internal/init/templates.ts`

const tools = [
  "@effect/platform-node",
  "@effect/vitest",
  "@types/express",
  "@types/node",
  "effect",
  "express",
  "fastify",
  "typescript",
  "vitest"
]

const read = (file: string) => readFileSync(root + file, "utf8")

/** In an application all files lie in one folder. */
const inOneFolder = (text: string): string => text.replaceAll(/ from "\.\.?\/(?:\w+\/)*(\w+\.ts)"/g, ` from "./$1"`)

/** What the module says. */
export const text = (): string => {
  const files = globSync("**/*.ts", { cwd: `${root}examples/starter` }).map((file) => file.replaceAll("\\", "/"))
    .toSorted()
  const { devDependencies } = JSON.parse(read("package.json"))
  const list = (entries: ReadonlyArray<readonly [string, string]>) =>
    entries.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(",\n")
  return `/* What \`ringback init\` writes. \`npm run templates\` makes it from examples/starter; do not change it by hand. */

/** The files, by their places in examples/starter. */
export const files = {
${list(files.map((file) => [file, inOneFolder(read(`examples/starter/${file}`))]))}
} as const

/** The versions that Ringback is tested with. */
export const versions = {
${list(tools.map((name) => [name, devDependencies[name]]))}
} as const
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path, text())
