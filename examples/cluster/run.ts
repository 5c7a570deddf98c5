/**
 * Three machines over one PostgreSQL and an emulated Telesign, and what happens to machines. Then each call is looked up in the log, and
 * each ring in the record of the carrier.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { type CallEvent, PhoneNumber, SqlEventStore } from "@ringback/core"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Effect, Layer, Redacted } from "effect"
import * as Deeds from "./deeds.ts"
import * as Fleet from "./fleet.ts"
import * as Load from "./load.ts"
import * as Rows from "./rows.ts"

/** How much happens. */
export interface Options {
  /** Of the database. */
  readonly url: string
  readonly calls: number
  /** How long one machine is frozen, in seconds. Its shards wait 15 for it. */
  readonly frozen: number
}

/** The carrier: everybody answers after a while and presses 1. An event that is not answered in time is posted again. */
export const carrier = TelesignEmulator.layer({
  callee: Callee.answers("3 seconds").hears(/press 1/i).presses("1"),
  replies: { timeout: "4 seconds", askAgainAfter: ["500 millis", "1 second", "2 seconds", "4 seconds"] }
})

/** The log, read from outside of all machines. */
export const log = (url: string) => SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))

/** What each machine finds in its environment. */
const environment = (url: string, telesign: TelesignEmulator.Emulator) => ({
  DATABASE_URL: url,
  TELESIGN_BASE_URL: telesign.url,
  TELESIGN_CALLER_ID: PhoneNumber.make("15550170009"),
  TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
  TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
})

/** Waits until this share of all phones has rung. */
const rung = (telesign: TelesignEmulator.Emulator, count: number): Effect.Effect<void> =>
  Effect.flatMap(
    telesign.rings,
    (rings) => rings.length >= count ? Effect.void : Effect.andThen(Effect.sleep("100 millis"), rung(telesign, count))
  )

/** Waits until all calls are over, and says what became of them. */
const ended = Effect.fnUntraced(function*(
  fleet: Fleet.Fleet,
  telesign: TelesignEmulator.Emulator,
  ids: ReadonlyArray<CallEvent.CallId | undefined>
) {
  const rings = yield* telesign.rings
  const timesOf = (n: number) => rings.filter(({ number }) => number === Load.numberOf(n)).length
  const rows = yield* Effect.forEach(
    ids,
    (id, n) => id === undefined ? Effect.undefined : Rows.read(fleet, id, timesOf(n)),
    { concurrency: 16 }
  )
  return rows.every((row) => row !== undefined) ? rows : undefined
})

/** Runs all of it, and says what became of each call and what befell each process. */
export const run = Effect.fnUntraced(function*({ calls, frozen, url }: Options) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const started = new Map<string, string>()
  const fleet = yield* Fleet.make(environment(url, telesign), (key, id) => void started.set(key, id))
  yield* telesign.reportTo(`${fleet.url}/telesign/events`)
  const [one, two, three] = [
    yield* fleet.open("one", "1"),
    yield* fleet.open("two", "1"),
    yield* fleet.open("three", "1")
  ]
  yield* fleet.say("three machines are up")

  yield* Effect.forkScoped(Load.start(fleet, calls, (key) => started.has(key)))
  yield* rung(telesign, calls * 0.2)
  yield* Deeds.kill(fleet, one)
  yield* rung(telesign, calls * 0.5)
  yield* Deeds.freeze(fleet, two, frozen)
  yield* rung(telesign, calls * 0.7)
  yield* Deeds.deploy(fleet, three)

  while (true) {
    const ids = Array.from({ length: calls }, (_, n) => started.get(Load.keyOf(n)) as CallEvent.CallId | undefined)
    const rows = yield* ended(fleet, telesign, ids)
    if (rows !== undefined) {
      yield* fleet.say("all calls are over")
      return { rows, lives: fleet.lives }
    }
    yield* Effect.sleep("1 second")
  }
})
