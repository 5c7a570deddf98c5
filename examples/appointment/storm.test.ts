import { describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Storm, StormLaws } from "@ringback/testing"
import { Effect } from "effect"
import { Appointment } from "./flow.ts"

const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  when: "on Tuesday at ten"
}

const seldomRung = StormLaws.make(
  "nobody is rung more than nine times",
  (history) => history.rings.length > 9 * history.wanted ? [StormLaws.violation("a phone rang too often")] : []
)

describe("an appointment on bad days", () => {
  it.effect(
    "keeps every law",
    () => Storm.run(Appointment, input, { runs: 20, store: "sqlite" })
  )

  it.effect("never becomes a nuisance", () =>
    Effect.gen(function*() {
      yield* Storm.run(Appointment, input, { runs: 20, laws: [...StormLaws.all, seldomRung] })
    }))
})
