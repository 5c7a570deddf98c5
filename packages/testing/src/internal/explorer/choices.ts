/**
 * Everything that the network, the far end and the application may do next about what a flow asks. The pure counterpart of
 * the engine: what is a response there is a choice here.
 */
import { Action, Settings, Step } from "@ringback/core"
import type { Flow, PhoneNumber, Request } from "@ringback/core"
import type { LineState, What } from "../../Law.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import * as captions from "../captions.ts"
import * as inputs from "./inputs.ts"
import * as samples from "./samples.ts"
import * as timing from "./timing.ts"

export type Waiting = Extract<Step.Step<unknown, unknown>, { readonly _tag: "Waiting" }>

/** What a flow's future depends on outside of the flow. */
export interface World {
  readonly line: LineState
  /** Whoever calls: there, waiting since the flow began with something else, answered, or left again by the flow. */
  readonly caller: "there" | "waiting" | "answered" | "left"
  /** How long the open line may last, in seconds. */
  readonly limit: number
  /** The numbers of which nobody knows whether they rang: the engine does not ring them again by itself. */
  readonly unknown: ReadonlyArray<PhoneNumber.PhoneNumber>
  /** The deadlines that are set; the place of each is its number. */
  readonly deadlines: ReadonlyArray<timing.Deadline>
  /** How many holds in a row the line has borne, if they were spoken fast, since the flow said something. */
  readonly holds: number
  /** What time it is, where the flow asks for it. */
  readonly clock: timing.Clock | undefined
  readonly cancelled: boolean
}

export const before: World = {
  line: "none",
  caller: "there",
  limit: 0,
  unknown: [],
  deadlines: [],
  holds: 0,
  clock: undefined,
  cancelled: false
}

/** One thing that may happen, in words, and the step and the world after it. */
export interface Choice {
  readonly label: string
  readonly what: What
  readonly hungUp: boolean
  readonly world: World
  readonly step: Step.Step<unknown, unknown>
  /** The scope that ends, where one does. */
  readonly scope?: number
}

