/** Whether a pooler stands between a client and its PostgreSQL that gives each transaction another connection. */
import { Effect } from "effect"
import type { SqlClient, SqlConnection, SqlError } from "effect/sql"

/** What is lost with it, and what to do. */
export const problem =
  "A pooler gives each transaction another connection, and with it goes every advisory lock and LISTEN. " +
  "Connect past it, or let it keep a connection for a session"

/** In this order. A pooler that takes turns over two connections would give each client the same one if these took turns too. */
const order = ["one", "other", "other", "one", "one", "other"] as const

/**
 * Two connections that are held at once are asked which session of the server they are. Each is always the same, and they are not one
 * another, unless something in between lends sessions.
 */
export const isBetween = (sql: SqlClient.SqlClient): Effect.Effect<boolean, SqlError.SqlError> =>
  Effect.scoped(Effect.gen(function*() {
    const [one, other] = yield* Effect.all([sql.reserve, sql.reserve])
    const pid = (connection: SqlConnection.Connection) =>
      Effect.map(
        connection.executeUnprepared("SELECT pg_backend_pid() AS pid", [], undefined),
        (rows) => Number((rows[0] as { readonly pid: number } | undefined)?.pid)
      )
    const seen = { one: new Set<number>(), other: new Set<number>() }
    for (const each of order) seen[each].add(yield* pid(each === "one" ? one : other))
    return seen.one.size > 1 || seen.other.size > 1 || [...seen.one].some((pid) => seen.other.has(pid))
  }))
