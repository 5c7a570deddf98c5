/**
 * A path that breaks a law, as a test to paste: red before the repair and green after it. The engine lives the path, where a test can
 * bring it about; where none can, the test is that of every path, and says why.
 */
import type { Request } from "@ringback/core"
import type { Law } from "../../Law.ts"
import { calleeCode } from "../calleeCode.ts"
import type { Samples } from "./choices.ts"
import type { Exchange } from "./paths.ts"
import { beyond, type Deed, type Plan, planOf, type Played } from "./planning.ts"

/** What a test is to show. */
export interface Breach {
  readonly flow: string
  /** The law; without one, that the same answers lead the same way. */
  readonly law: Law | undefined
  readonly name: string
  readonly why: string
  readonly input: unknown
  readonly path: ReadonlyArray<Exchange>
  readonly samples: Samples
  /** Whether samples were given: then the test that goes every path needs them. */
  readonly isSampled: boolean
  /** Whether the flow has activities: then the test says what comes of them, so that it needs none of their services. */
  readonly hasActivities: boolean
  /** Who calls where nothing else is said: these numbers are nobody's. */
  readonly callers: Samples["callers"]
}

/** What a test to paste imports under these names. */
const taken = new Set(["Calls", "Callee", "Effect", "Error", "FlowExplorer", "Law", "PhoneCompany", "TestCalls"])

/** A name as a variable is named. */
const pascal = (name: string, kind: "Flow" | "Signal"): string => {
  const words = name.split(/[^\p{L}\p{N}]+/u).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("")
  if (taken.has(words)) return `${words}${kind}`
  return /^\p{L}/u.test(words) ? words : `${kind}${words}`
}

const quoted = (text: string): string => JSON.stringify(text)

/** Where a value stands in the input of a flow, as an expression. */
const expressionOf = (value: string, input: unknown, path = "input"): string | undefined => {
  if (input === value) return path
  if (typeof input !== "object" || input === null) return undefined
  for (const [field, inner] of Object.entries(input)) {
    const access = /^[A-Za-z_$][\w$]*$/.test(field) ? `.${field}` : `[${quoted(field)}]`
    const found = expressionOf(value, inner, path + access)
    if (found !== undefined) return found
  }
  return undefined
}

/** Why it cannot be written down. */
class Unwritable extends Error {}

const isPlain = (value: object): boolean =>
  [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value))

/** A value in code. One of a class is made as classes of Schema are. */
const codeOf = (value: unknown, what: string): string => {
  if (value === undefined || value === null || typeof value === "boolean") return String(value)
  if (typeof value === "string") return quoted(value)
  if (typeof value === "number" || typeof value === "bigint") return `${value}${typeof value === "bigint" ? "n" : ""}`
  if (typeof value !== "object") throw new Unwritable(`what ${what} comes to cannot be written down`)
  if (Array.isArray(value)) return `[${value.map((item) => codeOf(item, what)).join(", ")}]`
  const fields = Object.entries(value).filter(([name]) => isPlain(value) || name !== "_tag")
  const body = fields.map(([name, inner]) =>
    `${/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)}: ${codeOf(inner, what)}`
  )
  const literal = body.length === 0 ? "{}" : `{ ${body.join(", ")} }`
  if (isPlain(value)) return literal
  const { name } = value.constructor
  if (!("_tag" in value) || !/^[A-Z]\w*$/.test(name)) {
    throw new Unwritable(`what ${what} comes to cannot be written down`)
  }
  return `new ${name}(${body.length === 0 ? "" : literal})`
}

const playedCode = ({ comes, isLate, name, value }: Played): string => {
  const code = () => codeOf(value, `the activity ${name}`)
  const now = () => {
    switch (comes) {
      case "never":
        return "Effect.never"
      case "dies":
        return `Effect.die(new Error("it died"))`
      case "succeeds":
        return value === undefined ? "Effect.void" : `Effect.succeed(${code()})`
      case "fails":
        return `Effect.fail(${code()})`
    }
  }
  return isLate ? `Effect.delay(${now()}, "1 second")` : now()
}

