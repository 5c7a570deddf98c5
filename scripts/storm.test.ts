import { describe, it } from "@effect/vitest"
import { type Storm, StormFaults } from "@ringback/testing"
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

/** The same since stores refuse turns and processes do not know the version of a call. */
const recent: typeof past = [
  ["webhooks wait in a process though another one has recorded them", "throwing", "postgres", 3_000_023],
  ["what comes in after a call was stopped is refused too", "visit", "memory", 4_000_016],
  ["the disk is full when a call is to be stopped for a refused turn", "throwing", "memory", 4_000_062],
  ["a call that was stopped has a deadline and a line that is open", "visit", "sqlite", 4_000_062],
  ["a stranger hears one of three holds under the session of a line", "survey", "memory", 4_000_063],
  ["a copy that was held has its turn while webhooks are many", "passcode", "memory", 5_000_032],
  ["the append that stops a call fails though it is stored", "throwing", "postgres", 5_000_085],
  ["a restart is refused before a start that asks again", "offer", "postgres", 5_000_093],
  ["a copy hears the hold in flight after its line is over", "visit", "sqlite", 6_091_058],
  ["somebody is on a second line while the store is late", "pin", "memory", 6_050_086],
  ["what a stranger posted waits for the store while webhooks are many", "throwing", "postgres", 6_082_096]
]

/** What could go wrong before calls were pruned and their log was followed. */
const before = StormFaults.without(StormFaults.all, "prune", "logFollowed")

/** What could go wrong when the first of these storms blew. */
const then = StormFaults.without(
  before,
  "accountLocked",
  "carrierThrottles",
  "storeRefuses",
  "clockForwardInTalk",
  "cancelAgain",
  "versionUnknown",
  "flowThrows",
  "sessionForeign",
  "sessionOversized",
  "callersMany"
)

describe("a storm of the past breaks no law any more", () => {
  for (const [why, example, store, seed] of past) {
    it.effect(
      `${why} (${example} on ${store}, seed ${seed})`,
      () => examples[example]!({ runs: 1, seed, store, faults: then })
    )
  }

  for (const [why, example, store, seed] of recent) {
    it.effect(
      `${why} (${example} on ${store}, seed ${seed})`,
      () => examples[example]!({ runs: 1, seed, store, faults: before })
    )
  }
})
