/**
 * `npm run bench -- herd --calls 10000 --processes 3`: a process is killed (`kill -9`) that looks after so many calls, on one PostgreSQL
 * with some others. Half of the calls have an activity under way and have to be restarted, half sleep and are due in the minute
 * after. Prints for how long each was left alone, what each process read for it, and how long callers waited meanwhile.
 */
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { parseArgs } from "node:util"
import * as Postgres from "../scripts/postgres.ts"
import * as TakeOver from "./herd/takeOver.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "10000" },
    processes: { type: "string", default: "3" },
    /** The calls that sleep are due between the two, in seconds after their start. */
    from: { type: "string", default: "90" },
    to: { type: "string", default: "150" }
  }
})

const options: TakeOver.Options = {
  calls: positive("calls", values.calls),
  processes: positive("processes", values.processes),
  from: positive("from", values.from) * 1000,
  to: positive("to", values.to) * 1000,
  meet: 12_000,
  settle: 10_000,
  environment: {}
}

printMachine()
await Effect.runPromise(Effect.scoped(
  Postgres.server({ fsync: "off" }).pipe(
    Effect.flatMap(Postgres.schema),
    Effect.flatMap((url) => TakeOver.measure(url, options)),
    Effect.provide(Reactivity.layer)
  )
))
