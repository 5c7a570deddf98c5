import { assert, describe, it } from "@effect/vitest"
import { FakeClock } from "@ringback/testing"
import { Clock, Effect } from "effect"
import { vi } from "vitest"
import * as Alarm from "../src/internal/engine/alarm.ts"
import * as CommonClock from "../src/internal/engine/commonClock.ts"
import * as Time from "../src/internal/engine/time.ts"

const start = Date.UTC(2026, 0, 1)

/** An alarm, and who was woken when, in milliseconds from the start. */
const make = Effect.fnUntraced(function*(perSecond = 20, changes?: Time.ClockChanges) {
  const clock = yield* Clock.Clock
  const woken: Array<readonly [string, number]> = []
  const time = Time.make(CommonClock.make(clock, undefined))
  const began = yield* Clock.monotonicTimeNanos
  const alarm = yield* Alarm.make(
    time,
    perSecond,
    (id) => Effect.sync(() => void woken.push([id, Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6])),
    changes
  )
  return { alarm, woken }
})

const inTime = <A, E>(test: Effect.Effect<A, E, FakeClock.FakeClock>) =>
  Effect.provide(test, FakeClock.layerWith({ patience: "brief" }))

describe("an alarm", () => {
  it.effect("wakes each at the time that was said last, whether that is earlier or later", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const { alarm, woken } = yield* make()
      alarm.set("a", start + 5_000, false)
      alarm.set("b", start + 3_000, false)
      alarm.set("a", start + 1_000, false)
      alarm.set("b", start + 9_000, false)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(woken, [["a", 1_000], ["b", 9_000]])
    }))))

  it.effect("leaves an earlier time as it is if it is asked for the latest", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const { alarm, woken } = yield* make()
      alarm.set("a", start + 1_000, false)
      alarm.setLatest("a", start + 5_000, false)
      alarm.set("b", start + 5_000, false)
      alarm.setLatest("b", start + 2_000, false)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(woken, [["a", 1_000], ["b", 2_000]])
    }))))

  it.effect("does not wake who is cleared, on time or late", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const { alarm, woken } = yield* make(1)
      for (const id of ["a", "b", "c"]) alarm.set(id, start - 60_000, false)
      alarm.set("d", start + 2_000, false)
      yield* Effect.sleep("500 millis")
      for (const id of ["b", "d", "nobody"]) alarm.clear(id)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(woken, [["a", 0], ["c", 1_000]])
    }))))

  it.effect("wakes the late one after another, the urgent first, and who is on time meanwhile at once", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const { alarm, woken } = yield* make(10)
      alarm.set("late", start - 20_000, false)
      alarm.set("later", start - 10_000, false)
      alarm.set("urgent", start - 5_000, true)
      alarm.set("on time", start + 150, false)
      alarm.set("moved", start - 90_000, false)
      alarm.set("moved", start + 120, false)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(woken, [
        ["urgent", 0],
        ["late", 100],
        ["moved", 120],
        ["on time", 150],
        ["later", 200]
      ])
    }))))

  it.effect("follows a clock that is set forward, and lets nobody wait longer because it is set back", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const { alarm, woken } = yield* make()
      alarm.set("far", start + 3_600_000 * 2, false)
      alarm.set("near", start + 60_000, false)
      yield* Effect.sleep("10 seconds")
      yield* FakeClock.setForward("-1 hours")
      yield* Effect.sleep("2 minutes")
      assert.deepStrictEqual(woken, [["near", 60_000]])
      yield* FakeClock.setForward("3 hours")
      yield* Effect.sleep("30 seconds")
      assert.strictEqual(woken[1]?.[0], "far")
    }))))

  it.effect("looks at the clock every half minute where nobody tells when it is set, and else only then", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const sleep = vi.spyOn(yield* Clock.Clock, "sleep")
      const changes = yield* Time.ClockChanges
      for (const [told, looks] of [[undefined, 20], [changes, 1]] as const) {
        const { alarm } = yield* make(20, told)
        sleep.mockClear()
        alarm.set("a", (yield* Clock.currentTimeMillis) + 10 * 60_000, false)
        yield* FakeClock.advance("595 seconds")
        assert.lengthOf(sleep.mock.calls, looks)
        alarm.clear("a")
      }
    }))))

  it.effect("hears at once that the clock was set, until it ends", () =>
    inTime(Effect.gen(function*() {
      const changes = (yield* Time.ClockChanges)!
      let listening = 0
      const counted: Time.ClockChanges = {
        clock: changes.clock,
        listen: (listener) => {
          listening++
          const stop = changes.listen(listener)
          return () => {
            listening--
            stop()
          }
        }
      }
      yield* Effect.scoped(Effect.gen(function*() {
        const { alarm, woken } = yield* make(20, counted)
        alarm.set("a", start + 3_600_000, false)
        yield* Effect.sleep("1 second")
        yield* FakeClock.setForward("2 hours")
        yield* FakeClock.settle
        assert.deepStrictEqual(woken, [["a", 1_000]])
        assert.strictEqual(listening, 1)
      }))
      assert.strictEqual(listening, 0)
    })))

  it.effect("looks at the clock anew for who was woken, and finds that it has been set back", () =>
    inTime(Effect.scoped(Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const setBack = yield* FakeClock.FakeClock.use(({ setForward }) => Effect.succeed(setForward("-4 seconds")))
      const time = Time.make(CommonClock.make(clock, undefined))
      const woken: Array<number> = []
      const alarm: Alarm.Alarm = yield* Alarm.make(time, 20, (id) =>
        Effect.gen(function*() {
          woken.push(Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
          if (woken.length === 1) yield* setBack
          if (time.now() < start + 5_000 && woken.length < 9) alarm.set(id, start + 5_000, false)
        }))
      const began = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      alarm.set("a", start + 5_000, false)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(woken.map((at) => at - began), [5_000, 9_000])
    }))))
})
