/**
 * Checks every path of a flow: every choice of the network, the callee and the application, at every place. It runs the
 * pure part of a flow only, so thousands of paths take a moment, and needs no phone, no clock and no engine.
 *
 * ```ts
 * it("keeps the laws on every path", () => FlowExplorer.check(Reminder, input, Law.standard))
 * ```
 *
 * What it tries: a dial is answered, busy, not answered, failed, refused, not authorized, not sent, or of unknown fate; a
 * prompt is heard, hung up on, answered by each class of keys that the flow distinguishes, or by silence; an activity
 * succeeds, fails, takes too long or dies; a signal comes or does not; a deadline passes; a wait is hung up on. Keys of a menu are found out by pressing each
 * of them: those that lead to the same place are one choice. Two places are the same if `Step.key` says so, and are
 * explored once.
 *
 * What it cannot know is reported, never passed over, and fails a `check` that does not accept it by name. An activity or a signal
 * whose values are not few needs samples; the inputs of a prompt are drawn from its schema. What a `gen` keeps, it keeps: n answers
 * of k kinds make k^n places. A loop without end is cut at a bound. The first path to each place is run again, at another time and
 * with other chances: code that reads a clock, a random number or a variable outside of the generator shows as a path that goes on otherwise.
 *
 * Time is known in bounds only: what is spoken lasts up to twice its estimate and some seconds, and a deadline passes where it may
 * within them. `Flow.now` goes on by the estimate of what was spoken and by what was waited.
 *
 * @since 0.1.0
 */
import {
  type CallEvent,
  EventStore,
  type Flow,
  type FlowDrawing,
  Ladder,
  type LiveCall,
  type Request
} from "@ringback/core"
import { Effect, Schema } from "effect"
import * as captions from "./internal/captions.ts"
import * as Choices from "./internal/explorer/choices.ts"
import * as conducting from "./internal/explorer/conducting.ts"
import { covering } from "./internal/explorer/covering.ts"
import { distinct } from "./internal/explorer/distinct.ts"
import * as drawing from "./internal/explorer/drawing.ts"
import { laidOut } from "./internal/explorer/layout.ts"
import * as lived from "./internal/explorer/lived.ts"
import { Naming } from "./internal/explorer/naming.ts"
import * as optionRules from "./internal/explorer/optionRules.ts"
import * as pasting from "./internal/explorer/pasting.ts"
import * as paths from "./internal/explorer/paths.ts"
import * as progress from "./internal/explorer/progress.ts"
import * as proof from "./internal/explorer/rerunning.ts"
import * as samples from "./internal/explorer/samples.ts"
import * as graph from "./internal/explorer/search.ts"
import * as thrown from "./internal/explorer/thrown.ts"
import { defaults, trialOf } from "./internal/explorer/trying.ts"
import { inWords, unaccepted, unasked, unsteady } from "./internal/explorer/unseen.ts"
import { given } from "./internal/given.ts"
import * as realRun from "./internal/realRun.ts"
import * as rules from "./internal/rules.ts"
import * as usersCode from "./internal/usersCode.ts"
import type { Law } from "./Law.ts"

// ---------------------------------------------------------------------------------------------------------------------
// What is tried
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What is tried where the flow leaves it open, and how far the search goes. All of it has a default.
 *
 * @since 0.1.0
 */
export interface Options {
  /** The keys that are tried at a prompt that takes one; default all twelve. The first also fills longer inputs. */
  readonly keys?: ReadonlyArray<string>
  /** Inputs to try where they fit, besides one key, as many keys as the prompt takes, and silence. */
  readonly digits?: ReadonlyArray<string>
  /**
   * What activities come to, by name: values as the flow gets them, and `FlowExplorer.failure(error)`. Not needed where the
   * schemas leave only a few: nothing, a truth value, literals.
   */
  readonly activities?: { readonly [name: string]: ReadonlyArray<unknown> }
  /** What the application may tell, by the name of the signal, in stored form. Not needed for nothing or a truth value. */
  readonly signals?: { readonly [name: string]: ReadonlyArray<unknown> }
  /** What `Flow.now` may give the first time, in milliseconds since 1970; default one moment in 2025. Then it goes on. */
  readonly now?: ReadonlyArray<number>
  /** What `Flow.random` may give; default 0, 0.5 and 0.999. */
  readonly random?: ReadonlyArray<number>
  /** What may come of a bridge, besides a hang-up; default all of it: each of the two leaves, one does, not connected. */
  readonly bridges?: ReadonlyArray<Request.Bridged>
  /** Who may call; default somebody with a number and somebody without. */
  readonly callers?: ReadonlyArray<{ readonly from: string | undefined; readonly to: string | undefined }>
  /** Whether the application may cancel the call at any moment; default `false`. */
  readonly cancel?: boolean
  /** How many places are explored at most; default 100,000. */
  readonly max?: number
  /** How many seconds the search may take, by the clock of the machine; default as many as it takes. */
  readonly seconds?: number
  /** How many exchanges a path has at most; default 1,000. */
  readonly depth?: number
  /**
   * What `check` need not see, by the names in `unseen`, such as `outcome "lost"` where another input leads there. A name that
   * stands for nothing unseen fails the check, too.
   */
  readonly accept?: ReadonlyArray<string>
}

