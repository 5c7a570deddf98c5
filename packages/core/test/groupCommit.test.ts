import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../src/internal/store/groupCommit.ts"

/** A commit under way: what it writes, and the way to end it. */
interface Commit {
  readonly batch: ReadonlyArray<string>
  readonly end: (answers: Effect.Effect<ReadonlyArray<Exit.Exit<void, string>>, string>) => Effect.Effect<unknown>
}

/** A writer whose commits a test ends one by one. The key of an item is its first character. */
const make = Effect.fnUntraced(function*(options: { readonly batchSize?: number; readonly capacity?: number } = {}) {
  const commits = yield* Queue.unbounded<Commit>()
  const scope = yield* Scope.make()
  const { submit: put, waiting } = yield* Scope.provide(
    GroupCommit.make<string, string>({
      write: Effect.fnUntraced(function*(batch) {
        const answers = yield* Deferred.make<ReadonlyArray<Exit.Exit<void, string>>, string>()
        yield* Queue.offer(commits, { batch, end: (effect) => Deferred.complete(answers, effect) })
        return yield* Deferred.await(answers)
      }),
      key: (item) => item[0],
      closed: "closed",
      brokenOff: "broken off",
      closeWithin: 2_000,
      batchSize: 4,
      capacity: 8,
      ...options
    }),
    scope
  )
  const submit = (item: string) => Effect.callback<void, string>((answer) => put(item, answer))
  return {
    put,
    waiting,
    /** Sends items off at once. */
    submit: (...items: ReadonlyArray<string>) =>
      Effect.forEach(items, (item) => Effect.forkChild(Effect.exit(submit(item)), { startImmediately: true })),
    commit: Queue.take(commits),
    close: Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
  }
})

const done = (commit: Commit) => commit.end(Effect.succeed(commit.batch.map(() => Exit.void)))

const joined = (fibers: ReadonlyArray<Fiber.Fiber<Exit.Exit<void, string>>>) => Effect.forEach(fibers, Fiber.join)

