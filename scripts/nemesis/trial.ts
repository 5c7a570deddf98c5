/** One run from its first runner to its verdict. */
import { PgClient } from "@effect/sql-pg"
import { CallIndex, SqlEventStore } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { TelesignEmulator } from "@ringback/testing"
import { Console, Effect, Fiber, Layer, Random, Redacted, Result } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import * as Balancer from "../balancer.ts"
import * as Alarms from "./alarms.ts"
import * as Checks from "./checks.ts"
import * as Database from "./database.ts"
import * as Faults from "./faults.ts"
import * as Health from "./health.ts"
import * as History from "./history.ts"
import * as Journal from "./journal.ts"
import * as Load from "./load.ts"
import type * as Mode from "./mode.ts"
import * as Overdue from "./overdue.ts"
import * as Owners from "./owners.ts"
import * as Report from "./report.ts"
import { asking, hits, type Run } from "./run.ts"
import * as Runners from "./runners.ts"
import * as Sabotage from "./sabotage.ts"
import * as Silence from "./silence.ts"
import * as Windows from "./windows.ts"

/** How much faster than life the carrier is. */
const speed = 10

export interface Options {
  readonly seed: string
  readonly runners: number
  readonly minutes: number
  /** How long calls may take at most to come to their end then, in seconds. */
  readonly settle: number
  readonly mode: Mode.Mode
  readonly sabotage: Sabotage.Name
  readonly kinds: ReadonlyArray<Faults.Kind>
}

/** How many calls begin a second. */
const perSecond = 4

/**
 * After no reply it asks again, three times, as Telesign does for its other products, or never: what it does for Voice is not
 * documented.
 */
const emulator = (asksAgain: boolean) =>
  TelesignEmulator.layer({
    line: { speed, limitMillis: 3 * 60_000 },
    signedWithin: "10 days", // Clocks are set, and dials are signed with a date.
    replies: { timeout: "5 seconds", askAgainAfter: asksAgain ? ["500 millis", "1 second", "1500 millis"] : [] }
  })

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-nemesis-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Gives what was found that must not be. */
export const run = Effect.fnUntraced(function*(options: Options) {
  const asksAgain = yield* Random.withSeed(hits(0.5), `${options.seed}/carrier`)
  yield* Console.log(
    `${options.runners} runners for ${options.minutes} min with seed ${options.seed}; ` +
      `after no reply the carrier ${asksAgain ? "asks again" : "does not ask again"}`
  )
  return yield* Effect.provide(trial(options), emulator(asksAgain))
})

const trial = Effect.fnUntraced(function*(options: Options) {
  const millis = options.minutes * 60_000
  const seeded = (what: string) => Random.withSeed(`${options.seed}/${what}`)
  const bounds = { millis, places: options.runners, mode: options.mode }
  const broken = Sabotage.of(options.sabotage).planned
  const failover = broken === undefined ? yield* seeded("failover")(Faults.planFailover(options.kinds, bounds)) : []
  const planned = broken ?? [...(yield* seeded("faults")(Faults.plan(options.kinds, bounds))), ...failover]
  const database = yield* Database.make(failover.length > 0)
  const run = yield* setUp(options, database.url)
  const store = SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(database.ownUrl) })))
  return yield* Effect.provide(
    Effect.gen(function*() {
      const watching = yield* Effect.forkChild(Overdue.watch(run.lives, run.gaps))
      const load = yield* Effect.forkChild(seeded("load")(Load.keep(run, perSecond)))
      yield* Faults.strike(run, { database, millis, planned })
      run.ended = Date.now()
      yield* Fiber.interrupt(load)
      yield* stillness(run, options.settle)
      yield* Fiber.interrupt(watching)
      return yield* verdict(run, yield* leftBehind(database))
    }),
    store
  )
})

const portIn = (url: string) => Number(new URL(url).port)

const throughPort = (url: string) => (port: number) => Object.assign(new URL(url), { port: String(port) }).href

