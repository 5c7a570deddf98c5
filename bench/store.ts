// How many turns a second `SqlEventStore` makes durable, beside `node:sqlite` with the same tables and one insert of many
// rows per commit. Each caller holds one call of 20 turns after the other, and ids begin with the time, as they do in
// practice. Run: npm run bench -- store [folder]
import { CallEvent, EventStore, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "ringback-bench-"))
let files = 0
const newFile = () => join(folder, `${++files}.db`)
const store = (filename: string) => SqlEventStore.layer.pipe(Layer.provide(SqliteClient.layer({ filename })))

/** The id of a call that begins at a time. */
const callIdAt = (time: number) =>
  CallEvent.CallId.make(`${String(time).padStart(9, "0")}${Math.random().toFixed(20).slice(2, 13)}`)

/** The turns of a caller: `count` in all, 20 in each call. Callers begin at different places of their first call. */
const turnsOf = (caller: number, count: number) => {
  const turns: Array<{ readonly callId: CallEvent.CallId; readonly version: number }> = []
  let callId = callIdAt(0)
  for (let version = 1, left = 1 + caller % 20; turns.length < count; version++, left--) {
    if (left === 0) [callId, version, left] = [callIdAt(turns.length), 1, 20]
    turns.push({ callId, version })
  }
  return turns
}

const at = 1_750_000_000_000
const events: ReadonlyArray<CallEvent.CallEvent> = [
  { _tag: "PromptCompleted", at, line: 1, n: 3, digits: "1", content: `["speak_completed",null,"1",null,null,null]` },
  { _tag: "ActionDecided", at, n: 4, line: 1, action: { _tag: "Speak", text: "See you then." } }
]

/** Callers that append one turn after the other. */
const appends = (callers: number, count: number) =>
  Effect.gen(function*() {
    const store = yield* EventStore.EventStore
    const all = Array.from({ length: callers }, (_, caller) => turnsOf(caller, count))
    const appendAll = Effect.fnUntraced(function*(turns: ReturnType<typeof turnsOf>) {
      for (const { callId, version } of turns) {
        yield* store.append({ id: `${callId}/${version}`, callId, version, at: at + version, events }, {
          callId,
          version,
          flow: "appointment-reminder",
          flowVersion: 1,
          status: "running",
          waitingFor: "an answer to a prompt",
          due: at + version,
          process: null,
          at: at + version
        })
      }
    })
    return yield* timed(callers * count, Effect.forEach(all, appendAll, { concurrency: "unbounded", discard: true }))
  }).pipe(Effect.provide(store(newFile())))

/** The same rows, written by one statement for each round of the callers. */
const bare = Effect.fnUntraced(function*(callers: number, count: number) {
  const filename = newFile()
  yield* Effect.scoped(Layer.build(store(filename))) // makes the tables
  const database = new DatabaseSync(filename)
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  const row = "(?, ?, 'appointment-reminder', 1, 'running', 'an answer to a prompt', ?, ?, ?, ?)"
  const insert = database.prepare(
    `INSERT INTO ringback_turns
      (call_id, version, flow, flow_version, status, waiting_for, due, id, at, events)
    VALUES ${Array.from({ length: callers }, () => row).join(", ")}`
  )
  const all = Array.from({ length: callers }, (_, caller) => turnsOf(caller, count))
  const write = Effect.sync(() => {
    for (let round = 0; round < count; round++) {
      insert.run(...all.flatMap((turns) => {
        const { callId, version } = turns[round]!
        return [callId, version, at + version, `${callId}/${version}`, at + version, JSON.stringify(events)]
      }))
    }
  })
  const rate = yield* timed(callers * count, write)
  database.close()
  return rate
})

interface Rate {
  readonly perSecond: number
  readonly cpuMicros: number
}

/** Rates by the clock, and by the processor time of this process, which others on the machine disturb less. */
const timed = Effect.fnUntraced(function*<A, E, R>(count: number, work: Effect.Effect<A, E, R>) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  yield* work
  const perSecond = count / (performance.now() - start) * 1000
  const { system, user } = process.cpuUsage(cpu)
  return { perSecond, cpuMicros: (user + system) / count }
})

const shown = (rates: ReadonlyArray<Rate>) => {
  const best = Math.max(...rates.map((rate) => rate.perSecond))
  const cpu = Math.min(...rates.map((rate) => rate.cpuMicros))
  return `${best.toFixed(0).padStart(7)}/s ${cpu.toFixed(1).padStart(6)} us cpu`
}

const main = Effect.gen(function*() {
  console.log("callers      SqlEventStore                 node:sqlite      (best of 5)")
  for (const [callers, count] of [[1, 2000], [32, 1000], [64, 500], [256, 200]] as const) {
    const ours: Array<Rate> = []
    const theirs: Array<Rate> = []
    for (let n = 0; n < 5; n++) {
      ours.push(yield* appends(callers, count))
      theirs.push(yield* bare(callers, count))
    }
    console.log(`${String(callers).padStart(7)}  ${shown(ours)}   ${shown(theirs)}`)
  }
})

await Effect.runPromise(main).finally(() => rmSync(folder, { recursive: true }))
