/** The room that gives dials their places, alone: what its owner would see of it. */
import { assert, describe, it } from "@effect/vitest"
import { FakeClock } from "@ringback/testing"
import { Clock, Effect, Logger } from "effect"
import type { Scope } from "effect"
import { type CallEvent, Settings } from "../src/index.ts"
import * as Background from "../src/internal/background.ts"
import * as CommonClock from "../src/internal/engine/commonClock.ts"
import * as Pacing from "../src/internal/engine/pacing.ts"
import * as Time from "../src/internal/engine/time.ts"

const id = (name: string) => name as CallEvent.CallId

/** A room whose calls attempt their dials when they are let go, and whatever else a test says. */
const room = (
  options: {
    readonly settings?: Settings.Options
    readonly go?: (name: string, pacing: Pacing.Pacing, elapsed: number) => Effect.Effect<void>
    readonly isClosing?: () => boolean
  } = {}
) =>
  Effect.gen(function*() {
    const settings = Settings.make(options.settings ?? {})
    const time = Time.make(CommonClock.make(yield* Clock.Clock, undefined))
    const began = time.now()
    const went: Array<string> = []
    const pacing: Pacing.Pacing = yield* Pacing.make({
      time,
      settings,
      run: yield* Background.make,
      isShared: false,
      isClosing: options.isClosing ?? (() => false),
      wake: () => undefined,
      go: (id) =>
        Effect.suspend(() => {
          went.push(`${id} ${time.now() - began}`)
          if (options.go !== undefined) return options.go(id, pacing, time.elapsed())
          pacing.attempted(id, "ours", time.elapsed())
          return pacing.beforeSending(id)
        })
    })
    /** Lets calls wait from times on that count from the beginning. */
    const wait = (calls: { readonly [name: string]: number }) => {
      for (const [name, at] of Object.entries(calls)) pacing.wait(id(name), began + at)
    }
    return { pacing, went, wait, elapsed: time.elapsed, from: began }
  })

const inTime = <A, E>(test: Effect.Effect<A, E, FakeClock.FakeClock | Scope.Scope>) =>
  Effect.provide(Effect.scoped(test), FakeClock.layerWith({ patience: "brief" }))

describe("dials that wait", () => {
  it.effect("go in the order in which their time came, and those of one moment as they came", () =>
    inTime(Effect.gen(function*() {
      const { wait, went } = yield* room({ settings: { dial: { perSecond: 10 } } })
      wait({ late: 900, b: 0, a: 0, early: -500, d: 100, c: 100 })
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(went, ["early 0", "b 100", "a 200", "d 300", "c 400", "late 900"])
    })))

  it.effect("are overtaken by none that comes later, though a place is free", () =>
    inTime(Effect.gen(function*() {
      const { elapsed, pacing, wait, went } = yield* room({
        settings: { dial: { linesAtMost: 1 } },
        go: () => Effect.void
      })
      pacing.open(id("talks"), 1)
      wait({ first: 0 })
      yield* Effect.sleep("100 millis")
      pacing.open(id("talks"), 0)
      assert.isFalse(pacing.hasPlace(id("second"), elapsed()))
      assert.isTrue(pacing.hasPlace(id("first"), elapsed()))
      yield* Effect.sleep("100 millis")
      assert.deepStrictEqual(went.map((each) => each.split(" ")[0]), ["first"])
    })))

  it.effect("keep their place when they are told to wait from the same time again, or are read meanwhile", () =>
    inTime(Effect.gen(function*() {
      const { from, pacing, wait, went } = yield* room({ settings: { dial: { perSecond: 10 } } })
      const dial = { from: "ours", dialledAt: from }
      pacing.wait(id("zero"), from, dial)
      wait({ one: 0, two: 0 })
      for (const again of [undefined, dial, dial]) pacing.wait(id("one"), from, again)
      wait({ three: 0 })
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(went.map((each) => each.split(" ")[0]), ["zero", "one", "two", "three"])
    })))

  it.effect("go when a line ends, when the last call of an earlier life was read, and not before", () =>
    inTime(Effect.gen(function*() {
      const { pacing, wait, went } = yield* room({ settings: { dial: { linesAtMost: 2 } } })
      pacing.open(id("talks"), 1)
      pacing.isUnread(id("of before"))
      wait({ one: 0, two: 0 })
      yield* Effect.sleep("4500 millis")
      assert.deepStrictEqual(went, [])
      pacing.open(id("of before"), 0)
      yield* Effect.sleep("1 millis")
      assert.deepStrictEqual(went, ["one 4500"])
      pacing.open(id("one"), 1)
      yield* Effect.sleep("5000 millis")
      pacing.open(id("talks"), 0)
      yield* Effect.sleep("1 millis")
      assert.deepStrictEqual(went, ["one 4500", "two 9501"])
    })))

  it.effect("find no line in a place that was given, nor in an attempt whose record is not heard of", () =>
    inTime(Effect.gen(function*() {
      const { elapsed, pacing, wait, went } = yield* room({
        settings: { dial: { linesAtMost: 1, perSecond: Infinity } },
        go: () => Effect.sleep("3 seconds")
      })
      wait({ one: 0, two: 0 })
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(went, ["one 0"], "it has a place")
      pacing.attempted(id("one"), "ours", elapsed())
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(went, ["one 0"], "it is attempted")
      pacing.open(id("one"), 1)
      yield* pacing.beforeSending(id("one"))
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(went, ["one 0"], "it rings")
      pacing.open(id("one"), 0)
      yield* Effect.sleep("1 millis")
      assert.deepStrictEqual(went.map((each) => each.split(" ")[0]), ["one", "two"])
    })))

  it.effect("find no line in the next dial of a call that still talks, until its record counts it", () =>
    inTime(Effect.gen(function*() {
      const { elapsed, pacing, wait, went } = yield* room({
        settings: { dial: { linesAtMost: 2 } },
        go: (name, pacing, elapsed) => Effect.sync(() => pacing.attempted(id(name), "ours", elapsed))
      })
      pacing.open(id("talks"), 1)
      wait({ talks: 0, other: 0 })
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(went, ["talks 0"])
      pacing.open(id("talks"), 2) // recorded
      assert.isFalse(pacing.hasPlace(id("other"), elapsed()))
      pacing.open(id("talks"), 1)
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(went.map((each) => each.split(" ")[0]), ["talks", "other"])
    })))

  it.effect("are held back while as many as go in a second are recorded and not sent, for as long as they may be sent", () =>
    inTime(Effect.gen(function*() {
      const { wait, went } = yield* room({
        settings: { dial: { perSecond: 2 } },
        go: (name, pacing, elapsed) => Effect.sync(() => pacing.attempted(id(name), "ours", elapsed))
      })
      wait({ a: 0, b: 0, c: 0, d: 0 })
      yield* Effect.sleep("9 seconds")
      assert.deepStrictEqual(went, ["a 0", "b 500"])
      yield* Effect.sleep("3 seconds")
      assert.isAtLeast(went.length, 3, "what was not recorded in time is not sent any more")
    })))

  it.effect("do not go while the engine closes", () =>
    inTime(Effect.gen(function*() {
      const { wait, went } = yield* room({ isClosing: () => true })
      wait({ one: 0 })
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(went, [])
    })))

  it.effect("that were given a place and wait for a later time wait again, but not those that have left", () =>
    inTime(Effect.gen(function*() {
      const again = new Set<string>()
      const from = yield* FakeClock.now
      const { wait, went } = yield* room({
        go: (name, pacing) =>
          Effect.sync(() => {
            if (again.has(name)) return
            again.add(name)
            pacing.wait(id(name), from + 60_000)
            if (name === "left") pacing.leave(id(name))
          })
      })
      wait({ back: 0, left: 0 })
      yield* Effect.sleep("2 minutes")
      assert.deepStrictEqual(went.map((each) => each.split(" ")[0]), ["back", "left", "back"])
      assert.strictEqual(went[2], "back 60000")
    })))
})

