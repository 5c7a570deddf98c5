/** What is sent to owners of calls, some of which do not answer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Sending from "../src/internal/cluster/sending.ts"

const within = 500
const answered = Option.some("here")
const hangs = Effect.never
const answers = Effect.succeed("here")

describe("an owner that does not answer in time", () => {
  it.effect("is passed by for a second, about the calls of that group alone", () =>
    Effect.gen(function*() {
      const { ask, longestWait } = yield* Sending.make
      const asked = yield* Effect.forkChild(ask("g1", within, hangs))
      yield* TestClock.adjust(within)
      assert.deepStrictEqual(yield* Fiber.join(asked), Option.none())
      assert.deepStrictEqual(yield* ask("g1", within, answers), Option.none())
      assert.deepStrictEqual(yield* ask("g2", within, answers), answered)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* ask("g1", within, answers), answered)
      assert.strictEqual(longestWait(), within)
    }))

  it.effect("about one call is heard about others of its group meanwhile", () =>
    Effect.gen(function*() {
      const { ask } = yield* Sending.make
      const slow = yield* Effect.forkChild(ask("g1", within, hangs))
      yield* TestClock.adjust(within - 1)
      const beside = yield* Effect.forkChild(ask("g1", within, Effect.delay(answers, within - 1)))
      assert.deepStrictEqual(yield* ask("g1", within, answers), answered)
      yield* TestClock.adjust(within - 1)
      assert.deepStrictEqual(yield* Fiber.join(slow), Option.none())
      assert.deepStrictEqual(yield* Fiber.join(beside), answered)
    }))
})
