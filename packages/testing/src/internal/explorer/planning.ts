/** What the world has to do so that a path of the explorer is lived: who answers and does what, what activities come to, what is told. */
import type { Action, CallEvent, Request } from "@ringback/core"
import { Option, Result } from "effect"
import * as Callee from "../../Callee.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import { Failing, statuses } from "./choices.ts"
import type { Exchange } from "./paths.ts"

type Of<Tag extends Request.Request["_tag"]> = Extract<Request.Request, { readonly _tag: Tag }>
export type Reason = typeof Request.NotAnsweredReason.Type

/** What an activity comes to, as the flow gets it. */
export interface Played {
  readonly name: string
  readonly comes: "never" | "dies" | "succeeds" | "fails"
  readonly value: unknown
  /** Whether it takes a second, in which somebody hangs up. */
  readonly isLate: boolean
}

/** What the application does when a flow has asked for the `times`-th thing of this kind. */
export interface Deed {
  readonly after: CallEvent.CallEvent["_tag"]
  readonly times: number
  /** What is told, or that the call is cancelled. */
  readonly tells: { readonly name: string; readonly value: unknown } | undefined
  /** Whether it takes a second, in which somebody hangs up. */
  readonly isLate: boolean
}

/** What the world does on a path. */
export interface Plan {
  /** Who is rung at each number, one after the other. */
  readonly callees: Map<string, Array<Callee.Script>>
  /** Who calls, where somebody does. */
  readonly caller: Option.Option<{ readonly to: string; readonly from: string; readonly callee: () => Callee.Script }>
  /** What becomes of each dial that is sent. */
  readonly dials: ReadonlyArray<Reason | "answered">
  readonly activities: ReadonlyArray<Played>
  readonly deeds: ReadonlyArray<Deed>
}

/** What a test of the engine cannot make happen at will, of time that passes. */
export const timed = "a deadline that passes at one moment and not at another"

/** What a test of the engine cannot make happen at will, in words. */
const unsteerable = ({ happened, request, what }: Exchange): string | undefined => {
  if (what._tag === "Expired") return timed
  if (request._tag === "Random") return "a number that is drawn"
  if (happened === "has hung up") return "a caller who has hung up before being answered"
  if (request._tag === "Bridge" && (happened === "one leaves" || happened === "the caller leaves")) {
    return "who leaves a bridge first"
  }
  const response = what._tag === "Responded" ? what.response as Request.Responses["Answer"] : undefined
  return request._tag === "Answer" && response !== undefined && response.from === undefined
    ? "a caller without a number"
    : undefined
}

/** Whether a test of the engine cannot make it happen at will. */
export const isBeyond = (exchange: Exchange): boolean => unsteerable(exchange) !== undefined

/** What somebody has heard on a line. */
class Hearing {
  prompts = 0
  /** Whether something was waited for: on this line, and since the last prompt. */
  hasWaited = false
  isWaiting = false
  private readonly words = new Set<string>()

  /** What is heard next. */
  add({ held, line, request, what }: Exchange): void {
    if (held !== undefined) this.words.add(held)
    if (request._tag === "Sleep" || (request._tag === "Signal" && what._tag === "Responded" && isLate(what.response))) {
      this.hasWaited = true
      this.isWaiting = true
    }
    if (request._tag !== "Prompt" || line !== "open") return
    this.prompts++
    this.isWaiting = false
    this.words.add(PhoneLine.words(request.action))
  }

  knows(words: string): boolean {
    return words.trim() === "" || Array.from(this.words).some((heard) => heard.includes(words))
  }
}

const isLate = (response: Request.Response): boolean => (response as Request.Responses["Signal"])._tag === "Expired"

const isNewLine = ({ request }: Exchange): boolean => request._tag === "Dial" || request._tag === "Answer"

/**
 * Whether a script can say when somebody hangs up: in a prompt that it can count or tell by its words, or shortly after one, with
 * nothing waited for in between.
 */
const isScripted = (path: ReadonlyArray<Exchange>): boolean => {
  let hearing = new Hearing()
  return path.every((exchange) => {
    if (isNewLine(exchange)) hearing = new Hearing()
    const { hungUp, line, request, what } = exchange
    if (hungUp && hearing.isWaiting) return false
    if (request._tag === "Prompt" && line === "open" && leaves(what)) {
      if (hearing.hasWaited && hearing.knows(PhoneLine.words(request.action))) return false
    }
    hearing.add(exchange)
    return true
  })
}

