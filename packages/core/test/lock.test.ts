import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Lock } from "../src/internal/lock.ts"

describe("a lock", () => {
  it("is taken at once by one, and again when it was given back", () => {
    const lock = new Lock()
    assert.deepStrictEqual([lock.takeUnsafe(), lock.takeUnsafe()], [true, false])
    lock.releaseUnsafe()
    assert.isTrue(lock.takeUnsafe())
  })

  it.effect("goes to those who wait for it in the order in which they came", () =>
    Effect.gen(function*() {
      const lock = new Lock()
      const order: Array<number> = []
      lock.takeUnsafe()
      const waiting = yield* Effect.forEach([1, 2, 3], (n) =>
        Effect.forkChild(
          Effect.map(lock.take, () => {
            order.push(n)
            lock.releaseUnsafe()
          }),
          { startImmediately: true }
        ))
      assert.deepStrictEqual(order, [])
      lock.releaseUnsafe()
      assert.isFalse(lock.takeUnsafe(), "whoever waits goes before whoever comes")
      yield* Fiber.joinAll(waiting)
      assert.deepStrictEqual(order, [1, 2, 3])
      assert.isTrue(lock.takeUnsafe())
    }))

  it.effect("is handed down a long line without a deep stack", () =>
    Effect.gen(function*() {
      const lock = new Lock()
      lock.takeUnsafe()
      const passing = Effect.map(lock.take, () => lock.releaseUnsafe())
      const waiting = yield* Effect.replicateEffect(Effect.forkChild(passing, { startImmediately: true }), 20_000)
      lock.releaseUnsafe()
      yield* Fiber.joinAll(waiting)
      assert.isTrue(lock.takeUnsafe())
    }))
})
