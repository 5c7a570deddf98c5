/** What is to be written into a project, as data. */
import { TelesignEmulator } from "@ringback/testing"
import { Redacted } from "effect"
import * as Project from "./project.ts"
import { files, versions } from "./templates.ts"

/** Where things go: what is typed by hand is `sources`, what surrounds it lies in `home`. */
interface Places {
  readonly home: string
  readonly sources: string
}

/** What is asked for. `packages` says from where `@ringback/*` come: a version, or an archive. */
export interface Asked {
  readonly kind: Project.Kind
  readonly name: string
  readonly manifest: Project.Manifest | undefined
  readonly packages: (name: string) => string
}

/** A `package.json` with what it lacked. */
export interface Completed {
  readonly manifest: Project.Manifest
  readonly added: ReadonlyArray<string>
  readonly kept: ReadonlyArray<string>
}

/** Files by their places, `package.json` apart; and the scripts by what they do. */
export interface Plan {
  readonly files: Readonly<Record<string, string>>
  readonly completed: Completed
  readonly scripts: Readonly<Record<"start" | "test" | "emulator", string>>
  readonly notes: ReadonlyArray<string>
}

const placesOf = (kind: Project.Kind): Places =>
  kind === "empty" ? { home: ".", sources: "src" } : { home: "calls", sources: "calls" }

const at = (folder: string, file: string): string => folder === "." ? file : `${folder}/${file}`

type Own = "calls.ts" | "main.ts"

/** Which template is whose. */
const own: Readonly<Record<Project.Kind, Readonly<Record<Own, string>>>> = {
  empty: { "calls.ts": files["effect/calls.ts"], "main.ts": files["effect/main.ts"] },
  effect: { "calls.ts": files["effect/calls.ts"], "main.ts": files["effect/main.ts"] },
  express: { "calls.ts": files["promises/calls.ts"], "main.ts": files["express/main.ts"] },
  fastify: { "calls.ts": files["promises/calls.ts"], "main.ts": files["fastify/main.ts"] },
  node: { "calls.ts": files["promises/calls.ts"], "main.ts": files["node/main.ts"] }
}

const { apiKey, customerId } = TelesignEmulator.credentials

const environment = (database: string) =>
  `# The account of the emulator. With an account at Telesign: its customer id and API key, a number that you bought as caller id,
# and no base URL.
TELESIGN_BASE_URL=http://127.0.0.1:4010
TELESIGN_CUSTOMER_ID=${Redacted.value(customerId)}
TELESIGN_API_KEY=${Redacted.value(apiKey)}
TELESIGN_CALLER_ID=15550170009
DATABASE_FILE=${database}
`

const ignored = (...lines: ReadonlyArray<string>) => [...lines, ".env", "*.db", "*.db-wal", "*.db-shm", ""].join("\n")

const compiler = (include: string) =>
  JSON.stringify(
    {
      compilerOptions: {
        target: "ES2023",
        module: "NodeNext",
        types: ["node"],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        allowImportingTsExtensions: true
      },
      include: [include]
    },
    undefined,
    2
  ) + "\n"

const filesOf = ({ kind, manifest }: Asked): Readonly<Record<string, string>> => {
  const { home, sources } = placesOf(kind)
  return {
    [at(sources, "flow.ts")]: files["flow.ts"],
    [at(sources, "flow.test.ts")]: files["flow.test.ts"],
    ...Object.fromEntries(Object.entries(own[kind]).map(([file, text]) => [at(sources, file), text])),
    ...(kind === "empty" || manifest?.["type"] === "module"
      ? {}
      : { [at(sources, "package.json")]: `{\n  "private": true,\n  "type": "module"\n}\n` }),
    [at(home, "tsconfig.json")]: compiler(kind === "empty" ? sources : "."),
    [at(home, ".env")]: environment(at(home, "calls.db")),
    [at(home, ".gitignore")]: kind === "empty" ? ignored("node_modules/") : ignored()
  }
}

const commandsOf = (kind: Project.Kind): Plan["scripts"] => {
  const { home, sources } = placesOf(kind)
  return {
    start: `node --env-file-if-exists=${at(home, ".env")} ${sources}/main.ts`,
    test: `vitest run --root ${sources}`,
    emulator: "ringback-testing emulator"
  }
}

/** A name that is free: who has a `start` of their own gets a `start:calls`. */
const nameFor = (taken: Readonly<Record<string, string>>, name: string): string =>
  taken[name] === undefined ? name : `${name}:calls`

const toolsOf = (kind: Project.Kind): Readonly<Record<string, string>> => ({
  "@effect/vitest": versions["@effect/vitest"],
  ...(kind === "express" ? { "@types/express": versions["@types/express"] } : {}),
  "@types/node": versions["@types/node"],
  typescript: versions.typescript,
  vitest: versions.vitest
})

const wantedOf = ({ kind, packages }: Asked, scripts: Readonly<Record<string, string>>) => ({
  scripts,
  dependencies: {
    "@effect/platform-node": versions["@effect/platform-node"],
    "@ringback/core": packages("@ringback/core"),
    "@ringback/http": packages("@ringback/http"),
    effect: versions.effect,
    ...(kind === "express" || kind === "fastify" ? { [kind]: versions[kind] } : {})
  },
  devDependencies: { ...toolsOf(kind), "@ringback/testing": packages("@ringback/testing") }
})

/** Adds what a `package.json` has not, and changes nothing in it. */
const complete = ({ manifest, name }: Asked, wanted: ReturnType<typeof wantedOf>): Completed => {
  const [added, kept]: [Array<string>, Array<string>] = [[], []]
  const completed: Record<string, unknown> = { ...manifest ?? { name, private: true, type: "module" } }
  for (const [field, values] of Object.entries(wanted)) {
    const present = Project.entries(manifest, field)
    const missing = Object.entries(values).filter(([key, value]) => {
      const found = field === "scripts" ? present[key] : Project.rangeOf(manifest, key)
      if (found !== undefined && found !== value) kept.push(`${field}.${key}`)
      return found === undefined
    })
    added.push(...missing.map(([key]) => `${field}.${key}`))
    if (missing.length > 0) completed[field] = { ...present, ...Object.fromEntries(missing) }
  }
  return { manifest: completed, added: manifest === undefined ? [] : added, kept }
}

/** What to write, and what it is called there. */
export const make = (asked: Asked): Plan => {
  const present = Project.entries(asked.manifest, "scripts")
  const commands = commandsOf(asked.kind)
  const scripts = {
    start: nameFor(present, "start"),
    test: nameFor(present, "test"),
    emulator: nameFor(present, "emulator")
  }
  const wanted = wantedOf(asked, {
    [scripts.start]: commands.start,
    [scripts.test]: commands.test,
    [scripts.emulator]: commands.emulator
  })
  return {
    files: filesOf(asked),
    completed: complete(asked, wanted),
    scripts,
    notes: Project.differing(asked.manifest, { ...wanted.dependencies, ...toolsOf(asked.kind) })
  }
}
