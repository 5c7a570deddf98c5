/** Who sees to the time of a call in a cluster, the later it gets. */
import { assert, describe, it } from "vitest"
import type { EventStore } from "../src/index.ts"
import * as Neighbours from "../src/internal/engine/neighbours.ts"
import * as Owners from "../src/internal/engine/owners.ts"
import * as ids from "../src/internal/ids.ts"
import * as Settings from "../src/Settings.ts"

const settings = Settings.make({ store: { lookEvery: "5 seconds" } })
const names = ["processa", "processb", "processc"]
const nobody = new Set<string>()

/** Three machines that know each other, none of which the cluster takes for an owner: the owner is one that does nothing. */
const machines = (late: number) =>
  names.map((process) => {
    const others = new Map(names.filter((name) => name !== process).map((name) => [name, nobody]))
    const neighbours = {
      ...Neighbours.make(process, undefined, () => 0, { linesUsed: () => undefined, seen: () => {} })
    }
    const placement = {
      isOwn: () => false,
      shardOf: () => "1",
      shards: () => ["1"],
      marks: [],
      leave: () => {},
      over: () => {}
    }
    const around = { elapsed: () => 0, neighbours: { ...neighbours, others: () => others }, now: () => late, placement }
    return Owners.make({ ...around, definition: () => undefined, process, settings })
  })

const calls = Array.from({ length: 300 }, (_, n): EventStore.Summary => ({
  callId: ids.namedCallId("reminder", `${n}`),
  version: 1,
  flow: "reminder",
  flowVersion: 1,
  status: "running",
  waitingFor: "a time",
  due: 0,
  process: null,
  at: 0
}))

/** How many machines see to each call. */
const counts = (late: number) => {
  const all = machines(late)
  return new Set(calls.map((call) => all.filter(({ wakes }) => wakes(call)).length))
}

describe("a call whose owner does nothing", () => {
  it("is left to it for two looks", () => assert.deepStrictEqual(counts(10_000), new Set([0])))

  it("is then seen to by one machine of all, and each of them has a part", () => {
    assert.deepStrictEqual(counts(10_001), new Set([1]))
    assert.deepStrictEqual(counts(20_000), new Set([1]))
    for (const { wakes } of machines(10_001)) assert.isAbove(calls.filter(wakes).length, 60)
  })

  it("is everybody's after two more, for the one that is chosen may be as idle", () =>
    assert.deepStrictEqual(counts(20_001), new Set([3])))
})
