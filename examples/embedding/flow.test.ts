import { assert, it } from "@effect/vitest"
import { Calls, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer } from "effect"
import { OrderReady } from "./flow.ts"
import { place, placeApart, startCalls, tables } from "./orders.ts"

const order = { id: 7, phone: PhoneNumber.make("+15550170001") }

/** One database for orders and calls. */
const together = TestCalls.connection.pipe(
  Layer.provideMerge(Calls.layer({ flows: [OrderReady] })),
  Layer.provide(SqlEventStore.layer),
  Layer.provideMerge(SqliteClient.layer({ filename: ":memory:" })),
  Layer.provide(FakeTransport.layer),
  Layer.provideMerge(PhoneCompany.layer),
  Layer.provideMerge(FakeClock.layer)
)

const apart = Layer.mergeAll(TestCalls.layer({ flows: [OrderReady] }), SqliteClient.layer({ filename: ":memory:" }))

it.effect("an order that is placed has its customer called", () =>
  Effect.gen(function*() {
    yield* tables
    yield* PhoneCompany.callee(order.phone, Callee.answers().hears("order 7 is ready"))
    const call = yield* place(order)
    assert.strictEqual(yield* call.outcome, "told")
  }).pipe(Effect.provide(together)))

it.effect("an order that is refused has nobody called", () =>
  Effect.gen(function*() {
    yield* tables
    yield* place(order)
    yield* Effect.flip(place({ ...order, phone: PhoneNumber.make("+15550170002") })) // the id is taken
    yield* Effect.sleep("10 minutes")
    assert.lengthOf(yield* PhoneCompany.rings, 1)
  }).pipe(Effect.provide(together)))

it.effect("with a database of its own, the outbox starts each call once", () =>
  Effect.gen(function*() {
    yield* tables
    yield* placeApart(order)
    yield* startCalls
    yield* startCalls
    yield* Effect.sleep("10 minutes")
    assert.lengthOf(yield* PhoneCompany.rings, 1)
  }).pipe(Effect.provide(apart)))
