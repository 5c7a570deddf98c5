import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { transfer } from "./flow.ts"

const number = PhoneNumber.make("+15550170009")
const reception = PhoneNumber.make("+15550170071")
const billing = PhoneNumber.make("+15550170072")
const repairs = PhoneNumber.make("+15550170073")

const Transfer = transfer({ number, reception, billing, repairs })
const engine = TestCalls.layer({ flows: [], inbound: { [number]: Transfer } })
const called = (callee: Callee.Script) => TestCalls.incoming(Transfer, { to: number, from: "+15550170044", callee })
const rung = Effect.map(PhoneCompany.rings, (rings) => rings.map((ring) => ring.number))

describe("a transfer", () => {
  it.effect("dials the next agent when the leg of the one before has ended", () =>
    Effect.gen(function*() {
      const caller = Callee.answers().presses("1").presses("2").hears("For billing").hangsUp()
      const call = yield* called(caller)
      assert.strictEqual(yield* call.outcome, "helped")
      assert.deepStrictEqual(yield* rung, [reception, billing, repairs])
    }).pipe(Effect.provide(engine)))

  it.effect("is not needed by a caller who hangs up on the first agent", () =>
    Effect.gen(function*() {
      const call = yield* called(Callee.answers().talks().hangsUp())
      assert.strictEqual(yield* call.outcome, "helped")
      assert.deepStrictEqual(yield* rung, [reception])
    }).pipe(Effect.provide(engine)))

  it.effect("is offered once more when the agent is busy", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(billing, Callee.busy)
      const call = yield* called(Callee.answers().presses("1").presses("3").hears("For billing").hangsUp())
      assert.strictEqual(yield* call.outcome, "helped")
      assert.deepStrictEqual(yield* rung, [reception, billing, reception])
    }).pipe(Effect.provide(engine)))

  it.effect("ends with a caller who says nothing, and after five times", () =>
    Effect.gen(function*() {
      const silent = yield* called(Callee.answers())
      assert.strictEqual(yield* silent.outcome, "sent away")
      assert.deepStrictEqual(yield* rung, [reception])
      const patient = Array.from({ length: 6 }).reduce((callee: Callee.Callee) => callee.presses("3"), Callee.answers())
      const endless = yield* called(patient.hears("call again"))
      assert.strictEqual(yield* endless.outcome, "sent away")
      assert.lengthOf(yield* rung, 7)
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))
})
