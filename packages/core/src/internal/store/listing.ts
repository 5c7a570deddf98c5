/**
 * What calls are listed by, as it follows from their turns: one function of a turn and the status after it for all stores. A
 * turn that changes nothing of it, as most do, has no facts.
 */
import type { CallEvent } from "../../CallEvent.ts"
import type { Cursor, Entry, Filter, Outcome } from "../../CallIndex.ts"
import { pageSize } from "../../CallIndex.ts"
import { digits } from "../../PhoneNumber.ts"
import type { Summary, Turn } from "../turn.ts"

/** What a turn adds to what its call is listed by. */
export interface Facts {
  /** Only of the first turn. */
  readonly direction?: Entry["direction"]
  readonly outcome?: Outcome
  /** Hashes of the numbers. */
  readonly numbers?: ReadonlyArray<string>
}

/** How calls end, by their numbers in `State`, from 1. */
export const outcomes: ReadonlyArray<Outcome> = ["Success", "Failure", "Stopped"]

/** The parts of the state of a call, a number for databases: whether it came in, whether it is over, and its outcome. */
export const State = { inbound: 8, over: 4, outcome: 3 } as const

/** What the facts of a turn add to the state of its call. */
export const toState = ({ direction, outcome }: Facts): number =>
  (direction === "inbound" ? State.inbound : 0) | (outcome === undefined ? 0 : outcomes.indexOf(outcome) + 1)

/** What a state says. */
export const fromState = (state: number): Pick<Entry, "direction" | "status" | "outcome"> => ({
  direction: (state & State.inbound) === 0 ? "outbound" : "inbound",
  status: (state & State.over) === 0 ? "running" : "over",
  outcome: outcomes[(state & State.outcome) - 1]
})

/** All states, and those that a filter allows. */
export const statesOf = ({ direction, dueBefore, outcome, status }: Filter): ReadonlyArray<number> =>
  Array.from({ length: 16 }, (_, state) => state).filter((state) => {
    const known = fromState(state)
    return (direction === undefined || direction === known.direction) &&
      (status === undefined || status === known.status) && (outcome === undefined || outcome === known.outcome) &&
      (dueBefore === undefined || known.status === "running")
  })

/** Makes of a number what it is found by. */
export type Hash = (number: string) => string

/** The numbers of those whom an event names: who is dialled, who calls, whom a caller is connected with. */
const numberIn = (event: CallEvent): string | undefined => {
  switch (event._tag) {
    case "DialPlanned":
      return event.to
    case "CallArrived":
      return event.from
    case "ActionDecided":
      return event.action._tag === "Dial" ? event.action.to : undefined
    default:
      return undefined
  }
}

/** What stands in the stored events of a turn that has facts, but for those that begin a call and those after which it is over. */
export const marks: ReadonlyArray<string> = ["FlowEnded", "DialPlanned", "CallArrived", "Dial"].map(
  (tag) => `"_tag":"${tag}"`
)

/** The facts of a turn. Numbers are left out where there is no hash for them. One after which a call is over has some. */
export const factsOf = (
  { events, version }: Turn,
  status: Summary["status"],
  hash: Hash | undefined
): Facts | undefined => {
  let outcome: Outcome | undefined
  let numbers: Array<string> | undefined
  for (const event of events) {
    if (event._tag === "FlowEnded") outcome = event.exit._tag
    const number = hash === undefined ? undefined : numberIn(event)
    if (number !== undefined) (numbers ??= []).push(hash!(digits(number)))
  }
  if (version !== 1 && status === "running" && outcome === undefined && numbers === undefined) return undefined
  return {
    ...(version === 1 ? { direction: events[0]?._tag === "CallArrived" ? "inbound" : "outbound" } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    ...(numbers === undefined ? {} : { numbers: [...new Set(numbers)] })
  }
}

/** Where in the order of a list a call stands. */
export interface Place {
  readonly time: number
  readonly callId: string
}

/** The order of a list, turned round. */
export const compare = (self: Place, that: Place): number =>
  self.time - that.time || (self.callId < that.callId ? -1 : self.callId > that.callId ? 1 : 0)

/** Whether a list is in the order of the ends: of calls that ended within a span. */
export const isByEnd = ({ endedBefore, endedFrom }: Filter): boolean =>
  endedFrom !== undefined || endedBefore !== undefined

/** The place that a cursor names. */
export const placeOf = (cursor: Cursor): Place => {
  const [time = "", callId = ""] = cursor.split("-")
  return { time: Number(time), callId }
}

/** The cursor of a place. */
export const cursorOf = ({ callId, time }: Place): Cursor => `${time}-${callId}` as Cursor

/** How many calls a page has at most. */
export const limitOf = (limit: number = pageSize.usual): number =>
  Math.min(Math.max(1, Math.floor(limit)), pageSize.most)
