/**
 * The conversation language. A flow is a value: pure data that says what to ask of the world and what to do with the
 * answer. Running it is a fold over events; nothing in it touches a clock, a network or randomness.
 *
 * As in `Effect.gen`, a failure does not come back into the generator of `Flow.gen`: `try` and `finally` never see it.
 * What a flow remembers lives inside the generator function, because that function may run again.
 *
 * @since 0.1.0
 */
import { Duration, Result, Schema } from "effect"
import type { Effect, Pipeable, Types } from "effect"
import { dual } from "effect/Function"
import * as bounds from "./internal/bounds.ts"
import { InvalidFlow } from "./internal/bounds.ts"
import { checked } from "./internal/flow/asking.ts"
import * as interpreter from "./internal/flow/interpreter.ts"
import * as signals from "./internal/flow/signal.ts"
import { type AnySignal, Signal } from "./internal/flow/signal.ts"
import { type PureCodec, readBack, schemaOf, storedForm, unlessThrown } from "./internal/flow/storedForm.ts"
import { longest } from "./internal/json.ts"
import * as PhoneNumber from "./PhoneNumber.ts"
import * as Request from "./Request.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Requirements
// ---------------------------------------------------------------------------------------------------------------------

declare const requirement: unique symbol

/**
 * The requirement of everything that speaks: a live line. `Flow.dial` and `Flow.inbound` discharge it.
 *
 * @since 0.1.0
 */
export interface Line {
  readonly [requirement]: "Line"
}

/**
 * The requirement of what only works for a caller: a live line that came in. `Flow.inbound` discharges it.
 *
 * @since 0.1.0
 */
export interface IncomingLine {
  readonly [requirement]: "IncomingLine"
}

/**
 * The requirement of what opens a line: that none is open. `Flow.make` discharges it.
 *
 * @since 0.1.0
 */
export interface NoLine {
  readonly [requirement]: "NoLine"
}

/**
 * The requirement of a flow that answers: that its call came in. `Calls.layer({ inbound })` discharges it.
 *
 * @since 0.1.0
 */
export interface Incoming {
  readonly [requirement]: "Incoming"
}

/**
 * Not a service: a mistake on its way to `Flow.make`, which reports it in these words.
 *
 * @since 0.1.0
 */
export interface Problem<out Words extends string> {
  readonly [requirement]: { readonly problem: Words }
}

// ---------------------------------------------------------------------------------------------------------------------
// Failures
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The far end is gone: it hung up, or the line was lost or left. Fails the next use of the line.
 *
 * @since 0.1.0
 */
export class HungUp extends Schema.TaggedError<HungUp>()("HungUp", {}) {
  override get message() {
    return "The far end hung up"
  }
}

/**
 * Nobody was reached. `status` keeps the carrier's own word where it gave one.
 *
 * @since 0.1.0
 */
export class NotAnswered extends Schema.TaggedError<NotAnswered>()("NotAnswered", {
  reason: Request.NotAnsweredReason,
  status: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `Nobody was reached: ${this.reason}`
  }
}

/**
 * No usable key was pressed in all attempts. `last` tells whether the last attempt brought silence or wrong keys.
 *
 * @since 0.1.0
 */
export class NoInput extends Schema.TaggedError<NoInput>()("NoInput", {
  last: Schema.Literals(["silence", "invalid"]),
  attempts: Schema.Int
}) {
  override get message() {
    return `No usable key was pressed in ${this.attempts} attempts`
  }
}

/**
 * A wait reached its deadline.
 *
 * @since 0.1.0
 */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {}) {
  override get message() {
    return "The time for this part of the call is over"
  }
}

/**
 * An activity took longer than it may, and its flow was to hear of it (`overdue: "fail"`). What it does elsewhere may be done or not.
 *
 * @since 0.1.0
 */
export class Overdue extends Schema.TaggedError<Overdue>()("Overdue", { activity: Schema.String }) {
  override get message() {
    return `The activity ${this.activity} took too long`
  }
}

/**
 * The codec of the failures that need no declaration in `Flow.make`.
 *
 * @since 0.1.0
 */
export const Failure = Schema.Union([HungUp, NotAnswered, NoInput, TimedOut, Overdue])

/**
 * The failures that need no declaration in `Flow.make`.
 *
 * @since 0.1.0
 */
export type Failure = typeof Failure.Type

export {
  /**
   * A part of a flow breaks a bound, so it is refused at the line that makes it: a duration that is not finite, a name that is
   * empty, data that has no form in JSON. `where` names the constructor, `problem` says what is allowed.
   *
   * Inside of a flow that runs it is a defect of the call, with these words.
   *
   * @since 0.1.0
   */
  InvalidFlow
}

/**
 * The longest that anything in a flow waits: ten years. No constructor takes a longer duration, or one that is not finite.
 *
 * @since 0.1.0
 */
export const maxDuration: Duration.Duration = Duration.millis(bounds.longestWait)

/**
 * The longest that one recorded value may be, in bytes of JSON: 64 KiB. It holds for inputs, outputs, errors, the results of
 * activities, the values of signals, notes, and spoken text.
 *
 * @since 0.1.0
 */
export const maxValueBytes: number = longest

/** Making an `Error` costs as much as a dozen transitions, so the failures without fields are made once. */
const timedOut = new TimedOut()

// ---------------------------------------------------------------------------------------------------------------------
// The type
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What `yield*` takes in `Flow.gen`. A type of its own, so that `yield` without the star, an Effect or an error class does
 * not compile there.
 *
 * @since 0.1.0
 */
export interface YieldedInFlowGen<out A, out E, out R> {
  readonly "yield* takes a Flow (an Effect runs in Flow.activity, an error fails through Flow.fail)": {
    readonly A: Types.Covariant<A>
    readonly E: Types.Covariant<E>
    readonly R: Types.Covariant<R>
  }
}

