/**
 * A path of the explorer lived by the engine: who answers does what the path says, activities come to what it says, signals are
 * told when they are waited for. What the flow asked then, and how it ended, is compared with the path.
 */
import { Calls, EventStore, Flow, Transport } from "@ringback/core"
import type { Action, CallEvent, LiveCall, Request, Step } from "@ringback/core"
import { Cause, Effect, Layer, Option, Queue, References, Result, Schema } from "effect"
import * as Callee from "../../Callee.ts"
import * as FakeClock from "../../FakeClock.ts"
import * as PhoneCompany from "../../PhoneCompany.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import * as TestCalls from "../../TestCalls.ts"
import type { Exchange } from "./paths.ts"

type Of<Tag extends Request.Request["_tag"]> = Extract<Request.Request, { readonly _tag: Tag }>
type Reason = typeof Request.NotAnsweredReason.Type

/** What the world does on a path. */
export interface Plan {
  /** Who is rung at each number, one after the other. */
  readonly callees: Map<string, Array<Callee.Script>>
  /** Who calls, where somebody does. */
  readonly caller: Option.Option<{ readonly to: string; readonly from: string; readonly callee: () => Callee.Script }>
  /** What becomes of each dial that is sent. */
  readonly dials: ReadonlyArray<Reason | "answered">
  readonly activities: ReadonlyArray<Effect.Effect<unknown, unknown>>
  /** What is told to each signal that is waited for. */
  readonly signals: ReadonlyArray<Option.Option<{ readonly name: string; readonly value: unknown }>>
}

/** What a test of the engine cannot make happen at will. */
export const isBeyond = ({ happened, request, what }: Exchange): boolean =>
  what._tag === "Expired" || what._tag === "Cancelled" || request._tag === "Random" || happened === "has hung up" ||
  (request._tag === "Bridge" && (happened === "one leaves" || happened === "the caller leaves")) ||
  (request._tag === "Answer" && what._tag === "Responded" &&
    (what.response as Request.Responses["Answer"]).from === undefined)

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

/** Whether a path can be lived. */
export const isLivable = (path: ReadonlyArray<Exchange>): boolean => !path.some(isBeyond) && isScripted(path)

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

const decoded = (request: Of<"Activity">, { ok, value }: Request.ActivityResult): Effect.Effect<unknown, unknown> => {
  const encode = ok ? request.encodeSuccess : request.encodeError
  // The double is asked for a value as the flow gets it, and a sample has only its stored form left where a schema changes it.
  const same = encode(value)
  const given = Result.isSuccess(same) ? value : undefined
  return ok ? Effect.succeed(given) : Effect.fail(given)
}

const activityOf = (exchange: Exchange): Effect.Effect<unknown, unknown> => {
  const { hungUp, request, what } = exchange
  if (what._tag === "Overdue" || what._tag === "HungUp") return Effect.never
  if (what._tag !== "Responded") return Effect.die(new Error("The activity died, as the path has it"))
  const result = decoded(request as Of<"Activity">, what.response as Request.ActivityResult)
  return hungUp ? Effect.delay(result, "1 second") : result
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
  failed: Callee.fails("failed")
}

/** What the world has to do for a path to be lived. */
export const planOf = (path: ReadonlyArray<Exchange>): Plan => {
  const plan = {
    callees: new Map<string, Array<Callee.Script>>(),
    caller: Option.none() as Plan["caller"],
    dials: [] as Array<Reason | "answered">,
    activities: [] as Array<Effect.Effect<unknown, unknown>>,
    signals: [] as Array<Option.Option<{ readonly name: string; readonly value: unknown }>>
  }
  const unknown = new Set<string>()
  let person: Person | undefined
  for (const exchange of path) {
    const { hungUp, line, request, what } = exchange
    const response = what._tag === "Responded" ? what.response : undefined
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
    if (request._tag === "Activity") plan.activities.push(activityOf(exchange))
    if (request._tag === "Signal") {
      const told = response as Request.Responses["Signal"] | undefined
      plan.signals.push(
        told?._tag === "Received" ? Option.some({ name: request.name, value: told.value }) : Option.none()
      )
    }
    onPrompt(person, exchange)
    const prompts = person?.hearing.prompts ?? 0
    if (hungUp) person?.does((callee) => callee.hangsUpAfter(prompts))
    person?.hearing.add(exchange)
  }
  return plan
}

/** What became of a conversation, in lines that a log and a path both have. */
export interface Lived {
  readonly asked: ReadonlyArray<string>
  readonly end: string
}

const exitOf = (
  exit: { readonly _tag: string; readonly value?: unknown; readonly error?: unknown },
  why = ""
): string => {
  const own = exit._tag === "Success" ? exit.value : exit._tag === "Failure" ? exit.error : why
  const { status: _, ...rest } = typeof own === "object" && own !== null ? own as { readonly status?: unknown } : {}
  const isDial = typeof own === "object" && own !== null && "_tag" in own && own._tag === "NotAnswered"
  return `${exit._tag} ${JSON.stringify(isDial ? rest : own ?? null)}`
}

const spoken = (action: Action.Action): string =>
  action._tag === "Dial" ? `bridge to ${action.to}` : `${action._tag} ${PhoneLine.words(action)}`

/** What a path says. */
export const ofPath = (path: ReadonlyArray<Exchange>, exit: Step.Exit<unknown, unknown>): Lived => ({
  asked: path.flatMap(({ line, request }) => {
    switch (request._tag) {
      case "Dial":
        return [`dial ${request.to}`]
      case "Prompt":
      case "Bridge":
        return line === "open" ? [spoken(request.action)] : []
      case "Sleep":
        return ["sleep"]
      case "Activity":
      case "Signal":
        return [`${request._tag.toLowerCase()} ${request.name}`]
      case "Note":
        return [`note ${request.name}`]
      default:
        return []
    }
  }),
  end: exitOf(exit, exit._tag === "Stopped" ? exit.why._tag : "")
})

