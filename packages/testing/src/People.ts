/**
 * Random people who meet a flow in the whole engine, for properties of what is heard and how it ends.
 *
 * ```ts
 * it("nobody is reminded twice", () =>
 *   People.always(Reminder, input, ({ heard }) => heard.length <= 1))
 * ```
 *
 * @since 0.1.0
 */
import { Calls, Ladder } from "@ringback/core"
import type { CallError, CallEvent, Flow, Settings } from "@ringback/core"
import { Arbitrary, Effect, type Exit, Fiber, Predicate, Schema } from "effect"
import * as Arbitraries from "./Arbitraries.ts"
import * as FakeClock from "./FakeClock.ts"
import * as usersCode from "./internal/usersCode.ts"
import * as PhoneCompany from "./PhoneCompany.ts"
import * as PhoneLine from "./PhoneLine.ts"
import * as TestCalls from "./TestCalls.ts"

/**
 * What became of a call. `heard` are the words of all prompts, in their order, with what was said while the flow waited; a file is its address.
 * Prints as the ladder of the call, with all that was said and pressed.
 *
 * @since 0.1.0
 */
export interface Lived<out A, out E> {
  readonly outcome: Exit.Exit<A, E | CallError.CallStopped | CallError.CallNotFound>
  readonly heard: ReadonlyArray<string>
  /** How often a phone rang. */
  readonly rings: number
  readonly events: ReadonlyArray<CallEvent.CallEvent>
  readonly ladder: string
}

/**
 * How a flow meets people. `company` is how the phone company behaves; if nothing is said, it tells whether who is bridged has answered.
 * `meanwhile` is what the application does once the call has begun, such as telling it signals; it is broken off with the end of the call.
 *
 * @since 0.1.0
 */
export interface Options<in A, in E, out Signals extends Flow.AnySignal> {
  readonly company?: PhoneLine.Changes
  readonly settings?: Settings.Options
  readonly meanwhile?: (call: Calls.Handle<A, E, Signals>) => Effect.Effect<unknown, unknown, never>
}

/**
 * Says in the `PhoneCompany` that these people are there. Who calls, calls by `TestCalls.incoming`.
 *
 * @since 0.1.0
 */
export const arrive = (people: Arbitraries.People): Effect.Effect<void, never, PhoneCompany.PhoneCompany> =>
  Effect.forEach(people.rung, ({ callees, number }) => PhoneCompany.callee(number, callees), { discard: true })

/**
 * A flow meets people: a call with them in an engine of its own, in virtual time, until it has ended and everybody has hung up. The services of
 * the flow's activities are left to provide.
 *
 * @example
 * const { heard, outcome } = yield* People.meet(Reminder, input, callee)
 * @since 0.1.0
 */
export const meet = <Name extends string, Input, A, E, R, Signals extends Flow.AnySignal>(
  flow: Flow.Definition<Name, Input, A, E, R, Signals>,
  input: NoInfer<Input>,
  people: Arbitraries.People,
  options: Options<A, E, Signals> = {}
): Effect.Effect<Lived<A, E>, never, Exclude<R, Flow.Incoming>> => {
  const { company = tellsOfBridges, meanwhile, settings } = options
  const { caller } = people
  const inbound = caller === undefined ? {} : { [caller.to]: flow as unknown as Calls.Answering }
  const engine = TestCalls.layer({
    flows: caller === undefined ? [flow as never] : [],
    inbound: inbound as never,
    company,
    ...settings === undefined ? {} : { settings }
  })
  return Effect.gen(function*() {
    yield* arrive(people)
    const call = caller === undefined
      ? yield* Calls.start(flow as never, input)
      : yield* TestCalls.incoming(flow as never, caller)
    const told = call as unknown as Calls.Handle<A, E, Signals>
    const working = yield* Effect.forkChild(meanwhile === undefined ? Effect.void : Effect.ignore(meanwhile(told)))
    const outcome = yield* Effect.exit(told.outcome)
    yield* Fiber.interrupt(working)
    yield* allHungUp
    const events = yield* Calls.events(told.id)
    return {
      outcome: outcome as Lived<A, E>["outcome"],
      heard: events.flatMap(wordsOf),
      rings: (yield* PhoneCompany.rings).length,
      events,
      ladder: Ladder.text(Ladder.make(events, { reveal: true }))
    }
  }).pipe(Effect.orDie, Effect.provide(engine)) as never
}

