/** Which fact led to each decision of a flow, and by which rule. */
import * as Call from "../../Call.ts"
import { type CallEvent, type CallId, isDecision } from "../../CallEvent.ts"
import { wait } from "./words.ts"

/** The last fact before an event, and why a flow went on from it. */
export interface Cause {
  readonly cause: number | undefined
  readonly rule: string
}

/** The cause of each decision, in the place of its event; none in those of facts. */
export const causesOf = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Cause | undefined> => {
  let call = Call.initial("" as CallId)
  let cause: Cause = { cause: undefined, rule: "nothing led to it" }
  return events.map((each, i) => {
    const before = call
    call = Call.evolve(call, each)
    if (isDecision(each)) return cause
    cause = { cause: i + 1, rule: ruleOf(before, each) }
    return undefined
  })
}

/** Why a flow goes on from a fact: what it waited for. */
const ruleOf = (before: Call.Call, fact: CallEvent): string => {
  switch (fact._tag) {
    case "CallStarted":
    case "CallArrived":
      return "a call begins with its flow"
    case "FlowResumed":
      return "the flow hears what was recorded without it"
    case "Cancelled":
      return "the application stops the flow"
    case "DeadlinePassed":
      return "a part of the flow has to end by its deadline"
    case "HoldExpired":
      return "a line bears no more holds in a row"
    case "DialNotSent":
      if (fact.retryAt !== undefined) return "a dial that surely did nothing is tried again"
      break
    default:
      break
  }
  return before.wait === undefined ? "the flow waited for nothing" : `the flow waited for ${wait(before.wait)}`
}
