/**
 * The whole engine under faults in virtual time, by seed: webhooks that are lost, doubled and late, a carrier that does not
 * answer, a store that fails, a process that is killed between any two steps. After each run the laws are checked over
 * everything that happened.
 *
 * ```ts
 * it.effect("a thousand bad days", () => Storm.run(Reminder, input, { runs: 1000 }))
 * ```
 *
 * The same seed is the same run, on any machine. A failure tells the seed, what is left after every fault has been taken
 * away that it does not need, the ladder of the call, and a test to paste.
 *
 * @since 0.1.0
 */
import { type Action, type Flow, Ladder, type LiveCall, Settings } from "@ringback/core"
import { Effect, Layer, Random, Schema } from "effect"
import type * as Callee from "./Callee.ts"
import * as CompanyLadder from "./CompanyLadder.ts"
import * as FakeClock from "./FakeClock.ts"
import * as rules from "./internal/rules.ts"
import * as storm from "./internal/storm/run.ts"
import * as witness from "./internal/storm/witness.ts"
import * as PhoneCompany from "./PhoneCompany.ts"
import * as PhoneLine from "./PhoneLine.ts"
import * as StormFaults from "./StormFaults.ts"
import type * as StormHistory from "./StormHistory.ts"
import * as StormLaws from "./StormLaws.ts"
import * as TestCalls from "./TestCalls.ts"

/**
 * How a storm blows. Everything may be left out.
 *
 * @since 0.1.0
 */
export interface Options {
  /** How many runs; default 100. */
  readonly runs?: number
  /** The seed of the first run; each further run has the next number. Default 1. */
  readonly seed?: number
  /** What may go wrong, and how often; default `StormFaults.all`. */
  readonly faults?: StormFaults.StormFaults
  /** Who answers, by number. By default people drawn by the seed, who answer or do not, and press what they like. */
  readonly callees?: { readonly [number: string]: Callee.Script | ReadonlyArray<Callee.Script> }
  /** A call that comes in to one of our numbers, for a flow that answers it: then `input` is `{}`. */
  readonly incoming?: { readonly to: string; readonly from: string; readonly callee?: Callee.Script }
  /** The laws to check; default `StormLaws.all`. */
  readonly laws?: ReadonlyArray<StormLaws.Law>
  /**
   * Which store fails, and how: `"memory"`, the default, one append at a time; `"sqlite"` in group commits, and for one
   * process at a time; `"postgres"` in group commits of several processes at a time. The SQL stores are the real
   * `SqlEventStore`, over an SQLite in memory whose statements take virtual time and fail.
   */
  readonly store?: StoreKind
  /** How many calls at a time at most: every second run has one, the others up to so many. Default 5. */
  readonly calls?: number
  /** What the application tells each call while it runs: the signals by name, in their stored form. */
  readonly signals?: { readonly [name: string]: Schema.Json }
  /**
   * The input with which the flow throws somewhere, for the fault `flowThrows`: `drawn`, from 0 to less than 1, picks the
   * place. It is of the type of the flow's input.
   */
  readonly throwing?: (drawn: number) => unknown
  /**
   * Names the request of the flow that a dial answers, for a flow all of whose dials differ (in `sendDtmf`, say). Then each
   * request rings once, whatever is recorded of it.
   */
  readonly requestOf?: (dial: Action.Dial) => string
  readonly settings?: Settings.Options
  /** How the phone company behaves where no fault strikes. */
  readonly company?: PhoneLine.Changes
  /** Wraps parts of the engine, to see that a law catches a broken one. */
  readonly sabotage?: Sabotage
}

/**
 * Parts of the engine that a test may replace by broken ones.
 *
 * @since 0.1.0
 */
export type Sabotage = storm.Sabotage

/**
 * Whose behaviour under failure the store has.
 *
 * @since 0.1.0
 */
export type StoreKind = storm.StoreKind

/**
 * What a storm without a violation leaves behind: how often each fault struck, and each allowed outcome was seen.
 *
 * @since 0.1.0
 */
export interface Report {
  readonly runs: number
  readonly faults: Readonly<Record<string, number>>
  readonly remains: Readonly<Record<string, number>>
}

