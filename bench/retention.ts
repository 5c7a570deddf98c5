/**
 * `npm run bench -- retention`: lists of calls at a hundred and at a million, pruning beside an engine that answers webhooks, and
 * what a call takes on disk. `--calls 1000000 --store sqlite` or `postgres`.
 *
 * The calls that are listed have three small turns each; those whose size is told are whole conversations.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { type CallEvent, CallIndex, PhoneNumber, Retention, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { DateTime, Effect, Fiber, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as EmbeddedPostgres from "../scripts/embeddedPostgres.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import * as Seed from "./seed.ts"
import * as Application from "./turns/application.ts"
import { turnsOf } from "./turns/conversation.ts"

const { values } = parseArgs({
  options: { calls: { type: "string", default: "1000000" }, store: { type: "string", default: "sqlite" } }
})
const many = positive("calls", values.calls)
const isShared = values.store === "postgres"
const folder = mkdtempSync(join(tmpdir(), "ringback-retention-"))
const server = isShared ? await EmbeddedPostgres.start({ fsync: "on" }) : undefined

/** A place for tables of its own. */
const placeOf = (name: string): string => {
  if (server === undefined) return join(folder, `${name}.db`)
  const url = new URL(server.url)
  url.searchParams.set("options", `-c search_path=${name}`)
  return url.href.replaceAll("+", "%20")
}

const clientOf = (place: string) =>
  isShared ? PgClient.layer({ url: Redacted.make(place) }) : SqliteClient.layer({ filename: place })

const key = Layer.orDie(CallIndex.layerNumbersKey(Redacted.make("a key for measurements")))
const storeOf = (place: string) => SqlEventStore.layer.pipe(Layer.provide(key), Layer.provideMerge(clientOf(place)))

const makeSchema = (name: string) =>
  server === undefined ? Effect.void : Effect.provide(
    Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`CREATE SCHEMA ${name}`)),
    clientOf(server.url)
  )

// Many small calls

const start = 1_780_000_000_000
const apart = 20_000
const text = isShared ? "::text" : ""
const id = (n: string) => isShared ? `'c' || lpad(${n}${text}, 19, '0')` : `'c' || printf('%019d', ${n})`

/** One call in a hundred fails, one in a thousand runs; there are four flows, one of them rare, and each has two versions. */
const insertOf = (version: number, count: number): string => {
  const numbers = isShared
    ? `generate_series(1, ${count}) AS g(n)`
    : `(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < ${count}) SELECT n FROM g) AS g`
  const flow =
    "CASE WHEN n % 10000 = 5 THEN 'rare' WHEN n % 3 = 0 THEN 'survey' WHEN n % 3 = 1 THEN 'reminder' ELSE 'alert' END"
  const outcome = "CASE WHEN n % 100 = 7 THEN 2 ELSE 1 END"
  const facts = [0, outcome, "0"][version - 1]
  const events = [
    `[{"_tag":"CallStarted","flow":"f","version":1,"input":{},"at":${start}}]`,
    `[{"_tag":"FlowEnded","exit":{"_tag":"Success","value":"1"},"at":${start}}]`,
    `[{"_tag":"CallEnded","line":1,"referenceId":"r","content":"","at":${start}}]`
  ][version - 1]
  const where = version === 1 ? "true" : "n % 1000 <> 3"
  return `INSERT INTO ringback_turns
      (call_id, version, flow, flow_version, status, waiting_for, due, at, id, reference_id, format, events, facts, numbers)
    SELECT ${id("n")}, ${version}, ${flow}, 1 + n % 2, '${version === 3 ? "over" : "running"}', 'an answer',
      ${version === 3 ? "NULL" : `${start}.0 + n * ${apart}.0 + 60000`}, ${start}.0 + n * ${apart}.0 + ${
    version * 1000
  }, 'p-' || n${text},
      ${version === 2 ? `'session ' || n${text}` : "NULL"}, 1, '${events}', ${facts}, NULL
    FROM ${numbers} WHERE ${where}`
}

const plant = (count: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    for (const version of [1, 2, 3]) yield* sql.unsafe(insertOf(version, count))
    if (!isShared) return
    yield* SqlEventStore.rebuild
    yield* sql`VACUUM ANALYZE`
  })

const median = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0

const timed = Effect.fnUntraced(function*<A, E, R>(times: number, work: Effect.Effect<A, E, R>) {
  const taken: Array<number> = []
  for (let n = 0; n < times; n++) {
    const since = performance.now()
    yield* work
    taken.push(performance.now() - since)
  }
  return median(taken)
})

const lists = (count: number): ReadonlyArray<readonly [name: string, filter: CallIndex.Filter]> => {
  const middle = start + Math.floor(count / 2) * apart
  return [
    ["all, newest first", {}],
    ["all, from the middle", { startedBefore: middle }],
    ["one flow", { flow: "survey" }],
    ["a rare flow", { flow: "rare" }],
    ["one version of all", { flowVersion: 2 }],
    ["running", { status: "running" }],
    ["failed (1 %)", { outcome: "Failure" }],
    ["failed, of one flow", { flow: "survey", outcome: "Failure" }],
    ["failed, before the middle", { outcome: "Failure", startedBefore: middle }],
    ["ended in a span", { endedFrom: middle, endedBefore: middle + 1000 * apart }],
    ["due", { dueBefore: start + count * apart }],
    ["by key", { key: "order 7" }],
    ["by number", { number: PhoneNumber.make("15550170001") }]
  ]
}

