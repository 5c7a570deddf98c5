/**
 * The command line of the explorer: reads the flow of an example, goes all of its paths, and draws it.
 */
import { type Flow, FlowDrawing } from "@ringback/core"
import { Console, Effect, FileSystem, Path, Predicate, Result, Schema } from "effect"
import { Option } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { pathToFileURL } from "node:url"
import * as FlowExplorer from "../FlowExplorer.ts"
import * as Law from "../Law.ts"
import * as progress from "./explorer/progress.ts"
import { inWords, unaccepted } from "./explorer/unseen.ts"

type Definition = Flow.Definition<string, unknown, unknown, unknown, unknown>

/** What a folder says about exploring its flow. */
export interface Exploration {
  readonly flow: Definition
  readonly input: unknown
  readonly samples: FlowExplorer.Options
  /** What to call values in the drawing. */
  readonly names: { readonly [value: string]: string }
  readonly laws: ReadonlyArray<Law.Law>
}

/** A folder that cannot be explored, and why. */
export class NotExplorable extends Schema.TaggedError<NotExplorable>()("NotExplorable", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

const isDefinition = (value: unknown): value is Definition =>
  Predicate.isObject(value) && "codec" in value && "run" in value && "version" in value

const isReadable = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null

const moduleAt = (path: string): Effect.Effect<{ readonly [name: string]: unknown }, NotExplorable> =>
  Effect.tryPromise({
    try: () => import(pathToFileURL(path).href) as Promise<unknown>,
    catch: (cause) => new NotExplorable({ problem: `${path} cannot be read: ${String(cause)}` })
  }).pipe(Effect.map((module) => isReadable(module) ? module : {}))

/** An input for flows that need nothing but two numbers; they are reserved for use in fiction. */
const numbers = { to: "15550170001", from: "15550170009" }

const inputFor = (flow: Definition, given: unknown, folder: string): Effect.Effect<unknown, NotExplorable> => {
  if (given !== undefined) return Effect.succeed(given)
  const decoded = flow.codec.decodeInput(numbers)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : new NotExplorable({ problem: `${flow.name} needs an input: export it as "input" from ${folder}/explore.ts` })
}

/**
 * Reads `flow.ts` of a folder and, if there is one, `explore.ts` beside it with `input`, `samples`, `names`, `laws`, and `flow`
 * if the flow has to be made first.
 */
export const read = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const at = (file: string) => path.resolve(folder, file)
  const isThere = yield* Effect.orElseSucceed(files.exists(at("flow.ts")), () => false)
  if (!isThere) return yield* new NotExplorable({ problem: `${folder} has no flow.ts: name the folder that holds one` })
  const said = (yield* files.exists(at("explore.ts"))) ? yield* moduleAt(at("explore.ts")) : {}
  const flow = isDefinition(said.flow) ? said.flow : Object.values(yield* moduleAt(at("flow.ts"))).find(isDefinition)
  if (flow === undefined) {
    return yield* new NotExplorable({ problem: `${folder} exports no Flow.make, neither flow.ts nor explore.ts` })
  }
  const exploration: Exploration = {
    flow,
    input: yield* inputFor(flow, said.input, folder),
    samples: (said.samples ?? {}) as FlowExplorer.Options,
    names: (said.names ?? {}) as { readonly [value: string]: string },
    laws: (said.laws ?? Law.standard) as ReadonlyArray<Law.Law>
  }
  return exploration
})

/** Goes all paths and draws the flow. What goes wrong in a sample is told in its words. */
export const explore = (
  { flow, input, laws, names, samples }: Exploration,
  limits: { readonly max?: number } = {}
): Effect.Effect<FlowExplorer.Report, NotExplorable> =>
  Effect.try({
    try: () => {
      const { done, tell } = progress.line(process.stderr)
      try {
        return progress.during(tell, () =>
          FlowExplorer.explore(flow, input, { ...samples, ...limits, laws, draw: { names } }))
      } finally {
        done()
      }
    },
    catch: (cause) =>
      new NotExplorable({ problem: cause instanceof Error ? cause.message : String(cause) })
  })

/** A picture that brings its looks along, and shows on a light page and on a dark one. */
export const standalone = (drawing: FlowDrawing.FlowDrawing): string =>
  FlowDrawing.svg(drawing).replace(
    "<defs>",
    `<style>:root{color-scheme:light dark;color:CanvasText}${FlowDrawing.css}</style><defs>`
  ) + "\n"

const count = (number: number): string => Math.round(number).toLocaleString("en")

/** So many that nobody counts them. */
const many = 1_000_000

/** How many conversations there are. A number of many digits says no more than its size, and what is seen of them is every place once. */
const conversations = (paths: number): string => {
  if (!Number.isFinite(paths)) return "without end: it can go in a circle"
  if (paths < many) return count(paths)
  const size = new Intl.NumberFormat("en", { notation: "compact", compactDisplay: "long", maximumSignificantDigits: 2 })
  return `about ${size.format(paths)}, made of the places below: places that are alike are seen once`
}

const longestOf = ({ prompts, seconds, spokenSeconds }: FlowExplorer.Report["longest"]): string =>
  Number.isFinite(prompts)
    ? `${count(prompts)} prompts, ${count(spokenSeconds)} s of speech, ${count(seconds)} s with all waiting`
    : "without end: somebody can go in a circle on the line"

