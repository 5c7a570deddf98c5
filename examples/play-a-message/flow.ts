/** Flow A of Telesign's guide "Voice - Make an outbound call": answered, then a message plays to its end. */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

export const PlayAMessage = Flow.make("play-a-message", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, message: Schema.String },
  output: Schema.Literal("heard"),
  run: ({ from, message, to }) => Line.play(message).pipe(Flow.as("heard"), Flow.dial({ to, from }))
})
