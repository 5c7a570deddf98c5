/** A call that was lived, as the laws see it, and as another version of its flow would have it. */
import { type CallEvent, Explain, Replay, Step } from "@ringback/core"
import type { Action, LiveCall, Request } from "@ringback/core"
import type { Law, LineState, Moment, What } from "../Law.ts"
import { isBroken } from "../Law.ts"
import * as PhoneLine from "../PhoneLine.ts"

const ask = (action: Action.Action): Partial<Request.Request> & { readonly _tag: string } =>
  action._tag === "Dial" ? { _tag: "Bridge", action } : { _tag: "Prompt", action: action as never }

/** What a decision asks for, as far as the log tells. */
const asked = (event: CallEvent.CallEvent): (Partial<Request.Request> & { readonly _tag: string }) | undefined => {
  switch (event._tag) {
    case "DialPlanned":
      return { ...event, _tag: "Dial" }
    case "ActionDecided":
      return ask(event.action)
    case "LineLeft":
      return { _tag: "Leave" }
    case "SleepStarted":
      return { _tag: "Sleep", millis: event.until - event.at }
    case "ActivityStarted":
      return { _tag: "Activity", name: event.name }
    case "SignalAwaited":
      return { _tag: "Signal", name: event.name }
    case "Noted":
      return { _tag: "Note", name: event.name, data: event.data }
    default:
      return undefined
  }
}

const responded = (response: Request.Response): What => ({ _tag: "Responded", response })

/** What a fact is about what was asked. */
const happened = (event: CallEvent.CallEvent, waits: string | undefined): What | undefined => {
  switch (event._tag) {
    case "CallAnswered":
      return responded({ _tag: "Answered" })
    case "DialFailed":
    case "DialGivenUp":
      return responded({ _tag: "NotAnswered", reason: event.reason })
    case "DialRefused":
      return responded({ _tag: "NotAnswered", reason: "refused" })
    case "CallArrived":
      return responded({ from: event.from, to: event.to })
    case "PromptCompleted":
      return responded({ _tag: "Heard", digits: event.digits })
    case "LegFailed":
      return responded({ _tag: "NotConnected" })
    case "LegEnded":
      return responded({ _tag: "Left", who: event.leg })
    case "CallEnded":
      return waits === "Prompt" || waits === "Bridge" ? responded({ _tag: "HungUp" }) : undefined
    case "SleepElapsed":
      return responded(null)
    case "ActivityCompleted":
      return responded({ ok: event.ok, value: event.value })
    case "ActivityDied":
      return { _tag: "Died" }
    case "ActivityOverdue":
      return { _tag: "Overdue" }
    case "SignalReceived":
      return waits === "Signal" ? responded({ _tag: "Received", value: event.value }) : undefined
    case "SignalExpired":
      return responded({ _tag: "Expired" })
    case "DeadlinePassed":
      return { _tag: "Expired" }
    case "Cancelled":
      return { _tag: "Cancelled" }
    default:
      return undefined
  }
}

const lineAfter = (line: LineState, event: CallEvent.CallEvent): LineState => {
  switch (event._tag) {
    case "CallAnswered":
    case "CallArrived":
      return "open"
    case "CallEnded":
    case "LinePresumedClosed":
      return line === "open" ? "gone" : line
    default:
      return line
  }
}

/** What a flow waits for at the end of a turn, with the scopes around it. */
const stepAfter = (definition: LiveCall.AnyDefinition, events: ReadonlyArray<CallEvent.CallEvent>) =>
  Replay.rebuild("" as CallEvent.CallId, definition, events).live.step

/** The moments of a call, in their order. */
export const moments = (
  definition: LiveCall.AnyDefinition,
  events: ReadonlyArray<CallEvent.CallEvent>
): ReadonlyArray<Moment> => {
  const found: Array<Moment> = []
  let line: LineState = "none"
  let waits: Request.Request | undefined
  events.forEach((event, i) => {
    const what = happened(event, waits?._tag)
    line = lineAfter(line, event)
    if (what !== undefined) {
      found.push({ _tag: "Happened", request: waits ?? { _tag: "Answer" }, what, line })
      waits = undefined
    }
    if (event._tag === "FlowEnded") {
      const { exit } = event
      const ended = exit._tag === "Stopped" ? { _tag: "Stopped", why: stopped(exit.reason) } : exit
      found.push({ _tag: "Ended", exit: ended as Step.Exit<unknown, unknown>, line })
    }
    const request = asked(event)
    if (request === undefined) return
    const next = events[i + 1]
    const isLast = next === undefined || (asked(next) === undefined && next._tag !== "FlowEnded")
    const step = isLast ? stepAfter(definition, events.slice(0, i + 1)) : undefined
    const isWaiting = step?._tag === "Waiting" && step.request._tag === request._tag
    const scopes = isWaiting ? Step.scopes(step).map(({ scope }) => scope._tag) : []
    const whole = isWaiting ? step.request : request as Request.Request
    found.push({
      _tag: "Asked",
      request: whole,
      line,
      held: scopes.includes("Hold"),
      bounded: scopes.includes("Deadline")
    })
    waits = whole
    if (event._tag === "LineLeft") line = "none"
  })
  return found
}

const stopped = (reason: { readonly _tag: string; readonly message?: string }) =>
  reason._tag === "Defect" ? { _tag: "Defect", defect: new Error(reason.message) } : reason

/** The first law that a call breaks, and why. */
export const breach = (
  laws: ReadonlyArray<Law>,
  moments: ReadonlyArray<Moment>
): { readonly law: string; readonly why: string } | undefined => {
  for (const law of laws) {
    if (law._tag === "Ends") continue // It has ended, or waits on.
    if (law._tag !== "Machine") {
      throw new Error(`The law “${law.name}” speaks of all paths, and a call is one: check it by FlowExplorer.check`)
    }
    let state: unknown = law.initial
    for (const moment of moments) {
      const verdict = law.next(state as never, moment)
      if (isBroken(verdict)) return { law: law.name, why: verdict.why }
      state = verdict
    }
  }
  return undefined
}

const spoken = (action: Action.Action): string => {
  const words = PhoneLine.words(action)
  return words === "" ? Explain.action(action) : `${Explain.action(action)}: “${words}”`
}

const said = (request: Partial<Request.Request> & { readonly _tag: string }): string => {
  const { _tag, action, millis, name } = request as {
    readonly _tag: string
    readonly action?: Action.Action
    readonly millis?: number
    readonly name?: string
  }
  if (action !== undefined) return spoken(action)
  if (millis !== undefined) return `${_tag.toLowerCase()} ${millis / 1000} s`
  return name === undefined ? _tag.toLowerCase() : `${_tag.toLowerCase()} ${name}`
}

/** Where a flow would go on otherwise than a log, in words. */
export const difference = (
  definition: LiveCall.AnyDefinition,
  events: ReadonlyArray<CallEvent.CallEvent>
): { readonly at: number; readonly recorded: string; readonly now: string } | undefined => {
  const { divergence, live } = Replay.rebuild("" as CallEvent.CallId, definition, events)
  if (divergence === undefined) return undefined
  const { at } = divergence
  const event = events[at]
  const request = event === undefined ? undefined : asked(event)
  const { step } = live
  const now = step._tag === "Waiting" ? said(step.request) : `it ends: ${JSON.stringify(step.exit)}`
  return { at: at + 1, recorded: request === undefined ? divergence.recorded : said(request), now }
}
