/**
 * `npm run example -- examples/cluster/main.ts`: three machines, 300 calls, one machine killed, one frozen, one deployed over. On a
 * PostgreSQL of its own, or that of `DATABASE_URL`. Ends with 1 if a phone rang twice, or a call came to no good end.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { parseArgs } from "node:util"
import * as Postgres from "../../scripts/postgres.ts"
import * as Run from "./run.ts"

const { values } = parseArgs({
  options: { calls: { type: "string", default: "300" }, frozen: { type: "string", default: "25" } }
})

const program = Effect.gen(function*() {
  const url = yield* Effect.flatMap(Postgres.server({ fsync: "on" }), Postgres.schema)
  const options = { url, calls: Number(values.calls), frozen: Number(values.frozen) }
  const rows = yield* Effect.provide(Run.run(options), Run.log(url))
  for (const { id, outcome, owners, rings } of rows) {
    yield* Console.log(
      `${id}  ${outcome.padEnd(9)}  rang ${rings === 1 ? "once" : `${rings} times`}  ${owners.join(" > ")}`
    )
  }
  const twice = rows.filter(({ rings }) => rings > 1).length
  const moved = rows.filter(({ owners }) => owners.length > 1).length
  const good = rows.filter(({ outcome }) => outcome === "welcome").length
  yield* Console.log(
    `\n${rows.length} calls, each with an outcome: ${good} welcome, ${rows.length - good} otherwise. ` +
      `${moved} went from one machine to another. ${twice} phones rang twice.`
  )
  if (twice > 0) process.exitCode = 1
})

NodeRuntime.runMain(Effect.scoped(Effect.provide(program, Run.carrier)))