const leaves = (what: Exchange["what"]): boolean =>
  what._tag === "Responded" && (what.response as Request.Responses["Prompt"])._tag === "HungUp"

/** What becomes of a dial, where the carrier of a test cannot be made to say it. */
const unheard = ({ request, what }: Exchange): string | undefined => {
  if (request._tag !== "Dial" || what._tag !== "Responded") return undefined
  const reached = what.response as Request.Responses["Dial"]
  return reached._tag === "Answered" || reached.reason === "refused" || reached.reason in rung
    ? undefined
    : `a dial that is ${reached.reason}`
}

const first = (path: ReadonlyArray<Exchange>, why: (exchange: Exchange) => string | undefined): string | undefined => {
  for (const exchange of path) {
    const found = why(exchange)
    if (found !== undefined) return found
  }
  return undefined
}

const unscripted = (path: ReadonlyArray<Exchange>): string | undefined =>
  isScripted(path) ? undefined : "somebody who hangs up at one moment of a wait"

/** Why a path is beyond a test with the carrier of `TestCalls`. */
export const beyond = (path: ReadonlyArray<Exchange>): string | undefined =>
  first(path, (exchange) => unsteerable(exchange) ?? unheard(exchange)) ?? unscripted(path)

/** Why a path cannot be lived, whatever the carrier can be made to say. */
export const unlivable = (path: ReadonlyArray<Exchange>): string | undefined =>
  first(path, unsteerable) ?? unscripted(path)

/** Adds to what somebody does on a line, step by step. */
class Person {
  private readonly put: (callee: Callee.Callee) => void
  callee: Callee.Callee = Callee.answers()
  readonly hearing = new Hearing()
  constructor(put: (callee: Callee.Callee) => void) {
    this.put = put
    put(this.callee)
  }

  does(next: (callee: Callee.Callee) => Callee.Callee): void {
    this.callee = next(this.callee)
    this.put(this.callee)
  }
}

/** A sample as the flow gets it. A path has its stored form. */
const sampleOf = ({ encodeError, encodeSuccess, name }: Of<"Activity">, ok: boolean, stored: unknown, given: Given) => {
  const encode = ok ? encodeSuccess : encodeError
  const text = JSON.stringify(stored)
  const isIt = (value: unknown): boolean => {
    const encoded = encode(value)
    return Result.isSuccess(encoded) && JSON.stringify(encoded.success) === text
  }
  const tried = (given[name] ?? []).filter((value) => value instanceof Failing !== ok)
  const values = [...tried.map((value) => value instanceof Failing ? value.error : value), stored, undefined]
  return values.find(isIt)
}

/** The samples of activities, by name. */
export type Given = { readonly [name: string]: ReadonlyArray<unknown> }

const playedBy = ({ hungUp, request, what }: Exchange, given: Given): Played => {
  const { name } = request as Of<"Activity">
  const played = { name, value: undefined, isLate: hungUp }
  if (what._tag === "Died") return { ...played, comes: "dies" }
  if (what._tag !== "Responded") return { ...played, comes: "never" }
  const { ok, value } = what.response as Request.ActivityResult
  return { ...played, comes: ok ? "succeeds" : "fails", value: sampleOf(request as Of<"Activity">, ok, value, given) }
}

const onPrompt = (person: Person | undefined, { line, request, what }: Exchange): void => {
  if (line !== "open" || request._tag !== "Prompt" || what._tag !== "Responded") return
  const heard = what.response as Request.Responses["Prompt"]
  const words = PhoneLine.words(request.action)
  if (person === undefined) return
  const { hasWaited, prompts } = person.hearing
  person.does((callee) => {
    if (heard._tag === "HungUp") return hasWaited ? callee.hears(words).hangsUp() : callee.hangsUpDuring(prompts + 1)
    if (collects(request.action) === 0) return callee
    return heard.digits === "" ? callee.staysSilent() : callee.presses(heard.digits)
  })
}

const collects = (action: Action.Action): number => "collect" in action ? action.collect?.max ?? 0 : 0

