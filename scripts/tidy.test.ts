import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { posix } from "node:path"
import { fileURLToPath } from "node:url"
import * as Tidy from "./tidy.ts"

// The house. A new module goes into the list of its package, after everything that it imports.
const rooms = [
  {
    name: "core",
    modules: [
      "PhoneNumber",
      "Prompt",
      "Action",
      "Webhook",
      "CallEvent",
      "Request",
      "Flow",
      "Step",
      "Line",
      "Settings",
      "CallLine",
      "Call",
      "CallInput",
      "LiveCall",
      "Decider",
      "Replay",
      "Silence",
      "Explain",
      "Ladder",
      "FlowDrawing",
      "CallTrace",
      "CallError",
      "CallIndex",
      "EventLog",
      "Retention",
      "EventStore",
      "Witness",
      "Transport",
      "Reply",
      "CallMetrics",
      "Calls",
      "ClusterCalls",
      "CallTelemetry",
      "SqlEventStore",
      "SqliteClient"
    ],
    // Transport is a port, but one of plain data: the wire format speaks of what became of a dial.
    pure: [
      "PhoneNumber",
      "Prompt",
      "Action",
      "Webhook",
      "CallEvent",
      "Request",
      "Flow",
      "Step",
      "Line",
      "Settings",
      "CallLine",
      "Call",
      "CallInput",
      "LiveCall",
      "Decider",
      "Replay",
      "Silence",
      "Explain",
      "Ladder",
      "FlowDrawing",
      "CallTrace",
      "CallError",
      "Transport"
    ],
    uses: ["effect", "effect/*", "@noble/hashes/*", "@rgrove/parse-xml"],
    plain: ["@rgrove/parse-xml", "effect/cli/CliOutput"],
    exceptions: { SqliteClient: ["node:sqlite"] },
    wings: {
      flow: ["Flow", "Step", "Line", "Request", "call"],
      explain: ["Explain"],
      call: ["Decider", "Replay", "Explain", "Ladder", "FlowDrawing", "engine"],
      engine: ["Calls", "ClusterCalls", "cluster"],
      cluster: ["Calls", "ClusterCalls"],
      store: ["EventStore", "SqlEventStore"],
      ladder: ["Ladder", "call"],
      drawing: ["FlowDrawing", "call"]
    }
  },
  {
    name: "http",
    modules: [
      "TelesignWire",
      "TelesignAuth",
      "Telesign",
      "TelesignMetrics",
      "TelesignWebhook",
      "TelesignNode",
      "Health",
      "CallsApiProblem",
      "CallsApi",
      "CallsApiClient",
      "CallsApiServer",
      "Inspector"
    ],
    pure: ["TelesignWire"],
    uses: ["effect", "effect/*", "@ringback/core"],
    wings: { api: ["CallsApiServer"], inspector: ["Inspector"] }
  },
  {
    name: "testing",
    modules: [
      "Callee",
      "Scenario",
      "PhoneLine",
      "CompanyRecord",
      "CompanyLadder",
      "PhoneCompany",
      "FakeClock",
      "FakeTransport",
      "TestCalls",
      "StormFaults",
      "StormHistory",
      "StormLaws",
      "Storm",
      "EmulatorApi",
      "EmulatorClock",
      "TelesignEmulator",
      "StoreContract",
      "TransportContract",
      "Law",
      "FlowExplorer",
      "Arbitraries",
      "People",
      "Commands"
    ],
    pure: ["Callee", "Scenario", "PhoneLine", "CompanyRecord", "CompanyLadder", "Law"],
    uses: [
      "effect",
      "effect/*",
      "@dagrejs/dagre",
      "@ringback/core",
      "@ringback/core/*",
      "@ringback/http",
      "@effect/platform-node",
      "@effect/platform-node/*",
      "@effect/vitest",
      "vitest",
      "node:*"
    ],
    plain: ["@dagrejs/dagre"],
    wings: {
      storm: ["Storm", "StormLaws"],
      explorer: ["FlowExplorer", "exploreCommand", "Arbitraries"],
      emulator: ["TelesignEmulator"],
      company: ["PhoneCompany"],
      contract: ["StoreContract", "TransportContract"]
    }
  },
  {
    name: "cli",
    modules: ["Cli"],
    pure: [],
    uses: [
      "effect",
      "effect/*",
      "@ringback/core",
      "@ringback/core/*",
      "@ringback/http",
      "@ringback/testing",
      "@effect/platform-node",
      "@effect/platform-node/*",
      "@effect/sql-pg",
      "@effect/sql-pg/*",
      "node:*"
    ],
    wings: { verbs: ["Cli"], init: ["verbs"] }
  }
]

