/**
 * `npm run bench -- waiting`: what a call costs in memory that waits for an hour, with and without somebody who waits for
 * its outcome. The calls are started by the engine, over SQLite.
 */
import { Calls, Flow, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Layer, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { positive } from "./positive.ts"

const { values } = parseArgs({ options: { calls: { type: "string", default: "100000" } } })
const count = positive("calls", values.calls)

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** Bytes in use after everything that nobody holds has gone. */
const used = Effect.gen(function*() {
  for (let round = 0; round < 5; round++) {
    yield* Effect.sleep(50)
    collect()
  }
  return process.memoryUsage().heapUsed
})

const Later = Flow.make("later", {
  version: 1,
  input: { name: Schema.String },
  output: Schema.String,
  run: ({ name }) => Flow.as(Flow.sleep("1 hour"), `Good evening, ${name}.`)
})

const nowhere = Layer.succeed(Transport.Transport, Transport.Transport.of({ send: () => Effect.never }))

const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))

const engine = Calls.layer({ flows: [Later] }).pipe(
  Layer.provide(nowhere),
  Layer.provide(SqlEventStore.layer),
  Layer.provide(SqliteClient.layer({ filename: join(folder, "calls.db") }))
)

const all = Array.from({ length: count }, (_, n) => n)
const atOnce = { concurrency: 64, discard: true } as const

const main = Effect.gen(function*() {
  const start = (n: number) => Calls.start(Later, { name: `guest ${n}` })
  yield* Effect.forEach(all.slice(0, 2000), start, atOnce) // what is kept in any case, and code that is warm
  const before = yield* used
  yield* Effect.forEach(all, start, atOnce)
  const alone = yield* used
  console.log(`${count} calls that wait:       ${((alone - before) / count).toFixed(0).padStart(5)} bytes each`)
  yield* Effect.forEach(
    all,
    (n) => Effect.flatMap(start(n), (call) => Effect.forkDetach(call.outcome, { startImmediately: true })),
    atOnce
  )
  const awaited = yield* used
  console.log(`${count} that somebody waits for: ${((awaited - alone) / count).toFixed(0).padStart(5)} bytes each`)
})

await Effect.runPromise(Effect.provide(main, engine)).finally(() => rmSync(folder, { recursive: true }))
