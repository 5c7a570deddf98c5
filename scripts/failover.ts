/**
 * Failovers of PostgreSQL under two processes that hold calls: real processes behind wires, the emulator as the carrier, and a standby that
 * takes the place of its primary in the middle of webhooks and dials. What became of the calls is counted from the record of the
 * carrier, and from the log that the new primary has.
 */
import { PgClient } from "@effect/sql-pg"
import { CallIndex, EventLog, PhoneNumber, SqlEventStore } from "@ringback/core"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Context, Effect, Layer, Redacted } from "effect"
import * as Balancer from "./balancer.ts"
import type { Command } from "./nemesis/runner.ts"
import * as Runners from "./nemesis/runners.ts"
import * as Standby from "./standby.ts"

const speed = 10

export interface Options {
  readonly synchronous: boolean
  /** The old primary is dead, or goes on; who is connected to it stays so, or is cut off. */
  readonly old: "kill" | "leave"
  readonly connections: "end" | "stay"
  /** How much before the failover the standby has stopped to follow, in milliseconds. */
  readonly lag?: number
  readonly calls?: number
  /** How long calls have to come to their end, in seconds. */
  readonly settle?: number
}

/** What became of the calls. */
export interface Found {
  /** The starts that were acknowledged, and of those: calls that the log does not know, that have no outcome. */
  readonly acknowledged: number
  readonly lost: ReadonlyArray<string>
  readonly withoutOutcome: ReadonlyArray<string>
  /** Numbers that rang more than once. */
  readonly rungTwice: ReadonlyArray<string>
  /** What the processes wrote, line by line. */
  readonly log: ReadonlyArray<string>
  readonly rings: number
  /** How long it was from the failover to the next turn of each process that the new primary has, in milliseconds. */
  readonly gaps: ReadonlyArray<number>
}

export const emulator = TelesignEmulator.layer({
  line: { speed, limitMillis: 3 * 60_000 },
  replies: { timeout: "5 seconds", askAgainAfter: ["500 millis", "1 second", "1500 millis"] }
})

const callees = [
  Callee.answers("3 seconds").presses("1"),
  Callee.answers("2 seconds").presses("2"),
  Callee.answers("4 seconds").staysSilent(),
  Callee.answers("2 seconds").hangsUpDuring(2)
]

const throughPort = (url: string) => (port: number) => Object.assign(new URL(url), { port: String(port) }).href

const portIn = (url: string) => Number(new URL(url).port)

const numberOf = (n: number) => PhoneNumber.make(`1555${String(1_000_000 + n)}`)

/** Runs two processes through a failover, and counts. */
export const run = Effect.fnUntraced(function*(options: Options) {
  const { connections, lag, old, synchronous } = options
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const pair = yield* Effect.acquireRelease(
    Effect.promise(() => Standby.start({ fsync: "off", synchronous })),
    ({ stop }) => Effect.promise(stop)
  )
  const acknowledged = new Map<string, string>()
  const answered = new Set<number>()
  const places: Array<Runners.Place> = []
  const lives: Array<Runners.Life> = []
  const spares = yield* Runners.spares({
    SPEED: String(speed),
    MODE: "postgres",
    SABOTAGE: "none",
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  })
  const databaseUrl = pair.primary().url
  for (let number = 0; number < 2; number++) {
    const place = yield* Runners.make(number, lives, {
      databasePort: portIn(databaseUrl),
      carrierPort: portIn(telesign.url),
      databaseUrl: throughPort(databaseUrl),
      spares,
      heard: (_, message) => {
        if (message.says !== "done" || message.id === undefined) return
        answered.add(message.ask)
        acknowledged.set(`call-${message.ask % 1_000}`, message.id)
      }
    })
    places.push(place)
    yield* place.start("old")
  }
  const balancer = yield* Balancer.make
  yield* balancer.serve(places.map(({ webhooks }) => webhooks.port))
  yield* telesign.reportTo(`${balancer.url}/telesign/events`)

  const calls = options.calls ?? 60
  const start = Effect.fnUntraced(function*(n: number) {
    yield* telesign.callee(numberOf(n), callees[n % callees.length]!)
    // Asked again under the same key until somebody says that it is stored, as any application would.
    for (let attempt = 0; attempt < 60 && !acknowledged.has(`call-${n}`); attempt++) {
      const ask = attempt * 1_000 + n
      const command: Command = { tell: "start", ask, flow: "survey", key: `call-${n}`, to: numberOf(n) }
      places[(n + attempt) % 2]!.tell(command)
      for (let wait = 0; wait < 20 && !answered.has(ask); wait++) yield* Effect.sleep("100 millis")
    }
  })
  const load = Effect.forEach(
    Array.from({ length: calls }, (_, n) => n),
    (n) => Effect.delay(start(n), n * 100),
    { concurrency: "unbounded", discard: true }
  )
  let failedOver = Infinity
  const failover = Effect.gen(function*() {
    yield* Effect.sleep(calls * 50)
    if (lag !== undefined) yield* Effect.andThen(Effect.promise(pair.lag), Effect.sleep(lag))
    yield* Effect.promise(() => pair.failOver(old))
    failedOver = Date.now()
    for (const { database } of places) database.lead(portIn(pair.primary().url), connections)
  })
  yield* Effect.all([load, failover], { concurrency: 2, discard: true })

  const services = yield* Layer.build(
    SqlEventStore.layerReading.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(pair.primary().url) })))
  )
  const index = Context.get(services, CallIndex.CallIndex)
  for (let second = 0; second < (options.settle ?? 90); second++) {
    yield* Effect.sleep("1 second")
    const lines = yield* telesign.lines
    if ((yield* index.counts()).running === 0 && lines.every(({ state }) => state._tag === "Ended")) break
  }
  const log = Context.get(services, EventLog.EventLog)
  const turns = (yield* log.read({ limit: 100_000 })).map(({ turn }) => turn)
  const known = new Set(turns.map(({ callId }) => callId as string))
  const ended = new Set(
    turns.filter(({ events }) => events.some(({ _tag }) => _tag === "FlowEnded")).map(({ callId }) => callId as string)
  )
  const rung = new Map<string, number>()
  for (const { number } of yield* telesign.rings) rung.set(number, (rung.get(number) ?? 0) + 1)
  const found: Found = {
    acknowledged: acknowledged.size,
    lost: [...acknowledged.values()].filter((id) => !known.has(id)),
    withoutOutcome: [...known].filter((id) => !ended.has(id)),
    rungTwice: [...rung].filter(([, count]) => count > 1).map(([number]) => number),
    rings: [...rung.values()].reduce((sum, count) => sum + count, 0),
    gaps: lives.map(({ name }) =>
      Math.min(
        ...turns.filter(({ at, id }) => id.startsWith(`${name}-`) && at > failedOver).map(({ at }) => at - failedOver)
      )
    ),
    log: lives.flatMap(({ log, place }) => log.map(({ text }) => `${place}: ${text}`))
  }
  return found
})
