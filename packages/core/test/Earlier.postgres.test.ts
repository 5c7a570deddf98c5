/** Calls from before there were lists are listed beside the engine, whatever it appends to them meanwhile. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, CallIndex, EventStore, SqlEventStore } from "@ringback/core"
import { Context, Effect, Layer, Logger, Redacted, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { openPostgres, releases } from "./fixtures/releases/open.ts"

const server = await Postgres.start()

const client = (url: string) => PgClient.layer({ url: Redacted.make(url) })

const store = (url: string) => SqlEventStore.layer.pipe(Layer.provideMerge(client(url)))

const callId = (n: number) => CallEvent.CallId.make(`c${String(n).padStart(19, "0")}`)

/** As a release without lists has left them: every third call is over, every fourth was, with a word from its line after that. */
const plant = (sql: SqlClient.SqlClient, calls: number) =>
  sql.unsafe(`INSERT INTO ringback_turns
      (call_id, version, flow, flow_version, status, waiting_for, due, at, id, format, events)
    SELECT 'c' || lpad(n::text, 19, '0'), version, 'f', 1 + n % 2, CASE WHEN version > 2 THEN 'over' ELSE 'running' END, '', NULL,
      1000000 + 10 * n + version, 'old ' || n || '/' || version, 1, CASE version
        WHEN 1 THEN CASE n % 5
          WHEN 0 THEN '[{"_tag":"CallArrived","at":1,"flow":"f","version":1,"line":1,"referenceId":"r","content":""}]'
          ELSE '[{"_tag":"CallStarted","at":1,"flow":"f","version":1,"input":{}}]' END
        WHEN 2 THEN '[{"_tag":"FlowEnded","exit":{"_tag":"Failure","error":1},"at":2}]'
        ELSE '[{"_tag":"LineSilent","at":3,"line":1}]' END
    FROM generate_series(1, ${calls}) AS n, generate_series(1, 4) AS version
    WHERE version < 2 OR (version = 2 AND n % 2 = 0) OR (n % 3 = 0 AND n % 2 = 0 AND (version = 3 OR n % 4 = 0))`)

const append = Effect.fnUntraced(function*(n: number, version: number, status: "running" | "over") {
  const { append } = yield* EventStore.EventStore
  const at = 5_000_000 + n
  const hasOutcome = n % 2 === 0
  const events: ReadonlyArray<CallEvent.CallEvent> = status === "over" && !hasOutcome
    ? [{ _tag: "FlowEnded", exit: { _tag: "Success", value: 1 }, at }]
    : [{ _tag: "LineSilent", at, line: 1 }]
  const summary = { flow: "f", flowVersion: 1 + n % 2, status, waitingFor: "", due: null, process: null, at }
  const turn = { id: `new ${n}/${version}`, callId: callId(n), version, at, events }
  yield* append(turn, { ...summary, callId: turn.callId, version })
})

const listed = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT * FROM ringback_listed ORDER BY call_id`)

/** Waits until all are listed, where time passes only as the test lets it. */
const allListed = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  while ((yield* sql`SELECT 1 FROM ringback_meta WHERE name = 'listing'`).length > 0) {
    yield* TestClock.adjust("5 seconds")
  }
})

/** They are listed as when all of them are listed anew. */
const isTrue = Effect.gen(function*() {
  const before = yield* listed
  yield* SqlEventStore.rebuild
  assert.deepStrictEqual(before, yield* listed)
})

const calls = 1600

/** For a machine that is busy with something else. */
const patience = 180_000

describe.skipIf(server === undefined)("calls of an earlier release on PostgreSQL", () => {
  it.effect("are listed after the store has opened, the first of them before", () =>
    Effect.gen(function*() {
      const url = yield* Postgres.schema(server!)
      const [, release] = releases.find(([name]) => name === "0.1.0-before-lists")!
      yield* Effect.provide(
        Effect.andThen(openPostgres(release), Effect.flatMap(SqlClient.SqlClient, (sql) => plant(sql, calls))),
        client(url)
      )
      const context = yield* Layer.build(store(url))
      yield* Effect.gen(function*() {
        assert.isAtLeast((yield* listed).length, 1000)
        yield* Effect.forEach(
          Array.from({ length: 30 }, (_, n) => calls - 90 - n),
          (n) => append(n, n % 2 === 0 ? 3 + (n % 3 === 0 ? 1 + (n % 4 === 0 ? 1 : 0) : 0) : 2, "over"),
          { concurrency: "unbounded" }
        )
        yield* allListed
        const index = yield* CallIndex.CallIndex
        const { over, running } = yield* index.counts({ flow: "f" })
        assert.strictEqual(running + over.Success + over.Failure, calls)
        yield* isTrue
      }).pipe(Effect.provideContext(context))
    }), patience)

  it.effect(
    "are listed right when they go on before, by whichever process comes to it, which says how far it is",
    () =>
      Effect.gen(function*() {
        const url = yield* Postgres.schema(server!)
        const first = yield* Layer.build(store(url))
        const sql = Context.get(first, SqlClient.SqlClient)
        yield* plant(sql, 600)
        yield* sql`DELETE FROM ringback_listed`
        yield* sql`INSERT INTO ringback_meta (name, value) VALUES ('listing', '')`
        const connection = yield* Scope.provide(sql.reserve, yield* Effect.scope)
        yield* connection.executeUnprepared("BEGIN", [], undefined)
        yield* connection.executeUnprepared("SELECT * FROM ringback_meta FOR UPDATE", [], undefined)
        const said: Array<string> = []
        const logger = Logger.make(({ message }) => void said.push(String(message)))
        const other = yield* Layer.build(Layer.fresh(store(url))).pipe(Effect.provide(Logger.layer([logger])))
        yield* Effect.gen(function*() {
          assert.deepStrictEqual(yield* listed, [])
          yield* append(1, 2, "over") // began before
          yield* append(1, 3, "over")
          yield* append(2, 3, "over") // had its outcome before
          yield* append(6, 4, "over") // was over before
          yield* append(7, 2, "running") // goes on
          assert.lengthOf(yield* listed, 3)
          yield* connection.executeUnprepared("ROLLBACK", [], undefined)
          yield* allListed
          assert.lengthOf(yield* listed, 600)
          while (!said.at(-1)!.startsWith("All")) yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([said[0], said.at(-1)], [
            "Calls of an earlier release are listed in the background, 0 so far: lists and counts lack the others until then",
            "All calls of an earlier release are listed, 600 here"
          ])
          yield* isTrue
        }).pipe(Effect.provideContext(other))
      }).pipe(Effect.scoped)
  )
})
