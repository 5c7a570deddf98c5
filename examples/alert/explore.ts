/** The explorer's input: two people to call. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"

export const input = {
  from: PhoneNumber.make("+15550170009"),
  people: [
    { name: "Ann", number: PhoneNumber.make("+15550170001") },
    { name: "Bob", number: PhoneNumber.make("+15550170002") }
  ],
  message: "The freezer in the lab is at minus 60 degrees."
}

export const laws = [...Law.standard, Law.ends, Law.promptAtMost(3), Law.fails("NobodyTookIt")]
