/** The conversation that the demo interrupts: a question, a booking by an Effect, a confirmation. */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"

const book = (slot: string) =>
  Flow.activity("book", { success: Schema.String }, Effect.delay(Effect.succeed(slot), "200 millis"))

export const Delivery = Flow.make("delivery", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["morning", "evening", "no choice", "hung up", "unreached"]),
  run: ({ from, to }) =>
    Flow.gen(function*() {
      const slot = yield* Line.menu("Your parcel is here. Press 1 for the morning, 2 for the evening.", {
        choices: { "1": "morning", "2": "evening" }
      })
      yield* book(slot)
      yield* Line.speak(`We come in the ${slot}. Please have your papers at hand.`)
      yield* Line.goodbye("Goodbye.")
      return slot
    }).pipe(
      Flow.dial({ to, from, maxCallDuration: "5 minutes" }),
      Flow.catchTag("NoInput", () => Flow.succeed("no choice")),
      Flow.catchTag("HungUp", () => Flow.succeed("hung up")),
      Flow.catchTag("NotAnswered", () => Flow.succeed("unreached"))
    )
})
