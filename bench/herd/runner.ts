/** A process of `bench -- herd`: an engine on the PostgreSQL that it is given, which counts what it reads and appends. */
import { PgClient } from "@effect/sql-pg"
import { CallMetrics, Calls, EventStore, Flow, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as ClusterCalls from "@ringback/core/ClusterCalls"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Layer, Metric, Redacted, References, Schema } from "effect"
import { Desk } from "../calls/seed.ts"
import * as Membership from "../membership.ts"
import type { Asked, Told } from "./messages.ts"

const [url = "", name = ""] = process.argv.slice(2)

/** Has an activity under way for longer than anybody measures. */
const Works = Flow.make("works", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () => Flow.activity("work", { within: "1 hour" }, Effect.sleep("50 minutes"))
})

const Sleeps = Flow.make("sleeps", {
  version: 1,
  input: { millis: Schema.Finite },
  output: Schema.Void,
  run: ({ millis }) => Flow.sleep(millis)
})

const counts = { reads: 0, appends: 0, conflicts: 0 }
let waits: Array<number> = []
let theirs: Array<number> = []

const counted = Layer.effect(
  EventStore.EventStore,
  Effect.map(EventStore.EventStore, (store) =>
    EventStore.EventStore.of({
      ...store,
      read: (id, after) => {
        counts.reads++
        return store.read(id, after)
      },
      append: (...turn) => {
        counts.appends++
        return Effect.tapErrorTag(store.append(...turn), "VersionConflict", () => Effect.sync(() => counts.conflicts++))
      }
    }))
)

const carrier = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({ send: ({ externalId = "" }) => Effect.succeed({ referenceId: externalId }) })
)

const desk = PhoneNumber.make("15550170009")

const options = {
  flows: [Works, Sleeps],
  inbound: { [desk]: Desk },
  settings: { inbound: { linesAtMost: 100_000, perSecond: 1_000 } } // Nobody hangs up, and lines are opened at once.
}

const engine = (Membership.isAsked
  ? ClusterCalls.layer(options).pipe(Layer.provide(Membership.layer(url)))
  : Calls.layer(options)).pipe(
    Layer.provide(carrier),
    Layer.provide(counted),
    Layer.provide(SqlEventStore.layer),
    Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 8 }))
  )

const tell = (what: Told["what"]) =>
  Effect.map(Metric.value(CallMetrics.duplicateOwners), ({ count }) => {
    process.send!({ what, name, ...counts, duplicates: count, waits, theirs } satisfies Told)
    waits = []
    theirs = []
  })

/** Gives an engine what a line of a process says next, and writes down how long that took. */
const heard = (
  { receive }: Calls.Calls["Service"],
  { event, of, took }: { readonly event: string; readonly of: string; readonly took: (millis: number) => void }
) =>
  Effect.suspend(() => {
    const began = performance.now()
    const webhook = TelesignWire.named({ event, referenceId: of, to: desk, from: PhoneNumber.make("15550170044") })
    return Effect.ignore(Effect.tap(receive(webhook), () => Effect.sync(() => took(performance.now() - began))))
  })

/** Ten times a second. */
const pace = 100

/** Somebody calls. */
const listen = (calls: Calls.Calls["Service"]) => {
  let n = 0
  const call = Effect.suspend(() =>
    heard(calls, { event: "incoming_call", of: `${name} ${++n}`, took: (millis) => void waits.push(millis) })
  )
  return Effect.forever(Effect.andThen(Effect.forkChild(call), Effect.sleep(pace)))
}

/** The part of this process of the lines of another one. */
const goOn = (
  calls: Calls.Calls["Service"],
  { lines, of, place, places }: Extract<Asked, { readonly what: "go on" }>
) =>
  Effect.forEach(
    Array.from({ length: lines }, (_, n) => n).filter((n) => n % places === place),
    (n) => {
      const took = (millis: number) => void theirs.push(millis)
      const next = heard(calls, { event: "speak_completed", of: lineOf(of, n), took })
      return Effect.andThen(Effect.forkChild(next), Effect.sleep(pace))
    },
    { discard: true }
  )

const lineOf = (process: string, n: number) => `line ${n} of ${process}`

const open = (calls: Calls.Calls["Service"], lines: number) =>
  Effect.forEach(
    Array.from({ length: lines }, (_, n) => n),
    (n) => heard(calls, { event: "incoming_call", of: lineOf(name, n), took: () => undefined }),
    { concurrency: 64, discard: true }
  )

const begin = (calls: Calls.Calls["Service"], { calls: count, from, to }: Extract<Asked, { readonly what: "start" }>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) =>
      n % 2 === 0
        ? calls.start(Works, {})
        : calls.start(Sleeps, { millis: from + Math.floor(((to - from) * n) / count) }),
    { concurrency: 64, discard: true }
  )

const answer = (calls: Calls.Calls["Service"], asked: Asked): Effect.Effect<unknown, unknown> => {
  switch (asked.what) {
    case "start":
      return Effect.andThen(Effect.andThen(begin(calls, asked), open(calls, asked.lines)), tell("started"))
    case "listen":
      return Effect.andThen(tell("listening"), listen(calls))
    case "go on":
      return Effect.andThen(tell("going on"), goOn(calls, asked))
    case "report":
      return tell("report")
  }
}

const program = Effect.gen(function*() {
  const calls = Context.get(yield* Layer.build(engine), Calls.Calls)
  process.on("message", (asked: Asked) => void Effect.runFork(answer(calls, asked)))
  process.on("disconnect", () => process.exit())
  yield* tell("ready")
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "Warn")))
