/**
 * A one-time passcode: the digits spoken apart, and again if the callee presses 1, at most three times in all. Whoever
 * presses nothing, or something else, has heard enough.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

const Code = Schema.String.check(Schema.isPattern(/^\d{4,8}$/, { message: "Expected a code of 4 to 8 digits" }))

const hearings = 3

/** A comma between the digits makes a pause that can be written along with. */
const apart = (code: string) => Array.from(code).join(", ")

export const Passcode = Flow.make("passcode", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, code: Code },
  output: Schema.Struct({ hearings: Schema.Int }),
  run: ({ code, from, to }) =>
    Flow.gen(function*() {
      let heard = 0
      while (heard < hearings) {
        const question = ++heard < hearings ? " Press 1 to hear it again." : ""
        const prompt = `Your code is ${apart(code)}.${question}`
        if (question === "") yield* Line.speak(prompt)
        else if ((yield* keyPress(prompt)) !== "1") break
      }
      yield* Line.goodbye("Goodbye.")
      return { hearings: heard }
    }).pipe(Flow.dial({ to, from, ringFor: "40 seconds" }))
})

const keyPress = (prompt: string) =>
  Line.collect(prompt, { max: 1, attempts: 1 }).pipe(Flow.catchTag("NoInput", () => Flow.succeed("")))
