import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Pace from "../src/internal/pace.ts"

const limits = (changes: Partial<Pace.Limits["dial"]> & { readonly speed?: number } = {}): Pace.Limits => {
  const { speed = 1, ...dial } = changes
  return { dial: { perSecond: 40, linesAtMost: Infinity, ...dial }, store: { lookEvery: 5_000 }, speed }
}

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** When a process dials that always has somebody to dial, from `from` to `until`, as `slows` has it throttled. */
const dials = (self: Pace.Pace, of: Pace.Limits, from: number, until: number, slows: ReadonlyArray<number> = []) => {
  const times: Array<number> = []
  let pace = self
  for (let now = from; now < until; now++) {
    if (slows.includes(now)) pace = Pace.throttled(pace, now, of)
    if (Pace.nextAt(pace, now, of) > now) continue
    times.push(now)
    pace = Pace.taken(pace, now, of)
  }
  return times
}

/** Whether some window holds more dials than the pace gives in that time. */
const isOver = (times: ReadonlyArray<number>, perSecond: number, allowed: number): boolean =>
  times.some((first, index) =>
    times.slice(index).some((last, more) => more + 1 > (last - first) / 1_000 * perSecond + allowed + 1e-6)
  )

describe("a pace", () => {
  it("spreads dials evenly, the first one at once", () => {
    assert.deepStrictEqual(dials(Pace.alone, limits(), 7, 107), [7, 32, 57, 82])
    assert.lengthOf(dials(Pace.alone, limits(), 0, 50_000), 2_000)
  })

  it("has a place at any time where there is none", () => {
    const none = limits({ perSecond: Infinity })
    const pace = [Pace.alone, Pace.joining, Pace.throttled(Pace.alone, 5, none)]
    for (const each of pace) assert.isAtMost(Pace.nextAt(Pace.taken(each, 5, none), 5, none), 5)
  })

  it("runs with the carrier that is faster than life", () => {
    assert.lengthOf(dials(Pace.alone, limits({ perSecond: 500, speed: 50 }), 0, 1_000), 500)
  })

  it.prop("is never over in any window, however often it is slowed down", [
    between(1, 60),
    Schema.Array(between(0, 9_999)).check(Schema.isMaxLength(6))
  ], ([dialsPerSecond, slows]) => {
    const times = dials(Pace.alone, limits({ perSecond: dialsPerSecond }), 0, 10_000, slows)
    assert.isFalse(isOver(times, dialsPerSecond, 1))
  }, { arbitrary: { runs: 40 } })

  it("is half after a 429, which counts once a second, and whole again within a minute", () => {
    let pace = Pace.throttled(Pace.alone, 1_000, limits())
    assert.strictEqual(Pace.rate(pace, 1_000, limits()), 20)
    assert.strictEqual(Pace.throttled(pace, 1_999, limits()), pace)
    assert.strictEqual(Pace.rate(pace, 16_000, limits()), 30)
    assert.strictEqual(Pace.rate(pace, 31_000, limits()), 40)
    assert.strictEqual(Pace.rate(pace, 10_000_000, limits()), 40)
    for (let now = 1_000; now < 100_000; now += 1_000) pace = Pace.throttled(pace, now, limits())
    assert.isAbove(Pace.rate(pace, 100_000, limits()), 0.5)
    assert.isBelow(Pace.rate(pace, 100_000, limits()), 2)
  })

  it("is whole again as much sooner as the carrier is faster", () => {
    const fast = limits({ perSecond: 500, speed: 50 })
    const pace = Pace.throttled(Pace.alone, 0, fast)
    assert.strictEqual(Pace.rate(pace, 0, fast), 250)
    assert.strictEqual(Pace.rate(pace, 600, fast), 500)
  })

  it("counts a dial that went before its time, and puts the next one off after a 429", () => {
    const early = Pace.taken(Pace.taken(Pace.alone, 7, limits()), 7, limits())
    assert.strictEqual(Pace.nextAt(early, 7, limits()), 57)
    assert.strictEqual(Pace.nextAt(Pace.throttled(Pace.alone, 7, limits()), 7, limits()), 57)
  })

  it("finds the pace of a carrier that takes less", () => {
    const fast = limits({ perSecond: 200 })
    let pace = Pace.alone
    const accepted: Array<number> = []
    let refused = 0
    for (let now = 0; now < 600_000; now++) {
      if (Pace.nextAt(pace, now, fast) > now) continue
      pace = Pace.taken(pace, now, fast)
      if (accepted.filter((at) => at > now - 1_000).length < 50) accepted.push(now)
      else {
        refused++
        pace = Pace.throttled(pace, now, fast)
      }
      while (accepted.length > 200) accepted.shift()
    }
    assert.isAbove(accepted.filter((at) => at >= 595_000).length, 150)
    assert.isBelow(refused, 600)
  })
})