const activitiesCode = (activities: ReadonlyArray<Played>): string => {
  const byName = new Map<string, Array<string>>()
  for (const played of activities) {
    const known = byName.get(played.name) ?? []
    byName.set(played.name, [...known, playedCode(played)])
  }
  const entries = Array.from(
    byName,
    ([name, effects]) => `${quoted(name)}: ${effects.length === 1 ? effects[0] : `[${effects.join(", ")}]`}`
  )
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`
}

const deedCode = ({ after, isLate, tells, times }: Deed): ReadonlyArray<string> => [
  `yield* TestCalls.untilRecorded(call, ${quoted(after)}${times === 1 ? "" : `, { times: ${times} }`})`,
  ...isLate ? [`yield* Effect.sleep("1 second")`] : [],
  tells === undefined
    ? "yield* call.cancel"
    : `yield* call.signal(${pascal(tells.name, "Signal")}, ${
      tells.value === null ? "undefined" : codeOf(tells.value, `the signal ${tells.name}`)
    })`
]

/** Numbers that the carrier refuses to ring: it does so each time, or a test cannot say it. */
const refusedOn = (path: ReadonlyArray<Exchange>): ReadonlyArray<string> => {
  const fates = new Map<string, Set<boolean>>()
  for (const { request, what } of path) {
    if (request._tag !== "Dial" || what._tag !== "Responded") continue
    const reached = what.response as Request.Responses["Dial"]
    const isRefused = reached._tag === "NotAnswered" && reached.reason === "refused"
    fates.set(request.to, (fates.get(request.to) ?? new Set()).add(isRefused))
  }
  return Array.from(fates).flatMap(([number, found]) => {
    if (found.size === 2) throw new Unwritable("a number that is refused once, and rung at another time")
    return found.has(true) ? [number] : []
  })
}

const peopleCode = ({ callees }: Plan, refused: ReadonlyArray<string>, input: unknown): ReadonlyArray<string> => {
  const numbers = Array.from(new Set([...callees.keys(), ...refused]))
  const unnamed = numbers.filter((number) => expressionOf(number, input) === undefined)
  if (unnamed.length > 1) throw new Unwritable("calls to several numbers that are not in the input")
  return numbers.map((number) => {
    const party = expressionOf(number, input)
    if (refused.includes(number)) {
      if (party === undefined) throw new Unwritable("a carrier that refuses a number which is not in the input")
      return `yield* PhoneCompany.block(${party})`
    }
    const scripts = callees.get(number)!.map(calleeCode)
    const script = scripts.length === 1 ? scripts[0]! : `[${scripts.join(", ")}]`
    return party === undefined
      ? `yield* PhoneCompany.everyone(${script})`
      : `yield* PhoneCompany.callee(${party}, ${script})`
  })
}

const isBridged = (path: ReadonlyArray<Exchange>): boolean => path.some(({ request }) => request._tag === "Bridge")

/** One of who calls in code; numbers of the author's own are not shown. */
const callerCode = ({ from, to }: { readonly from: string; readonly to: string }, { callers, samples }: Breach) => {
  if (callers.some((caller) => caller.from === from && caller.to === to)) return [quoted(to), quoted(from)] as const
  const at = samples.callers.findIndex((caller) => caller.from === from && caller.to === to)
  return [`samples.callers[${at}].to`, `samples.callers[${at}].from`] as const
}

const lawCode = ({ law, name }: Breach): string => law?.code ?? `laws.find(({ name }) => name === ${quoted(name)})!`

/** The path as a test of the engine. */
const lived = (breach: Breach): string => {
  const { flow, input, name, path, samples, why } = breach
  const definition = pascal(flow, "Flow")
  const plan = planOf(path, samples.activities)
  const people = peopleCode(plan, refusedOn(path), input)
  const caller = plan.caller._tag === "Some" ? plan.caller.value : undefined
  const [to, from] = caller === undefined ? [] : callerCode(caller, breach)
  const begin = caller === undefined
    ? `const call = yield* Calls.start(${definition}, input)`
    : `const call = yield* TestCalls.incoming(${definition}, { to: ${to}, from: ${from}, callee: ${
      calleeCode(caller.callee())
    } })`
  const options = [
    caller === undefined ? `flows: [${definition}]` : `flows: [], inbound: { [${to}]: ${definition} }`,
    ...isBridged(path) ? ["company: { legAnswers: true }"] : [],
    ...breach.hasActivities ? [`activities: ${activitiesCode(plan.activities)}`] : []
  ]
  return [
    `it.effect(${quoted(name)}, () =>`,
    "  Effect.gen(function*() {",
    ...[...people, begin, ...plan.deeds.flatMap(deedCode)].map((line) => `    ${line}`),
    "    yield* Effect.exit(call.outcome)",
    `    // Now it fails: ${why}`,
    `    yield* FlowExplorer.keeps(${definition}, call, [${lawCode(breach)}])`,
    `  }).pipe(Effect.provide(TestCalls.layer({ ${options.join(", ")} }))))`
  ].join("\n")
}

/** Why no single conversation is a test of the law. */
const unshowable = ({ law }: Breach): string | undefined => {
  switch (law?._tag) {
    case undefined:
      return "one run does not show that another goes otherwise"
    case "Reachable":
      return "one conversation does not show that something is out of reach"
    case "Ends":
      return "one conversation does not show that there is no end"
    case "Fits":
      return "how long it takes is known in bounds only"
    case "Machine":
      return undefined
  }
}

/** Every path as a test, where one path cannot be. */
const explored = (breach: Breach, because: string): string => {
  const { flow, isSampled, name } = breach
  const law = breach.law === undefined ? "" : lawCode(breach)
  return [
    `// The test goes every path, for the engine cannot be made to go this one: ${because}`,
    `it(${quoted(name)}, () => {`,
    `  FlowExplorer.check(${pascal(flow, "Flow")}, input, [${law}]${isSampled ? ", samples" : ""})`,
    "})"
  ].join("\n")
}

/** The test to paste. */
export const test = (breach: Breach): string => {
  const because = unshowable(breach) ?? beyond(breach.path)
  if (because !== undefined) return explored(breach, because)
  try {
    return lived(breach)
  } catch (problem) {
    if (problem instanceof Unwritable) return explored(breach, problem.message)
    throw problem
  }
}