/** What a log says. */
const ofLog = (events: ReadonlyArray<CallEvent.CallEvent>): Lived => ({
  asked: events.flatMap((event) => {
    switch (event._tag) {
      case "DialPlanned":
        return [`dial ${event.to}`]
      case "ActionDecided":
        return [spoken(event.action)]
      case "SleepStarted":
        return ["sleep"]
      case "ActivityStarted":
        return [`activity ${event.name}`]
      case "SignalAwaited":
        return [`signal ${event.name}`]
      case "Noted":
        return [`note ${event.name}`]
      default:
        return []
    }
  }),
  end: events.flatMap((event) =>
    event._tag === "FlowEnded"
      ? [exitOf(event.exit, event.exit._tag === "Stopped" ? event.exit.reason._tag : "")]
      : []
  ).at(-1) ?? "it has not ended"
})

const lost = (reason: Reason | "answered" | undefined): Transport.TransportError | undefined => {
  switch (reason) {
    case "refused":
      return new Transport.TransportError({
        reason: new Transport.Refused({ status: "to_number_blocked_by_customer" })
      })
    case "unknown":
      return new Transport.TransportError({ reason: new Transport.Lost({ problem: "as the path has it" }) })
    case "not sent":
      return new Transport.TransportError({ reason: new Transport.NotSent({ problem: "as the path has it" }) })
    case "not authorized":
      return new Transport.TransportError({
        reason: new Transport.NotSent({ problem: "as the path has it", obstacle: "credentials" })
      })
    default:
      return undefined
  }
}

/** A carrier that tells what became of a bridge, so that all of it can happen. */
const company: PhoneLine.Changes = { legAnswers: true }

/** The engine with this flow alone, in a world that does what a plan says. */
const world = (definition: LiveCall.AnyDefinition, plan: Plan, signals: Queue.Queue<number>) => {
  const seen = { dials: 0, activities: 0, signals: 0 }
  const store = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (inner) =>
      EventStore.EventStore.of({
        ...inner,
        append: (turn, summary, options) => {
          for (const event of turn.events) {
            if (event._tag === "DialPlanned") seen.dials++
            if (event._tag === "SignalAwaited") Queue.offerUnsafe(signals, seen.signals++)
          }
          return inner.append(turn, summary, options)
        }
      }))
  ).pipe(Layer.provideMerge(EventStore.layerMemory))
  const transport = Layer.effect(
    Transport.Transport,
    Effect.map(PhoneCompany.PhoneCompany, (company) =>
      Transport.Transport.of({
        send: (action) => {
          const error = lost(plan.dials[seen.dials - 1])
          return error === undefined ? company.dial(action) : Effect.fail(error)
        }
      }))
  )
  const doubles = Layer.mergeAll(
    Layer.succeed(Calls.Chance, () => "00000000"),
    Layer.succeed(Calls.ActivityDouble, () => plan.activities[seen.activities++] ?? Effect.never)
  )
  const inbound = Option.match(plan.caller, {
    onNone: () => ({}),
    onSome: ({ to }) => ({ [to]: definition as unknown as Calls.Answering })
  })
  const engine = Calls.layer({
    flows: [definition],
    inbound,
    settings: TestCalls.engineSettings(PhoneLine.settings(company))
  } as never) as Layer.Layer<Calls.Calls, never, EventStore.EventStore | Transport.Transport>
  return TestCalls.connection.pipe(
    Layer.provideMerge(Layer.provide(engine, doubles)),
    Layer.provide(transport),
    Layer.provideMerge(PhoneCompany.layerWith(company)),
    Layer.provideMerge(store),
    Layer.provideMerge(FakeClock.layer),
    // What an operator should know of a bad day is no news in a test of one.
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
  )
}

/** Lives a path in the engine; fails with why it could not. */
export const live = (
  definition: LiveCall.AnyDefinition,
  input: unknown,
  path: ReadonlyArray<Exchange>
): Effect.Effect<Lived, string> =>
  Effect.gen(function*() {
    const plan = planOf(path)
    const signals = yield* Queue.unbounded<number>()
    return yield* conduct(definition, input, plan, signals).pipe(Effect.provide(world(definition, plan, signals)))
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.fail(`The engine could not live it: ${Cause.pretty(cause)}`))
  )

const conduct = Effect.fnUntraced(function*(
  definition: LiveCall.AnyDefinition,
  input: unknown,
  plan: Plan,
  signals: Queue.Queue<number>
) {
  const [calls, store] = [yield* Calls.Calls, yield* EventStore.EventStore]
  for (const [number, scripts] of plan.callees) yield* PhoneCompany.callee(number, scripts)
  const id = yield* Option.match(plan.caller, {
    onNone: () => Effect.map(calls.start(definition as never, input as never), (call) => call.id),
    onSome: ({ callee, from, to }) =>
      Effect.flatMap(
        PhoneCompany.incoming({ to, from, callee: callee() }),
        (referenceId) => Effect.andThen(FakeClock.settle, Effect.map(store.find(referenceId), Option.getOrThrow))
      )
  })
  yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
    const told = plan.signals[yield* Queue.take(signals)]
    if (told === undefined || Option.isNone(told)) return
    const { name, value } = told.value
    yield* Effect.ignore(calls.signal(id, Flow.Signal(name, Schema.Json), value as Schema.Json))
  })))
  yield* calls.outcome(id)
  const turns = yield* store.read(id)
  return ofLog(turns.flatMap(({ events }) => events))
})
