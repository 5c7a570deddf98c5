/**
 * `npm run nemesis -- --runs 3 --runners 3 --seed 7`: tries to part the processes of one application. Runners on one PostgreSQL,
 * each behind wires that can be cut in each direction, are killed, frozen, cut off and deployed over, while calls go on through a
 * balancer that gives webhooks to whoever lives. Then it counts: from what the emulator rang, from what the database holds, and from
 * what each runner said.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Faults from "./nemesis/faults.ts"
import * as Mode from "./nemesis/mode.ts"
import * as Sabotage from "./nemesis/sabotage.ts"
import * as Trial from "./nemesis/trial.ts"

class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

interface Options {
  readonly runs: number
  readonly runners: number
  readonly minutes: number
  readonly seed: string
  readonly mode: Mode.Mode
  readonly only: ReadonlyArray<Faults.Kind>
  readonly sabotage: Sabotage.Name
}

const main = Effect.fnUntraced(function*({ only, runs, seed, ...options }: Options) {
  const kinds = only.length === 0 ? Faults.kinds : only
  let failed = 0
  for (let run = 1; run <= runs; run++) {
    const own = runs === 1 ? seed : `${seed}/${run}`
    const breaches = yield* Effect.scoped(Trial.run({ ...options, kinds, settle: 110, seed: own }))
    if (breaches.length > 0) failed++
  }
  yield* Console.log(`${runs} ${runs === 1 ? "run" : "runs"} with seed ${seed}, ${failed} failed`)
  if (failed > 0) return yield* new Failed({ message: `run again with --seed ${seed}` })
})

const command = Command.make("nemesis", {
  runs: Flag.Int("runs").pipe(Flag.withDefault(1), Flag.withDescription("How many runs, each with a seed of its own")),
  runners: Flag.Int("runners").pipe(
    Flag.withDefault(3),
    Flag.filter((count) => count >= 2 && count <= 5, () => "Expected from 2 to 5 runners"),
    Flag.withDescription("How many runners, from 2 to 5")
  ),
  minutes: Flag.Finite("minutes").pipe(
    Flag.withDefault(1),
    Flag.filter((minutes) => minutes > 0 && minutes <= 3, () => "Expected 3 minutes at most"),
    Flag.withDescription("How long things are done to them, 3 at most; then calls have two more to come to their end")
  ),
  seed: Flag.String("seed").pipe(
    Flag.withDefault("1"),
    Flag.withDescription("The same seed does the same at the same moments")
  ),
  mode: Flag.Literals("mode", Mode.names).pipe(
    Flag.withDefault("postgres" as const),
    Flag.withDescription("How runners share calls")
  ),
  only: Flag.Literals("only", Faults.kinds).pipe(
    Flag.between(0, Faults.kinds.length),
    Flag.withDescription("What is done: everything by default")
  ),
  sabotage: Flag.Literals("sabotage", Sabotage.names).pipe(
    Flag.withDefault("none" as const),
    Flag.withDescription("Breaks the engines on purpose, so that the run has to fail")
  )
}, main)

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
