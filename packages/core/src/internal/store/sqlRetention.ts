/**
 * Removes calls that are over from a database, in small transactions, while processes append.
 *
 * A call is claimed like a turn: a last one is added that says `pruned`. Of it and of another process that appends, one comes
 * first, and nothing can be appended behind it. In the same transaction all else goes, but the first turn and those that learned of a
 * session, which stay without events: so the id cannot begin again, and the session is found.
 */
import { Clock, DateTime, Duration, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import { type Options, type Pruned, rememberFor, type Retention } from "../../Retention.ts"
import type { StoreError } from "../storeError.ts"
import type { Place } from "./listing.ts"
import type { Dialect } from "./sqlDialect.ts"

/**
 * A transaction removes so many calls at most, and so many turns, unless one call has more: webhooks wait for it where a database has
 * one writer.
 */
const most = { calls: 16, turns: 256 }

interface Over {
  readonly call_id: CallId
  readonly ended: number
  readonly version: number
}

/** What removes calls from a database. */
export const make = (
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  toStoreError: (error: SqlError.SqlError) => StoreError
): Retention["Service"] => {
  /** The last call that goes, in the order in which they ended; `undefined` if none goes. */
  const lastOf = Effect.fnUntraced(function*({ endedBefore, keepAtMost }: Options) {
    const before: Place | undefined = endedBefore === undefined
      ? undefined
      : { time: DateTime.toEpochMillis(endedBefore), callId: "" }
    if (keepAtMost === undefined) return before
    const [row] = yield* sql<Over>`SELECT ended, call_id FROM ringback_listed WHERE ended IS NOT NULL
      ORDER BY ended DESC, call_id DESC LIMIT 1 OFFSET ${Math.max(0, Math.floor(keepAtMost))}`
    const kept = row === undefined ? undefined : { time: row.ended, callId: row.call_id }
    return kept === undefined || (before !== undefined && before.time > kept.time) ? before : kept
  })

  const next = (last: Place, after: Place | undefined) =>
    Effect.map(
      sql<Over>`SELECT listed.call_id, listed.ended, last.version FROM (
          SELECT call_id, ended FROM ringback_listed
          WHERE ended IS NOT NULL AND (ended, call_id) <= (${last.time}, ${last.callId})
            AND (ended, call_id) > (${after?.time ?? -1}, ${after?.callId ?? ""})
          ORDER BY ended, call_id LIMIT ${most.calls}
        ) AS listed ${sql.literal(dialect.joinLast)} ORDER BY listed.ended, listed.call_id`,
      bounded
    )

  const isIn = (calls: ReadonlyArray<CallId>, column = "call_id") => sql.in(column, calls)

  /** Claims those of the calls that are over, and gives them. */
  const claimed = (calls: ReadonlyArray<CallId>, remembered: number) =>
    Effect.map(
      sql<Over>`INSERT INTO ringback_turns
          (call_id, version, flow, flow_version, status, waiting_for, due, at, id, format, events)
        SELECT listed.call_id, last.version + 1, listed.flow, listed.flow_version, 'pruned', '',
          listed.ended + ${remembered}, listed.ended, '', 1, '[]'
        FROM ringback_listed AS listed ${sql.literal(dialect.joinLast)}
        WHERE ${isIn(calls, "listed.call_id")} AND last.status = 'over' ORDER BY listed.call_id
        ON CONFLICT (call_id, version) DO NOTHING RETURNING call_id`.unprepared,
      (rows) => rows.map(({ call_id }) => call_id)
    )

  const strip = Effect.fnUntraced(function*(calls: ReadonlyArray<CallId>) {
    const [counted] = yield* sql<{ readonly turns: number }>`SELECT count(*) AS turns FROM ringback_turns
      WHERE ${isIn(calls)} AND status <> 'pruned'`.unprepared
    yield* sql`DELETE FROM ringback_numbers WHERE (number, started, call_id) IN (
        SELECT ${sql.literal(dialect.number)}, listed.started, turn.call_id
        FROM ringback_turns AS turn JOIN ringback_listed AS listed ON listed.call_id = turn.call_id,
          ${sql.literal(dialect.numbersOfTurn)}
        WHERE ${isIn(calls, "turn.call_id")} AND turn.numbers IS NOT NULL
      )`.unprepared
    yield* sql`DELETE FROM ringback_turns
      WHERE ${isIn(calls)} AND version > 1 AND reference_id IS NULL AND status <> 'pruned'`.unprepared
    yield* sql`UPDATE ringback_turns SET status = 'pruned', events = '[]', id = '', waiting_for = '', due = NULL,
        dial_from = NULL, process = NULL, facts = NULL, numbers = NULL
      WHERE ${isIn(calls)} AND status <> 'pruned'`.unprepared
    yield* sql`DELETE FROM ringback_listed WHERE ${isIn(calls)}`.unprepared
    yield* sql`DELETE FROM ringback_unfinished WHERE ${isIn(calls)}`.unprepared
    return Number(counted?.turns ?? 0)
  })

  const remove = (calls: ReadonlyArray<CallId>, remembered: number) =>
    sql.withTransaction(Effect.gen(function*() {
      const going = yield* claimed(calls, remembered)
      return { calls: going.length, turns: going.length === 0 ? 0 : yield* strip(going) }
    }))

  /** Forgets calls whose time is over. On SQLite the last row stays, for its position must not be given again. */
  const forget = Effect.fnUntraced(function*(now: number) {
    const isLast = dialect.isShared ? "true" : "position < (SELECT max(position) FROM ringback_turns)"
    let forgotten = 0
    while (true) {
      const rows = yield* sql<Over>`SELECT call_id FROM ringback_turns
        WHERE status = 'pruned' AND due IS NOT NULL AND due <= ${now} AND ${sql.literal(isLast)}
        ORDER BY due LIMIT ${most.calls}`
      const calls = rows.map(({ call_id }) => call_id)
      if (calls.length === 0) return forgotten
      const known = sql`SELECT reference_id FROM ringback_turns WHERE ${isIn(calls)} AND reference_id IS NOT NULL`
      yield* sql.withTransaction(Effect.andThen(
        dialect.isShared
          ? Effect.void
          : sql`DELETE FROM ringback_references WHERE reference_id IN (${known}) AND ${isIn(calls)}`.unprepared,
        sql`DELETE FROM ringback_turns WHERE ${isIn(calls)} AND status = 'pruned'`.unprepared
      ))
      forgotten += calls.length
      yield* Effect.yieldNow
    }
  })

  /** Removes the calls up to the last one that goes. */
  const removeUntil = Effect.fnUntraced(function*(last: Place, remembered: number) {
    let [calls, turns] = [0, 0]
    let after: Place | undefined
    while (true) {
      const going: ReadonlyArray<Over> = yield* next(last, after)
      const end = going.at(-1)
      if (end === undefined) return { calls, turns }
      const gone = yield* remove(going.map(({ call_id }) => call_id), remembered)
      calls += gone.calls
      turns += gone.turns
      after = { time: end.ended, callId: end.call_id }
      yield* Effect.yieldNow // Who waits for the database comes first.
    }
  })

  const prune = Effect.fn("Retention.prune")(function*(options: Options) {
    const remembered = Duration.toMillis(Duration.fromInputUnsafe(options.rememberFor ?? rememberFor))
    const last = yield* lastOf(options)
    const removed = last === undefined ? { calls: 0, turns: 0 } : yield* removeUntil(last, remembered)
    const forgotten = yield* forget(yield* Clock.currentTimeMillis)
    return { ...removed, forgotten } satisfies Pruned
  }, Effect.mapError(toStoreError))

  return { prune }
}

/** The first of them, not too many turns in all, and one at least. */
const bounded = (all: ReadonlyArray<Over>): ReadonlyArray<Over> => {
  let turns = 0
  const end = all.findIndex(({ version }, index) => (turns += Number(version)) > most.turns && index > 0)
  return end === -1 ? all : all.slice(0, end)
}
