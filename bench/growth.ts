/**
 * `npm run bench -- growth`: what does not grow with what is stored, and what a waiting call costs.
 *
 * - turns a second with a million stored events beside an empty store, in interleaved rounds
 * - a turn of a call that has 1,000 events beside one of a call that has 10
 * - the memory of calls that wait
 * - the start-up on a store of many calls that are over and some that run
 *
 * `--events 1000000 --rounds 4 --seconds 3 --waiting 100000 --finished 100000 --running 10000`, and `--only` one of
 * `store`, `call`, `waiting`, `start`
 */
import { Calls } from "@ringback/core"
import { Context, Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { StatementSync } from "node:sqlite"
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { printMachine } from "./machine.ts"
import * as Seed from "./seed.ts"
import * as Application from "./turns/application.ts"
import { turnsOf } from "./turns/conversation.ts"
import { measure, median } from "./turns/measure.ts"

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    waiting: { type: "string", default: "100000" },
    finished: { type: "string", default: "100000" },
    running: { type: "string", default: "10000" },
    only: { type: "string" }
  }
})
const folder = mkdtempSync(join(tmpdir(), "ringback-growth-"))
const inFolder = (name: string) => join(folder, name)

const storeGrows = async () => {
  const history = await Seed.finished()
  const count = Math.ceil(Number(values.events) / Seed.eventsOf(history))
  const full = inFolder("full.db")
  await Seed.plant(full, [[history, count]])
  const load = { calls: 32, seconds: Number(values.seconds) }
  const ratios: Array<{ readonly rate: number; readonly cpu: number }> = []
  for (let round = 0; round < Number(values.rounds); round++) {
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

/** Node's garbage collector, without a flag on the command line. */
const collect = (() => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
})()

const heap = (): number => {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const callsWait = () =>
  Effect.gen(function*() {
    const engine = yield* Calls.Calls
    const start = (count: number) =>
      Effect.replicateEffect(engine.start(Application.Sleeper, {}), count, { concurrency: 256, discard: true })
    yield* start(2_000) // as many as it keeps in memory for a while, and more
    const before = heap()
    const count = Number(values.waiting)
    yield* start(count)
    const bytes = (heap() - before) / count
    console.log(`${count.toLocaleString("en")} waiting calls take ${(bytes / 1024).toFixed(2)} KiB of memory each`)
  }).pipe(Effect.provide(Application.calls(inFolder("waiting.db"))), Effect.runPromise)

const startsUp = async () => {
  const file = inFolder("start.db")
  const running = Number(values.running) / 2
  await Seed.plant(file, [
    [await Seed.finished(), Number(values.finished)],
    [await Seed.talking(), running],
    [await Seed.sleeping(), running]
  ])
  const read: Array<string> = []
  const { all } = StatementSync.prototype
  StatementSync.prototype.all = function(this: StatementSync, ...parameters: Parameters<typeof all>) {
    if (/^\s*select/i.test(this.sourceSQL)) read.push(this.sourceSQL)
    return all.apply(this, parameters)
  } as typeof all
  const began = performance.now()
  await Effect.runPromise(Effect.scoped(Effect.map(Layer.build(Application.calls(file)), (services) => {
    Context.get(services, Calls.Calls)
    const took = performance.now() - began
    const ofTurns = read.filter((text) => text.includes("ringback_turns")).length
    console.log(
      `starts on ${Number(values.finished).toLocaleString("en")} calls that are over and ` +
        `${(running * 2).toLocaleString("en")} that run in ${(took / 1000).toFixed(2)} s, ` +
        `with ${read.length} reads, ${ofTurns} of them of events`
    )
  })))
  StatementSync.prototype.all = all
}

const parts = { store: storeGrows, call: callGrows, waiting: callsWait, start: startsUp }

try {
  printMachine()
  for (const [name, part] of Object.entries(parts)) {
    if (values.only === undefined || values.only === name) await part()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
