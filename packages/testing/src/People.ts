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
import { Calls, EventStore, Ladder } from "@ringback/core"
import type { CallError, CallEvent, Flow, Settings } from "@ringback/core"
import { Arbitrary, Cause, Effect, type Exit, Fiber, Logger, Predicate, Schema, Stream } from "effect"
import * as Arbitraries from "./Arbitraries.ts"
import * as FakeClock from "./FakeClock.ts"
import * as rules from "./internal/rules.ts"
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
  /** A call of more turns, in each of which something is put on record, counts as one without an end: 2,500 if nothing is said. */
  readonly turns?: number
  readonly meanwhile?: (call: Calls.Handle<A, E, Signals>) => Effect.Effect<unknown, unknown, never>
}

/** What they may be. */
const ruled: rules.Rules<Options<never, never, Flow.AnySignal>> = {
  company: rules.record,
  settings: rules.record,
  turns: rules.whole(1),
  meanwhile: rules.callback
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
 * the flow's activities are left to provide. A call that does not end within its `turns` dies with an error that says so.
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
  const at = usersCode.here()
  rules.check("People.meet", options, ruled)
  const { company = tellsOfBridges, meanwhile, settings, turns = mostTurns } = options
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
    const outcome = yield* Effect.raceFirst(Effect.exit(told.outcome), endless(flow.name, turns, at))
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

/** A call of more turns has no end. */
const mostTurns = 2_500

/** Dies once a call has had more turns than one with an end. */
const endless = (
  flow: string,
  turns: number,
  at: ReadonlyArray<string>
): Effect.Effect<never, never, EventStore.EventStore> =>
  Effect.gen(function*() {
    const { changes } = yield* EventStore.EventStore
    yield* Stream.runDrain(Stream.take(changes, turns))
    const error = new Error(
      `The flow ${flow} has not ended after ${turns} turns. Does it repeat for ever? ` +
        "Give what it repeats a bound, such as `times` of Flow.repeat and Flow.retry, or Flow.timeout around it. If it does end, say a larger number under \"turns\"."
    )
    return yield* Effect.die(usersCode.from(error, at))
  })

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
  const misused = rules.problem("People.always", options, {
    ...ruled,
    samples: rules.record,
    runs: rules.whole(1),
    seed: rules.whole(-Infinity)
  }, at)
  if (misused !== undefined) return Promise.reject(misused)
  const { runs = 100, samples, seed = Math.floor(Math.random() * 2 ** 31), ...rest } = options
  const definition = flow as Flow.Definition<Name, Input, A, E, R, Signals>
  const waits = new Waits()
  const lives = (people: Arbitraries.People) =>
    Effect.map(meet(definition, input, people, rest), (lived) => {
      waits.see(lived.events)
      return { lived, why: whyNot(property, lived, people) }
    })
  const callee = Effect.sync(() => Arbitraries.calleeOf(definition as never, input as never, samples))
  const check = Effect.gen(function*() {
    const result = yield* Arbitrary.checkEffect(
      yield* callee,
      (people) => Effect.map(lives(people), ({ why }) => why === undefined),
      { runs, seed }
    )
    if (result._tag !== "Falsified") {
      const [untold] = rest.meanwhile === undefined ? waits.untold : []
      return untold === undefined ? undefined : yield* Effect.fail(usersCode.from(nobodyTells(untold), at))
    }
    const people = result.shrunkInput
    const thrown: Array<string> = []
    const { lived: { ladder }, why } = yield* Effect.provide(lives(people), throwing(thrown))
    const found = { flow: flow.name, people: String(people), why: why?.words ?? "not the second time", ladder }
    const error = new NotAlways({ ...found, met: result.runs, seed })
    return yield* usersCode.from(error, [...new Set([...why?.at ?? [], ...thrown, ...at])])
  })
  return Effect.runPromise(Effect.catchDefect(check, (defect) => Effect.die(atLine(defect, at))) as Effect.Effect<void>)
}

/** A defect that names no line of somebody's own gets the line of the property. */
const atLine = (defect: unknown, at: ReadonlyArray<string>): unknown =>
  defect instanceof Error && usersCode.own(defect.stack).length === 0 ? usersCode.from(defect, at) : defect

/** Collects where the flow throws: what becomes of the call has only its words. */
const throwing = (into: Array<string>) =>
  Logger.layer([
    Logger.make(({ cause }) => {
      const thrown = Cause.squash(cause)
      if (thrown instanceof Error) into.push(...usersCode.own(thrown.stack))
    })
  ])

/** The signals that calls waited for, and those that they were told. */
class Waits {
  private readonly awaited = new Set<string>()
  private readonly told = new Set<string>()

  see(events: ReadonlyArray<CallEvent.CallEvent>): void {
    for (const event of events) {
      if (event._tag === "SignalAwaited") this.awaited.add(event.name)
      if (event._tag === "SignalReceived") this.told.add(event.name)
    }
  }

  get untold(): ReadonlyArray<string> {
    return [...this.awaited].filter((name) => !this.told.has(name))
  }
}

const nobodyTells = (signal: string) =>
  new Error(
    `Nobody tells the signal ${signal}, so it holds only for calls that wait for it in vain. Tell it under "meanwhile", or say there that ` +
      "nobody does: meanwhile: () => Effect.void."
  )

/** Why a property does not hold, and where that was found. */
interface Why {
  readonly words: string
  readonly at: ReadonlyArray<string>
}

const because = (words: string): Why => ({ words, at: [] })

/** Why a property does not hold, if it does not. */
const whyNot = <A, E>(
  property: (lived: Lived<A, E>, people: Arbitraries.People) => boolean | void,
  lived: Lived<A, E>,
  people: Arbitraries.People
): Why | undefined => {
  try {
    const held: unknown = property(lived, people)
    if (!Predicate.isPromiseLike(held)) return held === false ? because("it is false") : undefined
    held.then(undefined, () => {})
    return because(
      "it gives a promise, which nobody waits for: give a property that says so at once, or use it.effect.prop with People.meet"
    )
  } catch (thrown) {
    if (!(thrown instanceof Error)) return because(String(thrown))
    return { words: `${thrown.name}: ${thrown.message}`, at: usersCode.own(thrown.stack) }
  }
}
