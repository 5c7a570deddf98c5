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

/** One line, or nothing if nothing is left. */
export const describe = (left: Leftover): string | undefined => {
  const parts = [
    ...counted(left.calls, "call under way", "calls under way"),
    ...counted(left.dials, "dial without a response", "dials without a response"),
    ...counted(left.activities, "activity that runs again", "activities that run again"),
    ...counted(left.webhooks, "webhook that is not recorded", "webhooks that are not recorded"),
    ...counted(left.requests, "request that is not answered", "requests that are not answered")
  ]
  return parts.length === 0 ? undefined : `The engine has closed, and leaves to the next process: ${parts.join(", ")}`
}
