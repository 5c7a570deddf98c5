/**
 * A reminder of an appointment: 1 keeps it, 2 cancels it, 3 asks to be called again in an hour, twice at most. Whoever
 * is not reached is tried again every ten minutes.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

export const Appointment = Flow.make("appointment", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, when: Schema.String },
  output: Schema.Literals(["kept", "cancelled", "later", "unreached"]),
  run: ({ from, to, when }) =>
    remind(when).pipe(
      Flow.dial({ to, from, ringFor: "40 seconds" }),
      Flow.retry({
        times: 2,
        after: "10 minutes",
        while: (error) => error._tag === "NotAnswered" && error.reason !== "refused"
      }),
      Flow.repeat({ times: 2, after: "1 hour", while: (answer) => answer === "later" }),
      Flow.catchTag(["NotAnswered", "NoInput"], () => Flow.succeed("unreached"))
    )
})

const remind = (when: string) =>
  Flow.gen(function*() {
    const answer = yield* Line.menu(
      `Your appointment is ${when}. Press 1 to keep it, 2 to cancel it, or 3 to be called again in an hour.`,
      {
        choices: { "1": "kept", "2": "cancelled", "3": "later" },
        again: { silence: "Please press 1 to keep it, 2 to cancel it, or 3 for later.", invalid: "1, 2 or 3, please." }
      }
    )
    yield* Line.goodbye(farewells[answer])
    return answer
  })

const farewells = {
  kept: "See you then.",
  cancelled: "It is cancelled.",
  later: "We will call you again. Goodbye."
}
