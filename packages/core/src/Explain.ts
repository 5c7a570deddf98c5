/**
 * Calls in words for people: numbers, digits, spoken words and ids are masked or left out.
 *
 * @since 0.1.0
 */
import type { Action } from "./Action.ts"
import * as Call from "./Call.ts"
import { type By, type CallEvent, isDecision } from "./CallEvent.ts"
import type { Circumstances } from "./CallInput.ts"
import { dialFrom } from "./Decider.ts"
import { clearedWords } from "./internal/call/dial.ts"
import * as time from "./internal/call/time.ts"
import * as Masked from "./internal/masked.ts"
import { mask } from "./PhoneNumber.ts"
import type * as Settings from "./Settings.ts"

/**
 * What a call waits for, in words without secrets: what, until when at the latest (milliseconds since 1970), and what else
 * happens by itself.
 *
 * @since 0.1.0
 */
export interface WaitingFor {
  readonly what: string
  readonly until: number | undefined
  readonly otherwise: string
}

/**
 * What a call waits for next. Total: a call that is not over always has something that will happen by itself. `known` is what
 * is known around the call: without it a dial counts as held that was, and as hindered by what stood in the way of its attempt.
 *
 * @since 0.1.0
 */
export const waitingFor = (
  self: Call.Call,
  settings: Settings.Settings,
  known: Pick<Circumstances, "restored" | "obstacles"> = {}
): WaitingFor => waiting(self, nextDeadline(self, settings, known))

/**
 * What a call waits for next in a process that has not registered its flow: what time brings to its lines, and that its flow
 * is given up as missing.
 *
 * @since 0.1.0
 */
export const waitingWithoutFlow = (self: Call.Call, settings: Settings.Settings): WaitingFor =>
  waiting(self, time.nextWithoutFlow(self, settings))

const waiting = (self: Call.Call, next: time.Deadline | undefined): WaitingFor => {
  if (Call.isOver(self)) return { what: "nothing: it is over", until: undefined, otherwise: "nothing" }
  return next === undefined
    ? { what: "nothing", until: undefined, otherwise: "nothing" }
    : { what: next.what, until: next.at, otherwise: consequence(next) }
}

/** The next attempt of a dial, where its time has not come. It may have to wait for its place then. */
const attemptDeadline = (
  call: Call.Call,
  { obstacles, restored }: Pick<Circumstances, "restored" | "obstacles">
): time.Deadline | undefined => {
  const at = dialFrom(call, restored)
  if (at === undefined || at <= call.at) return undefined
  return { at, what: clearedWords(call, obstacles) ?? "the next attempt to dial" }
}

/** What time will bring to a call next. */
const nextDeadline = (
  call: Call.Call,
  settings: Settings.Settings,
  known: Pick<Circumstances, "restored" | "obstacles">
): time.Deadline | undefined => {
  const attempt = attemptDeadline(call, known)
  const next = time.nextWake(call, settings, known.restored, known.obstacles)
  return attempt !== undefined && (next === undefined || attempt.at < next.at) ? attempt : next
}

/** What happens by itself when a deadline passes, in words. */
const consequence = ({ fact, otherwise }: time.Deadline): string => {
  switch (fact?._tag) {
    case undefined:
      return otherwise ?? "the dial is sent again"
    case "DialNotSent":
      return "the flow is told that it was not sent"
    case "DialGivenUp":
      return fact.reason === "unknown"
        ? "the flow is told that nobody knows whether it rang"
        : "the flow is told that nobody answered, and a later answer is hung up on"
    case "LineSilent":
      return "the line counts as lost, and the flow as hung up on"
    case "LinePresumedClosed":
      return "the line is presumed closed"
    case "SettleElapsed":
      return "the line is closed, and the flow counts as hung up on"
    case "SleepElapsed":
      return "the flow goes on"
    case "SignalExpired":
    case "DeadlinePassed":
      return "the flow is told that its time is over"
    case "ActivityOverdue":
      return "the flow is stopped as overdue"
    default:
      return "the call goes on"
  }
}

/**
 * One action of a call and what led to it.
 *
 * @since 0.1.0
 */