/**
 * How a flow is drawn. `names` says what to call values that the flow has from elsewhere than its input, such as the number of a
 * department.
 *
 * @since 0.1.0
 */
export interface Drawing {
  readonly names?: { readonly [value: string]: string }
}

/**
 * A sample of an activity that fails, as the flow gets its error.
 *
 * @since 0.1.0
 */
export const failure = (error: unknown): unknown => new Choices.Failing(error)

// ---------------------------------------------------------------------------------------------------------------------
// What comes out
// ---------------------------------------------------------------------------------------------------------------------

/**
 * One exchange of a path in words: what the flow asked for, and what happened. Words and keys are shown, for they come from
 * the input and the samples of a test; numbers are masked.
 *
 * @since 0.1.0
 */
export interface Exchange {
  readonly asked: string
  readonly happened: string
}

/**
 * A law that does not hold: why, the shortest path that breaks it, the same as a ladder, with its words and keys, and as a test to paste.
 *
 * @since 0.1.0
 */
export interface Breach {
  readonly law: string
  readonly why: string
  readonly path: ReadonlyArray<Exchange>
  readonly ladder: string
  readonly scenario: string
  /** What was thrown, and where in the author's code, if the path ends so. */
  readonly thrown?: string
}

/**
 * Something that was not seen, so that nothing is proved about it: its name, why, and what to do.
 *
 * @since 0.1.0
 */
export interface Unseen {
  readonly name: string
  readonly why: string
  readonly remedy: string
}

/**
 * Everything about a flow that its paths tell. Plain data.
 *
 * @since 0.1.0
 */
export interface Report {
  readonly flow: string
  readonly version: number
  /** How many places were explored, and how many of them differ in their futures. */
  readonly places: number
  readonly distinct: number
  /** How many steps of the flow it took. */
  readonly transitions: number
  /** How many different conversations there are; `Infinity` if one can go in a circle. */
  readonly paths: number
  /**
   * The longest that somebody may be kept on one line: prompts, seconds of speech (15 characters a second), and seconds with
   * all waiting. Two people who talk are not counted. `Infinity` if there is no end to it.
   */
  readonly longest: { readonly prompts: number; readonly spokenSeconds: number; readonly seconds: number }
  /** How the call may end, in words. */
  readonly outcomes: ReadonlyArray<string>
  /**
   * What was not seen. An activity, a signal or a prompt that needs samples, for behind it nothing was explored; a sample that
   * nothing takes; an outcome that the output names and no path has; a law that spoke of nothing on any path; a clock or
   * `Math.random` that the flow looks at, though at no moment that was tried it went otherwise; and paths that are longer than the search.
   */
  readonly unseen: ReadonlyArray<Unseen>
  /** Whether the search came to its bound: then not every path was seen. */
  readonly cut: boolean
  readonly broken: ReadonlyArray<Breach>
  readonly warnings: ReadonlyArray<string>
  /** The flow as a graph of places with distinct futures; the first is the start. */
  readonly graph: ReadonlyArray<Node>
  /** The flow as its author thinks of it, if it was to be drawn and every path was seen. */
  readonly drawing?: FlowDrawing.FlowDrawing
}

/**
 * A place of the graph: in words, whether it is an end, and what may happen there.
 *
 * @since 0.1.0
 */
export interface Node {
  readonly label: string
  readonly end: boolean
  readonly edges: ReadonlyArray<{ readonly label: string; readonly to: number }>
}

