import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { Appointment } from "./flow.ts"

const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  when: "on Tuesday at ten"
}
const engine = TestCalls.layer({ flows: [Appointment] })

describe("an appointment", () => {
  it.effect("is kept by 1, after a key that means nothing", () =>
    Effect.gen(function*() {
      const patient = Callee.answers().hears("Tuesday").presses("7").hears("1, 2 or 3").presses("1").hears("See you")
      yield* PhoneCompany.callee("+15550170001", patient)
      const call = yield* Calls.start(Appointment, input)
      assert.strictEqual(yield* call.outcome, "kept")
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("is asked about again an hour after 3", () =>
    Effect.gen(function*() {
      const began = yield* FakeClock.now
      yield* PhoneCompany.callee("+15550170001", [Callee.answers().presses("3"), Callee.answers().presses("2")])
      const call = yield* Calls.start(Appointment, input)
      assert.strictEqual(yield* call.outcome, "cancelled")
      assert.isAtLeast((yield* FakeClock.now) - began, 3_600_000)
    }).pipe(Effect.provide(engine)))

  it.effect("is put off twice and no more", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().presses("3"))
      const call = yield* Calls.start(Appointment, input)
      assert.strictEqual(yield* call.outcome, "later")
      assert.strictEqual((yield* PhoneCompany.rings).length, 3)
    }).pipe(Effect.provide(engine)))

  it.effect("is tried three times with whoever is busy, and once with a number that is refused", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.busy)
      assert.strictEqual(yield* (yield* Calls.start(Appointment, input)).outcome, "unreached")
      assert.strictEqual((yield* PhoneCompany.rings).length, 3)
      yield* PhoneCompany.block("+15550170001")
      assert.strictEqual(yield* (yield* Calls.start(Appointment, input)).outcome, "unreached")
      assert.strictEqual((yield* PhoneCompany.rings).length, 3)
    }).pipe(Effect.provide(engine)))

  it.effect("fails as hung up if the patient leaves before an answer, and is not dialled again", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().hangsUp())
      const call = yield* Calls.start(Appointment, input)
      assert.strictEqual((yield* Effect.flip(call.outcome))._tag, "HungUp")
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
    }).pipe(Effect.provide(engine)))
})
