/**
 * `npm run bench -- growth`: what does not grow with what is stored.
 *
 * - turns a second with a million stored events beside an empty store, in interleaved rounds
 * - a turn of a call that has 1,000 events beside one of a call that has 10
 *
 * `--events 1000000 --rounds 4 --seconds 3`, and `--only store` or `--only call`
 */
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import * as Seed from "./seed.ts"
import * as Application from "./turns/application.ts"
import { turnsOf } from "./turns/conversation.ts"
import { measure, median } from "./turns/measure.ts"

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    only: { type: "string" }
  }
})
const rounds = positive("rounds", values.rounds)
const folder = mkdtempSync(join(tmpdir(), "ringback-growth-"))
const inFolder = (name: string) => join(folder, name)

const storeGrows = async () => {
  const history = await Seed.finished()
  const count = Math.ceil(positive("events", values.events) / Seed.eventsOf(history))
  const full = inFolder("full.db")
  await Seed.plant(full, history, count)
  const load = { calls: 32, seconds: positive("seconds", values.seconds) }
  const ratios: Array<{ readonly rate: number; readonly cpu: number }> = []
  for (let round = 0; round < rounds; round++) {
    const filled = await measure("ringback", full, load)
    const empty = await measure("ringback", inFolder(`empty-${round}.db`), load)
    ratios.push({ rate: filled.perSecond / empty.perSecond, cpu: filled.serverMicros / empty.serverMicros })
  }
  console.log(
    `with ${(count * Seed.eventsOf(history)).toLocaleString("en")} stored events, 32 calls at a time: ` +
      `${median(ratios.map(({ rate }) => rate)).toFixed(2)} of the turns a second on an empty store, ` +
      `${median(ratios.map(({ cpu }) => cpu)).toFixed(2)} of the processor time a turn`
  )
}

const callGrows = () =>
  Effect.gen(function*() {
    const early: Array<number> = []
    const late: Array<number> = []
    for (let call = 0; call < 10; call++) {
      const externalId = yield* Seed.startRinging(Application.Interview)
      const [answered, pressed] = turnsOf(externalId)
      yield* Seed.receive(answered!.body)
      for (let turn = 1; turn < 560; turn++) {
        const began = performance.now()
        yield* Seed.receive(pressed!.body)
        // Each turn has two events: what came in, and what was decided on it.
        if (turn >= 5 && turn < 55) early.push(performance.now() - began)
        if (turn >= 500 && turn < 550) late.push(performance.now() - began)
      }
    }
    const [before, after] = [median(early), median(late)]
    console.log(
      `a turn of a call with 1,000 to 1,100 events takes ${(after / before).toFixed(2)} of one with 10 to 110 ` +
        `(${after.toFixed(2)} and ${before.toFixed(2)} ms with its commit)`
    )
  }).pipe(Effect.provide(Application.calls(inFolder("call.db"))), Effect.runPromise)

const parts = { store: storeGrows, call: callGrows }

try {
  printMachine()
  for (const [name, part] of Object.entries(parts)) {
    if (values.only === undefined || values.only === name) await part()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
