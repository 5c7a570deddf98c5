/**
 * A PIN is asked for, three times at most. The same conversation twice: in the language, and as a raw reducer whose state
 * is plain data.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

const Pin = Schema.String.check(Schema.isPattern(/^\d{4}$/, { message: "Expected a PIN of 4 digits" }))
const Verdict = Schema.Literals(["admitted", "refused"])
const input = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, pin: Pin }

const tries = 3

export const PinEntry = Flow.make("pin-entry", {
  version: 1,
  input,
  output: Verdict,
  run: ({ from, pin, to }) =>
    Flow.gen(function*() {
      for (let attempt = 1; attempt <= tries; attempt++) {
        if ((yield* digits) === pin) return "admitted"
        yield* Line.speak("That is not right.")
      }
      return "refused"
    }).pipe(Flow.dial({ to, from }))
})

/** Where the reducer stands: in which try, and what it last heard. */
interface Progress {
  readonly attempt: number
  readonly heard: "nothing" | "wrong" | "right"
}

const beginning: Progress = { attempt: 1, heard: "nothing" }

export const PinReducer = Flow.make("pin-reducer", {
  version: 1,
  input,
  output: Verdict,
  run: ({ from, pin, to }) =>
    Flow.reducer({
      initial: beginning,
      decide: ({ attempt, heard }) => {
        if (heard === "right") return { done: "admitted" }
        if (heard === "wrong") return { ask: Flow.as(Line.speak("That is not right."), "") }
        return attempt > tries ? { done: "refused" } : { ask: digits }
      },
      evolve: ({ attempt, heard }, digits: string): Progress =>
        heard === "wrong"
          ? { attempt: attempt + 1, heard: "nothing" }
          : { attempt, heard: digits === pin ? "right" : "wrong" }
    }).pipe(Flow.dial({ to, from }))
})

/** What was pressed in one try; nothing, if it was too little. */
const digits = Line.collect("Enter your PIN.", { max: 4, min: 4, attempts: 1 }).pipe(
  Flow.catchTag("NoInput", () => Flow.succeed(""))
)
