/**
 * Laws of a conversation, as values: what has to hold on every path of a flow. `FlowExplorer.check` proves them by going
 * every path; a broken one comes back with the shortest path that breaks it.
 *
 * Most laws are small state machines, folded along a path. A law that looked back over whole paths would miss what the
 * explorer merges, so the state of a law is part of what tells two places apart: keep it small, and plain data.
 *
 * ```ts
 * FlowExplorer.check(Reminder, input, [...Law.standard, Law.promptAtMost(3), Law.fails("HungUp")])
 * ```
 *
 * @since 0.1.0
 */
import type { Request, Step } from "@ringback/core"
import type { Schema } from "effect"
import * as PhoneLine from "./PhoneLine.ts"

/**
 * The line as the flow has it: `none` before somebody answers and after the flow left it, `open` while somebody is there,
 * `gone` when the far end hung up and the flow has not left yet.
 *
 * @since 0.1.0
 */
export type LineState = "none" | "open" | "gone"

/**
 * What the world did about a request: answered it, or ended it from outside. `HungUp` is a hang-up that a hold noticed,
 * `Expired` a deadline that passed, `Overdue` and `Died` are what became of an activity.
 *
 * @since 0.1.0
 */
export type What =
  | { readonly _tag: "Responded"; readonly response: Request.Response }
  | { readonly _tag: "HungUp" }
  | { readonly _tag: "Expired" }
  | { readonly _tag: "Overdue" }
  | { readonly _tag: "Died" }
  | { readonly _tag: "Cancelled" }

/**
 * A moment on a path: the flow asks for something (`held` under a `Line.hold`, `bounded` by a `Flow.timeout`), something
 * happens about it, or the flow has ended. `line` is the line at that moment, for `Happened` after it.
 *
 * @since 0.1.0
 */
export type Moment =
  | {
    readonly _tag: "Asked"
    readonly request: Request.Request
    readonly line: LineState
    readonly held: boolean
    readonly bounded: boolean
  }
  | { readonly _tag: "Happened"; readonly request: Request.Request; readonly what: What; readonly line: LineState }
  | { readonly _tag: "Ended"; readonly exit: Step.Exit<unknown, unknown>; readonly line: LineState }

/**
 * The verdict of a law that has just been broken. `why` is shown to people: no numbers, keys or spoken words in it.
 *
 * @since 0.1.0
 */
export interface Broken {
  readonly _tag: "Broken"
  readonly why: string
}

/**
 * A law: a state machine over the moments of a path, a goal that stays within reach, or the laws that paths end and fit into their
 * lines.
 *
 * @since 0.1.0
 */
export type Law =
  & {
    /** Which moments the law speaks of, if it does not speak of all: with none of them on any path it proves nothing. */
    readonly about?: (moment: Moment) => boolean
    /** How the law is written in a test, where it is not one of your own: `Law.promptAtMost(3)`. */
    readonly code?: string
  }
  & Kind

type Kind =
  | {
    readonly _tag: "Machine"
    readonly name: string
    readonly initial: Schema.Json
    readonly next: (state: never, moment: Moment) => Schema.Json | Broken
  }
  | {
    readonly _tag: "Reachable"
    readonly name: string
    readonly from: (moment: Moment) => boolean
    readonly to: (moment: Moment) => boolean
  }
  | { readonly _tag: "Ends"; readonly name: string; readonly byItself: boolean }
  | { readonly _tag: "Fits"; readonly name: string }

/**
 * Says that a law is broken at this moment.
 *
 * @since 0.1.0
 */
export const broken = (why: string): Broken => ({ _tag: "Broken", why })

/**
 * Tells the verdict from a state.
 *
 * @since 0.1.0
 */
export const isBroken = (verdict: Schema.Json | Broken): verdict is Broken =>
  typeof verdict === "object" && verdict !== null && "_tag" in verdict && verdict._tag === "Broken"

/**
 * A law of your own: `next` takes the state and a moment to the next state, or to `Law.broken`. Each line of code in it
 * runs at every place of the flow, and each value of the state multiplies the places. `about` says which moments the law speaks of:
 * if there is none on any path, `FlowExplorer.check` says so instead of passing a law for kept that nothing can break.
 *
 * @example
 * const notesFirst = Law.make("a call is noted before it is placed", {
 *   initial: false,
 *   next: (noted: boolean, moment) =>
 *     moment._tag === "Asked" && moment.request._tag === "Dial" && !noted
 *       ? Law.broken("a dial without a note")
 *       : noted || (moment._tag === "Asked" && moment.request._tag === "Note")
 * })
 * @since 0.1.0
 */
export const make = <S extends Schema.Json>(
  name: string,
  options: {
    readonly initial: S
    readonly next: (state: S, moment: Moment) => S | Broken
    readonly about?: (moment: Moment) => boolean
  }
): Law => ({ _tag: "Machine", name, ...options })

