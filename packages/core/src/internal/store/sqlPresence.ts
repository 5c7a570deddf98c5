/**
 * Who lives on one PostgreSQL. Each process holds an advisory lock, and the database lets go of it the moment that it sees the
 * connection end. The number of the lock holds the name of the process, so the list of locks is the list of the living. A process
 * that hangs keeps its connection: so each has a lease beside the lock, which it renews each second by the database's clock.
 */
import { Clock, Deferred, Effect, Schedule } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { Foreign, Late, type Processes, StoreError } from "../../EventStore.ts"
import * as ids from "../ids.ts"
import * as Pooler from "../pooler.ts"
import { Report } from "../report.ts"
import type { Server } from "./sqlServer.ts"

/** Shows that a process lives, and sees who does. */
export interface Presence {
  readonly join: Processes["join"]
  readonly leave: Processes["leave"]
  readonly living: Effect.Effect<ReadonlySet<string>, SqlError.SqlError>
}

/** A lock has 64 bits: 24 for the store, so that others in the same database are told apart, and 40 for the process. */
const processBits = 40n

/** How often the connection is used, so that its loss is noticed, and how long an answer may take. */
const pause = "1 second"
const patience = "5 seconds"

/** A server notices within a quarter of a minute that a machine is gone. Not every system knows these settings. */
const keepAlive =
  `SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '3', false),
  set_config('tcp_keepalives_count', '3', false)`

/** What a process has registered is written down on the connection that holds its lock. */
const register = `INSERT INTO ringback_processes (process, flows, lives_until)
  VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 millisecond')
  ON CONFLICT (process) DO UPDATE SET flows = excluded.flows, lives_until = excluded.lives_until`
const renew = `UPDATE ringback_processes SET lives_until = clock_timestamp() + $2::float8 * interval '1 millisecond'
  WHERE process = $1 RETURNING process`
const forget = "DELETE FROM ringback_processes WHERE process = $1"

const late = "It did not answer in time."
const crowded = "There are no other connections: the pool needs room for three at least."

/** The lock of a process that dies would stay with the pooler, and that of one that lives would go: others could not tell. */
const behindPooler = Effect.fail(
  new StoreError({ operation: "open", reason: new Foreign({ problem: Pooler.problem }) })
)

type Lease = Parameters<Processes["join"]>[2]

/** A sign of life, which counts from when it is sent. */
const heard = <A, E>(lease: Lease, sign: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const arrived = lease.renewing()
    return Effect.tap(sign, () => Effect.sync(arrived))
  })

const again = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")])

/**
 * Removes what processes have written down that do not live. What is written is read first: whoever has written it holds
 * the lock since before, and shows if it lives. One that comes back meanwhile writes another row, in a transaction of its
 * own. Its place would not do: early servers do not look at that again when they have waited for such a transaction.
 */
const removingDead = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, living: Presence["living"]) {
  const rows = yield* sql<{ readonly process: string; readonly writer: string }>`
    SELECT process, xmin::text AS writer FROM ringback_processes`
  const seen = yield* living
  const dead = seen.size === 0 ? [] : rows.filter(({ process }) => !seen.has(process))
  if (dead.length === 0) return
  const written = dead.map(({ process, writer }) => sql`(process = ${process} AND xmin::text = ${writer})`)
  yield* sql`DELETE FROM ringback_processes WHERE ${sql.or(written)}`
})

