import { describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { requestOf, Visit } from "../../../scripts/storm.finalizers.ts"
import { Storm } from "../src/index.ts"
import { stores } from "./fixtures/storms.ts"

const input = {
  to: PhoneNumber.make("15550170001"),
  from: PhoneNumber.make("15550170009"),
  office: PhoneNumber.make("15550170002")
}

/** For a machine that is busy with something else. */
const patience = 60_000

describe("a storm over flows whose finalizers wait", () => {
  for (const store of stores) {
    it.effect(
      `breaks no law (${store})`,
      () => Storm.run(Visit, input, { runs: 15, seed: 1, store, requestOf }),
      patience
    )
  }
})
