/** The explorer's code. It is spoken without a key press, so a voicemail hears it: `Law.keyPressBefore` would say so. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"

export const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009"), code: "1234" }

export const laws = [...Law.standard, Law.ends, Law.promptAtMost(3, "Your code"), Law.fails("HungUp", "NotAnswered")]
