import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue, Scope } from "effect"
import * as Background from "../src/internal/background.ts"
import * as GroupRead from "../src/internal/store/groupRead.ts"

/** A statement under way: what it asks, and the way to its end. */
interface Statement {
  readonly batch: ReadonlyArray<string>
  readonly end: Effect.Effect<unknown>
}

/** A reader whose statements a test ends one by one. It says each question in capitals, fails at `x`, and dies at `!`. */
const make = Effect.fnUntraced(function*(options: { readonly batchSize?: number } = {}) {
  const statements = yield* Queue.unbounded<Statement>()
  const scope = yield* Scope.make()
  const ask = GroupRead.make<string, string, string>({
    read: Effect.fnUntraced(function*(batch) {
      const ended = yield* Deferred.make<void>()
      yield* Queue.offer(statements, { batch, end: Deferred.succeed(ended, undefined) })
      yield* Deferred.await(ended)
      if (batch.includes("!")) return yield* Effect.die("broken")
      return batch.map((text) => text === "x" ? Exit.fail("refused") : Exit.succeed(text.toUpperCase()))
    }),
    run: yield* Scope.provide(Background.make, scope),
    atOnce: 1,
    batchSize: 4,
    ...options
  })
  return {
    ask: (...texts: ReadonlyArray<string>) =>
      Effect.forEach(texts, (text) => Effect.forkChild(Effect.exit(ask(text)), { startImmediately: true })),
    statement: Queue.take(statements),
    statements: Queue.size(statements),
    close: Scope.close(scope, Exit.void)
  }
})

const joined = <A, E>(fibers: ReadonlyArray<Fiber.Fiber<Exit.Exit<A, E>>>) => Effect.forEach(fibers, Fiber.join)

describe("a group read", () => {
  it.effect("asks for all who come in one round of the event loop, and gives each its own", () =>
    Effect.gen(function*() {
      const reader = yield* make()
      const fibers = yield* reader.ask("a", "x", "b")
      const { batch, end } = yield* reader.statement
      assert.deepStrictEqual(batch, ["a", "x", "b"])
      yield* end
      assert.deepStrictEqual(yield* joined(fibers), [Exit.succeed("A"), Exit.fail("refused"), Exit.succeed("B")])
    }))

  it.effect("asks for those who come meanwhile with the next statement, so many at most", () =>
    Effect.gen(function*() {
      const reader = yield* make()
      const first = yield* reader.ask("a")
      const one = yield* reader.statement
      const others = yield* reader.ask("b", "c", "d", "e", "f")
      assert.strictEqual(yield* reader.statements, 0)
      yield* one.end
      const two = yield* reader.statement
      yield* two.end
      const three = yield* reader.statement
      yield* three.end
      assert.deepStrictEqual([one.batch, two.batch, three.batch], [["a"], ["b", "c", "d", "e"], ["f"]])
      assert.deepStrictEqual(yield* joined([...first, ...others]), [..."ABCDEF"].map((text) => Exit.succeed(text)))
    }))

  it.effect("does not ask for who has gone away", () =>
    Effect.gen(function*() {
      const reader = yield* make()
      const [kept] = yield* reader.ask("a")
      const one = yield* reader.statement
      const [gone, stays] = yield* reader.ask("b", "c")
      yield* Fiber.interrupt(gone!)
      yield* one.end
      const two = yield* reader.statement
      assert.deepStrictEqual(two.batch, ["c"])
      yield* two.end
      yield* joined([kept!, stays!])
    }))

  it.effect("asks for those who come behind a statement that dies", () =>
    Effect.gen(function*() {
      const reader = yield* make()
      const first = yield* reader.ask("!")
      const one = yield* reader.statement
      const others = yield* reader.ask("a", "b")
      yield* one.end
      assert.isTrue((yield* joined(first)).every(Exit.hasDies))
      const two = yield* reader.statement
      yield* two.end
      assert.deepStrictEqual(yield* joined(others), [Exit.succeed("A"), Exit.succeed("B")])
    }))

  it.effect("lets nobody wait for ever when its scope closes, nor after", () =>
    Effect.gen(function*() {
      const reader = yield* make()
      const before = yield* reader.ask("a", "b", "c", "d", "e")
      yield* reader.statement
      yield* reader.close
      const after = yield* reader.ask("f")
      const exits = yield* joined([...before, ...after])
      assert.isTrue(exits.every(Exit.hasInterrupts))
    }))
})
