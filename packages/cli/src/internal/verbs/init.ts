/** `ringback init`: an application with one flow, or the same in one that is there. */
import { Config, Effect, FileSystem, Option, Path, Result } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { readFileSync } from "node:fs"
import { fail } from "../failure.ts"
import * as Plan from "../init/plan.ts"
import * as Project from "../init/project.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

const { engines, version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
  readonly engines: { readonly node: string }
}

const config = {
  folder: Argument.String("folder").pipe(
    Argument.withDescription("Where the application is, or shall be; this folder if none is said"),
    Argument.withDefault(".")
  ),
  kind: Flag.Literals("kind", Project.kinds).pipe(
    Flag.withDescription("What the application is, where its package.json misleads"),
    Flag.optional
  ),
  packages: Flag.String("packages").pipe(
    Flag.withMetavar("FOLDER"),
    Flag.withDescription("Take Ringback's packages from archives in this folder, not from a registry"),
    Flag.optional
  )
}

const unreadable = (path: string) => fail("usage", `${path} is no JSON object`)

/** The `package.json` of a folder as it stands, if there is one. */
const manifestIn = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = (yield* Path.Path).join(folder, "package.json")
  if (!(yield* files.exists(path))) return undefined
  const text = yield* files.readFileString(path)
  const read = Result.try(() => JSON.parse(text) as unknown)
  if (Result.isFailure(read) || typeof read.success !== "object" || read.success === null) {
    return yield* unreadable(path)
  }
  return { manifest: read.success as Project.Manifest, indent: /\n([ \t]+)"/.exec(text)?.[1] ?? "  " }
})

/** How an archive is named in a `package.json` of the folder. */
const archivesIn = Effect.fnUntraced(function*(packages: string, folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = yield* Effect.mapError(
    files.readDirectory(packages),
    () => fail("notFound", `There is no folder ${packages}`)
  )
  const archive = (name: string) => `${name.slice(1).replace("/", "-")}-${version}.tgz`
  const missing = ["@ringback/core", "@ringback/http", "@ringback/testing"].filter((name) =>
    !names.includes(archive(name))
  )
  if (missing.length > 0) return yield* fail("notFound", `${packages} has no ${missing.map(archive).join(", ")}`)
  const way = path.relative(folder, path.resolve(packages)).replaceAll("\\", "/")
  return (name: string) => `file:${way}/${archive(name)}`
})

/** Writes a file that is not there, and says whether it did. */
const writeNew = Effect.fnUntraced(function*(target: string, text: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (yield* files.exists(target)) return false
  yield* files.makeDirectory(path.dirname(target), { recursive: true })
  yield* files.writeFileString(target, text, { flag: "wx" })
  return true
})

const writeAll = Effect.fnUntraced(function*(folder: string, files: Plan.Plan["files"]) {
  const path = yield* Path.Path
  const [written, left]: [Array<string>, Array<string>] = [[], []]
  for (const [file, text] of Object.entries(files)) {
    const isNew = yield* writeNew(path.join(folder, file), text)
    const files = isNew ? written : left
    files.push(file)
  }
  return { written, left }
})

const list = (title: string, items: ReadonlyArray<string>): ReadonlyArray<string> =>
  items.length === 0 ? [] : ["", title, ...items.map((item) => `  ${item}`)]

const managers = { "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun" } as const

const managerOf = Effect.fnUntraced(function*(folder: string) {
  const names = yield* (yield* FileSystem.FileSystem).readDirectory(folder)
  return Object.entries(managers).find(([lock]) => names.includes(lock))?.[1] ?? "npm"
})

const numbersOf = (version: string) => (version.match(/\d+/g) ?? []).map(Number)

const wantedNode = engines.node.replace(">=", "")

