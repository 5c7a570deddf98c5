import { assert, describe, it } from "@effect/vitest"
import { CallMetrics, Calls, EventStore, Flow, Line, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { FakeClock, TestCalls } from "@ringback/testing"
import { Effect, Layer, Metric, Schema } from "effect"

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () => Flow.inbound(() => Line.collect("Code?", { max: 4 }))
})

const engine = (inbound: { readonly perSecond?: number; readonly linesAtMost?: number }) =>
  TestCalls.layer({ flows: [], inbound: { "15550170009": Desk }, settings: { inbound } })

/** One of the processes on a store, with room for one caller. */
const process = Layer.fresh(
  Calls.layer({ flows: [], inbound: { "15550170009": Desk }, settings: { inbound: { linesAtMost: 1 } } })
).pipe(Layer.provide(Layer.succeed(Transport.Transport, { send: () => Effect.die("nobody is dialled") })))

const calls = (referenceId: string) =>
  Calls.receive(TelesignWire.named({ event: "incoming_call", referenceId, to: "15550170009", from: "15550170044" }))

const hangsUp = (referenceId: string) =>
  Calls.receive(
    TelesignWire.named({
      event: "call_completed",
      referenceId,
      status: "hangup",
      to: "15550170009",
      from: "15550170044"
    })
  )

/** How many of some callers are heard, and how many are turned away. */
const heard = Effect.fnUntraced(function*(name: string, count: number) {
  const replies = yield* Effect.forEach(Array.from({ length: count }, (_, n) => n), (n) => calls(`${name}-${n}`))
  const refused = replies.filter(({ action, basis }) => action?._tag === "Hangup" && basis === "refused").length
  const asked = replies.filter(({ action, basis }) => action?._tag === "Speak" && basis === "recorded").length
  assert.strictEqual(refused + asked, count)
  return asked
})

const stored = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  return (yield* store.due({ before: Number.MAX_SAFE_INTEGER })).length
})

describe("callers", () => {
  it.effect("come in at the pace of the settings, and who is turned away leaves no trace in the store", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* heard("first", 30), 10)
      assert.strictEqual(yield* stored, 10)
      yield* FakeClock.advance("500 millis")
      assert.strictEqual(yield* heard("second", 30), 5)
      yield* FakeClock.advance("1 minute") // what was not used does not add up
      assert.strictEqual(yield* heard("third", 30), 10)
      assert.strictEqual((yield* Metric.value(CallMetrics.callersTurnedAway)).count, 65)
    }).pipe(Effect.provide(engine({ perSecond: 10 })), Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("are so many at a time, and one who hangs up makes room", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* heard("first", 5), 3)
      yield* FakeClock.advance("10 seconds")
      assert.strictEqual(yield* heard("second", 5), 0)
      yield* hangsUp("first-1")
      yield* FakeClock.advance("10 seconds") // an answer that is under way may still come
      assert.strictEqual(yield* heard("third", 5), 1)
    }).pipe(Effect.provide(engine({ linesAtMost: 3 }))))

  it.effect("who were heard count once, however often their call is reported", () =>
    Effect.gen(function*() {
      for (let n = 0; n < 10; n++) assert.strictEqual((yield* calls("one")).action?._tag, "Speak")
      assert.strictEqual(yield* heard("others", 5), 2)
    }).pipe(Effect.provide(engine({ linesAtMost: 3, perSecond: 3 }))))

  it.effect("whom another process has let in are not turned away by one that has no room", () =>
    Effect.gen(function*() {
      const [here, there] = [yield* Layer.build(process), yield* Layer.build(process)]
      const heardThere = yield* Effect.provide(calls("one"), there)
      assert.strictEqual(yield* Effect.provide(heard("two", 2), here), 1)
      const again = yield* Effect.provide(calls("one"), here) // the carrier had no answer, and asks again
      assert.deepStrictEqual(again.action, heardThere.action)
    }).pipe(Effect.provide(EventStore.layerMemory)))

  it.effect("are not counted without a bound", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* heard("all", 200), 200)
    }).pipe(Effect.provide(engine({ linesAtMost: Infinity, perSecond: Infinity }))))
})
