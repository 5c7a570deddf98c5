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
import { Context, Effect, Exit, Layer, Metric, References, Result } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { CallIndex } from "./CallIndex.ts"
import * as CallMetrics from "./CallMetrics.ts"
import { EventLog } from "./EventLog.ts"
import { EventStore, notEncoded, unforked } from "./EventStore.ts"
import type { Begin, StoreError, Turn, VersionConflict } from "./EventStore.ts"
import * as Background from "./internal/background.ts"
import * as Broadcast from "./internal/broadcast.ts"
import * as GroupCommit from "./internal/store/groupCommit.ts"
import * as Hints from "./internal/store/hints.ts"
import type * as Listing from "./internal/store/listing.ts"
import * as Numbers from "./internal/store/numbers.ts"
import * as Reading from "./internal/store/reading.ts"
import * as SqlAppending from "./internal/store/sqlAppending.ts"
import * as SqlCalls from "./internal/store/sqlCalls.ts"
import type * as Dialect from "./internal/store/sqlDialect.ts"
import * as SqlFacts from "./internal/store/sqlFacts.ts"
import { closed, storeError } from "./internal/store/sqlFailure.ts"
import * as SqlIndex from "./internal/store/sqlIndex.ts"
import * as SqlLog from "./internal/store/sqlLog.ts"
import * as SqlOpening from "./internal/store/sqlOpening.ts"
import * as SqlProcesses from "./internal/store/sqlProcesses.ts"
import * as SqlRetention from "./internal/store/sqlRetention.ts"
import * as SqlServer from "./internal/store/sqlServer.ts"
import * as SqlTelling from "./internal/store/sqlTelling.ts"
import * as SqlTurns from "./internal/store/sqlTurns.ts"
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
 * Each process on PostgreSQL keeps two connections of the pool for itself. On one it holds an advisory lock and
 * says each second that it lives, by which the others see it; on the other it hears (`LISTEN`) of calls that others leave to it,
 * because they have not registered the flow or are about to end. So the pool needs room for three at least, and a pooler between them has to leave a session its
 * connection.
 *
 * An append of a fiber that is inside `withTransaction` of the same client is part of that transaction. Every other one
 * commits by itself. Starts under a key, whose row a transaction of the application may hold, never share a commit with
 * anything else; on PostgreSQL, where they may wait for it, they use a connection of their own. When the layer closes, what waits is written first, for two seconds at most; whatever comes later fails.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  EventStore | CallIndex | EventLog | Retention,
  StoreError,
  SqlClient.SqlClient
> = Layer.effectContext(
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const dialect = yield* SqlOpening.open(sql)
    const namespace = yield* SqlOpening.readNamespace(sql)
    const hash = yield* Numbers.hash
    const hints = yield* Hints.make
    const changes = told(yield* Broadcast.make<Turn>(), hints)
    const channel = dialect.isShared ? yield* SqlOpening.readChannel(sql) : undefined
    const telling = channel === undefined ? undefined : yield* SqlTelling.make(channel)
    const server = dialect.isShared ? yield* SqlServer.make(sql) : undefined
    const context = yield* Effect.context<never>()
    const writer: SqlAppending.Writer = { sql, dialect, changes, telling, server: server ?? SqlServer.alone, context }
    const lane = GroupCommit.make({
      write: SqlAppending.write(writer),
      key: ({ turn }: SqlAppending.Append) => turn.callId,
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
          try: () => new SqlAppending.Append(turn, summary, options, hash),
          catch: notEncoded
        })
        const begin: Begin<void, VersionConflict | StoreError> = (answer) => {
          if (Result.isFailure(encoded)) return answer(Exit.fail(encoded.failure))
          return (SqlAppending.isKeyed(turn) ? keyed : line).submit(encoded.success, answer)
        }
        const append = Effect.withFiber<void, VersionConflict | StoreError>((fiber) =>
          SqlAppending.isInside(sql, fiber)
            ? Effect.flatMap(Effect.fromResult(encoded), (item) => SqlAppending.join(writer, item))
            : Effect.callback(begin)
        )
        return unforked(append, begin)
      },
      transaction: Effect.withFiber((fiber) =>
        SqlAppending.isInside(sql, fiber)
          ? Effect.as(SqlAppending.isOpen(sql), { afterCommit: sql.afterCommit })
          : Effect.undefined
      ),
      ...SqlCalls.make(sql),
      read: SqlTurns.make(sql, dialect, yield* Background.make),
      processes: channel === undefined || server === undefined
        ? undefined
        : SqlProcesses.make(sql, namespace, channel, (error) => storeError("read", error), server),
      changes: changes.stream
    }).pipe(
      Context.merge(reading(sql, dialect, hash, hints, true)),
      Context.add(Retention, pruning(SqlRetention.make(sql, dialect, (error) => storeError("write", error)), hints))
    )
  })
).pipe(Layer.provide(untraced))

/**
 * Reads the store in the database of the `SqlClient`, and nothing else: lists of calls and the log of their turns, also while
 * engines write it (PostgreSQL), for pages, programs and terminals of their own. It makes no tables, takes no lock, and needs
 * nothing but the right to read. Fails with `StoreError` of `open` if there are no tables, or if they are those of an earlier or a
 * later Ringback.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const layerReading: Layer.Layer<CallIndex | EventLog, StoreError, SqlClient.SqlClient> = Layer.effectContext(
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const dialect = yield* SqlOpening.known(sql)
    const found = yield* Effect.mapError(SqlOpening.versionOf(sql), (error) => storeError("open", error))
    if (found !== dialect.migrations.length) return yield* SqlOpening.otherVersion(found, dialect)
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

/** Tells also those who read the log that turns have gone, of which some may be at hand to be read once more. */
const pruning = ({ prune }: Retention["Service"], hints: Hints.Hints): Retention["Service"] => ({
  prune: (options) => Effect.ensuring(prune(options), Effect.sync(() => hints.tell([])))
})

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
 * @stability unstable
 * @since 0.1.0
 */
export const rebuild: Effect.Effect<void, StoreError, SqlClient.SqlClient> = Effect.gen(function*() {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const statements = SqlOpening.dialectOf(sql)?.rebuild ?? []
  yield* SqlFacts.read(sql, yield* Numbers.hash)
  yield* Effect.mapError(
    sql.withTransaction(Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })),
    (error) => storeError("write", error)
  )
}).pipe(Effect.withSpan("SqlEventStore.rebuild"))
