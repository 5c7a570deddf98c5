/** What calls are listed by, read anew from their turns. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { fromStored, type StoredTurn, type Summary } from "../../EventStore.ts"
import * as Listing from "./listing.ts"
import { factsColumns } from "./sqlAppending.ts"
import type { CallRow } from "./sqlCalls.ts"
import { storeError } from "./sqlFailure.ts"
import * as SqlLog from "./sqlLog.ts"

/** So many turns are read at once. */
const rebuiltAtOnce = 500

interface FactsRow extends StoredTurn, CallRow {
  readonly status: Summary["status"]
}

/** Writes the facts of all turns that may have some, by their events. Turns never change, so nobody has to wait for that. */
export const read = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, hash: Listing.Hash | undefined) {
  const failed = (error: SqlError.SqlError) => storeError("write", error)
  const isNamed = sql.literal(
    [...Listing.marks.map((mark) => `events LIKE '%${mark}%'`), "version = 1", "status = 'over'"].join(" OR ")
  )
  let [callId, version] = ["", 0]
  while (true) {
    const rows = yield* Effect.mapError(
      sql<FactsRow>`SELECT call_id, status, id, version, at, format, events FROM ringback_turns
        WHERE (call_id, version) > (${callId}, ${version}) AND status <> 'pruned' AND (${isNamed})
        ORDER BY call_id, version LIMIT ${rebuiltAtOnce}`,
      failed
    )
    const last = rows.at(-1)
    if (last === undefined) return
    const written = yield* Effect.forEach(
      rows,
      (row) =>
        Effect.map(fromStored(row.call_id, [SqlLog.toStoredTurn(row)]), ([turn]) => {
          const facts = Listing.factsOf(turn!, row.status, hash)
          const [state, numbers] = factsColumns(facts)
          return sql`UPDATE ringback_turns SET facts = ${state}, numbers = ${numbers}
          WHERE call_id = ${row.call_id} AND version = ${Number(row.version)} AND status <> 'pruned'
            AND (facts IS DISTINCT FROM ${state} OR numbers IS DISTINCT FROM ${numbers})`
        })
    )
    yield* Effect.mapError(sql.withTransaction(Effect.forEach(written, (one) => one, { discard: true })), failed)
    callId = last.call_id
    version = Number(last.version)
  }
})