describe("what stands in the way of all dials", () => {
  it.effect("lets one at a time probe, and all go at once when it is over", () =>
    inTime(Effect.gen(function*() {
      const { elapsed, pacing, wait, went } = yield* room({
        settings: { dial: { perSecond: 10 } },
        // A call has to be read first.
        go: (name, pacing, elapsed) =>
          Effect.sync(() => pacing.attempted(id(name), "ours", elapsed + 300)).pipe(
            Effect.delay("300 millis"),
            Effect.andThen(pacing.beforeSending(id(name)))
          )
      })
      const locked = { _tag: "NotSent", problem: "HTTP 401", obstacle: "credentials" } as const
      pacing.posted("ours", locked)
      wait({ a: 0, b: 0, c: 0, d: 0 })
      yield* Effect.sleep("500 millis")
      assert.isFalse(pacing.hasPlace(id("z"), elapsed()))
      yield* Effect.sleep("1500 millis")
      assert.deepStrictEqual(went, ["a 1000"])
      pacing.posted("ours", locked)
      yield* Effect.sleep("2500 millis")
      assert.deepStrictEqual(went, ["a 1000", "b 4000"])
      pacing.posted("ours", { _tag: "Accepted", referenceId: "7A10" })
      yield* Effect.sleep("101 millis")
      assert.deepStrictEqual(went, ["a 1000", "b 4000", "c 4500", "d 4600"])
    })))
})

describe("dials that are sent", () => {
  it.effect("are kept apart, though a late store brings many at once", () =>
    inTime(Effect.gen(function*() {
      const { elapsed, pacing } = yield* room({ settings: { dial: { perSecond: 10 } } })
      const sent: Array<number> = []
      const began = elapsed()
      for (const name of ["a", "b", "c", "d"]) pacing.attempted(id(name), "ours", began)
      yield* Effect.forEach(["a", "b", "c", "d"], (name) =>
        Effect.andThen(pacing.beforeSending(id(name)), Effect.sync(() => sent.push(elapsed() - began))), {
        concurrency: "unbounded"
      })
      for (const [index, at] of sent.entries()) {
        if (index > 0) {
          assert.isAtLeast(at - sent[index - 1]!, 100)
        }
      }
    })))

  it.effect("and throttled slow all down, which is told", () => {
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    return inTime(Effect.gen(function*() {
      const { pacing, wait, went } = yield* room({ settings: { dial: { perSecond: 10 } } })
      pacing.posted("ours", { _tag: "NotSent", problem: "HTTP 429", throttled: true })
      pacing.posted("ours", { _tag: "NotSent", problem: "HTTP 429", throttled: true })
      wait({ a: 0, b: 0, c: 0 })
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(lines, [
        "The carrier throttles dials (429, once): this process sends 5.0 a second at most for now, and then slowly more"
      ])
      assert.deepStrictEqual(went.map((each) => Number(each.split(" ")[1])).map((at) => Math.round(at / 200)), [
        1,
        2,
        3
      ])
    })).pipe(Effect.provide(logger))
  })
})
