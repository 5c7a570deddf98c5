/**
 * The explorer's house, with a number for each department. The generator keeps what came of each of six bridges, so what is
 * tried there is kept small: every kind more would be there to the sixth power.
 */
import { PhoneNumber } from "@ringback/core"
import { type FlowExplorer, Law } from "@ringback/testing"
import { transfer } from "./flow.ts"

export const flow = transfer({
  number: PhoneNumber.make("+15550170009"),
  reception: PhoneNumber.make("+15550170002"),
  billing: PhoneNumber.make("+15550170003"),
  repairs: PhoneNumber.make("+15550170004")
})
export const input = {}

export const samples = {
  callers: [{ from: "15550170001", to: "15550170009" }],
  bridges: [{ _tag: "Left", who: "them" }, { _tag: "Left", who: "caller" }]
} satisfies FlowExplorer.Options

export const laws = [...Law.standard, Law.ends, Law.fails()]

/** What the drawing calls them. */
export const names = { "15550170002": "reception", "15550170003": "billing", "15550170004": "repairs" }
