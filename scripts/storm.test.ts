import { describe, it } from "@effect/vitest"
import { Faults, type Storm } from "@ringback/testing"
import { examples } from "./storm.examples.ts"

/** Storms in which the engine once broke a law, or a law misjudged it: by what came of it, for whoever looks for the commit. */
const past: ReadonlyArray<readonly [why: string, example: string, store: Storm.StoreKind, seed: number]> = [
  ["time jumps while a restart is being recorded", "passcode", "memory", 70_000],
  ["a copy waits for a hold that waits for the store, and the end of its call comes in", "delivery", "memory", 50_007],
  ["a hold that nobody recorded ends after the end of its call", "delivery", "sqlite", 50_088],
  ["the clock is set back by 4 s while somebody waits for a hold", "switchboard", "postgres", 70_080],
  ["the clock is set back by 4 s while a dial is being recorded", "pin", "postgres", 90_060],
  ["the clock is set back by 5 minutes while copies wait for the store", "survey", "memory", 200_393],
  ["an answer meets an action that takes no digits, after a copy passed for one", "pin", "sqlite", 340],
  ["the clock gains 0.3 s while as many webhooks wait as may", "transfer", "memory", 300_044],
  ["the store's time is told late, and again in time", "phone-tree", "postgres", 300_069],
  ["a hold answers the end of a leg, between two that find out about a bridge", "survey", "memory", 300_224],
  ["a copy waits for its machine to wake while another process records it", "switchboard", "postgres", 300_166],
  ["a copy waits for its call to be looked up", "switchboard", "memory", 300_218],
  ["three holds follow a second delivery that was recorded", "switchboard", "sqlite", 300_583],
  ["a machine sleeps after its clock was set back by an hour", "appointment", "memory", 400_375],
  ["the clock is set back by 4 s right when a call is woken", "table-ready", "sqlite", 400_072]
]

/** What could go wrong when these storms blew. */
const then = Faults.without(
  Faults.all,
  "carrierThrottles",
  "storeRefuses",
  "clockForwardInTalk",
  "cancelAgain",
  "versionUnknown",
  "flowThrows",
  "sessionForeign",
  "sessionOversized"
)

describe("a storm of the past breaks no law any more", () => {
  for (const [why, example, store, seed] of past) {
    it.effect(
      `${why} (${example} on ${store}, seed ${seed})`,
      () => examples[example]!({ runs: 1, seed, store, faults: then }),
      60_000
    )
  }
})
