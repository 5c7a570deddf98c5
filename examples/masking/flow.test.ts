import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { masking } from "./flow.ts"

const number = PhoneNumber.make("+15550170009")
const rider = PhoneNumber.make("+15550170001")
const driver = PhoneNumber.make("+15550170002")

const Masking = masking({ number, pair: [rider, driver] })
const inbound = { [number]: Masking }
const engine = TestCalls.layer({ flows: [], inbound })
const called = (from: string, callee: Callee.Script = Callee.answers()) =>
  TestCalls.incoming(Masking, { to: number, from, callee })

/** Who was rung by a bridge, and which number they saw. */
const bridged = Effect.map(
  PhoneCompany.log,
  (log) =>
    log.flatMap((entry) =>
      entry._tag === "Replied" && entry.action?._tag === "Dial"
        ? [{ to: entry.action.to, sees: entry.action.from }]
        : []
    )
)

describe("a masked number", () => {
  it.effect("connects either of the two with the other, who sees our number", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* (yield* called(rider)).outcome, "connected")
      assert.strictEqual(yield* (yield* called(driver)).outcome, "connected")
      assert.deepStrictEqual(yield* bridged, [{ to: driver, sees: number }, { to: rider, sees: number }])
    }).pipe(Effect.provide(engine)))

  it.effect("knows a caller who is reported without the country code", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* (yield* called("5550170002")).outcome, "connected")
      assert.deepStrictEqual(yield* bridged, [{ to: rider, sees: number }])
    }).pipe(Effect.provide(engine)))

  it.effect("turns strangers away and rings nobody", () =>
    Effect.gen(function*() {
      const call = yield* called("+15550170044", Callee.answers().hears("not in use"))
      assert.strictEqual(yield* call.outcome, "turned away")
      assert.deepStrictEqual(yield* PhoneCompany.rings, [])
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("tells the caller when the carrier says that nobody answers", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(driver, Callee.noAnswer)
      const call = yield* called(rider, Callee.answers().hears("Nobody answers"))
      assert.strictEqual(yield* call.outcome, "not connected")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [], inbound, company: { legAnswers: true } }))))

  it.effect("is free again when the caller hangs up", () =>
    Effect.gen(function*() {
      const call = yield* called(rider, Callee.answers().hangsUp())
      assert.strictEqual(yield* call.outcome, "caller left")
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual((yield* PhoneCompany.lines).map((line) => line.state._tag), ["Ended"])
    }).pipe(Effect.provide(engine)))
})
