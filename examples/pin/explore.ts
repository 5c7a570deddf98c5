/** The explorer's input, and the PIN among the keys that it presses. */
import { PhoneNumber } from "@ringback/core"
import { type FlowExplorer, Law } from "@ringback/testing"

export const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009"), pin: "1234" }

export const samples = { digits: ["1234", "4321"] } satisfies FlowExplorer.Options

export const laws = [...Law.standard, Law.ends, Law.promptAtMost(3), Law.fails("HungUp", "NotAnswered")]
