import { assert, describe, it } from "@effect/vitest"
import { CallError, Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer } from "effect"
import { Directory, switchboard } from "./flow.ts"

const number = PhoneNumber.make("+15550170009")
const sales = PhoneNumber.make("+15550170071")
const support = PhoneNumber.make("+15550170072")
const agent = PhoneNumber.make("+15550170073")

const customers: Readonly<Record<string, { readonly name: string; readonly agent: PhoneNumber.PhoneNumber | null }>> = {
  "15550170044": { name: "Ann", agent: null },
  "15550170045": { name: "Bob", agent }
}

const directory = Layer.succeed(Directory, {
  customer: (number) => Effect.delay(Effect.succeed(customers[number] ?? null), "3 seconds"),
  department: (name) => Effect.succeed(name === "sales" ? sales : support)
})

const Switchboard = switchboard(number)
const engine = TestCalls.layer({ flows: [], inbound: { [number]: Switchboard } }).pipe(Layer.provide(directory))
const called = (from: string, callee: Callee.Script) => TestCalls.incoming(Switchboard, { to: number, from, callee })
const rung = Effect.map(PhoneCompany.rings, (rings) => rings.map((ring) => ring.number))

describe("a switchboard", () => {
  it.effect("greets a customer by name and connects the department", () =>
    Effect.gen(function*() {
      const call = yield* called("+15550170044", Callee.answers().hears("Good day, Ann").hears("Press 1").presses("2"))
      assert.strictEqual(yield* call.outcome, "connected")
      assert.deepStrictEqual(yield* rung, [support])
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("says something while the directory is slow", () =>
    Effect.gen(function*() {
      const call = yield* called("+15550170044", Callee.answers().hears("One moment").hears("Ann").presses("1"))
      assert.strictEqual(yield* call.outcome, "connected")
      assert.deepStrictEqual(yield* rung, [sales])
    }).pipe(Effect.provide(engine)))

  it.effect("connects a customer who has an agent with that agent", () =>
    Effect.gen(function*() {
      const call = yield* called("+15550170045", Callee.answers().hears("Good day, Bob"))
      assert.strictEqual(yield* call.outcome, "connected")
      assert.deepStrictEqual(yield* rung, [agent])
    }).pipe(Effect.provide(engine)))

  it.effect("rings nobody for a caller who hangs up at the menu", () =>
    Effect.gen(function*() {
      const call = yield* called("+15550170046", Callee.answers().hears("Good day.").hears("Press 1").hangsUp())
      assert.strictEqual((yield* Effect.flip(call.outcome))._tag, "HungUp")
      assert.deepStrictEqual(yield* rung, [])
    }).pipe(Effect.provide(engine)))

  it.effect("notes that somebody is to be called back if nobody is free", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(sales, Callee.busy)
      const call = yield* called("+15550170044", Callee.answers().presses("1").hears("call you back"))
      assert.strictEqual(yield* call.outcome, "not connected")
      const notes = (yield* Calls.events(call.id)).flatMap((event) => event._tag === "Noted" ? [event.name] : [])
      assert.deepStrictEqual(notes, ["call back"])
    }).pipe(Effect.provide(
      TestCalls.layer({ flows: [], inbound: { [number]: Switchboard }, company: { legAnswers: true } }).pipe(
        Layer.provide(directory)
      )
    )))

  it.effect("stops a call whose directory does not answer, and hangs up", () =>
    Effect.gen(function*() {
      const call = yield* called("+15550170044", Callee.answers())
      const error = yield* Effect.flip(call.outcome)
      assert.deepStrictEqual(
        error,
        new CallError.CallStopped({ callId: call.id, reason: { _tag: "Overdue", activity: "find-customer" } })
      )
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual((yield* PhoneCompany.lines).map((line) => line.state._tag), ["Ended"])
    }).pipe(Effect.provide(
      TestCalls.layer({ flows: [], inbound: { [number]: Switchboard } }).pipe(
        Layer.provide(Layer.mock(Directory, { customer: () => Effect.never }))
      )
    )))
})
