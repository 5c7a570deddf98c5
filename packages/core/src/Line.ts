/**
 * What can be done on a live line. All of it needs a `Line`, which `Flow.dial` and `Flow.inbound` give.
 *
 * @since 0.1.0
 */
import { type Duration, Result, type Schema } from "effect"
import { dual } from "effect/Function"
import * as Action from "./Action.ts"
import * as Flow from "./Flow.ts"
import * as bounds from "./internal/bounds.ts"
import * as codecs from "./internal/flow/codecs.ts"
import * as interpreter from "./internal/flow/interpreter.ts"
import { make as makeNumber, type PhoneNumber } from "./PhoneNumber.ts"
import * as Prompt from "./Prompt.ts"
import type * as Request from "./Request.ts"

/**
 * The requirement of a live line.
 *
 * @since 0.1.0
 */
export type Line = Flow.Line

const hungUp = interpreter.failure(new Flow.HungUp())

interface Prompted {
  readonly goodbye?: boolean
  readonly accepts?: (digits: string) => boolean
  readonly schema?: () => Schema.ConstraintCodec<unknown, string, never, unknown>
  readonly question?: Request.Question
}

/** Sends one action on the line and gives what the digits mean that were pressed. */
const judged = <A>(
  action: Action.Action,
  options: Prompted,
  judge: (digits: string) => A
): Flow.Flow<A, Flow.HungUp, Line> =>
  Flow.ask(
    {
      _tag: "Prompt",
      action,
      goodbye: options.goodbye ?? false,
      ...(options.accepts === undefined ? {} : { accepts: options.accepts }),
      ...(options.schema === undefined ? {} : { schema: options.schema }),
      ...(options.question === undefined ? {} : { question: options.question })
    },
    (response) => response._tag === "Heard" ? interpreter.success(judge(response.digits)) : hungUp
  )

/**
 * Sends one prompt or other action on the line and gives the digits that were pressed. What else speaks is built on it.
 *
 * @since 0.1.0
 */
export const prompt = (
  action: Action.Action,
  options?: {
    readonly goodbye?: boolean
    readonly accepts?: (digits: string) => boolean
    readonly schema?: () => Schema.ConstraintCodec<unknown, string, never, unknown>
    readonly question?: Request.Question
  }
): Flow.Flow<string, Flow.HungUp, Line> => judged(action, options ?? {}, (digits) => digits)

const heard = (
  input: Prompt.Input,
  collect?: { readonly max: number },
  options?: Parameters<typeof prompt>[1]
): Flow.Flow<string, Flow.HungUp, Line> => prompt(Action.prompt(Prompt.from(input), collect), options)

/**
 * Lets the callee hear a prompt and goes on when it has been heard to its end. Fails with `HungUp` if the callee leaves
 * before. Throws `InvalidPrompt` for what cannot be spoken, as all do that take a prompt.
 *
 * @example
 * Line.speak("Your code is 1 2 3 4.")
 * @since 0.1.0
 */
export const speak = (prompt: Prompt.Input): Flow.Flow<void, Flow.HungUp, Line> => Flow.as(heard(prompt), undefined)

/**
 * Plays an audio file that the carrier can fetch. Fails with `HungUp` if the callee leaves before its end.
 *
 * @since 0.1.0
 */
export const play = (
  url: string,
  options?: Parameters<typeof Prompt.audio>[1]
): Flow.Flow<void, Flow.HungUp, Line> => speak(Prompt.audio(url, options))

/**
 * How often something is asked, and in which words. Silence and wrong keys are counted apart, so that a callee who first
 * says nothing and then presses a wrong key still has a try of each kind left.
 *
 * @since 0.1.0
 */
