import { assert, describe, it } from "@effect/vitest"
import type { StormHistory } from "@ringback/testing"
import type { Deed, Run } from "./run.ts"
import * as Windows from "./windows.ts"

const deed = (kind: Deed["kind"], from: number, to: number): Deed => ({ kind, words: kind, places: [], from, to })

const runOf = (...deeds: ReadonlyArray<Deed>): Run =>
  ({ deeds, loads: [], deliveries: [], told: { started: [] }, perSecond: 4, ended: 60_000 }) as unknown as Run

const nothing = { turns: [] } as unknown as StormHistory.StormHistory

const lengths = (run: Run) => Windows.of(run, nothing).map(({ from, to }) => to - from)

describe("the window of a deed", () => {
  it("is as long as what is done, and five seconds at least", () => {
    assert.deepStrictEqual(lengths(runOf(deed("kill", 10_000, 10_000), deed("freeze", 10_000, 30_000))), [
      5_000,
      20_000
    ])
  })

  it("is open until all is tried again if the database is away meanwhile, or was shortly before", () => {
    const [own, others] = lengths(runOf(deed("failover", 10_000, 16_000), deed("clock", 12_000, 12_000)))
    assert.strictEqual(own, 16_000)
    assert.strictEqual(others, 14_000)
    const [, after] = lengths(runOf(deed("database", 10_000, 11_000), deed("clock", 12_000, 12_000)))
    assert.strictEqual(after, 9_000)
    assert.deepStrictEqual(lengths(runOf(deed("database", 10_000, 11_000), deed("clock", 22_000, 22_000))), [
      11_000,
      5_000
    ])
  })

  it("has to show something, for what was asked for in it", () => {
    const run = runOf(deed("clock", 10_000, 12_000))
    assert.lengthOf(Windows.check(run, Windows.of(run, nothing)), 1)
  })
})
