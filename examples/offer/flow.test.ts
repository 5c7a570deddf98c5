import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer } from "effect"
import { Consents, Offer } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

/** Everybody agrees until they withdraw. */
const consents = Layer.sync(Consents, () => {
  const withdrawn = new Set<string>()
  return {
    holds: (number) => Effect.sync(() => !withdrawn.has(number)),
    withdraw: (number) => Effect.sync(() => void withdrawn.add(number))
  }
})
const engine = TestCalls.layer({ flows: [Offer] }).pipe(Layer.provide(consents))
const outcome = Effect.flatMap(Calls.start(Offer, input), (call) => call.outcome)

describe("an offer", () => {
  it.effect("is accepted by three times yes", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(
        "+15550170001",
        Callee.answers().presses("1").presses("1").presses("1").hears("Welcome")
      )
      assert.strictEqual(yield* outcome, "accepted")
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect.each(["2", "12", "112"])("is declined by %s", (keys) =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", presses(keys))
      assert.strictEqual(yield* outcome, "declined")
    }).pipe(Effect.provide(engine)))

  it.effect.each(["9", "19", "119"])("is never made again after %s", (keys) =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", presses(keys).hears("not call you again"))
      assert.strictEqual(yield* outcome, "opted out")
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
      assert.strictEqual(yield* outcome, "no consent")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.provide(engine)))

  it.effect("is withdrawn from whoever pressed 9 and hung up", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers().presses("9").hangsUp())
      assert.strictEqual(yield* outcome, "opted out")
      assert.strictEqual(yield* outcome, "no consent")
    }).pipe(Effect.provide(engine)))

  it.effect("is declined by silence and by hanging up, and missed by whoever is out", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", [Callee.answers(), Callee.answers().hangsUp(), Callee.noAnswer])
      assert.strictEqual(yield* outcome, "declined")
      assert.strictEqual(yield* outcome, "declined")
      assert.strictEqual(yield* outcome, "unreached")
    }).pipe(Effect.provide(engine)))
})

/** A callee who presses these keys, one at each menu. */
const presses = (keys: string) => Array.from(keys).reduce((callee, key) => callee.presses(key), Callee.answers())
