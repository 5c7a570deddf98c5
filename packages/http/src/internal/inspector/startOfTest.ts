/**
 * A call as the start of a test: what happened, as `Scenario` of `@ringback/testing` says it. What is secret is replaced by stand-ins, each
 * marked: another number, keys that take the same branch. Whether they do is found out by running the flow over the log with them.
 */
import { Call, CallEvent, type LiveCall, PhoneNumber, Replay } from "@ringback/core"

/** A line of code, and what a reader has to know of it. */
interface Line {
  readonly code: string
  readonly mark?: string
}

/** So long a log is gone through again and again for stand-ins; one that is longer gets marks only. */
const longest = 2_000

/** The code. `definition` is the flow as it is registered here, if it is. */
export const code = (
  id: CallEvent.CallId,
  events: ReadonlyArray<CallEvent.CallEvent>,
  definition: LiveCall.AnyDefinition | undefined
): string => {
  const begin = events[0]
  if (begin?._tag !== "CallStarted" && begin?._tag !== "CallArrived") {
    return "// Nothing is on record of this call yet.\n"
  }
  const flow = variable(begin.flow)
  const input = begin._tag === "CallStarted" ? begin.input : {}
  const numbers = new Numbers()
  const lines = happenings(id, events, definition, numbers)
  const given = literal(input, numbers, "  ")
  const body = [
    ...given.code === "{}" ? [] : [`const input = ${given.code}`, ""],
    `it(${JSON.stringify(`goes as call ${id} went`)}, () =>`,
    `  Scenario.given(${flow}, ${given.code === "{}" ? "{}" : "input"})`,
    ...lines.length === 0 ? [] : [
      "    .when(",
      ...lines.map(({ code, mark }, i) =>
        `      ${code}${i === lines.length - 1 ? "" : ","}${mark === undefined ? "" : ` // ${mark}`}`
      ),
      "    )"
    ],
    ...ending(events, lines.length === 0)
  ].join("\n")
  return [
    `import { it } from "@effect/vitest"`,
    ...body.includes("PhoneNumber.") ? [`import { PhoneNumber } from "@ringback/core"`] : [],
    `import { Scenario } from "@ringback/testing"`,
    `import { ${flow} } from "./flow.ts"`,
    "",
    "// Numbers, keys and values are stand-ins for what was secret.",
    body,
    ""
  ].join("\n")
}

/** A name for a variable, whatever somebody has named a flow. */
const variable = (name: string): string => {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "")
  const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("")
  return /^[A-Za-z]/.test(joined) ? joined : `Flow${joined}`
}

const ending = (events: ReadonlyArray<CallEvent.CallEvent>, isBare: boolean): ReadonlyArray<string> => {
  const ended = events.find((event) => event._tag === "FlowEnded")
  const indent = isBare ? "    " : "    "
  if (ended === undefined) return [`${indent}.then()) // say what the flow does next: it has not ended`]
  const { exit } = ended
  switch (exit._tag) {
    case "Success":
      return [`${indent}.ends(undefined)) // put in what it comes to: the output of the call is not shown`]
    case "Failure":
      return [`${indent}.failsWith(${JSON.stringify(tagOf(exit.error))}))`]
    case "Stopped":
      return [`${indent}.failsWith(${JSON.stringify(exit.reason._tag)}))`]
  }
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error && /^[A-Za-z]\w{0,60}$/.test(String(error._tag))
    ? String(error._tag)
    : "put in its tag"

// Stand-ins

/** Numbers that belong to nobody, the same for the same. */
class Numbers {
  private readonly known = new Map<string, string>()
  of(number: string): string {
    const digits = PhoneNumber.digits(number)
    const known = this.known.get(digits) ?? `+1555017${String(this.known.size + 1).padStart(4, "0")}`
    this.known.set(digits, known)
    return known
  }
}

const isNumber = (text: string): boolean => /^\+?\d{7,15}$/.test(text)

/** A value of the same shape, on several lines where it has several fields. */
const literal = (value: unknown, numbers: Numbers, indent: string): Line => {
  if (typeof value === "string") {
    return isNumber(value)
      ? { code: `PhoneNumber.make(${JSON.stringify(numbers.of(value))})`, mark: "stand-in for a number" }
      : { code: `"text"`, mark: "stand-in for a text" }
  }
  if (typeof value === "number") return { code: "1", mark: "stand-in for a number" }
  if (typeof value !== "object" || value === null) return { code: String(value) }
  if (Array.isArray(value)) {
    return { code: `[${value.map((each) => literal(each, numbers, indent).code).join(", ")}]`, mark: "stand-ins" }
  }
  const fields = Object.entries(value)
  if (fields.length === 0) return { code: "{}" }
  const lines = fields.map(([name, inner], i) => {
    const { code, mark } = literal(inner, numbers, `${indent}  `)
    const key = /^[A-Za-z_$][\w$]{0,60}$/.test(name) ? name : JSON.stringify(name)
    return `${indent}${key}: ${code}${i === fields.length - 1 ? "" : ","}${mark === undefined ? "" : ` // ${mark}`}`
  })
  return { code: `{\n${lines.join("\n")}\n${indent.slice(2)}}` }
}

/** A value in stored form, of the same shape, on one line. */
const shape = (value: unknown): unknown => {
  if (typeof value === "string") return isNumber(value) ? "15550170001" : "text"
  if (typeof value === "number") return 1
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(shape)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]))
}