/**
 * A flow breaks a law, or could not be explored to its end. The message holds the shortest path as a ladder, and a test to
 * paste, which shows the keys that the explorer pressed.
 *
 * @since 0.1.0
 */
export class LawBroken extends Schema.TaggedError<LawBroken>()("LawBroken", {
  flow: Schema.String,
  law: Schema.String,
  why: Schema.String,
  ladder: Schema.String,
  scenario: Schema.String,
  thrown: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const thrown = this.thrown === undefined ? "" : `\n\n${this.thrown}`
    const test = this.scenario === "" ? "" : `\n\nAs a test:\n\n${this.scenario}\n`
    const story = this.ladder === "" ? "" : `\n\n${this.ladder}${test}`
    return `${this.flow} breaks the law “${this.law}”: ${this.why}${thrown}${story}`
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Exploring
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Goes every path of a flow with this input and reports what there is; the laws under `laws` are checked along the way.
 *
 * Throws an `Error` if the input or a sample does not fit the schema that it is for, or if two laws have one name, and a `RangeError` if an
 * option is out of range, or is none.
 *
 * @since 0.1.0
 */
export const explore = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: Input,
  options?: Options & { readonly laws?: ReadonlyArray<Law>; readonly draw?: Drawing }
): Report => {
  rules.check("FlowExplorer", options ?? {}, {
    ...optionRules.explorer,
    laws: rules.list(rules.record),
    draw: rules.record
  })
  const { accept: _, depth = 1_000, draw: drawn, laws = [], max = 100_000, seconds = Infinity, ...said } = options ?? {}
  const tried = { ...defaults, ...said }
  namedApart(laws)
  const bounds = { max, depth, seconds, ...progress.running() }
  const found = proof.search(given(flow, input), laws, trialOf(flow, tried), bounds)
  const nodes = distinct(found.places)
  const hasActivities = Array.from(found.findings.asked).some((name) => name.startsWith("activity "))
  const isSampled = Object.keys(said).length > 0
  const about: Told = { flow: flow.name, input, samples: tried, isSampled, hasActivities, places: found.places, laws }
  const lengths = graph.longest(found.places)
  const outcomes = Array.from(new Set(found.places.filter(isEnd).map(({ label }) => label)))
  return {
    flow: flow.name,
    version: flow.version,
    places: found.places.length,
    distinct: nodes.length,
    transitions: found.transitions,
    paths: graph.paths(found.places),
    longest: lengths.reduce((a, b) => ({
      prompts: Math.max(a.prompts, b.prompts),
      spokenSeconds: Math.max(a.spokenSeconds, b.spokenSeconds),
      seconds: Math.max(a.seconds, b.seconds)
    }), { prompts: 0, spokenSeconds: 0, seconds: 0 }),
    outcomes,
    unseen: [
      ...cutShort(found, { max, depth, seconds }),
      ...Array.from(found.findings.missing, ([name, untried]) => ({ name, ...untried })),
      ...unasked(tried, said.digits ?? [], found.findings),
      ...unreached(flow, outcomes),
      ...unsteady(found),
      ...idle(found, laws)
    ],
    cut: found.cut.length > 0,
    broken: breaches(found, laws, lengths).map((breach) => told(about, breach)),
    warnings: warnings(found, lengths, nodes.length),
    graph: nodes,
    ...(drawn === undefined || found.cut.length > 0 ? {} : {
      drawing: laidOut(
        { flow: flow.name, version: flow.version },
        drawing.draw(found.places, new Naming(input, drawn.names ?? {}))
      )
    })
  }
}

/**
 * Checks laws on every path of a flow with this input. Throws `LawBroken` for the first law that does not hold; also if
 * something was not seen (`Report.unseen`) that is not accepted by its name, because then nothing is proved about it.
 *
 * @example
 * it("keeps the laws on every path", () => FlowExplorer.check(TableReady, input, Law.standard))
 * @since 0.1.0
 */
export const check = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: Input,
  laws: ReadonlyArray<Law>,
  options?: Options
): Report => {
  const report = explore(flow, input, { ...options, laws })
  const broken = problem(report, options?.accept ?? [])
  if (broken !== undefined) throw usersCode.from(new LawBroken({ flow: report.flow, ...broken }), usersCode.here())
  return report
}