/**
 * A conversation, or a part of one: it ends with an `A`, fails with an `E`, and needs an `R`, which holds the services of
 * its activities and the lines that it speaks on.
 *
 * @since 0.1.0
 */
export interface Flow<out A, out E = never, out R = never> extends Pipeable.Pipeable {
  readonly "~ringback/Flow": {
    readonly A: Types.Covariant<A>
    readonly E: Types.Covariant<E>
    readonly R: Types.Covariant<R>
  }
  [Symbol.iterator](): Iterator<YieldedInFlowGen<A, E, R>, A, unknown>
}

/**
 * Some flow, whatever its types.
 *
 * @since 0.1.0
 */
export type Any = Flow<unknown, unknown, unknown>

/**
 * What a flow ends with, or any of several.
 *
 * @since 0.1.0
 */
export type ValueOf<F> = F extends Flow<infer A, unknown, unknown> ? A : never

/**
 * What a flow fails with, or any of several.
 *
 * @since 0.1.0
 */
export type ErrorOf<F> = F extends Flow<unknown, infer E, unknown> ? E : never

/**
 * What a flow needs, or any of several.
 *
 * @since 0.1.0
 */
export type NeedsOf<F> = F extends Flow<unknown, unknown, infer R> ? R : never

const toProgram = (flow: Any): interpreter.Program => flow as never
const fromNode = <A, E, R>(node: interpreter.Node): Flow<A, E, R> => new interpreter.Program(node) as never

const { failure, success } = interpreter

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A flow that ends at once with `value`. Like all that ends a flow it keeps literal types, without `as const`.
 *
 * @since 0.1.0
 */
export const succeed = <const A>(value: A): Flow<A> => fromNode({ _tag: "End", exit: success(value) })

/**
 * A flow that fails at once with `error`. An error of your own needs its schema under `error` in `Flow.make`.
 *
 * @since 0.1.0
 */
export const fail = <E>(error: E): Flow<never, E> => fromNode({ _tag: "End", exit: failure(error) })

/**
 * A flow that is made when it is reached.
 *
 * @since 0.1.0
 */
export const suspend = <A, E, R>(make: () => Flow<A, E, R>): Flow<A, E, R> =>
  fromNode({ _tag: "Suspend", make: make as () => never })

/**
 * Asks the world and goes on with the response. The constructors of `Flow` and `Line` are built on it; an application
 * needs it only for a request that they do not cover. Throws `InvalidFlow` for what could not be recorded.
 *
 * @since 0.1.0
 */
export const ask = <Q extends Request.Request, A, E = never, R = never>(
  request: Q,
  resume: (response: Request.Responses[Q["_tag"]]) => interpreter.Exit<A, E>
): Flow<A, E, R> => fromNode({ _tag: "Await", request: checked(request), resume })

/**
 * Writes a flow as a generator: `yield*` runs another flow and gives its value.
 *
 * @example
 * Flow.gen(function* () {
 *   yield* Line.speak("Hello.")
 *   return "greeted"
 * })
 * @since 0.1.0
 */
export const gen = <F extends YieldedInFlowGen<unknown, unknown, unknown> = never, const A = never>(
  body: () => Generator<F, Literal<A>, never>
): Flow<
  A,
  [F] extends [never] ? never : F extends YieldedInFlowGen<unknown, infer E, unknown> ? E : never,
  [F] extends [never] ? never : F extends YieldedInFlowGen<unknown, unknown, infer R> ? R : never
> => fromNode({ _tag: "Gen", body: body as never })

// ---------------------------------------------------------------------------------------------------------------------
// Combinators
// ---------------------------------------------------------------------------------------------------------------------

const bind = <A, E, R>(
  self: Any,
  onSuccess: ((value: never) => Any) | undefined,
  onFailure: ((error: never) => Any | undefined) | undefined
): Flow<A, E, R> =>
  fromNode({ _tag: "Bind", self: toProgram(self), onSuccess: onSuccess as never, onFailure: onFailure as never })

/**
 * A value whose literal types are kept: up to TypeScript 5.9 a function's only literal result is widened, unless a literal is expected.
 *
 * @since 0.1.0
 */
export type Literal<A> = A | (("" | 0 | 0n | true) & { readonly [requirement]: "Literal" })

/**
 * Changes the value that a flow ends with.
 *
 * @since 0.1.0
 */
export const map: {
  <A, const B>(f: (value: A) => Literal<B>): <E, R>(self: Flow<A, E, R>) => Flow<B, E, R>
  <A, E, R, const B>(self: Flow<A, E, R>, f: (value: A) => Literal<B>): Flow<B, E, R>
} = dual(
  2,
  <A, E, R, B>(self: Flow<A, E, R>, f: (value: A) => B): Flow<B, E, R> =>
    bind(self, (value: A) => succeed(f(value)), undefined)
)

/**
 * Ends with `value` instead.
 *
 * @since 0.1.0
 */
export const as: {
  <const B>(value: B): <A, E, R>(self: Flow<A, E, R>) => Flow<B, E, R>
  <A, E, R, const B>(self: Flow<A, E, R>, value: B): Flow<B, E, R>
} = dual(2, <A, E, R, B>(self: Flow<A, E, R>, value: B): Flow<B, E, R> => map(self, () => value))

/**
 * Goes on with another flow that depends on the value.
 *
 * @since 0.1.0
 */
