/**
 * What calls are listed by, as it follows from their turns: one function of a turn for all stores. A turn that changes
 * nothing of it, as most do, has no facts.
 */
import type { CallEvent } from "../../CallEvent.ts"
import type { Cursor, Entry, Filter, Outcome } from "../../CallIndex.ts"
import { pageSize } from "../../CallIndex.ts"
import { digits } from "../../PhoneNumber.ts"
import type { Turn } from "../turn.ts"

/** What a turn adds to what its call is listed by. */
export interface Facts {
  /** Only of the first turn. */
  readonly direction?: Entry["direction"]
  readonly outcome?: Outcome
  /** Hashes of the numbers. */
  readonly numbers?: ReadonlyArray<string>
}

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

/** The facts of a turn. Numbers are left out where there is no hash for them. */
export const factsOf = ({ events, version }: Turn, hash: Hash | undefined): Facts | undefined => {
  let outcome: Outcome | undefined
  let numbers: Array<string> | undefined
  for (const event of events) {
    if (event._tag === "FlowEnded") outcome = event.exit._tag
    const number = hash === undefined ? undefined : numberIn(event)
    if (number !== undefined) (numbers ??= []).push(hash!(digits(number)))
  }
  if (version !== 1 && outcome === undefined && numbers === undefined) return undefined
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