export interface Asking {
  /**
   * How many times silence, or a wrong input, is borne: 1 to 1000, default 3 of each. The last one fails with `NoInput`.
   */
  readonly attempts?: number | { readonly silence: number; readonly invalid: number }
  /**
   * What is said instead of the first prompt after silence or a wrong input: one prompt, or one for each time, the last of
   * which repeats. The first prompt again if nothing is said here.
   */
  readonly again?: {
    readonly silence?: Prompt.Input | ReadonlyArray<Prompt.Input>
    readonly invalid?: Prompt.Input | ReadonlyArray<Prompt.Input>
  }
  /**
   * What is said when the input was taken. Between two questions it is more than politeness: if the carrier delivers an
   * answer twice after a lost reply, the second delivery meets a prompt without keys, and cannot pass for an answer to the
   * next question.
   */
  readonly acknowledge?: Prompt.Input
}

/**
 * What counts as input: up to `max` digits, and at least `min` (default 1). Fewer, and more, are a wrong input.
 *
 * @since 0.1.0
 */
export interface Collecting extends Asking {
  readonly max: number
  readonly min?: number
  /**
   * Which keys count. `digits` are 0 to 9, the default: a `#` behind them says that this is all, and does not count. With `all`
   * each key is taken as it was pressed, `*` and `#` too.
   */
  readonly keys?: "digits" | "all"
}

/**
 * What a schema of pressed keys has to be beside a schema: it decodes text.
 *
 * @since 0.1.0
 */
export type OfDigits<S> = S extends Schema.ConstraintCodec<unknown, string, never, unknown> ? unknown
  : "Pressed keys are text: give a schema that decodes text, such as Schema.NumberFromString"

/**
 * Asks for up to `max` digits and gives those that were pressed, or what `schema` decodes from them. Nothing else is ever given:
 * silence, too few digits or too many, other keys and digits that do not decode ask again, and in the end fail with `NoInput`.
 * Throws `InvalidFlow` for a `max` outside 1 to 128, a `min` outside 1 to `max`, and `attempts` outside 1 to 1000.
 *
 * How the carrier ends the waiting for digits is not documented, nor whether a `#` does: the only parameter seen is `max`.
 *
 * @example
 * Line.collect("Enter your PIN.", { max: 4, min: 4, again: { invalid: "Four digits, please." } })
 * @since 0.1.0
 */
export const collect = <S extends Schema.ConstraintCodec<unknown, unknown, never, unknown> = typeof Schema.String>(
  prompt: Prompt.Input,
  options: Collecting & { readonly schema?: S & OfDigits<S> }
): Flow.Flow<S["Type"], Flow.HungUp | Flow.NoInput, Line> => collecting(prompt, options as never)

const collecting = (
  prompt: Prompt.Input,
  options: Collecting & { readonly schema?: Schema.ConstraintCodec<unknown, string, never, unknown> }
): Flow.Flow<never, Flow.HungUp | Flow.NoInput, Line> => {
  const { keys = "digits", max, min = 1, schema } = options
  bounds.count("Line.collect", "a `max`", max, 1, 128)
  bounds.count("Line.collect", "a `min`", min, 1, max)
  const decode = schema === undefined ? Result.succeed : codecs.decoder(schema)
  const entry = keys === "all" ? allKeys : digitKeys
  return choose("Line.collect", prompt, options, (pressed): Accepted<never> => {
    const digits = entry.exec(pressed)?.[1] ?? ""
    const result = digits.length < min || digits.length > max ? undefined : decode(digits)
    return result === undefined || Result.isFailure(result) ? undefined : { accepted: result.success as never }
  })
}

