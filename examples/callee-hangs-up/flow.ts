/**
 * Flow C of Telesign's guide "Voice - Make an outbound call": answered, the message starts, and the end user hangs up
 * during it. The hang-up is an error of the conversation, and here an outcome.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

export const CalleeHangsUp = Flow.make("callee-hangs-up", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, message: Schema.String },
  output: Schema.Literals(["heard", "hung up"]),
  run: ({ from, message, to }) =>
    Line.speak(message).pipe(
      Flow.as("heard"),
      Flow.catchTag("HungUp", () => Flow.succeed("hung up")),
      Flow.dial({ to, from })
    )
})
