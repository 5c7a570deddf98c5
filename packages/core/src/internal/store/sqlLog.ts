/** The order of all turns in a database. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import type { Entry, Position } from "../../EventLog.ts"
import type { StoreError } from "../storeError.ts"
import { fromStored, type StoredTurn, type Summary } from "../turn.ts"
import { ahead, type Source } from "./reading.ts"
import * as Dialect from "./sqlDialect.ts"

interface Row extends StoredTurn {
  readonly call_id: CallId
  readonly position: number | bigint
  readonly begun: number | bigint
}

/** A place in the order: on SQLite all turns have begun with 0. */
interface Place {
  readonly begun: string
  readonly position: string
}

const placeOf = (position: Position | undefined): Place => {
  const [first = "0", second] = (position ?? "").split(".")
  return second === undefined ? { begun: "0", position: first || "0" } : { begun: first, position: second }
}

/** The last number that a database counts to: what is beyond it is the place of no turn. */
const last = 2n ** 63n - 1n

const isBeyond = (after: Position | undefined): boolean => {
  const { begun, position } = placeOf(after)
  return BigInt(begun) > last || BigInt(position) > last
}

/** A turn as it is in its row. */
export const toStoredTurn = (row: StoredTurn): StoredTurn => ({
  id: Dialect.unescape(row.id),
  version: Number(row.version),
  at: row.at,
  format: Number(row.format),
  events: row.events
})

/** The turns of a database. `isWritten` tells whether its own process writes it, and nobody else. */
export const make = (
  sql: SqlClient.SqlClient,
  dialect: Dialect.Dialect,
  isWritten: boolean,
  toStoreError: (error: SqlError.SqlError) => StoreError
): Source => {
  const isAfter = (after: Position | undefined) => {
    const { begun, position } = placeOf(after)
    return dialect.isShared
      ? sql`(begun, position) > (${begun}::bigint, ${position}::bigint)`
      : sql`position > ${Number(position)}`
  }
  const [columns, order, newest, complete, end] = [
    dialect.isShared ? "begun, position" : "0 AS begun, position",
    dialect.isShared ? "begun, position" : "position",
    dialect.isShared ? "begun DESC, position DESC" : "position DESC",
    dialect.isShared ? `begun < ${Dialect.oldestOpen}` : "true",
    dialect.isShared ? `(${Dialect.nextBegun}, 0)` : "(0, (SELECT max(position) FROM ringback_turns) + 1)"
  ].map((text) => sql.literal(text))

  const positionOf = ({ begun, position }: Pick<Row, "begun" | "position">): Position =>
    (dialect.isShared ? `${begun}.${position}` : `${position}`) as Position

  const toEntry = (row: Row): Effect.Effect<Entry, StoreError> =>
    Effect.map(
      fromStored(row.call_id, [toStoredTurn(row)]),
      ([turn]) => ({ position: positionOf(row), turn: turn! })
    )

  const checked = Effect.fnUntraced(function*(after: Position) {
    const { begun, position } = placeOf(after)
    const [row] = dialect.isShared
      ? yield* sql`SELECT 1 WHERE (${begun}::bigint, ${position}::bigint) < ${end!}`
      : yield* sql`SELECT 1 WHERE ${Number(position)} < coalesce((SELECT max(position) FROM ringback_turns), 0) + 1`
    return row !== undefined
  }, Effect.mapError(toStoreError))

  return {
    isShared: dialect.isShared || !isWritten,
    read: Effect.fnUntraced(function*(after, limit) {
      if (isBeyond(after)) return yield* ahead
      const rows = yield* Effect.mapError(
        sql<Row>`SELECT call_id, ${columns!}, id, version, at, format, events FROM ringback_turns
          WHERE ${isAfter(after)} AND ${complete!} AND status <> 'pruned' ORDER BY ${order!} LIMIT ${limit}`,
        toStoreError
      )
      if (rows.length === 0 && after !== undefined && !(yield* checked(after))) return yield* ahead
      return yield* Effect.forEach(rows, toEntry)
    }),
    last: Effect.mapBoth(
      sql<Row>`SELECT ${columns!} FROM ringback_turns
        WHERE ${complete!} AND status <> 'pruned' ORDER BY ${newest!} LIMIT 1`,
      { onFailure: toStoreError, onSuccess: ([row]) => row === undefined ? undefined : positionOf(row) }
    ),
    turns: (callId, after, limit) =>
      Effect.flatMap(
        Effect.mapError(
          sql<StoredTurn>`SELECT id, version, at, format, events FROM ringback_turns
            WHERE call_id = ${callId} AND version > ${after} AND status <> 'pruned' ORDER BY version LIMIT ${limit}`,
          toStoreError
        ),
        (rows) => fromStored(callId, rows.map(toStoredTurn))
      ),
    status: (callId) =>
      Effect.mapBoth(
        sql<Pick<Summary, "status">>`SELECT status FROM ringback_calls WHERE call_id = ${callId}`,
        { onFailure: toStoreError, onSuccess: ([row]) => row?.status }
      )
  }
}