/** Why a report is no proof. */
const problem = (report: Report, accept: ReadonlyArray<string>): Omit<Breach, "path"> | undefined => {
  const first = report.broken[0]
  if (first !== undefined) {
    const { path: _, ...shown } = first
    return shown
  }
  const unseen = unaccepted(report.unseen, accept)
  if (unseen.length === 0) return undefined
  const whys = unseen.map((found) => `\n  - ${inWords(found)}`)
  return { law: everyPath, ladder: "", scenario: "", why: `not all of it was${whys.join("")}` }
}

/**
 * Holds laws to a call that the engine has lived, in a test: each request of the flow, and what became of it, in the order of its
 * log. Fails with `LawBroken`, which shows the conversation, for the first law that does not hold.
 *
 * Of a law that paths end it sees whether this one did. What is within reach, and what fits into a line, is for
 * `FlowExplorer.check`: here `Law.reachable` and `Law.withinTheLine` die. So does a call that is not one of this flow, or that it does not
 * replay.
 *
 * @example
 * const call = yield* Calls.start(TableReady, input)
 * yield* Effect.exit(call.outcome)
 * yield* FlowExplorer.keeps(TableReady, call, Law.standard)
 * @since 0.1.0
 */
export const keeps: <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  call: { readonly id: CallEvent.CallId },
  laws: ReadonlyArray<Law>
) => Effect.Effect<void, LawBroken | EventStore.StoreError, EventStore.EventStore> = (flow, { id }, laws) => {
  const at = usersCode.here()
  return Effect.gen(function*() {
    const turns = yield* (yield* EventStore.EventStore).read(id)
    const events = turns.flatMap(({ events }) => events)
    const misfit = realRun.foreign(flow as never, events) ?? unlike(flow as never, events)
    if (misfit !== undefined) return yield* Effect.die(usersCode.from(misfit, at))
    const moments = lived.moments(id, flow as never, events)
    for (const law of laws) {
      if (law._tag === "Reachable" || law._tag === "Fits") {
        const problem = new Error(`“${law.name}” is about all paths: give it to FlowExplorer.check`)
        return yield* Effect.die(usersCode.from(problem, at))
      }
      const why = lived.problem(law, moments)
      if (why === undefined) continue
      const ladder = Ladder.text(Ladder.rungs(events, { reveal: true }))
      return yield* usersCode.from(new LawBroken({ flow: flow.name, law: law.name, why, ladder, scenario: "" }), at)
    }
  })
}

/** Nothing is said of a call that the flow does not replay: laws would see its first part only. */
const unlike = (flow: LiveCall.AnyDefinition, events: ReadonlyArray<CallEvent.CallEvent>): Error | undefined => {
  const found = realRun.difference(flow, events)
  return found && new Error(
    `The flow ${flow.name} goes on otherwise than this call, from event ${found.at} on: give the version that it was started with, ` +
      `and a flow that goes the same way by the same answers.\n  the call: ${found.recorded}\n  now:      ${found.now}`
  )
}

/**
 * A conversation of a flow, to be lived by the whole engine. `name` says what it is for, such as `ends: "kept"` or
 * `“Press 1.” → silence`.
 *
 * @since 0.1.0
 */
export interface Conversation {
  readonly name: string
  readonly path: ReadonlyArray<Exchange>
  /** Why it cannot be made to happen at will, such as a deadline that passes in the middle of a prompt. */
  readonly leftOut: string | undefined
  /** Fails with `Differs` if the engine asks something else, or ends otherwise, and with `LeftOut` if it is left out. */
  readonly run: Effect.Effect<void, Differs | LeftOut>
}

/**
 * A conversation that `scenarios` names and that cannot be made to happen at will. Skip it where `leftOut` says why.
 *
 * @since 0.1.0
 */
export class LeftOut extends Schema.TaggedError<LeftOut>()("LeftOut", {
  conversation: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `The conversation ${this.conversation} cannot be made to happen at will, for it needs ${this.why}. Skip it ` +
      "(it.effect.skipIf(leftOut !== undefined)), and write a test by TestCalls for it if it matters"
  }
}

/**
 * The engine and the explorer disagree about a conversation: `expected` and `got` are the first lines in which they differ.
 *
 * @since 0.1.0
 */
