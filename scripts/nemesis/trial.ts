/** One run from its first runner to its verdict. */
import { PgClient } from "@effect/sql-pg"
import { CallIndex, SqlEventStore } from "@ringback/core"
import { TelesignEmulator } from "@ringback/testing"
import { Console, Effect, Fiber, Layer, Random, Redacted } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Balancer from "../balancer.ts"
import * as Postgres from "../postgres.ts"
import * as Checks from "./checks.ts"
import * as Faults from "./faults.ts"
import * as History from "./history.ts"
import * as Load from "./load.ts"
import { asking, type Delivery, type Run } from "./run.ts"
import * as Runners from "./runners.ts"

/** How much faster than life the carrier is. */
const speed = 10

export interface Options {
  readonly seed: string
  readonly runners: number
  readonly minutes: number
}

/** What the emulator does where nothing is said: after no reply it asks again, three times, as Telesign does for its other products. */
const emulator = TelesignEmulator.layer({
  line: { speed, limitMillis: 3 * 60_000 },
  signedWithin: "10 days", // Clocks are set, and dials are signed with a date.
  replies: { timeout: "5 seconds", askAgainAfter: ["500 millis", "1 second", "1500 millis"] }
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-nemesis-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Whether everything was as it has to be. */
export const run = Effect.fnUntraced(function*(options: Options) {
  return yield* Effect.provide(trial(options), emulator)
})

const trial = Effect.fnUntraced(function*(options: Options) {
  yield* Console.log(`${options.runners} runners for ${options.minutes} minutes with seed ${options.seed}`)
  const url = yield* Postgres.schema(yield* Postgres.server({ fsync: "off" }))
  const run = yield* setUp(options, url)
  const load = yield* Effect.forkChild(Random.withSeed(Load.keep(run, 4), `${options.seed}/load`))
  yield* Random.withSeed(Faults.strike(run, options.minutes * 60_000), `${options.seed}/faults`)
  yield* Fiber.interrupt(load)
  return yield* Effect.provide(
    verdict(run),
    SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
  )
})

const portIn = (url: string) => Number(new URL(url).port)

const throughPort = (url: string) => (port: number) => Object.assign(new URL(url), { port: String(port) }).href

/** Starts the runners behind their balancer. */
const setUp = Effect.fnUntraced(function*({ runners, seed }: Options, url: string) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const { ask, hear } = asking()
  const lives: Array<Runners.Life> = []
  const heard: Run["heard"] = []
  const deliveries: Array<Delivery> = []
  const environment = {
    NODE_COMPILE_CACHE: join(yield* folder, "cache"),
    SPEED: String(speed),
    MODE: "postgres",
    SABOTAGE: "none",
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  }
  const places: Array<Runners.Place> = []
  for (let number = 0; number < runners; number++) {
    const place = yield* Runners.make(number, lives, {
      databasePort: portIn(url),
      carrierPort: portIn(telesign.url),
      databaseUrl: throughPort(url),
      environment,
      heard: (place, message) => {
        heard.push({ life: places[place]!.life, message })
        hear(message)
      }
    })
    places.push(place)
    yield* place.start("old") // the first one makes the tables
  }
  const balancer = yield* Balancer.makeWith({
    next: (count) => Math.floor(Math.random() * count),
    passed: ({ body, port, ...passage }) => {
      const { life } = places.find(({ webhooks }) => webhooks.port === port)!
      const { event = "", reference_id: referenceId = "" } = JSON.parse(String(body))
      deliveries.push({ ...passage, life, event, referenceId })
    }
  })
  yield* balancer.serve(places.map(({ webhooks }) => webhooks.port))
  yield* telesign.reportTo(`${balancer.url}/telesign/events`)
  const run: Run = {
    seed,
    speed,
    began: Date.now(),
    places,
    lives,
    telesign,
    deliveries,
    deeds: [],
    asked: [],
    heard,
    told: { started: [], signalled: [], cancelled: [] },
    ask
  }
  return run
})

/** Waits until no call runs any more and no line is open, for two minutes at most. */
const stillness = Effect.fnUntraced(function*(run: Run) {
  const index = yield* CallIndex.CallIndex
  for (let second = 1; second <= 120; second++) {
    yield* Effect.sleep("1 second")
    const { running } = yield* index.counts()
    const lines = yield* run.telesign.lines
    if (running === 0 && lines.every(({ state }) => state._tag === "Ended")) return
  }
})

const allIds = Effect.gen(function*() {
  const index = yield* CallIndex.CallIndex
  const found: Array<CallIndex.Entry> = []
  for (let after: CallIndex.Cursor | undefined;;) {
    const { calls, next } = yield* index.list({}, { limit: CallIndex.pageSize.most, after })
    found.push(...calls)
    if (next === undefined) return found.map(({ callId }) => callId)
    after = next
  }
})

const verdict = Effect.fnUntraced(function*(run: Run) {
  yield* stillness(run)
  const history = yield* History.read(run, yield* allIds)
  const { breaches, remains } = Checks.ofLog(history)
  for (const [name, count] of remains) yield* Console.log(`${String(count).padStart(8)}  ${name}`)
  for (const { callId, checker, problem } of breaches) {
    yield* Console.log(`${checker}: ${problem} (${callId ?? "no call"})`)
  }
  yield* Console.log(
    `${run.asked.length} starts, ${history.rings.length} rings, ${run.deliveries.length} webhooks: ${breaches.length} violations`
  )
  return breaches.length === 0
})
