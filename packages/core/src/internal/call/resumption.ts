/**
 * What a fact means to a flow that waits: what it is resumed with, or why it is stopped.
 */
import { type Call, lineOf } from "../../Call.ts"
import type { CallEvent, Obstacle } from "../../CallEvent.ts"
import type * as Request from "../../Request.ts"
import * as Step from "../../Step.ts"
import * as Defect from "../defect.ts"
import * as Masked from "../masked.ts"

/** How a flow goes on. */
export type Resumption =
  | { readonly _tag: "Resume"; readonly response: Request.Response }
  | { readonly _tag: "Stop"; readonly why: Step.Stop }

const resume = (response: Request.Response): Resumption => ({ _tag: "Resume", response })
const hungUp: Resumption = resume({ _tag: "HungUp" })
const notAnswered = (reason: typeof Request.NotAnsweredReason.Type, status?: string): Resumption =>
  resume({ _tag: "NotAnswered", reason, ...(status === undefined ? {} : { status: Masked.line(status) }) })

/** Why a dial was never sent, for its flow. None of it says anything about the person who was to be rung. */
const reasonOf = (obstacle: Obstacle | undefined): typeof Request.NotAnsweredReason.Type =>
  obstacle === undefined || obstacle === "unreachable" ? "not sent" : "not authorized"

/** What a fact means to a flow that waited for a dial. */
const dialResumption = (event: CallEvent): Resumption | undefined => {
  switch (event._tag) {
    case "CallAnswered":
      return resume({ _tag: "Answered" })
    case "DialRefused":
      return notAnswered(event.notAuthorized === true ? "not authorized" : "refused", event.status)
    case "DialNotSent":
      if (event.retryAt !== undefined) return undefined
      return notAnswered(event.final === true ? reasonOf(event.obstacle) : "failed", event.reason)
    case "DialFailed":
      return notAnswered(event.reason, event.status)
    case "DialGivenUp":
      return notAnswered(event.reason)
    case "SettleElapsed":
      return notAnswered("failed")
    case "LinePresumedClosed":
      return notAnswered("unknown")
    default:
      return undefined
  }
}

const bridgeResumption = (event: CallEvent): Resumption | undefined => {
  switch (event._tag) {
    case "LegFailed":
      return resume({
        _tag: "NotConnected",
        ...(event.status === undefined ? {} : { status: Masked.line(event.status) })
      })
    case "LegEnded":
      return resume({ _tag: "Left", who: event.leg })
    default:
      return undefined
  }
}

const isGone = (call: Call, id: number): boolean => {
  const line = lineOf(call, id)
  return line === undefined || line.left || line.phase === "Closed"
}

/** What an event tells beside the known fields: of a raw action, whose event only the flow's author knows. */
const told = (call: Call, { extra, line }: Extract<CallEvent, { readonly _tag: "PromptCompleted" }>) =>
  lineOf(call, line)?.inFlight?.action._tag === "Raw"
    ? { data: (extra?.["data"] ?? {}) as Readonly<Record<string, unknown>> }
    : {}

/** What a fact means to the flow: `before` is the call without it, `after` with it. */
export const resumption = (before: Call, event: CallEvent, after: Call): Resumption | undefined => {
  if (event._tag === "Cancelled") return { _tag: "Stop", why: { _tag: "Cancelled" } }
  const wait = before.wait
  switch (wait?._tag) {
    case undefined:
      return undefined
    case "Dial":
      return "line" in event && event.line === wait.line ? dialResumption(event) : undefined
    case "Prompt": {
      if (event._tag === "PromptCompleted" && event.n === wait.n) {
        return resume({ _tag: "Heard", digits: event.digits, ...told(before, event) })
      }
      return isGone(after, wait.line) ? hungUp : undefined
    }
    case "Bridge":
      return ("line" in event && event.line === wait.line ? bridgeResumption(event) : undefined) ??
        (isGone(after, wait.line) ? hungUp : undefined)
    case "Sleep":
      return event._tag === "SleepElapsed" ? resume(null) : undefined
    case "Signal":
      if (event._tag === "SignalReceived" && event.name === wait.name) {
        return resume({ _tag: "Received", value: event.value })
      }
      return event._tag === "SignalExpired" ? resume({ _tag: "Expired" }) : undefined
    case "Activity":
      if (event._tag === "ActivityCompleted") return resume({ ok: event.ok, value: event.value })
      if (event._tag === "ActivityDied") {
        return { _tag: "Stop", why: { _tag: "Defect", defect: new Defect.ActivityDeath(event.message) } }
      }
      return event._tag === "ActivityOverdue"
        ? { _tag: "Stop", why: { _tag: "Overdue", activity: event.name } }
        : undefined
  }
}

/** The deadline over a part of the flow has passed; one of a part that was left before changes nothing. */
export const expiry = (step: Step.Waiting<unknown, unknown>, n: number): Resumption | undefined => {
  const found = Step.scopes(step).find(({ scope }) => scope._tag === "Deadline" && scope.n === n)
  return found === undefined ? undefined : { _tag: "Stop", why: { _tag: "Expired", scope: found.depth } }
}

/** Whether a fact ends a wait of no length: a loop of such waits is one without end, as if it waited for nothing. */
export const isAtOnce = (before: Call, event: CallEvent): boolean => {
  switch (event._tag) {
    case "SleepElapsed":
    case "SignalExpired":
    case "DeadlinePassed":
    case "ActivityOverdue":
    case "DialGivenUp":
      return event.at === before.at
    default:
      return false
  }
}

/** Whether a signal does not fit where its flow waits for it. It is refused before, but for a process that knows no flow. */
export const isUnfit = (request: Request.Request, event: CallEvent): boolean =>
  request._tag === "Signal" && event._tag === "SignalReceived" && !request.fits(event.value)

/** The line bears no more holds: what waits under the innermost one is over. */
export const heldTooLong = (step: Step.Waiting<unknown, unknown>): Resumption | undefined => {
  const found = Step.scopes(step).find(({ scope }) => scope._tag === "HoldLimit")
  return found === undefined ? undefined : { _tag: "Stop", why: { _tag: "Expired", scope: found.depth } }
}