const keys = Array.from("1234567890*#")

/** Keys to try in the place of others: as many, and not the same. */
const otherKeys = (pressed: string): ReadonlyArray<string> =>
  keys.flatMap((key, i) => [key.repeat(pressed.length), Array.from(pressed, (_, n) => keys[(i + n) % 10]).join("")])
    .filter((each) => each !== pressed)

/** Whether the flow decides the same with another event in the place of one. */
const isSame = (
  id: CallEvent.CallId,
  definition: LiveCall.AnyDefinition | undefined,
  events: ReadonlyArray<CallEvent.CallEvent>,
  at: number,
  other: CallEvent.CallEvent
): boolean => {
  if (definition === undefined || events.length > longest) return false
  try {
    return Replay.rebuild(id, definition, events.with(at, other)).divergence === undefined
  } catch {
    return false
  }
}

// What happened

const scenario = (code: string, mark?: string): ReadonlyArray<Line> => [
  { code: `Scenario.${code}`, ...(mark === undefined ? {} : { mark }) }
]

const happenings = (
  id: CallEvent.CallId,
  events: ReadonlyArray<CallEvent.CallEvent>,
  definition: LiveCall.AnyDefinition | undefined,
  numbers: Numbers
): ReadonlyArray<Line> => {
  const same = (at: number, other: CallEvent.CallEvent) => isSame(id, definition, events, at, other)
  let call = Call.initial(id)
  let ended: Call.Wait | undefined
  return events.flatMap((event, at): ReadonlyArray<Line> => {
    const before = call
    call = Call.evolve(call, event)
    if (CallEvent.isDecision(event)) return []
    if (event._tag === "Cancelled") return scenario("cancel")
    if (event._tag === "CallArrived") return arrived(event, numbers)
    // What a flow waited for stays on record until it waits for something else.
    if (before.exit !== undefined || before.wait === undefined || before.wait === ended) return []
    const happened = happening(before, event, call, (other) => same(at, other))
    if (happened !== undefined) ended = before.wait
    return happened ?? []
  })
}

const arrived = (
  { from, to }: Extract<CallEvent.CallEvent, { readonly _tag: "CallArrived" }>,
  numbers: Numbers
): ReadonlyArray<Line> => {
  const parties = Object.entries({ from, to }).flatMap(([name, number]) =>
    number === undefined ? [] : [`${name}: ${JSON.stringify(numbers.of(number).slice(1))}`]
  )
  return scenario(`calls({ ${parties.join(", ")} })`, "stand-ins for numbers")
}

type Happened = ReadonlyArray<Line> | undefined

/** What a fact is to a flow that waited, if it lets it go on. What goes on by itself in a scenario is nothing. */
const happening = (
  before: Call.Call,
  event: CallEvent.CallEvent,
  after: Call.Call,
  same: (other: CallEvent.CallEvent) => boolean
): Happened => {
  const { wait } = before
  switch (wait?._tag) {
    case "Dial":
      return dialled(event)
    case "Prompt":
      if (event._tag === "PromptCompleted" && event.n === wait.n) return heard(before, event, same)
      return isGone(after, wait.line) ? left(before, wait) : undefined
    case "Bridge":
      if (event._tag === "LegFailed") return scenario(`bridge({ _tag: "NotConnected" })`)
      if (event._tag === "LegEnded") return scenario(`bridge({ _tag: "Left", who: ${JSON.stringify(event.leg)} })`)
      return isGone(after, wait.line) ? scenario("hangsUp") : undefined
    case "Activity":
      if (event._tag === "ActivityCompleted" && event.n === wait.n) return completed(event, same)
      return left(before, wait, event, after)
    case "Signal":
      if (event._tag === "SignalExpired" && event.n === wait.n) return scenario("signalExpires")
      if (event._tag === "SignalReceived" && event.name === wait.name) return signalled(event, same)
      return left(before, wait, event, after)
    case "Sleep":
    case undefined:
      return undefined
  }
}

