import { assert, describe, it } from "@effect/vitest"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Config, ConfigProvider, Deferred, Effect, Exit, Fiber, Latch, Layer, Logger, Scope, Stream } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { tempFile } from "./fixtures/tempFile.ts"

const inFile = <A, E>(body: (sql: SqlClient.SqlClient) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.flatMap(
    tempFile,
    (filename) => Effect.flatMap(SqlClient.SqlClient, body).pipe(Effect.provide(SqliteClient.layer({ filename })))
  )

const refusal = (options: SqliteClient.Options) =>
  Effect.flip(Effect.scoped(Layer.build(SqliteClient.layer(options)))).pipe(
    Effect.tap((error) => Effect.sync(() => assert.strictEqual(error.reason._tag, "ConnectionError"))),
    Effect.map((error) => error.message)
  )

describe("SqliteClient.layer", () => {
  it.effect("warns once of a transaction that holds the one connection for long, and names it", () => {
    const lines: Array<unknown> = []
    const log = Logger.layer([Logger.make(({ message }) => void lines.push(message))])
    return inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x)`
      const holding = (millis: number) =>
        Effect.gen(function*() {
          const gate = yield* Latch.make()
          const held = sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, gate.await))
          const fiber = yield* Effect.forkChild(Effect.withSpan(held, "Orders.place"), { startImmediately: true })
          yield* TestClock.adjust(millis)
          yield* gate.open
          yield* Fiber.join(fiber)
        })
      yield* holding(1_999)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lines, [])
      yield* holding(60_000)
      assert.strictEqual(lines.length, 1)
      assert.include(String(lines[0]), "A transaction in Orders.place has held the one connection of SQLite")
    })).pipe(Effect.provide(log))
  })

  it.effect("makes the database if it does not exist, and closes it with the scope", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE t (x)`
        assert.isTrue(existsSync(`${filename}-wal`))
      }).pipe(Effect.provide(SqliteClient.layer({ filename })))
      assert.isTrue(existsSync(filename))
      assert.isFalse(existsSync(`${filename}-wal`))
    }))

  it.effect("confirms a commit when it is on the disk", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`.values, [["wal"]])
      assert.deepStrictEqual(yield* sql`PRAGMA synchronous`.values, [[2]])
    })))

  it.effect("says of a database that cannot be opened which one it is and why", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const folder = dirname(filename)
      const named = (path: string) => `The SQLite database ${JSON.stringify(path)} cannot be opened: `
      const noPlace = "it is a folder, or its folder does not exist or may not be written to."

      assert.strictEqual(yield* refusal({ filename: folder }), named(folder) + noPlace)
      const nowhere = `${folder}/nowhere/calls.db`
      assert.strictEqual(yield* refusal({ filename: nowhere }), named(nowhere) + noPlace)
      assert.strictEqual(yield* refusal({ filename: "" }), "The name of the SQLite database is empty.")
      assert.strictEqual(
        yield* refusal({ filename: "a\u0000b" }).pipe(Effect.map((told) => told.slice(0, 19))),
        "The SQLite database"
      )

      const text = "This is a letter, and no database.\n".repeat(100)
      writeFileSync(filename, text)
      assert.strictEqual(yield* refusal({ filename }), `${named(filename)}the file is not a SQLite database.`)
      assert.strictEqual(readFileSync(filename, "utf8"), text)
      assert.isFalse(existsSync(`${filename}-wal`))
    }))

  it.effect("keeps the database for itself, from the moment it is open to the moment it closes", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const second = { filename, busyTimeout: 0 }
      const held = `The SQLite database ${JSON.stringify(filename)} cannot be opened: another process has it open.`
      const first = yield* Scope.make()
      yield* Layer.buildWithScope(SqliteClient.layer({ filename }), first)
      assert.strictEqual(yield* refusal(second), held)
      assert.strictEqual(yield* refusal({ ...second, exclusive: false }), held)
      yield* Scope.close(first, Exit.void)
      yield* Layer.build(SqliteClient.layer(second))
    }))

  it.effect("shares the database with others if asked to", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const layer = SqliteClient.layer({ filename, exclusive: false, busyTimeout: 0 })
      const one = yield* Effect.provide(SqlClient.SqlClient, yield* Layer.build(Layer.fresh(layer)))
      const other = yield* Effect.provide(SqlClient.SqlClient, yield* Layer.build(Layer.fresh(layer)))
      yield* one`CREATE TABLE t (x)`
      yield* other`INSERT INTO t VALUES (1)`
      assert.deepStrictEqual(yield* one`SELECT x FROM t`.values, [[1]])

      const error = yield* Effect.flip(one.withTransaction(other`INSERT INTO t VALUES (2)`))
      assert.strictEqual(error.reason._tag, "LockTimeoutError")
      yield* other`INSERT INTO t VALUES (3)`
      assert.deepStrictEqual(yield* one`SELECT x FROM t`.values, [[1], [3]])
    }))

  it.effect("takes the name of the file from the configuration", () =>
    Effect.gen(function*() {
      const filename = yield* tempFile
      const layer = SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE") })
      const withConfig = (config: Record<string, string>) =>
        Effect.scoped(Layer.build(layer)).pipe(
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(config)))
        )
      yield* withConfig({ DATABASE_FILE: filename })
      assert.isTrue(existsSync(filename))
      assert.strictEqual((yield* Effect.flip(withConfig({})))._tag, "ConfigError")
      assert.strictEqual((yield* Effect.flip(withConfig({ DATABASE_FILE: "" })))._tag, "ConfigError")
    }))
})

describe("a statement", () => {
  it.effect("gives and takes the values that SQLite has", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      const bytes = Uint8Array.of(0, 255)
      const rows = yield* sql`SELECT ${1} AS i, ${1.5} AS r, ${"aü"} AS t, ${null} AS n, ${bytes} AS b`
      assert.deepStrictEqual({ ...rows[0] }, { i: 1, r: 1.5, t: "aü", n: null, b: bytes })
    })))

  it.effect("takes booleans, dates, undefined and big integers in their SQLite form", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      const date = new Date(0)
      assert.deepStrictEqual(
        yield* sql`SELECT ${true}, ${false}, ${date}, ${undefined}, ${10n}`.values,
        [[1, 0, "1970-01-01T00:00:00.000Z", null, 10]]
      )
    })))

  it.effect("fails with the kind of the problem, and goes on", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x INTEGER UNIQUE, y TEXT NOT NULL CHECK (y <> 'bad')) STRICT`
      yield* sql`INSERT INTO t VALUES (1, 'a')`
      const reason = (statement: Effect.Effect<unknown, SqlError.SqlError>) =>
        Effect.map(Effect.flip(statement), (error) => error.reason._tag)
      assert.strictEqual(yield* reason(sql`INSERT INTO t VALUES (1, 'b')`), "UniqueViolation")
      assert.strictEqual(yield* reason(sql`INSERT INTO t VALUES (2, 'bad')`), "ConstraintError")
      assert.strictEqual(yield* reason(sql`SELEKT`), "UnknownError")
      assert.strictEqual(yield* reason(sql`SELECT ${Symbol("no value")}`), "UnknownError")
      assert.strictEqual(yield* reason(sql`SELEKT`.stream.pipe(Stream.runCollect)), "UnknownError")
      assert.strictEqual(yield* reason(sql`SELEKT`.values), "UnknownError")
      assert.strictEqual(yield* reason(sql`SELEKT`.raw), "UnknownError")
      assert.strictEqual(yield* reason(sql`SELEKT`.unprepared), "UnknownError")
      assert.deepStrictEqual(yield* sql`SELECT x, y FROM t`.values, [[1, "a"]])
    })))

  it.effect("names what SQLite says, and never a parameter", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x TEXT UNIQUE CHECK (x NOT LIKE '%01')) STRICT`
      yield* sql`INSERT INTO t VALUES ('15550170002')`
      for (const secret of ["15550170001", "15550170002"]) {
        const error = yield* Effect.flip(sql`INSERT INTO t VALUES (${secret})`)
        assert.match(error.message, /^SQLite: \w+ constraint failed: /)
        assert.notInclude(JSON.stringify([error.message, error.reason.message]), "1555")
      }
    })))

  it.effect("gives big integers where they are asked for", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      const big = sql`SELECT 9007199254740993`.values
      assert.strictEqual((yield* Effect.flip(big)).reason._tag, "UnknownError")
      assert.deepStrictEqual(yield* Effect.provideService(big, SqlClient.SafeIntegers, true), [[9007199254740993n]])
      assert.strictEqual((yield* Effect.flip(big)).reason._tag, "UnknownError")
    })))

  it.effect("gives rows as objects and as arrays in turn", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      const statement = sql`SELECT 1 AS x`
      for (let n = 0; n < 2; n++) {
        assert.deepStrictEqual((yield* statement).map((row) => ({ ...row })), [{ x: 1 }])
        assert.deepStrictEqual(yield* statement.values, [[1]])
        assert.deepStrictEqual(yield* statement.valuesUnprepared, [[1]])
      }
    })))

  it.effect("gives what node:sqlite gives as its raw result", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x)`
      assert.deepStrictEqual(yield* sql`INSERT INTO t VALUES (7)`.raw, { changes: 1, lastInsertRowid: 1 })
      assert.lengthOf((yield* sql`SELECT x FROM t`.raw) as Array<unknown>, 1)
      assert.deepStrictEqual(yield* sql`INSERT INTO t VALUES (8)`, [])
    })))

  it.effect("is prepared again after many others, and after the table has changed", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x)`
      yield* sql`INSERT INTO t VALUES (1)`
      for (let n = 0; n < 300; n++) assert.deepStrictEqual(yield* sql.unsafe(`SELECT ${n}`).values, [[n]])
      for (let n = 0; n < 300; n++) assert.deepStrictEqual(yield* sql.unsafe(`SELECT ${n}`).values, [[n]])
      assert.deepStrictEqual(yield* sql`SELECT * FROM t`.values, [[1]])
      yield* sql`ALTER TABLE t ADD COLUMN y DEFAULT 2`
      assert.deepStrictEqual(yield* sql`SELECT * FROM t`.values, [[1, 2]])
    })))

  it.effect("streams many rows, and can be left before its end", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) SELECT x FROM n`
      const all = sql<{ readonly x: number }>`SELECT x FROM t`.stream
      for (const size of [1, 128, 129, 1000]) {
        const some = yield* Stream.runCollect(Stream.take(all, size))
        assert.deepStrictEqual(some.map((row) => row.x), Array.from({ length: size }, (_, n) => n + 1))
      }
      assert.lengthOf(yield* Stream.runCollect(all), 1000)
      assert.deepStrictEqual(yield* Stream.runCollect(sql`SELECT x FROM t WHERE x < 0`.stream), [])
      yield* sql`DROP TABLE t` // fails while a statement is still under way
    })))
})

