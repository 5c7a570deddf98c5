/** How a store finds its tables: it makes them, upgrades them, or says why it cannot. */
import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { Foreign, makeNamespace, StoreError } from "../../EventStore.ts"
import * as Dialect from "./sqlDialect.ts"
import * as Earlier from "./sqlEarlier.ts"
import { storeError } from "./sqlFailure.ts"

export const dialectOf = (sql: SqlClient.SqlClient): Dialect.Dialect | undefined =>
  sql.onDialectOrElse({ sqlite: () => Dialect.sqlite, pg: () => Dialect.postgres, orElse: () => undefined })

export const known = (sql: SqlClient.SqlClient): Effect.Effect<Dialect.Dialect, StoreError> => {
  const dialect = dialectOf(sql)
  if (dialect !== undefined) return Effect.succeed(dialect)
  return foreign(`There are no tables for the database of the client "${sql.driver}": use SQLite or PostgreSQL.`)
}

export const open = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const dialect = yield* known(sql)
  const found = yield* migrate(sql, dialect).pipe(Effect.mapError((error) => storeError("open", error)))
  if (found > dialect.migrations.length) return yield* otherVersion(found, dialect)
  if (dialect.isShared) {
    const rest = Effect.andThen(goOnCounting(sql), Earlier.list(sql))
    yield* Effect.mapError(rest, (error) => storeError("open", error))
  }
  return dialect
})

const foreign = (problem: string) =>
  Effect.fail(new StoreError({ operation: "open", reason: new Foreign({ problem }) }))

/** The tables are not those that this Ringback makes. */
export const otherVersion = (found: number, { migrations }: Dialect.Dialect) => {
  const knows = `this one knows version ${migrations.length}.`
  if (found > migrations.length) return foreign(`Its tables have version ${found}, of a later Ringback; ${knows}`)
  const which = found === 0
    ? "It has no tables of Ringback"
    : `Its tables have version ${found}, of an earlier Ringback`
  return foreign(`${which}; ${knows} An engine of this one that opens it makes them.`)
}

const migrationsTable = "ringback_migrations"

/** The version that the tables have. */
export const versionOf = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const tables = sql.onDialectOrElse({
    sqlite: () => sql`SELECT name FROM sqlite_schema WHERE name = ${migrationsTable}`,
    orElse: () => sql`SELECT to_regclass(${migrationsTable}) AS name`
  })
  const [table] = yield* tables
  if (table === undefined || table["name"] === null) return 0
  const [row] = yield* sql<{ readonly latest: number }>`SELECT max(migration_id) AS latest FROM ${sql(migrationsTable)}`
  return Number(row?.latest)
})

/** Runs the migrations that are missing and gives the version that the tables have then. */
const migrate = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, dialect: Dialect.Dialect) {
  yield* Migrator.make({})({
    table: migrationsTable,
    loader: Migrator.fromRecord(Object.fromEntries(
      dialect.migrations.map(([name, statements], index) => [
        `${index + 1}_${name}`,
        Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
      ])
    ))
  })
  return yield* versionOf(sql)
}, (effect, sql) => Effect.provideService(effect, SqlClient.SqlClient, sql))

/**
 * In a database that was restored on another server transactions may count anew from below. Those of now have to come after all
 * that are stored, so that whoever reads the log goes on where he was.
 */
const goOnCounting = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const behind = Effect.map(
    sql<
      { readonly last: bigint | string | null }
    >`SELECT last FROM (SELECT max(begun) AS last FROM ringback_turns) AS turns
      WHERE last >= ${sql.literal(Dialect.nextBegun)}`,
    ([row]) => row?.last ?? undefined
  )
  if ((yield* behind) === undefined) return
  yield* sql.withTransaction(Effect.gen(function*() {
    yield* sql`LOCK TABLE ringback_turns IN ACCESS EXCLUSIVE MODE`
    const last = yield* behind
    if (last === undefined) return
    yield* sql`INSERT INTO ringback_meta (name, value) VALUES ('begun', ${String(last)})
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`
    yield* sql.unsafe(Dialect.beginsAt(String(last)))
  }))
})

export const readNamespace = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const drawn = yield* makeNamespace
  yield* sql`INSERT INTO ringback_meta (name, value) VALUES ('namespace', ${drawn}) ON CONFLICT (name) DO NOTHING`
  const [row] = yield* sql<{ readonly value: string }>`SELECT value FROM ringback_meta WHERE name = 'namespace'`
  return row?.value ?? drawn
}, Effect.mapError((error) => storeError("open", error)))

/**
 * The channel on which processes tell each other. Whoever may connect to a database may listen on any channel whose name he knows: this
 * name nobody can guess, and only who may read the tables can read it.
 */
export const readChannel = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  yield* sql`INSERT INTO ringback_meta (name, value) VALUES ('channel', 'ringback_' || gen_random_uuid())
    ON CONFLICT (name) DO NOTHING`
  const [row] = yield* sql<{ readonly value: string }>`SELECT value FROM ringback_meta WHERE name = 'channel'`
  return row?.value
}, Effect.mapError((error) => storeError("open", error)))