/** Starts the runners, and the balancer before them. */
const setUp = Effect.fnUntraced(function*({ mode, runners, sabotage, seed }: Options, url: string) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const { ask, hear } = asking()
  const run: Run = {
    seed,
    mode,
    speed,
    perSecond,
    began: Date.now(),
    ended: Infinity,
    places: [],
    lives: [],
    telesign,
    deliveries: [],
    deeds: [],
    asked: [],
    heard: [],
    lags: [],
    loads: [],
    gaps: [],
    told: { started: [], signalled: [], cancelled: [] },
    ask
  }
  const spares = yield* Runners.spares({
    NODE_COMPILE_CACHE: join(yield* folder, "cache"),
    SPEED: String(speed),
    MODE: mode,
    SABOTAGE: sabotage,
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  })
  for (let number = 0; number < runners; number++) {
    const place = yield* Runners.make(number, run.lives, {
      databasePort: portIn(url),
      carrierPort: portIn(telesign.url),
      databaseUrl: throughPort(url),
      spares,
      heard: (life, message) => {
        run.heard.push({ life, message })
        hear(message)
      }
    })
    run.places.push(place)
    yield* place.start("old") // The first one makes the tables.
  }
  yield* balance(run)
  if (sabotage === "none") yield* Effect.forkChild(ownLag(run)) // Nothing excuses what has to be found.
  run.began = Date.now()
  return run
})

/** Gives the carrier one address for all runners. */
const balance = Effect.fnUntraced(function*(run: Run) {
  const balancer = yield* Balancer.makeWith({
    next: (count) => Math.floor(Math.random() * count),
    passed: ({ body, port, ...passage }) => {
      const { life } = run.places.find(({ webhooks }) => webhooks.port === port)!
      const webhook = Result.getOrThrow(TelesignWire.decodeWebhook(JSON.parse(String(body))))
      run.deliveries.push({ ...passage, life, webhook })
    }
  })
  yield* balancer.serve(run.places.map(({ webhooks }) => webhooks.port))
  yield* Effect.forkScoped(Health.watch(run.places, balancer))
  yield* run.telesign.reportTo(`${balancer.url}/telesign/events`)
})

/** Notes when this process did not get to its work: then it was late, and not a runner. */
const ownLag = Effect.fnUntraced(function*({ lags, loads }: Run) {
  for (let before = Date.now();;) {
    yield* Effect.sleep("50 millis")
    const now = Date.now()
    loads.push(loadavg()[0]! / availableParallelism())
    if (now - before > 150) lags.push({ from: before, to: now })
    before = now
  }
})

/** Waits until no call runs any more and no line is open, for so many seconds at most. */
const stillness = Effect.fnUntraced(function*(run: Run, seconds: number) {
  const index = yield* CallIndex.CallIndex
  yield* Journal.tell(run, "nothing more is done; the calls that are left come to their end")
  for (let second = 1; second <= seconds; second++) {
    yield* Effect.sleep("1 second")
    const { running } = yield* index.counts()
    const lines = yield* run.telesign.lines
    const isOver = running === 0 && lines.every(({ state }) => state._tag === "Ended")
    if (isOver && Alarms.isNoneBehind(run)) break
  }
  yield* Journal.tell(run, "all is quiet")
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

/** Connections that still lead to a server that was passed, some time after. Each has to be found and dropped, whoever has it. */
const leftBehind = Effect.fnUntraced(function*({ pinned }: Database.Database) {
  for (let second = 0; second < 30 && (yield* pinned) > 0; second++) yield* Effect.sleep("1 second")
  return Checks.ofConnections(yield* pinned)
})

const verdict = Effect.fnUntraced(function*(run: Run, found: ReadonlyArray<Checks.Breach>) {
  const history = yield* History.read(run, yield* allIds)
  const { breaches, remains } = Checks.ofLog(history)
  const windows = Windows.of(run, history)
  const all = [
    ...breaches,
    ...found,
    ...Checks.ofStarts(run),
    ...Checks.ofEnds(run),
    ...Checks.ofLines(yield* run.telesign.lines),
    ...Silence.check(run, history.log),
    ...Owners.checkGaps(run),
    ...Owners.checkTaken(run, history),
    ...Alarms.checkTwoOwners(run),
    ...Alarms.checkAges(run),
    ...Windows.check(run, windows)
  ]
  const calls = new Set(history.turns.map(({ turn }) => turn.callId)).size
  const said = [
    "",
    ...Report.windows(run, windows),
    "",
    ...Report.figures(run, history),
    ...Report.remains(remains),
    "",
    ...Report.breaches(run, history, all),
    `${calls} calls, ${history.rings.length} rings, ${run.deliveries.length} webhooks, ${history.turns.length} turns: ${all.length} violations`
  ]
  yield* Console.log(said.join("\n"))
  return all
})
