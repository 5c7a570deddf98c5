/**
 * `npm run bench -- turns`: turns a second of Ringback beside bare `node:http` and a database, in one run of interleaved
 * rounds. One turn is a webhook in over loopback HTTP, decoded, decided, durably committed, and its action out.
 *
 * - `--rounds 4 --seconds 3 --calls 1,32,256`: how often, for how long each, at how many calls at a time
 * - `--store sqlite|postgres`: a file, or a PostgreSQL that is started for this (or is at `DATABASE_URL`)
 * - `--slow-disk 2`: each server also on a disk whose every sync takes so many milliseconds more
 * - `--servers ringback,router,bare`: the programs of `bench/turns`; the ratios are to the last of them. `ringback` takes
 *   webhooks from Node's server (`TelesignNode.layer`), `router` by a route (`TelesignWebhook.layer`), and `traced` is `ringback`
 *   with traces, metrics and the log going out by OTLP (`tracedCalls` without the spans of turns). A path names such a program
 *   of another checkout
 * - `--json`
 */
import { parseArgs } from "node:util"
import * as Contest from "./contest.ts"

const { values } = parseArgs({ options: { ...Contest.options, "slow-disk": { type: "string", default: "0" } } })

/** Each server by itself, and against it on a slower disk. */
const contenders = Contest.contenders(values).flatMap((plain): ReadonlyArray<Contest.Contender> => {
  const slowDisk = values["slow-disk"]
  if (slowDisk === "0") return [plain]
  return [{ ...plain, name: `${plain.name} slow`, against: plain.name, environment: { SLOW_DISK: slowDisk } }, plain]
})

const words: Contest.Words = {
  shown: (of) =>
    `${of.perSecond.toFixed(0).padStart(7)} turns/s  ` +
    `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)} ms  ` +
    `cpu a turn ${of.serverMicros.toFixed(0).padStart(4)} us (generator ${of.generatorMicros.toFixed(0)})  ` +
    `${of.requestsPerCommit.toFixed(1)} turns a commit`,
  shownRatios: (of) =>
    `${of.perSecond.toFixed(2).padStart(7)} turns/s  ` +
    `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)}     ` +
    `cpu a turn ${of.serverMicros.toFixed(2).padStart(4)}`
}

await Contest.withPlaces(values.store, (empty) => Contest.hold(values, contenders, empty, words))