/** A law without memory. */
const always = (name: string, code: string, problem: (moment: Moment) => string | undefined): Law =>
  written(
    code,
    make<null>(name, {
      initial: null,
      next: (_, moment) => {
        const why = problem(moment)
        return why === undefined ? null : broken(why)
      }
    })
  )

const written = (code: string, law: Law): Law => ({ ...law, code })

/** Values as they are written in code. */
const listed = (...values: ReadonlyArray<number | Words | undefined>): string =>
  values.filter((value) => value !== undefined).map((value) =>
    typeof value === "string" ? JSON.stringify(value) : String(value)
  ).join(", ")

/**
 * Which prompts a law speaks of: those whose words contain a text or match an expression. An audio file is matched by its
 * address.
 *
 * @since 0.1.0
 */
export type Words = string | RegExp

const matches = (words: Words | undefined, text: string): boolean =>
  words === undefined ||
  (typeof words === "string" ? text.includes(words) : new RegExp(words.source, words.flags).test(text))

/** The words of a prompt that somebody is there to hear. */
const spoken = (moment: Moment): string | undefined =>
  moment._tag === "Asked" && moment.request._tag === "Prompt" && moment.line === "open"
    ? PhoneLine.words(moment.request.action)
    : undefined

const isNewLine = (moment: Moment): boolean =>
  moment._tag === "Asked" && (moment.request._tag === "Dial" || moment.request._tag === "Answer")

/**
 * Every line that was answered is left before the flow ends. `Flow.dial` and `Flow.inbound` see to it; requests made by
 * `Flow.ask` do not.
 *
 * @since 0.1.0
 */
export const lineCloses: Law = always(
  "every line is closed",
  "Law.lineCloses",
  (moment) =>
    moment._tag === "Ended" && moment.line === "open" ? "the flow ends and leaves somebody on the line" : undefined
)

/**
 * Nobody listens to silence: a sleep or a wait for a signal on an open line stands under a `Line.hold`, and no flow ends
 * on an open line. An activity may stand without one: it is meant to be quick, and after two seconds the engine speaks its
 * own hold.
 *
 * @since 0.1.0
 */
export const noDeadAir: Law = always("no dead air", "Law.noDeadAir", (moment) => {
  if (moment.line !== "open") return undefined
  if (moment._tag === "Ended") return "the flow ends while somebody listens"
  if (moment._tag !== "Asked" || moment.held) return undefined
  const { request } = moment
  const waits = request._tag === "Signal" || (request._tag === "Sleep" && request.millis > 0)
  return waits ? `a ${request._tag.toLowerCase()} on an open line, without Line.hold` : undefined
})

/**
 * Nothing is said where no line can be: before the first answer, or after the flow itself has left. A prompt to somebody
 * who just hung up is no breach, for the flow cannot know.
 *
 * @since 0.1.0
 */
export const nothingAfterTheEnd: Law = always("nothing after the end", "Law.nothingAfterTheEnd", (moment) => {
  if (moment._tag !== "Asked" || moment.line !== "none") return undefined
  const { _tag } = moment.request
  return _tag === "Prompt" || _tag === "Bridge" ? `a ${_tag.toLowerCase()} on a line that was left` : undefined
})

/**
 * No path runs into a mistake of the program: something thrown, or an output that does not fit its schema. An activity
 * that dies does so from outside, and is no breach.
 *
 * @since 0.1.0
 */
export const noDefect: Law = written(
  "Law.noDefect",
  make("no defect", {
    initial: false,
    next: (died: boolean, moment) => {
      if (moment._tag === "Happened") return died || moment.what._tag === "Died"
      if (moment._tag !== "Ended" || died || moment.exit._tag !== "Stopped") return died
      return moment.exit.why._tag === "Defect" ? broken(`the flow throws: ${nameOf(moment.exit.why.defect)}`) : died
    }
  })
)

/** What a defect is called. Its message may hold what was said, so it stays out. */
const nameOf = (defect: unknown): string => defect instanceof Error ? defect.name : "no Error"

/**
 * Every path ends: nothing goes round in a circle, and no loop of a generator is cut at the bound.
 *
 * @since 0.1.0
 */
export const ends: Law = { _tag: "Ends", name: "every path ends", byItself: false, code: "Law.ends" }

/**
 * Whoever does nothing gets to an end: a circle is allowed only if keys have to be pressed to stay in it, as where the
 * star leads back to the menu before.
 *
 * @since 0.1.0
 */
export const endsByItself: Law = {
  _tag: "Ends",
  name: "every path ends by itself",
  byItself: true,
  code: "Law.endsByItself"
}

