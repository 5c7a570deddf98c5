import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Scope } from "effect"
import { EventStore } from "../src/index.ts"
import * as Background from "../src/internal/background.ts"
import * as Unforked from "../src/internal/unforked.ts"

/** What runs fibers, and how many it has run. */
const counting = Effect.gen(function*() {
  const run = yield* Background.make
  let fibers = 0
  const counted: Background.Run = (effect) => {
    fibers++
    return run(effect)
  }
  return { run: counted, fibers: () => fibers }
})

const three: EventStore.Begin<number, never> = (answer) => answer(Exit.succeed(3))

describe("an effect that need not be forked", () => {
  it.effect("is an effect as any other", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* EventStore.unforked(Effect.callback(three), three), 3)
    }))

  it.effect("is begun without a fiber", () =>
    Effect.gen(function*() {
      const { fibers, run } = yield* counting
      const exits: Array<unknown> = []
      Unforked.begin(EventStore.unforked(Effect.die("not this way"), three), run, (exit) => void exits.push(exit))
      assert.deepStrictEqual([exits, fibers()], [[Exit.succeed(3)], 0])
    }))

  it.effect("is begun in a fiber once anything was made of it, so that nothing around it is passed over", () =>
    Effect.gen(function*() {
      const { fibers, run } = yield* counting
      const exits: Array<unknown> = []
      const twice = Effect.map(EventStore.unforked(Effect.callback(three), three), (n) => n * 2)
      Unforked.begin(twice, run, (exit) => void exits.push(exit))
      assert.deepStrictEqual([exits, fibers()], [[Exit.succeed(6)], 1])
    }))
})

describe("any other effect", () => {
  it.effect("is begun in a fiber, and comes to its end when those are interrupted", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const run = yield* Scope.provide(Background.make, scope)
      const gate = yield* Deferred.make<void>()
      const exits: Array<unknown> = []
      Unforked.begin(Effect.as(Deferred.await(gate), "stored"), run, (exit) => void exits.push(exit))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      assert.deepStrictEqual([exits, closing.pollUnsafe()], [[], undefined])
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(exits, [Exit.succeed("stored")])
    }))
})
