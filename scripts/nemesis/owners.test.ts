import { assert, describe, it } from "@effect/vitest"
import type { StormHistory } from "@ringback/testing"
import * as Owners from "./owners.ts"
import type { Run } from "./run.ts"
import type { Life, Stretch } from "./runners.ts"

const life = (number: number, frozen: ReadonlyArray<Stretch> = []): Partial<Life> => ({
  place: number - 1,
  number,
  ending: Infinity,
  died: Infinity,
  frozen: [...frozen],
  lags: []
})

/** The second of two runners restarts a call of the first one, which stood still for a while, at `at`. */
const taken = (frozen: Stretch, at: number) =>
  takenBy([turn(1, 0, "CallStarted"), turn(2, at, "Restarted")], life(1, [frozen]))

const turn = (incarnation: number, at: number, _tag: string) => ({
  at,
  incarnation,
  turn: { callId: "a", events: [{ _tag }] }
})

const takenBy = (turns: ReadonlyArray<ReturnType<typeof turn>>, first: Partial<Life>, second = life(2)) => {
  const run: Partial<Run> = { lives: [first, second, life(3)] as Array<Life>, deeds: [], loads: [] }
  return Owners.checkTaken(run as Run, { turns } as unknown as StormHistory.StormHistory)
}

/** Whether somebody is blamed for work that nobody did for 30 s, by runners that were able to at these times. */
const isBlamed = (...able: ReadonlyArray<Stretch>): boolean => {
  const lives = able.map(({ from, to }, index) => ({ ...life(index + 1), ready: from, died: to })) as Array<Life>
  const gaps: Run["gaps"] = [{ callId: "a", what: "orphaned", words: "a sleep", from: 10_000, to: 40_000 }]
  return Owners.checkGaps({ lives, gaps, deeds: [], loads: [] } as Partial<Run> as Run).length > 0
}

describe("the owners of a run", () => {
  it("blames for what nobody does who was able to for long, and nobody who was not", () => {
    assert.isTrue(isBlamed({ from: 0, to: Infinity }))
    assert.isTrue(isBlamed({ from: 0, to: 12_000 }, { from: 18_000, to: Infinity }))
    assert.isFalse(isBlamed({ from: 0, to: 22_000 }, { from: 24_000, to: 36_000 }, { from: 37_000, to: Infinity }))
    assert.isFalse(isBlamed({ from: 0, to: 9_000 }))
  })

  it("blames who takes a call from a runner that stands still for a moment", () => {
    assert.lengthOf(taken({ from: 1_000, to: 3_000 }, 2_500), 1)
    assert.lengthOf(taken({ from: 1_000, to: 3_000 }, 20_000), 1)
  })

  it("blames who takes a call before the lease of its runner is over", () => {
    assert.lengthOf(taken({ from: 1_000, to: 21_000 }, 10_000), 1)
  })

  it("blames nobody when the lease is over", () => {
    assert.lengthOf(taken({ from: 1_000, to: 21_000 }, 18_000), 0)
    assert.lengthOf(taken({ from: 1_000, to: 21_000 }, 22_000), 0)
  })

  it("blames who takes a call when the runner has long gone on", () => {
    assert.lengthOf(taken({ from: 1_000, to: 21_000 }, 60_000), 1)
  })

  it("blames nobody who restarts the activity of a runner that is dead, though one that lives has recorded a hold since", () => {
    const turns = [turn(2, 0, "ActivityStarted"), turn(1, 1_000, "HoldAnswered"), turn(3, 2_000, "Restarted")]
    assert.lengthOf(takenBy(turns, life(1), { ...life(2), died: 500 }), 0)
    assert.lengthOf(takenBy(turns, { ...life(1), died: 1_500 }), 1)
  })

  it("blames nobody who is given a call by a runner that is about to end, whoever has appended since", () => {
    const turns = [turn(1, 0, "CallStarted"), turn(2, 1_000, "PromptCompleted"), turn(3, 2_000, "Restarted")]
    assert.lengthOf(takenBy(turns, { ...life(1), ending: 500, died: 5_000 }), 0)
    assert.lengthOf(takenBy(turns, { ...life(1), ending: 2_500 }), 1)
  })
})
