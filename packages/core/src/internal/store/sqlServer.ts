/**
 * Which server of PostgreSQL is to be written. After a failover connections to the server before may live on, as long as it does: it
 * may be read-only by now, wait for ever for a standby that has gone, or go on by itself. So from time to time a new connection is
 * asked where it leads, and those that lead elsewhere are dropped.
 */
import { Clock, Deferred, Effect, Option } from "effect"
import { type SqlClient, type SqlConnection, SqlError } from "effect/sql"
import { Report } from "../report.ts"

/** What a client can do with a connection of its pool, as that of `@effect/sql-pg` can: it ends once it is given back. */
interface Pooled {
  readonly connection?: { readonly interrupt?: Effect.Effect<void> }
}

const retired = (connection: object): Effect.Effect<void> => (connection as Pooled).connection?.interrupt ?? Effect.void

/** Knows which server is to be written. */
export interface Server {
  /** Has work broken off and fail that a server was given which is not to be written any more. */
  readonly during: <A>(work: Effect.Effect<A, SqlError.SqlError>) => Effect.Effect<A, SqlError.SqlError>
  /** Drops a connection that was taken from the pool, and fails, if it leads to a server that is not to be written. */
  readonly admit: (connection: SqlConnection.Connection) => Effect.Effect<void, SqlError.SqlError>
  /** Something is found that shows as if the server were another one. */
  readonly suspect: () => void
  /** Waits until the server is another one. */
  readonly moved: Effect.Effect<never, SqlError.SqlError>
  /** Asks a new connection which server is to be written, and drops those to another. It fails with nothing. */
  readonly look: Effect.Effect<void>
  /** Looks when work waits for long, was refused because the server is read-only, and from time to time. */
  readonly watch: Effect.Effect<never>
}

/** Of a client for a database that one process has. */
export const alone: Pick<Server, "during" | "suspect"> = { during: (work) => work, suspect: () => {} }

/** So long may a server not answer until it is looked whether it is still the one, and so long is nothing looked at, in milliseconds. */
const patience = 2_000
const pause = 10_000

/** So long does the server have for an answer at a look, and the pool for a connection. */
const forAnswer = "1 second"
const forConnection = "500 millis"

/** How many connections a pool has that does not say so. Of these a look leaves some to others. */
const usual = 10
const left = 3

const roomOf = (sql: SqlClient.SqlClient): number => {
  const { config } = sql as { readonly config?: { readonly maxConnections?: number } }
  return Math.max(1, (config?.maxConnections ?? usual) - left)
}

/** A connection that began so many milliseconds before a look is none of a pool's that were there. */
const slack = 20

interface Seen {
  readonly age: number
  /** The database, whichever server holds it: its standbys are copies and have the same. */
  readonly database: string | null
  /** Counts the failovers; nothing of a server that follows another, and is read-only. */
  readonly timeline: number | null
}

const asking = (database: string, timeline: string) =>
  `SELECT extract(epoch FROM clock_timestamp() - backend_start)::float8 * 1000 AS age, ${database} AS database,
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE ${timeline} END AS timeline
  FROM pg_stat_activity WHERE pid = pg_backend_pid()`

const ask = asking(
  "(SELECT system_identifier::text FROM pg_control_system())",
  "('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer"
)

/** Services that are no PostgreSQL inside know of no timeline, or do not tell. */
const askLess = asking("NULL", "0")

/** A session may always end itself, whoever it belongs to. */
const end = "SELECT pg_terminate_backend(pg_backend_pid())"

/** What a server says that follows another. */
const readOnly = "25006"

const isReadOnly = ({ reason: { cause } }: SqlError.SqlError): boolean =>
  cause instanceof Error && "code" in cause && cause.code === readOnly

/** Nothing is wrong with the connection. */
const isRefusal = ({ reason: { cause } }: SqlError.SqlError): boolean =>
  cause instanceof Error && "code" in cause && ["0A", "42", "XX"].includes(String(cause.code).slice(0, 2))

const passed = (): SqlError.SqlError => {
  const message = "The database has moved to another server"
  return new SqlError.SqlError({
    reason: new SqlError.ConnectionError({ cause: new Error(message), message, operation: "query" })
  })
}

/** A connection of the pool that is held while it is looked at. */
interface Held extends Seen {
  /** Has the server end it at once, whoever uses it. */
  readonly drop: Effect.Effect<void>
  /** Ends it without a word when it is given back. */
  readonly retire: Effect.Effect<void>
}

