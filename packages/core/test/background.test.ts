import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import * as Background from "../src/internal/background.ts"
import { collect } from "./fixtures/collect.ts"

/** What runs in a scope of its own, and the way to close it. */
const open = Effect.gen(function*() {
  const scope = yield* Scope.make()
  return { run: yield* Scope.provide(Background.make, scope), close: Scope.close(scope, Exit.void) }
})

describe("what runs in a scope", () => {
  it.effect("begins at once", () =>
    Effect.gen(function*() {
      const { run } = yield* open
      let began = false
      run(Effect.sync(() => void (began = true)))
      assert.isTrue(began)
    }))

  it.effect("is interrupted when the scope closes, which waits for its end", () =>
    Effect.gen(function*() {
      const { close, run } = yield* open
      const ended: Array<number> = []
      const endless = (n: number) =>
        Effect.onInterrupt(Effect.never, () => Effect.andThen(Effect.yieldNow, Effect.sync(() => void ended.push(n))))
      const fibers = [1, 2, 3].map((n) => run(endless(n)))
      yield* close
      assert.deepStrictEqual(ended.toSorted(), [1, 2, 3])
      for (const fiber of fibers) assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    }))

  it.effect("is interrupted at once if the scope has closed", () =>
    Effect.gen(function*() {
      const { close, run } = yield* open
      yield* close
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(run(Effect.never))))
    }))

  it.effect("leaves its place to others, and they are interrupted all the same", () =>
    Effect.gen(function*() {
      const { close, run } = yield* open
      const first = run(Effect.never)
      const second = run(Effect.never)
      run(Effect.void)
      yield* Fiber.interrupt(second)
      const third = run(Effect.never)
      const fourth = run(Effect.never)
      yield* close
      for (const fiber of [first, third, fourth]) assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    }))

  it.effect("is held until it has ended, and not any longer", () =>
    Effect.gen(function*() {
      const { run } = yield* open
      const under = new WeakRef(run(Effect.never))
      const ended = [Effect.yieldNow, Effect.void].map((effect) => new WeakRef(run(effect)))
      yield* collect
      assert.deepStrictEqual(ended.map((fiber) => fiber.deref()), [undefined, undefined])
      assert.isDefined(under.deref())
    }))

  it.effect("has the services of the moment at which its scope was opened", () =>
    Effect.gen(function*() {
      const { run } = yield* open
      assert.strictEqual(yield* Fiber.join(run(Clock.Clock)), yield* Clock.Clock)
    }))

  it.effect("ends by itself with its result, which the scope does not change", () =>
    Effect.gen(function*() {
      const { close, run } = yield* open
      const fiber = run(Effect.andThen(Effect.yieldNow, Effect.succeed("done")))
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      yield* close
      assert.strictEqual(yield* Fiber.join(fiber), "done")
    }))
})
