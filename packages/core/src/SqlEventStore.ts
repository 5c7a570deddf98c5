/**
 * The durable store: calls in a SQL database, over whatever `SqlClient` is provided.
 *
 * One table, `ringback_turns`, is the truth, and a turn is written once. `ringback_calls` shows what is known of each call,
 * `ringback_running` of those that are not over, and `ringback_references` which call learned of a session first. What
 * those are found by is kept up by the statement that adds the turns, so that an append is one statement and one commit, and
 * `rebuild` makes it anew. All appends that come while a commit is under way share the next one, and each waits until its
 * own turn is durable.
 *
 * @since 0.1.0
 */
import { Array as Arr, Clock, Context, Effect, Exit, Layer, Metric, Option, References, Result } from "effect"
import type { Fiber } from "effect"
import { Migrator, SqlClient, SqlError } from "effect/sql"
import type { Statement } from "effect/sql"
import type { CallId } from "./CallEvent.ts"
import * as CallEvent from "./CallEvent.ts"
import { CallIndex } from "./CallIndex.ts"
import * as CallMetrics from "./CallMetrics.ts"
import { EventLog } from "./EventLog.ts"
import {
  Closed,
  Down,
  EventStore,
  Foreign,
  format,
  fromStored,
  makeNamespace,
  notEncoded,
  Rejected,
  StoreError,
  unforked,
  VersionConflict
} from "./EventStore.ts"
import type { Begin, StoredTurn, Summary, Turn } from "./EventStore.ts"
import * as Broadcast from "./internal/broadcast.ts"
import * as Masked from "./internal/masked.ts"
import * as GroupCommit from "./internal/store/groupCommit.ts"
import * as Hints from "./internal/store/hints.ts"
import * as Listing from "./internal/store/listing.ts"
import * as Numbers from "./internal/store/numbers.ts"
import * as Reading from "./internal/store/reading.ts"
import * as Dialect from "./internal/store/sqlDialect.ts"
import * as SqlIndex from "./internal/store/sqlIndex.ts"
import * as SqlLog from "./internal/store/sqlLog.ts"
import * as Processes from "./internal/store/sqlProcesses.ts"
import * as Refusal from "./internal/store/sqlRefusal.ts"
import * as SqlRetention from "./internal/store/sqlRetention.ts"
import { Retention } from "./Retention.ts"

/** What a store does by itself leaves no spans. What somebody asks of it is a part of what they do. */
const untraced = Layer.succeed(References.TracerEnabled, false)