export const flatMap: {
  <A, F extends Any>(
    f: (value: A) => F
  ): <E, R>(self: Flow<A, E, R>) => Flow<ValueOf<F>, E | ErrorOf<F>, R | NeedsOf<F>>
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    f: (value: A) => F
  ): Flow<ValueOf<F>, E | ErrorOf<F>, R | NeedsOf<F>>
} = dual(
  2,
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    f: (value: A) => F
  ): Flow<ValueOf<F>, E | ErrorOf<F>, R | NeedsOf<F>> => bind(self, f, undefined)
)

/**
 * Goes on with another flow, or with one that depends on the value.
 *
 * @since 0.1.0
 */
export const andThen: {
  <A, F extends Any>(
    next: F | ((value: A) => F)
  ): <E, R>(self: Flow<A, E, R>) => Flow<ValueOf<F>, E | ErrorOf<F>, R | NeedsOf<F>>
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    next: F | ((value: A) => F)
  ): Flow<ValueOf<F>, E | ErrorOf<F>, R | NeedsOf<F>>
} = dual(
  2,
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    next: F | ((value: A) => F)
  ): Flow<ValueOf<F>, E | ErrorOf<F>, R | NeedsOf<F>> =>
    flatMap(self, (value: A): F => typeof next === "function" ? next(value) : next)
)

/**
 * Runs another flow for what it does, and ends with the first value.
 *
 * @since 0.1.0
 */
export const tap: {
  <A, F extends Any>(f: (value: A) => F): <E, R>(self: Flow<A, E, R>) => Flow<A, E | ErrorOf<F>, R | NeedsOf<F>>
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    f: (value: A) => F
  ): Flow<A, E | ErrorOf<F>, R | NeedsOf<F>>
} = dual(
  2,
  <A, E, R, F extends Any>(self: Flow<A, E, R>, f: (value: A) => F): Flow<A, E | ErrorOf<F>, R | NeedsOf<F>> =>
    bind(self, (value: A) => as(f(value), value), undefined)
)

/**
 * Runs two flows one after the other and ends with both values.
 *
 * @since 0.1.0
 */
export const zip: {
  <B, E2, R2>(that: Flow<B, E2, R2>): <A, E, R>(self: Flow<A, E, R>) => Flow<[A, B], E | E2, R | R2>
  <A, E, R, B, E2, R2>(self: Flow<A, E, R>, that: Flow<B, E2, R2>): Flow<[A, B], E | E2, R | R2>
} = dual(
  2,
  <A, E, R, B, E2, R2>(self: Flow<A, E, R>, that: Flow<B, E2, R2>): Flow<[A, B], E | E2, R | R2> =>
    flatMap(self, (first) => map(that, (second): [A, B] => [first, second]))
)

/**
 * Runs a flow for each item, one after the other, and ends with all values.
 *
 * @since 0.1.0
 */
export const forEach: {
  <A, B, E, R>(f: (item: A, index: number) => Flow<B, E, R>): (items: Iterable<A>) => Flow<Array<B>, E, R>
  <A, B, E, R>(items: Iterable<A>, f: (item: A, index: number) => Flow<B, E, R>): Flow<Array<B>, E, R>
} = dual(
  2,
  <A, B, E, R>(items: Iterable<A>, f: (item: A, index: number) => Flow<B, E, R>): Flow<Array<B>, E, R> =>
    gen(function*() {
      const values: Array<B> = []
      let index = 0
      for (const item of items) values.push(yield* f(item, index++))
      return values
    })
)

const catch_: {
  <E, F extends Any>(
    f: (error: E) => F
  ): <A, R>(self: Flow<A, E, R>) => Flow<A | ValueOf<F>, ErrorOf<F>, R | NeedsOf<F>>
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    f: (error: E) => F
  ): Flow<A | ValueOf<F>, ErrorOf<F>, R | NeedsOf<F>>
} = dual(
  2,
  <A, E, R, F extends Any>(
    self: Flow<A, E, R>,
    f: (error: E) => F
  ): Flow<A | ValueOf<F>, ErrorOf<F>, R | NeedsOf<F>> => bind(self, undefined, f)
)

export {
  /**
   * Goes on with another flow after any failure. What stops a flow from outside is no failure and passes.
   *
   * @since 0.1.0
   */
  catch_ as catch
}

/**
 * Goes on with another flow after the failures of one tag, or of a list of tags.
 *
 * @since 0.1.0
 */
export const catchTag: {
  <const K extends Types.Tags<E> | readonly [Types.Tags<E>, ...Array<Types.Tags<E>>], E, F extends Any>(
    tag: K,
    f: (error: Types.ExtractTag<Types.NoInfer<E>, K extends ReadonlyArray<string> ? K[number] : K>) => F
  ): <A, R>(
    self: Flow<A, E, R>
  ) => Flow<
    A | ValueOf<F>,
    ErrorOf<F> | Types.ExcludeTag<E, K extends ReadonlyArray<string> ? K[number] : K>,
    R | NeedsOf<F>
  >
  <A, E, R, const K extends Types.Tags<E> | readonly [Types.Tags<E>, ...Array<Types.Tags<E>>], F extends Any>(
    self: Flow<A, E, R>,
    tag: K,
    f: (error: Types.ExtractTag<E, K extends ReadonlyArray<string> ? K[number] : K>) => F
  ): Flow<
    A | ValueOf<F>,
    ErrorOf<F> | Types.ExcludeTag<E, K extends ReadonlyArray<string> ? K[number] : K>,
    R | NeedsOf<F>
  >
} = dual(
  3,
  (self: Any, tag: string | ReadonlyArray<string>, f: (error: unknown) => Any) =>
    bind(self, undefined, (error: { readonly _tag?: string } | null | undefined) => {
      const found = error?._tag
      return found !== undefined && (typeof tag === "string" ? tag === found : tag.includes(found))
        ? f(error)
        : undefined
    })
)

