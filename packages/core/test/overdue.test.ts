/** How long due work has waited, by shard. */
import { assert, describe, it } from "vitest"
import type { CallId } from "../src/CallEvent.ts"
import * as Overdue from "../src/internal/engine/overdue.ts"

const call = (callId: string, due: number | null) => ({ callId: callId as CallId, due })

const placement = {
  isOwn: () => false,
  shardOf: (id: CallId) => id.slice(0, 1),
  shards: () => ["1", "2", "3"],
  marks: [],
  leave: () => {}
}

describe("due work", () => {
  it("is as old in each shard as the oldest of it, and grows until somebody looks again", () => {
    const overdue = Overdue.make(placement)
    overdue.learn([call("1a", 5_000), call("2a", 1_000), call("1b", 2_000), call("3a", null)])
    assert.deepStrictEqual(overdue.behind(10_000), [
      { shard: "2", forMillis: 9_000 },
      { shard: "1", forMillis: 8_000 }
    ])
    assert.strictEqual(overdue.behind(20_000)[0]!.forMillis, 19_000)
    overdue.learn([call("1b", 2_000)])
    assert.deepStrictEqual(overdue.behind(20_000), [{ shard: "1", forMillis: 18_000 }])
  })

  it("is not behind before it is due", () => {
    const overdue = Overdue.make(placement)
    overdue.learn([call("1a", 5_000)])
    assert.deepStrictEqual(overdue.behind(5_000), [])
  })

  it("has no shards without a cluster", () => {
    const overdue = Overdue.make(undefined)
    overdue.learn([call("1a", 0)])
    assert.deepStrictEqual([overdue.behind(10_000), overdue.shards], [[], []])
  })
})
