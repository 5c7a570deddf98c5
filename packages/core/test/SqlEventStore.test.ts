import { assert, describe, it } from "@effect/vitest"
import { CallEvent, CallMetrics, EventStore, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import * as StoreContract from "@ringback/testing/StoreContract"
import { Context, Effect, Fiber, Latch, Layer, Metric, Option, Scope, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import type { SqlConnection } from "effect/sql"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { tempFile } from "./fixtures/tempFile.ts"
import { append, callId } from "./fixtures/turns.ts"

/** The store and the client below it, so that a test can look into the tables. */
const inFile = (filename: string) => SqlEventStore.layer.pipe(Layer.provideMerge(SqliteClient.layer({ filename })))

const layer = Layer.unwrap(Effect.map(tempFile, inFile))

StoreContract.suite("SqlEventStore.layer on SQLite", layer)
StoreContract.durable("SqlEventStore.layer on SQLite", Effect.map(tempFile, inFile))

const over = { status: "over" } as const

const ids = (call: number) =>
  Effect.flatMap(EventStore.EventStore, (store) => store.read(callId(call))).pipe(
    Effect.map((turns) => turns.map((turn) => turn.id))
  )

const waitsFor = (call: number) =>
  Effect.flatMap(EventStore.EventStore, (store) => store.summary(callId(call))).pipe(
    Effect.map((summary) => Option.getOrThrow(summary).waitingFor)
  )

const count = (counter: Metric.Counter<number>) => Effect.map(Metric.value(counter), (state) => Number(state.count))

const atOnce = { concurrency: "unbounded", discard: true } as const

const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index + 1)

describe("the projection of the calls", () => {
  it.effect("never goes backwards", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* append(1, 1)
      yield* append(1, 2)
      yield* sql`CREATE TABLE old AS SELECT * FROM ringback_turns WHERE version = 1`
      yield* sql`DELETE FROM ringback_turns WHERE version = 1`
      yield* sql`INSERT INTO ringback_turns SELECT * FROM old`
      assert.deepStrictEqual(yield* ids(1), ["1/1", "1/2"])
      assert.strictEqual(yield* waitsFor(1), "turn 2")
    }).pipe(Effect.provide(layer)))

  it.effect("follows a call that is over and goes on", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      const running = Effect.map(store.due({ before: Infinity }), (all) => all.map((each) => each.waitingFor))
      yield* append(1, 1, "over from the first", undefined, over)
      assert.deepStrictEqual(yield* running, [])
      yield* append(1, 2)
      assert.deepStrictEqual(yield* running, ["turn 2"])
      yield* append(1, 3)
      assert.deepStrictEqual(yield* running, ["turn 3"])
      yield* append(1, 4, "over", undefined, over)
      yield* append(1, 5, "over still", undefined, over)
      assert.deepStrictEqual(yield* running, [])
    }).pipe(Effect.provide(layer)))

  it.effect("is not written by a turn that neither begins nor ends a call", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (const operation of ["INSERT", "UPDATE", "DELETE"]) {
        yield* sql.unsafe(`CREATE TRIGGER no_${operation} BEFORE ${operation} ON ringback_unfinished
          BEGIN SELECT RAISE(ABORT, 'written'); END`)
      }
      const outcome = (version: number, status: EventStore.Summary["status"]) =>
        Effect.map(Effect.result(append(1, version, `${version} ${status}`, undefined, { status })), (result) =>
          result._tag)
      assert.strictEqual(yield* outcome(1, "running"), "Failure")
      yield* sql`DROP TRIGGER no_INSERT`
      assert.strictEqual(yield* outcome(1, "running"), "Success")
      assert.strictEqual(yield* outcome(2, "running"), "Success")
      assert.strictEqual(yield* outcome(3, "over"), "Failure")
    }).pipe(Effect.provide(layer)))

  it.effect("can be made anew from the turns", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* EventStore.EventStore
      for (const [call, version] of [[1, 1], [1, 2], [2, 1], [3, 1]] as const) yield* append(call, version)
      yield* append(3, 2, "over", "session", over)
      yield* append(2, 2, "later", "session")
      const before = yield* store.due({ before: Infinity })
      assert.lengthOf(before, 2)

      yield* sql`DELETE FROM ringback_unfinished WHERE call_id = ${callId(2)}`
      assert.lengthOf(yield* store.due({ before: Infinity }), 1)
      yield* sql`INSERT INTO ringback_unfinished VALUES (${callId(3)}), (${callId(4)})`
      yield* sql`UPDATE ringback_references SET call_id = ${callId(4)}`
      yield* SqlEventStore.rebuild

      assert.deepStrictEqual(yield* store.due({ before: Infinity }), before)
      assert.deepStrictEqual(yield* store.find("session"), Option.some(callId(3)))
      assert.deepStrictEqual(yield* sql`SELECT call_id FROM ringback_unfinished`.values, [[callId(1)], [callId(2)]])
    }).pipe(Effect.provide(layer)))

  it.effect("is left as it was when it cannot be made anew", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* EventStore.EventStore
      yield* append(1, 1)
      const before = yield* store.due({ before: Infinity })
      yield* sql`CREATE TRIGGER stop BEFORE INSERT ON ringback_unfinished BEGIN SELECT RAISE(ABORT, 'stopped'); END`
      const error = yield* Effect.flip(SqlEventStore.rebuild)
      assert.strictEqual(error.operation, "write")
      assert.deepStrictEqual(yield* store.due({ before: Infinity }), before)
    }).pipe(Effect.provide(layer)))

  it.effect("finds the running calls without looking at those that are over", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const plan = (statement: string) =>
        Effect.map(
          sql.unsafe<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${statement}`),
          (rows) => rows.map(({ detail }) => detail)
        )
      const due = yield* plan("SELECT * FROM ringback_running WHERE due_from <= 1 AND due <= 1 ORDER BY due, call_id")
      assert.deepStrictEqual(due.filter((step) => step.startsWith("SCAN")), ["SCAN call"])
      assert.match(due.join("; "), /SEARCH turn USING INDEX \S+ \(call_id=\? AND version=\?\)/)
      const one = yield* plan("SELECT * FROM ringback_calls WHERE call_id = 'c'")
      assert.deepStrictEqual(one.filter((step) => step.startsWith("SCAN")), [])
      const found = yield* plan("SELECT call_id FROM ringback_references WHERE reference_id = 'r'")
      assert.deepStrictEqual(found, ["SEARCH ringback_references USING PRIMARY KEY (reference_id=?)"])
    }).pipe(Effect.provide(layer)))
})

describe("the table of the turns", () => {
  it.effect("refuses a gap even from a hand that does not know the rule", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* append(1, 1)
      const insert = (version: number) =>
        sql`INSERT INTO ringback_turns (call_id, version, flow, flow_version, status, waiting_for, id, at, events)
          VALUES (${callId(1)}, ${version}, 'f', 1, 'over', '', 'by hand', 0, '[]')`
      for (const version of [3, 0]) {
        const error = yield* Effect.flip(insert(version))
        assert.strictEqual(error.message, "SQLite: ringback_turns: the turn before is missing")
      }
      assert.deepStrictEqual(yield* ids(1), ["1/1"])
      yield* insert(2)
      assert.deepStrictEqual(yield* ids(1), ["1/1", "by hand"])
    }).pipe(Effect.provide(layer)))

  it.effect("names the call and the turn that cannot be read, and nothing of what is in it", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* EventStore.EventStore
      yield* append(1, 1)
      yield* append(1, 2)
      yield* append(2, 1)
      for (const events of [`[{"_tag":"Unheard","number":"15550170001"}]`, `["15550170001"`, `15550170001`]) {
        yield* sql`UPDATE ringback_turns SET events = ${events} WHERE call_id = ${callId(1)} AND version = 2`
        const error = yield* Effect.flip(store.read(callId(1)))
        assert.strictEqual(error.reason._tag, "Unreadable")
        assert.match(error.reason.problem, /^Turn 2 of call c0000000000000000001: /)
        assert.notInclude(JSON.stringify([error.message, error]), "1555")
      }
      yield* sql`UPDATE ringback_turns SET format = 2, events = '[]' WHERE call_id = ${callId(1)}`
      assert.strictEqual((yield* Effect.flip(store.read(callId(1)))).reason._tag, "Unreadable")
      assert.deepStrictEqual(yield* ids(2), ["2/1"])
    }).pipe(Effect.provide(layer)))
})

describe("opening", () => {
  const refusal = (client: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>) =>
    Effect.flip(Effect.scoped(Layer.build(SqlEventStore.layer.pipe(Layer.provide(client)))))

  const problem = (client: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>) =>
    Effect.map(refusal(client), (error) => {
      assert.strictEqual(error._tag === "StoreError" && error.operation, "open")
      return error._tag === "StoreError" ? error.reason.problem : ""
    })

  it.effect("makes the tables once", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const migrations = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        return yield* sql`SELECT migration_id, name FROM ringback_migrations`.values
      }).pipe(Effect.provide(inFile(filename)))
      assert.deepStrictEqual(yield* migrations, [[1, "turns_and_calls"], [2, "dials"], [3, "listing"]])
      assert.deepStrictEqual(yield* migrations, [[1, "turns_and_calls"], [2, "dials"], [3, "listing"]])
    }))

  it.effect("leaves the tables of others alone", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE theirs (x)`
        yield* sql`INSERT INTO theirs VALUES (1)`
      }).pipe(Effect.provide(SqliteClient.layer({ filename })))
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* append(1, 1)
        assert.deepStrictEqual(yield* sql`SELECT x FROM theirs`.values, [[1]])
      }).pipe(Effect.provide(inFile(filename)))
    }))

  it.effect("refuses tables that a later version has made", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`INSERT INTO ringback_migrations (migration_id, name) VALUES (7, 'future')`
      }).pipe(Effect.provide(inFile(filename)))
      assert.strictEqual(
        yield* problem(SqliteClient.layer({ filename })),
        "Its tables have version 7, of a later Ringback; this one knows version 3."
      )
    }))

  it.effect("names what is in the way of its tables, and makes none of them", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const client = SqliteClient.layer({ filename })
      yield* Effect.provide(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE ringback_calls (x)`), client)
      assert.strictEqual(
        yield* problem(client),
        "Migration \"1_turns_and_calls\" failed: SQLite: table ringback_calls already exists."
      )
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql`SELECT name FROM sqlite_schema WHERE name = 'ringback_turns'`, [])
      }).pipe(Effect.provide(client))
    }))

  it.effect("refuses a database that it has no tables for", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* problem(through(tempFile, { compiler: { ...Statement.makeCompilerSqlite(), dialect: "mysql" } })),
        "There are no tables for the database of the client \"spy\": use SQLite or PostgreSQL."
      )
    }))

  it.effect("fails with the error of a client that cannot open its database", () =>
    Effect.gen(function*() {
      const error = yield* refusal(SqliteClient.layer({ filename: "nowhere/calls.db" }))
      assert.strictEqual(error._tag, "SqlError")
    }))
})

describe("group commit", () => {
  it.effect("puts at most 256 turns into a commit", () =>
    Effect.gen(function*() {
      const before = yield* count(CallMetrics.storeCommits)
      yield* Effect.forEach(times(1024), (n) => append(n, 1), atOnce)
      const commits = (yield* count(CallMetrics.storeCommits)) - before
      assert.isAtLeast(commits, 4)
      assert.isAtMost(commits, 12)
    }).pipe(Effect.provide(layer)))

  it.effect("takes batches of any size", () =>
    Effect.gen(function*() {
      for (const size of [...times(17), 31, 32, 33, 255, 256]) {
        yield* Effect.forEach(times(size), (n) => append(1000 * size + n, 1), atOnce)
      }
      const store = yield* EventStore.EventStore
      assert.lengthOf(yield* store.due({ before: 1 }), 153 + 31 + 32 + 33 + 255 + 256)
    }).pipe(Effect.provide(layer)))

  it.effect("lets those wait for room who come when 4096 appends are waiting", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(times(5000), (n) => append(n, 1), atOnce)
      const store = yield* EventStore.EventStore
      assert.lengthOf(yield* store.due({ before: 1 }), 5000)
    }).pipe(Effect.provide(layer)))

  it.effect("counts only what was stored", () =>
    Effect.gen(function*() {
      yield* append(1, 1)
      const before = yield* Effect.all([count(CallMetrics.storeCommits), count(CallMetrics.storeTurns)])
      yield* Effect.flip(append(1, 1, "other"))
      yield* append(1, 1)
      assert.deepStrictEqual(
        yield* Effect.all([count(CallMetrics.storeCommits), count(CallMetrics.storeTurns)]),
        before
      )
    }).pipe(Effect.provide(layer)))

  it.effect("stores all turns of a commit but those that the database refuses for what is in them", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE small (text TEXT CHECK (text NOT LIKE 'bad%')) STRICT`
      yield* sql`CREATE TRIGGER kept AFTER INSERT ON ringback_turns BEGIN INSERT INTO small VALUES (NEW.id); END`
      const bad = [3, 17, 18, 40]
      const outcomes = yield* Effect.forEach(
        times(40),
        (n) => Effect.result(append(n, 1, bad.includes(n) ? `bad ${n}` : `${n}/1`)),
        { concurrency: "unbounded" }
      )
      for (const [index, outcome] of outcomes.entries()) {
        const n = index + 1
        assert.deepStrictEqual(yield* ids(n), bad.includes(n) ? [] : [`${n}/1`])
        if (outcome._tag === "Success") continue
        assert(outcome.failure._tag === "StoreError")
        assert.strictEqual(outcome.failure.reason._tag, "Rejected")
        assert.match(outcome.failure.message, /CHECK constraint failed/)
      }
      assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Failure").length, bad.length)
    }).pipe(Effect.provide(layer)))

  it.effect("tries again what is refused for a reason that nobody knows, until others are stored", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TRIGGER no BEFORE INSERT ON ringback_turns WHEN NEW.id = 'bad'
        BEGIN SELECT RAISE(ABORT, 'not today'); END`
      const reason = () =>
        Effect.map(Effect.flip(append(1, 1, "bad")), (error) => error._tag === "StoreError" && error.reason._tag)
      assert.strictEqual(yield* reason(), "Down")
      assert.strictEqual(yield* reason(), "Down")
      yield* append(2, 1)
      assert.strictEqual(yield* reason(), "Rejected")
    }).pipe(Effect.provide(layer)))

  it.effect("inside a transaction of its caller is part of it, and does not wait for itself", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* EventStore.EventStore
      const told = yield* Effect.forkChild(Stream.runCollect(Stream.take(store.changes, 1)), { startImmediately: true })
      yield* Effect.flip(sql.withTransaction(Effect.andThen(append(1, 1), Effect.fail("rolled back"))))
      assert.deepStrictEqual(yield* ids(1), [])
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* append(2, 1)
        assert.strictEqual((yield* Effect.flip(append(2, 1, "another")))._tag, "VersionConflict")
        assert.isUndefined(told.pollUnsafe())
      }))
      assert.deepStrictEqual(yield* ids(2), ["2/1"])
      assert.deepStrictEqual((yield* Fiber.join(told)).map(({ id }) => id), ["2/1"])
    }).pipe(Effect.provide(layer)))

  it.effect("in a fiber that has outlived its transaction fails at once, and stores nothing", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* EventStore.EventStore
      const gate = yield* Latch.make()
      const left = yield* sql.withTransaction(Effect.forkDetach(Effect.andThen(gate.await, Effect.flip(append(1, 1)))))
      assert.isUndefined(yield* store.transaction!)
      yield* gate.open
      assert.include((yield* Fiber.join(left)).message, "has ended")
      assert.deepStrictEqual(yield* ids(1), [])
    }).pipe(Effect.provide(layer)))

  it.effect("stores the others of a commit in which a turn leaves a gap", () =>
    Effect.gen(function*() {
      yield* append(1, 1)
      yield* append(2, 1)
      const before = yield* Effect.all([count(CallMetrics.storeCommits), count(CallMetrics.storeTurns)])
      const outcomes = yield* Effect.forEach(
        [[1, 2], [2, 3], [3, 1], [4, 2], [2, 1]] as const,
        ([call, version]) => Effect.map(Effect.result(append(call, version)), (result) => result._tag),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(outcomes, ["Success", "Failure", "Success", "Failure", "Success"])
      assert.deepStrictEqual([yield* ids(1), yield* ids(2), yield* ids(3), yield* ids(4)], [
        ["1/1", "1/2"],
        ["2/1"],
        ["3/1"],
        []
      ])
      const after = yield* Effect.all([count(CallMetrics.storeCommits), count(CallMetrics.storeTurns)])
      assert.deepStrictEqual(after, [before[0] + 1, before[1] + 2])
    }).pipe(Effect.provide(layer)))

  it.effect("refuses for good what has no stored form, in words, and goes on", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      yield* append(1, 1)
      const summary = Option.getOrThrow(yield* store.summary(callId(1)))
      const turn = { id: "x", callId: callId(1), version: 2, at: 2 }
      const bad: CallEvent.CallEvent = { _tag: "Noted", at: 2, n: 1, name: "n", data: 10n }
      const error = yield* Effect.flip(store.append({ ...turn, events: [bad] }, summary))
      assert(error._tag === "StoreError")
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.match(error.message, /^The event store failed to write. It has no stored form: .*BigInt/)
      yield* append(1, 2)
      assert.deepStrictEqual(yield* ids(1), ["1/1", "1/2"])
    }).pipe(Effect.provide(layer)))
})

// A client whose connection a test can get between.

interface Spy {
  readonly compiler?: Statement.Compiler
  /** What becomes of a statement, instead of or after its execution. */
  readonly execute?: <A>(sql: string, rows: Effect.Effect<A, SqlError.SqlError>) => Effect.Effect<A, SqlError.SqlError>
  readonly transformRows?: SqlClient.SqlClient.MakeOptions["transformRows"]
}

const through = (file: typeof tempFile, spy: Spy): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      const filename = yield* file
      const real = Context.get(yield* Layer.build(SqliteClient.layer({ filename })), SqlClient.SqlClient)
      const scope = yield* Scope.make()
      const connection = yield* Scope.provide(real.reserve, scope)
      const execute = spy.execute ?? ((_sql, rows) => rows)
      const spied: SqlConnection.Connection = {
        ...connection,
        execute: (sql, parameters, transform) => execute(sql, connection.execute(sql, parameters, transform)),
        executeRaw: (sql, parameters) => execute(sql, connection.executeRaw(sql, parameters)),
        executeUnprepared: (sql, parameters, transform) =>
          execute(sql, connection.executeUnprepared(sql, parameters, transform))
      }
      return yield* SqlClient.make({
        acquirer: Effect.succeed(spied),
        compiler: spy.compiler ?? Statement.makeCompilerSqlite(),
        driver: "spy",
        spanAttributes: [],
        transformRows: spy.transformRows
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))

const lost = new SqlError.SqlError({
  reason: new SqlError.ConnectionError({ message: "The connection is gone", cause: undefined })
})

describe("a commit of unknown result", () => {
  const isInsert = (sql: string) => sql.startsWith("INSERT INTO ringback_turns")
  const isLookup = (sql: string) => /^SELECT call_id FROM ringback_turns WHERE \(+call_id/.test(sql)

  /** Runs a body over a client that loses the answer to statements which match, as long as `failing.now`. */
  const losing = <A, E>(
    answer: (sql: string) => boolean,
    body: (failing: { now: boolean }) => Effect.Effect<A, E, EventStore.EventStore>,
    executed = true
  ) => {
    const failing = { now: false }
    const client = through(tempFile, {
      execute: (sql, rows) => {
        if (!failing.now || !answer(sql)) return rows
        return executed ? Effect.andThen(rows, Effect.fail(lost)) : Effect.fail(lost)
      }
    })
    return body(failing).pipe(Effect.provide(SqlEventStore.layer.pipe(Layer.provide(client))))
  }

  it.effect("succeeds if it turns out to be done", () =>
    losing(isInsert, (failing) =>
      Effect.gen(function*() {
        const store = yield* EventStore.EventStore
        const heard = yield* Effect.forkChild(store.changes.pipe(Stream.take(4), Stream.runCollect), {
          startImmediately: true
        })
        yield* append(1, 1)
        failing.now = true
        yield* Effect.forEach([2, 3, 4], (n) => append(n, 1), atOnce)
        assert.deepStrictEqual((yield* Fiber.join(heard)).map((turn) => turn.id), ["1/1", "2/1", "3/1", "4/1"])
        const error = yield* Effect.flip(append(1, 1, "other"))
        assert.strictEqual(error._tag, "StoreError")
        assert.deepStrictEqual(yield* ids(1), ["1/1"])
      })))

  it.effect("fails if it turns out not to be done, and may be tried again", () =>
    losing(isInsert, (failing) =>
      Effect.gen(function*() {
        failing.now = true
        const error = yield* Effect.flip(append(1, 1))
        assert.strictEqual(error.message, "The event store failed to write. The connection is gone.")
        assert.deepStrictEqual(yield* ids(1), [])
        failing.now = false
        yield* append(1, 1)
        assert.deepStrictEqual(yield* ids(1), ["1/1"])
      }), false))

  it.effect("is not taken apart while the database is down", () => {
    let inserts = 0
    return losing((sql) => isInsert(sql) && ++inserts > 0, (failing) =>
      Effect.gen(function*() {
        failing.now = true
        yield* Effect.forEach(times(40), (n) => Effect.flip(append(n, 1)), atOnce)
        assert.isAtMost(inserts, 2)
      }), false)
  })

  it.effect("fails if nobody can tell, and is recognised when it is tried again", () =>
    losing((sql) => isInsert(sql) || isLookup(sql), (failing) =>
      Effect.gen(function*() {
        failing.now = true
        assert.strictEqual((yield* Effect.flip(append(1, 1)))._tag, "StoreError")
        failing.now = false
        yield* append(1, 1)
        assert.deepStrictEqual(yield* ids(1), ["1/1"])
      })))

  it.effect("promises nothing to anybody when winners and losers cannot be told apart", () =>
    losing(isLookup, (failing) =>
      Effect.gen(function*() {
        yield* append(1, 1)
        failing.now = true
        const [loser, winner] = yield* Effect.all(
          [Effect.result(append(1, 1, "other")), Effect.result(append(2, 1))],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(loser._tag === "Failure" && loser.failure._tag, "StoreError")
        assert.strictEqual(winner._tag === "Failure" && winner.failure._tag, "StoreError")
        failing.now = false
        assert.strictEqual((yield* Effect.flip(append(1, 1, "other")))._tag, "VersionConflict")
        yield* append(2, 1)
        assert.deepStrictEqual(yield* ids(2), ["2/1"])
      })))
})

describe("a client of the application", () => {
  it.effect("may rename columns", () =>
    Effect.gen(function*() {
      yield* append(1, 1)
      yield* append(1, 2)
      assert.deepStrictEqual(yield* ids(1), ["1/1", "1/2"])
      assert.strictEqual(yield* waitsFor(1), "turn 2")
    }).pipe(Effect.provide(SqlEventStore.layer.pipe(Layer.provide(through(tempFile, {
      transformRows: Statement.defaultTransforms((name) => name.replaceAll("_", "").toUpperCase()).array
    }))))))

  it.effect("may give integers as bigint", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      yield* append(1, 1)
      const turns = yield* store.read(callId(1))
      assert.strictEqual(turns[0]?.version, 1)
      assert.deepStrictEqual(yield* store.due({ before: 1 }), [Option.getOrThrow(yield* store.summary(callId(1)))])
      assert.strictEqual(Option.getOrThrow(yield* store.summary(callId(1))).flowVersion, 1)
    }).pipe(Effect.provide(layer), Effect.provideService(SqlClient.SafeIntegers, true)))
})

describe("a process that is killed", () => {
  it.effect("leaves everything that it has confirmed, without a gap", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const confirmed = yield* Effect.promise(() => appendUntilKilled(filename, 500))
      yield* Effect.gen(function*() {
        const store = yield* EventStore.EventStore
        const before = yield* store.due({ before: Infinity })
        for (const [id, version] of confirmed) {
          const turns = yield* store.read(id)
          assert.isAtLeast(turns.length, version)
          assert.deepStrictEqual(turns.map((turn) => turn.version), times(turns.length))
          assert.strictEqual(Option.getOrThrow(yield* store.summary(id)).version, turns.length)
        }
        yield* SqlEventStore.rebuild
        assert.deepStrictEqual(yield* store.due({ before: Infinity }), before)
      }).pipe(Effect.provide(inFile(filename)))
    }))
})

/** Lets another process append, kills it after so many confirmed turns, and gives the last version of each call. */
const appendUntilKilled = async (filename: string, turns: number) => {
  const program = fileURLToPath(new URL("./fixtures/appendForever.ts", import.meta.url))
  const child = spawn(process.execPath, ["--conditions=source", program, filename], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const gone = once(child, "exit")
  const confirmed = new Map<CallEvent.CallId, number>()
  let lines = 0
  for await (const line of createInterface(child.stdout)) {
    const [id, version] = line.split(" ")
    confirmed.set(CallEvent.CallId.make(id!), Number(version))
    if (++lines === turns) child.kill("SIGKILL")
  }
  await gone
  assert.strictEqual(child.signalCode, "SIGKILL")
  return confirmed
}