/**
 * Goes on with another flow for each tag that is named.
 *
 * @since 0.1.0
 */
export const catchTags: {
  <
    E,
    Cases extends { readonly [K in Types.Tags<E>]?: (error: Types.ExtractTag<E, K>) => Flow<unknown, unknown, unknown> }
  >(
    cases: Cases
  ): <A, R>(self: Flow<A, E, R>) => Flow<
    A | Caught<Cases>["A"],
    Exclude<E, { readonly _tag: keyof Cases }> | Caught<Cases>["E"],
    R | Caught<Cases>["R"]
  >
  <
    A,
    E,
    R,
    Cases extends { readonly [K in Types.Tags<E>]?: (error: Types.ExtractTag<E, K>) => Flow<unknown, unknown, unknown> }
  >(
    self: Flow<A, E, R>,
    cases: Cases
  ): Flow<
    A | Caught<Cases>["A"],
    Exclude<E, { readonly _tag: keyof Cases }> | Caught<Cases>["E"],
    R | Caught<Cases>["R"]
  >
} = dual(
  2,
  (self: Any, cases: { readonly [tag: string]: (error: unknown) => Any }) =>
    bind(
      self,
      undefined,
      (error: { readonly _tag?: string } | null | undefined) =>
        error?._tag !== undefined && Object.hasOwn(cases, error._tag) ? cases[error._tag]!(error) : undefined
    )
)

/** What the handlers of `catchTags` end with, fail with and need. */
type Caught<Cases> = {
  readonly [K in keyof Cases]: Cases[K] extends (...args: never) => Flow<infer A, infer E, infer R>
    ? { readonly A: A; readonly E: E; readonly R: R }
    : never
}[keyof Cases]

/**
 * Goes on with another flow after any failure, whatever it is.
 *
 * @since 0.1.0
 */
export const orElse: {
  <F extends Any>(that: () => F): <A, E, R>(self: Flow<A, E, R>) => Flow<A | ValueOf<F>, ErrorOf<F>, R | NeedsOf<F>>
  <A, E, R, F extends Any>(self: Flow<A, E, R>, that: () => F): Flow<A | ValueOf<F>, ErrorOf<F>, R | NeedsOf<F>>
} = dual(
  2,
  <A, E, R, F extends Any>(self: Flow<A, E, R>, that: () => F): Flow<A | ValueOf<F>, ErrorOf<F>, R | NeedsOf<F>> =>
    catch_(self, () => that())
)

/**
 * Turns both the value and any failure into a value.
 *
 * @since 0.1.0
 */
export const match: {
  <A, const B, E, const C>(options: {
    readonly onSuccess: (value: A) => Literal<B>
    readonly onFailure: (error: E) => Literal<C>
  }): <R>(self: Flow<A, E, R>) => Flow<B | C, never, R>
  <A, E, R, const B, const C>(self: Flow<A, E, R>, options: {
    readonly onSuccess: (value: A) => Literal<B>
    readonly onFailure: (error: E) => Literal<C>
  }): Flow<B | C, never, R>
} = dual(
  2,
  <A, E, R, B, C>(self: Flow<A, E, R>, options: {
    readonly onSuccess: (value: A) => B
    readonly onFailure: (error: E) => C
  }): Flow<B | C, never, R> =>
    bind(self, (value: A) => succeed(options.onSuccess(value)), (error: E) => succeed(options.onFailure(error)))
)

/**
 * Runs `finalizer` however the flow ends, also when it is stopped from outside. It has no line of its own to use and
 * cannot fail.
 *
 * A finalizer may wait, and runs once, to its end: a cancel, or a deadline around it, takes effect when it has ended. A
 * `Flow.timeout` inside of it bounds it. An activity in it that is overdue or dies stops it and the call.
 *
 * @since 0.1.0
 */
export const ensuring: {
  <B, R2>(finalizer: Flow<B, never, R2>): <A, E, R>(self: Flow<A, E, R>) => Flow<A, E, R | R2>
  <A, E, R, B, R2>(self: Flow<A, E, R>, finalizer: Flow<B, never, R2>): Flow<A, E, R | R2>
} = dual(
  2,
  <A, E, R, B, R2>(self: Flow<A, E, R>, finalizer: Flow<B, never, R2>): Flow<A, E, R | R2> =>
    fromNode({ _tag: "Ensure", self: toProgram(self), finalizer: toProgram(finalizer) })
)

/**
 * How often, after which wait, and for which failures a flow is tried again.
 *
 * @since 0.1.0
 */
export interface RetryOptions<in E> {
  /** How many times more, after the first. */
  readonly times: number
  /** How long to sleep before each further try. */
  readonly after?: Duration.Input
  /** Which failures are worth another try; all if absent. */
  readonly while?: (error: E) => boolean
}

/**
 * Tries a flow again after a failure. No retry rings by accident: a dial to a number that this call left as `unknown`
 * fails so again without ringing, unless that dial says `evenIfUnknown: true`.
 *
 * @since 0.1.0
 */
export const retry: {
  <E>(options: RetryOptions<NoInfer<E>>): <A, R>(self: Flow<A, E, R>) => Flow<A, E, R>
  <A, E, R>(self: Flow<A, E, R>, options: RetryOptions<E>): Flow<A, E, R>
} = dual(2, <A, E, R>(self: Flow<A, E, R>, options: RetryOptions<E>): Flow<A, E, R> => {
  bounds.times("Flow.retry", options.times)
  const tryAgain = (left: number): Flow<A, E, R> =>
    left <= 0 ? self : catch_(self, (error): Flow<A, E, R> => {
      if (options.while !== undefined && !options.while(error)) return fail(error)
      return options.after === undefined ? tryAgain(left - 1) : flatMap(sleep(options.after), () => tryAgain(left - 1))
    })
  return suspend(() => tryAgain(options.times))
})

