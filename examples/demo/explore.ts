/** The explorer's bookings: each slot that the conversation can ask for. */
import { type FlowExplorer, Law } from "@ringback/testing"

export const samples = { activities: { book: ["morning", "evening"] } } satisfies FlowExplorer.Options

export const laws = [...Law.standard, Law.ends, Law.fails(), Law.promptAtMost(5)]
