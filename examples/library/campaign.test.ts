import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer } from "effect"
import { startTraced } from "./campaign.ts"
import { Full, Parcel, Shelf } from "./delivery.ts"

const to = PhoneNumber.make("+15550170001")
const input = { to, from: PhoneNumber.make("+15550170009") }

const world = (isKept: boolean) =>
  TestCalls.layer({ flows: [Parcel] }).pipe(Layer.provide(Layer.succeed(Shelf, { keep: () => Effect.succeed(isKept) })))

describe("a campaign", () => {
  it.effect("rings once more after an hour, and gives the value of its user's conversation", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, [Callee.noAnswer, Callee.answers("3 seconds").presses("2")])
      const call = yield* startTraced(Parcel, input, "order-17")
      const again = yield* startTraced(Parcel, input, "order-17")
      assert.deepStrictEqual([again.id, again.isNew], [call.id, false])
      assert.strictEqual(yield* call.outcome, "kept")
      const noted = (yield* Calls.events(call.id)).flatMap((event) => event._tag === "Noted" ? [event.data] : [])
      assert.deepStrictEqual(noted, ["parcel"])
    }).pipe(Effect.provide(world(true))))

  it.effect("fails with the error of its user's conversation", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, [Callee.answers("3 seconds").presses("2")])
      const call = yield* startTraced(Parcel, input, "order-18")
      assert.deepStrictEqual(yield* Effect.flip(call.outcome), new Full())
    }).pipe(Effect.provide(world(false))))
})
