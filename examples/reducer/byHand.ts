/** A call by hand: the pure part of Ringback, without an engine. */
import { Call, type CallEvent, type CallInput, Decider, type LiveCall, Settings } from "@ringback/core"

/** The states of a call, one after each event. */
export const states = (id: CallEvent.CallId, events: ReadonlyArray<CallEvent.CallEvent>): ReadonlyArray<Call.Call> =>
  events.map((_, n) => Call.fold(id, events.slice(0, n + 1)))

/** An input, and the time at which it comes, in milliseconds since 1970. */
export interface Happening {
  readonly at: number
  readonly input: CallInput.CallInput
}

/** What a decision needs beside the call and the input. An engine fills in the rest: its process, its namespace, its chance. */
const circumstances = (now: number): CallInput.Circumstances => ({
  now,
  process: "by hand",
  namespace: "example",
  chance: "00000000",
  settings: Settings.make()
})

interface Played {
  readonly live: LiveCall.LiveCall
  readonly log: ReadonlyArray<CallEvent.CallEvent>
}

/** What happens to a call, one thing after another: the call as it is then, and its whole log. */
export const play = (before: LiveCall.LiveCall, happenings: ReadonlyArray<Happening>): Played =>
  happenings.reduce<Played>(({ live, log }, { at, input }) => {
    const decided = Decider.decide(live, input, circumstances(at))
    return { live: decided.live, log: [...log, ...decided.events] }
  }, { live: before, log: [] })

/** A projection of one's own: what an office wants to know of a call, and no more. */
export interface Ticket {
  readonly rings: number
  readonly heard: ReadonlyArray<string>
  readonly state: "open" | "answered" | "closed"
}

export const newTicket: Ticket = { rings: 0, heard: [], state: "open" }

/** One event of the log, and the next state. What it does not want to know changes nothing. */
export const ticketed = (self: Ticket, event: CallEvent.CallEvent): Ticket => {
  switch (event._tag) {
    case "DialAttempted":
      return { ...self, rings: self.rings + 1 }
    case "CallAnswered":
      return { ...self, state: "answered" }
    case "PromptCompleted":
      return event.digits === "" ? self : { ...self, heard: [...self.heard, event.digits] }
    case "FlowEnded":
      return { ...self, state: "closed" }
    default:
      return self
  }
}
