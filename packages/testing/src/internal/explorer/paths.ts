/** One path of a flow for people, as a ladder. Words and keys are shown, for they come from a test; numbers are masked. */
import { Explain, Ladder, PhoneNumber, Prompt, Step } from "@ringback/core"
import type { Action, Request } from "@ringback/core"
import type { LineState, What } from "../../Law.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import * as captions from "../captions.ts"
import type { Place, Way } from "./search.ts"

/** One exchange of a path: what was asked on which line, and what happened. */
export interface Exchange {
  readonly request: Request.Request
  readonly line: LineState
  readonly what: What
  readonly hungUp: boolean
  /** What is heard while the flow waits, where it says so. */
  readonly held: string | undefined
  /** What was asked, and what happened, in words. */
  readonly asked: string
  readonly happened: string
}

export const exchanges = (places: ReadonlyArray<Place>, path: ReadonlyArray<Way>): ReadonlyArray<Exchange> =>
  path.flatMap(({ edge, place }) => {
    const { edges, label, step, world } = places[place]!
    if (step._tag === "Done") return []
    const { hungUp, label: happened, what } = edges[edge]!
    return [{ held: heldAt(step), request: step.request, line: world.line, what, hungUp, asked: label, happened }]
  })

/** What is heard while a flow waits at a step, where it says so. */
const heldAt = (step: Step.Waiting<unknown, unknown>): string | undefined => {
  const hold = Step.scopes(step).map(({ scope }) => scope).find((scope) => scope._tag === "Hold")
  return hold && Prompt.words(hold.prompt)
}

// As a ladder

type Rung = Pick<Ladder.Rung, "from" | "to" | "text">

const rung = (from: Ladder.Actor, to: Ladder.Actor, text: string): Rung => ({ from, to, text })
const own = (text: string): Rung => rung("Ringback", "Ringback", text)

const leaves: ReadonlyArray<Rung> = [
  rung("callee", "carrier", "hangs up"),
  rung("carrier", "Ringback", "call completed")
]

/** What each exchange looks like on the ladder: first what is asked, then what happens. */
const rungs = (exchange: Exchange): readonly [ReadonlyArray<Rung>, ReadonlyArray<Rung>] => {
  const { request } = exchange
  const response = exchange.what._tag === "Responded" ? exchange.what.response : undefined
  if (exchange.what._tag !== "Responded") return [asked(exchange), fromOutside(exchange)]
  switch (request._tag) {
    case "Dial": {
      const reached = response as Request.Responses["Dial"]
      return reached._tag === "Answered"
        ? [asked(exchange), [
          rung("callee", "carrier", "answers"),
          rung("carrier", "Ringback", "dial completed (answered)")
        ]]
        : [asked(exchange), [rung("carrier", "Ringback", reached.reason)]]
    }
    case "Answer":
      return [[], [rung("callee", "carrier", "calls"), rung("carrier", "Ringback", "incoming call")]]
    case "Prompt": {
      if (exchange.line !== "open") return [asked(exchange), []]
      const heard = response as Request.Responses["Prompt"]
      if (heard._tag === "HungUp") return [asked(exchange), leaves]
      const keys = heard.digits === "" ? [] : [rung("callee", "carrier", `presses ${heard.digits}`)]
      const event = Explain.completion(request.action)
      return [asked(exchange), [...keys, rung("carrier", "Ringback", event)]]
    }
    case "Bridge": {
      const talked = response as Request.Responses["Bridge"]
      return talked._tag === "HungUp"
        ? [asked(exchange), exchange.line === "open" ? leaves : []]
        : [asked(exchange), [rung("carrier", "Ringback", `leg completed: ${exchange.happened}`)]]
    }
    case "Activity":
      return [asked(exchange), [
        ...exchange.hungUp ? leaves : [],
        rung("application", "Ringback", (response as Request.ActivityResult).ok ? "its result" : "it fails")
      ]]
    case "Signal": {
      const told = (response as Request.Responses["Signal"])._tag === "Received"
      return [asked(exchange), [
        ...exchange.hungUp ? leaves : [],
        told ? rung("application", "Ringback", `signal ${request.name}`) : own(`no signal ${request.name}`)
      ]]
    }
    default:
      return [asked(exchange), exchange.hungUp ? leaves : []]
  }
}

/** An action with its words. */
const said = (action: Action.Action): string => {
  const words = PhoneLine.words(action).replaceAll(/\s+/g, " ").trim()
  return words === "" ? Explain.action(action) : `${Explain.action(action)} “${words}”`
}

const asked = ({ asked, line, request }: Exchange): ReadonlyArray<Rung> => {
  switch (request._tag) {
    case "Dial":
      return [
        rung("Ringback", "carrier", `POST dial ${PhoneNumber.mask(request.to)}`),
        rung("carrier", "callee", "rings")
      ]
    case "Prompt":
    case "Bridge": {
      const action = said(request.action)
      return line === "open" ? [rung("Ringback", "carrier", action)] : [own(`${action}, to nobody`)]
    }
    case "Leave":
      return line === "open" ? [rung("Ringback", "carrier", "hangup")] : []
    case "Activity":
      return [rung("Ringback", "application", `activity ${request.name}`)]
    case "Signal":
    case "Answer":
      return []
    default:
      return asked === "" ? [] : [own(asked)]
  }
}

const fromOutside = ({ hungUp, request, what }: Exchange): ReadonlyArray<Rung> => {
  switch (what._tag) {
    case "HungUp":
      return leaves
    case "Cancelled":
      return [rung("application", "Ringback", "cancel")]
    case "Expired":
      return [own("time is up")]
    case "Overdue":
      return [own(`${request._tag === "Activity" ? request.name : "it"} is overdue`)]
    case "Died":
      return [rung("application", "Ringback", "it dies")]
    case "Responded":
      return hungUp ? leaves : []
  }
}

const millis = ({ line, request }: Exchange): number => {
  if (request._tag === "Dial") return 2_000
  if (request._tag === "Prompt" && line !== "open") return 0
  const { spoken, waited } = captions.seconds(request)
  const seconds = request._tag === "Prompt" ? spoken : waited
  return Number.isFinite(seconds) ? seconds * 1000 : 0
}

/** The path as a ladder; times are estimates. `end` is written below. */
export const ladder = (flow: string, path: ReadonlyArray<Exchange>, end: string): string => {
  let at = 0
  const steps = [Ladder.rung(at, "application", "Ringback", `start ${flow}`)]
  const add = (found: ReadonlyArray<Rung>) =>
    found.forEach(({ from, text, to }) => steps.push(Ladder.rung(at, from, to, text)))
  for (const exchange of path) {
    const [before, after] = rungs(exchange)
    add(before)
    at += millis(exchange)
    add(after)
  }
  return Ladder.text([...steps, Ladder.rung(at, "Ringback", "Ringback", end)])
}
