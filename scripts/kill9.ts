/**
 * `npm run kill9 -- --kills 100 --store sqlite|postgres --seed 1`: kills the application at random moments while calls go
 * on, and counts what became of them: from what the emulator rang, and from what the database holds at the end.
 *
 * On SQLite there is one process; when it is killed, the next one opens the file. On PostgreSQL there are two, and the
 * carrier's events go to both in turns; when one is killed the other has to carry on, and a new one joins later, except for
 * the last that is killed.
 *
 * A call is **lost** if its start was acknowledged and the database does not know it, **rung twice** if the emulator rang
 * its number more than once, **without outcome** if it has none when none has ended for a minute. A start that was not
 * acknowledged is asked for again under the same key, as any application would; nothing else is.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { type CallEvent, EventStore, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Console, Data, Effect, Fiber, Layer, Random, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Process from "../examples/demo/process.ts"
import * as Balancer from "./balancer.ts"
import * as Postgres from "./postgres.ts"

const speed = 40

class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

const callees = [
  Callee.answers("3 seconds").presses("1"),
  Callee.answers("2 seconds").presses("2"),
  Callee.answers("4 seconds").staysSilent(),
  Callee.answers("2 seconds").hangsUpDuring(2),
  Callee.busy
]

/** Where the calls are kept: for the processes, and for the count at the end. */
interface Database {
  readonly processes: number
  /** The wait between two calls, in milliseconds: short where a process lives shortly, so that each kill hits many. */
  readonly pause: number
  readonly environment: Readonly<Record<string, string>>
  readonly store: Layer.Layer<EventStore.EventStore, unknown>
}

const sqlite = (folder: string): Database => {
  const filename = join(folder, "calls.db")
  return {
    processes: 1,
    pause: 40,
    environment: { DATABASE_FILE: filename },
    store: SqlEventStore.layer.pipe(Layer.provide(SqliteClient.layer({ filename })))
  }
}

const postgres = Effect.map(Effect.flatMap(Postgres.server({ fsync: "off" }), Postgres.schema), (url): Database => ({
  processes: 2,
  pause: 120,
  environment: { DATABASE_URL: url },
  store: SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
}))

/** A call that the application was asked to start. */
interface Asked {
  readonly key: string
  readonly number: PhoneNumber.PhoneNumber
  /** Who was asked last. */
  by: Process.Child
}

interface Options {
  readonly kills: number
  readonly store: "sqlite" | "postgres"
  readonly seed: string
  readonly askAgain: boolean
}

const main = Effect.fnUntraced(function*({ askAgain, kills, seed, store }: Options) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-kill9-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const database = store === "sqlite" ? sqlite(folder) : yield* postgres
  const processes = database.processes === 1 ? "one process" : `${database.processes} processes`
  yield* Console.log(
    `${kills} kills of ${processes} on ${store} with seed ${seed}; ` +
      `after no reply the emulator ${askAgain ? "asks again" : "does not ask again"}`
  )
  const emulator = TelesignEmulator.layer({
    line: { speed },
    replies: askAgain ? { askAgainAfter: ["200 millis", "500 millis", "1 second"] } : {}
  })
  yield* Effect.provide(
    Effect.gen(function*() {
      const calls = yield* Effect.scoped(trials(kills, database, join(folder, "cache")))
      yield* verdict({ kills, seed }, calls, database)
    }),
    emulator
  )
}, Effect.scoped)

/** Keeps calls coming, kills, and gives the calls that were asked for, when none of them runs any more. */
const trials = Effect.fnUntraced(function*(kills: number, database: Database, cache: string) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const balancer = yield* Balancer.make
  yield* telesign.reportTo(`${balancer.url}/telesign/events`)
  const prepare = Process.prepare({
    ...database.environment,
    NODE_COMPILE_CACHE: cache,
    SPEED: String(speed),
    PORT: "0",
    TELESIGN_BASE_URL: telesign.url,
    TELESIGN_CALLER_ID: "15550170009",
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  })

  const calls: Array<Asked> = []
  let living: ReadonlyArray<Process.Child> = []
  const live = (children: ReadonlyArray<Process.Child>) => {
    living = children
    return balancer.serve(children.map((child) => child.port))
  }
  const ask = (call: Asked) => call.by.tell(`start ${call.key} ${call.number}`)

  const newCall = Effect.gen(function*() {
    const number = numberOf(calls.length)
    yield* telesign.callee(number, yield* pick(callees))
    const call: Asked = { key: `call-${calls.length}`, number, by: yield* pick(living) }
    calls.push(call)
    yield* ask(call)
  })

  /** Asks the living for what the dead have not acknowledged. */
  const askAgain = Effect.gen(function*() {
    const unknown = calls.filter((call) => !living.includes(call.by) && call.by.said("started", call.key) === undefined)
    for (const call of unknown) {
      call.by = yield* pick(living)
      yield* ask(call)
    }
    return unknown.length
  })

  yield* live([yield* Effect.flatMap(prepare, (prepared) => prepared.open)]) // makes the tables
  while (living.length < database.processes) {
    yield* live([...living, yield* Effect.flatMap(prepare, (prepared) => prepared.open)])
  }
  /** A process that gets ready while others are killed, and opens when its turn comes. */
  const spare = Effect.forkChild(prepare)
  const spares = yield* Effect.all([spare, spare])
  const caller = yield* Effect.forkChild(Effect.forever(Effect.andThen(
    Effect.suspend(() => living.length === 0 ? Effect.void : newCall),
    Effect.sleep(database.pause)
  )))

  for (let kill = 1; kill <= kills; kill++) {
    const wait = Math.round((yield* Random.next) * 700)
    yield* Effect.sleep(wait)
    const victim = yield* pick(living)
    const survivors = living.filter((child) => child !== victim)
    yield* Effect.andThen(victim.kill, live(survivors))
    if (survivors.length > 0) yield* askAgain
    const isLast = kill === kills
    if (isLast) yield* Fiber.interrupt(caller)
    if (!isLast || survivors.length === 0) {
      const next = yield* Fiber.join(spares.shift()!)
      yield* live([...survivors, yield* next.open])
      yield* askAgain
    }
    yield* Console.log(`kill ${kill}: after ${wait} ms, ${calls.length} calls so far`)
    if (kill <= kills - 2) spares.push(yield* spare)
  }
  yield* stillness(calls, living[0]!)
  return calls.map((call) => ({
    ...call,
    id: call.by.said("started", call.key)?.["id"] as CallEvent.CallId | undefined
  }))
})

