import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { Passcode } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009"), code: "4021" }
const engine = TestCalls.layer({ flows: [Passcode] })

describe("a passcode", () => {
  it.effect("is spoken once to a callee who presses nothing", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().hears(/4, 0, 2, 1/).staysSilent())
      const call = yield* Calls.start(Passcode, input)
      assert.deepStrictEqual(yield* call.outcome, { hearings: 1 })
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("is spoken again on 1, and three times at most", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().presses("1").presses("1").hears("goodbye"))
      const call = yield* Calls.start(Passcode, input)
      assert.deepStrictEqual(yield* call.outcome, { hearings: 3 })
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("is not offered again by the last hearing", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().presses("1").presses("1").presses("1"))
      const call = yield* Calls.start(Passcode, input)
      assert.deepStrictEqual(yield* call.outcome, { hearings: 3 })
      assert.strictEqual((yield* PhoneCompany.leftover).length, 1)
    }).pipe(Effect.provide(engine)))

  it.effect("fails as hung up if the callee leaves before its end", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().hangsUpDuring(1))
      const call = yield* Calls.start(Passcode, input)
      assert.strictEqual((yield* Effect.flip(call.outcome))._tag, "HungUp")
    }).pipe(Effect.provide(engine)))

  it.effect("of letters is refused, and not repeated in the error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Calls.start(Passcode, { ...input, code: "secret" }))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.notInclude(error.message, "secret")
    }).pipe(Effect.provide(engine)))
})
