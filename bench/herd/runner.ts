/** A process of `bench -- herd`: an engine on the PostgreSQL that it is given, which counts what it reads and appends. */
import { PgClient } from "@effect/sql-pg"
import { CallMetrics, Calls, EventStore, Flow, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import { Context, Effect, Layer, Metric, Redacted, Schema } from "effect"
import { Desk } from "../calls/seed.ts"
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

const engine = Calls.layer({
  flows: [Works, Sleeps],
  inbound: { [desk]: Desk },
  settings: { inbound: { linesAtMost: 100_000 } } // Nobody hangs up.
}).pipe(
  Layer.provide(carrier),
  Layer.provide(counted),
  Layer.provide(SqlEventStore.layer),
  Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 8 }))
)

const tell = (what: Told["what"]) =>
  Effect.map(Metric.value(CallMetrics.duplicateOwners), ({ count }) => {
    process.send!({ what, name, ...counts, duplicates: count, waits } satisfies Told)
    waits = []
  })

/** Somebody calls ten times a second. */
const listen = (calls: Calls.Calls["Service"]) => {
  let n = 0
  const call = Effect.suspend(() => {
    const began = performance.now()
    const webhook = {
      event: "incoming_call",
      referenceId: `${name} ${++n}`,
      to: desk,
      from: PhoneNumber.make("15550170044")
    }
    return Effect.tap(calls.receive(webhook), () => Effect.sync(() => void waits.push(performance.now() - began)))
  })
  return Effect.forever(Effect.andThen(Effect.forkChild(Effect.ignore(call)), Effect.sleep(100)))
}

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
      return Effect.andThen(begin(calls, asked), tell("started"))
    case "listen":
      return Effect.andThen(tell("listening"), listen(calls))
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

Effect.runFork(Effect.scoped(program))
