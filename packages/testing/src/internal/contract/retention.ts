/** What a `Retention` promises: calls that are over are removed, and what is remembered of them. */
import { assert, describe } from "@effect/vitest"
import { EventLog, EventStore, Retention } from "@ringback/core"
import { DateTime, Effect, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { log, readAll, turnsIn } from "./eventLog.ts"
import { listed, lives, number, someLives } from "./lives.ts"
import type { Rules } from "./rules.ts"
import { callId, read, stored, times, tried, turn } from "./turns.ts"

/** Declares the rules of a `Retention`. */
export const suite = ({ test, testKeyed }: Rules): void => {
  describe("pruning", () => {
    test("removes calls that were over before a time, and no others", prunesEnded)
    test("keeps so many calls at most, those that ended last", prunesBeyond)
    test("never removes a call that is running", prunesNoneRunning)
    testKeyed("leaves nothing of a call but its id and its sessions", prunesEverything)
    test("lets nobody append to a call that was pruned, nor begin it again", refusesPruned)
    test("forgets a call when its time is over, and then it can begin again", forgetsPruned)
    test("leaves all other turns where they are in the log, and what comes behind them", prunesLog)
    test("removes calls of many turns, and many calls", prunesMany)
  })
}

const prune = (options: Retention.Options) => Retention.Retention.use((retention) => retention.prune(options))

const at = DateTime.makeUnsafe

const statusOf = (n: number) =>
  Effect.map(
    EventStore.EventStore.use((store) => store.summary(callId(n))),
    (found) => Option.getOrUndefined(Option.map(found, ({ status }) => status))
  )

const prunesEnded = Effect.gen(function*() {
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  assert.deepStrictEqual(yield* prune({}), { calls: 0, turns: 0, forgotten: 0 })
  assert.deepStrictEqual(yield* prune({ endedBefore: at(15) }), { calls: 0, turns: 0, forgotten: 0 })
  assert.deepStrictEqual(yield* prune({ endedBefore: at(81) }), { calls: 3, turns: 9, forgotten: 0 })
  assert.deepStrictEqual(yield* listed({}, 3), [10, 9, 8, 7, 4, 3, 2].map(callId))
  assert.deepStrictEqual(yield* prune({ endedBefore: at(81) }), { calls: 0, turns: 0, forgotten: 0 })
  assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3], statusOf), ["pruned", "over", "running"])
})

const prunesBeyond = Effect.gen(function*() {
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  yield* prune({ keepAtMost: 6 })
  assert.lengthOf(yield* listed({}, 10), 10)
  assert.strictEqual((yield* prune({ keepAtMost: 4 })).calls, 2)
  assert.deepStrictEqual(yield* listed({ endedFrom: 0 }, 10), [10, 2, 8, 6].map(callId))
  assert.strictEqual((yield* prune({ keepAtMost: 3, endedBefore: at(85) })).calls, 2)
  assert.deepStrictEqual(yield* listed({ endedFrom: 0 }, 10), [10, 2].map(callId))
  assert.strictEqual((yield* prune({ keepAtMost: 0 })).calls, 2)
  assert.deepStrictEqual(yield* listed({}, 10), [9, 7, 4, 3].map(callId))
})

const prunesNoneRunning = Effect.gen(function*() {
  yield* lives(callId(1), { startedAt: 10, outcome: "Success" })
  yield* lives(callId(2), { startedAt: 10, outcome: "Success", endedAt: 20 })
  yield* stored(turn(2, 4), { status: "running" }) // it shows life again
  assert.strictEqual((yield* prune({ endedBefore: at(1e12), keepAtMost: 0 })).calls, 0)
  assert.lengthOf(yield* read(1), 2)
  assert.lengthOf(yield* read(2), 4)
})

const prunesEverything = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* lives(callId(1), { startedAt: 10, to: [number(1), number(2)], session: "a", outcome: "Success", endedAt: 20 })
  yield* stored(turn(1, 5, { at: 21 }), { status: "over" }, "b")
  yield* lives(callId(2), { startedAt: 10, to: [number(1)], session: "c", outcome: "Success", endedAt: 30 })
  assert.deepStrictEqual(yield* prune({ endedBefore: at(30), rememberFor: "1 minute" }), {
    calls: 1,
    turns: 5,
    forgotten: 0
  })
  assert.deepStrictEqual(yield* read(1), [])
  assert.deepStrictEqual(yield* Stream.runCollect((yield* EventLog.EventLog).follow(callId(1))), [])
  assert.deepStrictEqual(yield* listed({ number: number(1) }, 10), [callId(2)])
  assert.deepStrictEqual(yield* listed({ number: number(2) }, 10), [])
  assert.deepStrictEqual(yield* store.due({ before: Infinity }), [])
  for (const session of ["a", "b"]) assert.deepStrictEqual(yield* store.find(session), Option.some(callId(1)))
  const found = Option.getOrThrow(yield* store.summary(callId(1)))
  const { at: endedAt, due, flow, flowVersion, process, status, waitingFor } = found
  assert.deepStrictEqual({ endedAt, due, flow, flowVersion, process, status, waitingFor }, {
    endedAt: 20,
    due: 60_020,
    flow: "reminder",
    flowVersion: 1,
    process: null,
    status: "pruned",
    waitingFor: ""
  })
})

