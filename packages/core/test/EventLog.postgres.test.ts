/** The order of all turns on PostgreSQL, where a position is drawn before its turn is committed. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, CallIndex, EventLog, EventStore, Retention, SqlEventStore } from "@ringback/core"
import {
  Arbitrary,
  Context,
  DateTime,
  Effect,
  Exit,
  Fiber,
  Latch,
  Layer,
  Redacted,
  Schema,
  Scope,
  Stream
} from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import * as Postgres from "../../../scripts/testPostgres.ts"

const server = await Postgres.start()

const client = (url: string) => PgClient.layer({ url: Redacted.make(url) })

const inDatabase = (url: string) => SqlEventStore.layer.pipe(Layer.provideMerge(client(url)))

const place = Effect.suspend(() => Postgres.schema(server!))

const layer = Layer.unwrap(Effect.map(place, inDatabase))

const callId = (n: number) => CallEvent.CallId.make(`c${String(n).padStart(19, "0")}`)

const append = Effect.fnUntraced(function*(n: number, version = 1, status: "running" | "over" = "running") {
  const store = yield* EventStore.EventStore
  const events: ReadonlyArray<CallEvent.CallEvent> = [{ _tag: "LineSilent", at: version, line: 1 }]
  const summary = { flow: "f", flowVersion: 1, status, waitingFor: "", due: null, process: null, at: version }
  const turn = { id: `${n}/${version}`, callId: callId(n), version, at: version, events }
  yield* store.append(turn, { ...summary, callId: turn.callId, version })
})

const idsOf = (entries: ReadonlyArray<EventLog.Entry>) => entries.map(({ turn }) => turn.id)

const read = (after?: EventLog.Position, limit?: number) => EventLog.EventLog.use((log) => log.read({ after, limit }))

/**
 * A connection on which a transaction is held open, as an application holds one that starts calls. A start in it is appended
 * by its fiber, and committed when the test says so.
 */
const openTransaction = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const scope = yield* Effect.scope
  const connection = yield* Scope.provide(sql.reserve, scope)
  const run = (statement: string) => connection.executeUnprepared(statement, [], undefined)
  yield* run("BEGIN")
  return {
    append: (n: number) =>
      run(
        `INSERT INTO ringback_turns (call_id, version, flow, flow_version, status, waiting_for, id, at, format, events, facts)
        VALUES ('${callId(n)}', 1, 'f', 1, 'running', '', '${n}/1', 1, 1, '[]', 0)`
      ),
    commit: run("COMMIT"),
    rollback: run("ROLLBACK")
  }
})

/** What a fiber gives that reads a database, where time passes only as the test lets it. */
const finished = Effect.fnUntraced(function*<A, E>(fiber: Fiber.Fiber<A, E>) {
  while (fiber.pollUnsafe() === undefined) {
    yield* TestClock.adjust("1 second")
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
  }
  return yield* Fiber.join(fiber)
})

