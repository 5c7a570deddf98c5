/**
 * `npm run bench -- processes`: one, two and three processes of Ringback on one PostgreSQL, in one run of interleaved rounds, with
 * each call at one of them (`home`) or each webhook at any (`spread`), as behind a balancer. All figures are of all processes
 * together, beside that of PostgreSQL; the ratios are to one process.
 *
 * - `--of turns`: webhooks of calls that were started before, or `calls`: whole calls with their starts and dials
 * - `--processes 2,3`: how many, each against one
 * - `--rounds 4 --seconds 3 --calls 32,256`: how often, for how long each, at how many calls at a time
 * - `--servers ringback`: a program of `bench/turns`, or the path of such a program of another checkout. With two of them, the
 *   second is the same beside it, such as that of an earlier commit
 * - `--json`
 *
 * The PostgreSQL is started for this, or is at `DATABASE_URL`; then its processor time is known if it is on this machine.
 */
import { parseArgs } from "node:util"
import { freePort } from "../scripts/freePort.ts"
import * as Contest from "./contest.ts"
import { positive } from "./positive.ts"
import * as ProcessWords from "./processWords.ts"

const { values } = parseArgs({
  options: {
    ...Contest.options,
    calls: { type: "string", default: "32,256" },
    servers: { type: "string", default: "ringback" },
    store: { type: "string", default: "postgres" },
    of: { type: "string", default: "turns" },
    processes: { type: "string", default: "2,3" }
  }
})

const kinds: ReadonlyMap<string, () => Promise<Contest.Contender["environment"]>> = new Map([
  ["turns", async () => ({})],
  ["calls", async () => ({ QUESTIONS: "2", CARRIER: String(await freePort()) })]
])

const kind = kinds.get(values.of)
if (kind === undefined || values.store !== "postgres") {
  console.error(kind === undefined ? `--of takes turns or calls, not ${values.of}` : "Processes share PostgreSQL only")
  process.exit(1)
}

const environment = { STATEMENTS: "1", ...await kind() }

/** One process, and more of them in both ways, each against the one. */
const contendersOf = (plain: Contest.Contender): ReadonlyArray<Contest.Contender> =>
  Array.from(new Set([1, ...values.processes.split(",").map((given) => positive("processes", given))])).flatMap(
    (processes) => {
      const one = { ...plain, name: `${plain.name} 1`, against: `${plain.name} 1`, processes }
      if (processes === 1) return [one]
      return [
        { ...one, name: `${plain.name} ${processes} home` },
        { ...one, name: `${plain.name} ${processes} spread`, environment: { ...environment, SPREAD: "1" } }
      ]
    }
  )

const contenders = Contest.contenders(values, environment).flatMap(contendersOf)

await Contest.withPlaces(values.store, (empty) => Contest.hold(values, contenders, empty, ProcessWords.words))