// No function is longer, what is declared within it included, but for a switch over everything that there is, and a few more.
const sizes: Tidy.Sizes = {
  atMost: 100,
  longer: {
    // One `switch`, a case for each event.
    "packages/core/src/Call.ts apply": 130,
    "packages/core/src/internal/call/rungs.ts draftsOf": 130,
    // The loop that runs a flow: its variables are its registers.
    "packages/core/src/internal/flow/interpreter.ts goOn": 140,
    // One set of maps behind four ports, all of which change with an append.
    "packages/core/src/internal/store/memory.ts make": 200,
    // The statements of one port, over names that they share.
    "packages/core/src/internal/store/sqlIndex.ts make": 140,
    "packages/core/src/internal/store/sqlRetention.ts make": 120,
    // One handler for each endpoint.
    "packages/http/src/internal/api/answering.ts calls": 120
  }
}

const root = fileURLToPath(new URL("../", import.meta.url))

const workspace = JSON.parse(readFileSync(`${root}package.json`, "utf8"))

const manifest = (name: string): Tidy.Manifest =>
  JSON.parse(readFileSync(`${root}packages/${name}/package.json`, "utf8"))

const house: ReadonlyArray<Tidy.Package> = rooms.map((room) => ({
  ...room,
  entries: Tidy.entries(manifest(room.name))
}))

/** Modules of Effect by their folders, such as `effect/http`, and those of `effect` itself. */
const isUnstable = (from: string, imported: string): boolean => {
  if (from !== "effect" && !from.startsWith("effect/")) return false
  const path = from.replace("effect", "node_modules/effect/src")
  const file = [`${path}/${imported}.ts`, `${path}.ts`].map((each) => root + each).find(existsSync)
  return file !== undefined && Tidy.isUnstable(readFileSync(file, "utf8"))
}

const skipped = ["node_modules", "dist", "coverage", ".git"]

const files = (folder: string): ReadonlyArray<string> =>
  readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.includes(entry.name)) return []
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) return files(path)
    return entry.isFile() ? [path] : []
  })

const read = (path: string): Tidy.Source => ({ path, text: readFileSync(root + path, "utf8") })

const texts = files("").filter((path) => /\.(ts|mjs|json|ya?ml|md|html|sh)$|(^|\/)\.?\w+$/.test(path)).map(read)
const modules = texts.filter(({ path }) => path.endsWith(".ts")).map(Tidy.parse)

