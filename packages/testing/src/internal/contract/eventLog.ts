/** What an `EventLog` promises: all turns in one order, from any position on. */
import { assert, describe } from "@effect/vitest"
import { EventLog, type EventStore } from "@ringback/core"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Schema, Scope, Stream } from "effect"
import type { Ports, Rules } from "./rules.ts"
import { callId, ids, startNow, stored, times, tried, turn } from "./turns.ts"

/** Declares the rules of an `EventLog`. */
export const suite = ({ test, testOpening }: Rules): void => {
  describe("the log of all turns", () => {
    test("has all turns in one order, from any position on, in pages", readsLog)
    test("tells the turns that there are, and then those that come", tailsLog)
    test("holds nothing for a reader who is slow, and loses nothing", tailsSlowly)
    test("refuses a position that has not come yet", refusesAhead)
    test("tells the turns of one call until it is over", followsOne)
    testOpening("ends when the store closes", endsLog)
  })
}

export const log = <A, E>(use: (log: EventLog.EventLog["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(EventLog.EventLog, use)

export const turnsIn = (entries: ReadonlyArray<EventLog.Entry>) => ids(entries.map(({ turn }) => turn))

/** All turns of the log after a position, in pages. */
export const readAll = Effect.fnUntraced(function*(limit: number, after?: EventLog.Position) {
  const entries: Array<EventLog.Entry> = []
  while (true) {
    const page: ReadonlyArray<EventLog.Entry> = yield* log((log) =>
      log.read({ after: entries.at(-1)?.position ?? after, limit })
    )
    if (page.length === 0) return entries
    assert.isAtMost(page.length, limit)
    entries.push(...page)
  }
})

const readsLog = Effect.gen(function*() {
  assert.deepStrictEqual(yield* log((log) => log.read()), [])
  assert.strictEqual(yield* log((log) => log.last), undefined)
  yield* Effect.forEach(times(5), (version) => Effect.forEach([1, 2], (n) => stored(turn(n, version))), {
    discard: true
  })
  yield* tried(turn(1, 2, { id: "other" }))
  const expected = times(5).flatMap((version) => [`1/${version}`, `2/${version}`])
  const all = yield* log((log) => log.read())
  assert.deepStrictEqual(turnsIn(all), expected)
  assert.deepStrictEqual(
    all.map(({ turn }) => turn),
    times(5).flatMap((version) => [turn(1, version), turn(2, version)])
  )
  for (const limit of [1, 3, 10, 11]) assert.deepStrictEqual(yield* readAll(limit), all)
  for (const [index, { position }] of all.entries()) {
    const kept = yield* Schema.decodeUnknownEffect(EventLog.Position)(position)
    assert.deepStrictEqual(yield* readAll(4, kept), all.slice(index + 1))
  }
  assert.strictEqual(yield* log((log) => log.last), all.at(-1)!.position)
})

const tailsLog = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  const { tail } = yield* EventLog.EventLog
  const heard = yield* Effect.forkChild(tail().pipe(Stream.take(5), Stream.runCollect), startNow)
  yield* stored(turn(1, 2))
  yield* tried(turn(1, 2, { id: "other" }))
  yield* Effect.forEach([2, 3, 4], (n) => stored(turn(n, 1)), { concurrency: "unbounded" })
  const entries = yield* Fiber.join(heard)
  assert.deepStrictEqual(turnsIn(entries).slice(0, 2), ["1/1", "1/2"])
  assert.sameMembers(turnsIn(entries), ["1/1", "1/2", "2/1", "3/1", "4/1"])
  const again = tail({ after: entries[1]!.position }).pipe(Stream.take(3), Stream.runCollect)
  assert.deepStrictEqual(yield* again, entries.slice(2))
})

const tailsSlowly = Effect.gen(function*() {
  const { tail } = yield* EventLog.EventLog
  const gate = yield* Deferred.make<void>()
  const slowly = Stream.mapEffect(tail(), (entry) => Effect.as(Deferred.await(gate), entry))
  const heard = yield* Effect.forkChild(slowly.pipe(Stream.take(700), Stream.runCollect), startNow)
  yield* Effect.forEach(times(700), (n) => stored(turn(n, 1)), { concurrency: "unbounded", discard: true })
  yield* Deferred.succeed(gate, undefined)
  assert.deepStrictEqual(turnsIn(yield* Fiber.join(heard)), turnsIn(yield* readAll(1000)))
})

const refusesAhead = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  const last = (yield* log((log) => log.last))!
  const ahead = last.split(".").map((part) => `${part}000000`).join(".") as EventLog.Position
  const { read, tail } = yield* EventLog.EventLog
  for (const asked of [read({ after: ahead }), Stream.runCollect(tail({ after: ahead }))]) {
    const error = yield* Effect.flip<unknown, EventStore.StoreError, never>(asked)
    assert.deepStrictEqual([error.operation, error.reason._tag], ["read", "Rejected"])
  }
  assert.deepStrictEqual(yield* read({ after: last }), [])
})

const followsOne = Effect.gen(function*() {
  const { follow } = yield* EventLog.EventLog
  assert.deepStrictEqual(yield* Stream.runCollect(follow(callId(1))), [])
  yield* stored(turn(1, 1))
  yield* stored(turn(2, 1))
  const heard = yield* Effect.forkChild(Stream.runCollect(follow(callId(1))), startNow)
  yield* stored(turn(1, 2))
  yield* stored(turn(2, 2))
  yield* stored(turn(1, 3), { status: "over" })
  assert.deepStrictEqual(yield* Fiber.join(heard), [turn(1, 1), turn(1, 2), turn(1, 3)])
  assert.deepStrictEqual(yield* Stream.runCollect(follow(callId(1), { after: 1 })), [turn(1, 2), turn(1, 3)])
  assert.deepStrictEqual(yield* Stream.runCollect(follow(callId(1), { after: 3 })), [])
})

const endsLog = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  yield* Effect.provideContext(stored(turn(1, 1)), context)
  const { follow, tail } = Context.get(context, EventLog.EventLog)
  const gates = [yield* Deferred.make<void>(), yield* Deferred.make<void>()] as const
  const all = Stream.tap(tail(), () => Deferred.succeed(gates[0], undefined))
  const one = Stream.tap(follow(callId(1)), () => Deferred.succeed(gates[1], undefined))
  const heard = yield* Effect.forkChild(Stream.runCollect(all), startNow)
  const followed = yield* Effect.forkChild(Stream.runCollect(one), startNow)
  for (const gate of gates) yield* Deferred.await(gate)
  yield* Scope.close(scope, Exit.void)
  assert.deepStrictEqual(turnsIn(yield* Fiber.join(heard)), ["1/1"])
  assert.deepStrictEqual(yield* Fiber.join(followed), [turn(1, 1)])
})