/**
 * Opens the store in the database of the `SqlClient`, SQLite or PostgreSQL, and makes or upgrades its tables first. Fails
 * with `StoreError` of `open` if that is not possible, or if a later version of Ringback made them.
 *
 * On SQLite one process holds the database: its exclusive lock is the proof that nobody else lives. On PostgreSQL, through
 * `@effect/sql-pg`, several processes may share one: whoever appends a version first wins, the other gets
 * `VersionConflict`, and the rest of its batch is stored. It takes the isolation `read committed`, which is the default, and
 * a database whose encoding is UTF8. `changes` tells what this process appends, not what others do.
 *
 * Each process on PostgreSQL keeps two connections of the pool for itself. On one it holds an advisory lock, by which the
 * others see that it lives; on the other it hears (`LISTEN`) of calls that others leave to it, because they have not
 * registered the flow. So the pool needs room for three at least, and a pooler between them has to leave a session its
 * connection.
 *
 * An append of a fiber that is inside `withTransaction` of the same client is part of that transaction. Every other one
 * commits by itself. Starts under a key, whose row a transaction of the application may hold, never share a commit with
 * anything else; on PostgreSQL, where they may wait for it, they use a connection of their own. When the layer closes, what waits is written first, for two seconds at most; whatever comes later fails.
 *
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  EventStore | CallIndex | EventLog | Retention,
  StoreError,
  SqlClient.SqlClient
> = Layer.effectContext(
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const dialect = yield* open(sql)
    const namespace = yield* readNamespace(sql)
    const hash = yield* Numbers.hash
    const hints = yield* Hints.make
    const changes = told(yield* Broadcast.make<Turn>(), hints)
    const writer: Writer = { sql, dialect, changes, context: yield* Effect.context<never>() }
    const lane = GroupCommit.make({
      write: write(writer),
      key: ({ turn }: Append) => turn.callId,
      closed: closed("It is closed, and nothing was stored."),
      brokenOff: closed("It was closed before the database had answered."),
      closeWithin: 2_000,
      batchSize: 256,
      capacity: 4096
    })
    const [line, keyed] = [yield* lane, yield* lane]
    yield* Effect.all([Metric.value(CallMetrics.storeCommits), Metric.value(CallMetrics.storeTurns)])
    yield* CallMetrics.read(CallMetrics.storeWaiting, () => line.waiting() + keyed.waiting())

    return Context.make(EventStore, {
      namespace,
      append: (turn, summary, options) => {
        const encoded = Result.try({
          try: () => new Append(turn, summary, options?.referenceId, hash),
          catch: notEncoded
        })
        const begin: Begin<void, VersionConflict | StoreError> = (answer) => {
          if (Result.isFailure(encoded)) return answer(Exit.fail(encoded.failure))
          return (isKeyed(turn) ? keyed : line).submit(encoded.success, answer)
        }
        const append = Effect.withFiber<void, VersionConflict | StoreError>((fiber) =>
          isInside(sql, fiber)
            ? Effect.flatMap(Effect.fromResult(encoded), (item) => join(writer, item))
            : Effect.callback(begin)
        )
        return unforked(append, begin)
      },
      transaction: Effect.withFiber((fiber) =>
        isInside(sql, fiber) ? Effect.as(isOpen(sql), { afterCommit: sql.afterCommit }) : Effect.undefined
      ),
      read: (callId) =>
        sql<StoredTurn>`SELECT id, version, at, format, events FROM ringback_turns
          WHERE call_id = ${callId} AND status <> 'pruned' ORDER BY version`.pipe(
          rowsAs((rows) => rows.map(SqlLog.toStoredTurn)),
          Effect.flatMap((turns) => fromStored(callId, turns))
        ),
      find: (referenceId) =>
        sql<CallRow>`SELECT call_id FROM ringback_references WHERE reference_id = ${Dialect.escape(referenceId)}`.pipe(
          rowsAs(([row]) => Option.fromNullishOr(row?.call_id))
        ),
      due: ({ before, limit }) =>
        sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_running
          WHERE due_from <= ${before} AND due <= ${before} ORDER BY due, call_id
          LIMIT ${limit ?? Number.MAX_SAFE_INTEGER}`.pipe(
          rowsAs((rows) => rows.map(toSummary))
        ),
      orphans: (alive) =>
        sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_running
          WHERE process IS NOT NULL ${noneOf(sql, alive)} ORDER BY call_id`.unprepared.pipe(
          rowsAs((rows) => rows.map(toSummary))
        ),
      summary: (callId) =>
        sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_calls WHERE call_id = ${callId}`.pipe(
          rowsAs(([row]) => Option.map(Option.fromNullishOr(row), toSummary))
        ),
      summaries: (callIds) =>
        Effect.map(
          Effect.forEach(Arr.chunksOf(callIds, 1000), (some) =>
            sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_calls
              WHERE ${sql.in("call_id", some)}`.unprepared.pipe(rowsAs((rows) =>
              rows.map(toSummary)
            ))),
          (found) => found.flat()
        ),
      processes: dialect.isShared
        ? Processes.make(sql, namespace, (error) => storeError("read", error))
        : undefined,
      changes: changes.stream
    }).pipe(
      Context.merge(reading(sql, dialect, hash, hints, true)),
      Context.add(Retention, SqlRetention.make(sql, dialect, (error) => storeError("write", error)))
    )
  })
).pipe(Layer.provide(untraced))

/**
 * Reads the store in the database of the `SqlClient`, and nothing else: lists of calls and the log of their turns, also while
 * engines write it (PostgreSQL), for pages, programs and terminals of their own. It makes no tables, takes no lock, and needs
 * nothing but the right to read. Fails with `StoreError` of `open` if there are no tables, or if they are those of an earlier or a
 * later Ringback.
 *
 * @since 0.1.0
 */