describe("the house", () => {
  it("keeps the order of its modules", () => assert.deepStrictEqual(Tidy.order(house, modules), []))

  it("has wings that are entered by their doors", () => assert.deepStrictEqual(Tidy.wings(house, modules), []))

  it("makes every module public that is not internal", () => assert.deepStrictEqual(Tidy.reachable(house, modules), []))

  it("gives every public module an entry point", () => assert.deepStrictEqual(Tidy.entered(house, modules), []))

  it("has a map that is true", () =>
    assert.deepStrictEqual(
      Tidy.mapped(house[0]!, read("docs/inside.md"), texts.map(({ path }) => path)),
      []
    ))

  it("keeps the borders between its packages", () => assert.deepStrictEqual(Tidy.borders(house, modules), []))

  it("keeps effects, clocks and chance out of the pure part", () =>
    assert.deepStrictEqual(Tidy.purity(house, modules), []))

  it("has no function that is longer than it may be", () => assert.deepStrictEqual(Tidy.sized(sizes, modules), []))

  it("documents every export", () => assert.deepStrictEqual(Tidy.documented(house, modules), []))

  it("says what may change with a minor version of Effect", () =>
    assert.deepStrictEqual(Tidy.stability(house, isUnstable, modules), []))

  it("runs all of its tests, and without sleep", () => assert.deepStrictEqual(Tidy.calm(modules), []))

  it("knows no carrier by its names of events, but in the package that speaks to it", () => {
    const names = /\b(incoming_call|(dial|speak|play|call|call_leg)_completed)\b/
    const found = modules.filter(({ path, text }) =>
      path.startsWith("packages/core/src/") &&
      text.split("\n").some((line) => !/^\s*(\*|\/)/.test(line) && names.test(line))
    )
    assert.deepStrictEqual(found.map(({ path }) => path), [])
  })

  it("names no machine and no registry", () => assert.deepStrictEqual(Tidy.traceless(texts), []))

  it("publishes the entry points that it is developed with", () =>
    assert.deepStrictEqual(rooms.flatMap(({ name }) => Tidy.published(manifest(name))), []))

  it("says in every package who makes it, and where", () =>
    assert.deepStrictEqual(
      rooms.flatMap(({ name }) => Tidy.attributed(workspace, manifest(name))),
      []
    ))

  it("has read something", () => {
    assert.isAtLeast(modules.filter(({ path }) => path.startsWith("packages/core/src/")).length, 9)
    assert.isTrue(texts.some(({ path }) => path === "package.json"))
  })
})

// Each rule on a small house that breaks it.

const small: ReadonlyArray<Tidy.Package> = [
  {
    name: "core",
    modules: ["Seed", "Plant", "Shop"],
    pure: ["Seed", "Plant"],
    uses: ["effect", "effect/*"],
    exceptions: { Shop: ["node:sqlite"] },
    entries: { "@ringback/core": "packages/core/src/index.ts", "@ringback/core/Shop": "packages/core/src/Shop.ts" }
  },
  {
    name: "http",
    modules: ["Wire"],
    pure: ["Wire"],
    uses: ["effect", "@ringback/core"],
    entries: { "@ringback/http": "packages/http/src/index.ts" }
  }
]

