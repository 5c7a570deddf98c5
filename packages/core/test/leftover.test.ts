import { assert, describe, it } from "@effect/vitest"
import type { Call } from "../src/index.ts"
import * as Leftover from "../src/internal/engine/leftover.ts"

const nothing: Leftover.Leftover = { calls: 0, dials: 0, activities: 0, webhooks: 0, requests: 0 }

/** What is left, whether something that happened is not recorded, and the words for one and for two of it. */
const kinds: ReadonlyArray<readonly [kind: keyof Leftover.Leftover, isUnrecorded: boolean, one: string, two: string]> =
  [
    ["calls", false, "1 call under way", "2 calls under way"],
    ["dials", true, "1 dial without a response", "2 dials without a response"],
    ["activities", false, "1 activity that runs again", "2 activities that run again"],
    ["webhooks", true, "1 webhook that is not recorded", "2 webhooks that are not recorded"],
    ["requests", true, "1 request that is not answered", "2 requests that are not answered"]
  ]

describe("what an engine leaves to the next process", () => {
  const begin = "The engine has closed, and leaves to the next process: "

  it("is nothing, and no line in the log", () => {
    assert.isUndefined(Leftover.describe(nothing))
    assert.isFalse(Leftover.isUnrecorded(nothing))
  })

  it.each(kinds)("is told in words: %s", (kind, isUnrecorded, one, two) => {
    for (const [count, words] of [[1, one], [2, two]] as const) {
      const left = { ...nothing, [kind]: count }
      assert.strictEqual(Leftover.describe(left), begin + words)
      assert.strictEqual(Leftover.isUnrecorded(left), isUnrecorded)
    }
  })

  it("is told in one line", () => {
    const all = { calls: 1, dials: 2, activities: 1, webhooks: 2, requests: 1 }
    const words = kinds.map(([kind, , one, two]) => all[kind] === 1 ? one : two)
    assert.strictEqual(Leftover.describe(all), begin + words.join(", "))
  })

  it("counts calls, their dials that have no response, and their activities", () => {
    const call = (wait: string | undefined, ...phases: ReadonlyArray<string>) =>
      ({ wait: wait && { _tag: wait }, lines: phases.map((phase) => ({ phase })) }) as unknown as Call.Call
    const left = Leftover.ofCalls([
      call("Activity", "Closed"),
      call("Dial", "Closed", "Attempted"),
      call("Dial", "Attempted"),
      call("Sleep", "Acting"),
      call(undefined)
    ])
    assert.deepStrictEqual(left, { calls: 5, dials: 2, activities: 1 })
  })
})