const isOlder = (version: string): boolean => {
  const [[major = 0, minor = 0], [wantedMajor = 0, wantedMinor = 0]] = [numbersOf(version), numbersOf(wantedNode)]
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

/** The Node of whoever has typed this, if it is too old. In a clone of Ringback the command runs on a newer one than npm does. */
const oldNode = Config.String("npm_config_user_agent").pipe(
  Config.withDefault(""),
  Config.map((agent) => /\bnode\/v([\d.]+)/.exec(agent)?.[1] ?? process.versions.node),
  Config.map((version) => isOlder(version) ? version : undefined)
)

const account = "Start it with the account of the emulator: node --env-file=calls/.env …"

/** What the application has to do to have calls, beside the program that was written. */
const hint: Readonly<Record<Project.Kind, ReadonlyArray<string>>> = {
  empty: [],
  effect: [
    "In your application: Webhooks beside your routes, CallsLive below your server, as calls/main.ts shows.",
    account
  ],
  express: [
    "In your application: openCalls(server) before it listens, on createServer(app), as calls/main.ts shows.",
    account
  ],
  fastify: ["In your application: openCalls(app.server) before it listens, as calls/main.ts shows.", account],
  node: ["In your application: openCalls(server) before it listens, as calls/main.ts shows.", account]
}

/** Whoever has a client of PostgreSQL needs no file beside it. */
const postgres =
  "It has @effect/sql-pg: leave SqliteClient out of calls/calls.ts, and provide your own client below CallsLive. " +
  "Then the calls are in your database, and more than one process may run."

const hintsOf = (kind: Project.Kind, manifest: Project.Manifest | undefined): ReadonlyArray<string> =>
  kind === "effect" && Project.rangeOf(manifest, "@effect/sql-pg") !== undefined
    ? [...hint[kind], postgres]
    : hint[kind]

interface Done {
  readonly folder: string
  readonly kind: Project.Kind
  readonly hints: ReadonlyArray<string>
  readonly manager: string
  readonly plan: Plan.Plan
  readonly written: ReadonlyArray<string>
  readonly left: ReadonlyArray<string>
  readonly oldNode: string | undefined
}

/** How a script is run: npm knows two of them by their names. */
const running = (manager: string, script: string): string =>
  manager === "npm" && ["start", "test"].includes(script) ? `npm ${script}` : `${manager} run ${script}`

const typed = ({ folder, manager, plan: { scripts } }: Done): ReadonlyArray<string> => [
  ...(folder === "." ? [] : [`cd ${folder}`]),
  `${manager} install`,
  `${running(manager, scripts.emulator)}    a phone in the browser: open the address that it prints`,
  `${running(manager, scripts.start)} ${
    manager === "npm" ? "-- " : ""
  }+15550170001 order-1    in a second terminal: it rings`,
  `${running(manager, scripts.test)}    the same without a phone`
]

const lines = (done: Done): ReadonlyArray<string> => {
  const { hints, kind, left, oldNode, plan, written } = done
  const { added, kept } = plan.completed
  return [
    `${Project.words[kind]}. Ringback lies in ${
      kind === "empty" ? "src" : "calls"
    }; an order that is ready rings its customer.`,
    ...list("Written", written),
    ...list("Added to package.json", added),
    ...list("Left alone, for it was there", [...left, ...kept.map((name) => `package.json: ${name}`)]),
    ...list("Of another version than what this is tested with", plan.notes),
    ...(oldNode === undefined ? [] : ["", `It runs on Node ${wantedNode} or later. Yours is ${oldNode}`]),
    ...list("Next", typed(done)),
    ...hints.flatMap((line) => ["", line])
  ]
}

const nameOf = (folder: string): string =>
  folder.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "-").replace(/^[._-]+/, "") || "calls"

const run = Effect.fnUntraced(function*(given: Command.Command.Config.Infer<typeof config>) {
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const found = yield* manifestIn(given.folder)
  const obstacle = Project.obstacle(found?.manifest)
  if (obstacle !== undefined) return yield* fail("refused", `${obstacle}. Nothing was written`)
  const folder = path.resolve(given.folder)
  const kind = Option.getOrElse(given.kind, () => Project.detect(found?.manifest))
  const plan = Plan.make({
    kind,
    manifest: found?.manifest,
    name: nameOf(path.basename(folder)),
    packages: Option.isSome(given.packages) ? yield* archivesIn(given.packages.value, folder) : () => version
  })
  const { left, written } = yield* writeAll(folder, plan.files)
  const manifest = `${JSON.stringify(plan.completed.manifest, undefined, found?.indent ?? "  ")}\n`
  yield* files.writeFileString(path.join(folder, "package.json"), manifest)
  const done: Done = {
    folder: given.folder,
    kind,
    hints: hintsOf(kind, found?.manifest),
    manager: yield* managerOf(folder),
    plan,
    written: found === undefined ? ["package.json", ...written] : written,
    left,
    oldNode: yield* Effect.orDie(oldNode)
  }
  return done
})

/** The verb. */
export const command = Command.make("init", config, (given) =>
  Effect.gen(function*() {
    const { json } = yield* root
    const done = yield* Effect.catchTag(run(given), "PlatformError", ({ message }) => fail("failed", message))
    const { kind, left, plan: { completed: { added, kept }, notes, scripts }, written } = done
    yield* json
      ? Printing.json({ kind, written, left, added, kept, notes, scripts })
      : Printing.data(lines(done).join("\n"))
  })).pipe(
    Command.withDescription(
      "Writes an application with one flow, its test and its wiring, into a folder that is empty or onto an application of Effect, " +
        "Express, Fastify or Node. No file is overwritten; package.json gets what it lacks"
    ),
    Command.withExamples([
      { command: "ringback init my-app", description: "A new application" },
      { command: "ringback init", description: "Onto the application in this folder" }
    ])
  )
