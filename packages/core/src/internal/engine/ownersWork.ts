/**
 * Whether two processes act as the owner of one call. Webhooks come to any process, and two of them may meet: that shows nothing. What
 * time brings, what became of an activity or a dial, and a restart are for one process each: who looks after the call, or who began it.
 */
import type { CallEvent } from "../../CallEvent.ts"

/** What only one process does with a call. */
export type Work = "timer" | "attempt" | "dial" | "activity" | "restart"

/** What an event shows of the turn that it stands in: `anybody` could have brought that, or it shows nothing. */
const shows = (event: CallEvent): Work | "anybody" | undefined => {
  switch (event._tag) {
    case "DialPlanned":
    case "ActionDecided":
    case "LineLeft":
    case "SleepStarted":
    case "ActivityStarted":
    case "SignalAwaited":
    case "DeadlineSet":
    case "DeadlineLifted":
    case "Drawn":
    case "Noted":
    case "FlowEnded":
    case "FlowAwaited":
    case "FlowResumed":
      return undefined
    case "SettleElapsed":
    case "LineSilent":
    case "HoldExpired":
    case "LinePresumedClosed":
    case "SleepElapsed":
    case "SignalExpired":
    case "DeadlinePassed":
    case "ActivityOverdue":
    case "DialGivenUp":
    case "DialHeld":
      return "timer"
    case "DialAttempted":
      return "attempt"
    case "DialAccepted":
    case "DialRefused":
    case "DialNotSent":
    case "DialUnknown":
      return "dial"
    case "ActivityCompleted":
    case "ActivityDied":
      return "activity"
    case "Restarted":
      return event.jumpedMillis === undefined ? "restart" : "anybody" // Each process sees for itself that the clock jumped.
    case "CallStarted":
    case "CallArrived":
    case "CallAnswered":
    case "LateAnswer":
    case "DialFailed":
    case "SecondLine":
    case "PromptCompleted":
    case "HoldAnswered":
    case "HoldCompleted":
    case "LegAnswered":
    case "LegFailed":
    case "LegEnded":
    case "CallEnded":
    case "Stray":
    case "ReplyBroken":
    case "SignalReceived":
    case "Cancelled":
      return "anybody"
  }
}

/** What work a turn is; `undefined` if anybody could have brought it, alone or with what time had brought by then. */
export const workOf = (events: ReadonlyArray<CallEvent>): Work | undefined => {
  const shown = events.map(shows)
  if (shown.includes("anybody")) return undefined
  if (shown.includes("restart")) return "restart"
  return shown.find((each): each is Work => each !== undefined)
}

/** A turn that a process appended, or would have. */
export interface Acted {
  readonly at: number
  readonly events: ReadonlyArray<CallEvent>
}

/**
 * Whether each of two processes may keep the time of a call, by who appended to it before. Both had gone on with it: what anybody brings
 * came now to one of them and now to the other, one gave it away, or both took it up at once, and each keeps its time as it was when it
 * had it. Or a third one went on last and is gone: who finds its call keeps the time, beside one that had it before. That they meet when
 * it is over shows nothing.
 */
export const isShared = (before: ReadonlyArray<string>, one: string, other: string): boolean => {
  const last = before.at(-1)
  return (before.includes(one) && before.includes(other)) || (last !== undefined && last !== one && last !== other)
}

/**
 * Whether who appended and who came second both acted as the owner, within a lease of so many milliseconds. Works of two kinds may
 * meet by chance: who dialled is told by the carrier while another keeps the time. A restart that comes second shows nothing: a process
 * that was killed may have had its last turn in the database's hands. If it lives, its next turn comes second to the restart. A dial that
 * waits for its place may get one at two processes, for who may dial changes as processes come and go.
 */
export const isDuplicate = (first: Acted, second: Acted, lease: number): boolean => {
  const [one, other] = [workOf(first.events), workOf(second.events)]
  if (one === undefined || other === undefined || Math.abs(second.at - first.at) >= lease) return false
  return one === "restart" ? other !== "restart" : one === other && one !== "attempt"
}
