import { EventLog } from "@ringback/core"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"

// A report of each day, in tables of the application's own database: how many calls began, and how many ended in which way.

const tables = [
  `CREATE TABLE IF NOT EXISTS daily_report (
    day TEXT NOT NULL, what TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (day, what)
  )`,
  "CREATE TABLE IF NOT EXISTS daily_report_position (position TEXT NOT NULL)"
]

/** What a turn adds to the report. */
const countedIn = ({ turn }: EventLog.Entry): ReadonlyArray<{ readonly day: string; readonly what: string }> =>
  turn.events.flatMap((event) => {
    const day = new Date(event.at).toISOString().slice(0, 10)
    if (event._tag === "CallStarted" || event._tag === "CallArrived") return [{ day, what: "began" }]
    return event._tag === "FlowEnded" ? [{ day, what: event.exit._tag }] : []
  })

/**
 * Builds the report and keeps it up to date, for as long as it runs. What turns add and the position after them are written in
 * one transaction: whenever it is killed, the next run goes on behind the last turn that counts.
 */
export const keep = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const log = yield* EventLog.EventLog
  for (const table of tables) yield* sql.unsafe(table)

  const add = (entries: ReadonlyArray<EventLog.Entry>) =>
    sql.withTransaction(Effect.gen(function*() {
      for (const { day, what } of entries.flatMap(countedIn)) {
        yield* sql`INSERT INTO daily_report (day, what, calls) VALUES (${day}, ${what}, 1)
          ON CONFLICT (day, what) DO UPDATE SET calls = daily_report.calls + 1`
      }
      yield* sql`DELETE FROM daily_report_position`
      yield* sql`INSERT INTO daily_report_position (position) VALUES (${entries.at(-1)!.position})`
    }))

  const [kept] = yield* sql<{ readonly position: EventLog.Position }>`SELECT position FROM daily_report_position`
  yield* Stream.runForEachArray(log.tail({ after: kept?.position }), add)
})

/** The report of a day. */
export const of = Effect.fnUntraced(function*(day: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly what: string; readonly calls: number }>`
    SELECT what, calls FROM daily_report WHERE day = ${day} ORDER BY what`
  return Object.fromEntries(rows.map(({ calls, what }) => [what, Number(calls)]))
})