/**
 * How often, after which wait, and for which values a flow is run again.
 *
 * @since 0.1.0
 */
export interface RepeatOptions<in A> {
  /** How many times more, after the first. */
  readonly times: number
  /** How long to sleep before each further run. */
  readonly after?: Duration.Input
  /** After which values it is run again; after all if absent. */
  readonly while?: (value: A) => boolean
}

/**
 * Runs a flow again after it succeeded, and ends with the last value.
 *
 * @since 0.1.0
 */
export const repeat: {
  <A>(options: RepeatOptions<NoInfer<A>>): <E, R>(self: Flow<A, E, R>) => Flow<A, E, R>
  <A, E, R>(self: Flow<A, E, R>, options: RepeatOptions<A>): Flow<A, E, R>
} = dual(2, <A, E, R>(self: Flow<A, E, R>, options: RepeatOptions<A>): Flow<A, E, R> => {
  bounds.times("Flow.repeat", options.times)
  const again = (left: number): Flow<A, E, R> =>
    flatMap(self, (value): Flow<A, E, R> => {
      if (left <= 0 || (options.while !== undefined && !options.while(value))) return succeed(value)
      return options.after === undefined ? again(left - 1) : flatMap(sleep(options.after), () => again(left - 1))
    })
  return suspend(() => again(options.times))
})

// ---------------------------------------------------------------------------------------------------------------------
// Waiting
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Fails with `TimedOut` if a flow takes longer than `duration`. The flow moves on at once; what is in flight on a line is
 * heard to its end, and then the line obeys.
 *
 * @since 0.1.0
 */
export const timeout: {
  (duration: Duration.Input): <A, E, R>(self: Flow<A, E, R>) => Flow<A, E | TimedOut, R>
  <A, E, R>(self: Flow<A, E, R>, duration: Duration.Input): Flow<A, E | TimedOut, R>
} = dual(
  2,
  <A, E, R>(self: Flow<A, E, R>, duration: Duration.Input): Flow<A, E | TimedOut, R> =>
    flatMap(
      ask({ _tag: "SetDeadline", millis: bounds.millis("Flow.timeout", duration) }, ({ n }) => success(n)),
      (n): Flow<A, E | TimedOut, R> => {
        const scope: Request.DeadlineScope = { _tag: "Deadline", n, failure: timedOut }
        const bounded: Flow<A, E | TimedOut, R> = fromNode({ _tag: "Scoped", self: toProgram(self), scope })
        return ensuring(bounded, ask({ _tag: "LiftDeadline", n }, () => success(undefined)))
      }
    )
)

/**
 * The time of the event that led here, in milliseconds since 1970: the same in a replay.
 *
 * @since 0.1.0
 */
export const now: Flow<number> = ask({ _tag: "Now" }, success)

/**
 * A number from 0 to less than 1. It is drawn from the id of the call and recorded, so a replay gives the same; do not use
 * it for secrets.
 *
 * @since 0.1.0
 */
export const random: Flow<number> = ask({ _tag: "Random" }, success)

/**
 * Waits without speaking, away from any line. The wait is durable: it survives a restart. It is `maxDuration` at most.
 *
 * `duration` counts from the time recorded on the event that led here, not from now, so a replay gives the same due time.
 * On a live line the callee hears holds meanwhile; `Line.hold` chooses their words and notices a hang-up at once.
 *
 * @example
 * Flow.sleep("10 minutes").pipe(Flow.flatMap(() => tryAgain))
 * @since 0.1.0
 */
export const sleep = (duration: Duration.Input): Flow<void> =>
  ask({ _tag: "Sleep", millis: bounds.millis("Flow.sleep", duration) }, () => success(undefined))

/**
 * Records a business fact in the log of the call. `data` must be JSON, `maxValueBytes` at most; what is recorded is a copy
 * of it as it is now. Throws `InvalidFlow` for what has no form in JSON, such as `undefined`, `NaN` or a `Date`.
 *
 * @since 0.1.0
 */
export const note = (name: string, data: Schema.Json = null): Flow<void> =>
  ask({ _tag: "Note", name, data }, () => success(undefined))

export {
  /**
   * A codec that needs no services, as the types of inputs, outputs and activities.
   *
   * @since 0.1.0
   */
  type PureCodec
}

/**
 * What an activity runs is no flow.
 *
 * @since 0.1.0
 */
export interface NoFlow {
  readonly "~ringback/Flow"?: "An activity runs an Effect: a Flow goes on by yield* or Flow.andThen"
}

/**
 * Runs an Effect and records its result once. It runs at least once: after a crash in the middle it runs again, under the
 * same key (`Calls.ActivityKey`), so make it idempotent by that. `name` appears in logs and must not be secret.
 *
 * `success` and `error` are the schemas of the recorded result (default: nothing, and no failure). An activity that takes
 * longer than `within` (default 30 s) is broken off, and stops the call as overdue: somebody has to look at it. With
 * `overdue: "fail"` it fails with `Overdue` instead, and the flow goes on without it.
 *
 * Tries by a schedule belong into the effect (`Effect.retry`), within that time; further tries with waits that survive a
 * restart are `Flow.retry`.
 *
 * @example
 * const verifyPin = (pin: string) =>
 *   Flow.activity("verify-pin", { success: Schema.Boolean }, Effect.flatMap(Pins, (pins) => pins.verify(pin)))
 * @since 0.1.0
 */
export const activity = <
  R,
  S extends PureCodec = typeof Schema.Void,
  F extends PureCodec = typeof Schema.Never,
  O extends "fail" | "stop" = "stop"
