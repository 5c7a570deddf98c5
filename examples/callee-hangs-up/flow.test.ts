import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { CalleeHangsUp } from "./flow.ts"

const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  message: "The library closes at six today."
}

describe("a callee who may hang up", () => {
  it.effect("is told from one who listens to the end", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", [Callee.answers().hangsUp(), Callee.answers()])
      const first = yield* Calls.start(CalleeHangsUp, input)
      assert.strictEqual(yield* first.outcome, "hung up")
      const second = yield* Calls.start(CalleeHangsUp, input)
      assert.strictEqual(yield* second.outcome, "heard")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [CalleeHangsUp] }))))
})
