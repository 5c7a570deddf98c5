/**
 * `npm run storm -- --runs 2000 --seed 7 --example table-ready --store sqlite`: the whole engine under seeded faults in
 * virtual time, over the flows of the examples and the stores. It closes with the number of violations and with how often
 * each outcome was seen that a law leaves open. The same seed is the same storm.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { type Storm, StormFaults, StormLaws } from "@ringback/testing"
import { Console, Data, Effect, Option, Random } from "effect"
import type { Scope } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { examples } from "./storm.examples.ts"
import type { Answer, Part } from "./storm.worker.ts"

class Violated extends Data.TaggedError("Violated")<{ readonly message: string }> {}

const stores: ReadonlyArray<Storm.StoreKind> = ["memory", "sqlite", "postgres"]

/** So many runs of a part are given to a thread at once. */
const atOnce = 50

interface Tally {
  runs: number
  readonly violations: Array<string>
  readonly faults: Record<string, number>
  readonly remains: Record<string, number>
}

const main = Effect.fnUntraced(function*(parts: ReadonlyArray<Part>) {
  const total: Tally = {
    runs: 0,
    violations: [],
    faults: Object.fromEntries(StormFaults.kinds.map((kind) => [kind, 0])),
    remains: Object.fromEntries(StormLaws.all.flatMap(({ remains }) => remains.map((name) => [name, 0])))
  }
  const threads = yield* Effect.all(Array.from({ length: availableParallelism() }, () => thread))
  const portions = parts.map((part) => ({ part, left: portionsOf(part), runs: 0 }))
  const waiting = portions.flatMap((each) => each.left.map((portion) => ({ each, portion })))
  const work = Effect.fnUntraced(function*(blow: typeof threads[number]) {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { each, portion } = next
      const answer = yield* blow(portion)
      const before = total.violations.length
      count(total, answer)
      if (answer._tag === "Report") each.runs += answer.report.runs
      each.left.pop()
      if (total.violations.length > before) yield* Console.error(total.violations.at(-1))
      if (each.left.length === 0) yield* Console.log(`${nameOf(each.part)}: ${summary(each.runs, each.part.runs)}`)
    }
  })
  yield* Effect.forEach(threads, work, { concurrency: "unbounded", discard: true })
  yield* Console.log(`\nFaults that struck:\n${table(total.faults)}`)
  yield* Console.log(`\nWhat the laws leave open:\n${table(total.remains)}`)
  yield* Console.log(`\n${total.runs} runs, ${total.violations.length} violations`)
  if (total.violations.length > 0) return yield* new Violated({ message: "a law was broken" })
}, Effect.scoped)

const nameOf = ({ example, store }: Part): string => `${example} on ${store}`

/** A portion ends at its first violation. */
const summary = (runs: number, wanted: number): string =>
  `${runs} runs, ${runs === wanted ? "0 violations" : "then a violation"}`

const portionsOf = (part: Part): Array<Part> =>
  Array.from({ length: Math.ceil(part.runs / atOnce) }, (_, index) => ({
    ...part,
    seed: part.seed + index * atOnce,
    runs: Math.min(atOnce, part.runs - index * atOnce)
  }))

const count = (total: Tally, answer: Answer): void => {
  if (answer._tag === "Violation") return void total.violations.push(answer.message)
  const { faults, remains, runs } = answer.report
  total.runs += runs
  add(total.faults, faults)
  add(total.remains, remains)
}

const add = (into: Record<string, number>, counts: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(counts)) into[name] = (into[name] ?? 0) + count
}

const table = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(8)}  ${name}`).join("\n")

/** A thread that storms: one portion at a time. */
const thread: Effect.Effect<(part: Part) => Effect.Effect<Answer>, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new Worker(new URL("./storm.worker.ts", import.meta.url))),
    (worker) => Effect.promise(() => worker.terminate())
  ),
  (worker) => (part) =>
    Effect.callback<Answer>((resume) => {
      worker.removeAllListeners()
      worker.once("message", (answer: Answer) => resume(Effect.succeed(answer)))
      worker.once("error", (error) => resume(Effect.die(error)))
      worker.postMessage(part, [])
    })
)

/** Every example over every store, the runs shared among them. */
const partsOf = (options: {
  readonly runs: number
  readonly seed: number
  readonly examples: ReadonlyArray<string>
  readonly stores: ReadonlyArray<Storm.StoreKind>
}): ReadonlyArray<Part> => {
  const { runs, seed } = options
  const all = options.examples.flatMap((example) => options.stores.map((store) => ({ example, store, seed })))
  return all.map((part, index) => ({
    ...part,
    runs: Math.floor(runs / all.length) + (index < runs % all.length ? 1 : 0)
  })).filter(({ runs }) => runs > 0)
}

const command = Command.make(
  "storm",
  {
    runs: Flag.Int("runs").pipe(
      Flag.withDefault(500),
      Flag.withDescription("How many runs, shared among examples and stores")
    ),
    seed: Flag.Int("seed").pipe(Flag.withDefault(1), Flag.withDescription("The seed of the first run of each part")),
    fresh: Flag.Boolean("fresh").pipe(Flag.withDefault(false), Flag.withDescription("Draw a seed, and print it")),
    example: Flag.Literals("example", Object.keys(examples)).pipe(
      Flag.optional,
      Flag.withDescription("Only this example")
    ),
    store: Flag.Literals("store", stores).pipe(Flag.optional, Flag.withDescription("Only this store"))
  },
  Effect.fnUntraced(function*({ example, fresh, runs, seed, store }) {
    const drawn = fresh ? yield* Random.nextIntBetween(1, 1_000_000_000) : seed
    yield* Console.log(`seed ${drawn}`)
    yield* main(partsOf({
      runs,
      seed: drawn,
      examples: Option.match(example, { onNone: () => Object.keys(examples), onSome: (name) => [name] }),
      stores: Option.match(store, { onNone: () => stores, onSome: (one) => [one] })
    }))
  })
)

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