/**
 * A law was broken. `ladder` is masked; `test` is a test to paste.
 *
 * @since 0.1.0
 */
export class StormFailure extends Schema.TaggedError<StormFailure>()("StormFailure", {
  law: Schema.String,
  problem: Schema.String,
  seed: Schema.Int,
  faults: Schema.Array(Schema.String),
  ladder: Schema.String,
  test: Schema.String
}) {
  override get message() {
    return [
      `The law "${this.law}" was broken by seed ${this.seed}: ${this.problem}`,
      `Faults that it takes: ${this.faults.join(", ") || "none"}`,
      this.ladder,
      this.test
    ].join("\n\n")
  }
}

type NeedsOf<R> = Exclude<R, Flow.NoLine | Flow.Incoming>

/**
 * Runs a flow through many bad days. Fails with `StormFailure` at the first broken law.
 *
 * The flow is started with `input`, by an application that tries again while the store is down and after some of the
 * crashes; with `incoming` it answers a call instead.
 *
 * @since 0.1.0
 */
export const run = <Name extends string, Input, A, E, R>(
  flow: Flow.Definition<Name, Input, A, E, R>,
  input: NoInfer<Input>,
  options: Options = {}
): Effect.Effect<Report, StormFailure, NeedsOf<R>> => {
  checkOptions(options)
  return Effect.gen(function*() {
    const { runs = 100, seed = 1 } = options
    const faults: Record<string, number> = {}
    const remains: Record<string, number> = {}
    for (let each = seed; each < seed + runs; each++) {
      const found = yield* check(flow as LiveCall.AnyDefinition, input, each, options)
      const broken = found.findings.find(({ finding }) => finding._tag === "Violation")
      if (broken !== undefined) return yield* explain(flow as LiveCall.AnyDefinition, input, each, options, broken.law)
      for (const { kind } of found.history.faults) faults[kind] = (faults[kind] ?? 0) + 1
      for (const { finding } of found.findings) {
        if (finding._tag === "Remains") remains[finding.name] = (remains[finding.name] ?? 0) + 1
      }
    }
    return { runs, faults, remains }
  }) as Effect.Effect<Report, StormFailure, NeedsOf<R>>
}

/**
 * One run, whatever it brings: what happened, and what the laws found in it.
 *
 * @since 0.1.0
 */
export const once = <Name extends string, Input, A, E, R>(
  flow: Flow.Definition<Name, Input, A, E, R>,
  input: NoInfer<Input>,
  options: Options = {}
): Effect.Effect<Run, never, NeedsOf<R>> => {
  checkOptions(options)
  return check(flow as LiveCall.AnyDefinition, input, options.seed ?? 1, options) as Effect.Effect<
    Run,
    never,
    NeedsOf<R>
  >
}

/**
 * Tells the storm that an activity runs: the first thing that its effect does. `name` is that of the activity, and no other
 * request of the flow may bear it. Then the laws hold that one request runs under one key. Outside of a storm nothing
 * happens.
 *
 * @example
 * Flow.activity("charge the card", {}, Effect.andThen(Storm.ran("charge the card"), charge))
 * @since 0.1.0
 */
export const ran: (name: string) => Effect.Effect<void> = witness.ran

/**
 * One run and what the laws found in it.
 *
 * @since 0.1.0
 */
export interface Run {
  readonly history: StormHistory.StormHistory
  readonly findings: ReadonlyArray<{ readonly law: string; readonly finding: StormLaws.Finding }>
}

const ruled: rules.Rules<Options> = {
  runs: rules.whole(1),
  seed: rules.whole(-Infinity),
  faults: rules.record,
  callees: rules.record,
  incoming: rules.record,
  laws: rules.list(rules.record),
  store: rules.word("memory", "sqlite", "postgres"),
  calls: rules.whole(1),
  signals: rules.record,
  throwing: rules.callback,
  requestOf: rules.callback,
  settings: rules.record,
  company: rules.record,
  sabotage: rules.record
}

const ruledFaults = Object.fromEntries(StormFaults.kinds.map((kind) => [kind, rules.chance])) as rules.Rules<
  StormFaults.StormFaults
>

