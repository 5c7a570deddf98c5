import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Obstacles from "../src/internal/obstacles.ts"

const limits: Obstacles.Limits = { dial: { sendWithin: 10_000, answerWithin: 30_000 }, speed: 1 }
const [one, other] = ["15550170009", "15550170008"] as const
const at = (elapsed: number): Obstacles.Moment => ({ now: 1_700_000_000_000 + elapsed, elapsed })

/** What stands after attempts from `one` that have shown this, each at its time. */
const after = (...all: ReadonlyArray<readonly [elapsed: number, what: Obstacles.Shown]>): Obstacles.Obstacles =>
  all.reduce((self, [elapsed, what]) => Obstacles.shown(self, what, one, at(elapsed), limits), Obstacles.none)

/** When probes go that all show the same, where a dial always waits. */
const probes = (what: "credentials" | "unreachable" | "caller id", speed: number, count: number) => {
  const of = { ...limits, speed }
  let self = Obstacles.shown(Obstacles.none, what, one, at(0), of)
  return Array.from({ length: count }, () => {
    const elapsed = Obstacles.freeAt(self, one)
    self = Obstacles.attempted(self, one, elapsed, of)
    self = Obstacles.shown(self, what, one, at(elapsed), of)
    return elapsed
  })
}

describe("an obstacle", () => {
  it("to the account stands in the way of all dials, one to a number in that of its own", () => {
    for (const what of ["credentials", "unreachable"] as const) {
      const self = after([5, what])
      assert.strictEqual(Obstacles.inWayOf(self, one)?.obstacle, what)
      assert.strictEqual(Obstacles.inWayOf(self, other)?.obstacle, what)
      assert.strictEqual(Obstacles.accountFreeAt(self), 1_005)
    }
    const self = after([5, "caller id"])
    assert.strictEqual(Obstacles.inWayOf(self, one)?.obstacle, "caller id")
    assert.isUndefined(Obstacles.inWayOf(self, other))
    assert.strictEqual(Obstacles.freeAt(self, other), -Infinity)
    assert.strictEqual(Obstacles.accountFreeAt(self), -Infinity)
  })

  it("is probed after a second, and after twice as long each time, up to a minute, at the speed of the carrier", () => {
    const gaps = (times: ReadonlyArray<number>) => times.map((time, index) => time - (times[index - 1] ?? 0))
    for (const what of ["credentials", "unreachable", "caller id"] as const) {
      assert.deepStrictEqual(
        gaps(probes(what, 1, 9)),
        [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => 1_000 * seconds)
      )
    }
    assert.deepStrictEqual(gaps(probes("credentials", 50, 8)), [20, 40, 80, 160, 320, 640, 1_200, 1_200])
  })

  it("is probed by one attempt at a time, and by another when nothing was heard of that one for as long as can be", () => {
    const self = Obstacles.attempted(after([0, "credentials"]), one, 1_000, limits)
    assert.strictEqual(Obstacles.freeAt(self, other), 41_000)
    const heard = Obstacles.shown(self, "nothing", one, at(9_000), limits)
    assert.strictEqual(Obstacles.freeAt(heard, other), 10_000)
  })

  it("is known since it was met first, whatever else was on its way", () => {
    const self = after([0, "unreachable"], [300, "unreachable"], [400, "credentials"])
    assert.lengthOf(self, 1)
    assert.deepInclude(self[0], { obstacle: "credentials", since: at(0).now, probeAt: 1_000, wait: 1_000 })
  })

  it("is over when the carrier accepts a dial, or refuses it because of who was to be rung", () => {
    const both = after([0, "caller id"], [1, "credentials"])
    assert.lengthOf(both, 2)
    for (const what of ["accepted", "refused"] as const) {
      assert.deepStrictEqual(Obstacles.shown(both, what, one, at(9), limits), [])
      assert.lengthOf(Obstacles.shown(both, what, other, at(9), limits), 1)
    }
    const left = Obstacles.shown(both, "caller id", one, at(9), limits)
    assert.deepStrictEqual(left.map(({ obstacle }) => obstacle), ["caller id"])
  })

  it("is over when the carrier throttles, if it was not reached before: that says nothing of the credentials", () => {
    assert.deepStrictEqual(after([0, "unreachable"], [9, "throttled"]), [])
    assert.lengthOf(after([0, "credentials"], [9, "throttled"]), 1)
    assert.lengthOf(after([0, "caller id"], [9, "throttled"]), 1)
  })

  it("is not over for an attempt of which nothing is known", () => {
    for (const what of ["credentials", "unreachable", "caller id"] as const) {
      assert.lengthOf(after([0, what], [9, "nothing"]), 1)
    }
  })

  const Step = Schema.Struct({
    from: Schema.Literals([one, other]),
    what: Schema.Literals(["credentials", "unreachable", "caller id", "accepted", "refused", "throttled", "nothing"]),
    answers: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50_000 })),
    after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 }))
  })

  it.prop("never stands twice, never lets two probe at a time, and always lets another try within a minute", [
    Schema.Array(Step).check(Schema.isMaxLength(40))
  ], ([steps]) => {
    let self = Obstacles.none
    let elapsed = 0
    const probing = new Map<string, number>()
    for (const { after, answers, from, what } of steps) {
      elapsed += after
      const standing = Obstacles.inWayOf(self, from)
      if (Obstacles.freeAt(self, from) > elapsed) continue
      if (standing?.isProbed === true) assert.isAtLeast(elapsed, probing.get(from) ?? -Infinity)
      self = Obstacles.attempted(self, from, elapsed, limits)
      if (standing !== undefined) probing.set(from, elapsed + 40_000)
      if (answers > 40_000) continue
      elapsed += answers
      self = Obstacles.shown(self, what, from, at(elapsed), limits)
      assert.strictEqual(new Set(self.map((each) => each.from)).size, self.length)
      for (const each of [one, other]) assert.isAtMost(Obstacles.freeAt(self, each), elapsed + 60_000)
      for (const each of self) assert.isAtMost(each.since, at(elapsed).now)
    }
  }, { arbitrary: { runs: 500 } })
})
