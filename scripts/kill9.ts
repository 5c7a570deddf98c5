/**
 * `npm run kill9 -- --kills 10 --seed 1`: kills the application at random moments of calls, starts it again, and counts what
 * became of the calls. It counts from the emulator's record of rings, not from what Ringback says of itself.
 *
 * For each kill: a call is started, the process dies by `kill -9` at a random moment, is started again on the same SQLite
 * file, and is asked to start the same call again under the same key. A call is **lost** if its start was acknowledged and
 * the file does not know it, **rung twice** if the emulator rang its number more than once, **without outcome** if it has
 * none within a minute.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { PhoneNumber } from "@ringback/core"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Console, Data, Duration, Effect, Random, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Process from "../examples/demo/process.ts"

const speed = 20

class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

const callees = [
  Callee.answers("3 seconds").presses("1"),
  Callee.answers("2 seconds").presses("2"),
  Callee.answers("4 seconds").staysSilent(),
  Callee.answers("2 seconds").hangsUpDuring(2),
  Callee.busy
]

interface Tally {
  lost: number
  rungTwice: number
  withoutOutcome: number
}

const main = Effect.fnUntraced(function*(kills: number, seed: string, askAgain: boolean) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-kill9-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  yield* Console.log(
    `${kills} kills with seed ${seed}; after no reply the emulator ${askAgain ? "asks again" : "does not ask again"}`
  )
  const tally: Tally = { lost: 0, rungTwice: 0, withoutOutcome: 0 }
  yield* Effect.provide(
    trials(kills, folder, tally),
    TelesignEmulator.layer({
      line: { speed },
      replies: askAgain ? { askAgainAfter: ["200 millis", "500 millis", "1 second"] } : {}
    })
  )
  const { lost, rungTwice, withoutOutcome } = tally
  yield* Console.log(`${kills} kills: ${lost} lost, ${rungTwice} rung twice, ${withoutOutcome} without outcome`)
  if (lost + rungTwice + withoutOutcome > 0) return yield* new Failed({ message: `run again with --seed ${seed}` })
}, Effect.scoped)

const trials = Effect.fnUntraced(function*(kills: number, folder: string, tally: Tally) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const environment = {
    DATABASE_FILE: join(folder, "calls.db"),
    SPEED: String(speed),
    TELESIGN_BASE_URL: telesign.url,
    TELESIGN_CALLER_ID: "15550170009",
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  }
  const first = yield* Process.start({ ...environment, PORT: "0" })
  const port = String(first.port)
  yield* telesign.reportTo(`http://127.0.0.1:${port}/telesign/events`)
  const longest = yield* lengthOfACall(first)
  let child = first
  for (let kill = 1; kill <= kills; kill++) {
    const wait = Math.round((yield* Random.next) * longest)
    const callee = callees[yield* Random.nextIntBetween(0, callees.length - 1)]!
    yield* telesign.callee(numberOf(kill), callee)
    const start = `start call-${kill} ${numberOf(kill)}`
    yield* child.tell(start)
    yield* Effect.sleep(wait)
    yield* child.kill
    const acknowledged = child.said("started", `call-${kill}`)
    child = yield* Process.start({ ...environment, PORT: port })
    const known = acknowledged === undefined ? undefined : yield* isKnown(child, String(acknowledged.id))
    yield* child.tell(start)
    yield* verdict(child, { kill, wait, known, tally })
  }
})

/** How long a whole conversation takes, from a call that is not disturbed. In milliseconds, and a little more. */
const lengthOfACall = Effect.fnUntraced(function*(child: Process.Child) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  yield* telesign.callee(numberOf(0), callees[0]!)
  yield* child.tell(`start undisturbed ${numberOf(0)}`)
  const [duration] = yield* Effect.timed(child.hear("outcome", "undisturbed"))
  return Duration.toMillis(duration) * 1.1
})

const isKnown = Effect.fnUntraced(function*(child: Process.Child, id: string) {
  yield* child.tell(`find ${id}`)
  return (yield* child.hear("found", id)).yes === true
})

/** Waits for the outcome of a call that was disturbed, counts, and prints a line. */
const verdict = Effect.fnUntraced(function*(child: Process.Child, trial: {
  readonly kill: number
  readonly wait: number
  readonly known: boolean | undefined
  readonly tally: Tally
}) {
  const { kill, known, tally, wait } = trial
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const [took, outcome] = yield* Effect.timed(Effect.result(child.hear("outcome", `call-${kill}`)))
  const rings = (yield* telesign.rings).filter((ring) => ring.number === numberOf(kill)).length
  if (known === false) tally.lost++
  if (rings > 1) tally.rungTwice++
  if (outcome._tag === "Failure") tally.withoutOutcome++
  const moment = known === undefined ? "before its start was acknowledged" : "after its start was acknowledged"
  const what = outcome._tag === "Success" ? `"${String(outcome.success.what)}"` : "NO OUTCOME"
  const rang = rings === 0 ? "not rung" : rings === 1 ? "rung once" : `RUNG ${rings} TIMES`
  const seconds = Duration.toSeconds(took).toFixed(1)
  yield* Console.log(
    `kill ${kill}: ${wait} ms into the call, ${moment}; ${known === false ? "LOST" : "kept"}, ${rang}, ` +
      `${what} ${seconds} s after the restart`
  )
})

const numberOf = (kill: number): string => PhoneNumber.make(`1555017${String(kill).padStart(4, "0")}`)

const command = Command.make("kill9", {
  kills: Flag.Int("kills").pipe(Flag.withDefault(10), Flag.withDescription("How many kills")),
  seed: Flag.String("seed").pipe(Flag.withDefault("1"), Flag.withDescription("The same seed gives the same moments")),
  askAgain: Flag.Boolean("ask-again").pipe(
    Flag.withDefault(false),
    Flag.withDescription("The emulator asks again where it had no reply")
  )
}, ({ askAgain, kills, seed }) => main(kills, seed, askAgain).pipe(Random.withSeed(seed)))

Command.run(command, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
