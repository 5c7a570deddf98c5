/** How lists of calls are read from SQLite: by pieces of indexes, whatever the filter and however many calls there are. */
import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, CallIndex, EventLog, EventStore, PhoneNumber, Retention, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Config, ConfigProvider, Context, DateTime, Effect, Layer, Redacted, Result, Scope, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { StatementSync } from "node:sqlite"
import { append, callId, lifeOf, lists, plant } from "./fixtures/listedCalls.ts"
import { tempFile } from "./fixtures/tempFile.ts"

const keyOf = (text: string) => CallIndex.layerNumbersKey(Redacted.make(text))

const inFile = (filename: string, key = "a key that is long enough") =>
  SqlEventStore.layer.pipe(
    Layer.provide(Layer.orDie(keyOf(key))),
    Layer.provideMerge(SqliteClient.layer({ filename }))
  )

/** The statements that something reads with, with what was given for their parameters. */
const read = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const { all } = StatementSync.prototype
    const noted: Array<string> = []
    StatementSync.prototype.all = function(this: StatementSync, ...parameters: Parameters<typeof all>) {
      const rows = all.apply(this, parameters)
      noted.push(this.expandedSQL)
      return rows
    } as typeof all
    return Effect.ensuring(
      Effect.as(work, noted),
      Effect.sync(() => {
        StatementSync.prototype.all = all
      })
    )
  })

/** A piece of an index, and the first row of the index from which groups are found. */
const allowed = [
  "SCAN listed USING COVERING INDEX ringback_listed_started",
  "SCAN ringback_listed USING COVERING INDEX ringback_listed_group",
  "SCAN call" // calls that run
]

/** A step of the plan of a statement. */
interface Step {
  readonly parent: number
  readonly detail: string
}

/** What may bring many calls, and has to bring them in the order of the list. Those of a key or that are due are few. */
const ofMany = /^(SEARCH|SCAN) (listed|named) USING (?!PRIMARY KEY \(call_id=\?\))/

/** What the pieces have brought, which is no more than a page. */
const found = "SCAN found"

describe("a page of calls on SQLite", () => {
  it.effect.each(lists)("of %s reads no more than pieces of indexes", ([, filter]) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* plant(sql, 300)
      const index = yield* CallIndex.CallIndex
      const statements = yield* read(index.list(filter, { limit: 5 }))
      assert.isNotEmpty(statements)
      for (const statement of statements) {
        const plan = yield* sql.unsafe<Step>(`EXPLAIN QUERY PLAN ${statement}`).unprepared
        const scans = plan.filter(({ detail }) => /^SCAN (listed|ringback_\w+|turn|call)\b/.test(detail))
        const pieces = scans.filter(({ detail }) => detail !== found)
        for (const { detail } of pieces) assert.include(allowed, detail, statement)
        assert.isAtMost(scans.length - pieces.length, 1, statement)
        for (const sort of plan.filter(({ detail }) => detail.startsWith("USE TEMP B-TREE"))) {
          const sorted = plan.filter(({ detail, parent }) => parent === sort.parent && ofMany.test(detail))
          assert.deepStrictEqual(sorted, [], statement)
        }
      }
    }).pipe(Effect.provide(inFile(":memory:"))))
})

/** All calls of a list, page by page. */
const allOf = Effect.fnUntraced(function*(filter: CallIndex.Filter, limit: number) {
  const index = yield* CallIndex.CallIndex
  const found: Array<CallEvent.CallId> = []
  for (let after: CallIndex.Cursor | undefined;;) {
    const page: CallIndex.Page = yield* index.list(filter, { limit, after })
    found.push(...page.calls.map((call) => call.callId))
    if (page.next === undefined) return found
    after = page.next
  }
})

describe("many calls on SQLite", () => {
  it.effect("that run are looked through for those that are due, however many", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* plant(sql, 12_000)
      const running = Array.from({ length: 12_000 }, (_, n) => 12_000 - n).filter((n) => n % 10 === 3)
      const one = (n: number) => n % 3 === 1
      for (const due of [0, 4, 900, 6000, 12_001]) {
        const expected = running.filter((n) => n < due)
        const dueBefore = due * 60_000
        for (const limit of [7, 50, 1000]) {
          assert.deepStrictEqual(yield* allOf({ dueBefore }, limit), expected.map(callId), `${due}, ${limit}`)
        }
        assert.deepStrictEqual(yield* allOf({ dueBefore, flow: "flow 1" }, 50), expected.filter(one).map(callId))
        assert.deepStrictEqual(yield* allOf({ dueBefore, status: "over" }, 50), [])
        assert.deepStrictEqual(yield* allOf({ dueBefore, endedFrom: 0 }, 50), [])
      }
    }).pipe(Effect.provide(inFile(":memory:"))))

  it.effect("are counted bit by bit, also where they began at one time", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* plant(sql, 25_000)
      const index = yield* CallIndex.CallIndex
      const expected = { running: 2500, over: { Success: 22_250, Failure: 250, Stopped: 0 } }
      assert.deepStrictEqual(yield* index.counts(), expected)
      assert.deepStrictEqual(yield* index.counts({ status: "running" }), {
        running: 2500,
        over: { Success: 0, Failure: 0, Stopped: 0 }
      })
      yield* sql`UPDATE ringback_listed SET started = 5, flow = 'one', flow_version = 1 WHERE started < 24000`
      assert.deepStrictEqual(yield* index.counts(), expected)
    }).pipe(Effect.provide(inFile(":memory:"))))
})

