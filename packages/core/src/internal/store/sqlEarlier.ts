/**
 * Lists calls from before there were lists, on PostgreSQL: in pieces, after the store has opened, so that nobody waits until all turns
 * were read. `listing` in `ringback_meta` is the last call of those that are listed; it goes when all are.
 */
import { Clock, Effect } from "effect"
import type { Scope } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import { listEarlier } from "./sqlDialect.ts"

/** So many calls are listed by one transaction. */
const atOnce = 500

/** Some are listed before the store opens: most databases have no more. */
const piecesAtFirst = 2

/** How soon is looked again whether another process that does it has come to its end, or a database that failed works again. */
const pause = 10_000

/** How long it may take before it is told, and until it is told how far it has come, in milliseconds. */
const tells = { first: 1_000, next: 30_000 }

/** What came of an attempt: how many calls were listed, that there are no more, or that another process is at it. */
type Piece = number | "done" | "elsewhere"

interface Row {
  readonly call_id: CallId
}

/** Lists the next calls. */
const piece = (sql: SqlClient.SqlClient): Effect.Effect<Piece, SqlError.SqlError> => {
  const mark = sql`FROM ringback_meta WHERE name = 'listing'`
  const next = Effect.gen(function*() {
    const [last] = yield* sql<{ readonly value: string }>`SELECT value ${mark} FOR UPDATE SKIP LOCKED`
    if (last === undefined) return (yield* sql`SELECT 1 ${mark}`).length === 0 ? "done" : "elsewhere"
    const calls = yield* sql<Row>`SELECT call_id FROM ringback_turns WHERE call_id > ${last.value} AND version = 1
      ORDER BY call_id LIMIT ${atOnce}`
    const ids = calls.map(({ call_id }) => call_id)
    const end = ids.at(-1)
    if (end === undefined) return yield* Effect.as(sql`DELETE ${mark}`, "done" as const)
    yield* listSome(sql, ids)
    yield* sql`UPDATE ringback_meta SET value = ${end} WHERE name = 'listing'`
    return ids.length
  })
  return sql.withTransaction(next)
}

/**
 * Lists calls, of which processes may append to some meanwhile. What they list themselves is locked first, and then made of all that is
 * stored by then; who appends to one that is listed here waits for it, and changes that.
 */
const listSome = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, ids: ReadonlyArray<CallId>) {
  const list = (some: ReadonlyArray<CallId>) =>
    sql<Row>`${sql.literal(listEarlier)} AND ${sql.in("listed.call_id", some)} ORDER BY listed.call_id
      ON CONFLICT (call_id) DO NOTHING RETURNING call_id`.unprepared
  const listed = new Set((yield* list(ids)).map(({ call_id }) => call_id))
  const others = ids.filter((id) => !listed.has(id))
  if (others.length === 0) return
  const isOther = sql.in("call_id", others)
  yield* sql`SELECT call_id FROM ringback_listed WHERE ${isOther} ORDER BY call_id FOR UPDATE`.unprepared
  yield* sql`DELETE FROM ringback_listed WHERE ${isOther}`.unprepared
  yield* list(others)
})

/** Lists what is left, and says so if that takes long. */
const listRest = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const begun = yield* Clock.currentTimeMillis
  let [count, told] = [0, begun + tells.first - tells.next]
  while (true) {
    const listed: Piece = yield* Effect.catch(piece(sql), (error) =>
      Effect.as(
        Effect.logWarning(`Calls of an earlier release could not be listed, which is tried again: ${error.message}`),
        "elsewhere" as const
      ))
    if (listed === "done") break
    if (listed === "elsewhere") yield* Effect.sleep(pause)
    else count += listed
    const now = yield* Clock.currentTimeMillis
    if (now - told < tells.next) continue
    told = now
    yield* Effect.logInfo(
      `Calls of an earlier release are listed in the background, ${count} so far: lists and counts lack the others until then`
    )
  }
  if (told > begun) yield* Effect.logInfo(`All calls of an earlier release are listed, ${count} here`)
})

/** Lists the first of them, and goes on beside whatever else is done until the scope closes. */
export const list = (sql: SqlClient.SqlClient): Effect.Effect<void, SqlError.SqlError, Scope.Scope> =>
  Effect.gen(function*() {
    for (let pieces = 0; pieces < piecesAtFirst; pieces++) {
      const listed = yield* piece(sql)
      if (listed === "done") return
      if (listed === "elsewhere") break
    }
    yield* Effect.forkScoped(listRest(sql))
  })
