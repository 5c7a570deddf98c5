import { assert, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { Pickup } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

it.effect("a customer says when they come", () =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("+15550170001", Callee.answers("3 seconds").hears(/today/).presses("2"))
    const call = yield* Calls.start(Pickup, input)
    assert.strictEqual(yield* call.outcome, "tomorrow") // virtual time: nothing is waited for
  }).pipe(Effect.provide(TestCalls.layer({ flows: [Pickup] }))))

it.effect("a customer who hangs up was not reached", () =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("+15550170001", Callee.answers().hangsUpDuring(1))
    const call = yield* Calls.start(Pickup, input)
    assert.strictEqual(yield* call.outcome, "unreached")
  }).pipe(Effect.provide(TestCalls.layer({ flows: [Pickup] }))))