const onBridge = (plan: Plan, person: Person | undefined, request: Of<"Bridge">, what: Exchange["what"]): void => {
  const bridged = what._tag === "Responded" ? what.response as Request.Responses["Bridge"] : undefined
  const other = (script: Callee.Script) => push(plan.callees, request.action.to, script)
  if (bridged?._tag === "NotConnected") other(Callee.busy)
  if (bridged?._tag === "HungUp") {
    other(Callee.answers("5 seconds"))
    person?.does((callee) => callee.hangsUpWhileBridging(1))
  }
  if (bridged?._tag !== "Left") return
  other(bridged.who === "them" ? Callee.answers().talks().hangsUp() : Callee.answers().talks())
  person?.does((callee) => bridged.who === "them" ? callee.talks() : callee.talks().hangsUp())
}

const push = (callees: Plan["callees"], number: string, script: Callee.Script): number =>
  callees.set(number, callees.get(number) ?? []).get(number)!.push(script)

const rung: Partial<Record<Reason, Callee.Script>> = {
  busy: Callee.busy,
  "no answer": Callee.noAnswer,
  failed: Callee.fails(statuses.failed)
}

/** What stands in the log when the flow has asked. */
const recordOf = ({ line, request }: Exchange): CallEvent.CallEvent["_tag"] | undefined => {
  switch (request._tag) {
    case "Dial":
      return "DialPlanned"
    case "Prompt":
    case "Bridge":
      return line === "open" ? "ActionDecided" : undefined
    case "Sleep":
      return "SleepStarted"
    case "Activity":
      return "ActivityStarted"
    case "Signal":
      return "SignalAwaited"
    default:
      return undefined
  }
}

const toldTo = ({ request, what }: Exchange): Deed["tells"] => {
  if (request._tag !== "Signal" || what._tag !== "Responded") return undefined
  const told = what.response as Request.Responses["Signal"]
  return told._tag === "Received" ? { name: request.name, value: told.value } : undefined
}

/** What the world has to do for a path to be lived. */
export const planOf = (path: ReadonlyArray<Exchange>, given: Given): Plan => {
  const plan = {
    callees: new Map<string, Array<Callee.Script>>(),
    caller: Option.none() as Plan["caller"],
    dials: [] as Array<Reason | "answered">,
    activities: [] as Array<Played>,
    deeds: [] as Array<Deed>
  }
  const asked = new Map<string, number>()
  const unknown = new Set<string>()
  let person: Person | undefined
  for (const exchange of path) {
    const { hungUp, line, request, what } = exchange
    const response = what._tag === "Responded" ? what.response : undefined
    const after = recordOf(exchange)
    if (after !== undefined) {
      const times = (asked.get(after) ?? 0) + 1
      asked.set(after, times)
      const tells = toldTo(exchange)
      if (tells !== undefined || what._tag === "Cancelled") plan.deeds.push({ after, times, tells, isLate: hungUp })
    }
    if (request._tag === "Dial" && response !== undefined) {
      const reached = response as Request.Responses["Dial"]
      if (reached._tag === "Answered") {
        const at = push(plan.callees, request.to, Callee.answers()) - 1
        person = new Person((callee) => void (plan.callees.get(request.to)![at] = callee))
        plan.dials.push("answered")
      } else if (!unknown.has(request.to) || request.evenIfUnknown === true) {
        const script = rung[reached.reason]
        if (script !== undefined) push(plan.callees, request.to, script)
        if (reached.reason === "unknown") unknown.add(request.to)
        plan.dials.push(reached.reason)
      }
    } else if (request._tag === "Answer" && response !== undefined) {
      const { from = "", to = "" } = response as Request.Responses["Answer"]
      const calling = new Person(() => undefined)
      person = calling
      plan.caller = Option.some({ to, from, callee: () => calling.callee })
    } else if (request._tag === "Bridge" && line === "open") {
      onBridge(plan, person, request, what)
    }
    if (request._tag === "Activity") plan.activities.push(playedBy(exchange, given))
    onPrompt(person, exchange)
    const prompts = person?.hearing.prompts ?? 0
    if (hungUp) person?.does((callee) => callee.hangsUpAfter(prompts))
    person?.hearing.add(exchange)
  }
  return plan
}