describe("a transaction", () => {
  it.effect("is stored whole or not at all", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x UNIQUE)`
      const both = (x: number, y: number) =>
        sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (${x})`, sql`INSERT INTO t VALUES (${y})`))
      yield* both(1, 2)
      assert.strictEqual((yield* Effect.flip(both(3, 2))).reason._tag, "UniqueViolation")
      yield* Effect.exit(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (4)`, Effect.interrupt)))
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO t VALUES (5)`
        yield* Effect.exit(both(6, 5))
      }))
      assert.deepStrictEqual(yield* sql`SELECT x FROM t ORDER BY x`.values, [[1], [2], [5]])
    })))

  it.effect("keeps the statements of others out", () =>
    inFile(Effect.fnUntraced(function*(sql) {
      yield* sql`CREATE TABLE t (x)`
      const inside = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const transaction = yield* Effect.forkChild(Effect.exit(sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO t VALUES (1)`
        yield* Deferred.succeed(inside, undefined)
        yield* Deferred.await(gate)
        return yield* Effect.fail("rolled back")
      }))))
      yield* Deferred.await(inside)
      const insert = yield* Effect.forkChild(sql`INSERT INTO t VALUES (2)`, { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(transaction)))
      yield* Fiber.join(insert)
      assert.deepStrictEqual(yield* sql`SELECT x FROM t`.values, [[2]])
    })))
})
