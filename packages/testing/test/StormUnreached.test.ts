/** A process that does not reach the store which it shares with another, in storms: the other one goes on with the calls. */
import { assert, describe, it } from "@effect/vitest"
import { Flow } from "@ringback/core"
import { Effect } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { announcing, finding, input, patience } from "./fixtures/storms.ts"

/** Calls that wait between two dials, so that there is work that comes due. */
const Announcement = announcing(
  Flow.retry({ times: 2, after: "30 seconds", while: (error) => error._tag === "NotAnswered" })
)

const parted = { ...StormFaults.none, storeUnreached: 1, secondProcess: 1 }

const blow = (options: Storm.Options) =>
  Storm.run(Announcement, input, { runs: 60, calls: 5, store: "postgres", faults: parted, ...options })

describe("a store that one process does not reach, and others do", () => {
  it.effect(
    "keeps every law, over crashes, thaws and cancels",
    () =>
      Effect.gen(function*() {
        const { faults } = yield* blow({ faults: { ...parted, crash: 0.9, freeze: 0.9, cancel: 0.25, postLost: 0.1 } })
        assert.isAbove(faults["storeUnreached"] ?? 0, 20)
      }),
    patience
  )

  const finds = finding(StormLaws.everyCallEnds, blow)

  finds("processes that do not look for what others leave behind", /was not looked at|come to their end/, {
    faults: { ...parted, crash: 0.9 },
    sabotage: { store: (store) => ({ ...store, due: () => Effect.succeed([]), orphans: () => Effect.succeed([]) }) }
  })
})
