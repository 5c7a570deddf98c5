import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { HangUp } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

describe("hanging up on whoever answers", () => {
  it.effect("tells that somebody can be reached, and says nothing to them", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(HangUp, input)
      assert.strictEqual(yield* call.outcome, "reachable")
      yield* FakeClock.settle
      const replies = (yield* PhoneCompany.log).filter((entry) => entry._tag === "Replied")
      assert.deepStrictEqual(replies[0]?.action, { _tag: "Hangup" })
    }).pipe(Effect.provide(TestCalls.layer({ flows: [HangUp] }))))

  it.effect("tells that nobody answered in 30 seconds", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.noAnswer)
      const call = yield* Calls.start(HangUp, input)
      assert.strictEqual(yield* call.outcome, "unreachable")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [HangUp] }))))
})
