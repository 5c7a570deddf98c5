/**
 * `npm run bench -- cluster`: machines of a cluster (`ClusterCalls`) on one PostgreSQL, whose webhooks come to any of them, beside one
 * process without a cluster, in one run of interleaved rounds. Then one of them is killed (`kill -9`): for how long what it looked after
 * was left alone, and how long webhooks waited at the others; the same for processes without a cluster.
 *
 * - `--runners 1,2,3`: how many machines
 * - `--rounds 1 --seconds 3 --calls 32`: how often, for how long each, at how many calls at a time
 * - `--warm 8`: so many seconds each of them runs before that at most
 * - `--killed 600`: how many calls the machine looks after that is killed, the third of three
 * - `--of turns,takeover`
 *
 * The PostgreSQL is started for this, or is at `DATABASE_URL`.
 */
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { parseArgs } from "node:util"
import * as Postgres from "../scripts/postgres.ts"
import * as Contest from "./contest.ts"
import * as TakeOver from "./herd/takeOver.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import * as ProcessWords from "./processWords.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    seconds: { type: "string", default: "3" },
    calls: { type: "string", default: "32" },
    runners: { type: "string", default: "1,2,3" },
    warm: { type: "string", default: "8" },
    killed: { type: "string", default: "600" },
    of: { type: "string", default: "turns,takeover" }
  }
})

const environment = { STATEMENTS: "1", WARM: String(positive("warm", values.warm)) }
const against = "one process"
const one: Contest.Contender = { name: against, server: "ringback", against, environment, processes: 1 }

const machines = values.runners.split(",").map((given): Contest.Contender => {
  const processes = positive("runners", given)
  return {
    ...one,
    name: processes === 1 ? "cluster of 1" : `cluster of ${processes}, spread`,
    processes,
    environment: { ...environment, CLUSTER: "1", SPREAD: "1" }
  }
})

/** Due from when it is killed on, for as long as it takes to see that. */
const takeOver: TakeOver.Options = {
  calls: positive("killed", values.killed),
  processes: 3,
  from: 5_000,
  to: 30_000,
  meet: 8_000,
  settle: 4_000,
  environment: {}
}

const measureTakeOver = (name: string, environment: TakeOver.Options["environment"]) =>
  Effect.scoped(
    Postgres.server({ fsync: "on" }).pipe(
      Effect.flatMap(Postgres.schema),
      Effect.tap(() => Effect.sync(() => console.log(`\n${name}`))),
      Effect.flatMap((url) => TakeOver.measure(url, { ...takeOver, environment })),
      Effect.provide(Reactivity.layer)
    )
  )

const parts = values.of.split(",")
if (parts.includes("turns")) {
  const wanted = { ...values, store: "postgres", servers: "ringback", json: false }
  await Contest.withPlaces("postgres", (empty) => Contest.hold(wanted, [one, ...machines], empty, ProcessWords.words))
} else printMachine()
if (parts.includes("takeover")) {
  await Effect.runPromise(measureTakeOver("one of three machines of a cluster is killed", { CLUSTER: "1" }))
  await Effect.runPromise(measureTakeOver("one of three processes without a cluster is killed", {}))
}
process.exit()
