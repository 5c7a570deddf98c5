/** One path of a flow for people: as a ladder, and as a test to paste. */
import { Action, Explain, Ladder, PhoneNumber, Prompt, Step } from "@ringback/core"
import type { Request } from "@ringback/core"
import type { LineState, What } from "../../Law.ts"
import * as captions from "./captions.ts"
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
    const hold = Step.scopes(step).map(({ scope }) => scope).find((scope) => scope._tag === "Hold")
    const held = hold && Prompt.words(hold.prompt)
    return [{ held, request: step.request, line: world.line, what, hungUp, asked: label, happened }]
  })

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
      const keys = heard.digits === "" ? [] : [rung("callee", "carrier", `presses ${"•".repeat(heard.digits.length)}`)]
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

const asked = ({ asked, line, request }: Exchange): ReadonlyArray<Rung> => {
  switch (request._tag) {
    case "Dial":
      return [
        rung("Ringback", "carrier", `POST dial ${PhoneNumber.mask(request.to)}`),
        rung("carrier", "callee", "rings")
      ]
    case "Prompt":
    case "Bridge": {
      const action = Explain.action(request.action)
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

// As a test

/** What the person at one number does, call after call. */
class Script {
  readonly rings: Array<string> = []
  private prompts = 0

  ring(reach: string): void {
    this.rings.push(reach)
    this.prompts = 0
  }

  add(step: string): void {
    this.rings.push(`${this.rings.pop() ?? ""}${step}`)
  }

  hear(collects: boolean, response: Request.Responses["Prompt"]): void {
    this.prompts++
    if (response._tag === "HungUp") this.add(`.hangsUpDuring(${this.prompts})`)
    else if (collects) {
      this.add(response.digits === "" ? ".staysSilent()" : `.presses(${JSON.stringify(response.digits)})`)
    }
  }

  leave(): void {
    this.add(`.hangsUpAfter(${this.prompts})`)
  }
}

const reaches: Record<string, string> = {
  busy: "Callee.busy",
  "no answer": "Callee.noAnswer",
  failed: `Callee.fails("failed")`
}

/** Where a value stands in the input of a flow, as an expression. */
const expressionOf = (value: string, input: unknown, path = "input"): string | undefined => {
  if (input === value) return path
  if (typeof input !== "object" || input === null) return undefined
  for (const [field, inner] of Object.entries(input)) {
    const access = /^[A-Za-z_$][\w$]*$/.test(field) ? `.${field}` : `[${JSON.stringify(field)}]`
    const found = expressionOf(value, inner, path + access)
    if (found !== undefined) return found
  }
  return undefined
}

interface Cast {
  readonly scripts: Map<string, Script>
  readonly remarks: Array<string>
}

/** Goes along a path and writes down who does what; what no callee can do becomes a remark. */
const cast = (path: ReadonlyArray<Exchange>, input: unknown): Cast => {
  const scripts = new Map<string, Script>()
  const remarks: Array<string> = []
  let script = new Script()
  const scriptOf = (number: string): Script => {
    const party = expressionOf(number, input) ?? JSON.stringify(PhoneNumber.mask(number))
    const known = scripts.get(party) ?? new Script()
    scripts.set(party, known)
    return known
  }
  for (const exchange of path) {
    const { request, what } = exchange
    const response = what._tag === "Responded" ? what.response : undefined
    if (request._tag === "Dial" && response !== undefined) {
      const reached = response as Request.Responses["Dial"]
      script = scriptOf(request.to)
      if (reached._tag === "Answered") script.ring("Callee.answers()")
      else if (reached.reason in reaches) script.ring(reaches[reached.reason]!)
      else remarks.push(`the dial to ${expressionOf(request.to, input) ?? "the number"} ends as ${reached.reason}`)
    } else if (request._tag === "Answer") {
      script = scripts.get("caller") ?? new Script()
      scripts.set("caller", script)
      script.ring("Callee.answers()")
    } else if (request._tag === "Prompt" && exchange.line === "open" && response !== undefined) {
      script.hear(Action.digits(request.action) > 0, response as Request.Responses["Prompt"])
    } else if (exchange.hungUp) {
      script.leave()
      remarks.push(`hung up during ${exchange.asked}`)
    } else if (isElsewhere(exchange)) {
      remarks.push(`${exchange.asked}: ${exchange.happened}`)
    }
  }
  return { scripts, remarks }
}

const isElsewhere = ({ happened, request, what }: Exchange): boolean =>
  what._tag !== "Responded" || request._tag === "Activity" || request._tag === "Signal" || request._tag === "Bridge" ||
  (request._tag === "Random" && happened !== "")

const listed = (script: Script): string => script.rings.length === 1 ? script.rings[0]! : `[${script.rings.join(", ")}]`

/** The path as a test of the whole engine, to paste beside the flow. */
export const scenario = (
  flow: string,
  { law, why }: { readonly law: string; readonly why: string },
  input: unknown,
  path: ReadonlyArray<Exchange>
): string => {
  const { remarks, scripts } = cast(path, input)
  const name = flow.split(/[^A-Za-z0-9]+/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("")
  const caller = scripts.get("caller")
  scripts.delete("caller")
  const callees = Array.from(
    scripts,
    ([party, script]) => `    yield* PhoneCompany.callee(${party}, ${listed(script)})`
  )
  const begin = caller === undefined
    ? [`    const call = yield* Calls.start(${name}, input)`, "    yield* Effect.exit(call.outcome)"]
    : [`    yield* PhoneCompany.incoming({ to, from, callee: ${listed(caller)} })`]
  return [
    `it.effect(${JSON.stringify(law)}, () =>`,
    "  Effect.gen(function*() {",
    ...remarks.map((remark) => `    // ${remark}`),
    ...callees,
    ...begin,
    `    // ${why}`,
    caller === undefined
      ? `  }).pipe(Effect.provide(TestCalls.layer({ flows: [${name}] }))))`
      : `  }).pipe(Effect.provide(TestCalls.layer({ flows: [], inbound: { [to]: ${name} } }))))`
  ].join("\n")
}