/**
 * No conversation is longer than its line may last: the `maxCallDuration` of its dial, or four hours of a caller. What is spoken and
 * waited is counted, activities and two people who talk are not. A conversation that is cut off ends as a hang-up.
 *
 * @since 0.1.0
 */
export const withinTheLine: Law = {
  _tag: "Fits",
  name: "every conversation fits into its line",
  code: "Law.withinTheLine"
}

/**
 * The laws that hold for every flow: `lineCloses`, `noDeadAir`, `nothingAfterTheEnd`, `noDefect`,
 * `endsByItself`.
 *
 * @since 0.1.0
 */
export const standard: ReadonlyArray<Law> = [
  lineCloses,
  noDeadAir,
  nothingAfterTheEnd,
  noDefect,
  endsByItself
]

const often = (times: number): string => times === 1 ? "once" : `${times} times`

/**
 * Nobody hears the same prompt more than `times` times on one line. With `words`, the prompts that match are counted, all
 * together.
 *
 * @since 0.1.0
 */
export const promptAtMost = (times: number, words?: Words): Law =>
  written(
    `Law.promptAtMost(${listed(times, words)})`,
    make<{ readonly [prompt: string]: number }>(
      words === undefined ? `a prompt at most ${often(times)}` : `prompts that match ${words} at most ${often(times)}`,
      {
        initial: {},
        ...(words === undefined ? {} : { about: speaks(words) }),
        next: (counts, moment) => {
          if (isNewLine(moment)) return {}
          const text = spoken(moment)
          if (text === undefined || !matches(words, text)) return counts
          const prompt = words === undefined ? text : "all"
          const count = (counts[prompt] ?? 0) + 1
          return count > times ? broken(`heard ${often(count)}`) : { ...counts, [prompt]: count }
        }
      }
    )
  )

/**
 * What matches `words` (a passcode) is not spoken on a line before somebody there has pressed a key: a machine that
 * records never hears it.
 *
 * @since 0.1.0
 */
export const keyPressBefore = (words: Words): Law =>
  written(
    `Law.keyPressBefore(${listed(words)})`,
    make(`a key press before ${words} is spoken`, {
      initial: false,
      about: speaks(words),
      next: (pressed: boolean, moment) => {
        if (isNewLine(moment)) return false
        if (moment._tag === "Happened") return pressed || digitsOf(moment) !== ""
        const text = spoken(moment)
        return text !== undefined && matches(words, text) && !pressed
          ? broken("spoken before a key was pressed")
          : pressed
      }
    })
  )

const digitsOf = (moment: Extract<Moment, { readonly _tag: "Happened" }>): string => {
  if (moment.request._tag !== "Prompt" || moment.what._tag !== "Responded") return ""
  const response = moment.what.response as Request.Responses["Prompt"]
  return response._tag === "Heard" ? response.digits : ""
}

/**
 * From every prompt that matches `from`, something that matches `to` is still within reach in the same call, without
 * another dial: from every offer, the opt-out.
 *
 * @example
 * Law.reachable("every offer can be opted out of", { from: /offer/, to: Law.notes("opt-out") })
 * @since 0.1.0
 */
export const reachable = (
  name: string,
  options: { readonly from: Words; readonly to: (moment: Moment) => boolean }
): Law => ({ _tag: "Reachable", name, from: speaks(options.from), to: options.to, about: speaks(options.from) })

/**
 * Recognises the note of this name: a goal for `reachable`.
 *
 * @since 0.1.0
 */
export const notes = (name: string) => (moment: Moment): boolean =>
  moment._tag === "Asked" && moment.request._tag === "Note" && moment.request.name === name

/**
 * Recognises the activity of this name: a goal for `reachable`.
 *
 * @since 0.1.0
 */
export const runs = (name: string) => (moment: Moment): boolean =>
  moment._tag === "Asked" && moment.request._tag === "Activity" && moment.request.name === name

/**
 * Recognises a prompt that matches `words`: a goal for `reachable`.
 *
 * @since 0.1.0
 */
export const speaks = (words: Words) => (moment: Moment): boolean => {
  const text = spoken(moment)
  return text !== undefined && matches(words, text)
}

/**
 * The call fails with nothing but these tags; whatever else goes wrong is caught. Silence that nobody thought of shows as
 * `NoInput`.
 *
 * @since 0.1.0
 */
export const fails = (...tags: ReadonlyArray<string>): Law =>
  always(
    tags.length === 0 ? "no failure" : `no failure but ${tags.join(", ")}`,
    `Law.fails(${listed(...tags)})`,
    (moment) => {
      if (moment._tag !== "Ended" || moment.exit._tag !== "Failure") return undefined
      const tag = tagOf(moment.exit.error)
      return tags.includes(tag) ? undefined : `the call fails with ${tag}`
    }
  )

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "an untagged error"
