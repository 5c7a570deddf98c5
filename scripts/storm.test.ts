import { describe, it } from "@effect/vitest"
import { type Storm } from "@ringback/testing"
import { examples } from "./storm.examples.ts"

/** Storms in which the engine once broke a law, or a law misjudged it: by what came of it, for whoever looks for the commit. */
const past: ReadonlyArray<readonly [why: string, example: string, store: Storm.StoreKind, seed: number]> = [
  ["time jumps while a restart is being recorded", "passcode", "memory", 70_000],
  ["a copy waits for a hold that waits for the store, and the end of its call comes in", "delivery", "memory", 50_007],
  ["a hold that nobody recorded ends after the end of its call", "delivery", "sqlite", 50_088],
  ["the clock is set back by 4 s while somebody waits for a hold", "switchboard", "postgres", 70_080],
  ["the clock is set back by 4 s while a dial is being recorded", "pin", "postgres", 90_060],
  ["the clock is set back by 5 minutes while copies wait for the store", "survey", "memory", 200_393],
  ["an answer meets an action that takes no digits, after a copy passed for one", "pin", "sqlite", 340]
]

describe("a storm of the past breaks no law any more", () => {
  for (const [why, example, store, seed] of past) {
    it.effect(
      `${why} (${example} on ${store}, seed ${seed})`,
      () => examples[example]!({ runs: 1, seed, store }),
      60_000
    )
  }
})
