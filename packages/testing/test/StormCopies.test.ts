/** What the rule for copies leaves open under a storm, and that an identity or marks leave nothing of it. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber, type Settings } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Callee, type PhoneLine, Storm, StormFaults } from "../src/index.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const input = { to, from }

/** Four equal questions, and a callee who gives four equal answers: the worst that the rule can be asked to tell apart. */
const Survey = Flow.make("survey", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Array(Schema.String),
  run: (who) =>
    Flow.forEach([1, 2, 3, 4], () => Line.collect("Which?", { max: 1 })).pipe(
      Flow.dial(who),
      Flow.catchTag(["NotAnswered", "NoInput", "HungUp"], () => Flow.succeed([]))
    )
})

const callees = { [to]: Callee.answers().presses("1").presses("1").presses("1").presses("1") }

const faults: StormFaults.StormFaults = {
  ...StormFaults.only("webhookCopied", "webhookOvertaken", "replyBroken", "replyLost", "crash"),
  webhookCopiedLate: 0.5,
  carrierAsksAgain: 1
}

const misjudged = (settings: Settings.Options, company: PhoneLine.Changes = {}) =>
  Effect.map(
    Storm.run(Survey, input, { runs: 60, seed: 1, calls: 1, callees, faults, settings, company }),
    ({ remains }) =>
      Object.entries(remains).filter(([name]) => /copy|true answer/.test(name)).reduce(
        (sum, [, count]) => sum + count,
        0
      )
  )

const patience = 60_000

describe("a storm of copies over equal questions", () => {
  it.effect("leaves some misjudged, and no law broken", () =>
    Effect.gen(function*() {
      assert.isAbove(yield* misjudged({}), 0)
    }), patience)

  it.effect("leaves none where a field identifies each webhook", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* misjudged({ copies: { eventKey: "posting" } }), 0)
    }), patience)

  it.effect("leaves none where the carrier brings back the mark of each prompt", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* misjudged({ copies: { marks: true } }, { echoesMarks: true }), 0)
    }), patience)

  it.effect("leaves some where marks are asked for and do not come back", () =>
    Effect.gen(function*() {
      assert.isAbove(yield* misjudged({ copies: { marks: true } }), 0)
    }), patience)
})
