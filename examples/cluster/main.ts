/**
 * `npm run example -- examples/cluster/main.ts`: three machines, 300 calls, one machine killed, one frozen, one deployed over. On an empty
 * database of the PostgreSQL of `DATABASE_URL`, or of one of its own. Ends with 1 if a phone rang twice.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { parseArgs } from "node:util"
import * as Database from "./database.ts"
import * as Rows from "./rows.ts"
import * as Run from "./run.ts"

const { values } = parseArgs({
  options: { calls: { type: "string", default: "300" }, frozen: { type: "string", default: "25" } }
})

const program = Effect.gen(function*() {
  const url = yield* Database.empty
  const options = { url, calls: Number(values.calls), frozen: Number(values.frozen) }
  const { lives, rows } = yield* Effect.provide(Run.run(options), Run.log(url))
  for (const line of Rows.report(rows, lives)) yield* Console.log(line)
  if (rows.some(({ rings }) => rings > 1)) process.exitCode = 1
})

NodeRuntime.runMain(Effect.scoped(Effect.provide(program, Run.carrier)))