/** The outcome of a call comes before its line is closed. */
const allHungUp = Effect.gen(function*() {
  yield* FakeClock.settle
  while ((yield* PhoneCompany.lines).some(({ state }) => state._tag !== "Ended") && (yield* FakeClock.jump)) {
    yield* FakeClock.settle
  }
})

/** A carrier that tells what became of a bridge, so that all of it can happen. */
const tellsOfBridges: PhoneLine.Changes = { legAnswers: true }

const wordsOf = (event: CallEvent.CallEvent): ReadonlyArray<string> => {
  if (event._tag !== "ActionDecided" && event._tag !== "HoldAnswered") return []
  const words = PhoneLine.words(event.action)
  return words === "" ? [] : [words]
}

/**
 * People were met for whom a property does not hold. The message shows those with a shortest script, the call as a ladder, and the seed.
 *
 * @since 0.1.0
 */
export class NotAlways extends Schema.TaggedError<NotAlways>()("NotAlways", {
  flow: Schema.String,
  people: Schema.String,
  why: Schema.String,
  ladder: Schema.String,
  /** How many were met before, and how many of those that follow had a shorter script and were met, too. */
  met: Schema.Int,
  seed: Schema.Int
}) {
  override get message() {
    return [
      `The flow ${this.flow} met somebody for whom it does not hold: ${this.why}`,
      `The shortest script that does so:\n  ${this.people.replaceAll("\n", "\n  ")}`,
      this.ladder,
      `It was number ${this.met} of those that the seed ${this.seed} draws.`
    ].join("\n\n")
  }
}

/** A flow whose activities need nothing. */
type Alone<R> = [Exclude<R, Flow.Incoming>] extends [never] ? unknown
  : "Its activities need services: use it.effect.prop with Arbitraries.calleeOf and People.meet, and provide them"

/**
 * A property of a flow, whomever it meets: for tests that know nothing of Effect. Random people are met (`runs`, 100 if not said), and it has to
 * hold after each call: `false` or a throw says that it does not. Then it rejects with `NotAlways`.
 *
 * @example
 * it("nobody is reminded twice", () =>
 *   People.always(Reminder, input, ({ heard }) => heard.length <= 1))
 * @stability unstable
 * @since 0.1.0
 */
export const always = <Name extends string, Input, A, E, R, Signals extends Flow.AnySignal>(
  flow: Flow.Definition<Name, Input, A, E, R, Signals> & Alone<R>,
  input: NoInfer<Input>,
  property: (lived: Lived<A, E>, people: Arbitraries.People) => boolean | void,
  options: Options<A, E, Signals> & {
    readonly samples?: Arbitraries.Samples
    readonly runs?: number
    readonly seed?: number
  } = {}
): Promise<void> => {
  const at = usersCode.here()
  const { runs = 100, samples, seed = Math.floor(Math.random() * 2 ** 31), ...rest } = options
  if (!Number.isSafeInteger(seed)) {
    return Promise.reject(usersCode.from(new RangeError(`A seed is a whole number, and not ${String(seed)}`), at))
  }
  const definition = flow as Flow.Definition<Name, Input, A, E, R, Signals>
  const lives = (people: Arbitraries.People) =>
    Effect.map(meet(definition, input, people, rest), (lived) => ({ lived, why: whyNot(property, lived, people) }))
  const check = Effect.gen(function*() {
    const callee = Arbitraries.calleeOf(definition as never, input as never, samples)
    const result = yield* Arbitrary.checkEffect(
      callee,
      (people) => Effect.map(lives(people), ({ why }) => why === undefined),
      { runs, seed }
    )
    if (result._tag !== "Falsified") return
    const people = result.shrunkInput
    const { lived: { ladder }, why = "not the second time" } = yield* lives(people)
    const found = { flow: flow.name, people: String(people), why, ladder, met: result.runs, seed }
    return yield* usersCode.from(new NotAlways(found), at)
  })
  return Effect.runPromise(check as Effect.Effect<void, NotAlways>)
}

/** Why a property does not hold, if it does not. */
const whyNot = <A, E>(
  property: (lived: Lived<A, E>, people: Arbitraries.People) => boolean | void,
  lived: Lived<A, E>,
  people: Arbitraries.People
): string | undefined => {
  try {
    const held: unknown = property(lived, people)
    if (!Predicate.isPromiseLike(held)) return held === false ? "it is false" : undefined
    held.then(undefined, () => {})
    return "it gives a promise, which nobody waits for: give a property that says so at once, or use it.effect.prop with People.meet"
  } catch (thrown) {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  }
}
