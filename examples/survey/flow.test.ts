import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { survey } from "./flow.ts"

const number = PhoneNumber.make("+15550170009")
const Survey = survey({ number, agent: PhoneNumber.make("+15550170077") })
const inbound = { [number]: Survey }
const engine = TestCalls.layer({ flows: [], inbound })
const called = (callee: Callee.Script) => TestCalls.incoming(Survey, { to: number, from: "+15550170044", callee })

describe("a survey", () => {
  it.effect("is taken when the agent has left", () =>
    Effect.gen(function*() {
      const call = yield* called(Callee.answers().hears("Welcome").hears("How well").presses("5").hears("Thank you"))
      assert.strictEqual(yield* call.outcome, "5")
      assert.deepStrictEqual((yield* PhoneCompany.rings).map((ring) => ring.number), ["15550170077"])
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("is asked again after a 9, and not taken after two", () =>
    Effect.gen(function*() {
      const call = yield* called(Callee.answers().presses("9").presses("9"))
      assert.strictEqual(yield* call.outcome, "not rated")
    }).pipe(Effect.provide(engine)))

  it.effect("is not missed from a caller who hangs up during the talk, or during the question", () =>
    Effect.gen(function*() {
      for (const callee of [Callee.answers().talks().hangsUp(), Callee.answers().hangsUpDuring(2)]) {
        const call = yield* called(callee)
        assert.strictEqual(yield* call.outcome, "not rated")
      }
    }).pipe(Effect.provide(engine)))

  it.effect("is not asked of a caller whom the carrier could not connect", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170077", Callee.busy)
      const call = yield* called(Callee.answers().hears("Welcome").hears("Nobody is free"))
      assert.strictEqual(yield* call.outcome, "not connected")
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [], inbound, company: { legAnswers: true } }))))
})
