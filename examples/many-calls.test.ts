import { assert, it } from "@effect/vitest"
import { EventStore, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "@ringback/testing"
import { Clock, Effect, Layer } from "effect"
import { callAll, CallsLive } from "./many-calls.ts"

const from = PhoneNumber.make("15550170009")
const guests = Array.from({ length: 300 }, (_, n) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`))

const world = TestCalls.connection.pipe(
  Layer.provideMerge(CallsLive),
  Layer.provide(FakeTransport.layer),
  Layer.provideMerge(Layer.mergeAll(PhoneCompany.layer, EventStore.layerMemory)),
  Layer.provideMerge(FakeClock.layerWith({ patience: "brief" }))
)

it.effect("many calls are on record at once and ring at their pace, each once, also if the loop runs again", () =>
  Effect.gen(function*() {
    yield* PhoneCompany.everyone(Callee.answers("2 seconds").hears(/press 1/i).presses("1"))
    const began = yield* Clock.currentTimeMillis
    yield* callAll(guests, { from, evening: "2 March" })
    yield* callAll(guests, { from, evening: "2 March" })
    assert.strictEqual(yield* Clock.currentTimeMillis, began)
    yield* Effect.sleep("1 hour")
    const rings = yield* PhoneCompany.rings
    assert.sameMembers(rings.map(({ number }) => number), [...guests])
    const inSecond = (second: number) => rings.filter(({ at }) => Math.floor((at - began) / 1_000) === second).length
    assert.deepStrictEqual(Array.from({ length: 15 }, (_, second) => inSecond(second)), Array(15).fill(20))
  }).pipe(Effect.provide(world)))
