import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { DialAnExtension } from "./flow.ts"

const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  extension: "21",
  message: "The delivery is at the gate."
}

describe("dialling an extension", () => {
  it.effect("lets the carrier key it in before the message starts", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(DialAnExtension, input)
      assert.strictEqual(yield* call.outcome, "told")
      const dials = (yield* PhoneCompany.log).filter((entry) => entry._tag === "Requested")
      assert.strictEqual(dials[0]?.action.sendDtmf, "wwww21#")
      assert.strictEqual(dials[0]?.action.maxCallDurationSeconds, 300)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [DialAnExtension] }))))
})
