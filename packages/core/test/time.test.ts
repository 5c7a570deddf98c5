import { assert, describe, it } from "@effect/vitest"
import { FakeClock } from "@ringback/testing"
import { Clock, Effect, Stream } from "effect"
import type { Duration } from "effect"
import * as CommonClock from "../src/internal/engine/commonClock.ts"
import * as Time from "../src/internal/engine/time.ts"

const start = Date.UTC(2026, 0, 1)

const inTime = <A, E>(test: Effect.Effect<A, E, FakeClock.FakeClock>) =>
  Effect.provide(test, FakeClock.layerWith({ patience: "brief" }))

/** The clock of a store that is ahead of this machine, and tells its time after a while. */
const storeClock = (ahead: number) => {
  const answers = { asked: 0, told: 0 }
  return {
    answers,
    join: () => Effect.void,
    leave: () => Effect.void,
    alive: Effect.succeed(new Map<string, ReadonlySet<string>>()),
    tell: () => Effect.void,
    use: () => Effect.void,
    inUse: Effect.succeed(new Map<string, number>()),
    told: () => Effect.succeed(Stream.never),
    now: Effect.gen(function*() {
      yield* Effect.sleep(answers.asked)
      const now = yield* Clock.currentTimeMillis
      yield* Effect.sleep(answers.told)
      return now + ahead
    })
  }
}

describe("the clocks of a machine", () => {
  it.effect("tells of a jump of more than 5 seconds, with the time right before it, and of no smaller one", () =>
    inTime(Effect.gen(function*() {
      const time = Time.make(CommonClock.make(yield* Clock.Clock, undefined))
      const jumps: Array<number> = []
      time.onJump((before) => void jumps.push(before - start))
      yield* Effect.sleep("10 seconds")
      for (const by of ["5 seconds", "-5 seconds", "5001 millis", "-1 hours"] as const) {
        yield* FakeClock.setForward(by)
        time.now()
        time.now()
      }
      assert.deepStrictEqual(jumps, [10_000, 15_001])
    })))
})

describe("the time that tells how long something took", () => {
  const tells = (what: string, correction: Duration.Input, took: number) =>
    it.effect(`${what} if the wall clock is corrected by ${correction} in 3 s`, () =>
      inTime(Effect.gen(function*() {
        const time = Time.make(CommonClock.make(yield* Clock.Clock, undefined))
        const since = time.elapsed()
        yield* Effect.sleep("3 seconds")
        yield* FakeClock.setForward(correction)
        assert.strictEqual(time.elapsed() - since, took)
      })))

  tells("tells the same", "-1 hours", 3_000)
  tells("tells the same", "-4 seconds", 3_000)
  tells("tells the same", "800 millis", 3_000)
  tells("tells more, for the machine may have slept,", "4 seconds", 7_000)
})

describe("the clock of processes that share a store", () => {
  it.effect("is put right without a jump", () =>
    inTime(Effect.gen(function*() {
      const store = storeClock(8_000)
      const clock = CommonClock.make(yield* Clock.Clock, store)
      const time = Time.make(clock)
      const since = time.elapsed()
      yield* clock.adjust
      assert.strictEqual(time.elapsed() - since, 0)
      assert.approximately(time.now() - (yield* Clock.currentTimeMillis), 8_000, 1)
    })))

  for (const by of ["3 minutes", "-3 minutes", "1 hour", "6 seconds"] as const) {
    it.effect(`does not follow this machine's clock when that is set by ${by}, and asks the store instead`, () =>
      inTime(Effect.gen(function*() {
        const world = yield* Clock.Clock
        const began = world.monotonicTimeNanosUnsafe()
        const trueTime = () => start + Number(world.monotonicTimeNanosUnsafe() - began) / 1e6
        const store = { ...storeClock(0), now: Effect.sync(trueTime) }
        const clock = CommonClock.make(world, store)
        const time = Time.make(clock)
        const jumps: Array<number> = []
        time.onJump((before) => void jumps.push(before))
        yield* Effect.sleep("10 seconds")
        yield* FakeClock.setForward(by)
        assert.approximately(time.now(), trueTime(), 1)
        yield* clock.adjust
        assert.approximately(time.now(), trueTime(), 1)
        yield* Effect.sleep("10 seconds")
        assert.approximately(time.now(), trueTime(), 1)
        assert.deepStrictEqual(jumps, [])
      })))
  }

  it.effect("follows the store when that has gone on, because the machine slept", () =>
    inTime(Effect.gen(function*() {
      const store = storeClock(0)
      const clock = CommonClock.make(yield* Clock.Clock, store)
      const time = Time.make(clock)
      const jumps: Array<number> = []
      time.onJump((before) => void jumps.push(before - start))
      yield* Effect.sleep("10 seconds")
      yield* FakeClock.setForward("1 hour")
      assert.approximately(time.now() - start, 10_000, 1)
      yield* clock.adjust
      assert.approximately(time.now() - start, 3_610_000, 1)
      assert.deepStrictEqual(jumps, [10_000])
    })))

  for (const [asked, told] of [[9_000, 0], [0, 9_000], [4_000, 5_000]] as const) {
    it.effect(`never gets further from the true time (an answer that took ${asked} ms there and ${told} ms back)`, () =>
      inTime(Effect.gen(function*() {
        for (const ahead of [-1_000, 0, 300, 20_000]) {
          const store = storeClock(ahead)
          const clock = CommonClock.make(yield* Clock.Clock, store)
          for (const answers of [{ asked, told }, { asked: 2, told: 3 }, { asked, told }]) {
            Object.assign(store.answers, answers)
            const before = Math.abs(clock.offset() - ahead)
            yield* clock.adjust
            assert.isAtMost(Math.abs(clock.offset() - ahead), Math.max(before, 1))
          }
          assert.isAtMost(Math.abs(clock.offset() - ahead), 4)
        }
      })))
  }
})
