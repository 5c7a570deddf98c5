/** `ringback storm`: a flow on many bad days. */
import { Commands, Storm } from "@ringback/testing"
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

const positive = Schema.Int.check(Schema.isGreaterThan(0))

const config = {
  folder: Argument.String("folder").pipe(Argument.withDescription("A folder with a flow.ts, such as examples/demo")),
  runs: Flag.Int("runs").pipe(
    Flag.withDescription("How many runs"),
    Flag.withSchema(positive),
    Flag.withDefault(1000)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("The seed of the first run; the same one is the same storm"),
    Flag.withDefault(1)
  ),
  store: Flag.Literals("store", ["memory", "sqlite"]).pipe(
    Flag.withDescription("What stores the calls"),
    Flag.withDefault("memory")
  )
}

/** So many runs are made between two words about how far it is. */
const atOnce = 50

const counted = (into: Record<string, number>, found: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(found)) into[name] = (into[name] ?? 0) + count
}

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(8)}  ${name}`).join("\n")

/** The verb. */
export const command = Command.make("storm", config, ({ folder, runs, seed, store }) =>
  Effect.gen(function*() {
    const { json } = yield* root
    const { flow, input } = yield* Effect.mapError(Commands.read(folder), ({ message }) => fail("notFound", message))
    const [faults, remains] = [{}, {}] as [Record<string, number>, Record<string, number>]
    for (let done = 0; done < runs; done += atOnce) {
      const some = Math.min(atOnce, runs - done)
      const storm = Storm.run(flow, input, { runs: some, seed: seed + done, store }) as Effect.Effect<
        Storm.Report,
        Storm.StormFailure
      >
      const report = yield* Printing.waiting(
        `${done} of ${runs} runs`,
        Effect.mapError(storm, ({ message }) => fail("failed", message))
      )
      counted(faults, report.faults)
      counted(remains, report.remains)
    }
    if (json) return yield* Printing.json({ runs, seed, faults, remains, violations: 0 })
    yield* Printing.data(`Faults that struck:\n${list(faults)}`)
    if (Object.keys(remains).length > 0) yield* Printing.data(`\nWhat the laws leave open:\n${list(remains)}`)
    yield* Printing.data(`\n${runs} runs from seed ${seed}, no law was broken`)
  })).pipe(
    Command.withDescription(
      "Runs a flow through many bad days and holds all laws to it; exits with 1 where one is broken"
    ),
    Command.withExamples([{
      command: "ringback storm examples/demo --runs 2000 --seed 7",
      description: "The same each time"
    }])
  )