describe("a group commit", () => {
  it.effect("takes all that came while the commit before was under way", () =>
    Effect.gen(function*() {
      const writer = yield* make()
      const first = yield* writer.submit("a")
      const one = yield* writer.commit
      const others = yield* writer.submit("b", "c", "d")
      yield* done(one)
      const two = yield* writer.commit
      assert.deepStrictEqual([one.batch, two.batch], [["a"], ["b", "c", "d"]])
      yield* done(two)
      assert.deepStrictEqual(yield* joined([...first, ...others]), [Exit.void, Exit.void, Exit.void, Exit.void])
    }))

  it.effect("waits for those who join, for three rounds at most", () =>
    Effect.gen(function*() {
      const writer = yield* make({ batchSize: 8 })
      const oneARound = Effect.forEach(["b", "c", "d", "e"], (item) =>
        Effect.andThen(Effect.yieldNow, writer.submit(item)))
      yield* Effect.forkChild(oneARound, { startImmediately: true })
      yield* writer.submit("a")
      const commit = yield* writer.commit
      assert.deepStrictEqual(commit.batch, ["a", "b", "c", "d"])
      yield* done(commit)
      assert.deepStrictEqual((yield* writer.commit).batch, ["e"])
    }))

  it.effect("gives each item its own answer", () =>
    Effect.gen(function*() {
      const writer = yield* make()
      const items = yield* writer.submit("a", "b", "c")
      const commit = yield* writer.commit
      yield* commit.end(Effect.succeed([Exit.void, Exit.fail("conflict"), Exit.void]))
      assert.deepStrictEqual(yield* joined(items), [Exit.void, Exit.fail("conflict"), Exit.void])
    }))

  it.effect("never holds two items of one key, and keeps their order before later ones", () =>
    Effect.gen(function*() {
      const writer = yield* make({ batchSize: 8 })
      yield* writer.submit("a1", "a2", "b1", "a3", "b2")
      const batches: Array<ReadonlyArray<string>> = []
      for (const later of [["a4", "c1"], [], ["d1"], []]) {
        const commit = yield* writer.commit
        batches.push(commit.batch)
        yield* writer.submit(...later)
        yield* done(commit)
      }
      assert.deepStrictEqual(batches, [["a1", "b1"], ["a2", "b2", "c1"], ["a3"], ["a4", "d1"]])
    }))

  it.effect("holds at most as many items as it may", () =>
    Effect.gen(function*() {
      const writer = yield* make({ batchSize: 2 })
      yield* writer.submit("a1", "a2", "a3", "b", "c")
      const batches: Array<ReadonlyArray<string>> = []
      for (let n = 0; n < 4; n++) {
        const commit = yield* writer.commit
        batches.push(commit.batch)
        yield* done(commit)
      }
      assert.deepStrictEqual(batches, [["a1"], ["a2"], ["a3", "b"], ["c"]])
    }))

  it.effect("answers all items when it fails or dies, and the next one goes on", () =>
    Effect.gen(function*() {
      const writer = yield* make()
      const failed = yield* writer.submit("a", "b")
      yield* (yield* writer.commit).end(Effect.fail("disk is full"))
      assert.deepStrictEqual(yield* joined(failed), [Exit.fail("disk is full"), Exit.fail("disk is full")])
      const died = yield* writer.submit("a", "b")
      yield* (yield* writer.commit).end(Effect.die("a bug"))
      assert.deepStrictEqual(yield* joined(died), [Exit.die("a bug"), Exit.die("a bug")])
      const stored = yield* writer.submit("a")
      yield* done(yield* writer.commit)
      assert.deepStrictEqual(yield* joined(stored), [Exit.void])
    }))

  it.effect("answers the others, and goes on, when one throws at its answer", () =>
    Effect.gen(function*() {
      const writer = yield* make()
      const answers: Array<unknown> = []
      writer.put("a", () => {
        throw new Error("a bug")
      })
      writer.put("b", (exit) => void answers.push(exit))
      yield* done(yield* writer.commit)
      const next = yield* writer.submit("a")
      yield* done(yield* writer.commit)
      assert.deepStrictEqual(yield* joined(next), [Exit.void])
      assert.deepStrictEqual(answers, [Exit.void])
    }))

  it.effect("writes what has room though nobody waits for it, and nothing else", () =>
    Effect.gen(function*() {
      const writer = yield* make({ capacity: 2 })
      const [first] = yield* writer.submit("a")
      const commit = yield* writer.commit
      const [room, , outside] = yield* writer.submit("b", "c", "d")
      yield* Effect.forEach([first!, room!, outside!], Fiber.interrupt)
      yield* done(commit)
      const next = yield* writer.commit
      assert.deepStrictEqual([commit.batch, next.batch], [["a"], ["b", "c"]])
      yield* writer.submit("e")
      yield* done(next)
      assert.deepStrictEqual((yield* writer.commit).batch, ["e"])
    }))

  it.effect("lets those come in who waited for room", () =>
    Effect.gen(function*() {
      const writer = yield* make({ capacity: 1 })
      const items = yield* writer.submit("a", "b", "c", "d", "e")
      for (let n = 0; n < 5; n++) yield* done(yield* writer.commit)
      assert.deepStrictEqual(yield* joined(items), [Exit.void, Exit.void, Exit.void, Exit.void, Exit.void])
    }))

  it.effect("writes all that waits before the scope is closed, and refuses what comes later", () =>
    Effect.gen(function*() {
      const writer = yield* make({ capacity: 2 })
      const items = yield* writer.submit("a", "b1", "b2", "c")
      const first = yield* writer.commit
      const closing = yield* writer.close
      const late = yield* writer.submit("d")
      assert.deepStrictEqual(yield* joined(late), [Exit.fail("closed")])
      assert.isUndefined(closing.pollUnsafe())
      yield* done(first)
      while (closing.pollUnsafe() === undefined) {
        yield* Effect.raceFirst(Effect.flatMap(writer.commit, done), Fiber.await(closing))
      }
      assert.deepStrictEqual(yield* joined(items), [Exit.void, Exit.void, Exit.void, Exit.void])
    }))

  it.effect("lets go of all that wait when a commit does not end, and tells which of them may be written", () =>
    Effect.gen(function*() {
      const writer = yield* make({ capacity: 2 })
      const items = yield* writer.submit("a", "b1", "b2", "c")
      const commit = yield* writer.commit
      const closing = yield* writer.close
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      const [closed, brokenOff] = [Exit.fail("closed"), Exit.fail("broken off")]
      assert.deepStrictEqual(commit.batch, ["a", "b1"])
      assert.deepStrictEqual(yield* joined(items), [brokenOff, brokenOff, closed, closed])
      yield* done(commit) // nobody hears it any more
    }))
})