export class Differs extends Schema.TaggedError<Differs>()("Differs", {
  conversation: Schema.String,
  expected: Schema.String,
  got: Schema.String,
  ladder: Schema.String
}) {
  override get message() {
    const lines = [`  by every path: ${this.expected}`, `  by the engine: ${this.got}`, "", this.ladder]
    return [`The conversation ${this.conversation} went otherwise in the engine.`, ...lines].join("\n")
  }
}

/**
 * The conversations that together go every way of a flow: a shortest one for each outcome, and for each thing that may happen
 * to what is asked. Each runs on the whole engine, in virtual time, and asserts what is asked and how it ends. Activities come to their
 * samples and run nothing.
 *
 * Some of it cannot be made to happen there at will: a deadline that passes, a draw, a caller without a number. That stands last, and
 * `leftOut` says why.
 *
 * @example
 * for (const { leftOut, name, run } of FlowExplorer.scenarios(TableReady, input)) {
 *   it.effect.skipIf(leftOut !== undefined)(name, () => run)
 * }
 * @since 0.1.0
 */
export const scenarios = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: Input,
  options?: Omit<Options, "accept">
): ReadonlyArray<Conversation> => {
  rules.check("FlowExplorer", options ?? {}, optionRules.explorer)
  const { depth = 1_000, max = 100_000, seconds = Infinity, ...said } = options ?? {}
  const trial = trialOf(flow, { ...defaults, ...said })
  const { places } = proof.search(given(flow, input), [], trial, { max, depth, seconds })
  const { found, missed } = covering(places)
  const told = (exchanges: ReadonlyArray<paths.Exchange>) =>
    exchanges.map(({ asked, happened }) => ({ asked, happened }))
  const lived = found.map(({ end, exchanges, name }): Conversation => ({
    name,
    leftOut: undefined,
    path: told(exchanges),
    run: Effect.suspend(() => {
      const expected = conducting.ofPath(exchanges, end.exit)
      const differs = (expected: string, got: string) =>
        new Differs({ conversation: name, expected, got, ladder: paths.ladder(flow.name, exchanges, end.label) })
      return Effect.matchEffect(conducting.live(flow as never, input, exchanges, trial.samples.activities), {
        onFailure: (problem) => differs("a conversation", problem),
        onSuccess: (lived) => {
          const [one, other] = [expected, lived].map(({ asked, end }) => [...asked, end]) as [
            Array<string>,
            Array<string>
          ]
          const at = one.findIndex((line, i) => other[i] !== line)
          return at === -1 ? Effect.void : differs(one[at]!, other[at] ?? "nothing more")
        }
      })
    })
  }))
  return [
    ...lived,
    ...missed.map(({ exchanges, name, why }): Conversation => ({
      name,
      leftOut: why,
      path: told(exchanges),
      run: Effect.suspend(() => new LeftOut({ conversation: name, why }))
    }))
  ]
}

/**
 * Draws a flow as its author thinks of it: a box for each place in the conversation, retries and attempts as loops with their
 * count, what ends the call without a result folded. Words that come from the input are named by their place in it, and so are
 * numbers, so nothing of the input is in the drawing; the words of the flow are.
 *
 * Give it to `FlowDrawing.svg` or `FlowDrawing.mermaid`, or keep it as JSON, for a page that lays the way of a call over it.
 *
 * Throws an `Error` if the input or a sample does not fit the schema that it is for, or if the search came to its bound.
 *
 * @since 0.1.0
 */
export const draw = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: Input,
  options?: Options & Drawing
): FlowDrawing.FlowDrawing => {
  const { names, ...tried } = options ?? {}
  const { drawing, places } = explore(flow, input, { ...tried, draw: names === undefined ? {} : { names } })
  if (drawing !== undefined) return drawing
  throw new Error(`${flow.name} cannot be drawn: the search was cut at ${places} places`)
}

/** A breach is told by the name of its law. The same law twice is one. */
const namedApart = (laws: ReadonlyArray<Law>): void => {
  const known = new Map<string, Law>()
  for (const law of laws) {
    const other = known.get(law.name)
    if (other !== undefined && other !== law && (law.code === undefined || law.code !== other.code)) {
      throw new Error(`Two laws are named “${law.name}”: give each a name of its own`)
    }
    known.set(law.name, law)
  }
}

const isEnd = ({ step }: graph.Place): boolean => step._tag === "Done"

