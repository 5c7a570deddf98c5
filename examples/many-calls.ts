/** Starting many calls in a loop: they are on record at once, and ring at the pace that the carrier bears. */
import { Calls, type PhoneNumber } from "@ringback/core"
import { Effect } from "effect"
import { TableReady } from "./table-ready/flow.ts"

/** An engine that leaves half of what the account may send to others, and 200 lines at a time to these calls. */
export const CallsLive = Calls.layer({
  flows: [TableReady],
  settings: { dial: { perSecond: 20, linesAtMost: 200, waitAtMost: "2 hours" } }
})

/** Starts a call to each guest. Done when all of them are on record, long before the last one rings. */
export const callAll = (
  guests: Iterable<PhoneNumber.PhoneNumber>,
  options: { readonly from: PhoneNumber.PhoneNumber; readonly evening: string }
) =>
  Effect.forEach(
    guests,
    (to) => Calls.start(TableReady, { to, from: options.from }, { key: `${options.evening} ${to}` }),
    { concurrency: 32, discard: true }
  )
