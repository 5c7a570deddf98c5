/** What an engine leaves to the next process when it closes, in words. */
import type * as Call from "../../Call.ts"

/** So much is left. */
export interface Leftover {
  /** Calls that have something under way. */
  readonly calls: number
  /** Dials of which the carrier has said nothing, or nothing that is recorded. */
  readonly dials: number
  readonly activities: number
  readonly webhooks: number
  /** Starts, signals and cancels that somebody waits for. */
  readonly requests: number
}

/** What is left of these calls. */
export const ofCalls = (calls: ReadonlyArray<Call.Call>): Pick<Leftover, "calls" | "dials" | "activities"> => ({
  calls: calls.length,
  dials: calls.flatMap(({ lines }) => lines.filter(({ phase }) => phase === "Attempted")).length,
  activities: calls.filter(({ wait }) => wait?._tag === "Activity").length
})

const counted = (count: number, one: string, more: string): ReadonlyArray<string> =>
  count === 0 ? [] : [`${count} ${count === 1 ? one : more}`]

/** Whether something is not recorded that happened. */
export const isUnrecorded = ({ dials, requests, webhooks }: Leftover): boolean => dials + webhooks + requests > 0

const partsOf = (left: Leftover): ReadonlyArray<string> => [
  ...counted(left.calls, "call under way", "calls under way"),
  ...counted(left.dials, "dial without a response", "dials without a response"),
  ...counted(left.activities, "activity that runs again", "activities that run again"),
  ...counted(left.webhooks, "webhook that is not recorded", "webhooks that are not recorded"),
  ...counted(left.requests, "request that is not answered", "requests that are not answered")
]

/** One line, or nothing if nothing is left. */
export const describe = (left: Leftover): string | undefined => {
  const parts = partsOf(left)
  return parts.length === 0 ? undefined : `The engine has closed, and leaves to the next process: ${parts.join(", ")}`
}

/** What a process that drained has given to others, and what it has left. */
export interface Drained extends Leftover {
  /** Calls that other processes look after from now on. */
  readonly handedOver: number
}

/** One line. */
export const describeDrained = (drained: Drained): string => {
  const { handedOver } = drained
  const given = `${handedOver} ${handedOver === 1 ? "call was" : "calls were"} handed over to other processes`
  const parts = partsOf(drained)
  return `The engine has drained: ${given}, ${parts.length === 0 ? "nothing is left" : `left: ${parts.join(", ")}`}`
}