/** An activity that fails, among its sample results. */
export class Failing {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** What may be chosen where a flow leaves it open. */
export interface Samples {
  readonly keys: ReadonlyArray<string>
  readonly digits: ReadonlyArray<string>
  readonly activities: { readonly [name: string]: ReadonlyArray<unknown> }
  readonly signals: { readonly [name: string]: ReadonlyArray<unknown> }
  readonly now: ReadonlyArray<number>
  readonly random: ReadonlyArray<number>
  readonly bridges: ReadonlyArray<Request.Bridged>
  readonly callers: ReadonlyArray<{ readonly from: string | undefined; readonly to: string | undefined }>
  readonly cancel: boolean
}

/** What could not be tried at a place: why, and what to do about it. */
export interface Untried {
  readonly why: string
  readonly remedy: string
}

/** Notes what was asked for, and what could not be tried. */
export interface Findings {
  readonly asked: Set<string>
  /** The samples under `digits` that some prompt takes. */
  readonly taken: Set<string>
  /** What needs samples, by its name. */
  readonly missing: Map<string, Untried>
  /** What is tried at a prompt, by its schema and what it asks: found once. */
  readonly inputs: inputs.Found
  /** The kinds of results whose content cannot be seen, so that places with them are not merged. */
  readonly opaque: Set<string>
}

/** What is tried, where findings go, and how an end is brought into its stored form. */
export interface Trial {
  readonly samples: Samples
  readonly findings: Findings
  readonly finish: (exit: Step.Exit<unknown, unknown>) => Step.Exit<unknown, unknown>
  /** The signals that the flow declares. */
  readonly signals: ReadonlySet<string>
}

/** A flow waits for a signal that it does not declare, and is stopped. */
export class Undeclared extends Error {
  override readonly name = "InvalidFlow"
  constructor(signal: string) {
    super(`it waits for the signal ${JSON.stringify(signal)} and does not declare it: add it to its "signals"`)
  }
}

interface Option {
  readonly label: string
  readonly what: What
  readonly world: World
}

/** Where it counts what time it is. */
export const beforeTimed: World = { ...before, clock: { since: undefined, elapsed: 0 } }

/** The longest that a bridged or incoming line lasts ("Voice - Actions"; documented). */
const longestLine = 14_400

const responded = (label: string, response: Request.Response, world: World): Option => ({
  label,
  what: { _tag: "Responded", response },
  world
})

const isHold = ({ scope }: ReturnType<typeof Step.scopes>[number]): boolean => scope._tag === "Hold"

export const isHeld = (step: Waiting): boolean => Step.scopes(step).some(isHold)

export const isBounded = (step: Waiting): boolean => Step.scopes(step).some(({ scope }) => scope._tag === "Deadline")

/** Whether time passes over a request, so that other things can happen meanwhile. */
const takesTime = (request: Request.Request, world: World): boolean => {
  switch (request._tag) {
    case "Dial":
    case "Sleep":
    case "Activity":
    case "Signal":
      return true
    case "Prompt":
    case "Bridge":
      return world.line === "open"
    default:
      return false
  }
}

/** A hold that nobody listens to any more ends, and a flow that waits for a signal which it does not declare is stopped. */
const settle = (step: Step.Step<unknown, unknown>, world: World, trial: Trial): Step.Step<unknown, unknown> => {
  let settled = step
  while (settled._tag === "Waiting") {
    const unheld = world.line === "open" ? settled : Step.endHold(settled)
    const next = unheld === settled ? declaring(settled, trial) : unheld
    if (next === settled) return settled
    settled = next
  }
  return settled._tag === "Done" ? { ...settled, exit: trial.finish(settled.exit) } : settled
}

const declaring = (step: Waiting, { signals }: Trial): Step.Step<unknown, unknown> =>
  step.request._tag === "Signal" && !signals.has(step.request.name)
    ? Step.stop(step, { _tag: "Defect", defect: new Undeclared(step.request.name) })
    : step

/** The first step. `keyed` is for who asks for the places of steps. */
export const start = (
  flow: Flow.Flow<unknown, unknown, unknown>,
  trial: Trial,
  options: { readonly keyed: boolean }
): Step.Step<unknown, unknown> => settle(Step.start(flow, options), before, trial)

const stopOf = (
  request: Request.Request,
  what: Exclude<What, { readonly _tag: "Responded" | "HungUp" | "Expired" }>
): Step.Stop => {
  switch (what._tag) {
    case "Overdue":
      return { _tag: "Overdue", activity: request._tag === "Activity" ? request.name : "" }
    case "Died":
      return { _tag: "Defect", defect: new captions.ActivityDied("An activity died") }
    case "Cancelled":
      return { _tag: "Cancelled" }
  }
}

const after = (step: Waiting, option: Option, trial: Trial): Step.Step<unknown, unknown> => {
  const { what } = option
  switch (what._tag) {
    case "Responded":
      return settle(Step.next(step as never, what.response as never), option.world, trial)
    case "HungUp":
      return settle(step, option.world, trial)
    case "Expired":
      throw new Error("A deadline needs its scope")
    case "Overdue":
    case "Died":
    case "Cancelled":
      return settle(Step.stop(step, stopOf(step.request, what)), option.world, trial)
  }
}

/** Goes on from a step as a choice did from an equal one. `world` is that after the choice. */
export const follow = (
  step: Waiting,
  { scope, what }: Pick<Choice, "scope" | "what">,
  world: World,
  trial: Trial
): Step.Step<unknown, unknown> =>
  scope === undefined
    ? after(step, { label: "", what, world }, trial)
    : settle(Step.stop(step, { _tag: "Expired", scope }), world, trial)

/** All that may happen next. */
export const choices = (step: Waiting, before: World, trial: Trial): ReadonlyArray<Choice> => {
  const { request } = step
  const isWaiting = before.caller === "there" && takesTime(request, before)
  const world: World = {
    ...before,
    ...isWaiting ? { caller: "waiting" } : {},
    ...waitOf(request) === 0 && takesTime(request, before) ? { holds: 0 } : {}
  }
  if (!takesTime(request, world)) return responses(request, world, trial).map((option) => made(step, option, trial))
  const options = responses(request, world, trial).flatMap((option) => {
    const lasts = timing.lasts(request, option.what)
    return timing.isInTime(lasts, world.deadlines)
      ? [{ ...option, world: { ...passed(option.world, lasts), holds: borne(step, option.world, lasts.usual) } }]
      : []
  })
  return [
    ...madeAlike(step, options, trial),
    ...hangUps(step, world, options, trial),
    ...expiries(step, world, trial),
    ...trial.samples.cancel && !world.cancelled
      ? [made(step, { label: "is cancelled", what: { _tag: "Cancelled" }, world: cancelled(step, world) }, trial)]
      : []
  ]
}

/** What is stopped has no line any more, unless it waits for a finalizer that runs already. */
const cancelled = (step: Waiting, world: World): World => {
  const stopped = Step.stop(step, { _tag: "Cancelled" })
  const waitsOn = stopped._tag === "Waiting" && stopped.asks === step.asks
  return { ...world, line: world.line === "open" && !waitsOn ? "gone" : world.line, cancelled: true }
}

const made = (step: Waiting, option: Option, trial: Trial, hungUp = false): Choice => ({
  ...option,
  hungUp,
  step: after(step, option, trial)
})

/** What a flow makes of what it heard, where that is a text or a number; else nothing. */
const meant = ({ request, resume }: Waiting, { what, world }: Option): string | undefined => {
  if (request._tag !== "Prompt" || what._tag !== "Responded") return undefined
  try {
    const exit = resume(what.response as never)
    if (exit._tag !== "Success" || !["string", "number", "boolean", "undefined"].includes(typeof exit.value)) {
      return undefined
    }
    return `${world.line} ${typeof exit.value} ${String(exit.value)}`
  } catch {
    return undefined
  }
}

/** Keys of which a flow makes the same lead to the same step: it is gone to once. */
const madeAlike = (step: Waiting, options: ReadonlyArray<Option>, trial: Trial): ReadonlyArray<Choice> => {
  const known = new Map<string, Choice["step"]>()
  return options.map((option) => {
    const meaning = meant(step, option)
    const same = meaning === undefined ? undefined : known.get(meaning)
    if (same !== undefined) return { ...option, hungUp: false, step: same }
    const choice = made(step, option, trial)
    if (meaning !== undefined) known.set(meaning, choice.step)
    return choice
  })
}

/** The world when some time has passed. */
const passed = (world: World, lasts: timing.Lasts): World => ({
  ...world,
  deadlines: world.deadlines.map((deadline) => timing.later(deadline, lasts)),
  clock: timing.tick(world.clock, lasts)
})

/** Somebody hangs up while the flow waits for something else: a hold notices, any other wait goes on. */
const hangUps = (
  step: Waiting,
  world: World,
  options: ReadonlyArray<Option>,
  trial: Trial
): ReadonlyArray<Choice> => {
  const { request } = step
  if (world.line !== "open" || request._tag === "Prompt" || request._tag === "Bridge") return []
  const gone = passed({ ...world, line: "gone" }, timing.lasts(request, { _tag: "HungUp" }))
  return isHeld(step)
    ? [made(step, { label: "hangs up", what: { _tag: "HungUp" }, world: gone }, trial, true)]
    : options.map((option) =>
      made(
        step,
        { ...option, label: `${option.label}, hung up`, world: { ...option.world, line: "gone" } },
        trial,
        true
      )
    )
}

const expiries = (step: Waiting, world: World, trial: Trial): ReadonlyArray<Choice> =>
  Step.scopes(step).flatMap((found) => {
    const { scope } = found
    const isDeadline = scope._tag === "Deadline"
    const ends = isDeadline
      ? timing.canPass(step.request, scope.n, world.deadlines)
      : scope._tag === "HoldLimit" && outlastsHolds(step, world)
    const expired = ends ? Step.stop(step, { _tag: "Expired", scope: found.depth }) : step
    if (expired === step) return []
    const after = isDeadline ? expiredIn(world, scope.n) : world
    return [{
      label: isDeadline ? "time is up" : "is held too long",
      what: { _tag: "Expired" },
      hungUp: false,
      scope: found.depth,
      world: after,
      step: settle(expired, after, trial)
    }]
  })

/** The world when a deadline has passed: it does so once, and as much of the others is over as was left of it. */
const expiredIn = (world: World, n: number): World => {
  const lasts = timing.untilPassed(world.deadlines[n]!)
  const then = passed(world, lasts)
  return { ...then, deadlines: then.deadlines.map((deadline, i) => i === n ? timing.gone : deadline) }
}

/** How many holds a line may have borne in a row when a wait is over, if they are spoken fast. */
const borne = (step: Waiting, { holds, line }: World, millis: number): number => {
  const hold = Step.scopes(step).map(({ scope }) => scope).find((scope) => scope._tag === "Hold")
  if (line !== "open" || hold === undefined || waitOf(step.request) === 0) return holds
  const fastest = 2 * Settings.shortest(Settings.defaults, Action.prompt(hold.prompt), { withDigits: false })
  return Math.min(Settings.defaults.line.holds + 1, holds + millis / Math.max(300, fastest))
}

/** Whether a wait may outlast as many holds as a line bears. */
const outlastsHolds = (step: Waiting, world: World): boolean =>
  borne(step, world, waitOf(step.request)) > Settings.defaults.line.holds

const waitOf = (request: Request.Request): number => {
  switch (request._tag) {
    case "Sleep":
      return request.millis
    case "Activity":
    case "Signal":
      return request.withinMillis
    default:
      return 0
  }
}

const responses = (request: Request.Request, world: World, trial: Trial): ReadonlyArray<Option> => {
  const { samples } = trial
  switch (request._tag) {
    case "Dial":
      return dialled(request, world)
    case "Answer":
      return answered(world, samples)
    case "Prompt":
      return prompted(request, world, trial)
    case "Bridge":
      return bridged(world, samples)
    case "Leave":
      return [responded("", null, {
        ...world,
        line: "none",
        caller: world.caller === "answered" ? "left" : world.caller,
        limit: 0
      })]
    case "Sleep":
      return [responded("wakes", null, world)]
    case "Activity":
      return activity(request, world, trial)
    case "Signal":
      return signal(request, world, trial)
    case "SetDeadline":
      return [
        responded("", { n: world.deadlines.length }, {
          ...world,
          deadlines: [...world.deadlines, timing.deadline(request.millis)]
        })
      ]
    case "LiftDeadline":
      return [responded("", null, { ...world, deadlines: world.deadlines.slice(0, request.n) })]
    case "Now":
      return now(world, trial)
    case "Random":
      return samples.random.map((number) => responded(`draws ${number}`, number, world))
    case "Note":
      return [responded("", null, world)]
  }
}

/** A caller is answered once, and may have gone where the flow began with something else. Who was left stays so. */
const answered = (world: World, { callers }: Samples): ReadonlyArray<Option> => {
  const label = (caller: Samples["callers"][number]) => caller.from === undefined ? "calls without a number" : "calls"
  if (world.caller !== "there" && world.caller !== "waiting") {
    return callers.map((caller) => responded("", caller, world))
  }
  const then: World = { ...world, caller: "answered", limit: longestLine }
  const isThere = callers.map((caller) => responded(label(caller), caller, { ...then, line: "open" }))
  if (world.caller === "there") return isThere
  return [...isThere, ...callers.map((caller) => responded("has hung up", caller, { ...then, line: "gone" }))]
}

/**
 * The word with which a carrier, or a network, says it: those of the carrier of `TestCalls` here. Nobody says anything where it is not
 * known whether it rang, and where the call is given up while it rings.
 */
const statusOf = (
  { ringForMillis }: Extract<Request.Request, { readonly _tag: "Dial" }>,
  reason: typeof Request.NotAnsweredReason.Type
): { readonly status?: string } =>
  reason === "unknown" || (reason === "no answer" && ringForMillis <= PhoneLine.defaults.ringMillis)
    ? {}
    : { status: statuses[reason] }

export const statuses = {
  busy: PhoneLine.defaults.statuses.busy,
  "no answer": PhoneLine.defaults.statuses.noAnswer,
  failed: "failed",
  refused: "to_number_blocked_by_customer",
  "not authorized": "the carrier has not accepted the credentials for too long",
  "not sent": "ECONNREFUSED"
}

const dialled = (request: Extract<Request.Request, { readonly _tag: "Dial" }>, world: World): ReadonlyArray<Option> => {
  const reasons: ReadonlyArray<typeof Request.NotAnsweredReason.Type> =
    world.unknown.includes(request.to) && request.evenIfUnknown !== true
      ? ["unknown"]
      : ["busy", "no answer", "failed", "refused", "not authorized", "not sent", "unknown"]
  const unanswered = reasons.map((reason) =>
    responded(reason, { _tag: "NotAnswered", reason, ...statusOf(request, reason) }, {
      ...world,
      line: "none",
      unknown: reason === "unknown" && !world.unknown.includes(request.to)
        ? [...world.unknown, request.to]
        : world.unknown
    })
  )
  if (reasons.length === 1) return unanswered
  return [
    responded("answers", { _tag: "Answered" }, { ...world, line: "open", limit: request.maxCallDurationSeconds }),
    ...unanswered
  ]
}

const hungUp = (world: World): Option =>
  responded("hangs up", { _tag: "HungUp" }, { ...world, line: world.line === "open" ? "gone" : world.line })

const prompted = (
  request: Extract<Request.Request, { readonly _tag: "Prompt" }>,
  world: World,
  { findings, samples }: Trial
): ReadonlyArray<Option> => {
  if (world.line !== "open") return [{ ...hungUp(world), label: "" }]
  if (request.completions !== undefined) {
    const ends = request.completions.map((completed) =>
      responded(completed.digits === "" ? "completed" : completed.digits, { _tag: "Heard", ...completed }, world)
    )
    return [...ends, hungUp(world)]
  }
  const max = Action.digits(request.action)
  if (max === 0) return [responded("hears it", { _tag: "Heard", digits: "" }, world), hungUp(world)]
  const fitting = samples.digits.filter((digits) => digits.length <= max)
  for (const digits of fitting) if (request.accepts?.(digits) ?? true) findings.taken.add(digits)
  const tried = Array.from(new Set([...drawn(request, max, fitting, { findings, samples }), ...fitting]))
  if (request.accepts !== undefined && !tried.some(request.accepts)) {
    findings.missing.set(`prompt ${captions.ofRequest(request, world.line)}`, {
      why: "it takes none of the inputs that were tried",
      remedy: max === 1 ? `give one of its keys under "keys"` : `give an input that it takes under "digits"`
    })
  }
  return [
    ...tried.map((digits) => responded(digits, { _tag: "Heard", digits }, world)),
    responded("silence", { _tag: "Heard", digits: "" }, world),
    hungUp(world)
  ]
}

/** The inputs that are tried at a prompt besides those of the author. */
const drawn = (
  request: Extract<Request.Request, { readonly _tag: "Prompt" }>,
  max: number,
  fitting: ReadonlyArray<string>,
  { findings, samples }: Pick<Trial, "findings" | "samples">
): ReadonlyArray<string> => {
  if (max === 1) return samples.keys
  const first = samples.keys[0] ?? "0"
  const { accepts, schema } = request
  const probes = [first, first.repeat(max)]
  if (accepts === undefined || schema === undefined) return probes
  const asked = captions.ofRequest(request, "open")
  return [...probes, ...inputs.of(findings.inputs, { schema: schema(), max, asked }, accepts, [...probes, ...fitting])]
}

/** The time: what it was at first is given, and then it goes on by what was spoken and waited. */
const now = (world: World, { findings, samples }: Trial): ReadonlyArray<Option> => {
  findings.asked.add("the time")
  const { clock } = world
  if (clock?.since !== undefined) return [responded("", clock.since + clock.elapsed, world)]
  return samples.now.map((time, _, { length }) =>
    responded(
      length === 1 ? "" : `at ${time}`,
      time,
      clock === undefined ? world : { ...world, clock: { since: time, elapsed: 0 } }
    )
  )
}

const bridged = (world: World, { bridges }: Samples): ReadonlyArray<Option> =>
  world.line === "open"
    ? [...bridges.map((bridged) => responded(bridgedLabel(bridged), bridged, world)), hungUp(world)]
    : [{ ...hungUp(world), label: "" }]

const bridgedLabel = (bridged: Request.Bridged): string => {
  if (bridged._tag === "NotConnected") return "not connected"
  return bridged.who === "them" ? "they leave" : bridged.who === "caller" ? "the caller leaves" : "one leaves"
}

const activity = (
  request: Extract<Request.Request, { readonly _tag: "Activity" }>,
  world: World,
  { findings, samples: given }: Trial
): ReadonlyArray<Option> => {
  findings.asked.add(`activity ${request.name}`)
  const tried = given.activities[request.name]
  const values = tried ?? samples.all(request.encodeSuccess)
  const errors = tried === undefined ? samples.all(request.encodeError)?.map((error) => new Failing(error)) : []
  if (values === undefined || errors === undefined) {
    findings.missing.set(`activity ${request.name}`, {
      why: "it may come to too many values to try them all",
      remedy: `give what it may come to under "activities"`
    })
  }
  return [
    ...[...values ?? [], ...errors ?? []].map((value) => {
      const failing = value instanceof Failing
      const stored = failing ? request.encodeError(value.error) : request.encodeSuccess(value)
      if (stored._tag === "Failure") {
        throw new Error(`A sample of the activity ${request.name} does not fit its schema: ${stored.failure.message}`)
      }
      const label = failing ? `fails: ${shown(value.error)}` : value === undefined ? "done" : shown(value)
      return responded(label, { ok: !failing, value: stored.success }, world)
    }),
    ...Number.isFinite(request.withinMillis) ? [{ label: "overdue", what: { _tag: "Overdue" } as const, world }] : [],
    { label: "dies", what: { _tag: "Died" }, world }
  ]
}

const signal = (
  request: Extract<Request.Request, { readonly _tag: "Signal" }>,
  world: World,
  { findings, samples: given }: Trial
): ReadonlyArray<Option> => {
  findings.asked.add(`signal ${request.name}`)
  const values = given.signals[request.name] ?? probed(request.fits)
  if (values === undefined) {
    findings.missing.set(`signal ${request.name}`, {
      why: "it may tell too many values to try them all",
      remedy: `give what it may tell under "signals"`
    })
  }
  return [
    ...(values ?? []).map((value) => {
      if (!request.fits(value)) throw new Error(`A sample of the signal ${request.name} does not fit its schema`)
      return responded(value === null ? "told" : shown(value), { _tag: "Received", value }, world)
    }),
    ...Number.isFinite(request.withinMillis) ? [responded("not told", { _tag: "Expired" }, world)] : []
  ]
}

/** The values of a signal, if they are nothing or a truth value. */
const probed = (fits: (value: unknown) => boolean): ReadonlyArray<unknown> | undefined => {
  const found = [null, true, false, 0, "", "text", {}, []].filter(fits)
  return found.length === 1 && found[0] === null
    ? [null]
    : found.length === 2 && found.every((value) => typeof value === "boolean")
    ? found
    : undefined
}

const shown = (value: unknown): string => {
  const tag = typeof value === "object" && value !== null && "_tag" in value ? String(value._tag) : undefined
  const text = tag ?? (typeof value === "string" ? value : JSON.stringify(value) ?? String(value))
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

/** The place that a step has reached, as text: equal for equal futures. */
export const placeOf = (step: Step.Step<unknown, unknown>, findings: Findings): string => {
  if (step._tag === "Done") return `Done ${exitText(step.exit)}`
  const { key, opaque } = Step.place(step)
  for (const kind of opaque) findings.opaque.add(kind)
  return key
}

/** A value as JSON, in which what prints masked counts by its fields. */
export const wholeOf = (value: unknown): string =>
  JSON.stringify(value, function(this: Record<string, unknown>, name: string, shown: unknown) {
    const own = this[name]
    if (typeof own === "bigint") return `${own}n`
    return typeof own === "object" && own?.constructor === Object ? { ...own } : shown
  })

/** What a flow asks at a step, or how it ended, as text. */
export const askedAt = (step: Step.Step<unknown, unknown>): string => {
  if (step._tag === "Done") return exitText(step.exit)
  const asked = Object.entries(step.request).filter(([name, value]) => name !== "effect" && typeof value !== "function")
  return `${wholeOf(asked)} ${wholeOf(Step.scopes(step).map(({ scope }) => scope))}`
}

const exitText = (exit: Step.Exit<unknown, unknown>): string =>
  exit._tag === "Stopped" && exit.why._tag === "Defect"
    ? `Defect ${exit.why.defect instanceof Error ? exit.why.defect.message : String(exit.why.defect)}`
    : JSON.stringify(exit)
