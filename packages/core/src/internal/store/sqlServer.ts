/**
 * Which server of PostgreSQL is to be written. After a failover connections to the server before may live on, as long as it does: it
 * may be read-only by now, wait for ever for a standby that has gone, or go on by itself. So from time to time the connections of the pool
 * that nobody uses are asked where they lead, and ended, one after another, until the pool opens a new one: that leads where the address
 * leads now. So a look holds one connection at a time, and leaves no more behind than there were.
 */
import { Clock, Deferred, Effect, Option } from "effect"
import { type SqlClient, type SqlConnection, SqlError } from "effect/sql"
import { Report } from "../report.ts"

/** What a client can do with a connection of its pool, as that of `@effect/sql-pg` can: it ends once it is given back. */
interface Pooled {
  readonly connection?: { readonly interrupt?: Effect.Effect<void> }
}

/** Ends a connection when it is given back, without a word in the log of the server. */
const retire = (connection: SqlConnection.Connection): Effect.Effect<void> => {
  const { connection: { interrupt } = {} } = connection as Pooled
  return interrupt === undefined ? Effect.void : Effect.ignore(Effect.timeoutOption(interrupt, forAnswer))
}

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
  /** Waits until connections to the server before are surely dropped. */
  readonly calm: Effect.Effect<void>
  /** Asks connections where they lead until there is a new one, and drops those to another server. It fails with nothing. */
  readonly look: Effect.Effect<void>
  /** Looks when work waits for long, was refused because the server is read-only, and from time to time. */
  readonly watch: Effect.Effect<never>
}

/** Of a client for a database that one process has. */
export const alone: Pick<Server, "during" | "suspect"> = { during: (work) => work, suspect: () => {} }

/** So long may a server not answer until it is looked whether it is still the one, and so long is nothing looked at, in milliseconds. */
const patience = 2_000
const pause = 10_000

/** So long is looked again and again once the server is another one: what it had in hand is given back meanwhile, in milliseconds. */
const settling = 10_000

/** So long does the server have for an answer at a look, and the pool for a connection. */
const forAnswer = "5 seconds"
const forConnection = "1 second"

/** A connection that is as old at most leads where the address leads now, in milliseconds by the clock of the server. */
const young = 1_000

/** So long do all new connections lead to the primary of an earlier timeline until that is taken for meant, in milliseconds. */
const meant = 60_000

/** How many connections a pool has that does not say so. */
const usual = 10

const sizeOf = (sql: SqlClient.SqlClient): number => {
  const { config } = sql as { readonly config?: { readonly maxConnections?: number } }
  return config?.maxConnections ?? usual
}

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

/** What a server says that follows another. */
const readOnly = "25006"

const codeOf = ({ reason: { cause } }: SqlError.SqlError): string | undefined =>
  cause instanceof Error && "code" in cause ? String(cause.code) : undefined

/** Nothing is wrong with the connection. */
const isRefusal = (error: SqlError.SqlError): boolean => ["0A", "42", "XX"].includes(codeOf(error)?.slice(0, 2) ?? "")

const passed = (message = "The database has moved to another server"): SqlError.SqlError =>
  new SqlError.SqlError({
    reason: new SqlError.ConnectionError({ cause: new Error(message), message, operation: "query" })
  })

/** Asks a connection where it leads. Where servers refuse the question, they are asked less from then on. */
const questions = () => {
  let question = ask
  return (connection: SqlConnection.Connection): Effect.Effect<Seen | undefined, SqlError.SqlError> => {
    const run = (statement: string) => connection.executeUnprepared(statement, [], undefined)
    return Effect.suspend(() => run(question)).pipe(
      Effect.catchIf((error) => question === ask && isRefusal(error), () => {
        question = askLess
        return run(askLess)
      }),
      Effect.map(([row]) => row as Seen | undefined)
    )
  }
}

const wordsOf = ({ timeline }: Seen, known: Seen | undefined): string =>
  timeline === null ? "it follows another one" : `its timeline is ${timeline}, and ${known?.timeline} has been seen`