>(
  name: string,
  options: { readonly success?: S; readonly error?: F; readonly within?: Duration.Input; readonly overdue?: O },
  effect: NoFlow & Effect.Effect<NoInfer<S>["Type"], NoInfer<F>["Type"], R>
): Flow<S["Type"], F["Type"] | ("fail" extends O ? Overdue : never), R> => {
  const where = `Flow.activity "${name}"`
  const value = storedForm(schemaOf(where, "success", options.success ?? Schema.Void))
  const error = storedForm(schemaOf(where, "error", options.error ?? Schema.Never))
  return ask(
    {
      _tag: "Activity",
      name,
      withinMillis: bounds.millis("Flow.activity", options.within ?? "30 seconds"),
      ...(options.overdue === "fail" ? { overdue: "fail" } : {}),
      effect,
      encodeSuccess: value.encode,
      encodeError: error.encode
    },
    (result): interpreter.Exit<never, never> =>
      result.overdue === true
        ? failure(new Overdue({ activity: name })) as never
        : result.ok
        ? success(readBack(value, result.value)) as never
        : failure(readBack(error, result.value)) as never
  )
}

export {
  /**
   * What all signals have in common, whatever their values.
   *
   * @since 0.1.0
   */
  type AnySignal,
  /**
   * Something that the application tells a running call: a name, and the schema of the value. It is made once, declared by its flow
   * (`Flow.make({ signals })`), waited for (`Flow.signal`) and told (`signal` of the call's handle).
   *
   * In the type of a flow it is a requirement, which `Flow.make` discharges for the signals that it declares. The name is on record,
   * and shown in logs. Throws `InvalidFlow` for a name that is empty or over 255 characters, and for what is no schema.
   *
   * @example
   * const Driver = Flow.Signal("driver", Schema.Struct({ name: Schema.String }))
   * @since 0.1.0
   */
  Signal
}

/**
 * Waits until the application tells the running call this signal (`signal` of its handle), at most `within`; then fails with
 * `TimedOut`. What was told before anybody waited is heard at once. The flow has to declare it: `Flow.make({ signals })`.
 *
 * @example
 * const Driver = Flow.Signal("driver", Schema.Struct({ name: Schema.String }))
 * const driver = Flow.signal(Driver, { within: "10 minutes" }).pipe(Line.hold("One moment."))
 * @since 0.1.0
 */
