import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { PlayAMessage } from "./flow.ts"

const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  message: "https://media.example.net/closing-time.wav"
}

describe("playing a message", () => {
  it.effect("ends when it was heard to its end", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(PlayAMessage, input)
      assert.strictEqual(yield* call.outcome, "heard")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [PlayAMessage] }))))

  it.effect("says so when the callee is busy", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.busy)
      const call = yield* Calls.start(PlayAMessage, input)
      assert.deepStrictEqual(
        yield* Effect.flip(call.outcome),
        new Flow.NotAnswered({ reason: "busy", status: "busy" })
      )
    }).pipe(Effect.provide(TestCalls.layer({ flows: [PlayAMessage] }))))

  it.effect("stops an address that is none before anything plays", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(PlayAMessage, { ...input, message: "closing-time.wav" })
      const error = yield* Effect.flip(call.outcome)
      assert.strictEqual(error._tag, "CallStopped")
      assert.match(error.message, /address of an audio file/)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [PlayAMessage] }))))
})