/** What is known of the server that is to be written, by the connections that were asked. */
const knowledge = (elapsed: () => number) => {
  let known: Seen | undefined
  let moves = Deferred.makeUnsafe<never, SqlError.SqlError>()
  let movedAt = -Infinity
  let backwardsAt: number | undefined

  const astray = new Report({
    fails: "Connections to the database lead to a server that is not the primary, and are dropped",
    next: "so let its address lead to the primary",
    over: "Connections to the database lead to the primary again"
  }, elapsed)

  /** Whether a connection leads to a server that is not to be written: a standby, or one before a failover. */
  const isPassed = ({ database, timeline }: Seen): boolean =>
    timeline === null || (database === known?.database && timeline < (known?.timeline ?? 0))

  const move = Effect.fnUntraced(function*(before: Seen, now: Seen) {
    const broken = moves
    known = now
    moves = Deferred.makeUnsafe()
    movedAt = elapsed()
    yield* Effect.logWarning(
      `The database has moved to another server (timeline ${before.timeline}, now ${now.timeline}). Connections to the one ` +
        "before are dropped, and what it had not answered is asked again. Make sure that it takes no writes any more"
    )
    yield* Deferred.fail(broken, passed())
  })

  /** Whether a server of an earlier timeline is the one that is meant: for long no new connection has led elsewhere. */
  const isMeant = ({ timeline }: Seen): boolean => timeline !== null && elapsed() - (backwardsAt ??= elapsed()) >= meant

  /** Learns from a connection, which is new or is not. */
  const learn = Effect.fnUntraced(function*(one: Seen) {
    const isNew = one.age <= young
    const before = known
    if (before === undefined) {
      if (one.timeline !== null) known = one
      return
    }
    const isOther = one.database !== before.database
    if (isPassed(one)) {
      if (!isNew) return
      if (!isMeant(one)) return yield* astray.failed(wordsOf(one, before))
      backwardsAt = undefined
      return yield* Effect.andThen(astray.over(), move(before, one))
    }
    if (isOther ? isNew : one.timeline! > before.timeline!) yield* move(before, one)
    if (!isNew) return
    backwardsAt = undefined
    yield* astray.over()
  })

  return {
    isPassed,
    learn,
    moved: Effect.suspend(() => Deferred.await(moves)),
    isSettling: () => elapsed() - movedAt < settling
  }
}

/** Of the database that a client leads to. */
export const make = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const clock = yield* Clock.Clock
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const { isPassed, isSettling, learn, moved } = knowledge(elapsed)
  const seenBy = questions()
  let [lookedAt, isWanted] = [-Infinity, false]
  const underWay = new Set<{ readonly since: number; lookAt: number }>()

  /** Asks one connection, and has it renewed if it is not new. Nothing if the pool has none to give, or it does not answer. */
  const one = Effect.scoped(Effect.gen(function*() {
    const connection = yield* Effect.timeoutOption(sql.reserve, forConnection)
    if (Option.isNone(connection)) return undefined
    const seen = yield* Effect.timeout(seenBy(connection.value), forAnswer)
    if (seen === undefined) return undefined
    yield* learn(seen)
    const isNew = seen.age <= young
    const isStray = isPassed(seen)
    if (isStray) isWanted = true
    if (isStray || !isNew) yield* retire(connection.value)
    return { isNew }
  }))

  /** A pool opens a new connection when none is left: so by then each that nobody used has been asked, and dropped. */
  const several = Effect.gen(function*() {
    for (let asked = 0; asked <= sizeOf(sql); asked++) {
      const found = yield* one
      if (found === undefined || found.isNew) return
    }
  })

  let isLooking = false
  const look = Effect.suspend(() => {
    if (isLooking) return Effect.void
    isLooking = true
    const now = elapsed()
    ;[lookedAt, isWanted] = [now, false]
    for (const each of underWay) each.lookAt = now + Math.max(patience, now - each.since)
    return Effect.ensuring(Effect.ignore(several), Effect.sync(() => void (isLooking = false)))
  })

  const isDue = (): boolean => {
    const now = elapsed()
    return isWanted || isSettling() || now - lookedAt >= pause || [...underWay].some(({ lookAt }) => now > lookAt)
  }

  const calm: Effect.Effect<void> = Effect.suspend(() =>
    isSettling() ? Effect.andThen(Effect.sleep(patience), calm) : Effect.void
  )

  return {
    look,
    moved,
    calm,
    admit: Effect.fnUntraced(function*(connection) {
      const found = yield* seenBy(connection)
      if (found === undefined || !isPassed(found)) return
      yield* retire(connection)
      return yield* found.timeline === null ? passed("The server follows another one, and is read-only") : passed()
    }),
    suspect: () => {
      isWanted = true
    },
    during: (work) =>
      Effect.suspend(() => {
        const since = elapsed()
        const mark = { since, lookAt: since + patience }
        underWay.add(mark)
        return Effect.raceFirst(work, moved).pipe(
          Effect.tapError((error) => Effect.sync(() => void (isWanted ||= codeOf(error) === readOnly))),
          Effect.ensuring(Effect.sync(() => void underWay.delete(mark)))
        )
      }),
    watch: Effect.forever(Effect.andThen(Effect.sleep("1 second"), Effect.suspend(() => isDue() ? look : Effect.void)))
  } satisfies Server
})
