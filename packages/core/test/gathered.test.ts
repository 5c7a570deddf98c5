import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Background from "../src/internal/background.ts"
import * as Gathered from "../src/internal/gathered.ts"

const scene = Effect.gen(function*() {
  const told: Array<string> = []
  const scope = yield* Scope.make()
  const run = yield* Scope.provide(Background.make, scope)
  const gather = Gathered.make<number>(
    run,
    (first, count) => Effect.sync(() => void told.push(`${first.join(" ")} of ${count}`))
  )
  const some = (from: number, to: number) => {
    for (let n = from; n <= to; n++) gather(n)
  }
  return { told, some, close: Scope.close(scope, Exit.void) }
})

describe("what may come without a bound", () => {
  it.effect("is told within a second, and then once a minute at most, with how many there were", () =>
    Effect.gen(function*() {
      const { some, told } = yield* scene
      some(1, 3)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, ["1 2 3 of 3"])
      some(4, 1000)
      yield* TestClock.adjust("59 seconds")
      assert.lengthOf(told, 1)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(told.slice(1), [`${Array.from({ length: 20 }, (_, n) => n + 4).join(" ")} of 997`])
      yield* TestClock.adjust("1 hour")
      some(7, 7)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(told.at(-1), "7 of 1")
      assert.lengthOf(told, 3)
    }))

  it.effect("is told before its engine ends", () =>
    Effect.gen(function*() {
      const { close, some, told } = yield* scene
      some(1, 1)
      yield* TestClock.adjust("1 second")
      some(2, 2)
      yield* close
      assert.deepStrictEqual(told, ["1 of 1", "2 of 1"])
    }))
})
