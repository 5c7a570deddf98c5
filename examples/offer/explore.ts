/** The explorer's laws: whoever hears an offer can still opt out, and nobody is rung before the consent was looked up. */
import { Law } from "@ringback/testing"

const consentFirst = Law.make("no dial before the consent was looked up", {
  initial: false,
  next: (lookedUp: boolean, moment) =>
    moment._tag === "Asked" && moment.request._tag === "Dial" && !lookedUp
      ? Law.broken("a dial without a look")
      : lookedUp || Law.runs("has-consent")(moment)
})

export const laws = [
  ...Law.standard,
  Law.ends,
  Law.fails(),
  Law.reachable("every offer can be opted out of", { from: "Press 9", to: Law.runs("withdraw-consent") }),
  consentFirst
]
