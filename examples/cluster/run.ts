/**
 * Three machines over one PostgreSQL and an emulated Telesign, and what happens to machines: one is killed, one is frozen for longer than its
 * shards wait for it, one is deployed over. Then each call is looked up in the log, and each ring in the record of the carrier.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Call, type CallEvent, EventStore, PhoneNumber, SqlEventStore } from "@ringback/core"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Clock, Console, Effect, Layer, Redacted } from "effect"
import * as Balancer from "../../scripts/balancer.ts"
import { freePort } from "../../scripts/freePort.ts"
import * as Machines from "./machines.ts"

/** How much happens. */
export interface Options {
  /** Of the database. */
  readonly url: string
  readonly calls: number
  /** How long one machine is frozen, in seconds. Its shards wait 15 for it. */
  readonly frozen: number
}

/** What became of one call. */
export interface Row {
  readonly id: CallEvent.CallId
  /** The machines that appended to it, in their order. A name with a number is the second process of that machine, and so on. */
  readonly owners: ReadonlyArray<string>
  readonly outcome: string
  readonly rings: number
}

const from = PhoneNumber.make("15550170009")
const numberOf = (n: number) => PhoneNumber.make(`1555019${String(n).padStart(4, "0")}`)

/** The carrier: everybody answers after a while and presses 1. An event that is not answered in time is posted again. */
export const carrier = TelesignEmulator.layer({
  callee: Callee.answers("3 seconds").hears(/press 1/i).presses("1"),
  replies: { timeout: "4 seconds", askAgainAfter: ["500 millis", "1 second", "2 seconds", "4 seconds"] }
})

/** Runs all of it, and says what became of each call. */
export const run = Effect.fnUntraced(function*({ calls, frozen, url }: Options) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const store = yield* EventStore.EventStore
  const balancer = yield* Balancer.make
  yield* telesign.reportTo(`${balancer.url}/telesign/events`)
  const began = yield* Clock.currentTimeMillis
  const say = (what: string) =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => Console.log(`${((now - began) / 1000).toFixed(1).padStart(6)} s  ${what}`)
    )

  const started = new Map<string, CallEvent.CallId>()
  const names = new Map<string, string>()
  const up = new Map<string, Machines.Machine>()
  const serve = Effect.suspend(() => balancer.serve([...up.values()].map(({ port }) => port)))
  const environment = {
    DATABASE_URL: url,
    TELESIGN_BASE_URL: telesign.url,
    TELESIGN_CALLER_ID: from,
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  }

  /** Starts a process, and learns by which name the log has it: the one that lives now and did not before. */
  const open = Effect.fnUntraced(function*(place: Machines.Place, versions: string) {
    const machine = yield* Machines.start(
      place,
      { ...environment, VERSIONS: versions },
      (key, id) => void started.set(key, id as CallEvent.CallId)
    )
    const count = [...names.values()].filter((name) => name.startsWith(place.name)).length
    for (const process of (yield* store.processes!.alive).keys()) {
      if (!names.has(process)) names.set(process, count === 0 ? place.name : `${place.name} ${count + 1}`)
    }
    up.set(place.name, machine)
    yield* serve
    return machine
  })
  const places = yield* Effect.forEach(
    ["one", "two", "three"],
    (name) => Effect.promise(async () => ({ name, port: await freePort(), clusterPort: await freePort() }))
  )
  const [one, two, three] = [
    yield* open(places[0]!, "1"),
    yield* open(places[1]!, "1"),
    yield* open(places[2]!, "1")
  ]
  yield* say("three machines are up")

  /** Tells machines to start calls, one after another; what is not on record is told to the next that is up. */
  const keys = Array.from({ length: calls }, (_, n) => n)
  let turn = 0
  const tell = (n: number) => {
    const all = [...up.values()]
    all[turn++ % all.length]?.tell(`start parcel-${n} ${numberOf(n)}`)
  }
  const startAll = Effect.gen(function*() {
    for (const n of keys) {
      tell(n)
      yield* Effect.sleep("25 millis")
    }
    while (started.size < calls) {
      yield* Effect.sleep("3 seconds")
      for (const n of keys) if (!started.has(`parcel-${n}`)) tell(n)
    }
  })
  const rung = (share: number): Effect.Effect<void> =>
    Effect.flatMap(
      telesign.rings,
      (rings) => rings.length >= calls * share ? Effect.void : Effect.andThen(Effect.sleep("100 millis"), rung(share))
    )

  yield* Effect.forkScoped(startAll)
  yield* rung(0.2)
  yield* say("one is killed")
  up.delete("one")
  one.signal("SIGKILL")
  yield* serve
  yield* open(places[0]!, "1")
  yield* say("one is up again")

  yield* rung(0.5)
  yield* say(`two is frozen for ${frozen} seconds`)
  two.signal("SIGSTOP")
  yield* Effect.sleep("1 second") // until the balancer sees it
  up.delete("two")
  yield* serve
  yield* Effect.sleep(`${frozen - 1} seconds`)
  two.signal("SIGCONT")
  up.set("two", two)
  yield* serve
  yield* say("two goes on")

  yield* rung(0.7)
  yield* say("three is deployed over: the next version of the flow, beside the one that calls began in")
  up.delete("three")
  yield* serve
  three.signal("SIGTERM")
  yield* three.ended
  yield* open(places[2]!, "1,2")
  yield* say("three is up again")

  const rowOf = Effect.fnUntraced(function*(n: number) {
    const id = started.get(`parcel-${n}`)
    if (id === undefined) return undefined
    const turns = yield* store.read(id)
    const call = Call.fold(id, turns.flatMap(({ events }) => events))
    if (call.exit === undefined || call.lines.length > 0 && !Call.isOver(call)) return undefined
    const writers = turns.map((turn) => turn.id.slice(0, turn.id.lastIndexOf("-")))
    const owners = writers.filter((writer, n) => writer !== writers[n - 1]).map((writer) => names.get(writer) ?? writer)
    const rings = (yield* telesign.rings).filter(({ number }) => number === numberOf(n)).length
    const outcome = call.exit._tag === "Success" ? String(call.exit.value) : call.exit._tag
    const row: Row = { id, owners, outcome, rings }
    return row
  })
  while (true) {
    const rows = yield* Effect.forEach(keys, rowOf, { concurrency: 16 })
    if (rows.every((row) => row !== undefined)) {
      yield* say("all calls are over")
      return rows as ReadonlyArray<Row>
    }
    yield* Effect.sleep("1 second")
  }
})

/** The log, read from outside of all machines. */
export const log = (url: string) => SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
