/** Strangers who call in by the dozen, in storms: no process lets in more than it has room for, and who is turned away is nowhere. */
import { assert, describe, it } from "@effect/vitest"
import { Flow } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { parties } from "./fixtures/flows.ts"
import { announcement, finding, input, patience, stores } from "./fixtures/storms.ts"

const Announcement = Flow.make("announcement", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) => announcement(who).pipe(Flow.catchTag(["NotAnswered", "HungUp"], (error) => Flow.succeed(error._tag)))
})

const crowd = { ...StormFaults.none, callersMany: 1 }

const blow = (options: Storm.Options) =>
  Storm.run(Announcement, input, { runs: 40, calls: 2, faults: crowd, ...options })

describe("callers by the dozen", () => {
  for (const store of stores) {
    it.effect(`break no law, over crashes and a store that fails (${store})`, () =>
      Effect.gen(function*() {
        const { faults } = yield* blow({
          store,
          faults: {
            ...crowd,
            crash: 0.9,
            shutdown: 0.3,
            secondProcess: 0.5,
            storeSlow: 0.2,
            storeFails: 0.1,
            storeFailsAfter: 0.1,
            storeConflicts: 0.1,
            crowded: 0.3,
            sessionForeign: 0.5
          }
        })
        assert.isAbove(faults["callersMany"] ?? 0, 10)
      }), patience)
  }

  const finds = finding(StormLaws.nothingStopsTheRest, blow)

  finds("an engine that lets all of them in", /more callers were let in/, {
    sabotage: { settings: { inbound: { linesAtMost: 1_000 } } }
  })
})
