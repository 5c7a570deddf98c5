/**
 * `npm run bench -- turns`: turns a second of Ringback beside bare `node:http` and a database, in one run of interleaved
 * rounds. One turn is a webhook in over loopback HTTP, decoded, decided, durably committed, and its action out.
 *
 * - `--rounds 4 --seconds 3 --calls 1,32,256`: how often, for how long each, at how many calls at a time
 * - `--store sqlite|postgres`: a file, or a PostgreSQL that is started for this (or is at `DATABASE_URL`)
 * - `--slow-disk 2`: each server also on a disk whose every sync takes so many milliseconds more
 * - `--servers ringback,router,bare`: the programs of `bench/turns`; the ratios are to the last of them. `ringback` takes
 *   webhooks from Node's server (`TelesignWebhook.layerNode`), `router` by a route (`TelesignWebhook.layer`)
 * - `--json`
 */
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Postgres from "../scripts/postgres.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import type { Measured } from "./turns/generator.ts"
import { measure, median } from "./turns/measure.ts"

const { values } = parseArgs({
  options: {
    "rounds": { type: "string", default: "4" },
    "seconds": { type: "string", default: "3" },
    "calls": { type: "string", default: "1,32,256" },
    "store": { type: "string", default: "sqlite" },
    "slow-disk": { type: "string", default: "0" },
    "servers": { type: "string", default: "ringback,router,bare" },
    "json": { type: "boolean", default: false }
  }
})

const rounds = positive("rounds", values.rounds)
const seconds = positive("seconds", values.seconds)
const callsAtATime = values.calls.split(",").map((calls) => positive("calls", calls))

/** What is measured, and what it is compared with. */
interface Contender {
  readonly name: string
  readonly server: string
  readonly slowDisk: string
  readonly against: string
}

const servers = values.servers.split(",")
const limit = servers.at(-1)!
const contenders: ReadonlyArray<Contender> = servers.flatMap((server) => {
  const plain = { name: server, server, slowDisk: "0", against: limit }
  const slowDisk = values["slow-disk"]
  return slowDisk === "0" ? [plain] : [{ name: `${server} slow`, server, slowDisk, against: server }, plain]
})

const lifetime = Scope.makeUnsafe()
const postgres = values.store === "postgres"
  ? await Effect.runPromise(Scope.provide(Postgres.server({ fsync: "on" }), lifetime))
  : undefined

/** An empty place for a database, and the way to clear it away. */
const emptyPlace = async () => {
  if (postgres !== undefined) {
    const scope = Scope.makeUnsafe()
    const place = await Effect.runPromise(Scope.provide(Postgres.schema(postgres), scope))
    return { place, clear: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
  }
  const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))
  return {
    place: join(folder, "bench.db"),
    clear: () => Promise.resolve(rmSync(folder, { recursive: true, force: true }))
  }
}

/** One round: on an empty database. */
const round = async ({ server, slowDisk }: Contender, calls: number): Promise<Measured> => {
  const { clear, place } = await emptyPlace()
  try {
    return await measure(server, place, { calls, seconds }, { SLOW_DISK: slowDisk })
  } finally {
    await clear()
  }
}

const fields = ["perSecond", "p50", "p99", "serverMicros", "generatorMicros", "turnsPerCommit"] as const
type Figures = Record<typeof fields[number], number>

const figures = (of: (field: typeof fields[number]) => number) =>
  Object.fromEntries(fields.map((field) => [field, of(field)])) as Figures

const shown = (calls: number, who: string, of: Figures) =>
  `${String(calls).padStart(3)} calls  ${who.padEnd(24)}${of.perSecond.toFixed(0).padStart(7)} turns/s  ` +
  `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)} ms  ` +
  `cpu a turn ${of.serverMicros.toFixed(0).padStart(4)} us (generator ${of.generatorMicros.toFixed(0)})  ` +
  `${of.turnsPerCommit.toFixed(1)} turns a commit`

const shownRatios = (calls: number, who: string, of: Figures) =>
  `${String(calls).padStart(3)} calls  ${who.padEnd(24)}${of.perSecond.toFixed(2).padStart(7)} turns/s  ` +
  `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)}     ` +
  `cpu a turn ${of.serverMicros.toFixed(2).padStart(4)}`

const found: Array<object> = []
if (!values.json) printMachine()
for (const calls of callsAtATime) {
  const measured = new Map<string, Array<Measured>>(contenders.map(({ name }) => [name, []]))
  for (let n = 0; n < rounds; n++) {
    for (const contender of contenders) measured.get(contender.name)!.push(await round(contender, calls))
  }
  for (const { against, name } of contenders) {
    const [all, others] = [measured.get(name)!, measured.get(against)!]
    const medians = figures((field) => median(all.map((each) => each[field])))
    const ratios = figures((field) => median(all.map((each, n) => each[field] / others[n]![field])))
    found.push({ calls, name, medians, against, ratios })
    if (values.json) continue
    if (name !== against) console.log(shownRatios(calls, `${name} / ${against}`, ratios))
    console.log(shown(calls, name, medians))
  }
}
if (values.json) console.log(JSON.stringify(found))
await Effect.runPromise(Scope.close(lifetime, Exit.void))
