/** Flow B of Telesign's guide "Voice - Make an outbound call": answered, then you hang up. */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

export const HangUp = Flow.make("hang-up", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["reachable", "unreachable"]),
  run: ({ from, to }) =>
    Line.hangup.pipe(
      Flow.as("reachable"),
      Flow.dial({ to, from, ringFor: "30 seconds" }),
      Flow.catchTag("NotAnswered", () => Flow.succeed("unreachable"))
    )
})