export const signal = <Name extends string, A>(
  signal: Signal<Name, A>,
  options: { readonly within: Duration.Input }
): Flow<A, TimedOut, Signal<Name, A>> => {
  const { name, schema } = signals.given("Flow.signal", signal)
  const form = storedForm(schema)
  const fits = (value: unknown) => Result.isSuccess(form.decode(value))
  return ask(
    { _tag: "Signal", name, withinMillis: bounds.millis("Flow.signal", options.within), fits },
    (response): interpreter.Exit<A, TimedOut> =>
      response._tag === "Received" ? success(readBack(form, response.value) as A) : failure(timedOut)
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// Lines
// ---------------------------------------------------------------------------------------------------------------------

/**
 * How a dial rings and what bounds it.
 *
 * @since 0.1.0
 */
export interface DialOptions {
  /** Who is rung. */
  readonly to: PhoneNumber.PhoneNumber
  /** What the callee sees: a number that the carrier knows as yours (Telesign: one bought there; documented). */
  readonly from: PhoneNumber.PhoneNumber
  /**
   * How long the flow waits for an answer; default 60 s. It ends only the wait: nothing stops a phone from ringing, and
   * whoever answers later hears the line being hung up.
   */
  readonly ringFor?: Duration.Input
  /**
   * After how long the carrier ends the call (`max_call_duration`, "Voice - Actions"; documented); 1 s to 4 h, default
   * 15 minutes. It is what closes a line when all else is lost.
   */
  readonly maxCallDuration?: Duration.Input
  /** Keyed in after the answer, for an extension: `0-9 A-D * #`, and `w` for half a second of waiting. */
  readonly sendDtmf?: string
  /**
   * What else is sent with this dial, by the names that your account's documentation gives: `is_primary`, say, or the address
   * that the events of this call go to, in place of the account's ("Voice - Receive Events with webhooks" says that there is such a
   * parameter; its name is not public). **Unproved here**: these are passed on as they are. They are recorded with the dial.
   */
  readonly parameters?: { readonly [name: string]: Schema.Json }
  /** Dial also if an earlier dial of this call to this number ended as `unknown`: the phone may then ring twice. */
  readonly evenIfUnknown?: boolean
}

/**
 * What is left to require of what was said on a line, once `Flow.dial` goes around it: the type of a function that dials for its caller.
 *
 * @since 0.1.0
 */
export type Dialled<R> = R extends Line ? never
  : R extends NoLine ? Problem<"Flow.dial inside a live line: use Line.bridge, or dial after the conversation">
  : R extends IncomingLine ? Problem<"Line.bridge needs a caller: it works under Flow.inbound">
  : R

/**
 * What is left to require of what was said on a line, once `Flow.inbound` goes around it.
 *
 * @since 0.1.0
 */
export type Answered<R> = R extends Line | IncomingLine ? never
  : R extends NoLine ? Problem<"Flow.dial inside a live line: use Line.bridge, or dial after the conversation">
  : R

const leave: Flow<void> = ask({ _tag: "Leave" }, () => success(undefined))

const dialRequest = (options: DialOptions): Extract<Request.Request, { readonly _tag: "Dial" }> => ({
  _tag: "Dial",
  to: PhoneNumber.make(options.to),
  from: PhoneNumber.make(options.from),
  maxCallDurationSeconds: Math.ceil(bounds.millis("Flow.dial", options.maxCallDuration ?? "15 minutes") / 1000),
  ...(options.sendDtmf === undefined ? {} : { sendDtmf: options.sendDtmf }),
  ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
  ringForMillis: bounds.millis("Flow.dial", options.ringFor ?? "60 seconds"),
  ...(options.evenIfUnknown === true ? { evenIfUnknown: true } : {})
})

/**
 * Rings somebody, holds the conversation when it is answered, and leaves the line however the conversation ends. Fails
 * with `NotAnswered` if nobody was reached.
 *
 * Throws `InvalidAction` for a duration outside 1 second to 4 hours or tones outside `0-9 A-D * # w`, `InvalidFlow` for a
 * `ringFor` of nothing or over 4 hours, and `InvalidPhoneNumber`.
 *
 * @example
 * Line.speak("Your table is ready.").pipe(Flow.dial({ to, from, ringFor: "40 seconds" }))
 * @since 0.1.0
 */
export const dial: {
  (options: DialOptions): <A, E, R>(talk: Flow<A, E, R>) => Flow<A, E | NotAnswered, Dialled<R> | NoLine>
  <A, E, R>(talk: Flow<A, E, R>, options: DialOptions): Flow<A, E | NotAnswered, Dialled<R> | NoLine>
} = dual(
  2,
  <A, E, R>(talk: Flow<A, E, R>, options: DialOptions): Flow<A, E | NotAnswered, Dialled<R> | NoLine> => {
    const answered = ask(
      dialRequest(options),
      (response): interpreter.Exit<void, NotAnswered> =>
        response._tag === "Answered" ? success(undefined) : failure(
          new NotAnswered({
            reason: response.reason,
            ...(response.status === undefined ? {} : { status: response.status })
          })
        )
    )
    // The attempt lies inside of `ensuring`, so a cancel while it rings leaves the line too.
    return ensuring(flatMap(answered, () => talk), leave) as Flow<A, E | NotAnswered, never>
  }
)

/**
 * Answers a call that came in, holds the conversation, and leaves the line however it ends. The numbers are as the carrier
 * reported them: `from` may be missing or lack its country code.
 *
 * @since 0.1.0
 */
export const inbound = <A, E, R>(
  talk: (caller: { readonly from: string | undefined; readonly to: string | undefined }) => Flow<A, E, R>
): Flow<A, E, Answered<R> | NoLine | Incoming> =>
  flatMap(ask({ _tag: "Answer" }, success), (caller) => ensuring(talk(caller), leave)) as Flow<A, E, never>

// ---------------------------------------------------------------------------------------------------------------------
// Reducers
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What a reducer does next: asks a flow, whose value is the next event, or ends.
 *
 * @since 0.1.0
 */
export type Decision<A, Event, E = never, R = never> =
  | { readonly ask: Flow<Event, E, R> }
  | { readonly done: A }

/**
 * A conversation as a raw reducer, which composes like any other flow: `decide` says what to ask in a state, `evolve` what
 * the answer makes of it.
 *
 * @example
 * Flow.reducer({
 *   initial: { tries: 0, admitted: false },
 *   decide: (state) =>
 *     state.admitted || state.tries === 3
 *       ? { done: state.admitted }
 *       : { ask: Line.collect("Enter your PIN.", { max: 4 }) },
 *   evolve: (state, pin) => ({ tries: state.tries + 1, admitted: pin === "1234" })
 * })
 * @since 0.1.0
 */
export const reducer = <State, Event, const A = never, E = never, R = never>(options: {
  readonly initial: State
  readonly decide: (state: State) => Decision<A, Event, E, R>
  readonly evolve: (state: NoInfer<State>, event: NoInfer<Event>) => NoInfer<State>
}): Flow<A, E, R> =>
  fromNode({
    _tag: "Reduce",
    reduction: { state: options.initial, decide: options.decide as never, evolve: options.evolve as never }
  })

// ---------------------------------------------------------------------------------------------------------------------
// Definitions
// ---------------------------------------------------------------------------------------------------------------------

type Fields = Schema.Struct.Fields

/**
 * The codec of a flow's input: a codec as it is, or the struct of a record of fields.
 *
 * @since 0.1.0
 */
export type InputCodec<In> = In extends PureCodec ? In : In extends Fields ? Schema.Struct<In> : never

/** A record is one of fields, each of them a schema. */
const codecOf = (where: string, input: PureCodec | Fields): PureCodec => {
  if (Schema.isSchema(input)) return input as PureCodec
  const isRecord = typeof input === "object" && input !== null && !Array.isArray(input)
  if (!isRecord) return schemaOf(where, "input", input as never)
  for (const [field, schema] of Object.entries(input)) schemaOf(where, `input's ${field}`, schema as never)
  return Schema.Struct(input as Fields) as never
}

/**
 * What a flow has to be beside a flow so that `Flow.make` takes it, by what it needs: `unknown` if nothing is missing, else what is
 * missing, in the words that the compiler prints. A function that hands its caller's flow to `Flow.make` asks for it.
 *
 * @since 0.1.0
 */
export type Complete<R> = [Extract<R, Problem<string>>] extends [never]
  ? [Extract<R, Line | IncomingLine>] extends [never] ? [Extract<R, AnySignal>] extends [never] ? unknown
    : `This flow waits for the signal ${Extract<R, AnySignal>["name"]}: declare it under \`signals\` of Flow.make`
  : "This flow needs a live line: wrap the conversation in Flow.dial or Flow.inbound"
  : R extends Problem<infer Words> ? Words
  : never

/**
 * What a flow has to be beside a flow so that `Flow.make` takes it, by the errors that are left: none may be.
 *
 * @since 0.1.0
 */
export type Declared<E> = [E] extends [never] ? unknown : { readonly "declare under `error` or catch": E }

/**
 * A flow with a name and a version, its input, output and errors described by schemas: what `Calls` runs and stores.
 *
 * @since 0.1.0
 */
export interface Definition<
  out Name extends string,
  in Input,
  out A,
  out E,
  out R,
  out Signals extends AnySignal = AnySignal
> {
  readonly name: Name
  /** A running call goes on with the version that it began with, so a changed flow takes a new number. */
  readonly version: number
  readonly run: (input: Input) => Flow<A, E, R>
  /** The stored forms. A decoder answers with a `Result`; its error never shows the value. */
  readonly codec: {
    readonly encodeInput: (input: Input) => Result.Result<unknown, Error>
    readonly decodeInput: (stored: unknown) => Result.Result<unknown, Error>
    readonly encodeOutput: (output: unknown) => Result.Result<unknown, Error>
    readonly decodeOutput: (stored: unknown) => Result.Result<A, Error>
    readonly encodeError: (error: unknown) => Result.Result<unknown, Error>
    readonly decodeError: (stored: unknown) => Result.Result<E, Error>
  }
  /** The signals that its calls may be told, and no other. */
  readonly signals: ReadonlyArray<Signals>
  /** The schemas of its values, for who makes forms and documents of them. */
  readonly schemas: {
    readonly input: PureCodec
    readonly output: PureCodec
    /** Without those of `Failure`. */
    readonly error: PureCodec | undefined
  }
}

/**
 * Names a flow and closes it: nothing may be left to speak on a line that is not there, and every error of the flow's own
 * needs its schema under `error`, every signal that it waits for its place under `signals`. Otherwise it does not compile, and the
 * compiler says what is missing in a sentence.
 *
 * Throws `InvalidFlow` for a name that is empty or over 255 characters, a version that is not 1, 2, 3 and so on, and two signals of
 * one name.
 *
 * @example
 * const Ready = Flow.make("table-ready", {
 *   version: 1,
 *   input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
 *   output: Schema.Void,
 *   run: ({ to, from }) => Line.speak("Your table is ready.").pipe(Flow.dial({ to, from }))
 * })
 * @since 0.1.0
 */
export const make = <
  const Name extends string,
  const In extends PureCodec | Fields,
  Out extends PureCodec,
  E,
  R,
  Err extends PureCodec = typeof Schema.Never,
  Signals extends AnySignal = never
>(
  name: Name,
  options: {
    readonly version: number
    readonly input: In
    readonly output: Out | "Expected a schema, such as Schema.String or Schema.Literals([...])"
    readonly error?: Err
    /** The signals that its calls wait for. A call is told no other, and no value that does not fit. */
    readonly signals?: ReadonlyArray<Signals>
    readonly run: (
      input: InputCodec<In>["Type"]
    ) => Flow<Out["Type"], E, R> & Complete<Exclude<R, Signals>> & Declared<Exclude<E, Err["Type"] | Failure>>
  }
): Definition<Name, InputCodec<In>["Type"], Out["Type"], E, Exclude<R, NoLine | Signals>, Signals> => {
  bounds.name("Flow.make", name)
  const where = `Flow.make "${name}"`
  bounds.version(where, options.version)
  const declared = signals.allGiven(where, options.signals ?? [])
  const inputCodec = codecOf(where, options.input)
  const input = storedForm(inputCodec)
  const outputCodec = schemaOf(where, "output", options.output as Out)
  const output = storedForm(outputCodec)
  const errorCodec = options.error === undefined ? undefined : schemaOf(where, "error", options.error)
  // A schema that takes anything takes our failures too, but has no stored form of them.
  const { decode } = storedForm(errorCodec === undefined ? Failure : Schema.Union([errorCodec, Failure]))
  const { encode } = storedForm(errorCodec === undefined ? Failure : Schema.Union([Failure, errorCodec]))
  return {
    name,
    version: options.version,
    run: options.run as never,
    codec: {
      encodeInput: (value) => unlessThrown(() => input.encode(value)),
      decodeInput: input.decode,
      encodeOutput: output.encode,
      decodeOutput: output.decode as never,
      encodeError: encode,
      decodeError: decode as never
    },
    signals: declared,
    schemas: { input: inputCodec, output: outputCodec, error: errorCodec }
  }
}

/**
 * `make` for a function that makes definitions of its caller's flows, where requirements and errors are type parameters and nobody can
 * check them: it asks its caller for `Complete` and `Declared` in its own type, and the compiler checks them at each call. What is not
 * asked for is found when the flow runs, and ends the call.
 *
 * @example
 * const define = <E, R>(talk: Flow.Flow<void, E, R> & Flow.Complete<R> & Flow.Declared<Exclude<E, Flow.Failure>>) =>
 *   Flow.makeUnchecked("noted", {
 *     version: 1,
 *     input: {},
 *     output: Schema.Void,
 *     run: () => Flow.andThen(Flow.note("begun"), talk)
 *   })
 * @since 0.1.0
 */
export const makeUnchecked: <
  const Name extends string,
  const In extends PureCodec | Fields,
  Out extends PureCodec,
  E,
  R,
  Err extends PureCodec = typeof Schema.Never,
  Signals extends AnySignal = never
>(
  name: Name,
  options: {
    readonly version: number
    readonly input: In
    readonly output: Out
    readonly error?: Err | undefined
    readonly signals?: ReadonlyArray<Signals> | undefined
    readonly run: (input: InputCodec<In>["Type"]) => Flow<Out["Type"], E, R>
  }
) => Definition<Name, InputCodec<In>["Type"], Out["Type"], E, Exclude<R, NoLine | Signals>, Signals> = make as never
