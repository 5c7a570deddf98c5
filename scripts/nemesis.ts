/**
 * `npm run nemesis -- --runs 3 --runners 3 --seed 7`: tries to part the processes of one application. Runners on one PostgreSQL,
 * each behind wires that can be cut in each direction, are killed, frozen, cut off and deployed over, while calls go on through a
 * balancer that gives webhooks to whoever lives. Then it counts: from what the emulator rang, from what the database holds, and from
 * what each runner said.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Trial from "./nemesis/trial.ts"

class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

interface Options {
  readonly runs: number
  readonly runners: number
  readonly minutes: number
  readonly seed: string
}

const main = Effect.fnUntraced(function*({ minutes, runners, runs, seed }: Options) {
  let failed = 0
  for (let run = 1; run <= runs; run++) {
    const own = runs === 1 ? seed : `${seed}/${run}`
    const isGood = yield* Effect.scoped(Trial.run({ minutes, runners, seed: own }))
    if (!isGood) failed++
  }
  yield* Console.log(`${runs} ${runs === 1 ? "run" : "runs"}, ${failed} failed`)
  if (failed > 0) return yield* new Failed({ message: `run again with --seed ${seed}` })
})

const command = Command.make("nemesis", {
  runs: Flag.Int("runs").pipe(Flag.withDefault(1), Flag.withDescription("How many runs, each with a seed of its own")),
  runners: Flag.Int("runners").pipe(Flag.withDefault(3), Flag.withDescription("How many runners, from 2 to 5")),
  minutes: Flag.Finite("minutes").pipe(
    Flag.withDefault(1),
    Flag.withDescription("How long things are done to them; the calls that are left then come to their end")
  ),
  seed: Flag.String("seed").pipe(
    Flag.withDefault("1"),
    Flag.withDescription("The same seed does the same at the same moments")
  )
}, main)

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