const digitKeys = /^([0-9]*)#?$/
const allKeys = /^([0-9A-Da-d*#]*)$/

type Key = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "*" | "#"

type Choices<C> = {
  readonly [K in keyof C]: string extends K ? C[K]
    : `${K & (string | number)}` extends Key ? C[K]
    : "A choice is one key: 0 to 9, * or #"
}

/**
 * Offers one key per choice and gives what the pressed key stands for. Silence and other keys ask again, and in the end
 * fail with `NoInput`. Choices that are made of data are a `Record<string, A>`. Throws `InvalidFlow` for no choice, and for one
 * that is not one key: 0 to 9, `*` or `#`.
 *
 * @example
 * Line.menu("Press 1 to keep it, 2 to cancel it.", { choices: { "1": "kept", "2": "cancelled" } })
 * @since 0.1.0
 */
export const menu = <const C extends Choices<C>>(
  prompt: Prompt.Input,
  options: Asking & { readonly choices: C }
): Flow.Flow<C[keyof C], Flow.HungUp | Flow.NoInput, Line> => {
  bounds.choices("Line.menu", Object.keys(options.choices))
  return choose(
    "Line.menu",
    prompt,
    { max: 1, ...options, meanings: meanings(options.choices) },
    (digits): Accepted<C[keyof C]> =>
      Object.hasOwn(options.choices, digits)
        ? { accepted: options.choices[digits as keyof C] as C[keyof C] }
        : undefined
  )
}

/**
 * Asks for yes (1) or no (2) and says that it was heard.
 *
 * @example
 * Line.confirm("You said the third of May. Press 1 if that is right, 2 if not.")
 * @since 0.1.0
 */
export const confirm = (
  prompt: Prompt.Input,
  options?: Asking & { readonly yes?: Key; readonly no?: Key }
): Flow.Flow<boolean, Flow.HungUp | Flow.NoInput, Line> => {
  const { no = "2", yes = "1", ...asking } = options ?? {}
  return choose(
    "Line.confirm",
    prompt,
    { acknowledge: "Thank you.", ...asking, max: 1, meanings: { [yes]: "yes", [no]: "no" } },
    (digits): Accepted<boolean> => digits === yes ? { accepted: true } : digits === no ? { accepted: false } : undefined
  )
}

/** What each key stands for, where a word says it. */
const meanings = (choices: object): { readonly [key: string]: string } =>
  Object.fromEntries(
    Object.entries(choices).flatMap(([key, value]: [string, unknown]) => {
      const word = meaning(value)
      return word === undefined ? [] : [[key, word]]
    })
  )

const meaning = (value: unknown): string | undefined => {
  if (typeof value === "boolean") return value ? "yes" : "no"
  if (typeof value === "string" || typeof value === "number") return String(value)
  return typeof value === "object" && value !== null && "_tag" in value ? String(value._tag) : undefined
}

type Accepted<A> = { readonly accepted: A } | undefined

/** Nobody bears more. */
const mostAttempts = 1000

type Judged<A> = { readonly accepted: A } | "silence" | "invalid"

type Asked<A> = Flow.Flow<A, Flow.HungUp | Flow.NoInput, Line>

/** All that may be said, made at once: a mistake in it shows where it is written, not when somebody presses a wrong key. */
const wordings = (
  words: Prompt.Input | ReadonlyArray<Prompt.Input> | undefined,
  first: Prompt.Prompt
): readonly [Prompt.Prompt, ...ReadonlyArray<Prompt.Prompt>] => {
  const [again = first, ...others] = (Array.isArray(words) ? words : words === undefined ? [] : [words]).map(
    Prompt.from
  )
  return [again, ...others]
}

const choose = <A>(
  where: string,
  prompt: Prompt.Input,
  options: Collecting & {
    readonly meanings?: { readonly [key: string]: string }
    readonly schema?: Schema.ConstraintCodec<unknown, string, never, unknown>
  },
  accept: (digits: string) => Accepted<A>
): Asked<A> => {
  const { acknowledge, again, attempts = 3, max, schema } = options
  const limits = typeof attempts === "number" ? { silence: attempts, invalid: attempts } : { ...attempts }
  bounds.count(where, "`attempts`", limits.silence, 1, mostAttempts)
  bounds.count(where, "`attempts`", limits.invalid, 1, mostAttempts)
  const first = Prompt.from(prompt)
  const later = { silence: wordings(again?.silence, first), invalid: wordings(again?.invalid, first) }
  const thanks = acknowledge === undefined ? undefined : speak(acknowledge)
  // Judged as it comes, so that what is kept of a wrong input is that it was wrong, and wrong keys are one to the explorer.
  const judge = (digits: string): Judged<A> => digits === "" ? "silence" : accept(digits) ?? "invalid"
  const taking = {
    accepts: (digits: string): boolean => accept(digits) !== undefined,
    ...(schema === undefined ? {} : { schema: () => schema })
  }
  const question = { asked: first, ...(options.meanings === undefined ? {} : { choices: options.meanings }) }
  const ask = (words: Prompt.Prompt, silences: number, mistakes: number): Asked<A> =>
    Flow.flatMap(judged(Action.prompt(words, { max }), { ...taking, question }, judge), (answer): Asked<A> => {
      if (typeof answer !== "string") {
        return thanks === undefined ? Flow.succeed(answer.accepted) : Flow.as(thanks, answer.accepted)
      }
      const counts = answer === "silence"
        ? { silence: silences + 1, invalid: mistakes }
        : { silence: silences, invalid: mistakes + 1 }
      if (counts[answer] >= limits[answer]) {
        return Flow.fail(new Flow.NoInput({ last: answer, attempts: counts.silence + counts.invalid }))
      }
      const said = later[answer]
      return ask(said[counts[answer] - 1] ?? said.at(-1)!, counts.silence, counts.invalid)
    })
  return ask(first, 0, 0)
}

/**
 * The last words: hanging up during them is no failure.
 *
 * @since 0.1.0
 */
export const goodbye = (words: Prompt.Input): Flow.Flow<void, never, Line> =>
  heard(words, undefined, { goodbye: true }).pipe(
    Flow.as(undefined),
    Flow.catchTag("HungUp", () => Flow.succeed(undefined))
  )

/**
 * Runs a flow that waits (an activity, a sleep, a signal) while the callee hears `prompt`, again and again if need be.
 * Unlike a wait without it, it notices a hang-up at once and fails with `HungUp`. Keys pressed meanwhile are not heard.
 *
 * A line bears 60 holds in a row (a setting); then the wait fails with `TimedOut`, and the flow can still say so. So a long
 * wait wants a long prompt, such as `Prompt.audio` with music.
 *
 * @example
 * lookUp(account).pipe(Line.hold("One moment, please."))
 * @since 0.1.0
 */
export const hold: {
  (
    prompt: Prompt.Input
  ): <A, E, R>(self: Flow.Flow<A, E, R>) => Flow.Flow<A, E | Flow.HungUp | Flow.TimedOut, R | Line>
  <A, E, R>(self: Flow.Flow<A, E, R>, prompt: Prompt.Input): Flow.Flow<A, E | Flow.HungUp | Flow.TimedOut, R | Line>
} = dual(
  2,
  <A, E, R>(self: Flow.Flow<A, E, R>, prompt: Prompt.Input): Flow.Flow<A, E | Flow.HungUp | Flow.TimedOut, R | Line> =>
    underHold(self, Prompt.from(prompt))
)

const holdLimit: Request.HoldLimitScope = { _tag: "HoldLimit", failure: new Flow.TimedOut() }

/** What a line bears is bounded within the hold, so that the flow can still speak when it is over. */
const underHold = <A, E, R>(
  self: Flow.Flow<A, E, R>,
  prompt: Prompt.Prompt
): Flow.Flow<A, E | Flow.HungUp | Flow.TimedOut, R | Line> => {
  const scope: Request.HoldScope = { _tag: "Hold", prompt, failure: hungUp.error }
  return interpreter.scoped(interpreter.scoped(self as never, holdLimit), scope) as never
}

/**
 * Says nothing for a while, in silent prompts of the carrier's, so that the line stays steerable and a hang-up is noticed
 * at once. It lasts `duration` and to the end of the prompt that is then under way, and some minutes at most: a line bears
 * 60 holds in a row.
 *
 * @since 0.1.0
 */
export const pause = (duration: Duration.Input): Flow.Flow<void, Flow.HungUp, Line> =>
  Flow.catchTag(hold(Flow.sleep(duration), Prompt.pause), "TimedOut", () => Flow.succeed(undefined))

/**
 * Connects the caller with a third party and waits until one of them leaves, or nobody was reached. Whoever stays can be
 * spoken to: an agent's leg ends, a survey begins.
 *
 * A `dial` is documented as a reply to a call that comes in; Telesign's demos also give it after prompts and after a leg ended
 * ("Voice - Actions", "Voice - Perform a cold transfer"). It works for callers only, so it needs `Flow.inbound`.
 *
 * Nothing can be said while the two talk: a `Flow.timeout` around it lets the flow move on, but not the line.
 *
 * @since 0.1.0
 */
export const bridge = (options: {
  /** Who is connected. */
  readonly to: PhoneNumber
  /** What they see: one of our numbers, or the caller's (documented for `caller_id_number`). */
  readonly from: PhoneNumber
  /** After how long the carrier ends the call; at most 4 h, which is the default. */
  readonly maxCallDuration?: Duration.Input
}): Flow.Flow<Request.Bridged, Flow.HungUp, Line | Flow.IncomingLine> => {
  const action: Action.Dial = {
    _tag: "Dial",
    to: makeNumber(options.to),
    from: makeNumber(options.from),
    maxCallDurationSeconds: Math.ceil(bounds.millis("Line.bridge", options.maxCallDuration ?? "4 hours") / 1000)
  }
  return Flow.ask(
    { _tag: "Bridge", action },
    (response): interpreter.Exit<Request.Bridged, Flow.HungUp> =>
      response._tag === "HungUp" ? hungUp : interpreter.success(response)
  )
}

/**
 * Keys in tones on the live line. Experimental: neither the parameters of this action nor the event that ends it are
 * public ("Voice - Actions" names it only), so the line may not be steerable again before it ends. Digits right after
 * the answer belong in `Flow.dial({ sendDtmf })`, which is documented.
 *
 * @since 0.1.0
 */
export const sendDtmf = (tones: string): Flow.Flow<void, Flow.HungUp, Line> =>
  Flow.as(prompt(Action.sendDtmf(tones)), undefined)

/**
 * Asks for an action that this library does not name, with the method and the parameters that your account's documentation
 * gives: a recording, speech recognition, several files. It goes on when `completion.event` comes, and gives the digits and whatever
 * else that event told. **Nothing of it is proved here.** `dial` and `hangup` are refused, for a call has to know of them.
 *
 * `completion.collects` is how many digits it may bring, `completion.lasts` how long it takes at most (default: as long as audio
 * of unknown length), `completion.examples` what the explorer tries; without them it tries that nothing is told.
 *
 * @example
 * Line.raw({ method: "play_multiple", params: { urls }, completion: { event: "play_completed" } })
 * @since 0.1.0
 */
export const raw = (options: {
  readonly method: string
  readonly params: { readonly [name: string]: Schema.Json }
  readonly completion: {
    readonly event: string
    readonly collects?: number
    readonly lasts?: Duration.Input
    readonly examples?: ReadonlyArray<Request.Completed>
  }
}): Flow.Flow<Request.Completed, Flow.HungUp, Line> => {
  const { collects, event, examples, lasts } = options.completion
  const action = Action.raw({
    method: options.method,
    params: options.params,
    completedBy: event,
    ...(lasts === undefined ? {} : { millis: Math.ceil(bounds.millis("Line.raw", lasts)) }),
    ...(collects === undefined ? {} : { collect: { max: collects } })
  })
  return Flow.ask(
    { _tag: "Prompt", action, goodbye: false, completions: examples ?? [{ digits: "", data: {} }] },
    (response): interpreter.Exit<Request.Completed, Flow.HungUp> =>
      response._tag === "Heard"
        ? interpreter.success({ digits: response.digits, data: response.data ?? {} })
        : hungUp
  )
}

/**
 * Hangs up. What the flow does after it needs no line.
 *
 * @since 0.1.0
 */
export const hangup: Flow.Flow<void, never, Line> = Flow.ask({ _tag: "Leave" }, () => interpreter.success(undefined))