/** Finds out where connections of a pool lead. */
const finding = (sql: SqlClient.SqlClient, elapsed: () => number) => {
  const room = roomOf(sql)
  let question = ask

  /** What a connection is asked. Where the server refuses the question, a smaller one. */
  const seenBy = (run: (statement: string) => Effect.Effect<ReadonlyArray<unknown>, SqlError.SqlError>) =>
    Effect.suspend(() => run(question)).pipe(
      Effect.catchIf((error) => question === ask && isRefusal(error), () => {
        question = askLess
        return run(askLess)
      }),
      Effect.map(([row]) => row as Seen | undefined)
    )

  /** One more connection, until the scope closes. Nothing if the pool has no more. */
  const another = Effect.gen(function*() {
    const connection = yield* Effect.timeoutOption(sql.reserve, forConnection)
    if (Option.isNone(connection)) return undefined
    const run = (statement: string) => connection.value.executeUnprepared(statement, [], undefined)
    const seen = yield* Effect.timeout(seenBy(run), forAnswer)
    const drop = Effect.ignore(Effect.timeout(run(end), forAnswer))
    const one: Held | undefined = seen === undefined ? undefined : { ...seen, drop, retire: retired(connection.value) }
    return one
  })

  /** Holds connections until there is a new one. */
  const held = Effect.gen(function*() {
    const began = elapsed()
    const all: Array<Held> = []
    while (all.length < room) {
      const one = yield* another
      if (one === undefined) break
      all.push(one)
      if (one.age <= elapsed() - began + slack) return { all, isNew: true }
    }
    return { all, isNew: false }
  })

  const seen = (connection: SqlConnection.Connection) =>
    seenBy((statement) => connection.executeUnprepared(statement, [], undefined))

  return { held, seen }
}

/** Of the database that a client leads to. */
export const make = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const clock = yield* Clock.Clock
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const { held, seen } = finding(sql, elapsed)
  let known: Seen | undefined
  let moves = Deferred.makeUnsafe<never, SqlError.SqlError>()
  let [lookedAt, isWanted] = [-Infinity, false]
  const underWay = new Set<{ readonly since: number; lookAt: number }>()

  const astray = new Report({
    fails: "Connections to the database lead to a server that is not the primary, and are dropped",
    next: "so let its address lead to the primary; if that is the one, start the processes anew",
    over: "Connections to the database lead to the primary again"
  }, elapsed)

  /** Whether a connection leads to a server that is not to be written: a standby, or one before a failover. */
  const isPassed = ({ database, timeline }: Seen): boolean =>
    timeline === null || (database === known?.database && timeline < (known?.timeline ?? 0))

  const wordsOf = ({ timeline }: Seen): string =>
    timeline === null ? "it follows another one" : `its timeline is ${timeline}, and ${known?.timeline} has been seen`

  /** Learns of the server that a new connection leads to, and whether it is another one than before. */
  const see = Effect.fnUntraced(function*(newest: Seen) {
    const before = known
    known = newest
    if (before === undefined) return false
    if (before.database === newest.database && before.timeline === newest.timeline) return false
    yield* Effect.logWarning(
      `The database has moved to another server (timeline ${before.timeline}, now ${newest.timeline}). Connections to the one ` +
        "before are dropped, and what it had not answered is asked again. Make sure that it takes no writes any more"
    )
    const broken = moves
    moves = Deferred.makeUnsafe()
    yield* Deferred.fail(broken, passed())
    return true
  })

  const once = Effect.scoped(Effect.gen(function*() {
    const { all, isNew } = yield* held
    const [newest] = all.toSorted((self, that) => self.age - that.age)
    const hasMoved = newest !== undefined && !isPassed(newest) && (yield* see(newest))
    const stale = all.filter(isPassed)
    yield* Effect.forEach(stale, ({ drop }) => drop, { discard: true })
    if (newest !== undefined && isNew && !isPassed(newest)) yield* newest.retire // A look leaves the pool as it was.
    if (stale.length === 0) return yield* astray.over()
    if (!hasMoved) yield* astray.failed(wordsOf(stale.at(-1)!))
  }))

  let isLooking = false
  const look: Server["look"] = Effect.suspend(() => {
    if (isLooking) return Effect.void
    isLooking = true
    const now = elapsed()
    ;[lookedAt, isWanted] = [now, false]
    for (const each of underWay) each.lookAt = now + Math.max(patience, now - each.since)
    return Effect.ensuring(
      Effect.ignore(Effect.timeout(once, "10 seconds")),
      Effect.sync(() => void (isLooking = false))
    )
  })

  const isDue = (): boolean => {
    const now = elapsed()
    return isWanted || now - lookedAt > pause || [...underWay].some(({ lookAt }) => now > lookAt)
  }

  return {
    look,
    admit: Effect.fnUntraced(function*(connection) {
      const found = yield* seen(connection)
      if (found === undefined || !isPassed(found)) return
      yield* Effect.ignore(connection.executeUnprepared(end, [], undefined))
      return yield* passed()
    }),
    suspect: () => {
      isWanted = true
    },
    moved: Effect.suspend(() => Deferred.await(moves)),
    during: (work) =>
      Effect.suspend(() => {
        const since = elapsed()
        const mark = { since, lookAt: since + patience }
        underWay.add(mark)
        return Effect.raceFirst(work, Deferred.await(moves)).pipe(
          Effect.tapError((error) => Effect.sync(() => void (isWanted ||= isReadOnly(error)))),
          Effect.ensuring(Effect.sync(() => void underWay.delete(mark)))
        )
      }),
    watch: Effect.forever(Effect.andThen(Effect.sleep("1 second"), Effect.suspend(() => isDue() ? look : Effect.void)))
  } satisfies Server
})
