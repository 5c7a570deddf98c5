/**
 * What the processes on one PostgreSQL know of each other: who lives (`sqlPresence`), what each has registered and how many
 * lines it uses, which stand in a table, and what one tells another, which goes by `NOTIFY`.
 */
import { Effect, Exit, Fiber, Hash, Option, Result, Schema, Scope, Stream } from "effect"
import type { Queue } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { CallId } from "../../CallEvent.ts"
import { Foreign, type Processes, StoreError, type Told, type ToldTurns } from "../../EventStore.ts"
import * as Presence from "./sqlPresence.ts"
import type { Server } from "./sqlServer.ts"
import * as Telling from "./sqlTelling.ts"

/** Which store the locks belong to: a number below 2^23, so that the whole stays positive. */
const spaceOf = (namespace: string): number => (Hash.string(`ringback/${namespace}`) >>> 9) & 0x7fffff

/** What a client can do that hears what the database is told, as that of `@effect/sql-pg` can. */
interface Listener {
  readonly listen: (
    channel: string
  ) => Effect.Effect<
    Queue.Dequeue<{ readonly payload: string }, SqlError.SqlError>,
    SqlError.SqlError,
    Scope.Scope
  >
}

const isListener = (sql: SqlClient.SqlClient): sql is SqlClient.SqlClient & Listener => "listen" in sql

/** At most so many processes are told at once: what is told has room for 8,000 bytes. */
const mostTold = 500

const decodeFlows = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.String)))

const noFlows: ReadonlySet<string> = new Set()

/** What a process has registered, as it has written it down. */
const readFlows = (text: string): ReadonlySet<string> =>
  Option.match(decodeFlows(text), { onNone: () => noFlows, onSome: (flows) => new Set(flows) })

const isCallId = Schema.is(CallId)

const isWhat = Schema.is(Schema.Literals(["look", "yours", "mine"]))

/** What is told, if it is for this process: the calls, who tells it, to whom, and what. */
const readTold = (process: string, payload: string): Result.Result<Told | ToldTurns, string> => {
  const turn = Telling.turnOf(payload)
  if (turn !== undefined) return Result.succeed({ what: "turns", turns: [turn] })
  const [calls = "", from, to, what = "look"] = payload.split(" ")
  const ids = calls.split(",").filter(isCallId)
  const isForUs = to?.split(",").includes(process) === true
  return isForUs && isWhat(what) && from !== undefined
    ? Result.succeed({ what, calls: ids, from })
    : Result.fail(payload)
}

/**
 * Opens something in a scope whose finalizers run side by side: a client that says to the server that it listens no more
 * lets go of the connection meanwhile, and does not wait for a server that answers no more. It says so too when it is broken off
 * while it opens, so the opening is one of those that end with the scope.
 */
const letGo = <A, E, R>(open: Effect.Effect<A, E, R>) =>
  Effect.flatMap(
    Effect.acquireRelease(Scope.make("parallel"), (scope) => Scope.close(scope, Exit.void)),
    (scope) => Effect.flatMap(Effect.forkIn(Scope.provide(open, scope), scope), Fiber.join)
  )

const deaf = new StoreError({
  operation: "open",
  reason: new Foreign({ problem: "This client of the database cannot listen" })
})

/** What processes on the database of `sql` know of each other, among those that share the store of this `namespace`. */
export const make = (
  sql: SqlClient.SqlClient,
  namespace: string,
  channel: string,
  toStoreError: (error: SqlError.SqlError) => StoreError,
  server: Server
): Processes => {
  const space = spaceOf(namespace)

  const { join, leave, living } = Presence.make(sql, space, toStoreError, server)

  /** The flows of each; nothing of one whose lease is over. */
  const registered = sql<{ readonly process: string; readonly flows: string; readonly is_over: boolean | null }>`
    SELECT process, flows, lives_until < clock_timestamp() AS is_over FROM ringback_processes`.pipe(
    Effect.map((rows) =>
      new Map(rows.map(({ flows, is_over, process }) => [process, is_over === true ? undefined : readFlows(flows)]))
    )
  )

  const alive: Processes["alive"] = Effect.zipWith(living, registered, (living, registered) => {
    const isOver = (process: string) => registered.has(process) && registered.get(process) === undefined
    const alive = [...living].filter((process) => !isOver(process))
    return new Map(alive.map((process) => [process, registered.get(process) ?? noFlows]))
  }).pipe(Effect.mapError(toStoreError))

  const tell: Processes["tell"] = (processes, { calls, from, what }) => {
    if (processes.length === 0) return Effect.void
    const payload = `${calls.join(",")} ${from} ${processes.slice(0, mostTold).join(",")} ${what}`
    return Effect.asVoid(Effect.mapError(sql`SELECT pg_notify(${channel}, ${payload})`, toStoreError))
  }

  const told: Processes["told"] = (process) =>
    isListener(sql)
      ? Effect.mapBoth(Effect.andThen(server.calm, letGo(sql.listen(channel))), {
        onFailure: toStoreError,
        onSuccess: (heard) =>
          Stream.fromQueue(heard).pipe(
            Stream.filterMap(({ payload }) => readTold(process, payload)),
            Stream.interruptWhen(server.moved),
            Stream.mapError(toStoreError)
          )
      })
      : Effect.fail(deaf)

  const now = sql<
    { readonly now: number }
  >`SELECT extract(epoch FROM clock_timestamp())::double precision * 1000 AS now`
    .pipe(Effect.mapBoth({ onFailure: toStoreError, onSuccess: ([row]) => Number(row?.now) }))

  const use: Processes["use"] = (process, lines) =>
    sql`UPDATE ringback_processes SET lines = ${lines} WHERE process = ${process}`.pipe(
      Effect.mapError(toStoreError),
      Effect.asVoid
    )

  const inUse = sql<{ readonly process: string; readonly lines: number }>`SELECT process, lines FROM ringback_processes`
    .pipe(
      Effect.mapBoth({
        onFailure: toStoreError,
        onSuccess: (rows) => new Map(rows.map(({ lines, process }) => [process, Number(lines)]))
      })
    )

  return { join, leave, alive, tell, told, now, use, inUse }
}