// ---------------------------------------------------------------------------------------------------------------------
// Judging
// ---------------------------------------------------------------------------------------------------------------------

/** What holds for every flow, whatever its laws are. */
const repeatable = "the same answers lead the same way"
const everyPath = "every path is seen"
const declared = "every signal is declared"

type Found = Pick<graph.Breach, "law" | "why" | "path">

const breaches = (
  found: proof.Proof,
  laws: ReadonlyArray<Law>,
  lengths: ReadonlyArray<graph.Longest>
): ReadonlyArray<Found> => {
  const inOrder = new Map(laws.map(({ name }, i) => [name, i]))
  const all = [
    ...found.breaches,
    ...found.otherwise === undefined ? [] : [{ law: repeatable, ...found.otherwise }],
    ...undeclared(found),
    ...laws.flatMap((law): ReadonlyArray<Found> => {
      switch (law._tag) {
        case "Machine":
          return []
        case "Reachable":
          return outOfReach(found, law)
        case "Ends":
          return endless(found, law)
        case "Fits":
          return tooLong(found, law, lengths)
      }
    })
  ]
  return all.toSorted((a, b) => (inOrder.get(a.law) ?? -1) - (inOrder.get(b.law) ?? -1))
}

const outOfReach = (
  found: graph.Search,
  law: Extract<Law, { readonly _tag: "Reachable" }>
): ReadonlyArray<Found> => {
  const { places } = found
  const reaching = graph.reaching(found, law.to)
  const lost = places.findIndex((place, i) => !reaching.has(i) && law.from(graph.momentAt(place.step, place.world)))
  return lost === -1
    ? []
    : [{ law: law.name, why: "from here it is out of reach", path: graph.pathOf(places, places[lost]!.from) }]
}

const endless = (
  { places }: graph.Search,
  { byItself, name: law }: Extract<Law, { readonly _tag: "Ends" }>
): ReadonlyArray<Found> => {
  const circle = graph.circle(places, (edge) => !byItself || !graph.isKeyed(edge))
  return circle === undefined ? [] : [{ law, why: "it goes in a circle", path: circle }]
}

/** A line whose conversation may be longer than it: the way to where it is answered. */
const tooLong = (
  { places }: graph.Search,
  { name: law }: Extract<Law, { readonly _tag: "Fits" }>,
  lengths: ReadonlyArray<graph.Longest>
): ReadonlyArray<Found> => {
  const at = places.findIndex(({ world }, i) => world.line === "open" && lengths[i]!.seconds > world.limit)
  const place = places[at]
  return place === undefined ? [] : [{
    law,
    why: outlasts(lengths[at]!.seconds, place.world.limit),
    path: graph.pathOf(places, place.from)
  }]
}

const outlasts = (seconds: number, limit: number): string =>
  `${
    Number.isFinite(seconds) ? `it may last ${Math.ceil(seconds)} s` : "it may go on without end"
  }, and the line ends after ${limit} s`

/** A signal that the flow waits for, and that no call of it can be told. */
const undeclared = ({ places }: graph.Search): ReadonlyArray<Found> => {
  for (const { from, step } of places) {
    if (step._tag !== "Done" || step.exit._tag !== "Stopped" || step.exit.why._tag !== "Defect") continue
    const { defect } = step.exit.why
    if (!(defect instanceof Choices.Undeclared)) continue
    return [{ law: declared, why: defect.message, path: graph.pathOf(places, from) }]
  }
  return []
}

/** Why the search came to its bound: what multiplies, which is asked most often on the paths that were cut. */
const cutShort = (
  { cut, places }: graph.Search,
  bounds: { readonly max: number; readonly depth: number; readonly seconds: number }
): ReadonlyArray<Unseen> => {
  const last = cut.at(-1)
  if (last === undefined) return []
  const { question, times } = graph.multiplier(places, last)
  const isDeep = places[cut[0]!]!.depth >= bounds.depth
  const most = isDeep
    ? `${bounds.depth} exchanges`
    : places.length >= bounds.max
    ? `${places.length} places`
    : `${bounds.seconds} s and ${places.length} places`
  const asked = times < 3
    ? `what multiplies is ${question}`
    : `${question} had been asked ${times} times on one path, and each answer multiplies them`
  return [{
    name: "every path",
    why: `not every path was seen: the search ended after ${most}; ${asked}`,
    remedy: `bound the loop around it, keep less of its answers, give fewer "keys" or samples, or raise ` +
      (isDeep ? `"depth"` : places.length >= bounds.max ? `"max"` : `"seconds"`)
  }]
}