describe.skipIf(server === undefined)("the log of all turns on PostgreSQL", () => {
  it.effect("shows nothing behind a turn that may yet be committed in front of it, and then both", () =>
    Effect.gen(function*() {
      const log = yield* EventLog.EventLog
      yield* append(1)
      const older = yield* openTransaction
      yield* older.append(2)
      yield* append(3)
      assert.deepStrictEqual(idsOf(yield* read()), ["1/1"])
      const last = yield* log.last
      assert.deepStrictEqual(yield* read(last), [])
      yield* append(4)
      const tail = yield* Effect.forkChild(Stream.runCollect(Stream.take(log.tail({ after: last }), 3)), {
        startImmediately: true
      })
      yield* older.commit
      assert.deepStrictEqual(idsOf(yield* finished(tail)), ["2/1", "3/1", "4/1"])
      assert.deepStrictEqual(idsOf(yield* read()), ["1/1", "2/1", "3/1", "4/1"])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("is not held up by a transaction that was rolled back, nor by one that only reads", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const older = yield* openTransaction
      yield* older.append(2)
      yield* append(3)
      yield* older.rollback
      assert.deepStrictEqual(idsOf(yield* read()), ["3/1"])
      const reading = yield* Scope.provide(sql.reserve, yield* Effect.scope)
      yield* reading.executeUnprepared("BEGIN ISOLATION LEVEL REPEATABLE READ", [], undefined)
      yield* reading.executeUnprepared("SELECT count(*) FROM ringback_turns", [], undefined)
      yield* append(4)
      assert.deepStrictEqual(idsOf(yield* read()), ["3/1", "4/1"])
      yield* reading.executeUnprepared("ROLLBACK", [], undefined)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("is not held up by a transaction of another database, however long that writes", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const name = `other_${process.pid}`
      const url = Object.assign(new URL(server!.url), { pathname: `/${name}` }).href
      yield* Effect.acquireRelease(
        sql.unsafe(`CREATE DATABASE ${name}`),
        () => Effect.orDie(sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`))
      )
      const elsewhere = Context.get(yield* Layer.build(Layer.fresh(client(url))), SqlClient.SqlClient)
      const connection = yield* Scope.provide(elsewhere.reserve, yield* Effect.scope)
      yield* connection.executeUnprepared("BEGIN", [], undefined)
      yield* connection.executeUnprepared("CREATE TABLE report AS SELECT 1", [], undefined)
      yield* append(1)
      assert.deepStrictEqual(idsOf(yield* read()), ["1/1"])
      const log = yield* EventLog.EventLog
      assert.deepStrictEqual(yield* read(yield* log.last), [])
      yield* connection.executeUnprepared("ROLLBACK", [], undefined)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("is held up by one of its own database that writes, which the page of PostgreSQL finds", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const connection = yield* Scope.provide(sql.reserve, yield* Effect.scope)
      const ask = (statement: string) => connection.executeUnprepared(statement, [], undefined)
      yield* ask("BEGIN")
      yield* ask("CREATE TEMPORARY TABLE report AS SELECT 1")
      const [own] = yield* ask("SELECT pg_backend_pid() AS pid")
      yield* append(1)
      assert.deepStrictEqual(idsOf(yield* read()), [])
      const guide = readFileSync(new URL("../../../docs/postgresql.md", import.meta.url), "utf8")
      const [finds, prepared] = guide.split("```").find((block) => block.includes("backend_xid"))!.slice(4).split(";\n")
      const found = yield* sql.unsafe<{ readonly pid: number }>(finds!)
      assert.include(found.map(({ pid }) => pid), own?.["pid"])
      assert.deepStrictEqual(yield* sql.unsafe(prepared!), [])
      yield* ask("COMMIT")
      assert.deepStrictEqual(idsOf(yield* read()), ["1/1"])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.effect("keeps the turns of a call in their order, whatever was begun before it", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const isBegun = yield* Latch.make(false)
      const others = yield* Effect.forkChild(isBegun.whenOpen(Effect.forEach([1, 2, 3], (n) => append(n))))
      // The transaction of the start has its number before the other calls, and commits behind them.
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`SELECT pg_current_xact_id()::text`
        yield* isBegun.open
        yield* Fiber.join(others)
        yield* append(7)
      }))
      for (const version of [2, 3]) yield* append(7, version)
      assert.deepStrictEqual(idsOf(yield* read()), ["7/1", "1/1", "2/1", "3/1", "7/2", "7/3"])
    }).pipe(Effect.provide(layer)))

  const Step = Schema.Literals(["open", "append", "commit", "roll back", "read", "read some"])
  const steps = Arbitrary.schema(Schema.Array(Step).check(Schema.isMinLength(10), Schema.isMaxLength(40)))

  it.effect("loses nothing and gives nothing twice, however commits and reads come", () =>
    Effect.gen(function*() {
      const drawn = yield* Arbitrary.sampleEffect(steps, { count: 12, seed: 20_261_130 })
      for (const [round, way] of drawn.entries()) {
        yield* Effect.gen(function*() {
          const seen: Array<string> = []
          const committed: Array<string> = []
          const open: Array<
            { readonly ids: Array<string>; readonly transaction: Effect.Success<typeof openTransaction> }
          > = []
          let after: EventLog.Position | undefined
          let n = 0
          const look = Effect.fnUntraced(function*(limit: number) {
            const found = yield* read(after, limit)
            seen.push(...idsOf(found))
            after = found.at(-1)?.position ?? after
            return found.length
          })
          for (const [index, step] of way.entries()) {
            const one = open[index % Math.max(1, open.length)]
            if (step === "open" && open.length < 4) open.push({ ids: [], transaction: yield* openTransaction })
            if (step === "read") yield* look(1000)
            if (step === "read some") yield* look(2)
            if (step === "append") {
              n++
              if (one !== undefined && index % 3 > 0) {
                yield* one.transaction.append(n)
                one.ids.push(`${n}/1`)
              } else {
                yield* append(n)
                committed.push(`${n}/1`)
              }
            }
            if ((step === "commit" || step === "roll back") && one !== undefined) {
              yield* step === "commit" ? one.transaction.commit : one.transaction.rollback
              if (step === "commit") committed.push(...one.ids)
              open.splice(open.indexOf(one), 1)
            }
          }
          for (const { ids, transaction } of open) {
            yield* transaction.commit
            committed.push(...ids)
          }
          while ((yield* look(3)) > 0);
          const words = `round ${round}: ${way.join(", ")}`
          assert.sameMembers(seen, committed, words)
          assert.lengthOf(seen, committed.length, words)
          assert.deepStrictEqual(seen, idsOf(yield* read(undefined, 1000)), words)
        }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layer)))
      }
    }), 120_000)

  it.effect("tells also what other processes append, and goes on from a kept position in another one", () =>
    Effect.gen(function*() {
      const url = yield* place
      const one = yield* Layer.build(Layer.fresh(inDatabase(url)))
      const scope = yield* Scope.make()
      const other = yield* Layer.buildWithScope(Layer.fresh(inDatabase(url)), scope)
      const heard: Array<EventLog.Entry> = []
      const { tail } = Context.get(other, EventLog.EventLog)
      const reader = yield* Effect.forkChild(
        Stream.runForEach(Stream.take(tail(), 3), (entry) => Effect.sync(() => heard.push(entry))),
        { startImmediately: true }
      )
      yield* Effect.provide(Effect.forEach([1, 2, 3, 4], (n) => append(n)), one)
      yield* finished(reader)
      yield* Scope.close(scope, Exit.void)
      yield* Effect.provide(append(5), one)
      const third = yield* Layer.build(SqlEventStore.layerReading.pipe(Layer.provide(client(url))))
      const kept = yield* Schema.decodeUnknownEffect(EventLog.Position)(
        JSON.parse(JSON.stringify(heard.at(-1)!.position))
      )
      const rest = Context.get(third, EventLog.EventLog).tail({ after: kept })
      assert.deepStrictEqual(idsOf(heard), ["1/1", "2/1", "3/1"])
      assert.deepStrictEqual(idsOf(yield* Stream.runCollect(Stream.take(rest, 2))), ["4/1", "5/1"])
    }))

  it.effect("goes on without a gap in a database that was restored where transactions count from below", () =>
    Effect.gen(function*() {
      const url = yield* place
      const before = yield* Layer.build(Layer.fresh(inDatabase(url)))
      yield* Effect.provide(Effect.forEach([1, 2, 3], (n) => append(n)), before)
      const sql = Context.get(before, SqlClient.SqlClient)
      yield* sql`UPDATE ringback_turns SET begun = begun + 1000000`
      const kept = (yield* sql<{ readonly place: EventLog.Position }>`SELECT begun || '.' || position AS place
        FROM ringback_turns WHERE id = '2/1'`)[0]!.place
      for (let opened = 0; opened < 2; opened++) {
        const after = yield* Layer.build(Layer.fresh(inDatabase(url)))
        yield* Effect.provide(append(4 + opened), after)
        const expected = ["3/1", "4/1", "5/1"].slice(0, 2 + opened)
        assert.deepStrictEqual(idsOf(yield* Effect.provide(read(kept), after)), expected)
        assert.deepStrictEqual(idsOf(yield* Effect.provide(read(), after)), ["1/1", "2/1", ...expected])
      }
    }))

  it.effect("takes what an earlier release appends beside this one, and lists its calls", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const earlier = (version: number, status: string, events: string) =>
        sql`INSERT INTO ringback_turns (call_id, version, flow, flow_version, status, waiting_for, id, at, format, events)
          VALUES (${callId(1)}, ${version}, 'f', 2, ${status}, '', ${`old ${version}`}, ${10 * version}, 1, ${events})`
      yield* earlier(1, "running", `[{"_tag":"CallArrived"}]`)
      const index = yield* CallIndex.CallIndex
      const begun = (yield* index.list()).calls[0]
      assert.deepStrictEqual([begun?.direction, begun?.status, begun?.startedAt], ["inbound", "running", 10])
      yield* earlier(2, "running", `[{"_tag":"FlowEnded","exit":{"_tag":"Failure","error":1},"at":20}]`)
      yield* earlier(3, "over", `[]`)
      const over = (yield* index.list({ outcome: "Failure", flow: "f" })).calls[0]
      assert.deepStrictEqual([over?.status, over?.endedAt, over?.version], ["over", 30, 3])
      const log = yield* EventLog.EventLog
      assert.match((yield* log.last)!, /^[1-9]\d*\.3$/)
    }).pipe(Effect.provide(layer)))
})

