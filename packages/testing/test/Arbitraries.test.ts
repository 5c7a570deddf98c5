import { assert, describe, it } from "@effect/vitest"
import { Call, CallEvent, Calls, Flow, PhoneNumber } from "@ringback/core"
import { Arbitraries, Callee, FlowExplorer, PhoneCompany, TestCalls } from "@ringback/testing"
import { Arbitrary, Effect, Result, Schema } from "effect"

const id = CallEvent.CallId.make("0123456789abcdefghjk")

/** What is drawn first; enough to see every case that is not rare. */
const sample = <A>(arbitrary: Arbitrary.Arbitrary<A>, count = 300) =>
  Effect.runSync(Arbitrary.sampleEffect(arbitrary, { count, seed: 7 }))

describe("Arbitraries", () => {
  it.prop("numbers are numbers", [Arbitraries.phoneNumber], ([number]) => assert.isTrue(PhoneNumber.is(number)))

  it.prop(
    "events come back from the store as they were",
    [Arbitraries.history],
    ([history]) =>
      assert.deepStrictEqual(CallEvent.decode(CallEvent.encode(history)), JSON.parse(JSON.stringify(history)))
  )

  it.prop("no history is refused", [Arbitraries.history], ([history]) => {
    assert.strictEqual(Call.fold(id, history).id, id)
  })

  it("webhooks are of every kind, known or not", () =>
    assert.sameMembers(Array.from(new Set(sample(Arbitraries.webhook).map(({ kind }) => kind))), [
      "IncomingCall",
      "DialCompleted",
      "SpeakCompleted",
      "PlayCompleted",
      "LegCompleted",
      "CallCompleted",
      "OtherCompleted",
      "Unknown"
    ]))

  it.prop(
    "a callee can be said in words",
    [Arbitraries.callee],
    ([callee]) =>
      assert.strictEqual(
        Callee.describe(Result.getOrThrow(Callee.parse(Callee.describe(callee)))),
        Callee.describe(callee)
      )
  )

  it("callees are reached in every way, and only those who answer have a script", () => {
    const callees = sample(Arbitraries.callee)
    assert.lengthOf(new Set(callees.map(({ reach }) => reach._tag)), 5)
    assert.isTrue(callees.every(({ reach, steps }) => reach._tag === "Answers" || steps.length === 0))
    assert.isAtLeast(new Set(callees.flatMap(({ steps }) => steps.map(({ _tag }) => _tag))).size, 7)
  })

  it("conversations have parts of every kind", () =>
    assert.lengthOf(new Set(sample(Arbitraries.conversation).flatMap((parts) => parts.map(({ _tag }) => _tag))), 11))

  it.effect.prop(
    "every conversation with every callee comes to an outcome that the explorer has seen",
    [Arbitraries.conversation, Arbitraries.callee],
    ([conversation, callee]) => {
      const numbers = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }
      const flow = Flow.make("any", {
        version: 1,
        input: {},
        output: Schema.Void,
        run: () => Flow.dial(Arbitraries.talk(conversation), numbers)
      })
      const { outcomes } = FlowExplorer.explore(flow, {})
      return Effect.gen(function*() {
        yield* PhoneCompany.callee(numbers.to, callee)
        const call = yield* Calls.start(flow, {})
        const outcome = yield* Effect.match(call.outcome, {
          onSuccess: () => "ends",
          onFailure: (error) =>
            error._tag === "NotAnswered" ? `fails: NotAnswered (${error.reason})` : `fails: ${error._tag}`
        })
        assert.include(outcomes, outcome)
      }).pipe(Effect.provide(TestCalls.layer({ flows: [flow] })))
    },
    { arbitrary: { runs: 40 } }
  )
})
