import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as Heap from "../src/internal/heap.ts"

interface Item extends Heap.Entry {
  readonly rank: number
}

/** Below 0: the item that was added so many steps ago leaves. Else: an item of this rank comes. */
const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -20, maximum: 99 }))).check(
  Schema.isMinLength(50),
  Schema.isMaxLength(100)
)

/** What is first after each step, and then what leaves from the front until nothing is left. */
const walk = (steps: ReadonlyArray<number>) => {
  const heap = Heap.make<Item>((self, that) => self.rank < that.rank)
  const added: Array<Item> = []
  const inside = new Set<Item>()
  const firsts: Array<readonly [number | undefined, number]> = []
  const least = () => inside.size === 0 ? Infinity : Math.min(...Array.from(inside, ({ rank }) => rank))
  const see = () => firsts.push([heap.first()?.rank ?? Infinity, least()])
  for (const step of steps) {
    const leaving = step < 0 ? added.at(step) : undefined
    if (step >= 0) {
      const item = { rank: step, place: -1 }
      added.push(item)
      inside.add(item)
      heap.add(item)
    } else if (leaving !== undefined && inside.delete(leaving)) heap.remove(leaving)
    see()
  }
  for (let first = heap.first(); first !== undefined; first = heap.first()) {
    inside.delete(first)
    heap.remove(first)
    see()
  }
  return { firsts, size: heap.size(), left: inside.size }
}

describe("a heap", () => {
  it.effect("has the least entry first, whatever comes and leaves from anywhere, and keeps nothing that has left", () =>
    Effect.gen(function*() {
      const checked = yield* Arbitrary.checkEffect(Arbitrary.schema(Steps), (steps) => {
        const { firsts, left, size } = walk(steps)
        return size === 0 && left === 0 && firsts.every(([first, least]) => first === least)
      }, { runs: 500, seed: "heap" })
      assert.isUndefined(Arbitrary.formatCheckFailure(checked))
    }))
})
