/** A call that was lived, as another version of its flow would have it. */
import { type CallEvent, Explain, Replay } from "@ringback/core"
import type { Action, LiveCall, Request } from "@ringback/core"
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
