import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** Calls a customer whose order is ready. */
export const OrderReady = Flow.make("order-ready", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, order: Schema.Int },
  output: Schema.Literals(["told", "unreached"]),
  run: ({ from, order, to }) =>
    Line.speak(`Your order ${order} is ready.`).pipe(
      Flow.as("told" as const),
      Flow.dial({ to, from, ringFor: "40 seconds" }),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("unreached" as const))
    )
})
