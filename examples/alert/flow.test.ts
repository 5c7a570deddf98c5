import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { Alert, NobodyTookIt } from "./flow.ts"

const input = {
  from: PhoneNumber.make("+15550170009"),
  people: [
    { name: "Ann", number: PhoneNumber.make("+15550170001") },
    { name: "Bob", number: PhoneNumber.make("+15550170002") },
    { name: "Cem", number: PhoneNumber.make("+15550170003") }
  ],
  message: "The database is down."
}
const engine = TestCalls.layer({ flows: [Alert] })

describe("an alert", () => {
  it.effect("is taken by the first who presses 1, and nobody else is called", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().hears("database").presses("1"))
      const call = yield* Calls.start(Alert, input)
      assert.deepStrictEqual(yield* call.outcome, { takenBy: "Ann" })
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
    }).pipe(Effect.provide(engine)))

  it.effect("goes on past a busy number and a voicemail", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.busy)
      yield* PhoneCompany.callee("+15550170002", Callee.voicemail)
      yield* PhoneCompany.callee("+15550170003", Callee.answers().presses("1"))
      const call = yield* Calls.start(Alert, input)
      assert.deepStrictEqual(yield* call.outcome, { takenBy: "Cem" })
    }).pipe(Effect.provide(engine)))

  it.effect("goes on when it is passed on, and when somebody hangs up", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().presses("2").hears("next one"))
      yield* PhoneCompany.callee("+15550170002", Callee.answers().hangsUp())
      yield* PhoneCompany.callee("+15550170003", Callee.answers().presses("1"))
      const call = yield* Calls.start(Alert, input)
      assert.deepStrictEqual(yield* call.outcome, { takenBy: "Cem" })
    }).pipe(Effect.provide(engine)))

  it.effect("stays taken by whoever pressed 1 and hung up", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().presses("1").hangsUpAfter(1))
      const call = yield* Calls.start(Alert, input)
      assert.deepStrictEqual(yield* call.outcome, { takenBy: "Ann" })
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
    }).pipe(Effect.provide(engine)))

  it.effect("that nobody takes fails, and says how many were asked", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.noAnswer)
      const call = yield* Calls.start(Alert, input)
      assert.deepStrictEqual(yield* Effect.flip(call.outcome), new NobodyTookIt({ asked: 3 }))
    }).pipe(Effect.provide(engine)))
})