/** Waits until all calls are started and none runs any more; at most a minute after the last one that came to its end. */
const stillness = Effect.fnUntraced(function*(calls: ReadonlyArray<Asked>, child: Process.Child) {
  let [question, left, seconds] = [0, Infinity, 0]
  while (left > 0 && seconds < 60) {
    yield* Effect.sleep("1 second")
    const unknown = calls.filter((call) => call.by.said("started", call.key) === undefined).length
    yield* child.tell(`count ${++question}`)
    const { running } = yield* child.hear("counted", String(question))
    const now = unknown + Number(running)
    seconds = now < left ? 0 : seconds + 1
    left = Math.min(left, now)
  }
})

const pick = <A>(among: ReadonlyArray<A>) =>
  Effect.map(Random.nextIntBetween(0, among.length - 1), (index) => among[index]!)

const numberOf = (n: number): PhoneNumber.PhoneNumber => PhoneNumber.make(`1555017${String(n).padStart(4, "0")}`)

type Ended = Asked & { readonly id: CallEvent.CallId | undefined }

/** Counts, from the emulator's record and from the database, and fails if anything is not as it should be. */
const verdict = Effect.fnUntraced(
  function*({ kills, seed }: Pick<Options, "kills" | "seed">, calls: ReadonlyArray<Ended>, database: Database) {
    const telesign = yield* TelesignEmulator.TelesignEmulator
    const rings = yield* telesign.rings
    const tally = { lost: 0, rungTwice: 0, withoutOutcome: 0 }
    const seen: Record<string, number> = {}
    yield* Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      for (const { id, key, number } of calls) {
        const turns = id === undefined ? [] : yield* store.read(id)
        const tags = turns.flatMap((turn) => turn.events.map((event) => event._tag))
        const rung = rings.filter((ring) => ring.number === number).length
        const hasEnded = tags.includes("FlowEnded")
        if (turns.length === 0) tally.lost++
        if (rung > 1) tally.rungTwice++
        if (!hasEnded) tally.withoutOutcome++
        if (turns.length === 0 || rung > 1 || !hasEnded) {
          yield* Console.log(`${key}: ${turns.length} turns, rung ${rung} times, last ${tags.at(-1) ?? "nothing"}`)
        }
        const processes = new Set(turns.map((turn) => turn.id.split("-")[0]))
        const signs = new Set([...tags.filter((tag) => marks.includes(tag)), ...processes.size > 1 ? [handed] : []])
        for (const sign of signs) seen[sign] = (seen[sign] ?? 0) + 1
      }
    }).pipe(Effect.provide(database.store))
    yield* Console.log(Object.entries(seen).map(([sign, count]) => `${count} ${sign}`).join(", "))
    const { lost, rungTwice, withoutOutcome } = tally
    yield* Console.log(
      `${kills} kills, ${calls.length} calls: ${lost} lost, ${rungTwice} rung twice, ${withoutOutcome} without outcome`
    )
    if (lost + rungTwice + withoutOutcome > 0) return yield* new Failed({ message: `run again with --seed ${seed}` })
  }
)

/** What shows in the log that a kill has hit a call. */
const marks: ReadonlyArray<string> = ["Restarted", "DialUnknown", "ReplyBroken", "LineSilent", "DialGivenUp"]
const handed = "went on in another process"

const command = Command.make("kill9", {
  kills: Flag.Int("kills").pipe(Flag.withDefault(10), Flag.withDescription("How many kills")),
  store: Flag.Literals("store", ["sqlite", "postgres"]).pipe(
    Flag.withDefault("sqlite" as const),
    Flag.withDescription("One process on SQLite, or two on PostgreSQL: that of DATABASE_URL, or one of its own")
  ),
  seed: Flag.String("seed").pipe(Flag.withDefault("1"), Flag.withDescription("The same seed gives the same moments")),
  askAgain: Flag.Boolean("ask-again").pipe(
    Flag.withDefault(false),
    Flag.withDescription("The emulator asks again where it had no reply")
  )
}, (options) => main(options).pipe(Random.withSeed(options.seed)))

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