/** Laws that nothing on any path could have broken. */
const idle = ({ applied, cut }: graph.Search, laws: ReadonlyArray<Law>): ReadonlyArray<Unseen> =>
  cut.length > 0 ? [] : laws.filter((law) => law.about !== undefined && !applied.has(law)).map(({ name }) => ({
    name: `law ${name}`,
    why: "nothing that it speaks of is on any path",
    remedy: "mend the words that it looks for, give the samples that lead there, or leave it out"
  }))

/** What is known of an exploration that a breach is told by. */
type Told = Pick<pasting.Breach, "flow" | "input" | "samples" | "isSampled" | "hasActivities"> & {
  readonly places: ReadonlyArray<graph.Place>
  readonly laws: ReadonlyArray<Law>
}

const told = ({ laws, places, ...about }: Told, { law, path, why }: Found): Breach => {
  const exchanges = paths.exchanges(places, path)
  const last = path.at(-1)
  const at = places[last === undefined ? 0 : places[last.place]!.edges[last.edge]!.to]!
  const found = thrown.at(at.step)
  return {
    ...found === undefined ? {} : { thrown: found },
    law,
    why,
    path: [...exchanges.map(({ asked, happened }) => ({ asked, happened })), { asked: at.label, happened: "" }],
    ladder: paths.ladder(about.flow, exchanges, `✗ ${law}: ${why}`),
    scenario: pasting.test({
      ...about,
      name: law,
      why,
      law: laws.find(({ name }) => name === law),
      path: exchanges,
      callers: defaults.callers
    })
  }
}

const warnings = (
  found: graph.Search,
  lengths: ReadonlyArray<graph.Longest>,
  distinct: number
): ReadonlyArray<string> => [
  ...hasty(graph.hasty(found.places)),
  ...outlasting(found.places, lengths),
  ...unmerged(found.findings.opaque),
  ...found.places.length > 500 && found.places.length > 10 * distinct
    ? [
      `${found.places.length} places have only ${distinct} different futures: a generator keeps answers that it does not ` +
      `need later, or laws remember much. Fewer keys or samples make it quicker`
    ]
    : []
]

/** So many pairs of questions are named. */
const named = 3

const hasty = (pairs: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  if (pairs.length === 0) return []
  const shown = pairs.slice(0, named).map(([first, second]) => `${first}, then ${second}`).join("; ")
  const more = pairs.length > named ? `; and ${pairs.length - named} more` : ""
  return [
    `Two questions in a row: ${shown}${more}. Say a word between them (acknowledge): an answer that is delivered twice could ` +
    `pass for the answer to the second`
  ]
}

/** What keeps places with equal futures apart, which takes time and shows them more than once. */
const unmerged = (opaque: ReadonlySet<string>): ReadonlyArray<string> =>
  opaque.size === 0 ? [] : [
    `Places are not merged where a result is kept whose content cannot be seen (${Array.from(opaque).join(", ")}). ` +
    `Keep plain data, or a class of Schema`
  ]

const outlasting = (
  places: ReadonlyArray<graph.Place>,
  lengths: ReadonlyArray<graph.Longest>
): ReadonlyArray<string> => {
  const found = new Set<string>()
  places.forEach(({ world }, i) => {
    const seconds = lengths[i]!.seconds
    if (world.line === "open" && seconds > world.limit) {
      found.add(
        `A conversation can outlast its line: ${
          outlasts(seconds, world.limit)
        }. With Law.withinTheLine a check fails for it`
      )
    }
  })
  return Array.from(found).slice(-1)
}

/** Outcomes that the output schema names one by one and no path has. */
const unreached = <Input, A, E, R>(
  { codec }: Flow.Definition<string, Input, A, E, R>,
  outcomes: ReadonlyArray<string>
): ReadonlyArray<Unseen> =>
  (samples.all(codec.encodeOutput) ?? [])
    .map((value) => captions.ofExit({ _tag: "Success", value }))
    .filter((outcome) => !outcomes.includes(outcome))
    .map((outcome) => ({
      name: `outcome ${outcome}`,
      why: "the output has it, and no path does",
      remedy: "give the samples that lead there, or take it out of the output"
    }))
