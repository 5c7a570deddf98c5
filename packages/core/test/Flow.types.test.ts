import { describe, it } from "@effect/vitest"
import { Context, Effect, type Layer, Schema } from "effect"
import { expectTypeOf } from "vitest"
import { Calls, Flow, Line, PhoneNumber } from "../src/index.ts"
import type { CallError, EventStore, Request, Transport } from "../src/index.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const parties = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }
const base = { version: 1, input: parties, output: Schema.Void }

class Locked extends Schema.TaggedError<Locked>()("Locked", {}) {}
class Down extends Schema.TaggedError<Down>()("Down", { host: Schema.String }) {}
class Other extends Schema.TaggedError<Other>()("Other", {}) {}
class Pins
  extends Context.Service<Pins, { readonly verify: (pin: string) => Effect.Effect<boolean, Down> }>()("Pins")
{}

const verifyPin = (pin: string) =>
  Flow.activity(
    "verify-pin",
    { success: Schema.Boolean, error: Down },
    Effect.flatMap(Pins, (pins) => pins.verify(pin))
  )

describe("what a flow's type says", () => {
  it("a conversation shows its value, its failures and its need of a line", () => {
    const entry = Flow.gen(function*() {
      for (let attempt = 1; attempt <= 3; attempt++) {
        const pin = yield* Line.collect("Enter your PIN.", { max: 4 })
        if (yield* verifyPin(pin)) return "admitted"
        yield* Line.speak("That is not right.")
      }
      return yield* Flow.fail(new Locked())
    })
    expectTypeOf(entry).toEqualTypeOf<
      Flow.Flow<"admitted", Flow.HungUp | Flow.NoInput | Down | Locked, Flow.Line | Pins>
    >()
  })

  it("what a flow ends with keeps its literal type", () => {
    const answer = Flow.gen(function*() {
      const digits = yield* Line.collect("1 or 2?", { max: 1 })
      return digits === "1" ? "one" : { other: digits, at: 2 }
    })
    expectTypeOf(answer).toEqualTypeOf<
      Flow.Flow<"one" | { readonly other: string; readonly at: 2 }, Flow.HungUp | Flow.NoInput, Flow.Line>
    >()
    expectTypeOf(Flow.catchTag(answer, ["HungUp", "NoInput"], () => Flow.succeed("none"))).toEqualTypeOf<
      Flow.Flow<"one" | { readonly other: string; readonly at: 2 } | "none", never, Flow.Line>
    >()
    expectTypeOf(Flow.as(answer, "done")).toEqualTypeOf<
      Flow.Flow<"done", Flow.HungUp | Flow.NoInput, Flow.Line>
    >()
    const counted = Flow.reducer({
      initial: 0,
      decide: (count) => count === 3 ? { done: "enough" } : { ask: Flow.succeed(1) },
      evolve: (count, one) => count + one
    })
    expectTypeOf(counted).toEqualTypeOf<Flow.Flow<"enough">>()
  })

  it("Flow.dial discharges the line and adds NotAnswered", () => {
    const call = Line.speak("x").pipe(Flow.dial({ to, from }))
    expectTypeOf(call).toEqualTypeOf<Flow.Flow<void, Flow.HungUp | Flow.NotAnswered, Flow.NoLine>>()
    expectTypeOf(Flow.dial(Line.speak("x"), { to, from })).toEqualTypeOf(call)
  })

  it("Flow.make leaves the services of activities and nothing else to require", () => {
    expectTypeOf(Door).toEqualTypeOf<
      Flow.Definition<
        "door",
        { readonly to: PhoneNumber.PhoneNumber; readonly from: PhoneNumber.PhoneNumber },
        boolean,
        Down | Flow.NotAnswered,
        Pins,
        never
      >
    >()
  })

  it("choices made of data are the type of what they hold", () => {
    const choices: Record<string, "Thursday" | "Friday"> = { "1": "Thursday", "2": "Friday" }
    expectTypeOf(Line.menu("1 or 2", { choices })).toEqualTypeOf<
      Flow.Flow<"Thursday" | "Friday", Flow.HungUp | Flow.NoInput, Flow.Line>
    >()
  })

  it("a menu's choices are the type of its answer", () => {
    const choice = Line.menu("1 or 2", { choices: { "1": "kept", "2": "cancelled" } })
    expectTypeOf(choice).toEqualTypeOf<
      Flow.Flow<"kept" | "cancelled", Flow.HungUp | Flow.NoInput, Flow.Line>
    >()
  })

  it("catchTag takes away the failures that it names", () => {
    const call = Line.menu("1", { choices: { "1": "yes" } }).pipe(
      Flow.dial({ to, from }),
      Flow.catchTag(["NotAnswered", "NoInput"], () => Flow.succeed("unreached" as const))
    )
    expectTypeOf(call).toEqualTypeOf<Flow.Flow<"yes" | "unreached", Flow.HungUp, Flow.NoLine>>()
  })
})

