/** The explorer's directory: nobody, somebody, and somebody with an agent of their own. */
import { PhoneNumber } from "@ringback/core"
import { type FlowExplorer, Law } from "@ringback/testing"
import { switchboard } from "./flow.ts"

const agent = PhoneNumber.make("+15550170002")

export const flow = switchboard(PhoneNumber.make("+15550170009"))
export const input = {}

export const samples = {
  activities: {
    "find-customer": [null, { name: "Ann", agent: null }, { name: "Bob", agent }],
    "find-number": [PhoneNumber.make("+15550170003")]
  }
} satisfies FlowExplorer.Options

export const laws = [...Law.standard, Law.ends, Law.promptAtMost(5)]

/** What the drawing calls them. */
export const names = { Ann: "name", Bob: "name", "15550170002": "their agent", "15550170003": "department" }
