/**
 * Who else lives on one PostgreSQL. Each process holds an advisory lock, and the database lets go of it the moment that it
 * sees the connection end. The number of the lock holds the name of the process, so the list of locks is the list of the
 * living.
 */
import { Deferred, Effect, Hash, Schedule } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { type Processes, StoreError } from "../EventStore.ts"
import * as ids from "./ids.ts"

/** A lock has 64 bits: 24 for the store, so that others in the same database are told apart, and 40 for the process. */
const processBits = 40n

/** Which store the locks belong to: a number below 2^23, so that the whole stays positive. */
const spaceOf = (namespace: string): number => (Hash.string(`ringback/${namespace}`) >>> 9) & 0x7fffff

/** How often the connection is used, so that its loss is noticed, and how long an answer may take. */
const pause = "1 second"
const patience = "5 seconds"

/** A server notices within a quarter of a minute that a machine is gone. Not every system knows these settings. */
const keepAlive =
  `SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '3', false),
  set_config('tcp_keepalives_count', '3', false)`

const again = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")])

/** What processes on the database of `sql` know of each other, among those that share the store of this `namespace`. */
export const make = (
  sql: SqlClient.SqlClient,
  namespace: string,
  toStoreError: (error: SqlError.SqlError) => StoreError
): Processes => {
  const space = spaceOf(namespace)

  const soon = <A>(answer: Effect.Effect<A, SqlError.SqlError>, problem: string): Effect.Effect<A, StoreError> =>
    Effect.timeoutOrElse(Effect.mapError(answer, toStoreError), {
      duration: patience,
      orElse: () => Effect.fail(new StoreError({ operation: "read", problem }))
    })

  /** Holds the lock until the connection is lost. A second holder of one name does not wait: the first is a lost self. */
  const hold = (process: string, held: Effect.Effect<unknown>) =>
    Effect.scoped(Effect.gen(function*() {
      const lock = String((BigInt(space) << processBits) | BigInt(ids.numberOf(process)))
      const connection = yield* Effect.mapError(sql.reserve, toStoreError)
      const run = (statement: string) => connection.executeUnprepared(statement, [], undefined)
      yield* Effect.ignore(run(keepAlive))
      yield* Effect.acquireRelease(
        Effect.mapError(run(`SELECT pg_advisory_lock_shared(${lock})`), toStoreError),
        () => Effect.ignore(Effect.timeout(run(`SELECT pg_advisory_unlock_shared(${lock})`), "1 second")),
        { interruptible: true } // The server may not answer any more, and who closes does not wait for it.
      )
      yield* held
      return yield* Effect.forever(Effect.andThen(Effect.sleep(pause), soon(run("SELECT 1"), "A connection is lost.")))
    }))

  const join = Effect.fnUntraced(function*(process: string) {
    const joined = yield* Deferred.make<void, StoreError>()
    const first = hold(process, Deferred.succeed(joined, undefined)).pipe(
      Effect.onError((cause) => Deferred.failCause(joined, cause))
    )
    yield* Effect.forkScoped(Effect.catch(first, () => Effect.retry(hold(process, Effect.void), again)))
    yield* Deferred.await(joined)
    yield* soon(sql`SELECT 1`, "There is no second connection: the pool needs room for two at least.")
  })

  const alive = sql<{ readonly process: number | string | bigint }>`SELECT DISTINCT
      ((classid::bigint & 255) << 32) | objid::bigint AS process
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid::bigint >> 8 = ${space}::bigint
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.pipe(
    Effect.mapBoth({
      onFailure: toStoreError,
      onSuccess: (rows) => new Set(rows.map((row) => ids.digits(Number(row.process), 8)))
    })
  )

  const now = sql<
    { readonly now: number }
  >`SELECT extract(epoch FROM clock_timestamp())::double precision * 1000 AS now`
    .pipe(Effect.mapBoth({ onFailure: toStoreError, onSuccess: ([row]) => Number(row?.now) }))

  return { join, alive, now }
}
