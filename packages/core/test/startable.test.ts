import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Scope } from "effect"
import * as Running from "../src/internal/running.ts"
import * as Startable from "../src/internal/startable.ts"

/** What runs fibers, and how many it has run. */
const counting = Effect.gen(function*() {
  const run = yield* Running.make
  let fibers = 0
  const counted: Running.Run = (effect) => {
    fibers++
    return run(effect)
  }
  return { run: counted, fibers: () => fibers }
})

const three: Startable.Start<number, never> = (answer) => answer(Exit.succeed(3))

describe("a startable effect", () => {
  it.effect("is an effect as any other", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Startable.make(Effect.callback(three), three), 3)
    }))

  it.effect("is begun without a fiber", () =>
    Effect.gen(function*() {
      const { fibers, run } = yield* counting
      const exits: Array<unknown> = []
      Startable.begin(Startable.make(Effect.die("not this way"), three), run, (exit) => void exits.push(exit))
      assert.deepStrictEqual([exits, fibers()], [[Exit.succeed(3)], 0])
    }))

  it.effect("is begun in a fiber once anything was made of it, so that nothing around it is passed over", () =>
    Effect.gen(function*() {
      const { fibers, run } = yield* counting
      const exits: Array<unknown> = []
      const twice = Effect.map(Startable.make(Effect.callback(three), three), (n) => n * 2)
      Startable.begin(twice, run, (exit) => void exits.push(exit))
      assert.deepStrictEqual([exits, fibers()], [[Exit.succeed(6)], 1])
    }))
})

describe("any other effect", () => {
  it.effect("is begun in a fiber, and comes to its end when those are interrupted", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const run = yield* Scope.provide(Running.make, scope)
      const gate = yield* Deferred.make<void>()
      const exits: Array<unknown> = []
      Startable.begin(Effect.as(Deferred.await(gate), "stored"), run, (exit) => void exits.push(exit))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      assert.deepStrictEqual([exits, closing.pollUnsafe()], [[], undefined])
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(exits, [Exit.succeed("stored")])
    }))
})
