/** A call that was lived, as another version of its flow would have it. */
import { type CallEvent, Explain, Replay } from "@ringback/core"
import type { Action, LiveCall, Request, Step } from "@ringback/core"
import * as PhoneLine from "../PhoneLine.ts"
import * as captions from "./captions.ts"

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

const ended = (exit: Step.Exit<unknown, unknown>): string => {
  const { defect } = exit._tag === "Stopped" && exit.why._tag === "Defect" ? exit.why : {}
  return defect instanceof Error
    ? `it ends: it threw ${defect.name}: ${defect.message}`
    : `it ends: ${captions.ofExit(exit)}`
}

/** What differs where both are told by the same words. */
const field = (recorded: string): string => {
  const [, name] = / with another (\w+)$/.exec(recorded) ?? []
  return name === undefined ? "" : `, with another "${name}"`
}

/** Why a log says nothing of a flow, if it does not: it is that of another flow, or that of no call. */
export const foreign = (
  { name }: LiveCall.AnyDefinition,
  [first]: ReadonlyArray<CallEvent.CallEvent>
): Error | undefined => {
  if (first === undefined) {
    return new Error("There are no events: give the call that was started, or a log of Calls.events that is not empty")
  }
  if (first._tag !== "CallStarted" && first._tag !== "CallArrived") {
    return new Error(`The log of a call begins with its start, and this one with ${first._tag}: give all of its events`)
  }
  return first.flow === name
    ? undefined
    : new Error(`The call is one of the flow ${first.flow}, and not of ${name}: give the flow that it was started with`)
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
  const now = step._tag === "Waiting" ? said(step.request) : ended(step.exit)
  const recorded = request === undefined ? divergence.recorded : said(request)
  return { at: at + 1, recorded, now: now === recorded ? `${now}${field(divergence.recorded)}` : now }
}
