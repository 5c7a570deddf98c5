/** A flow that throws, at any of its places: its call ends with a word of it, and the others go on. */
import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Effect } from "effect"
import { places, Throwing } from "../../../scripts/storm.throwing.ts"
import { Callee, Storm, StormFaults } from "../src/index.ts"
import { stores } from "./fixtures/storms.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const input = { to, from }

/** For a machine that is busy with something else. */
const patience = 60_000

const throwing = (drawn: number) => ({ ...input, throws: places[Math.floor(drawn * places.length)]! })

const silent = Callee.answers("1 second").staysSilent().staysSilent().staysSilent()
const talking = Callee.answers("1 second").presses("1234")

describe("a flow that throws", () => {
  for (const store of stores) {
    for (const throws of places) {
      it.effect(`${throws} ends its call with a word of it (${store})`, () =>
        Effect.gen(function*() {
          const callee = throws === "in a failure's handler" ? silent : talking
          const { findings, history } = yield* Storm.once(Throwing, { ...input, throws }, {
            faults: StormFaults.none,
            calls: 1,
            store,
            callees: { [to]: callee }
          })
          assert.deepStrictEqual(findings, [])
          const [outcome] = history.told.outcomes
          assert.strictEqual(outcome?.exit._tag === "Stopped" && outcome.exit.reason._tag, "Defect")
        }))
    }

    it.effect(
      `in a storm holds up no other call (${store})`,
      () => Storm.run(Throwing, input, { runs: 15, seed: 100, store, throwing }),
      patience
    )
  }

  it.effect("hears a recorded hold after three unrecorded ones, right after a clock was set", () => {
    const faults = StormFaults.without(StormFaults.all, "storeRefuses")
    return Storm.run(Throwing, input, { runs: 1, seed: 5, store: "postgres", throwing, faults })
  }, patience)
})