const dialled = (event: CallEvent.CallEvent): Happened => {
  const notAnswered = (reason: string) => scenario(`notAnswered(${JSON.stringify(reason)})`)
  switch (event._tag) {
    case "CallAnswered":
      return scenario("answers")
    case "DialFailed":
    case "DialGivenUp":
      return notAnswered(event.reason)
    case "DialRefused":
      return notAnswered("refused")
    case "DialNotSent":
      return event.retryAt === undefined ? notAnswered("not sent") : undefined
    case "LinePresumedClosed":
      return notAnswered("unknown")
    default:
      return undefined
  }
}

const branch = "stand-in that takes the same branch"

const unknown = "stand-in: put in one that takes the same branch"

/** Prompts that ask for nothing go on by themselves. */
const heard = (
  before: Call.Call,
  event: Extract<CallEvent.CallEvent, { readonly _tag: "PromptCompleted" }>,
  same: (other: CallEvent.CallEvent) => boolean
): ReadonlyArray<Line> => {
  const action = Call.lineOf(before, event.line)?.inFlight?.action
  const asks = (action?._tag === "Speak" || action?._tag === "Play") && action.collect !== undefined
  if (!asks) return []
  const { digits } = event
  if (digits === "") return scenario("staysSilent")
  const other = otherKeys(digits).find((each) => same({ ...event, digits: each }))
  if (other !== undefined) return scenario(`presses(${JSON.stringify(other)})`, branch)
  // One key that nothing stands in for is the branch itself, which the flow's own code names.
  return digits.length === 1
    ? scenario(`presses(${JSON.stringify(digits)})`, "the key of this branch")
    : scenario(`presses(${JSON.stringify("0".repeat(digits.length))})`, unknown)
}

const completed = (
  event: Extract<CallEvent.CallEvent, { readonly _tag: "ActivityCompleted" }>,
  same: (other: CallEvent.CallEvent) => boolean
): ReadonlyArray<Line> => {
  const value = shape(event.value)
  const isPlain = value === null || typeof value === "boolean"
  const mark = isPlain ? undefined : same({ ...event, value }) ? branch : unknown
  const text = value === null || value === undefined ? "" : JSON.stringify(value)
  return scenario(event.ok ? `succeeds(${text})` : `fails(${text === "" ? "null" : text})`, mark)
}

const signalled = (
  event: Extract<CallEvent.CallEvent, { readonly _tag: "SignalReceived" }>,
  same: (other: CallEvent.CallEvent) => boolean
): ReadonlyArray<Line> => {
  const value = shape(event.value)
  return scenario(`signals(${JSON.stringify(value) ?? "undefined"})`, same({ ...event, value }) ? branch : unknown)
}

const isGone = (call: Call.Call, id: number): boolean => {
  const line = Call.lineOf(call, id)
  return line === undefined || line.left || line.phase === "Closed"
}

/** Somebody hung up. During a prompt that asks for nothing a scenario says so before, by words that are not shown here. */
const left = (
  before: Call.Call,
  wait: Call.Wait,
  event?: CallEvent.CallEvent,
  after?: Call.Call
): Happened => {
  if (wait._tag === "Prompt") {
    const action = Call.lineOf(before, wait.line)?.inFlight?.action
    const asks = (action?._tag === "Speak" || action?._tag === "Play") && action.collect !== undefined
    return asks
      ? scenario("hangsUp")
      : scenario(`hangsUpDuring("words")`, "put in words of the prompt, and this before what leads to it")
  }
  if (event === undefined || after === undefined) return undefined
  const line = Call.liveLines(before).at(-1)
  return line !== undefined && line.answered && isGone(after, line.id) ? scenario("hangsUp") : undefined
}
