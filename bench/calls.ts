/**
 * `npm run bench -- calls`: whole calls of Ringback beside bare `node:http` and a database, in one run of interleaved
 * rounds. A call is what its user pays for: a request to the application that starts it and is answered when it is durable,
 * a dial to a carrier that accepts at once, and four webhooks. All of them go over loopback HTTP.
 *
 * - `--rounds 4 --seconds 3 --calls 1,32,256`: how often, for how long each, at how many calls at a time
 * - `--starts 100000`: how many calls are started that wait before they dial, at the most calls at a time; 0 for none
 * - `--store sqlite|postgres`: a file, or a PostgreSQL that is started for this (or is at `DATABASE_URL`)
 * - `--servers ringback,router,bare`: as for `turns`
 * - `--json`
 */
import { parseArgs } from "node:util"
import { freePort } from "../scripts/freePort.ts"
import * as Contest from "./contest.ts"
import { positive } from "./positive.ts"
import type { Started } from "./turns/bulk.ts"
import { measureStarts, median } from "./turns/measure.ts"

const { values } = parseArgs({ options: { ...Contest.options, starts: { type: "string", default: "100000" } } })

const contenders = Contest.contenders(values, { QUESTIONS: "2", CARRIER: String(await freePort()) })

const words: Contest.Words = {
  shown: (of) =>
    `${of.perSecond.toFixed(0).padStart(7)} requests/s ${of.callsPerSecond.toFixed(0).padStart(6)} calls/s  ` +
    `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)} ms  ` +
    `cpu a request ${of.serverMicros.toFixed(0).padStart(4)} us (generator ${of.generatorMicros.toFixed(0)})  ` +
    `peak ${of.peakMebibytes.toFixed(0)} MiB  ${(1 / of.requestsPerCommit).toFixed(3)} commits a request`,
  shownRatios: (of) =>
    `${of.perSecond.toFixed(2).padStart(7)} requests/s ${of.callsPerSecond.toFixed(2).padStart(6)} calls/s  ` +
    `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)}     ` +
    `cpu a request ${of.serverMicros.toFixed(2).padStart(4)}`
}

const atOnce = Math.max(...values.calls.split(",").map(Number))

/** One round of starts in bulk, on an empty database. */
const startMany = async (server: string, count: number, empty: () => Promise<Contest.Place>): Promise<Started> => {
  const { clear, place } = await empty()
  try {
    return await measureStarts(server, place, { calls: atOnce, count })
  } finally {
    await clear()
  }
}

const bulk = async (count: number, empty: () => Promise<Contest.Place>): Promise<void> => {
  const started = contenders.map(({ name }) => ({ name, all: new Array<Started>() }))
  for (let n = 0; n < positive("rounds", values.rounds); n++) {
    for (const { all, name } of started) all.push(await startMany(name, count, empty))
  }
  const limit = started.at(-1)!
  const found = started.map(({ all, name }) => ({
    name,
    starts: count,
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    ratio: median(all.map(({ perSecond }, n) => perSecond / limit.all[n]!.perSecond)),
    bytesEach: median(all.map(({ bytesEach }) => bytesEach))
  }))
  if (values.json) return console.log(JSON.stringify(found))
  for (const { bytesEach, name, perSecond, ratio } of found) {
    console.log(
      `${count} starts  ${name.padEnd(18)}${perSecond.toFixed(0).padStart(7)} starts/s  ` +
        `${ratio.toFixed(2)} of ${limit.name}  ${bytesEach.toFixed(0)} bytes for each that waits`
    )
  }
}

await Contest.withPlaces(values.store, async (empty) => {
  await Contest.hold(values, contenders, empty, words)
  if (values.starts !== "0") await bulk(positive("starts", values.starts), empty)
})
