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

/** A turn that is stored, and who appended it. */
export interface Before extends Acted {
  readonly process: string
}

/** Who take a call up at once do so within this time, in milliseconds. Looks are further apart. */
const atOnce = 1_000

const areSeveral = (turns: ReadonlyArray<Before>): boolean => new Set(turns.map(({ process }) => process)).size > 1

/**
 * Whether several processes had gone on with a call within a lease before a moment: what anybody brings came now to one of them and now
 * to another, or one gave it away, and each keeps the time of the call as it was when it had it. That two meet when it is over shows
 * nothing. Neither does it if they had taken the call up at once, as two that begin together do, however long nothing has happened since.
 */
export const isShared = (before: ReadonlyArray<Before>, at: number, lease: number): boolean => {
  const last = before.at(-1)?.at ?? 0
  const restarts = before.slice(before.findLastIndex(({ events }) => workOf(events) !== "restart") + 1)
  return areSeveral(before.filter(({ at: then }) => at - then < lease)) ||
    areSeveral(restarts.filter(({ at: then }) => last - then < atOnce))
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
