/** How lists of calls are read from PostgreSQL: no table is read from end to end, whatever the filter. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallIndex, SqlEventStore } from "@ringback/core"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { lists, plant } from "./fixtures/listedCalls.ts"

const server = await Postgres.start()

const key = Layer.orDie(CallIndex.layerNumbersKey(Redacted.make("a key that is long enough")))

const calls = 20_000

/** A piece has a page and one call more, and there are six groups of each state; each call is looked up once. */
const most = 3000

describe.skipIf(server === undefined)("a page of calls on PostgreSQL", () => {
  it.effect("reads no more than pieces of indexes, whatever is asked", () =>
    Effect.gen(function*() {
      const url = yield* Postgres.schema(server!)
      const client = (maxConnections: number) => PgClient.layer({ url: Redacted.make(url), maxConnections })
      const filled = yield* Layer.build(SqlEventStore.layer.pipe(Layer.provideMerge(client(5))))
      const filler = Context.get(filled, SqlClient.SqlClient)
      yield* plant(filler, calls)
      yield* SqlEventStore.rebuild.pipe(Effect.provideContext(filled))
      yield* filler`ANALYZE ringback_turns, ringback_listed, ringback_numbers`
      // One connection, which counts what it has read itself.
      const reading = SqlEventStore.layerReading.pipe(Layer.provide(key), Layer.provideMerge(client(1)))
      const context = yield* Layer.build(Layer.fresh(reading))
      const index = Context.get(context, CallIndex.CallIndex)
      const sql = Context.get(context, SqlClient.SqlClient)
      const counted = Effect.gen(function*() {
        yield* sql`SELECT pg_stat_force_next_flush()`
        yield* sql`SELECT pg_stat_clear_snapshot()`
        const [row] = yield* sql<{ readonly scanned: bigint; readonly found: bigint }>`
          SELECT sum(seq_tup_read) AS scanned, sum(idx_tup_fetch) AS found FROM pg_stat_user_tables
          WHERE schemaname = current_schema() AND relname IN ('ringback_turns', 'ringback_listed', 'ringback_numbers')`
        return { scanned: Number(row?.scanned), found: Number(row?.found) }
      })
      for (const [name, filter] of lists) {
        const before = yield* counted
        const page = yield* index.list(filter, { limit: 50 })
        const after = yield* counted
        assert.strictEqual(after.scanned - before.scanned, 0, name)
        assert.isAtMost(after.found - before.found, most, name)
        assert.isAtMost(page.calls.length, 50, name)
        if (page.calls.length > 0) assert.isAbove(after.found, before.found, name)
      }
    }))
})
