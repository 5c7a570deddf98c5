/** The explorer's input, in the version of the flow that is deployed last. Whatever the callee does, the call does not fail. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"
import { parcel } from "./flow.ts"

export const flow = parcel(2)

export const input = {
  to: PhoneNumber.make("+15550190001"),
  from: PhoneNumber.make("+15550170009")
}

export const laws = [...Law.standard, Law.ends, Law.fails()]