const refusesPruned = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const length = yield* lives(callId(1), { startedAt: 10, session: "a", outcome: "Success", endedAt: 20 })
  yield* stored(turn(2, 1))
  yield* prune({ endedBefore: at(30) })
  for (const version of times(length + 3)) {
    assert.strictEqual(yield* tried(turn(1, version, { id: "new" }), {}, "b"), "conflict", `turn ${version}`)
    assert.strictEqual(yield* tried(turn(1, version, { id: `${callId(1)}/${version}` })), "conflict")
  }
  const outcomes = Effect.forEach([1, 2], (n) => tried(turn(n, n, { id: "new" })), { concurrency: "unbounded" })
  assert.deepStrictEqual(yield* outcomes, ["conflict", "stored"])
  assert.deepStrictEqual(yield* read(1), [])
  assert.deepStrictEqual(yield* store.find("a"), Option.some(callId(1)))
  assert.deepStrictEqual(yield* store.find("b"), Option.none())
})

const forgetsPruned = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* lives(callId(1), { startedAt: 10, session: "a", outcome: "Success", endedAt: 20 })
  yield* lives(callId(2), { startedAt: 10, outcome: "Success", endedAt: 60_000 })
  yield* prune({ endedBefore: at(30), rememberFor: "1 minute" })
  yield* prune({ endedBefore: at(60_001), rememberFor: "1 minute" })
  yield* lives(callId(3), { startedAt: 10 })
  yield* TestClock.setTime(60_019)
  assert.strictEqual((yield* prune({})).forgotten, 0)
  yield* TestClock.setTime(60_020)
  assert.deepStrictEqual(yield* prune({}), { calls: 0, turns: 0, forgotten: 1 })
  assert.deepStrictEqual(yield* store.find("a"), Option.none())
  assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3], statusOf), [undefined, "pruned", "running"])
  yield* stored(turn(1, 1), {}, "a")
  assert.deepStrictEqual(yield* read(1), [turn(1, 1)])
  assert.deepStrictEqual(yield* store.find("a"), Option.some(callId(1)))
  assert.deepStrictEqual(yield* listed({}, 10), [1, 3].map(callId))
})

const prunesLog = Effect.gen(function*() {
  yield* stored(turn(2, 1))
  yield* lives(callId(1), { startedAt: 10, session: "a", outcome: "Success", endedAt: 20 })
  yield* stored(turn(2, 2))
  yield* lives(callId(3), { startedAt: 10, outcome: "Success", endedAt: 20 })
  const before = yield* readAll(1000)
  yield* prune({ endedBefore: at(30), rememberFor: 0 })
  const left = before.filter(({ turn }) => turn.callId === callId(2))
  assert.deepStrictEqual(yield* readAll(1000), left)
  assert.strictEqual(yield* log((log) => log.last), left.at(-1)!.position)
  const [latest] = before.slice(-1)
  assert.deepStrictEqual(yield* readAll(1000, latest!.position), [])
  yield* stored(turn(2, 3))
  yield* stored(turn(4, 1))
  assert.deepStrictEqual(turnsIn(yield* readAll(1000, latest!.position)), ["2/3", "4/1"])
  assert.deepStrictEqual(turnsIn(yield* readAll(1000, left.at(-1)!.position)), ["2/3", "4/1"])
})

const prunesMany = Effect.gen(function*() {
  const long = 1100
  for (const n of times(3)) {
    yield* Effect.forEach(times(long), (version) => stored(turn(n, version, { at: n })), { concurrency: "unbounded" })
    yield* stored(turn(n, long + 1, { at: n }), { status: "over" })
  }
  yield* Effect.forEach(times(200), (n) => lives(callId(10 + n), { startedAt: 10, endedAt: 10 + n % 7 }), {
    concurrency: "unbounded"
  })
  yield* stored(turn(500, 1))
  assert.deepStrictEqual(yield* prune({ keepAtMost: 10 }), {
    calls: 193,
    turns: 3 * (long + 1) + 190 * 2,
    forgotten: 0
  })
  assert.lengthOf(yield* listed({ endedFrom: 0 }, 100), 10)
  assert.lengthOf(yield* readAll(1000), 21)
})