const list = (items: ReadonlyArray<string>): string => items.length === 0 ? "none" : items.join(", ")

/** A report in lines. */
export const lines = (report: FlowExplorer.Report, laws: ReadonlyArray<Law.Law>): ReadonlyArray<string> => {
  const { cut, distinct, flow, longest, outcomes, paths, places, transitions, unseen, version } = report
  const verdict = (law: string): string =>
    broken.has(law) ? "✗" : cut || unseen.some(({ name }) => name === `law ${law}`) ? "?" : "✓"
  const broken = new Set(report.broken.map(({ law }) => law))
  return [
    `${flow}, version ${version}`,
    `  conversations  ${conversations(paths)}`,
    `  places         ${count(places)}, at which ${count(transitions)} things may happen; ${
      count(distinct)
    } differ in what may follow`,
    `  longest        ${longestOf(longest)}`,
    `  ends           ${list(outcomes)}`,
    ...unseen.length === 0 ? [`  unseen         nothing`] : unseen.map((found) => `  unseen         ${inWords(found)}`),
    ...laws.map(({ name }) => `  ${verdict(name)} ${name}`),
    ...report.warnings.map((warning) => `  ! ${warning}`),
    ...report.broken.flatMap(({ ladder, law, scenario, thrown, why }) => [
      "",
      `✗ ${law}: ${why}`,
      ...thrown === undefined ? [] : ["", thrown],
      "",
      ladder,
      "",
      "As a test:",
      "",
      scenario
    ])
  ]
}

const folder = Argument.String("folder").pipe(
  Argument.withDescription("A folder with a flow.ts, such as examples/demo")
)

const flags = {
  law: Flag.String("law").pipe(
    Flag.withDescription("Only the laws whose names contain this"),
    Flag.optional
  ),
  max: Flag.Int("max").pipe(
    Flag.withDescription("How many places are explored at most (100000)"),
    Flag.filter((max) => max > 0, () => "Expected a number greater than 0"),
    Flag.optional
  ),
  data: Flag.Boolean("data").pipe(
    Flag.withDescription(
      "Write the drawing as data, too: flow.json, for the page of calls. One that is there is kept current"
    ),
    Flag.withoutNegation,
    Flag.withDefault(false)
  )
}

/** Whether a report proves what it was asked to. */
const isProof = (report: FlowExplorer.Report, accept: ReadonlyArray<string>): boolean =>
  report.broken.length === 0 && unaccepted(report.unseen, accept).length === 0

/** The drawing as data, for `FlowDrawing.decode`. */
export const data = (drawing: FlowDrawing.FlowDrawing): string => JSON.stringify(drawing) + "\n"

/** Writes the drawing beside the flow: for people, and for programs if that is asked for or has been before. */
const write = Effect.fnUntraced(function*(folder: string, drawing: FlowDrawing.FlowDrawing, withData: boolean) {
  const [path, files] = [yield* Path.Path, yield* FileSystem.FileSystem]
  const [mermaid, svg, json] = ["flow.mmd", "flow.svg", "flow.json"].map((name) => path.join(folder, name)) as [
    string,
    string,
    string
  ]
  yield* files.writeFileString(mermaid, FlowDrawing.mermaid(drawing))
  yield* files.writeFileString(svg, standalone(drawing))
  if (!withData && !(yield* files.exists(json))) {
    return yield* Console.log(`  drawn in       ${mermaid} and ${svg}, in ${count(drawing.boxes.length)} boxes`)
  }
  yield* files.writeFileString(json, data(drawing))
  yield* Console.log(`  drawn in       ${mermaid}, ${svg} and ${json}, in ${count(drawing.boxes.length)} boxes`)
})

const run = Effect.fnUntraced(
  function*(given: Command.Command.Config.Infer<typeof flags> & { readonly folder: string }) {
    const exploration = yield* read(given.folder)
    const laws = Option.match(given.law, {
      onNone: () => exploration.laws,
      onSome: (words) => exploration.laws.filter(({ name }) => name.includes(words))
    })
    if (laws.length === 0 && Option.isSome(given.law)) {
      return yield* new NotExplorable({
        problem: `No law is called ${given.law.value}: there are ${list(exploration.laws.map(({ name }) => name))}`
      })
    }
    const limits = Option.match(given.max, { onNone: () => ({}), onSome: (max) => ({ max }) })
    const report = yield* explore({ ...exploration, laws }, limits)
    for (const line of lines(report, laws)) yield* Console.log(line)
    if (report.drawing !== undefined) yield* write(given.folder, report.drawing, given.data)
    if (!isProof(report, exploration.samples.accept ?? [])) {
      return yield* new NotExplorable({ problem: "Not all laws are proved on every path" })
    }
  }
)

/** The command. It fails if a law is broken, or not every path could be seen. */
export const command = Command.make("explore", { folder, ...flags }, (given) =>
  run(given).pipe(
    Effect.mapError((error) => new CliError.UserError({ cause: error, userMessage: error.message }))
  )).pipe(
    Command.withDescription("Goes every path of a flow, holds laws to it, and draws it"),
    Command.withExamples([
      {
        command: "npx @ringback/testing explore calls",
        description: "All paths of the flow in calls/flow.ts; its drawing goes to flow.mmd and flow.svg there"
      }
    ])
  )
