/** How what is left alone is divided among those that live. */
import { assert, describe, it } from "vitest"
import * as Portions from "../src/internal/engine/portions.ts"
import * as ids from "../src/internal/ids.ts"

const names = ["processa", "processb", "processc"]
const patience = 10_000

const calls = Array.from({ length: 300 }, (_, n) => ({ callId: ids.namedCallId("reminder", `${n}`) }))

/** Each process as it divides, at a time that is set. */
const all = (knows: (process: string) => boolean = () => true) => {
  const clock = { now: 0 }
  const candidates = () => names.filter(knows)
  const each = names.map((process) =>
    [process, Portions.make({ process, candidates, elapsed: () => clock.now, patience })] as const
  )
  return { clock, of: new Map(each), portions: each.map(([, portions]) => portions) }
}

describe("what is left alone", () => {
  it("is one process's each, and about as much of it", () => {
    const { portions } = all()
    for (const { learn } of portions) learn(calls)
    for (const call of calls) assert.lengthOf(portions.filter(({ isOwn }) => isOwn(call)), 1)
    for (const { isOwn } of portions) assert.isAbove(calls.filter(isOwn).length, 60)
  })

  it("is only for those that could see to it", () => {
    const { of } = all((process) => process !== "processb")
    assert.lengthOf(calls.filter(of.get("processb")!.isOwn), 0)
  })

  it("stays in its part as long as that is worked off, however long it takes", () => {
    const { clock, of } = all()
    const mine = of.get("processa")!
    const theirs = calls.filter(all().of.get("processb")!.isOwn)
    for (let n = 0; n < theirs.length; n++, clock.now += patience - 1) {
      mine.learn(theirs.slice(n))
      assert.lengthOf(theirs.slice(n).filter(mine.isOwn), 0)
    }
  })

  it("falls to the others if the first of it stays the first, and each call to one of them", () => {
    const { clock, of } = all()
    const [a, c] = [of.get("processa")!, of.get("processc")!]
    const theirs = calls.filter(of.get("processb")!.isOwn)
    const late = calls.filter((call) => call === theirs[0] || !theirs.includes(call) || theirs.indexOf(call) > 50)
    // Those of the other two are worked off meanwhile.
    const left = [calls.filter((call) => !theirs.includes(call)), theirs, late.filter((call) => theirs.includes(call))]
    for (const { learn } of [a, c]) learn(left.flat())
    clock.now = patience - 1
    for (const { learn } of [a, c]) learn(left[2]!)
    for (const { isOwn } of [a, c]) assert.lengthOf(theirs.filter(isOwn), 0)
    clock.now = patience
    for (const { learn } of [a, c]) learn(left[2]!)
    for (const call of theirs) assert.lengthOf([a, c].filter(({ isOwn }) => isOwn(call)), 1)
    for (const { isOwn } of [a, c]) assert.isAbove(theirs.filter(isOwn).length, 20)
  })

  it("is everybody's if nobody gets on, and always of who has it itself", () => {
    const { clock, of, portions } = all()
    for (const { learn } of portions) learn(calls)
    clock.now = patience
    for (const { learn } of portions) learn(calls)
    for (const [process, { isOwn }] of of) {
      const others = Portions.make({ process, candidates: () => names, elapsed: () => 0, patience })
      for (const call of calls.filter(others.isOwn)) assert.isTrue(isOwn(call))
      assert.lengthOf(calls.filter(isOwn), calls.length)
    }
  })
})
