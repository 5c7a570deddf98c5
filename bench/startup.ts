/**
 * `npm run bench -- startup`: how long the engine takes to start over a store with many calls, on SQLite and on PostgreSQL;
 * how soon after that somebody who calls is answered; and which events are read.
 */
import { PgClient } from "@effect/sql-pg"
import { Calls, EventStore, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Layer, Redacted, Scope } from "effect"
import type { SqlClient } from "effect/sql"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Postgres from "../scripts/postgres.ts"
import { Announcement, Desk, seed } from "./calls/seed.ts"
import { positive } from "./positive.ts"

const { values } = parseArgs({
  options: {
    finished: { type: "string", default: "100000" },
    running: { type: "string", default: "10000" }
  }
})
const running = positive("running", values.running)
const amounts = {
  finished: positive("finished", values.finished),
  waiting: running * 0.8,
  overdue: running * 0.1,
  ringing: running * 0.1
}

/** A carrier that accepts every dial, and of which nothing more is heard. */
const carrier = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({ send: ({ externalId = "" }) => Effect.succeed({ referenceId: externalId }) })
)

/** Counts the events that are read, by calls. */
const counted = (reads: { count: number }) =>
  Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        read: (id) => {
          reads.count++
          return store.read(id)
        }
      }))
  )

const desk = PhoneNumber.make("15550170009")

const measure = Effect.fnUntraced(function*<E>(name: string, client: Layer.Layer<SqlClient.SqlClient, E>) {
  const store = SqlEventStore.layer.pipe(Layer.provide(client))
  const seeding = performance.now()
  yield* Effect.provide(seed(amounts), store)
  const seeded = performance.now() - seeding

  const reads = { count: 0 }
  const engine = Calls.layer({ flows: [Announcement], inbound: { [desk]: Desk } }).pipe(
    Layer.provide(carrier),
    Layer.provide(counted(reads)),
    Layer.provide(store)
  )
  const scope = yield* Scope.make()
  const starting = performance.now()
  const calls = Context.get(yield* Layer.buildWithScope(engine, scope), Calls.Calls)
  const started = performance.now() - starting
  const atStart = reads.count
  const asking = performance.now()
  yield* calls.receive(
    TelesignWire.named({ event: "incoming_call", referenceId: "a caller", to: desk, from: "15550170044" })
  )
  const answered = performance.now() - asking
  while (reads.count < amounts.ringing && performance.now() - starting < 60_000) yield* Effect.sleep(20)
  const lookedAfter = performance.now() - starting
  const millis = (time: number) => `${time.toFixed(0).padStart(6)} ms`
  console.log(`${name}  (${Object.entries(amounts).map(([kind, count]) => `${count} ${kind}`).join(", ")})`)
  console.log(`  start                          ${millis(started)}   ${atStart} calls read`)
  console.log(`  the first answer after it      ${millis(answered)}`)
  console.log(
    `  all that ring are looked after ${millis(lookedAfter)}   ${reads.count} calls read, of overdue ones too`
  )
  console.log(`  (seeding took ${millis(seeded).trim()})`)
  yield* Scope.close(scope, Effect.exit(Effect.void).pipe(Effect.runSync))
})

const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))
try {
  await Effect.runPromise(measure("SQLite", SqliteClient.layer({ filename: join(folder, "calls.db") })))
  const onPostgres = Postgres.server({ fsync: "off" }).pipe(
    Effect.flatMap(Postgres.schema),
    Effect.flatMap((url) => measure("PostgreSQL", PgClient.layer({ url: Redacted.make(url) })))
  )
  await Effect.runPromise(Effect.scoped(onPostgres))
} finally {
  rmSync(folder, { recursive: true })
}
