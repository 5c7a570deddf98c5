/** The explorer's input and laws: whoever waits for nothing hears nothing three times, and nothing goes wrong but hanging up. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"

export const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  when: "Tuesday at ten"
}

export const laws = [
  ...Law.standard,
  Law.ends,
  Law.promptAtMost(5, /1|one/i),
  Law.fails("HungUp"),
  Law.reachable("every appointment can be cancelled", { from: "Your appointment", to: Law.speaks("cancelled") })
]