const checkOptions = (options: Options): void => {
  rules.check("Storm", options, ruled)
  rules.check("Storm's faults", options.faults ?? {}, ruledFaults)
  PhoneLine.settings(options.company ?? {})
}

const check = (flow: LiveCall.AnyDefinition, input: unknown, seed: number, options: Options): Effect.Effect<Run> => {
  const company = PhoneLine.settings(options.company ?? {})
  const world = PhoneCompany.layerWith(options.company ?? {}).pipe(
    Layer.provideMerge(FakeClock.layerWith({ patience: "brief" })),
    Layer.fresh
  )
  return storm.run({
    flow,
    input,
    seed,
    store: options.store ?? "memory",
    calls: options.calls ?? 5,
    faults: options.faults ?? StormFaults.all,
    callees: options.callees,
    incoming: options.incoming,
    signals: options.signals ?? {},
    throwing: options.throwing,
    requestOf: options.requestOf,
    settings: Settings.merge(Settings.merge(TestCalls.engineSettings(company), seldom), options.settings ?? {}),
    company,
    sabotage: options.sabotage ?? {}
  }).pipe(
    Effect.scoped,
    Effect.provide(world),
    Random.withSeed(`storm ${seed}`),
    Effect.map((history) => ({
      history,
      findings: (options.laws ?? StormLaws.all).flatMap((law) =>
        law.check(history).map((finding) => ({ law: law.name, finding: allowed(law, finding) }))
      )
    }))
  )
}

/** Processes that share a store look at each other less often than in life: a storm lasts hours. */
const seldom: Settings.Options = { store: { lookEvery: 60_000 } }

/** A law may leave open only what it names. */
const allowed = (law: StormLaws.Law, finding: StormLaws.Finding): StormLaws.Finding =>
  finding._tag === "Violation" || law.remains.includes(finding.name)
    ? finding
    : StormLaws.violation(`it leaves something open that it does not name: ${finding.name}`)

const violationOf = (run: Run, law: string) =>
  run.findings.find((found) => found.law === law && found.finding._tag === "Violation")?.finding

/** Takes away every kind of fault that a broken law does not need, and tells what is left. */
const explain = Effect.fnUntraced(
  function*(flow: LiveCall.AnyDefinition, input: unknown, seed: number, options: Options, law: string) {
    let faults = options.faults ?? StormFaults.all
    let run = yield* check(flow, input, seed, options)
    for (const kind of StormFaults.kinds) {
      if (!run.history.faults.some((fault) => fault.kind === kind)) {
        faults = StormFaults.without(faults, kind)
        continue
      }
      const fewer = StormFaults.without(faults, kind)
      const again = yield* check(flow, input, seed, { ...options, faults: fewer })
      if (violationOf(again, law) === undefined) continue
      faults = fewer
      run = again
    }
    const left = StormFaults.kinds.filter((kind) => faults[kind] > 0)
    const broken = violationOf(run, law)
    return yield* new StormFailure({
      law,
      problem: broken?._tag === "Violation" ? broken.problem : "not the same when it is run again",
      seed,
      faults: left,
      ladder: ladder(run.history),
      test: test(flow.name, seed, left, options)
    })
  }
)

/** What the carrier saw, and the faults at their places. */
const ladder = (history: StormHistory.StormHistory): string =>
  Ladder.text([
    ...CompanyLadder.fromLog(history.log),
    ...history.faults.map(({ at, kind }) => Ladder.rung(at, "Ringback", "Ringback", `! ${kind}`))
  ])

const test = (name: string, seed: number, kinds: ReadonlyArray<StormFaults.Kind>, options: Options): string => {
  const faults = `StormFaults.only(${kinds.map((kind) => JSON.stringify(kind)).join(", ")})`
  const others = ([
    "store",
    "calls",
    "callees",
    "incoming",
    "signals",
    "throwing",
    "requestOf",
    "laws",
    "settings",
    "company",
    "sabotage"
  ] as const)
    .filter((name) => options[name] !== undefined)
  return `it.effect(${JSON.stringify(`${name} withstands the storm of seed ${seed}`)}, () =>
  Storm.run(flow, input, { ${["runs: 1", `seed: ${seed}`, `faults: ${faults}`, ...others].join(", ")} }))`
}
