/** The explorer's input and laws: nobody who hangs up makes the call fail. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"

export const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  order: 42
}

export const laws = [...Law.standard, Law.ends, Law.fails()]
