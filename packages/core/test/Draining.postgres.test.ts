/** A process that drains: what it hands over, to whom, how soon, and what it says of the rest. */
import { assert, describe } from "@effect/vitest"
import { Calls, Flow } from "@ringback/core"
import { Callee, PhoneCompany } from "@ringback/testing"
import { Clock, Effect, Fiber, Latch, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Greeting, to } from "./fixtures/greeting.ts"
import { report, reportInTurns, rings, start, tags, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("10 seconds").pipe(Flow.as("rested" as const))
})

/** Books once the gate is open, twice in a row, and keeps the keys under which it was asked to. */
const booking = (gate: Latch.Latch, keys: Array<string>) => {
  const book = (name: string) =>
    Flow.activity(
      name,
      { success: Schema.String, within: "1 hour" },
      Effect.gen(function*() {
        keys.push(yield* Calls.ActivityKey)
        yield* gate.await
        return name
      })
    )
  return Flow.make("booking", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () => Flow.andThen(book("first"), book("second"))
  })
}

const nothing = { calls: 0, dials: 0, activities: 0, webhooks: 0, requests: 0 }

describe.skipIf(server === undefined)("a process that drains", () => {
  test("hands over calls that sleep: they are woken in time, though it never ends", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Nap] }), yield* start({ flows: [Nap] })]
      yield* Effect.sleep("12 seconds")
      const began = yield* Clock.currentTimeMillis
      const call = yield* one.calls.start(Nap, {})
      const drained = yield* one.calls.drain({ within: "5 seconds" })
      assert.deepStrictEqual(drained, { ...nothing, handedOver: 1 })
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 1_000)
      yield* one.freeze
      assert.strictEqual(yield* other.calls.handle(Nap, call.id).outcome, "rested")
      const elapsed = (yield* other.calls.events(call.id)).find((event) => event._tag === "SleepElapsed")
      assert.strictEqual(elapsed!.at - began, 10_000)
    }))

  test("gives to another one what one does not take that hangs", () =>
    Effect.gen(function*() {
      const [one, hanging] = [yield* start({ flows: [Nap] }), yield* start({ flows: [Nap] })]
      yield* start({ flows: [Nap] })
      yield* Effect.sleep("12 seconds")
      yield* Effect.forEach(Array.from({ length: 10 }), () => one.calls.start(Nap, {}))
      yield* hanging.freeze
      assert.deepStrictEqual(yield* one.calls.drain({ within: "6 seconds" }), { ...nothing, handedOver: 10 })
    }))

  test("starts nothing, in words, and is not ready from the first moment; it says what it has left when its time is over", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const Booking = booking(gate, [])
      const one = yield* start({ flows: [Booking] })
      yield* one.calls.start(Booking, {})
      yield* Effect.sleep("1 second")
      const draining = yield* Effect.forkChild(one.calls.drain({ within: "5 seconds" }), { startImmediately: true })
      assert.isTrue((yield* one.calls.load).isDraining)
      assert.isFalse((yield* one.calls.load).isClosing)
      const error = yield* Effect.flip(one.calls.start(Booking, {}))
      assert.match(error.message, /about to end and starts no call. Ask another one, or ask again under the same key/)
      assert.deepStrictEqual(yield* Fiber.join(draining), { ...nothing, calls: 1, activities: 1, handedOver: 0 })
    }))

  test("lets an activity end that runs here, and gives the next one to another process", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const [one, other] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Booking] })]
      yield* Effect.sleep("12 seconds")
      const { id } = yield* one.calls.start(Booking, {})
      yield* Effect.sleep("1 second")
      const draining = yield* Effect.forkChild(one.calls.drain({ within: "8 seconds" }), { startImmediately: true })
      yield* Effect.sleep("2 seconds")
      yield* gate.open
      assert.deepStrictEqual(yield* Fiber.join(draining), { ...nothing, handedOver: 1 })
      yield* one.freeze
      assert.strictEqual(yield* other.calls.handle(Booking, id).outcome, "second")
      assert.deepStrictEqual(keys, [`${id}/1`, `${id}/2`])
    }))

  test("answers the webhooks of a call that it has handed over, and hands it over again", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("3 seconds"))
      const [one, other] = [yield* start({ flows: [Greeting] }), yield* start({ flows: [Greeting] })]
      yield* Effect.sleep("12 seconds")
      yield* report(one)
      const call = yield* one.calls.start(Greeting, {})
      yield* Effect.sleep("1 second")
      const drained = yield* one.calls.drain({ within: "30 seconds", atLeast: "20 seconds" })
      assert.deepStrictEqual(drained, { ...nothing, handedOver: 1 })
      assert.strictEqual(yield* other.calls.handle(Greeting, call.id).outcome, "heard")
      assert.strictEqual(yield* rings, 1)
      assert.notInclude(yield* tags(other, call.id), "DialUnknown")
    }))

  test("does not wait for a call that another one has brought to its end", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("3 seconds"))
      const [one, other] = [yield* start({ flows: [Greeting] }), yield* start({ flows: [Greeting] })]
      yield* Effect.sleep("12 seconds")
      yield* report(one)
      const call = yield* one.calls.start(Greeting, {})
      yield* Effect.sleep("4 seconds")
      yield* report(other)
      assert.strictEqual(yield* other.calls.handle(Greeting, call.id).outcome, "heard")
      yield* Effect.sleep("5 seconds")
      const drained = yield* one.calls.drain({ within: "1 second" })
      assert.deepStrictEqual(drained, { ...nothing, handedOver: 0 })
    }))

  test("records what the carrier says to a dial before it hands the call over", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("20 seconds"))
      const one = yield* start({ flows: [Greeting], afterSend: () => Effect.sleep("3 seconds") })
      const other = yield* start({ flows: [Greeting] })
      yield* Effect.sleep("12 seconds")
      yield* reportInTurns([one, other])
      const call = yield* one.calls.start(Greeting, {})
      assert.deepStrictEqual(yield* one.calls.drain({ within: "9 seconds" }), { ...nothing, handedOver: 1 })
      yield* one.kill
      yield* report(other)
      assert.strictEqual(yield* other.calls.handle(Greeting, call.id).outcome, "heard")
      assert.notInclude(yield* tags(other, call.id), "DialUnknown")
      assert.strictEqual(yield* rings, 1)
    }))

  test("hands over as much when it is closed at once", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make(true)
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      yield* gate.close
      const [one, other] = [yield* start({ flows: [Nap, Booking] }), yield* start({ flows: [Nap, Booking] })]
      yield* Effect.sleep("12 seconds")
      const began = yield* Clock.currentTimeMillis
      const call = yield* one.calls.start(Nap, {})
      const booked = yield* one.calls.start(Booking, {})
      yield* Effect.sleep("1 second")
      yield* one.close
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 2_000)
      yield* Effect.sleep("1 second")
      assert.lengthOf(keys, 2)
      yield* gate.open
      assert.strictEqual(yield* other.calls.handle(Booking, booked.id).outcome, "second")
      assert.strictEqual(yield* other.calls.handle(Nap, call.id).outcome, "rested")
      const elapsed = (yield* other.calls.events(call.id)).find((event) => event._tag === "SleepElapsed")
      assert.strictEqual(elapsed!.at - began, 10_000)
    }))

  test("says that it ends until the others see it, though that fails at first", () =>
    Effect.gen(function*() {
      const one = yield* start({ flows: [Nap], leaveFails: 2 })
      const other = yield* start({ flows: [Nap] })
      yield* Effect.sleep("12 seconds")
      const ending = yield* Effect.forkChild(one.calls.drain({ within: "1 minute", atLeast: "1 minute" }), {
        startImmediately: true
      })
      yield* Effect.sleep("10 seconds")
      yield* other.calls.start(Nap, {})
      assert.deepStrictEqual(yield* other.calls.drain({ within: "3 seconds" }), { ...nothing, handedOver: 0 })
      assert.strictEqual(other.tells(), 0)
      yield* Fiber.interrupt(ending)
    }))

  test("gives a call anew whose taker has died before it could record so", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const Booking = booking(gate, [])
      const [one, taker] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Booking], records: false })]
      yield* Effect.sleep("12 seconds")
      const { id } = yield* one.calls.start(Booking, {})
      yield* Effect.sleep("1 second")
      const began = yield* Clock.currentTimeMillis
      const ending = yield* Effect.forkChild(one.calls.drain({ within: "2 minutes", atLeast: "2 minutes" }), {
        startImmediately: true
      })
      yield* Effect.sleep("1 second")
      yield* gate.open
      yield* Effect.sleep("2 seconds")
      const third = yield* start({ flows: [Booking] })
      yield* taker.kill
      assert.strictEqual(yield* third.calls.handle(Booking, id).outcome, "second")
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 20_000)
      yield* Fiber.interrupt(ending)
    }))

  test("gives nothing to one that drains too, nor to one that does not know the flow", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Nap] }), yield* start({ flows: [Nap] })]
      const third = yield* start({ flows: [Greeting] })
      yield* Effect.sleep("12 seconds")
      assert.deepStrictEqual(yield* other.calls.drain({ within: "1 second" }), { ...nothing, handedOver: 0 })
      const call = yield* one.calls.start(Nap, {})
      assert.deepStrictEqual(yield* one.calls.drain({ within: "3 seconds" }), { ...nothing, handedOver: 0 })
      assert.strictEqual(yield* one.calls.handle(Nap, call.id).outcome, "rested")
      assert.deepStrictEqual([other.appends(), third.appends()], [0, 0])
    }))
})