/** On the database of `sql`, among those that share the store of this `space`. */
export const make = (
  sql: SqlClient.SqlClient,
  space: number,
  toStoreError: (error: SqlError.SqlError) => StoreError,
  server: Server
): Presence => {
  const soon = <A>(answer: Effect.Effect<A, SqlError.SqlError>, problem: string): Effect.Effect<A, StoreError> =>
    Effect.timeoutOrElse(Effect.mapError(answer, toStoreError), {
      duration: patience,
      orElse: () => Effect.fail(new StoreError({ operation: "read", reason: new Late({ problem }) }))
    })

  /** Those that are about to end. */
  const leaving = new Set<string>()

  const leave: Processes["leave"] = (process) =>
    Effect.suspend(() => {
      leaving.add(process)
      const none = sql`UPDATE ringback_processes SET flows = '[]' WHERE process = ${process}`
      return Effect.asVoid(Effect.mapError(none, toStoreError))
    })

  /** Holds the lock until the connection is lost. A second holder of one name does not wait: the first is a lost self. */
  const hold = (process: string, flows: ReadonlySet<string>, lease: Lease, held: Effect.Effect<unknown>) =>
    Effect.raceFirst(
      Effect.mapError(server.moved, toStoreError),
      Effect.scoped(Effect.gen(function*() {
        const lock = String((BigInt(space) << processBits) | BigInt(ids.numberOf(process)))
        const connection = yield* Effect.mapError(sql.reserve, toStoreError)
        const run = (statement: string, parameters: ReadonlyArray<unknown> = []) =>
          connection.executeUnprepared(statement, parameters, undefined)
        yield* soon(server.admit(connection), late) // It may have been given back when the server had moved.
        yield* Effect.ignore(run(keepAlive))
        yield* Effect.acquireRelease(
          soon(run(`SELECT pg_advisory_lock_shared(${lock})`), late),
          () => Effect.ignore(Effect.timeout(run(`SELECT pg_advisory_unlock_shared(${lock})`), "1 second")),
          { interruptible: true } // The server may not answer any more, and who closes does not wait for it.
        )
        const write = Effect.suspend(() =>
          run(register, [process, JSON.stringify(leaving.has(process) ? [] : [...flows]), lease.millis])
        )
        yield* Effect.acquireRelease(
          soon(heard(lease, write), late),
          () => Effect.ignore(Effect.timeout(run(forget, [process]), "1 second")),
          { interruptible: true }
        )
        yield* held
        yield* Effect.ignore(soon(removingDead(sql, living), late))
        /** The row of a process that was taken for dead may have been removed. */
        const renewing = Effect.flatMap(
          run(renew, [process, lease.millis]),
          (rows) => rows.length === 0 ? write : Effect.void
        )
        const live = heard(lease, soon(renewing, "A connection is lost."))
        return yield* Effect.forever(Effect.andThen(Effect.sleep(pause), live))
      }))
    )

  const join: Presence["join"] = Effect.fnUntraced(function*(process, flows, lease) {
    if (yield* soon(Pooler.isBetween(sql), crowded)) return yield* behindPooler
    yield* server.look // It is known before a connection is kept.
    const joined = yield* Deferred.make<void, StoreError>()
    const first = hold(process, flows, lease, Deferred.succeed(joined, undefined)).pipe(
      Effect.onError((cause) => Deferred.failCause(joined, cause))
    )
    const clock = yield* Clock.Clock
    const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const trouble = new Report({
      fails: "The connection by which other processes see this one is lost",
      over: "Other processes see this one again"
    }, elapsed)
    const lost = (error: StoreError) =>
      Effect.andThen(Deferred.await(joined), Effect.andThen(trouble.failed(error.message), server.look))
    const once = Effect.tapError(hold(process, flows, lease, Effect.suspend(() => trouble.over())), lost)
    yield* Effect.forkScoped(
      Effect.catch(first, (error) => Effect.andThen(lost(error), Effect.retry(once, again)))
    )
    yield* Deferred.await(joined)
    yield* Effect.forkScoped(server.watch)
    // One connection holds the lock, one hears what others tell, and one has to be left for everything else.
    const others = Effect.scoped(Effect.andThen(sql.reserve, sql`SELECT 1`))
    yield* soon(others, crowded)
  })

  const living = sql<{ readonly process: number | string | bigint }>`SELECT DISTINCT
      ((classid::bigint & 255) << 32) | objid::bigint AS process
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid::bigint >> 8 = ${space}::bigint
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.pipe(
    Effect.map((rows) => new Set(rows.map((row) => ids.digits(Number(row.process), 8))))
  )

  return { join, leave, living }
}
