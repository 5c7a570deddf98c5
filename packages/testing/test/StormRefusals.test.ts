/** A store that refuses what a turn brings, for good: that turn fails once, with a word of it, and nothing else does. */
import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Effect } from "effect"
import { requestOf, Visit } from "../../../scripts/storm.finalizers.ts"
import { places, Throwing } from "../../../scripts/storm.throwing.ts"
import { Storm, StormFaults } from "../src/index.ts"
import { Desk } from "./fixtures/flows.ts"
import { input, stores } from "./fixtures/storms.ts"

/** A storm in which the store was once misjudged, with what could go wrong then. */
const one = { runs: 1, store: "postgres", faults: StormFaults.without(StormFaults.all, "versionUnknown") } as const

const throwing = (drawn: number) => ({ ...input, throws: places[Math.floor(drawn * places.length)]! })

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
          faults: StormFaults.only("storeRefuses")
        })
        assert.isAbove(faults["storeRefuses"] ?? 0, 0)
      }), patience)
  }

  it.effect(
    "may be behind another process: then nothing is missed",
    () => Storm.run(Visit, { ...input, office: PhoneNumber.make("15550170003") }, { ...one, seed: 7, requestOf }),
    patience
  )

  it.effect(
    "may refuse what comes in after the outcome",
    () => Storm.run(Throwing, input, { ...one, seed: 114, store: "memory", throwing }),
    patience
  )

  it.effect(
    "may refuse what was answered with a hold while it was late",
    () => Storm.run(Desk, input, { ...one, seed: 16, signals: { paid: true } }),
    patience
  )
})
