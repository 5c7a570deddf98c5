/**
 * `npm run bench -- waiting`: what a call costs in memory that waits: for an hour, for its place among the dials, and with
 * somebody who waits for its outcome; and how soon webhooks are answered beside many starts and dials that wait. The calls
 * are started by the engine, over SQLite.
 */
import { Calls, Flow, Line, PhoneNumber, type Settings, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Effect, Fiber, Layer, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { positive } from "./positive.ts"

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "100000" },
    starts: { type: "string", default: "20000" },
    only: { type: "string" }
  }
})
const count = positive("calls", values.calls)
const starts = positive("starts", values.starts)

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** Bytes in use after everything that nobody holds has gone. */
const used = Effect.gen(function*() {
  for (let round = 0; round < 5; round++) {
    yield* Effect.sleep(50)
    collect()
  }
  return process.memoryUsage().heapUsed
})

const Later = Flow.make("later", {
  version: 1,
  input: { name: Schema.String },
  output: Schema.String,
  run: ({ name }) => Flow.as(Flow.sleep("1 hour"), `Good evening, ${name}.`)
})

const [to, from] = [PhoneNumber.make("15550170001"), PhoneNumber.make("15550170009")]

const Notice = Flow.make("notice", {
  version: 1,
  input: { name: Schema.String },
  output: Schema.String,
  run: ({ name }) =>
    Line.speak(`Good evening, ${name}.`).pipe(
      Flow.as("heard"),
      Flow.dial({ to, from }),
      Flow.catchTag(["NotAnswered", "HungUp"], (error) => Flow.succeed(error._tag))
    )
})

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () => Flow.inbound(() => Flow.as(Line.speak("Good evening."), undefined))
})

/** A carrier that takes every dial, and of which nothing more is heard. */
const silent = Layer.sync(Transport.Transport, () => {
  let taken = 0
  return Transport.Transport.of({ send: () => Effect.sync(() => ({ referenceId: `dialled-${taken++}` })) })
})

const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))

const engine = (file: string, settings: Settings.Options) =>
  Calls.layer({ flows: [Later, Notice], inbound: { [from]: Desk }, settings }).pipe(
    Layer.provide(silent),
    Layer.provide(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename: join(folder, file) }))
  )

const all = (count: number) => Array.from({ length: count }, (_, n) => n)
const atOnce = { concurrency: 64, discard: true } as const

const start = (flow: typeof Later | typeof Notice) => (n: number) => Calls.start(flow, { name: `guest ${n}` })

const told = (what: string, bytes: number) =>
  console.log(`${`${count} ${what}:`.padEnd(32)} ${bytes.toFixed(0).padStart(5)} bytes each`)

/** What each call costs that some work leaves behind, beside what is kept in any case. */
const costOf = (work: Effect.Effect<unknown, unknown, Calls.Calls>) =>
  Effect.gen(function*() {
    const before = yield* used
    yield* work
    return ((yield* used) - before) / count
  })

const memory = Effect.gen(function*() {
  yield* Effect.forEach(all(2000), start(Later), atOnce)
  told("calls that wait", yield* costOf(Effect.forEach(all(count), start(Later), atOnce)))
  told(
    "that somebody waits for",
    yield* costOf(Effect.forEach(
      all(count),
      (n) => Effect.flatMap(start(Later)(n), (call) => Effect.forkDetach(call.outcome, { startImmediately: true })),
      atOnce
    ))
  )
})

const memoryOfDials = Effect.gen(function*() {
  yield* Effect.forEach(all(2000), start(Notice), atOnce)
  told("dials that wait", yield* costOf(Effect.forEach(all(count), start(Notice), atOnce)))
})

let callers = 0

/** How long callers wait for an answer, one after another, until something is over. */
const answers = (until: Effect.Effect<unknown, unknown, Calls.Calls>) =>
  Effect.gen(function*() {
    const waits: Array<number> = []
    const caller = Effect.gen(function*() {
      const referenceId = `caller-${callers++}`
      const began = performance.now()
      yield* Calls.receive(TelesignWire.named({ event: "incoming_call", referenceId, to: from, from: to }))
      waits.push(performance.now() - began)
      yield* Calls.receive(TelesignWire.named({ event: "call_completed", referenceId }))
      yield* Effect.sleep(5)
    })
    const calling = yield* Effect.forEach(all(4), () => Effect.forkChild(Effect.forever(caller)))
    yield* until
    yield* Fiber.interruptAll(calling)
    const sorted = waits.toSorted((self, that) => self - that)
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!
    return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) }
  })

const webhooks = Effect.gen(function*() {
  yield* answers(Effect.sleep("3 seconds")) // code that is warm
  const alone = yield* answers(Effect.sleep("10 seconds"))
  const during = yield* answers(Effect.forEach(all(starts), start(Notice), atOnce))
  const beside = yield* answers(Effect.sleep("10 seconds"))
  const line = (what: string, of: typeof alone) =>
    console.log(
      `webhooks ${what.padEnd(36)} p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(7)}  most ${
        of.most.toFixed(2).padStart(7)
      } ms  (${(of.p50 / alone.p50).toFixed(2)}, ${(of.p99 / alone.p99).toFixed(2)} of alone; ${of.count})`
    )
  line("alone", alone)
  line(`while ${starts} calls are started`, during)
  line(`while ${starts} dials wait`, beside)
})

const part = <E>(name: string, work: Effect.Effect<void, E, Calls.Calls>, settings: Settings.Options) =>
  values.only === undefined || values.only === name
    ? Effect.provide(work, Layer.fresh(engine(`${name}.db`, settings)))
    : Effect.void

const main = Effect.gen(function*() {
  yield* part("memory", memory, {})
  yield* part("dials", memoryOfDials, { dial: { perSecond: 1e-6 } })
  yield* part("webhooks", webhooks, { inbound: { perSecond: Infinity, linesAtMost: Infinity } })
})

await Effect.runPromise(main).finally(() => rmSync(folder, { recursive: true }))
