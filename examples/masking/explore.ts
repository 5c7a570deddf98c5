/** The explorer's house: two people behind one number, and a stranger. */
import { PhoneNumber } from "@ringback/core"
import { type FlowExplorer, Law } from "@ringback/testing"
import { masking } from "./flow.ts"

const number = PhoneNumber.make("+15550170009")

export const flow = masking({ number, pair: [PhoneNumber.make("+15550170001"), PhoneNumber.make("+15550170002")] })
export const input = {}

export const samples = {
  callers: ["15550170001", "5550170002", "15550170003", undefined].map((from) => ({ from, to: number }))
} satisfies FlowExplorer.Options

export const laws = [...Law.standard, Law.ends, Law.fails()]

/** What the drawing calls them. */
export const names = { "15550170001": "the one", "15550170002": "the other", "5550170002": "the other" }