describe("who only reads a database", () => {
  const reading = (filename: string) =>
    SqlEventStore.layerReading.pipe(
      Layer.provide(Layer.orDie(keyOf("a key that is long enough"))),
      Layer.provide(SqliteClient.layer({ filename }))
    )

  it.effect("has lists and the log of what an engine left, and no more", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      yield* Effect.provide(Effect.forEach([1, 2], (n) => append(n, 1)), inFile(filename))
      const context = yield* Layer.build(reading(filename))
      const { calls } = yield* Context.get(context, CallIndex.CallIndex).list({
        number: PhoneNumber.make("15550170001")
      })
      assert.deepStrictEqual(calls.map((call) => call.callId), [callId(1)])
      const log = Context.get(context, EventLog.EventLog)
      assert.deepStrictEqual((yield* log.read()).map(({ turn }) => turn.id), ["1/1", "2/1"])
      assert.lengthOf(yield* Stream.runCollect(Stream.take(log.tail(), 2)), 2)
    }))

  const problem = (filename: string) =>
    Effect.map(
      Effect.flip(Effect.scoped(Layer.build(reading(filename)))),
      (error) => error._tag === "StoreError" ? error.reason.problem : ""
    )

  it.effect("is told of tables that are not there, or of another release, and changes none", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const client = SqliteClient.layer({ filename })
      const execute = (statement: string) =>
        Effect.provide(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(statement)), client)
      assert.strictEqual(
        yield* problem(filename),
        "It has no tables of Ringback; this one knows version 3. An engine of this one that opens it makes them."
      )
      assert.deepStrictEqual(yield* execute("SELECT name FROM sqlite_schema"), [])
      yield* Effect.provide(append(1, 1), inFile(filename))
      yield* execute("DELETE FROM ringback_migrations WHERE migration_id = 3")
      assert.strictEqual(
        yield* problem(filename),
        "Its tables have version 2, of an earlier Ringback; this one knows version 3. An engine of this one that opens it makes them."
      )
      yield* execute("INSERT INTO ringback_migrations (migration_id, name) VALUES (9, 'future')")
      assert.strictEqual(
        yield* problem(filename),
        "Its tables have version 9, of a later Ringback; this one knows version 3."
      )
    }))
})

describe("rebuild", () => {
  const everything = Effect.gen(function*() {
    const index = yield* CallIndex.CallIndex
    const number = PhoneNumber.make("15550170002")
    return yield* Effect.all([index.list(), index.counts(), index.list({ number }), index.list({ endedFrom: 0 })])
  })

  it.effect("makes lists anew as they were, by the turns alone, and leaves what was pruned", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (const n of [1, 2, 3, 4]) yield* lifeOf(n)
      yield* Retention.Retention.use((retention) => retention.prune({ endedBefore: DateTime.makeUnsafe(1015) }))
      const before = yield* everything
      yield* sql`DELETE FROM ringback_listed`
      yield* sql`DELETE FROM ringback_numbers`
      yield* sql`UPDATE ringback_turns SET facts = NULL, numbers = NULL`
      assert.lengthOf((yield* everything)[0].calls, 0)
      yield* SqlEventStore.rebuild
      assert.deepStrictEqual(yield* everything, before)
      const store = yield* EventStore.EventStore
      assert.isTrue((yield* store.find("session 1"))._tag === "Some")
    }).pipe(Effect.provide(Layer.provideMerge(inFile(":memory:"), Layer.orDie(keyOf("a key that is long enough"))))))

  it.effect("finds calls by number under another key", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const found = CallIndex.CallIndex.use((index) => index.list({ number: PhoneNumber.make("15550170002") })).pipe(
        Effect.map(({ calls }) => calls.map((call) => call.callId))
      )
      yield* Effect.provide(lifeOf(2), inFile(filename))
      const other = "another key, as long as that"
      const context = yield* Layer.buildWithScope(inFile(filename, other), yield* Scope.make())
      assert.deepStrictEqual(yield* Effect.provide(found, context), [])
      yield* SqlEventStore.rebuild.pipe(
        Effect.provideService(CallIndex.NumbersKey, Redacted.make(other)),
        Effect.provide(context)
      )
      assert.deepStrictEqual(yield* Effect.provide(found, context), [callId(2)])
    }))
})

describe("the key of numbers", () => {
  const built = (layer: ReturnType<typeof CallIndex.layerNumbersKey>, env: Record<string, string> = {}) =>
    Effect.result(Effect.scoped(Layer.build(layer))).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    )
  const configured = CallIndex.layerNumbersKey(Config.Redacted("KEY"))

  it.effect("comes from the configuration, and has 16 characters at least", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* built(configured, { KEY: "0123456789abcdef" }))._tag, "Success")
      const short = yield* built(configured, { KEY: "0123456789abcde" })
      assert.include(JSON.stringify(short), "NumbersKeyTooShort")
      assert.notInclude(JSON.stringify(short), "0123456789")
      const message = "KEY, the key that calls are found by number with, needs 16 characters at least"
      assert.strictEqual(Result.isFailure(short) ? short.failure.message : "", message)
      assert.strictEqual((yield* built(configured))._tag, "Failure")
    }))

  it.effect("is not in the database, and neither is a number", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* lifeOf(2)
      const tables = yield* sql<{ readonly name: string }>`SELECT name FROM sqlite_schema WHERE type = 'table'`
      for (const { name } of tables.filter(({ name }) => name !== "ringback_turns")) {
        const text = JSON.stringify(yield* sql`SELECT * FROM ${sql(name)}`)
        assert.notInclude(text, "a key that is long enough")
        assert.notInclude(text, "1555017")
      }
      assert.lengthOf(yield* sql`SELECT * FROM ringback_numbers`, 1)
    }).pipe(Effect.provide(inFile(":memory:"))))
})
