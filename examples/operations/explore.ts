/** The explorer's input, what a doctor may release, and laws: nothing makes the call fail. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"

export const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009")
}

export const samples = { signals: { released: [{ words: "All is well." }] } }

export const laws = [...Law.standard, Law.ends, Law.fails()]