const Support = Flow.make("support", {
  version: 1,
  input: {},
  output: Schema.Unknown,
  run: () => Flow.inbound(() => Line.bridge({ to, from }))
})

const callsBack = Line.speak("Hello.").pipe(Flow.dial({ to, from }))
const Notes = Flow.make("notes", { ...base, input: {}, run: () => Flow.note("called") })

const Door = Flow.make("door", {
  ...base,
  output: Schema.Boolean,
  error: Down,
  run: (who) => verifyPin("1234").pipe(Flow.dial(who))
})

describe("what the engine's type says", () => {
  it("the services of activities are left to provide, and what a call needs is not", () => {
    const layer = Calls.layer({ flows: [Door], inbound: { "15550170009": Support } })
    expectTypeOf(layer).toEqualTypeOf<
      Layer.Layer<
        Calls.Calls,
        CallError.DuplicateFlow | CallError.FlowsMissing | EventStore.StoreError,
        EventStore.EventStore | Transport.Transport | Pins
      >
    >()
  })

  it("the outcome of a call has the flow's own type and errors", () => {
    const started = Calls.start(Door, { to, from })
    type Outcome = Effect.Success<typeof started>["outcome"]
    expectTypeOf<Effect.Success<Outcome>>().toEqualTypeOf<boolean>()
    expectTypeOf<Effect.Error<Outcome>>().toEqualTypeOf<
      Down | Flow.NotAnswered | CallError.CallStopped | CallError.CallNotFound | EventStore.StoreError
    >()
  })
})

describe("what more of a flow's type says", () => {
  it("catchTags takes away what it handles, and adds what the handlers give", () => {
    const call = Line.menu("1", { choices: { "1": "yes" } }).pipe(
      Flow.dial({ to, from }),
      Flow.catchTags({
        NotAnswered: (error) => Flow.succeed(error.reason),
        NoInput: (error) => Flow.succeed(error.attempts)
      })
    )
    expectTypeOf(call).toEqualTypeOf<
      Flow.Flow<"yes" | typeof Request.NotAnsweredReason.Type | number, Flow.HungUp, Flow.NoLine>
    >()
  })

  it("a schema decides what collected digits are", () => {
    const amount = Line.collect("How many?", { max: 2, schema: Schema.NumberFromString })
    expectTypeOf(amount).toEqualTypeOf<Flow.Flow<number, Flow.HungUp | Flow.NoInput, Flow.Line>>()
  })

  it("a reducer has the types of what it asks", () => {
    const reducer = Flow.reducer({
      initial: { tries: 0, admitted: false },
      decide: (state) =>
        state.admitted || state.tries === 3
          ? { done: state.admitted }
          : { ask: Flow.flatMap(Line.collect("PIN?", { max: 4 }), verifyPin) },
      evolve: (state, right) => ({ tries: state.tries + 1, admitted: right })
    })
    expectTypeOf(reducer).toEqualTypeOf<
      Flow.Flow<boolean, Flow.HungUp | Flow.NoInput | Down, Flow.Line | Pins>
    >()
  })

  it("a hold adds the hang-up and the line, a timeout adds TimedOut", () => {
    const Agent = Flow.Signal("agent", Schema.Int)
    const waiting = Flow.signal(Agent, { within: "2 minutes" }).pipe(Line.hold("One moment."))
    expectTypeOf(waiting).toEqualTypeOf<
      Flow.Flow<number, Flow.TimedOut | Flow.HungUp, Flow.Line | Flow.Signal<"agent", number>>
    >()
    expectTypeOf(Line.speak("x").pipe(Flow.timeout("1 minute"))).toEqualTypeOf<
      Flow.Flow<void, Flow.TimedOut | Flow.HungUp, Flow.Line>
    >()
  })
})