export const layerReading: Layer.Layer<CallIndex | EventLog, StoreError, SqlClient.SqlClient> = Layer.effectContext(
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const dialect = yield* known(sql)
    const found = yield* Effect.mapError(versionOf(sql), (error) => storeError("open", error))
    if (found !== dialect.migrations.length) return yield* otherVersion(found, dialect)
    return reading(sql, dialect, yield* Numbers.hash, yield* Hints.make, false)
  })
)

/** What is read beside the engine. */
const reading = (
  sql: SqlClient.SqlClient,
  dialect: Dialect.Dialect,
  hash: Listing.Hash | undefined,
  hints: Hints.Hints,
  isWritten: boolean
): Context.Context<CallIndex | EventLog> => {
  const unread = (error: SqlError.SqlError) => storeError("read", error)
  return Context.make(CallIndex, SqlIndex.make(sql, dialect, hash, unread)).pipe(
    Context.add(EventLog, Reading.make(SqlLog.make(sql, dialect, isWritten, unread), hints))
  )
}

/** Tells also those who read the log that there is something new. */
const told = (changes: Broadcast.Broadcast<Turn>, hints: Hints.Hints): Broadcast.Broadcast<Turn> => ({
  ...changes,
  tell: (turns) => Effect.andThen(Effect.sync(() => hints.tell(turns)), changes.tell(turns))
})

/**
 * Makes anew from the turns what calls are found and listed by, in one transaction. Needed after somebody has changed tables by
 * hand, after an earlier release has appended beside this one, and to find calls by number that were stored without the
 * `CallIndex.NumbersKey` of now: else it is written with each turn. Appends, also those of other processes, wait until the
 * transaction is done; numbers are read from the turns before it begins.
 *
 * @since 0.1.0
 */
export const rebuild: Effect.Effect<void, StoreError, SqlClient.SqlClient> = Effect.gen(function*() {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const statements = dialectOf(sql)?.rebuild ?? []
  yield* readFacts(sql, yield* Numbers.hash)
  yield* Effect.mapError(
    sql.withTransaction(Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })),
    (error) => storeError("write", error)
  )
}).pipe(Effect.withSpan("SqlEventStore.rebuild"))

/** So many turns are read at once. */
const rebuiltAtOnce = 500

interface FactsRow extends StoredTurn, CallRow {
  readonly status: Summary["status"]
}

/** Writes the facts of all turns that may have some, by their events. Turns never change, so nobody has to wait for that. */
const readFacts = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, hash: Listing.Hash | undefined) {
  const failed = (error: SqlError.SqlError) => storeError("write", error)
  const isNamed = sql.literal(
    [...Listing.marks.map((mark) => `events LIKE '%${mark}%'`), "version = 1", "status = 'over'"].join(" OR ")
  )
  let [callId, version] = ["", 0]
  while (true) {
    const rows = yield* Effect.mapError(
      sql<FactsRow>`SELECT call_id, status, id, version, at, format, events FROM ringback_turns
        WHERE (call_id, version) > (${callId}, ${version}) AND status <> 'pruned' AND (${isNamed})
        ORDER BY call_id, version LIMIT ${rebuiltAtOnce}`,
      failed
    )
    const last = rows.at(-1)
    if (last === undefined) return
    const written = yield* Effect.forEach(
      rows,
      (row) =>
        Effect.map(fromStored(row.call_id, [SqlLog.toStoredTurn(row)]), ([turn]) => {
          const facts = Listing.factsOf(turn!, row.status, hash)
          const [state, numbers] = factsColumns(facts)
          return sql`UPDATE ringback_turns SET facts = ${state}, numbers = ${numbers}
          WHERE call_id = ${row.call_id} AND version = ${Number(row.version)} AND status <> 'pruned'
            AND (facts IS DISTINCT FROM ${state} OR numbers IS DISTINCT FROM ${numbers})`
        })
    )
    yield* Effect.mapError(sql.withTransaction(Effect.forEach(written, (one) => one, { discard: true })), failed)
    callId = last.call_id
    version = Number(last.version)
  }
})

