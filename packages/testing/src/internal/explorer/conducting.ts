/** A path of the explorer lived by the engine. What the flow asked then, and how it ended, is compared with the path. */
import { Calls, EventStore, Flow, Transport } from "@ringback/core"
import type { Action, CallEvent, LiveCall, Step } from "@ringback/core"
import { Cause, Effect, Layer, Option, References, Schema } from "effect"
import * as FakeClock from "../../FakeClock.ts"
import * as PhoneCompany from "../../PhoneCompany.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import * as TestCalls from "../../TestCalls.ts"
import { statuses } from "./choices.ts"
import type { Exchange } from "./paths.ts"
import { type Given, type Plan, planOf, type Played, type Reason } from "./planning.ts"

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
  return `${exit._tag} ${JSON.stringify(own ?? null)}`
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
        reason: new Transport.Refused({ status: statuses.refused })
      })
    case "unknown":
      return new Transport.TransportError({ reason: new Transport.Lost({ problem: "as the path has it" }) })
    case "not sent":
      return new Transport.TransportError({ reason: new Transport.NotSent({ problem: statuses["not sent"] }) })
    case "not authorized":
      return new Transport.TransportError({
        reason: new Transport.NotSent({ problem: "HTTP 401", obstacle: "credentials" })
      })
    default:
      return undefined
  }
}

/** A carrier that tells what became of a bridge, so that all of it can happen. */
const company: PhoneLine.Changes = { legAnswers: true }

const playing = (played: Played | undefined): Effect.Effect<unknown, unknown> => {
  const now = () => {
    switch (played?.comes) {
      case undefined:
      case "never":
        return Effect.never
      case "dies":
        return Effect.die(new Error("The activity died, as the path has it"))
      case "succeeds":
        return Effect.succeed(played.value)
      case "fails":
        return Effect.fail(played.value)
    }
  }
  return played?.isLate === true ? Effect.delay(now(), "1 second") : now()
}

/** The engine with this flow alone, in a world that does what a plan says. */
const world = (definition: LiveCall.AnyDefinition, plan: Plan) => {
  const seen = { dials: 0, activities: 0 }
  const store = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (inner) =>
      EventStore.EventStore.of({
        ...inner,
        append: (turn, summary, options) => {
          for (const event of turn.events) {
            if (event._tag === "DialPlanned") seen.dials++
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
    Layer.succeed(Calls.ActivityDouble, () => playing(plan.activities[seen.activities++]))
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
  path: ReadonlyArray<Exchange>,
  given: Given
): Effect.Effect<Lived, string> =>
  Effect.suspend(() => {
    const plan = planOf(path, given)
    return conduct(definition, input, plan).pipe(Effect.provide(world(definition, plan)))
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.fail(`The engine could not live it: ${Cause.pretty(cause)}`))
  )

const conduct = Effect.fnUntraced(function*(definition: LiveCall.AnyDefinition, input: unknown, plan: Plan) {
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
  for (const { after, isLate, tells, times } of plan.deeds) {
    yield* TestCalls.untilRecorded({ id }, after, { times })
    if (isLate) yield* Effect.sleep("1 second")
    if (tells === undefined) yield* calls.cancel(id)
    else {
      const signal = Flow.Signal(tells.name, Schema.Json)
      yield* Effect.ignore(calls.signal(id, signal, tells.value as Schema.Json))
    }
  }
  yield* calls.outcome(id)
  const turns = yield* store.read(id)
  return ofLog(turns.flatMap(({ events }) => events))
})