const measureLists = (count: number) =>
  Effect.gen(function*() {
    yield* plant(count)
    const index = yield* CallIndex.CallIndex
    const figures = new Map<string, number>()
    for (const [name, filter] of lists(count)) figures.set(name, yield* timed(21, index.list(filter)))
    figures.set("counts of all", yield* timed(5, index.counts()))
    figures.set("counts of one flow", yield* timed(5, index.counts({ flow: "survey" })))
    yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM ringback_unfinished`) // no engine knows these flows
    return figures
  })

// Pruning beside an engine

const conversations = (isOver: () => boolean, latencies: Array<number>) =>
  Effect.gen(function*() {
    while (!isOver()) {
      const externalId = yield* Seed.startRinging(Application.Conversation)
      for (const { body } of turnsOf(externalId)) {
        const since = performance.now()
        yield* Seed.receive(body)
        latencies.push(performance.now() - since)
      }
    }
  })

const words = (latencies: ReadonlyArray<number>): string => {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2)
  return `${latencies.length} webhooks, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.9999)} ms`
}

const measurePruning = (count: number) =>
  Effect.gen(function*() {
    const alone: Array<number> = []
    const since = performance.now()
    yield* conversations(() => performance.now() - since > 5000, alone)
    const beside: Array<number> = []
    let isOver = false
    const webhooks = yield* Effect.forkChild(conversations(() => isOver, beside))
    const begun = performance.now()
    const retention = yield* Retention.Retention
    const pruned = yield* retention.prune({ endedBefore: DateTime.makeUnsafe(start + Math.floor(count / 10) * apart) })
    const seconds = (performance.now() - begun) / 1000
    isOver = true
    yield* Fiber.join(webhooks)
    console.log(`without pruning: ${words(alone)}`)
    console.log(`while pruning:   ${words(beside)}`)
    console.log(`pruned ${pruned.calls} calls (${pruned.turns} turns) in ${seconds.toFixed(1)} s\n`)
  })

// What a call takes

const tablesOf = (kind: "turns" | "lists"): string =>
  kind === "turns" ? "tbl_name = 'ringback_turns'" : "tbl_name IN ('ringback_listed', 'ringback_numbers')"

const bytes = (kind: "turns" | "lists") =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    if (isShared) {
      const tables = kind === "turns" ? ["ringback_turns"] : ["ringback_listed", "ringback_numbers"]
      const sizes = yield* Effect.forEach(tables, (table) =>
        sql<{ readonly bytes: bigint }>`SELECT pg_total_relation_size(${table}::regclass) AS bytes`)
      return sizes.flat().reduce((sum, row) =>
        sum + Number(row.bytes), 0)
    }
    const [row] = yield* sql.unsafe<{ readonly bytes: number }>(
      `SELECT sum(pgsize) AS bytes FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE ${tablesOf(kind)})`
    )
    return row?.bytes ?? 0
  })

const whole = 5000

const measureBytes = (history: Seed.History) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const original = String(history[0]!["call_id"])
    const columns = Object.keys(history[0]!).filter((column) => column !== "position")
    yield* sql.withTransaction(Effect.forEach(Array.from({ length: whole }, (_, n) => n), (n) => {
      const own = `d${String(n).padStart(19, "0")}` as CallEvent.CallId
      return Effect.forEach(history, (row) =>
        sql`INSERT INTO ringback_turns ${
          sql.insert(Object.fromEntries(columns.map((column) => {
            const value = row[column]
            return [column, typeof value === "string" ? value.replaceAll(original, own) : value]
          })))
        }`, { discard: true })
    }, { discard: true }))
    if (isShared) {
      yield* SqlEventStore.rebuild
    }
    const [turns, listed] = [yield* bytes("turns"), yield* bytes("lists")]
    const retention = yield* Retention.Retention
    yield* retention.prune({ keepAtMost: 0 })
    yield* sql.unsafe(isShared ? "VACUUM FULL" : "VACUUM")
    const left = (yield* bytes("turns")) + (yield* bytes("lists"))
    const each = (all: number) =>
      Math.round(all / whole).toLocaleString("en")
    console.log(
      `a conversation of ${history.length} turns and ${Seed.eventsOf(history)} events takes ${
        each(turns + listed)
      } bytes, ` +
        `${each(listed)} of them for lists; pruned ${each(left)} bytes`
    )
  })

printMachine()
const run = <A, E>(effect: Effect.Effect<A, E, never>) => Effect.runPromise(effect)
const few = 100
const measured: Array<ReadonlyMap<string, number>> = []
for (const count of [few, many]) {
  await run(makeSchema(`n${count}`))
  measured.push(await run(Effect.provide(measureLists(count), storeOf(placeOf(`n${count}`)))))
}
console.log(`${values.store}, a page of 50 calls, median of 21, in milliseconds`)
for (const [name, millis] of measured[0]!) {
  const other = measured[1]!.get(name) ?? 0
  console.log(`${name.padEnd(28)}${few}: ${millis.toFixed(2).padStart(8)}   ${many}: ${other.toFixed(2).padStart(8)}`)
}
console.log("")
const full = placeOf(`n${many}`)
await run(Effect.provide(measurePruning(many), Application.calls(full)) as Effect.Effect<void, unknown>)
const history = await Seed.finished()
await run(makeSchema("whole"))
await run(Effect.provide(measureBytes(history), storeOf(placeOf("whole"))))
await server?.stop()
rmSync(folder, { recursive: true, force: true })
