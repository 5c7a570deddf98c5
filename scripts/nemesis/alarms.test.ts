import { assert, describe, it } from "@effect/vitest"
import * as Alarms from "./alarms.ts"
import type { Gap } from "./overdue.ts"
import type { Run } from "./run.ts"
import type { Life, Stretch } from "./runners.ts"

const life = (number: number, options: Partial<Life> = {}): Life =>
  ({
    place: number - 1,
    number,
    name: `process${number}`,
    ready: 0,
    ending: Infinity,
    died: Infinity,
    frozen: [],
    lags: [],
    behind: [],
    log: [],
    ...options
  }) as Partial<Life> as Life

const runOf = (lives: ReadonlyArray<Life>, gaps: ReadonlyArray<Gap> = []): Run =>
  ({ mode: "cluster", lives, gaps, deeds: [], loads: [] }) as unknown as Run

const alarm = (at: number) => ({
  at,
  text: "[12:00:00.000] WARN (#7): Call a has two owners: this process (process1) and process2 both went on with it"
})

describe("the alarms of a run", () => {
  const told = (at: number, frozen: ReadonlyArray<Stretch>, options: Partial<Life> = {}) =>
    Alarms.checkTwoOwners(
      runOf([life(1, { log: [alarm(at)] }), life(2, { frozen: [...frozen], ...options })])
    )

  it("are blamed for two owners of whom neither hung", () => {
    assert.deepStrictEqual(told(30_000, []).map(({ callId }) => callId), ["a"])
    assert.lengthOf(told(30_000, [{ from: 25_000, to: 28_000 }]), 1)
  })

  it("are not blamed for two owners of whom one stood still for its lease", () => {
    assert.lengthOf(told(30_000, [{ from: 10_000, to: 29_000 }]), 0)
  })

  it("are blamed for two owners of whom one is dead", () => {
    assert.lengthOf(told(30_000, [], { died: 29_000 }), 1)
  })

  const gap: Gap = { callId: "a", what: "due", words: "a sleep", from: 10_000, to: 30_000 }

  it("are missed where work is not done, and no runner says so", () => {
    assert.lengthOf(Alarms.checkAges(runOf([life(1)], [gap])), 1)
    assert.lengthOf(Alarms.checkAges(runOf([life(1)], [{ ...gap, to: 20_000 }])), 0)
  })

  it("have to end when the work is done", () => {
    const behind = [{ at: 22_000, millis: 12_000 }]
    assert.lengthOf(Alarms.checkAges(runOf([life(1, { behind })], [gap])), 1)
    assert.lengthOf(Alarms.checkAges(runOf([life(1, { behind: [...behind, { at: 31_000, millis: 0 }] })], [gap])), 0)
  })
})
