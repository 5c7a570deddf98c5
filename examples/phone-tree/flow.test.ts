import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { PhoneTree } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }
const engine = TestCalls.layer({ flows: [PhoneTree] })

/** A callee who presses these keys, one at each menu. */
const presses = (keys: string) => Array.from(keys).reduce((callee, key) => callee.presses(key), Callee.answers())

describe("a phone tree", () => {
  const ways = { "1": "today", "0": "agent", "211": "tomorrow", "212": "saturday", "221": "neighbour", "222": "shop" }

  it.effect.each(Object.entries(ways))("leads by %s to %s", ([keys, wish]) =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", presses(keys))
      const call = yield* Calls.start(PhoneTree, input)
      assert.strictEqual(yield* call.outcome, wish)
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("goes back level by level", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", presses("21*2**0"))
      const call = yield* Calls.start(PhoneTree, input)
      assert.strictEqual(yield* call.outcome, "agent")
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("counts silence anew at each level, and gives up after the third on one", () =>
    Effect.gen(function*() {
      const slow = Callee.answers().staysSilent().staysSilent().presses("2").staysSilent().staysSilent().staysSilent()
      yield* PhoneCompany.callee("+15550170001", slow)
      const error = yield* Effect.flip((yield* Calls.start(PhoneTree, input)).outcome)
      assert.strictEqual(error._tag, "NoInput")
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(Effect.provide(engine)))

  it.effect("fails as hung up for whoever leaves on the second level", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", presses("2").hears("another day").hangsUp())
      const error = yield* Effect.flip((yield* Calls.start(PhoneTree, input)).outcome)
      assert.strictEqual(error._tag, "HungUp")
    }).pipe(Effect.provide(engine)))
})
