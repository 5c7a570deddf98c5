import { assert, describe, it } from "@effect/vitest"
import type { CallId } from "../src/CallEvent.ts"
import { countHold, make, reportOver } from "../src/internal/engine/entity.ts"

const sessions = Array.from({ length: 1000 }, (_, i) => `session ${i}`)

describe("a call in memory keeps the latest of the sessions that somebody names for it:", () => {
  it("those whose end came in", () => {
    const cell = make("0".repeat(20) as CallId)
    for (const session of sessions) reportOver(cell, session)
    assert.deepStrictEqual([...cell.reportedOver], sessions.slice(-100))
  })

  it("those that got a hold which nobody records", () => {
    const cell = make("0".repeat(20) as CallId)
    for (const session of sessions) countHold(cell, session)
    countHold(cell, "session 999")
    assert.deepStrictEqual([...cell.unrecordedHolds.keys()], sessions.slice(-100))
    assert.strictEqual(cell.unrecordedHolds.get("session 999"), 2)
  })
})
