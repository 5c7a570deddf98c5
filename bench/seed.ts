/** Fills a SQLite database with calls that are over: one is held for real, and its rows are copied under other ids. */
import { Calls, type EventStore } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Effect, Layer, Option, Result, Schedule } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Application from "./turns/application.ts"
import { turnsOf } from "./turns/conversation.ts"

/** The rows of the turns of one call. */
export type History = ReadonlyArray<Record<string, string | number | null>>

/** Starts a call that rings, and gives its id and the `external_id` of its dial. */
export const startRinging = (flow: typeof Application.Conversation | typeof Application.Interview) =>
  Effect.gen(function*() {
    const engine = yield* Calls.Calls
    const { id } = yield* engine.start(flow as typeof Application.Conversation, {})
    const isRinging = Effect.map(engine.get(id), Option.exists((call) => call.lines[0]?.referenceId !== undefined))
    yield* Effect.repeat(isRinging, { until: (rings) => rings, schedule: Schedule.spaced("5 millis") })
    return Option.getOrThrow(yield* engine.get(id)).lines[0]?.externalId ?? ""
  })

/** Hands a webhook to the engine, without HTTP, and says that the answer was delivered. */
export const receive = (body: string) =>
  Effect.gen(function*() {
    const engine = yield* Calls.Calls
    const reply = yield* engine.receive(Result.getOrThrow(TelesignWire.decodeWebhook(JSON.parse(body))))
    yield* reply.sent(true)
  })

/** Does something with calls on a database of its own, and gives the rows that it left. */
const record = async <A, E>(work: Effect.Effect<A, E, Calls.Calls | EventStore.EventStore>): Promise<History> => {
  const folder = mkdtempSync(join(tmpdir(), "ringback-seed-"))
  const file = join(folder, "calls.db")
  await Effect.runPromise(Effect.provide(work, Application.calls(file)))
  const database = new DatabaseSync(file)
  const rows = database.prepare("SELECT * FROM ringback_turns ORDER BY version").all() as unknown as History
  database.close()
  rmSync(folder, { recursive: true })
  return rows
}

/** A conversation that is over. */
export const finished = () =>
  record(Effect.gen(function*() {
    const externalId = yield* startRinging(Application.Conversation)
    for (const { body } of turnsOf(externalId)) yield* receive(body)
  }))

/** How many events a history has. */
export const eventsOf = (history: History): number =>
  history.reduce((total, row) => total + JSON.parse(String(row.events)).length, 0)

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

let planted = 0

/** Ids that are as long as those of real calls, and neighbours like those of calls that begin one after another. */
const nextId = (): string => {
  let rest = ++planted
  let text = ""
  while (text.length < 9) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text + Array.from({ length: 11 }, () => alphabet[Math.floor(Math.random() * 32)]).join("")
}

/** Makes the tables in a file, and copies a history into them so many times. */
export const plant = async (file: string, history: History, count: number): Promise<void> => {
  await Effect.runPromise(Effect.scoped(Layer.build(Application.store(file))))
  const database = new DatabaseSync(file)
  const columns = Object.keys(history[0]!).filter((column) => column !== "position")
  const insert = database.prepare(
    `INSERT INTO ringback_turns (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`
  )
  const original = String(history[0]!.call_id)
  database.exec("PRAGMA synchronous = OFF; BEGIN")
  for (let n = 0; n < count; n++) {
    const id = nextId()
    const renamed = (value: string | number | null | undefined) =>
      typeof value === "string" ? value.replaceAll(original, id) : value ?? null
    for (const row of history) insert.run(...columns.map((column) => renamed(row[column])))
  }
  database.exec("COMMIT")
  database.close()
}
