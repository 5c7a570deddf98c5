/** What is known of calls without reading their turns. */
import { Array as Arr, Effect, Option } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import type { EventStore, Summary } from "../../EventStore.ts"
import * as Dialect from "./sqlDialect.ts"
import { storeError } from "./sqlFailure.ts"

type Reads = Pick<EventStore["Service"], "find" | "due" | "orphans" | "summary" | "summaries">

/** From the tables of a client. */
export const make = (sql: SqlClient.SqlClient): Reads => ({
  find: (referenceId) =>
    sql<CallRow>`SELECT call_id FROM ringback_references WHERE reference_id = ${Dialect.escape(referenceId)}`.pipe(
      rowsAs(([row]) => Option.fromNullishOr(row?.call_id))
    ),
  due: ({ before, limit }) =>
    sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_running
      WHERE due_from <= ${before} AND due <= ${before} ORDER BY due, call_id
      LIMIT ${limit ?? Number.MAX_SAFE_INTEGER}`.pipe(
      rowsAs((rows) => rows.map(toSummary))
    ),
  orphans: (alive) =>
    sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_running
      WHERE process IS NOT NULL ${noneOf(sql, alive)} ORDER BY call_id`.unprepared.pipe(
      rowsAs((rows) => rows.map(toSummary))
    ),
  summary: (callId) =>
    sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_calls WHERE call_id = ${callId}`.pipe(
      rowsAs(([row]) => Option.map(Option.fromNullishOr(row), toSummary))
    ),
  summaries: (callIds) =>
    Effect.map(
      Effect.forEach(Arr.chunksOf(callIds, 1000), (some) =>
        sql<SummaryRow>`SELECT ${summaryColumns(sql)} FROM ringback_calls
          WHERE ${sql.in("call_id", some)}`.unprepared.pipe(rowsAs((rows) =>
          rows.map(toSummary)
        ))),
      (found) => found.flat()
    )
})

export interface CallRow {
  readonly call_id: CallId
}

interface SummaryRow extends CallRow {
  readonly version: number
  readonly flow: string
  readonly flow_version: number
  readonly status: Summary["status"]
  readonly waiting_for: string
  readonly due: number | null
  readonly process: string | null
  readonly at: number
  readonly dial_from: number | null
}

const noneOf = (sql: SqlClient.SqlClient, processes: ReadonlySet<string>) =>
  processes.size === 0 ? sql.literal("") : sql`AND NOT ${sql.in("process", [...processes])}`

const summaryColumns = (sql: SqlClient.SqlClient) => sql.literal(Dialect.summaryColumns.join(", "))

// Databases may give integers as `bigint`, hence `Number`.

const toSummary = (row: SummaryRow): Summary => ({
  callId: row.call_id,
  version: Number(row.version),
  flow: Dialect.unescape(row.flow),
  flowVersion: Number(row.flow_version),
  status: row.status,
  waitingFor: Dialect.unescape(row.waiting_for),
  due: row.due,
  ...(row.dial_from === null ? {} : { dialFrom: row.dial_from }),
  process: row.process,
  at: row.at
})

const rowsAs = <A, B>(f: (rows: ReadonlyArray<A>) => B) =>
  Effect.mapBoth({ onFailure: (error: SqlError.SqlError) => storeError("read", error), onSuccess: f })