const look = limits().store.lookEvery

/** What has come to be of a process after looks that saw so many. */
const after = (self: Pace.Pace, ...looks: ReadonlyArray<readonly [at: number, count: number, rank: number]>) =>
  looks.reduce((pace, [at, count, rank]) => Pace.seen(pace, { count, rank }, at, limits()), self)

describe("a share", () => {
  it("is all of it at once for who begins alone", () => {
    assert.strictEqual(Pace.rate(after(Pace.joining, [0, 1, 0]), 0, limits()), 40)
  })

  it("is nothing before somebody has looked, and for who joins others until they have looked", () => {
    assert.strictEqual(Pace.rate(Pace.joining, 0, limits()), 0)
    assert.strictEqual(Pace.nextAt(Pace.joining, 0, limits()), Infinity)
    const joined = after(Pace.joining, [0, 2, 1], [look, 2, 1])
    assert.strictEqual(Pace.rate(joined, 2 * look - 1, limits()), 0)
    assert.strictEqual(Pace.rate(after(joined, [2 * look, 2, 1]), 2 * look, limits()), 20)
  })

  it("is smaller at once when another one joins, and greater only when that has been so for two looks", () => {
    const two = after(Pace.joining, [0, 1, 0], [look, 2, 0])
    assert.strictEqual(Pace.rate(two, look, limits()), 20)
    const gone = after(two, [2 * look, 1, 0], [3 * look, 1, 0])
    assert.strictEqual(Pace.rate(gone, 3 * look, limits()), 20)
    assert.strictEqual(Pace.rate(after(gone, [4 * look, 1, 0]), 4 * look, limits()), 40)
    const back = after(gone, [3.5 * look, 2, 0], [4 * look, 1, 0])
    assert.strictEqual(Pace.rate(back, 4 * look, limits()), 20)
  })

  it("comes back to who has lost it, though a dial was recorded or throttled meanwhile", () => {
    const alone = { count: 1, rank: 0 }
    const begun = Pace.seen(Pace.joining, alone, 0, limits())
    for (const change of [Pace.taken, Pace.throttled]) {
      let pace = change(begun, 11_000, limits())
      for (let now = 12_000; now <= 30_000; now += 5_000) pace = Pace.seen(pace, alone, now, limits())
      assert.isAtMost(Pace.nextAt(pace, 30_000, limits()), 30_000)
    }
  })

  it("holds for two looks, and who has lost it joins anew", () => {
    const one = after(Pace.joining, [0, 1, 0])
    assert.strictEqual(Pace.rate(one, 2 * look - 1, limits()), 40)
    assert.strictEqual(Pace.rate(one, 2 * look, limits()), 0)
    const again = after(one, [3 * look, 1, 0])
    assert.strictEqual(Pace.rate(again, 3 * look, limits()), 0)
    assert.strictEqual(Pace.rate(after(again, [4 * look, 1, 0], [5 * look, 1, 0]), 5 * look, limits()), 40)
  })

  it("that is taken is the least that was seen meanwhile", () => {
    const joined = after(Pace.joining, [0, 2, 0], [look, 2, 0], [2 * look, 1, 0])
    assert.strictEqual(Pace.rate(joined, 2 * look, limits()), 20)
    assert.strictEqual(Pace.rate(after(joined, [3 * look, 1, 0]), 3 * look, limits()), 20)
    assert.strictEqual(Pace.rate(after(joined, [3 * look, 1, 0], [4 * look, 1, 0]), 4 * look, limits()), 40)
  })

  it("by a lower rank is greater too, and one by a higher rank counts at once though they are fewer", () => {
    const of = limits({ linesAtMost: 4 })
    const seen = (self: Pace.Pace, at: number, count: number, rank: number) => Pace.seen(self, { count, rank }, at, of)
    const three = (rank: number) => [0, look, 2 * look].reduce((pace, at) => seen(pace, at, 3, rank), Pace.joining)
    assert.deepStrictEqual([0, 1, 2].map((rank) => Pace.lines(three(rank), 2 * look, of)), [2, 1, 1])
    const lower = seen(three(1), 3 * look, 3, 0)
    assert.strictEqual(Pace.lines(lower, 3 * look, of), 1)
    const later = [4, 5, 6].reduce((pace, n) => seen(pace, n * look, 3, 0), lower)
    assert.strictEqual(Pace.lines(later, 6 * look, of), 2)
    assert.strictEqual(Pace.lines(seen(three(0), 3 * look, 2, 1), 3 * look, of), 1)
  })

  it("that was seen before it was lost does not count any more", () => {
    const before = after(Pace.joining, [0, 2, 0], [look, 2, 0], [2 * look, 2, 0], [3 * look, 1, 0])
    const again = after(before, [10 * look, 1, 0])
    assert.strictEqual(Pace.rate(again, 10 * look, limits()), 0)
    assert.strictEqual(Pace.rate(after(again, [11 * look, 1, 0], [12 * look, 1, 0]), 12 * look, limits()), 40)
  })

  it("has gone over when another one takes it, at that very time", () => {
    const silent = after(Pace.joining, [0, 1, 0])
    const joined = after(Pace.joining, [0, 2, 1], [look, 2, 1], [2 * look, 2, 1])
    assert.strictEqual(Pace.rate(silent, 2 * look, limits()) + Pace.rate(joined, 2 * look, limits()), 20)
  })

  it.prop(
    "of lines adds up to all of them, and to the pace, and who has some of the one has some of the other",
    [between(1, 9), between(1, 30)],
    ([count, linesAtMost]) => {
      const of = limits({ linesAtMost })
      const names = Array.from({ length: count }, (_, rank) => `p${rank}`)
      const sharers = Pace.sharers(names.toReversed(), of)
      assert.lengthOf([...sharers], Math.min(count, linesAtMost))
      const all = names.map((_, rank) => ({ ...Pace.alone, members: { count, rank } }))
      assert.strictEqual(all.reduce((sum, each) => sum + Pace.lines(each, 0, of), 0), linesAtMost)
      assert.closeTo(all.reduce((sum, each) => sum + Pace.rate(each, 0, of), 0), 40, 1e-9)
      for (const [rank, each] of all.entries()) {
        assert.strictEqual(Pace.lines(each, 0, of) > 0, sharers.has(names[rank]!))
        assert.strictEqual(Pace.rate(each, 0, of) > 0, sharers.has(names[rank]!))
      }
    }
  )

  // Processes come, go unseen, stand still and come back; each looks when it likes.
  const Step = Schema.Struct({
    who: between(0, 3),
    does: Schema.Literals(["looks", "looks", "looks", "comes", "goes", "is lost", "is back"]),
    after: between(0, look)
  })

  it.prop("is never more than the whole in sum, whoever comes and goes", [
    Schema.Array(Step).check(Schema.isMinLength(20), Schema.isMaxLength(120)),
    between(1, 5)
  ], ([steps, linesAtMost]) => {
    const of = limits({ linesAtMost })
    const living = new Map<number, Pace.Pace>()
    const unseen = new Set<number>()
    let now = 0
    for (const { after, does, who } of steps) {
      now += after
      const pace = living.get(who)
      if (does === "goes") living.delete(who)
      if (does === "is lost") unseen.add(who)
      if (does === "is back") unseen.delete(who)
      // One that finds nobody though somebody is there that cannot be seen has all of it: that is the database's error.
      const hidden = [...living.keys()].some((other) => unseen.has(other))
      const isFirst = does === "comes" || pace === Pace.joining
      if (isFirst && hidden) continue
      if (does === "comes") living.set(who, Pace.joining)
      if (does !== "comes" && does !== "looks" || !living.has(who) || unseen.has(who)) continue
      const seen = [...living.keys()].filter((other) => !unseen.has(other)).toSorted()
      const members = { count: seen.length, rank: seen.indexOf(who) }
      living.set(who, Pace.seen(pace === undefined || does === "comes" ? Pace.joining : pace, members, now, of))
      const all = [...living.values()]
      assert.isAtMost(all.reduce((sum, each) => sum + Pace.rate(each, now, of), 0), 40 + 1e-9)
      assert.isAtMost(all.reduce((sum, each) => sum + Pace.lines(each, now, of), 0), linesAtMost)
    }
  }, { arbitrary: { runs: 5000 } })

  it("of lines is less by what others use over theirs, until that has ended", () => {
    const of = limits({ linesAtMost: 10 })
    const one = { ...Pace.alone, members: { count: 2, rank: 1 } }
    const beside = (lines: number) => Pace.lines(Pace.used(one, [{ rank: 0, lines }], 2, of), 0, of)
    assert.deepStrictEqual([0, 5, 6, 9, 10, 12].map(beside), [5, 5, 4, 1, 0, 0])
    const none = limits()
    assert.strictEqual(Pace.lines(Pace.used(one, [{ rank: 0, lines: 900 }], 2, none), 0, none), Infinity)
  })

  // Each process takes all lines that it may at once, keeps them for a while, and says at each look how many it may use.
  const Move = Schema.Struct({
    who: between(0, 3),
    does: Schema.Literals(["looks", "looks", "looks", "looks", "comes", "hangs up"]),
    after: between(0, look)
  })

  it.prop("of lines is never more than the whole in use, whoever joins while others talk", [
    Schema.Array(Move).check(Schema.isMinLength(20), Schema.isMaxLength(150)),
    between(1, 6)
  ], ([moves, linesAtMost]) => {
    const of = limits({ linesAtMost })
    const living = new Map<number, { pace: Pace.Pace; lines: number; said: number }>()
    let now = 0
    for (const { after, does, who } of moves) {
      now += after
      // A dead process is another matter: its lines are counted by who takes them over.
      if (does === "comes" && !living.has(who)) living.set(who, { pace: Pace.joining, lines: 0, said: 0 })
      const self = living.get(who)
      if (self === undefined) continue
      if (does === "hangs up") self.lines = Math.max(0, self.lines - 1)
      if (does === "looks" || does === "comes") {
        const names = [...living.keys()].toSorted()
        const members = { count: names.length, rank: names.indexOf(who) }
        const others = names.flatMap((name, rank) => name === who ? [] : [{ rank, lines: living.get(name)!.said }])
        self.pace = Pace.used(Pace.seen(self.pace, members, now, of), others, names.length, of)
        self.said = Math.max(self.lines, Pace.lines(self.pace, now, of))
      }
      for (const each of living.values()) each.lines = Math.max(each.lines, Pace.lines(each.pace, now, of))
      const all = [...living.values()].reduce((sum, each) => sum + each.lines, 0)
      assert.isAtMost(all, linesAtMost)
    }
  }, { arbitrary: { runs: 5000 } })
})
