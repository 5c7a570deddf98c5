/**
 * Effect's `SqlClient` over the SQLite that is part of Node (`node:sqlite`): no dependency, nothing to compile.
 *
 * It has its own entry point, `@ringback/core/SqliteClient`, because it is the one module that needs Node. Node 22 prints
 * an `ExperimentalWarning` when it is imported, and cuts text off at a NUL when it reads it; Node 24 does neither.
 *
 * The database is safe rather than fast: write-ahead log, and a commit is on the disk before it is confirmed
 * (`synchronous=FULL`). One process owns the file. `node:sqlite` is synchronous, so that a statement holds up everything
 * else in the process for as long as it takes: well below a millisecond for what Ringback does.
 *
 * There is one connection, so that whatever needs the database waits while a transaction is open. One that takes longer than
 * two seconds is a warning in the log, which names the span that it is in.
 *
 * @since 0.1.0
 */
import { Config, Duration, Effect, Layer, Option, Semaphore, Stream } from "effect"
import type { Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import type { SqlConnection } from "effect/sql"
import { DatabaseSync } from "node:sqlite"
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"

/**
 * Where the database is and who may open it.
 *
 * @since 0.1.0
 */
export interface Options {
  /** The path of the database file, made if it does not exist; its folder has to exist. `:memory:` is never stored. */
  readonly filename: string
  /**
   * How long to wait for a lock of another process, at opening and later: 5 seconds by default. The whole process stands
   * still meanwhile.
   */
  readonly busyTimeout?: Duration.Input | undefined
  /**
   * Whether this client keeps the database for itself, so that a second process which opens it gets an error instead of
   * doing the same work again: `true` by default. With `false` other processes can look into a running database, and
   * nothing keeps a second engine away from it.
   */
  readonly exclusive?: boolean | undefined
}

/**
 * Opens the database for as long as the scope is open. Fails with an `SqlError` whose message names the file and what is
 * wrong with it: its folder does not exist, it is no database, another process has it.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
  const database = yield* Effect.acquireRelease(open(options), (database) => Effect.sync(() => database.close()))
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connect(database)),
    semaphore: yield* Semaphore.make(1),
    isTransaction: () => database.isTransaction
  })
  return yield* SqlClient.make({
    ...acquirers,
    transactionAcquirer: Effect.tap(acquirers.transactionAcquirer, () => watched),
    driver: "node:sqlite",
    compiler: Statement.makeCompilerSqlite(),
    beginTransaction: "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

/**
 * Provides the `SqlClient` of one database file.
 *
 * @example
 * SqlEventStore.layer.pipe(Layer.provide(SqliteClient.layer({ filename: "calls.db" })))
 * @stability unstable
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

/**
 * Provides the `SqlClient` of a database file that the configuration names.
 *
 * @example
 * SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE") })
 * @stability unstable
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<SqlClient.SqlClient, Config.ConfigError | SqlError.SqlError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layer))

// A transaction that holds the only connection

/** Who is on the phone waits no longer than this before something has to be said. */
const longestTransaction = "2 seconds"

/** Says once of a transaction that it takes long, for everything else that needs the database waits for it. */
const watched = Effect.flatMap(Effect.option(Effect.currentSpan), (span) => {
  const which = Option.match(span, { onNone: () => "A transaction", onSome: ({ name }) => `A transaction in ${name}` })
  return Effect.forkScoped(Effect.delay(
    Effect.logWarning(
      `${which} has held the one connection of SQLite for ${longestTransaction}: webhooks and everything else wait for it. ` +
        "Make it shorter, or give the application a file of its own"
    ),
    longestTransaction
  ))
})

// Opening

const open = (options: Options) =>
  Effect.suspend(() => {
    if (options.filename === "") return Effect.fail(unopened("The name of the SQLite database is empty."))
    return Effect.try({ try: () => openSync(options), catch: (cause) => unopened(diagnose(options, cause), cause) })
  })

const openSync = ({ busyTimeout = "5 seconds", exclusive = true, filename }: Options): DatabaseSync => {
  const database = new DatabaseSync(filename, { timeout: Duration.toMillis(Duration.fromInputUnsafe(busyTimeout)) })
  try {
    // The lock is taken by the first access after it was asked for, which is the change to the write-ahead log.
    if (exclusive) database.exec("PRAGMA locking_mode = EXCLUSIVE")
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const unopened = (message: string, cause: unknown = undefined) =>
  new SqlError.SqlError({ reason: new SqlError.ConnectionError({ message, operation: "open", cause }) })

/** What the result codes of SQLite mean to somebody who wants to open a file. */
const diagnoses: Readonly<Record<number, string>> = {
  5: "another process has it open",
  8: "it is read-only",
  14: "it is a folder, or its folder does not exist or may not be written to",
  26: "the file is not a SQLite database"
}

const diagnose = ({ filename }: Options, cause: unknown): string => {
  const code = resultCode(cause)
  const diagnosis = code === undefined ? undefined : diagnoses[code & 0xff]
  const problem = diagnosis ?? (cause instanceof Error ? cause.message : "of an unknown problem")
  return `The SQLite database ${JSON.stringify(filename)} cannot be opened: ${problem}.`
}

/** `node:sqlite` tells the result code of SQLite as `errcode`. */
const resultCode = (cause: unknown): number | undefined =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number" ? cause.errcode : undefined

// Running statements

type Prepare = (sql: string) => StatementSync

const connect = (database: DatabaseSync): SqlConnection.Connection => {
  const prepared = prepareOnce(database)
  const fresh: Prepare = (sql) => database.prepare(sql)

  const rows = (prepare: Prepare, sql: string, parameters: ReadonlyArray<unknown>, transform: Transform) => {
    const all = run(prepare, sql, (statement) => statement.all(...bind(parameters)))
    return transform === undefined ? all : Effect.map(all, transform)
  }
  const values = (prepare: Prepare, sql: string, parameters: ReadonlyArray<unknown>) =>
    run(prepare, sql, (statement) => {
      statement.setReturnArrays(true)
      return statement.all(...bind(parameters)) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    })

  return {
    execute: (sql, parameters, transform) => rows(prepared, sql, parameters, transform),
    executeUnprepared: (sql, parameters, transform) => rows(fresh, sql, parameters, transform),
    executeValues: (sql, parameters) => values(prepared, sql, parameters),
    executeValuesUnprepared: (sql, parameters) => values(fresh, sql, parameters),
    executeRaw: (sql, parameters) =>
      run(
        prepared,
        sql,
        (statement) =>
          statement.columns().length > 0 ? statement.all(...bind(parameters)) : statement.run(...bind(parameters))
      ),
    executeStream: (sql, parameters, transform) =>
      Stream.unwrap(Effect.map(
        // A statement of its own, for it stays under way between the steps of the stream.
        Effect.acquireRelease(
          run(fresh, sql, (statement) => statement.iterate(...bind(parameters))),
          (rows) => Effect.sync(() => rows.return?.())
        ),
        (rows) => Stream.paginate(rows, () => nextPage(rows, transform))
      ))
  }
}

type Transform = Parameters<SqlConnection.Connection["execute"]>[2]

/** Runs one statement, which throws what SQLite says, under the settings of the fiber that asks. */
const run = <A>(prepare: Prepare, sql: string, use: (statement: StatementSync) => A) =>
  Effect.withFiber<A, SqlError.SqlError>((fiber) =>
    Effect.try({
      try: () => {
        const statement = prepare(sql)
        statement.setReadBigInts(fiber.getRef(SqlClient.SafeIntegers))
        statement.setReturnArrays(false)
        return use(statement)
      },
      catch: failed
    })
  )

const failed = (cause: unknown) =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(
      // The classifier reads `errno`, which is what other drivers call the result code.
      cause instanceof Error ? Object.assign(cause, { errno: resultCode(cause) }) : cause,
      { message: `SQLite: ${cause instanceof Error ? cause.message : "unknown problem"}`, operation: "execute" }
    )
  })

type Rows = ReturnType<StatementSync["iterate"]>
type Row = Record<string, SQLOutputValue>

const pageSize = 128

const nextPage = (rows: Rows, transform: Transform) =>
  Effect.try({
    try: () => {
      const page: Array<Row> = []
      while (page.length < pageSize) {
        const next = rows.next()
        if (next.done === true) break
        page.push(next.value)
      }
      const more = page.length === pageSize ? Option.some(rows) : Option.none()
      return [transform === undefined ? page : transform(page), more] as const
    },
    catch: failed
  })

/**
 * Keeps the statements that were used last, so that they are not parsed again. A change of the tables drops them all, for
 * Node 22 does not notice that the columns of a statement have changed.
 */
const prepareOnce = (database: DatabaseSync, capacity = 128): Prepare => {
  const statements = new Map<string, StatementSync>()
  return (sql) => {
    if (changesTables.test(sql)) statements.clear()
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.delete(sql)
    statements.set(sql, statement)
    if (statements.size > capacity) statements.delete(statements.keys().next().value!)
    return statement
  }
}

const changesTables = /^\s*(create|alter|drop)\s/i

const bind = (parameters: ReadonlyArray<unknown>): Array<SQLInputValue> => parameters.map(toInput)

const toInput = (value: unknown): SQLInputValue => {
  if (value === undefined) return null
  if (typeof value === "boolean") return value ? 1 : 0
  if (value instanceof Date) return value.toISOString()
  return value as SQLInputValue // What SQLite cannot hold, it refuses itself.
}
