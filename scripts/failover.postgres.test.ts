/**
 * Failovers of PostgreSQL under processes that hold calls, and under a store whose connections outlive one: real servers, real
 * processes, and the rings that an emulator has counted.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, EventStore, SqlEventStore } from "@ringback/core"
import { Effect, Layer, Logger, Redacted, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as Failover from "./failover.ts"
import * as Wire from "./nemesis/wire.ts"
import * as Standby from "./standby.ts"

const tried = await Standby.start({ fsync: "off", synchronous: true }).catch((error: unknown) => {
  process.stderr.write(`Failovers are not tested, for no pair of servers could be started: ${String(error)}\n`)
  return undefined
})
await tried?.stop()

const through = (options: Failover.Options) =>
  Failover.run(options).pipe(Effect.scoped, Effect.provide(Failover.emulator), TestClock.withLive)

const nothingIsLost = ({ acknowledged, lost, rings, rungTwice, withoutOutcome }: Failover.Found) => {
  assert.deepStrictEqual({ lost, rungTwice, withoutOutcome }, { lost: [], rungTwice: [], withoutOutcome: [] })
  assert.deepStrictEqual([acknowledged, rings], [60, 60])
}

describe.skipIf(tried === undefined)("a failover", { timeout: 120_000 }, () => {
  it.effect("to a synchronous standby loses nothing, and rings nobody twice", () =>
    Effect.map(through({ synchronous: true, old: "kill", connections: "end" }), nothingIsLost))

  it.effect("whose old primary lives on, and waits for its standby for ever, is noticed by its open connections", () =>
    Effect.map(through({ synchronous: true, old: "leave", connections: "stay" }), (found) => {
      nothingIsLost(found)
      assert.lengthOf(found.log.filter((line) => line.includes("another server (timeline 1, now 2)")), 2)
    }))

  it.effect("that loses turns is told of each call in memory, and holds the dials of all that ran", () =>
    Effect.map(
      through({ synchronous: false, old: "kill", connections: "end", lag: 1_500, settle: 20 }),
      ({ log, lost, rungTwice }) => {
        assert.isAbove(lost.length, 0)
        assert.deepStrictEqual(rungTwice, [])
        assert.isTrue(
          log.some((line) => /Turn \d+ of call .* was stored, and the database has nothing of it/.test(line))
        )
        assert.isTrue(log.some((line) => line.includes("so they dial nobody")))
        assert.deepStrictEqual(log.filter((line) => line.includes("defect")), [])
      }
    ))
})

const portIn = (url: string) => Number(new URL(url).port)

/** Stores a turn of one call. */
const noted = Effect.fnUntraced(function*(version: number) {
  const store = yield* EventStore.EventStore
  const callId = CallEvent.CallId.make("0123456789abcdefghjk")
  const at = version
  const turn = {
    id: String(version),
    callId,
    version,
    at,
    events: [{ _tag: "Noted", at, n: version, name: "n", data: 0 }]
  }
  const waits = { status: "running", waitingFor: "nothing", due: at, process: null } as const
  yield* store.append(turn as EventStore.Turn, { callId, version, flow: "f", flowVersion: 1, at, ...waits })
})

/** A store with a process that has joined, at an address that can be led elsewhere. */
const joining = Effect.fnUntraced(function*(lines: Array<string>, maxConnections: number) {
  const pair = yield* Effect.acquireRelease(
    Effect.promise(() => Standby.start({ fsync: "off", synchronous: false })),
    ({ stop }) => Effect.promise(stop)
  )
  const wire = yield* Wire.make(portIn(pair.primary().url))
  const url = Object.assign(new URL(pair.primary().url), { port: String(wire.port) }).href
  const store = SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections })))
  const services = yield* Layer.build(store)
  const own = Effect.provide(EventStore.EventStore, services)
  const { processes } = yield* own
  yield* processes!.join("00000001", new Set(), { millis: 15_000, renewing: () => () => {} })
  let version = 0
  const append = Effect.suspend(() => noted(version + 1)).pipe(
    Effect.tap(() => Effect.sync(() => void version++)),
    Effect.provide(services)
  )
  return { pair, wire, lines, append }
})

const joined = (maxConnections = 10) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  return Effect.provideService(joining(lines, maxConnections), Logger.CurrentLoggers, new Set([logger]))
}

const often = Schedule.spaced("100 millis")

describe.skipIf(tried === undefined)("connections to a server that is not the primary", () => {
  it.effect("are dropped when it is read-only, and what was refused is stored by the primary", () =>
    Effect.gen(function*() {
      const { append, lines, pair, wire } = yield* joined()
      yield* append
      const port = portIn(pair.primary().url)
      wire.lead(portIn(pair.standby()!.url))
      const refused = yield* Effect.repeat(Effect.flip(append), {
        until: ({ message }) => message.includes("25006"),
        schedule: often
      })
      assert.include(refused.message, "25006")
      wire.lead(port, "stay")
      yield* Effect.retry(append, often)
      assert.isTrue(lines.some((line) => line.includes("lead to a server that is not the primary")))
    }).pipe(Effect.scoped, TestClock.withLive))

  for (const connections of [3, 10]) {
    it.effect(`are dropped when it was the primary once, and is written by itself: of ${connections}`, () =>
      Effect.gen(function*() {
        const { append, lines, pair, wire } = yield* joined(connections)
        yield* append
        const old = yield* Effect.promise(() => pair.failOver("leave"))
        wire.lead(portIn(pair.primary().url), "stay")
        yield* Effect.repeat(Effect.sync(() => lines), {
          until: (lines) => lines.some((line) => line.includes("timeline 1, now 2")),
          schedule: often
        })
        const left = "SELECT FROM pg_stat_activity WHERE application_name = '@effect/sql-pg'"
        yield* Effect.repeat(Effect.promise(() => old.query(left)), {
          until: (rows) => rows.length === 0,
          schedule: often
        })
        yield* append
      }).pipe(Effect.scoped, TestClock.withLive))
  }
})
