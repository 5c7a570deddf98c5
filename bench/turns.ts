/**
 * `npm run bench -- turns`: turns a second of Ringback beside bare `node:http` and `node:sqlite`, in one run of interleaved
 * rounds. One turn is a webhook in over loopback HTTP, decoded, decided, durably committed, and its action out.
 */
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs, promisify } from "node:util"
import type { Measured } from "./turns/generator.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    calls: { type: "string", default: "1,32,256" },
    servers: { type: "string", default: "ringback,bare" },
    json: { type: "boolean", default: false }
  }
})
const rounds = Number(values.rounds)
const servers = values.servers.split(",")

const file = (name: string) => fileURLToPath(new URL(`turns/${name}.ts`, import.meta.url))
const run = promisify(execFile)

/** One round: a server of its own on an empty database, and a generator of its own. */
const measure = async (server: string, calls: number): Promise<Measured> => {
  const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))
  const child = spawn(process.execPath, ["--conditions=source", file(server), join(folder, "bench.db")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_NO_WARNINGS: "1" }
  })
  try {
    const port = await new Promise<number>((resolve) => child.stdout.once("data", (data) => resolve(Number(data))))
    const { stdout } = await run(process.execPath, [file("generator"), String(port), String(calls), values.seconds])
    return JSON.parse(stdout) as Measured
  } finally {
    child.kill("SIGKILL")
    rmSync(folder, { recursive: true, force: true })
  }
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const fields = ["perSecond", "p50", "p99", "serverMicros", "generatorMicros", "turnsPerCommit"] as const
type Figures = Record<typeof fields[number], number>

const figures = (of: (field: typeof fields[number]) => number) =>
  Object.fromEntries(fields.map((field) => [field, of(field)])) as Figures

const shown = (calls: number, who: string, of: Figures, digits = 0) =>
  `${String(calls).padStart(3)} calls  ${who.padEnd(10)}  ${of.perSecond.toFixed(digits).padStart(6)} turns/s  ` +
  `p50 ${of.p50.toFixed(2)}  p99 ${of.p99.toFixed(2)} ms  server ${of.serverMicros.toFixed(digits && 2)} us  ` +
  `generator ${of.generatorMicros.toFixed(digits && 2)} us cpu a turn  ${of.turnsPerCommit.toFixed(2)} turns a commit`

const found: Array<object> = []
for (const calls of values.calls.split(",").map(Number)) {
  const measured = new Map<string, Array<Measured>>(servers.map((server) => [server, []]))
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) measured.get(server)!.push(await measure(server, calls))
  }
  const last = measured.get(servers.at(-1)!)!
  for (const [server, all] of measured) {
    const medians = figures((field) => median(all.map((each) => each[field])))
    const ratios = figures((field) => median(all.map((each, round) => each[field] / last[round]![field])))
    found.push({ calls, server, medians, ratios })
    if (values.json) continue
    console.log(shown(calls, server, medians))
    if (all !== last) console.log(shown(calls, "  ratio", ratios, 2))
  }
}
if (values.json) console.log(JSON.stringify(found))
