/** What a store promises that outlives its process. */
import { assert } from "@effect/vitest"
import { CallMetrics, EventStore } from "@ringback/core"
import { Effect, Fiber, type Layer, Metric, Option } from "effect"
import type { Ports } from "./rules.ts"
import { callId, opened, read, startNow, stored, summary, times, tried, turn } from "./turns.ts"

export const keepsEverything = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const namespace = yield* Effect.gen(function*() {
    yield* Effect.forEach(times(20), (n) => stored(turn(n, 1), { due: n }, `session ${n}`), {
      concurrency: "unbounded"
    })
    yield* stored(turn(1, 2), { status: "over" })
    return (yield* EventStore.EventStore).namespace
  }).pipe(Effect.provide(layer))
  yield* Effect.gen(function*() {
    const store = yield* EventStore.EventStore
    assert.strictEqual(store.namespace, namespace)
    assert.deepStrictEqual(yield* read(1), [turn(1, 1), turn(1, 2)])
    assert.deepStrictEqual(yield* store.find("session 20"), Option.some(callId(20)))
    assert.deepStrictEqual((yield* store.due({ before: 3 })).map((each) => each.callId), [2, 3].map(callId))
    assert.strictEqual(yield* tried(turn(1, 2, { id: "other" })), "conflict")
    yield* stored(turn(1, 3))
  }).pipe(Effect.provide(layer))
})

export const drains = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const { close, store } = yield* opened(layer)
  const appends = yield* Effect.forEach(times(600), (n) =>
    stored(turn(n % 300, n <= 300 ? 1 : 2)).pipe(
      Effect.provideService(EventStore.EventStore, store),
      Effect.forkChild(startNow)
    ))
  yield* close
  yield* Effect.forEach(appends, Fiber.join, { discard: true })
  yield* Effect.gen(function*() {
    for (const n of [0, 1, 150, 299]) assert.deepStrictEqual(yield* read(n), [turn(n, 1), turn(n, 2)])
    assert.strictEqual((yield* (yield* EventStore.EventStore).due({ before: Infinity })).length, 300)
  }).pipe(Effect.provide(layer))
})

export const refusesLate = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const { close, store } = yield* opened(layer)
  yield* close
  const error = yield* Effect.flip(store.append(turn(1, 1), summary(1, 1)))
  assert.strictEqual(error._tag === "StoreError" && error.reason._tag, "Closed")
  assert.deepStrictEqual(yield* Effect.provide(read(1), layer), [])
})

export const sharesCommits = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const counted = Effect.all([
    Effect.map(Metric.value(CallMetrics.storeCommits), ({ count }) => Number(count)),
    Effect.map(Metric.value(CallMetrics.storeTurns), ({ count }) => Number(count))
  ])
  yield* Effect.gen(function*() {
    const [commits, turns] = yield* counted
    yield* Effect.forEach(times(64), (n) => stored(turn(n, 1)), { concurrency: "unbounded" })
    const [commitsThen, turnsThen] = yield* counted
    assert.strictEqual(turnsThen - turns, 64)
    assert.isAtMost(commitsThen - commits, 4)
    assert.isAtLeast(commitsThen - commits, 1)
  }).pipe(Effect.provide(layer))
})
