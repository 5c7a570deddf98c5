/** A store that refuses what a turn brings, for good: that turn fails once, with a word of it, and nothing else does. */
import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Effect } from "effect"
import { Faults, Storm } from "../src/index.ts"
import { Desk } from "./fixtures/flows.ts"

const input = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const stores: ReadonlyArray<Storm.StoreKind> = ["memory", "sqlite", "postgres"]

/** For a machine that is busy with something else. */
const patience = 60_000

describe("a store that refuses for good", () => {
  for (const store of stores) {
    it.effect(`holds up nothing but the turn that it refuses (${store})`, () =>
      Effect.gen(function*() {
        const { faults } = yield* Storm.run(Desk, input, {
          runs: 40,
          seed: 1,
          store,
          signals: { paid: true },
          faults: { ...Faults.none, storeRefuses: 0.01 }
        })
        assert.isAbove(faults["storeRefuses"] ?? 0, 0)
      }), patience)
  }
})
