/** The explorer's office. */
import { PhoneNumber } from "@ringback/core"
import { Law } from "@ringback/testing"
import { survey } from "./flow.ts"

export const flow = survey({ number: PhoneNumber.make("+15550170009"), agent: PhoneNumber.make("+15550170002") })
export const input = {}

export const laws = [...Law.standard, Law.ends, Law.promptAtMost(3), Law.fails()]

/** What the drawing calls them. */
export const names = { "15550170002": "agent" }
