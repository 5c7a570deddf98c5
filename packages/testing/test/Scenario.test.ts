import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber, Prompt } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Scenario } from "../src/index.ts"

const who = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const verify = (pin: string) =>
  Flow.activity("verify", { success: Schema.Boolean, error: Schema.String }, Effect.succeed(pin === "1234"))

const Door = Flow.make("door", {
  version: 1,
  input: {},
  output: Schema.Literals(["admitted", "refused"]),
  error: Schema.String,
  run: () =>
    Flow.gen(function*() {
      for (let attempt = 1; attempt <= 2; attempt++) {
        const pin = yield* Line.collect("Enter your PIN.", { max: 4, attempts: 1 })
        if (yield* verify(pin).pipe(Line.hold("One moment."))) return "admitted"
        yield* Line.speak("That is not right.")
      }
      yield* Flow.note("refused")
      return "refused"
    }).pipe(Flow.dial(who))
})

describe("a scenario", () => {
  const asked = Scenario.given(Door, {}).then("dial").when(Scenario.answers).then("Enter your PIN.")
  const wrong = asked.when(Scenario.presses("0000"), Scenario.succeeds(false))

  it("goes from what happens to what the flow does", () => {
    wrong.then(Prompt.speech("That is not right."), "Enter your PIN.")
    asked.when(Scenario.presses("1234"), Scenario.succeeds(true)).then("hang up").ends("admitted")
  })

  it("can go on from one place in several ways", () => {
    wrong.when(Scenario.presses("1"), Scenario.succeeds(false))
      .then("That is not right.", "note refused", "hang up").ends("refused")
    wrong.when(Scenario.staysSilent).failsWith("NoInput")
    wrong.when(Scenario.hangsUp).then().failsWith("HungUp")
    wrong.when(Scenario.cancel).then("hang up").failsWith("Cancelled")
  })

  it("lets a callee leave in the middle of a prompt, and during a hold", () => {
    asked.when(Scenario.hangsUpDuring("not right"), Scenario.presses("1"), Scenario.succeeds(false))
      .then("That is not right.").failsWith("HungUp")
    asked.when(Scenario.presses("1"), Scenario.hangsUp).failsWith("HungUp")
  })

  it("fails a flow whose dial or activity fails", () => {
    Scenario.given(Door, {}).when(Scenario.notAnswered("busy")).failsWith("NotAnswered")
    asked.when(Scenario.presses("1"), Scenario.fails("down")).then("hang up").failsWith("down")
  })

  it("says what was expected, what came, and all that happened, when it is broken", () => {
    assert.throws(
      () => wrong.then("Enter your PIN."),
      /^Expected then: "Enter your PIN\."\nbut it was: {4}"That is not right\.", "Enter your PIN\."\n\nSo far:\n {2}→ dial\n {2}is answered/
    )
    assert.throws(() => asked.ends("admitted"), /Expected that it ends with "admitted", but it waits \(Prompt\)/)
    assert.throws(() => asked.failsWith("HungUp"), /but it waits/)
  })

  it("refuses what cannot happen at a place", () => {
    const unasked = () => Scenario.given(Door, {}).when(Scenario.presses("1234"))
    assert.throws(unasked, /^It cannot happen here that it is given 1234: the flow waits \(Dial\)\n/)
    assert.throws(() => asked.when(Scenario.hangsUp).when(Scenario.answers), /After its end nothing happens/)
  })
})