const written = (sources: Readonly<Record<string, string>>) =>
  Object.entries(sources).map(([path, text]) =>
    Tidy.parse({ path: /^(core|http)\//.test(path) ? `packages/${path}` : path, text })
  )

describe("Tidy.order", () => {
  const order = (sources: Readonly<Record<string, string>>) => Tidy.order(small, written(sources))

  it("lets a module import what comes before it", () =>
    assert.deepStrictEqual(
      order({
        "core/src/Seed.ts": "",
        "core/src/Plant.ts": `import { seed } from "./Seed.ts"`,
        "core/src/index.ts": `export * as Plant from "./Plant.ts"`
      }),
      []
    ))

  it("finds an import of a later module, a type, a re-export and a lazy import among them", () =>
    assert.deepStrictEqual(
      order({
        "core/src/Seed.ts":
          `import { plant } from "./Plant.ts"\nimport type { Shop } from "./Shop.ts"\nexport * from "./index.ts"`,
        "core/src/Plant.ts": `export const shop = () => import("./Shop.ts")\nexport type S = import("./Shop.ts").Shop`,
        "core/src/Shop.ts": "",
        "core/src/index.ts": ""
      }),
      [
        "packages/core/src/Seed.ts:1 imports ./Plant.ts, which comes later",
        "packages/core/src/Seed.ts:2 imports ./Shop.ts, which comes later",
        "packages/core/src/Seed.ts:3 imports ./index.ts, which comes later",
        "packages/core/src/Plant.ts:1 imports ./Shop.ts, which comes later",
        "packages/core/src/Plant.ts:2 imports ./Shop.ts, which comes later"
      ]
    ))

  it("says of a new module where it has to be written down", () =>
    assert.deepStrictEqual(
      order({ "core/src/Pot.ts": "" }),
      ["packages/core/src/Pot.ts:1 has no place: put it into the list of core in scripts/tidy.test.ts"]
    ))

  it("counts an internal module to the first module that imports it", () =>
    assert.deepStrictEqual(
      order({
        "core/src/Seed.ts": `import "./internal/soil.ts"`,
        "core/src/Plant.ts": `import "./internal/soil.ts"\nimport "./internal/water.ts"`,
        "core/src/internal/soil.ts": `import "./water.ts"`,
        "core/src/internal/water.ts": `import "../Seed.ts"`,
        "core/src/internal/lost.ts": "",
        "core/src/bin/grow.ts": `import "../internal/flags.ts"`,
        "core/src/internal/flags.ts": `import "../Shop.ts"`
      }),
      [
        "packages/core/src/internal/water.ts:1 imports ../Seed.ts, which comes later",
        "packages/core/src/internal/lost.ts:1 is imported by nobody"
      ]
    ))

  it("finds internal modules that import each other in a circle", () =>
    assert.deepStrictEqual(
      order({
        "core/src/Seed.ts": `import "./internal/soil.ts"`,
        "core/src/internal/soil.ts": `import "./water.ts"`,
        "core/src/internal/water.ts": `import "./soil.ts"`
      }),
      [
        "packages/core/src/internal/soil.ts:1 imports itself in a circle",
        "packages/core/src/internal/water.ts:1 imports itself in a circle"
      ]
    ))
})

describe("Tidy.wings", () => {
  it("finds who enters a wing past its doors", () =>
    assert.deepStrictEqual(
      Tidy.wings(
        small.map((each) => ({ ...each, wings: { garden: ["Plant", "shed"] } })),
        written({
          "core/src/Seed.ts": `import "./internal/garden/soil.ts"`,
          "core/src/Plant.ts": `import "./internal/garden/soil.ts"`,
          "core/src/internal/garden/soil.ts": `import "./water.ts"\nimport "../shed/spade.ts"`,
          "core/src/internal/garden/water.ts": "",
          "core/src/internal/shed/spade.ts": `import "../garden/water.ts"`
        })
      ),
      [
        "packages/core/src/Seed.ts:1 imports ./internal/garden/soil.ts, but is no door of the wing garden",
        "packages/core/src/internal/garden/soil.ts:2 imports ../shed/spade.ts, but is no door of the wing shed"
      ]
    ))
})

describe("Tidy.reachable", () => {
  it("finds a module that neither index.ts nor an entry point gives out", () =>
    assert.deepStrictEqual(
      Tidy.reachable(
        small,
        written({
          "core/src/Seed.ts": "",
          "core/src/Plant.ts": "",
          "core/src/Shop.ts": "",
          "core/src/index.ts": `export * as Seed from "./Seed.ts"`
        })
      ),
      ["packages/core/src/Plant.ts:1 is public by its place, but index.ts does not export it"]
    ))
})

describe("Tidy.entered", () => {
  it("finds a public module without an entry point", () =>
    assert.deepStrictEqual(
      Tidy.entered(small, written({ "core/src/Seed.ts": "", "core/src/Shop.ts": "", "core/src/internal/soil.ts": "" })),
      ["packages/core/src/Seed.ts:1 has no entry point of its own in package.json"]
    ))
})

describe("Tidy.mapped", () => {
  const garden = { ...small[0]!, wings: { garden: ["Plant"] } }
  const rooms = ["soil", "water", "worm", "moss"].map((room) => `packages/core/src/internal/garden/${room}.ts`)
  const paths = [...rooms, "packages/core/src/internal/spade.ts", "packages/core/src/Seed.ts"]
  const mapped = (text: string) => Tidy.mapped(garden, { path: "docs/map.md", text }, paths)

  it("takes a map that names every room, by whichever name", () =>
    assert.deepStrictEqual(
      mapped("`soil` and `garden/water`, `packages/core/src/internal/garden/{worm,moss}.ts`, in `garden/`; `a/b`"),
      []
    ))

  it("finds a room that it does not name, and a name of nothing", () =>
    assert.deepStrictEqual(mapped("`soil`, `worm`,\n`garden/{water,wall}`, `packages/core/src/Weed.ts`"), [
      "docs/map.md:1 does not name packages/core/src/internal/garden/moss.ts",
      "docs/map.md:2 names garden/wall, which is not there",
      "docs/map.md:2 names packages/core/src/Weed.ts, which is not there"
    ]))
})

describe("Tidy.borders", () => {
  const borders = (sources: Readonly<Record<string, string>>) => Tidy.borders(small, written(sources))

  it("lets a package import what it uses, and tests and examples anything", () =>
    assert.deepStrictEqual(
      borders({
        "core/src/Shop.ts": `import "node:sqlite"\nimport "effect/sql"\nexport const open = (path) => import(path)`,
        "http/src/Wire.ts": `import "@ringback/core"`,
        "http/test/Wire.test.ts": `import "node:http"\nimport "../src/Wire.ts"\nimport "@ringback/core/Shop"`,
        "http/test/fixtures/Server.ts": `import "../../../../scripts/server.ts"`,
        "examples/demo/main.ts": `import "node:http"\nimport "@ringback/http"\nimport "./flow.ts"`
      }),
      []
    ))

  it("finds what a package does not use", () =>
    assert.deepStrictEqual(
      borders({
        "core/src/Seed.ts": `import "node:sqlite"\nimport "@ringback/http"\nimport "lodash"\nimport "effectful"`,
        "http/src/Wire.ts": `import "@ringback/core/Shop"`
      }),
      [
        "packages/core/src/Seed.ts:1 imports node:sqlite, which core does not use",
        "packages/core/src/Seed.ts:2 imports @ringback/http, which core does not use",
        "packages/core/src/Seed.ts:3 imports lodash, which core does not use",
        "packages/core/src/Seed.ts:4 imports effectful, which core does not use",
        "packages/http/src/Wire.ts:1 imports @ringback/core/Shop, which http does not use"
      ]
    ))

  it("finds a way into a package past its entry points", () =>
    assert.deepStrictEqual(
      borders({
        "http/src/Wire.ts": `import "../../core/src/Seed.ts"\nimport "../../../scripts/server.ts"`,
        "http/test/Wire.test.ts": `import "../../core/src/Seed.ts"\nimport "@ringback/core/src/Seed.ts"`,
        "scripts/x.ts": `import "../packages/core/src/Seed.ts"`
      }),
      [
        "packages/http/src/Wire.ts:1 imports ../../core/src/Seed.ts, out of its package",
        "packages/http/src/Wire.ts:2 imports ../../../scripts/server.ts, out of its package",
        "packages/http/test/Wire.test.ts:1 imports ../../core/src/Seed.ts, out of its package",
        "packages/http/test/Wire.test.ts:2 imports @ringback/core/src/Seed.ts, which is no entry point",
        "scripts/x.ts:1 imports ../packages/core/src/Seed.ts past the entry points of a package"
      ]
    ))
})

describe("Tidy.purity", () => {
  const purity = (text: string) =>
    Tidy.purity(small, written({ "core/src/Plant.ts": text })).map((found) => found.replace(/^.* is pure, but /, ""))

  it("lets a pure module use data, types, and times that it is given", () =>
    assert.deepStrictEqual(
      purity(`
        import { Schema, type Effect } from "effect"
        import type { Layer } from "effect"
        import { dual } from "effect/Function"
        import { seed } from "./Seed.ts"
        export const year = (at: number) => new Date(at).getUTCFullYear() + Math.max(0, Date.UTC(1970))
        // Date.now() in words
        export const words = "Math.random()"
      `),
      []
    ))

  it("finds effects", () =>
    assert.deepStrictEqual(
      purity(`
        import { Effect, Schema } from "effect"
        import * as all from "effect"
        import * as Clock from "effect/Clock"
        import { HttpClient } from "effect/http"
        export { Random as Dice } from "effect"
        import { shop } from "./Shop.ts"
      `),
      [
        "imports Effect from effect",
        "imports all from effect",
        "imports Clock from effect/Clock",
        "imports effect/http from effect/http",
        "imports Random from effect",
        "imports ./Shop.ts"
      ]
    ))

  it("finds clocks, chance and timers", () =>
    assert.deepStrictEqual(
      purity(`
        export const now = [Date.now(), new Date(), Date(), performance.now(), DateTime.nowUnsafe()]
        export const chance = [Math.random(), Math["random"](), crypto.randomUUID()]
        export const later = () => setTimeout(() => {}, 1)
      `),
      [
        "uses Date.now",
        "uses new Date()",
        "uses Date()",
        "uses performance.now",
        "uses DateTime.nowUnsafe",
        "uses Math.random",
        "uses Math.random",
        "uses crypto.randomUUID",
        "uses setTimeout()"
      ]
    ))

  it("finds them in the internal modules of the pure part, and leaves the others alone", () =>
    assert.deepStrictEqual(
      Tidy.purity(
        small,
        written({
          "core/src/Plant.ts": `import "./internal/soil.ts"`,
          "core/src/internal/soil.ts": `export const now = Date.now()`,
          "core/src/Shop.ts": `import { Clock } from "effect"\nimport "./internal/till.ts"`,
          "core/src/internal/till.ts": `export const now = Date.now()`
        })
      ),
      ["packages/core/src/internal/soil.ts:1 is pure, but uses Date.now"]
    ))

  it("lets pass what is known to be plain functions", () => {
    const [shop, ...others] = small
    const plain = [{ ...shop!, plain: ["seeds"] }, ...others]
    const found = Tidy.purity(
      plain,
      written({ "core/src/Plant.ts": `import { sow } from "seeds"\nimport { sell } from "till"` })
    )
    assert.deepStrictEqual(found, ["packages/core/src/Plant.ts:2 is pure, but imports till from till"])
  })

  it("follows the names that come from another package", () =>
    assert.deepStrictEqual(
      Tidy.purity(small, written({ "http/src/Wire.ts": `import { Plant, Shop } from "@ringback/core"` })),
      ["packages/http/src/Wire.ts:1 is pure, but imports Shop from @ringback/core"]
    ))
})

describe("Tidy.sized", () => {
  const lines = (count: number) => Array.from({ length: count - 2 }, (_, n) => `    const x${n} = () => {}`).join("\n")
  const sources = written({
    "core/src/Plant.ts": `export const make = gen(function*() {\n${lines(5)}\n})\nconst grow = () => {\n${lines(4)}\n}`,
    "core/src/Seed.ts": `function sow() {\n  return {\n    deep: () => {\n${lines(5)}\n    }\n  }\n}`,
    "core/test/Plant.test.ts": `const make = () => {\n${lines(9)}\n}`
  })
  const sized = (longer: Readonly<Record<string, number>>) => Tidy.sized({ atMost: 4, longer }, sources)

  it("finds what is too long, by the name that it is declared by, and not what is within it", () =>
    assert.deepStrictEqual(sized({}), [
      "packages/core/src/Plant.ts:1 make has 5 lines, and may have 4",
      "packages/core/src/Seed.ts:1 sow has 9 lines, and may have 4"
    ]))

  it("lets off what may be longer, as long as it is", () =>
    assert.deepStrictEqual(
      sized({
        "packages/core/src/Plant.ts make": 5,
        "packages/core/src/Seed.ts sow": 8,
        "packages/core/src/Plant.ts grow": 9
      }),
      [
        "packages/core/src/Seed.ts:1 sow has 9 lines, and may have 8",
        "packages/core/src/Plant.ts grow may have more than 4 lines, and has not"
      ]
    ))
})

describe("Tidy.documented", () => {
  const header = "/**\n * A seed.\n *\n * @since 0.1.0\n */\n"
  const documented = (text: string, path = "core/src/Seed.ts") =>
    Tidy.documented(small, written({ [path]: text })).map((found) => found.replace(/^\S+ /, ""))

  it("lets documented exports pass, the later signatures of an overload among them", () =>
    assert.deepStrictEqual(
      documented(`${header}import "effect"
        const hidden = 1
        /** Sows \`it\`, e.g. in \`May\`: \n * deep.\n * @since 0.1.0 */
        export function sow(deep: number): void
        export function sow(deep: string): void
        export function sow(deep: unknown) {}
        /** Grows.\n * @example\n * grow()\n * @since 0.1.0 */
        const grow_ = 1
        export { grow_ as grow }
      `),
      []
    ))

  it("finds exports without a doc comment, a sentence or @since", () =>
    assert.deepStrictEqual(
      documented(`${header}import "effect"
        export const bare = 1
        // A comment.
        export type Commented = 1
        /** No sentence\n * @since 0.1.0 */
        export interface Wordless {}
        /** No version. */
        export class Timeless {}
        /** @since 0.1.0 */
        export function mute() {}
        /** Somebody else's.\n * @since 0.1.0 */
        const other = 1
        export const after = 1
        const hidden = 1
        export { hidden as shown }
        export default hidden
      `),
      [
        "bare has no doc comment",
        "Commented has no doc comment",
        "Wordless has a doc comment without a first sentence",
        "Timeless has no @since",
        "mute has a doc comment without a first sentence",
        "after has no doc comment",
        "shown has no doc comment",
        "default is a default export"
      ]
    ))

  it("finds a module without a doc comment of its own", () => {
    assert.deepStrictEqual(documented(`import "effect"\n`), ["the module has no doc comment"])
    assert.deepStrictEqual(documented(`${header}export const first = 1`), ["the module has no doc comment"])
    assert.deepStrictEqual(documented("", "core/src/index.ts"), ["the module has no doc comment"])
    assert.deepStrictEqual(documented("", "core/src/internal/x.ts"), [])
  })
})

describe("Tidy.stability", () => {
  const stability = (text: string) =>
    Tidy.stability(
      small,
      (from) => from === "effect/http",
      written({ "core/src/Shop.ts": `import type { HttpClient as Client } from "effect/http"\n${text}` })
    ).map((found) => found.replace(/^\S+ /, ""))

  it("finds what builds on something unstable and does not say so", () =>
    assert.deepStrictEqual(
      stability(`/** Opens. */\nexport const open = (client: Client.HttpClient) => client\nexport type Door = Client`),
      [
        "open builds on HttpClient of effect/http: say @stability unstable",
        "Door builds on HttpClient of effect/http: say @stability unstable"
      ]
    ))

  it("lets what says so be, and what builds on nothing of the kind", () =>
    assert.deepStrictEqual(
      stability(
        `/**\n * Opens.\n *\n * @stability unstable\n */\nexport const open: Client = 1\nexport const shut = 2`
      ),
      []
    ))

  it("finds what says so without a reason", () =>
    assert.deepStrictEqual(stability(`/**\n * Shuts.\n *\n * @stability unstable\n */\nexport const shut = 1`), [
      "shut says @stability unstable, and builds on nothing that is"
    ]))

  it("takes a module of Effect for unstable only if nothing in it is stable", () => {
    assert.isTrue(Tidy.isUnstable("/** @stability unstable */ /** @stability experimental */"))
    assert.isFalse(Tidy.isUnstable("/** @stability unstable */ /** @stability stable */"))
    assert.isFalse(Tidy.isUnstable("/** A re-export. */"))
    assert.isTrue(isUnstable("effect/http", "HttpRouter"))
    assert.isFalse(isUnstable("effect", "Effect"))
  })
})

describe("Tidy.attributed", () => {
  const origin = { author: "a", license: "MIT", homepage: "h", bugs: { url: "b" } }
  const house = { ...origin, repository: { type: "git", url: "u" } }
  const room = { ...origin, name: "@x/core", repository: { type: "git", url: "u", directory: "packages/core" } }

  it("finds a package that says something else than the workspace, and one that cannot be found", () => {
    const attributed = (changes: object) => Tidy.attributed(house, { ...room, keywords: ["x"], ...changes }).length
    assert.strictEqual(attributed({}), 0)
    assert.strictEqual(attributed({ homepage: "elsewhere" }), 1)
    assert.strictEqual(attributed({ repository: house.repository }), 1)
    assert.strictEqual(attributed({ keywords: [] }), 1)
  })
})

describe("Tidy.calm", () => {
  const calm = (text: string, path = "core/test/Seed.test.ts") =>
    Tidy.calm(written({ [path]: text })).map((found) => found.replace(/^\S+ /, ""))

  it("finds waiting and tests that do not run", () =>
    assert.deepStrictEqual(
      calm(`
        import { setTimeout as sleep } from "node:timers/promises"
        it("waits", () => new Promise((resolve) => setTimeout(resolve, 10)))
        it.live("waits", () => Effect.sleep(10))
        it.effect.only("runs", run)
        describe.skip("never", () => {})
        it.effect("hurries", run, 60_000)
        it.each([1])("takes long", run, 600_000)
      `),
      [
        "waits by timers: use the test clock or an event",
        "waits by setTimeout: use the test clock or an event",
        "runs on the live clock: use it.effect and the test clock",
        "holds a .only",
        "holds a .skip",
        "bounds a test more tightly than all are bound: a busy machine would fail it"
      ]
    ))

  it("lets other code and other names be", () => {
    assert.deepStrictEqual(calm(`setTimeout(() => {}, 1)`, "core/src/Shop.ts"), [])
    assert.deepStrictEqual(calm(`it.effect("runs", () => Callee.only("once"))\nit.skipIf(old)("runs", run)`), [])
  })
})

describe("Tidy.typed", () => {
  it("finds an any in a declaration", () =>
    assert.deepStrictEqual(
      Tidy.typed(written({ "core/dist/Seed.d.ts": `export declare const any: (x: unknown) => Array<any>` })),
      ["packages/core/dist/Seed.d.ts:1 holds an any"]
    ))
})

describe("Tidy.traceless", () => {
  const path = (...parts: ReadonlyArray<string>) => ["", ...parts, "x"].join("/")

  it("finds paths of a machine and hosts of a registry", () =>
    assert.deepStrictEqual(
      Tidy.traceless([{
        path: "a.md",
        text: [path("root"), `"${path("home", "ann")}"`, "https://" + ["registry", "npmjs", "org"].join("."), ""].join(
          "\n"
        )
      }]),
      [
        "a.md:1 mentions a path of somebody's machine",
        "a.md:2 mentions a path of somebody's machine",
        "a.md:3 mentions the host of a package registry"
      ]
    ))

  it("lets other paths be", () =>
    assert.deepStrictEqual(
      Tidy.traceless([{ path: "a.md", text: `./work/x https://example.com${path("home", "page")} the registry. it` }]),
      []
    ))
})

describe("Tidy.published", () => {
  const exports = { ".": { source: "./src/index.ts", default: "./dist/index.js" }, "./package.json": "./package.json" }

  it("finds a published entry point that differs", () => {
    const published = (publishConfig?: { exports: Record<string, string | Record<string, string>> }) =>
      Tidy.published({ name: "x", exports, ...(publishConfig === undefined ? {} : { publishConfig }) }).length
    assert.strictEqual(published(), 1)
    assert.strictEqual(published({ exports }), 1)
    assert.strictEqual(published({ exports: { ...exports, ".": { default: "./dist/index.js" } } }), 0)
  })
})
