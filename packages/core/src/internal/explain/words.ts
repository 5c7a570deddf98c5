/** Calls in words for people: what is waited for, events, actions, ends. Nothing secret is in them. See `Explain`. */
import type { Action } from "../../Action.ts"
import type * as Call from "../../Call.ts"
import type { By, CallEvent, Exit, Obstacle, StopReason } from "../../CallEvent.ts"
import { mask } from "../../PhoneNumber.ts"
import * as Masked from "../masked.ts"

/** What a running flow waits for. */
export const wait = (wait: Call.Wait): string => {
  switch (wait._tag) {
    case "Dial":
      return `an answer to its dial on line ${wait.line}`
    case "Prompt":
      return `the end of what it says on line ${wait.line}`
    case "Bridge":
      return `the end of the talk on line ${wait.line}`
    case "Sleep":
      return "the end of a sleep"
    case "Activity":
      return `the activity ${Masked.line(wait.name)}`
    case "Signal":
      return `the signal ${Masked.line(wait.name)}`
  }
}

/** Something that stands in the way of dials, without a number. */
export const obstacle = (obstacle: Obstacle): string => {
  switch (obstacle) {
    case "credentials":
      return "the carrier does not accept the credentials"
    case "unreachable":
      return "the carrier is not reached"
    case "caller id":
      return "the carrier does not take a number of ours as the caller"
  }
}

/** One event in a line. */
export const event = (event: CallEvent): string => {
  const where = "line" in event ? ` on line ${event.line}` : ""
  return `${event._tag}${where}${detail(event)}`
}

const detail = (event: CallEvent): string => {
  switch (event._tag) {
    case "CallStarted":
      return `: ${Masked.line(event.flow)}, version ${event.version}, ${
        event.key === undefined ? "without a key" : "under a key"
      }`
    case "CallArrived":
      return `: ${Masked.line(event.flow)}, version ${event.version}`
    case "DialPlanned":
      return `: to ${mask(event.to)}, at most ${event.maxCallDurationSeconds} s`
    case "ActionDecided":
    case "HoldAnswered":
      return `: ${action(event.action)}`
    case "ActivityStarted":
    case "SignalAwaited":
    case "Noted":
      return `: ${Masked.line(event.name)}`
    case "SignalReceived":
      return `: ${Masked.line(event.name)}${steered(event.by)}`
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
    case "LateAnswer":
    case "SecondLine":
      return ": hung up on"
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

/** Who steered a call and why, behind what they did; nothing where that is not on record. */
export const steered = (by: By | undefined): string => {
  if (by === undefined) return ""
  return ` by ${Masked.line(by.who)}${by.why === undefined ? "" : ` (${Masked.line(by.why)})`}`
}

/** What ends an action. */
export const completion = (action: Action | undefined): string => {
  switch (action?._tag) {
    case "Speak":
      return "speak completed"
    case "Play":
      return "play completed"
    case "Dial":
      return "dial completed"
    case "Hangup":
      return "call completed"
    case "Raw":
      return action.completedBy === undefined ? "completed" : Masked.word(action.completedBy).replaceAll("_", " ")
    case "SendDtmf":
    case undefined:
      return "completed"
  }
}

/** One action in a word or two. */
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

/** How a flow ended: the kind of an error and its reason, but never a value. */
export const exitWords = (exit: Exit): string => {
  switch (exit._tag) {
    case "Success":
      return "ended with its output"
    case "Failure":
      return `failed: ${errorWords(exit.error)}`
    case "Stopped":
      return `stopped: ${stopWords(exit.reason)}`
  }
}

const errorWords = (error: unknown): string => {
  if (typeof error !== "object" || error === null || !("_tag" in error) || typeof error._tag !== "string") {
    return "an error of its own"
  }
  const reason = "reason" in error && typeof error.reason === "string" ? ` (${Masked.word(error.reason)})` : ""
  return `${Masked.word(error._tag)}${reason}`
}

const stopWords = (reason: StopReason): string => {
  switch (reason._tag) {
    case "Cancelled":
      return "the application has cancelled it"
    case "Defect":
      return `a defect of the flow, ${Masked.line(reason.message)}`
    case "Overdue":
      return `the activity ${Masked.line(reason.activity)} took too long`
    case "FlowDiverged":
      return `its flow disagrees with its log at event ${reason.at + 1}`
    case "FlowMissing":
      return `no process had registered ${Masked.line(reason.flow)}, version ${reason.version}, for too long`
  }
}