// Everything below is code that must not compile. It is never run.
// @effect-diagnostics floatingEffect:off missingLayerContext:off
export const mistakes = () => {
  // @ts-expect-error bridging a line that we dialled: the documents allow it for callers only
  Flow.make("m", { ...base, run: (who) => Flow.as(Line.bridge(who), undefined).pipe(Flow.dial(who)) })

  // @ts-expect-error an inbound flow is registered, not started
  Calls.start(Support, {})

  // @ts-expect-error a flow that dials cannot answer
  Calls.layer({ flows: [], inbound: { "15550170009": Door } })

  // @ts-expect-error a flow that dials and never answers
  Calls.layer({ flows: [], inbound: { "15550170009": Flow.make("m", { ...base, input: {}, run: () => callsBack }) } })

  // @ts-expect-error one of two flows never answers
  Calls.layer({ flows: [], inbound: { "15550170008": Support, "15550170009": Notes } })

  // @ts-expect-error a menu whose choice is not handled
  const unhandled: (choice: "kept" | "cancelled") => string = (choice) => {
    switch (choice) {
      case "kept":
        return "See you."
    }
  }
  void unhandled

  // @ts-expect-error an activity whose service is not provided
  const incomplete: Layer.Layer<Calls.Calls, never, EventStore.EventStore | Transport.Transport> = Calls.layer({
    flows: [Door]
  })
  void incomplete

  // @ts-expect-error an input that lacks a field
  Calls.start(Door, { to })

  // @ts-expect-error speaking without a line: "This flow needs a live line: wrap the conversation in Flow.dial ..."
  Flow.make("m", { ...base, run: () => Line.speak("hello") })

  // @ts-expect-error a line is still needed after the dial has ended
  Flow.make("m", { ...base, run: (who) => Flow.flatMap(Line.speak("a").pipe(Flow.dial(who)), () => Line.speak("b")) })

  // @ts-expect-error a dial inside of a live line
  Flow.make("m", { ...base, run: (who) => Line.speak("b").pipe(Flow.dial(who), Flow.dial(who)) })

  // @ts-expect-error an error of the flow's own that is not declared
  Flow.make("m", { ...base, run: (who) => Flow.fail(new Locked()).pipe(Flow.dial(who)) })

  // @ts-expect-error an error other than the declared one
  Flow.make("m", { ...base, error: Other, run: (who) => Flow.fail(new Locked()).pipe(Flow.dial(who)) })

  Flow.make("m", {
    ...base,
    output: Schema.Literal("kept"),
    // @ts-expect-error an output that the schema does not allow
    run: (who) => Line.menu("x", { choices: { "1": "kept", "2": "cancelled" } }).pipe(Flow.dial(who))
  })

  // @ts-expect-error a choice of more than one key
  Line.menu("x", { choices: { "12": "kept" } })

  // @ts-expect-error an Effect is run by Flow.activity
  Flow.gen(function*() {
    yield* Effect.succeed(1)
  })

  // @ts-expect-error yield without its star
  Flow.gen(function*() {
    yield Line.speak("x")
  })

  // @ts-expect-error an error fails through Flow.fail
  Flow.gen(function*() {
    return yield* new Locked()
  })

  // @ts-expect-error a result that the schema of the activity does not allow
  Flow.activity("x", { success: Schema.Boolean }, Effect.succeed("yes"))

  // @ts-expect-error a failure that the activity does not declare
  Flow.activity("x", { success: Schema.Boolean }, Effect.fail(new Locked()))

  // @ts-expect-error a finalizer that can fail
  Flow.ensuring(Line.speak("a"), Flow.fail("x"))

  // @ts-expect-error a tag that cannot occur
  Flow.catchTag(Line.speak("a"), "Nope", () => Flow.succeed(1))

  // @ts-expect-error a number that was not checked
  Line.speak("x").pipe(Flow.dial({ to: "15550170001", from }))
}
