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
