/**
 * `npm run storm -- --runs 2000 --seed 7 --example table-ready`: the whole engine under seeded faults in virtual time, over
 * the flows of the examples. It closes with the number of violations and with how often each outcome was seen that a law
 * leaves open. The same seed is the same storm.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { PhoneNumber } from "@ringback/core"
import { Faults, Storm } from "@ringback/testing"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Alert } from "../examples/alert/flow.ts"
import { Appointment } from "../examples/appointment/flow.ts"
import { Delivery } from "../examples/demo/flow.ts"
import { Passcode } from "../examples/passcode/flow.ts"
import { PinReducer } from "../examples/pin/flow.ts"
import { TableReady } from "../examples/table-ready/flow.ts"
import { transfer } from "../examples/transfer/flow.ts"

const to = PhoneNumber.make("+15550170001")
const from = PhoneNumber.make("+15550170009")
const who = { to, from }

const people = [{ name: "Ada", number: to }, { name: "Grace", number: PhoneNumber.make("+15550170002") }]

const house = {
  number: from,
  reception: to,
  billing: PhoneNumber.make("+15550170002"),
  repairs: PhoneNumber.make("+15550170003")
}

type Blow = (options: Storm.Options) => Effect.Effect<Storm.Report, Storm.StormFailure>

const examples: Readonly<Record<string, Blow>> = {
  passcode: (options) => Storm.run(Passcode, { ...who, code: "4021" }, options),
  "table-ready": (options) => Storm.run(TableReady, who, options),
  delivery: (options) => Storm.run(Delivery, who, options),
  appointment: (options) => Storm.run(Appointment, { ...who, when: "Tuesday at ten" }, options),
  alert: (options) => Storm.run(Alert, { from, people, message: "The cellar is under water." }, options),
  pin: (options) => Storm.run(PinReducer, { ...who, pin: "1234" }, options),
  transfer: (options) => Storm.run(transfer(house), {}, { ...options, incoming: { to: from, from: "+15550170044" } })
}

const add = (into: Record<string, number>, counts: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(counts)) into[name] = (into[name] ?? 0) + count
}

const table = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(8)}  ${name}`).join("\n")

const main = Effect.fnUntraced(function*(runs: number, seed: number, names: ReadonlyArray<string>) {
  const faults: Record<string, number> = Object.fromEntries(Faults.kinds.map((kind) => [kind, 0]))
  const remains: Record<string, number> = {}
  for (const [index, name] of names.entries()) {
    const share = Math.floor(runs / names.length) + (index < runs % names.length ? 1 : 0)
    if (share === 0) continue
    const report = yield* examples[name]!({ runs: share, seed })
    yield* Console.log(`${name}: ${report.runs} runs`)
    add(faults, report.faults)
    add(remains, report.remains)
  }
  yield* Console.log(`\nFaults that struck:\n${table(faults)}`)
  yield* Console.log(`\nWhat the laws leave open:\n${table(remains)}`)
  yield* Console.log(`\n${runs} runs, 0 violations`)
})

const command = Command.make(
  "storm",
  {
    runs: Flag.Int("runs").pipe(
      Flag.withDefault(500),
      Flag.withDescription("How many runs, shared among the examples")
    ),
    seed: Flag.Int("seed").pipe(Flag.withDefault(1), Flag.withDescription("The seed of the first run of each example")),
    example: Flag.Literals("example", Object.keys(examples)).pipe(
      Flag.optional,
      Flag.withDescription("Only this example")
    )
  },
  ({ example, runs, seed }) =>
    main(runs, seed, Option.match(example, { onNone: () => Object.keys(examples), onSome: (name) => [name] }))
)

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
