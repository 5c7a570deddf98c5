/** How many reads those who follow the log of all turns cost. */
import { assert, describe, it } from "@effect/vitest"
import type { CallEvent, EventLog } from "@ringback/core"
import { Deferred, Effect, Fiber, Stream } from "effect"
import * as Hints from "../src/internal/store/hints.ts"
import * as Reading from "../src/internal/store/reading.ts"

const callId = "0123456789abcdefghjk" as CallEvent.CallId

/** A log in memory that counts how often it is read, and waits for `gate` each time. */
const counted = Effect.fnUntraced(function*(isShared: boolean, gate: () => Effect.Effect<void> = () => Effect.void) {
  const hints = yield* Hints.make
  const entries: Array<EventLog.Entry> = []
  let reads = 0
  const log = Reading.make({
    isShared,
    read: (after, limit) =>
      Effect.suspend(() => {
        reads++
        const found = entries.slice(Number(after ?? 0), Number(after ?? 0) + limit)
        return Effect.as(gate(), found)
      }),
    last: Effect.undefined,
    turns: () => Effect.succeed([]),
    status: () => Effect.undefined
  }, hints)
  const append = Effect.sync(() => {
    const version = entries.length + 1
    entries.push({
      position: `${version}` as EventLog.Position,
      turn: { callId, version, id: `${version}`, at: 0, events: [] }
    })
    hints.tell([{ callId }])
  })
  const prune = Effect.sync(() => {
    entries.length = 0
    hints.tell([])
  })
  return { append, log, prune, reads: () => reads }
})

const readers = 100

const follow = (log: EventLog.EventLog["Service"], turns: number) =>
  Effect.forEach(
    Array.from({ length: readers }),
    () => Effect.forkChild(Stream.runCollect(Stream.take(log.tail(), turns)), { startImmediately: true })
  )

/** Lets all that can run now run. */
const settled = Effect.promise(() => new Promise((resolve) => setImmediate(() => setImmediate(resolve))))

describe("those who follow the log", () => {
  it.effect("read each turn once for all of them", () =>
    Effect.gen(function*() {
      const { append, log, reads } = yield* counted(false)
      const following = yield* follow(log, 10)
      for (let turn = 0; turn < 10; turn++) {
        yield* append
        yield* settled
      }
      const heard = yield* Fiber.joinAll(following)
      for (const each of heard) assert.deepStrictEqual(each, heard[0])
      assert.isAtMost(reads(), 1 + 2 * 10) // the turn, and that there is no more
    }))

  it.effect("share a read that is under way where others append, too, and lose none of them for one who leaves", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { append, log, reads } = yield* counted(true, () => Deferred.await(gate))
      yield* append
      const [first, ...rest] = yield* follow(log, 1)
      yield* settled
      assert.strictEqual(reads(), 1)
      yield* Fiber.interrupt(first!)
      yield* Deferred.succeed(gate, undefined)
      for (const heard of yield* Fiber.joinAll(rest)) assert.strictEqual(heard.length, 1)
      assert.isBelow(reads(), 5)
    }))

  it.effect("are given nothing that was pruned since it was read", () =>
    Effect.gen(function*() {
      const { append, log, prune } = yield* counted(false)
      yield* append
      const first = Stream.runCollect(Stream.take(log.tail(), 1))
      assert.strictEqual((yield* first).length, 1)
      yield* prune
      const later = yield* Effect.forkChild(first, { startImmediately: true })
      yield* settled
      assert.isUndefined(later.pollUnsafe())
    }))
})
