/** The explorer's input: nobody who hangs up makes the call fail. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"

export const input = {
  to: PhoneNumber.make("+15550170001"),
  from: PhoneNumber.make("+15550170009"),
  message: "The goods have arrived."
}

export const laws = [...Law.standard, Law.ends, Law.fails("NotAnswered")]