const closed = (problem: string): StoreError => new StoreError({ operation: "write", reason: new Closed({ problem }) })

// Opening

const dialectOf = (sql: SqlClient.SqlClient): Dialect.Dialect | undefined =>
  sql.onDialectOrElse({ sqlite: () => Dialect.sqlite, pg: () => Dialect.postgres, orElse: () => undefined })

const known = (sql: SqlClient.SqlClient): Effect.Effect<Dialect.Dialect, StoreError> => {
  const dialect = dialectOf(sql)
  if (dialect !== undefined) return Effect.succeed(dialect)
  return foreign(`There are no tables for the database of the client "${sql.driver}": use SQLite or PostgreSQL.`)
}

const open = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const dialect = yield* known(sql)
  const found = yield* migrate(sql, dialect).pipe(Effect.mapError((error) => storeError("open", error)))
  if (found > dialect.migrations.length) return yield* otherVersion(found, dialect)
  if (dialect.isShared) yield* Effect.mapError(goOnCounting(sql), (error) => storeError("open", error))
  return dialect
})

const foreign = (problem: string) =>
  Effect.fail(new StoreError({ operation: "open", reason: new Foreign({ problem }) }))

/** The tables are not those that this Ringback makes. */
const otherVersion = (found: number, { migrations }: Dialect.Dialect) => {
  const knows = `this one knows version ${migrations.length}.`
  if (found > migrations.length) return foreign(`Its tables have version ${found}, of a later Ringback; ${knows}`)
  const which = found === 0
    ? "It has no tables of Ringback"
    : `Its tables have version ${found}, of an earlier Ringback`
  return foreign(`${which}; ${knows} An engine of this one that opens it makes them.`)
}

const migrationsTable = "ringback_migrations"

/** The version that the tables have. */
const versionOf = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
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

const readNamespace = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const drawn = yield* makeNamespace
  yield* sql`INSERT INTO ringback_meta (name, value) VALUES ('namespace', ${drawn}) ON CONFLICT (name) DO NOTHING`
  const [row] = yield* sql<{ readonly value: string }>`SELECT value FROM ringback_meta WHERE name = 'namespace'`
  return row?.value ?? drawn
}, Effect.mapError((error) => storeError("open", error)))

// Appending

/** A turn that waits for its commit. A class, as the frames of `internal/flow/interpreter.ts` are. */
class Append {
  readonly turn: Turn
  readonly summary: Summary
  readonly referenceId: string | undefined
  readonly events: string
  readonly facts: Listing.Facts | undefined
  constructor(turn: Turn, summary: Summary, referenceId: string | undefined, hash: Listing.Hash | undefined) {
    this.turn = turn
    this.summary = summary
    this.referenceId = referenceId
    this.events = CallEvent.encode(turn.events)
    this.facts = Listing.factsOf(turn, summary.status, hash)
  }
}

const isKeyed = ({ events: [first], version }: Turn): boolean =>
  version === 1 && first?._tag === "CallStarted" && first.key !== undefined

// Inside a transaction of the application