export interface Explanation {
  /** What was decided, in words without secrets. */
  readonly decision: string
  /** The fact that the flow went on from. */
  readonly because: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** Which decision of the flow it was, from 1; none for a hang-up or an end. */
  readonly n: number | undefined
}

/**
 * Tells for everything that a flow decided which fact it went on from, and at which place of the flow.
 *
 * @since 0.1.0
 */
export const decisions = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Explanation> => {
  let because = "nothing"
  return events.flatMap((each): ReadonlyArray<Explanation> => {
    if (!isDecision(each)) {
      because = event(each)
      return []
    }
    return [{ decision: event(each), because, at: each.at, n: "n" in each ? each.n : undefined }]
  })
}

/**
 * One event in a line for people: numbers, digits, words and ids are masked or left out.
 *
 * @since 0.1.0
 */
export const event = (event: CallEvent): string => {
  const where = "line" in event ? ` on line ${event.line}` : ""
  return `${event._tag}${where}${detail(event)}`
}

const detail = (event: CallEvent): string => {
  switch (event._tag) {
    case "CallStarted":
    case "CallArrived":
      return `: ${event.flow}, version ${event.version}`
    case "DialPlanned":
      return `: to ${mask(event.to)}, at most ${event.maxCallDurationSeconds} s`
    case "ActionDecided":
    case "HoldAnswered":
      return `: ${action(event.action)}`
    case "ActivityStarted":
    case "SignalAwaited":
    case "Noted":
      return `: ${event.name}`
    case "SignalReceived":
      return `: ${event.name}${steered(event.by)}`
    case "Cancelled":
      return steered(event.by)
    case "FlowEnded":
      return `: ${event.exit._tag === "Stopped" ? `stopped, ${event.exit.reason._tag}` : event.exit._tag.toLowerCase()}`
    case "DialRefused":
      return `: ${Masked.word(event.status)}`
    case "DialNotSent":
    case "DialUnknown":
    case "DialGivenUp":
      return `: ${Masked.line(event.reason)}`
    case "DialFailed":
      return `: ${event.reason} (${Masked.word(event.status)})`
    case "PromptCompleted":
      return event.digits === "" ? "" : `: ${event.digits.length} ${event.digits.length === 1 ? "key" : "keys"}`
    case "Stray":
      return `: ${Masked.word(event.event)}${event.hungUp ? ", hung up on" : ""}`
    case "CallEnded":
      return event.durationSeconds === undefined ? "" : `: after ${event.durationSeconds} s`
    case "LineLeft":
    case "SleepStarted":
    case "DialHeld":
    case "DialAttempted":
    case "DialAccepted":
    case "CallAnswered":
    case "LateAnswer":
    case "SecondLine":
    case "HoldCompleted":
    case "ReplyBroken":
    case "SettleElapsed":
    case "LineSilent":
    case "HoldExpired":
    case "LinePresumedClosed":
    case "SleepElapsed":
    case "SignalExpired":
    case "ActivityOverdue":
    case "ActivityCompleted":
    case "ActivityDied":
    case "DeadlineSet":
    case "DeadlineLifted":
    case "DeadlinePassed":
    case "Drawn":
    case "LegAnswered":
    case "LegFailed":
    case "LegEnded":
    case "Restarted":
    case "FlowAwaited":
    case "FlowResumed":
      return ""
  }
}

const steered = (by: By | undefined): string => {
  if (by === undefined) return ""
  return ` by ${Masked.line(by.who)}${by.why === undefined ? "" : ` (${Masked.line(by.why)})`}`
}

/**
 * One action in a word or two for people: the party, what is said and the digits are left out.
 *
 * @since 0.1.0
 */
export const action = (action: Action): string => {
  switch (action._tag) {
    case "Dial":
      return "dial"
    case "Speak":
      return action.collect === undefined ? "speak" : `speak, collect ${action.collect.max}`
    case "Play":
      return action.collect === undefined ? "play" : `play, collect ${action.collect.max}`
    case "SendDtmf":
      return "send_dtmf"
    case "Raw":
      return /^[a-z_]{1,64}$/.test(action.method) ? action.method : "an action of its own"
    case "Hangup":
      return "hangup"
  }
}
