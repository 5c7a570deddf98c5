import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** Calls a customer whose order is ready, and asks when they come. */
export const Pickup = Flow.make("pickup", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["today", "tomorrow", "unreached"]),
  run: ({ from, to }) =>
    Flow.gen(function*() {
      const day = yield* Line.menu("Your order is ready. Press 1 if you come today, 2 if you come tomorrow.", {
        choices: { "1": "today", "2": "tomorrow" }
      })
      yield* Line.goodbye(`See you ${day}.`)
      return day
    }).pipe(
      Flow.dial({ to, from, ringFor: "40 seconds" }), // gives the line, and always hangs it up
      Flow.catchTag(["NotAnswered", "NoInput", "HungUp"], () => Flow.succeed("unreached"))
    )
})