const isInside = (sql: SqlClient.SqlClient, fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  Context.getOrUndefined(fiber.context, sql.transactionService) !== undefined

/** A fiber that was forked inside of a transaction may outlive it, and its connection is then somebody else's. */
const isOpen = (sql: SqlClient.SqlClient): Effect.Effect<void, StoreError> =>
  Effect.catchDefect(sql.afterCommit(Effect.void), () => Effect.fail(afterEnd))

const afterEnd = new StoreError({
  operation: "write",
  reason: new Rejected({
    problem:
      "The transaction that this fiber was forked in has ended, so that nothing can be part of it. Fork after the commit"
  })
})

/** Stores a turn as part of the transaction of this fiber, on its connection. */
const join = (writer: Writer, item: Append): Effect.Effect<void, VersionConflict | StoreError> => {
  const { changes, sql } = writer
  const later: Broadcast.Broadcast<Turn> = { ...changes, tell: (turns) => sql.afterCommit(changes.tell(turns)) }
  return Effect.andThen(
    isOpen(sql),
    Effect.flatMap(write({ ...writer, changes: later })([item]), ([exit]) => exit ?? Effect.void)
  )
}

/** The calls whose turn is surely stored by a commit. */
type Won = ReadonlySet<CallId> | "all"

/** What a store writes with. */
interface Writer {
  readonly sql: SqlClient.SqlClient
  readonly dialect: Dialect.Dialect
  readonly changes: Broadcast.Broadcast<Turn>
  /** In which it counts. */
  readonly context: Context.Context<never>
}

type Answers = ReadonlyArray<Exit.Exit<void, VersionConflict | StoreError>>

/**
 * Writes one turn each of different calls in one commit. If the database refuses that for what is in it, it is written in
 * parts, down to the turns that are to blame, so that all others are stored.
 */
const write = (writer: Writer) => {
  const { changes, sql } = writer
  const doubts = new Refusal.Doubts()

  /** Why a turn that came alone is not stored. */
  const refused = ({ turn }: Append, error: SqlError.SqlError, now: number): StoreError => {
    const refusal = Refusal.of(error)
    const isRejected = refusal === "refused" || (refusal === "unknown" && doubts.isOver(turn.callId, now))
    return storeError("write", error, isRejected ? Rejected : Down)
  }

  const answers = Effect.fnUntraced(function*(
    batch: ReadonlyArray<Append>,
    inserted: Result.Result<Won, SqlError.SqlError>
  ) {
    const won = Result.getOrElse(inserted, () => none)
    const isWon = ({ turn }: Append) => won === "all" || won.has(turn.callId)
    // Who did not win may be stored all the same: by an append before, or by a commit of unknown result.
    const found = yield* Effect.result(findStored(sql, batch.filter((append) => !isWon(append))))
    const earlier = Result.getOrElse(found, () => none)

    const isStored = (append: Append) => isWon(append) || earlier.has(append.turn.callId)
    const stored = batch.filter(isStored).map(({ turn }) => turn)
    if (Arr.isReadonlyArrayNonEmpty(stored)) yield* changes.tell(stored)

    const now = yield* Clock.currentTimeMillis
    return batch.map((append): Answers[number] => {
      if (isStored(append)) return Exit.void
      if (Result.isFailure(inserted)) return Exit.fail(refused(append, inserted.failure, now))
      if (Result.isFailure(found)) return Exit.fail(storeError("write", found.failure))
      return Exit.fail(new VersionConflict({ callId: append.turn.callId, version: append.turn.version }))
    })
  })

  const parts = (batch: ReadonlyArray<Append>): Effect.Effect<Answers> => {
    const half = batch.length >> 1
    return Effect.zipWith(all(batch.slice(0, half)), all(batch.slice(half)), (first, rest) => [...first, ...rest])
  }

  const all = (batch: ReadonlyArray<Append>): Effect.Effect<Answers> =>
    Effect.flatMap(Effect.result(insert(writer, batch)), (inserted) => {
      if (Result.isFailure(inserted) && batch.length > 1 && Refusal.of(inserted.failure) !== "down") return parts(batch)
      if (Result.isSuccess(inserted)) settled(batch)
      if (Result.isFailure(inserted) || inserted.success !== "all") return answers(batch, inserted)
      const stored = batch.map(({ turn }) => turn)
      const told = Arr.isReadonlyArrayNonEmpty(stored) ? changes.tell(stored) : Effect.void
      return Effect.map(told, () => batch.map(() => Exit.void))
    })

  const settled = (batch: ReadonlyArray<Append>): void => {
    doubts.works(batch.length)
    for (const { turn } of batch) doubts.end(turn.callId)
  }

  return all
}

const none: ReadonlySet<CallId> = new Set()

/** The calls whose turn is surely stored by this commit. Others may be, unless their database names all. */
const insert = (writer: Writer, batch: ReadonlyArray<Append>): Effect.Effect<Won, SqlError.SqlError> =>
  Effect.catchIf(
    Effect.suspend(() => insertAll(writer, batch)),
    leavesGap,
    () =>
      Effect.flatMap(
        withoutGaps(writer.sql, batch),
        (rest) =>
          Effect.map(
            insertAll(writer, rest),
            (won) => won === "all" ? new Set(rest.map(({ turn }) => turn.callId)) : won
          )
      )
  )

const insertAll = (
  { context, dialect, sql }: Writer,
  batch: ReadonlyArray<Append>
): Effect.Effect<Won, SqlError.SqlError> => {
  if (batch.length === 0) return Effect.succeed("all")
  const { parameters, text } = dialect.insert(batch.map(toRow))
  const statement = compiled<CallRow>(sql, text, parameters)
  const counted = (count: number) => {
    if (count === 0) return
    CallMetrics.storeCommits.updateUnsafe(1, context)
    CallMetrics.storeTurns.updateUnsafe(count, context)
  }
  const named = (rows: ReadonlyArray<CallRow>): Won => {
    counted(rows.length)
    return rows.length === batch.length ? "all" : new Set(rows.map((row) => row.call_id))
  }
  const unnamed = (result: unknown): Won => {
    const count = changed(result)
    counted(count)
    return count === batch.length ? "all" : none
  }
  return dialect.namesInserted ? Effect.map(statement, named) : Effect.map(statement.raw, unnamed)
}

/**
 * A statement that need not be compiled. A client keeps what it compiles in a weak map, and what such a map holds survives the
 * next collection of garbage: here all events of a batch.
 */
const compiled = <A extends object>(sql: SqlClient.SqlClient, text: string, parameters: ReadonlyArray<unknown>) =>
  Object.assign(sql.unsafe<A>(text), { compile: () => [text, parameters] as const })

const leavesGap = (error: SqlError.SqlError): boolean => {
  const { cause } = error.reason
  return error.message.includes(Dialect.gap) || (cause instanceof Error && cause.message.includes(Dialect.gap))
}

/** Those of a batch that follow a turn which is stored, or are the first of their call. */
const withoutGaps = (sql: SqlClient.SqlClient, batch: ReadonlyArray<Append>) => {
  const before = batch.map(({ turn }) =>
    sql`(call_id = ${turn.callId} AND version = ${turn.version - 1} AND status <> 'pruned')`
  )
  return Effect.map(
    callsWith(sql, before),
    (calls) => batch.filter(({ turn }) => turn.version === 1 || calls.has(turn.callId))
  )
}

/** How many rows a statement has written, by what clients for SQLite give as its raw result. */
const changed = (result: unknown): number =>
  typeof result === "object" && result !== null && "changes" in result ? Number(result.changes) : 0

/** The calls among them whose turn, by its own id, is stored already. */
const findStored = (sql: SqlClient.SqlClient, batch: ReadonlyArray<Append>) => {
  if (batch.length === 0) return Effect.succeed(new Set<CallId>())
  const own = batch.map(({ turn }) =>
    sql`(call_id = ${turn.callId} AND version = ${turn.version} AND id = ${Dialect.escape(turn.id)})`
  )
  return callsWith(sql, own)
}

const callsWith = (sql: SqlClient.SqlClient, turns: ReadonlyArray<Statement.Fragment>) =>
  Effect.map(
    sql<CallRow>`SELECT call_id FROM ringback_turns WHERE ${sql.or(turns)}`.unprepared,
    (rows) => new Set(rows.map((row) => row.call_id))
  )

// Rows

interface CallRow {
  readonly call_id: CallId
}

interface SummaryRow extends CallRow {
  readonly version: number
  readonly flow: string
  readonly flow_version: number
  readonly status: Summary["status"]
  readonly waiting_for: string
  readonly due: number | null
  readonly process: string | null
  readonly at: number
  readonly dial_from: number | null
}

const noneOf = (sql: SqlClient.SqlClient, processes: ReadonlySet<string>) =>
  processes.size === 0 ? sql.literal("") : sql`AND NOT ${sql.in("process", [...processes])}`

const summaryColumns = (sql: SqlClient.SqlClient) => sql.literal(Dialect.summaryColumns.join(", "))

const toRow = ({ events, facts, referenceId, summary, turn }: Append): Dialect.Row => [
  turn.callId,
  turn.version,
  Dialect.escape(summary.flow),
  summary.flowVersion,
  summary.status,
  Dialect.escape(summary.waitingFor),
  summary.status === "over" ? null : summary.due,
  summary.process,
  turn.at,
  summary.dialFrom ?? null,
  Dialect.escape(turn.id),
  referenceId === undefined ? null : Dialect.escape(referenceId),
  format,
  events,
  ...factsColumns(facts)
]

const factsColumns = (facts: Listing.Facts | undefined): readonly [facts: number | null, numbers: string | null] => [
  facts === undefined ? null : Listing.toState(facts),
  facts?.numbers === undefined ? null : JSON.stringify(facts.numbers)
]

// Databases may give integers as `bigint`, hence `Number`.

const toSummary = (row: SummaryRow): Summary => ({
  callId: row.call_id,
  version: Number(row.version),
  flow: Dialect.unescape(row.flow),
  flowVersion: Number(row.flow_version),
  status: row.status,
  waitingFor: Dialect.unescape(row.waiting_for),
  due: row.due,
  ...(row.dial_from === null ? {} : { dialFrom: row.dial_from }),
  process: row.process,
  at: row.at
})

const rowsAs = <A, B>(f: (rows: ReadonlyArray<A>) => B) =>
  Effect.mapBoth({ onFailure: (error: SqlError.SqlError) => storeError("read", error), onSuccess: f })

/** What a client reports, in a sentence. It never holds parameters. */
const storeError = (
  operation: StoreError["operation"],
  error: SqlError.SqlError | Migrator.MigrationError,
  Reason: typeof Down | typeof Rejected = Down
): StoreError => {
  const inner = error._tag === "MigrationError" ? error.cause : error
  const said = inner !== error && inner instanceof Error ? `${error.message}: ${inner.message}` : error.message
  const server = SqlError.isSqlError(inner) ? fromServer(inner) : undefined
  if (server === undefined && Refusal.isByTrigger(inner)) {
    const problem = `${Masked.line(said)}.` // whoever wrote the trigger may have put of the row into it
    return new StoreError({ operation, reason: new Reason({ problem }), cause: new Error(problem) })
  }
  if (server === undefined) {
    return new StoreError({ operation, reason: new Reason({ problem: `${said}.` }), cause: error })
  }
  const { code, message, name } = server
  const problem = `${operation === "open" ? `${said}: ${message}` : said} (SQLSTATE ${code}).`
  const cause = Object.assign(new Error(problem), { name, code })
  return new StoreError({ operation, reason: new Reason({ problem }), cause })
}

/**
 * What PostgreSQL itself has sent, of which most may quote rows: its detail, its context, its query. Its message may, too,
 * but not while tables are made.
 */
const fromServer = ({ reason: { _tag, cause } }: SqlError.SqlError) =>
  cause instanceof Error && "severity" in cause && "code" in cause
    ? { name: _tag, code: String(cause.code), message: cause.message }
    : undefined