describe.skipIf(server === undefined)("pruning on PostgreSQL", () => {
  it.effect("and an append of another process to the same call: one comes first, and nothing is torn", () =>
    Effect.gen(function*() {
      const url = yield* place
      const [one, other] = yield* Effect.all([Layer.build(inDatabase(url)), Layer.build(inDatabase(url))])
      const calls = Array.from({ length: 60 }, (_, n) => n)
      yield* Effect.provide(Effect.forEach(calls, (n) => append(n, 1), { concurrency: "unbounded" }), one)
      yield* Effect.provide(Effect.forEach(calls, (n) => append(n, 2, "over"), { concurrency: "unbounded" }), one)
      const appended = Effect.forEach(calls, (n) => Effect.result(append(n, 3, "over")), { concurrency: "unbounded" })
      const prune = Retention.Retention.use((retention) => retention.prune({ endedBefore: DateTime.makeUnsafe(1000) }))
      const [results, pruned] = yield* Effect.all([Effect.provide(appended, one), Effect.provide(prune, other)], {
        concurrency: "unbounded"
      })
      const store = Context.get(one, EventStore.EventStore)
      const lengths = yield* Effect.forEach(calls, (n) => Effect.map(store.read(callId(n)), (turns) => turns.length))
      for (const [n, result] of results.entries()) {
        assert.include(result._tag === "Success" ? [3, 0] : [0], lengths[n])
      }
      assert.strictEqual(lengths.filter((length) => length === 0).length, pruned.calls)
      yield* Effect.provide(prune, other)
      assert.deepStrictEqual(idsOf(yield* Effect.provide(read(), one)), [])
      for (const n of calls) {
        assert.strictEqual((yield* Effect.flip(Effect.provide(append(n, 1), one)))._tag, "VersionConflict")
      }
    }))
})
