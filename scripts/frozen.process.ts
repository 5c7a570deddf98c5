/**
 * A process that is frozen: it starts a call, and stops itself (`SIGSTOP`) in the moment that `FREEZES` names: when a dial is
 * recorded and not sent, or while an activity runs. Its store is PostgreSQL at `DATABASE_URL`. Without `FREEZES` it starts nothing.
 */
import { NodeHttpClient, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Calls, EventStore, Flow, PhoneNumber, SqlEventStore } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { Greeting } from "./greeting.ts"

const freezes = process.env["FREEZES"]

let hasFrozen = false
const freeze = Effect.sync(() => {
  if (!hasFrozen) process.kill(process.pid, "SIGSTOP")
  hasFrozen = true
})

/** Its activity says when it begins, hangs in the process that freezes, and says when it is stopped there. */
const Working = Flow.make("working", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: () =>
    Flow.activity(
      "work",
      { success: Schema.String },
      freezes === undefined
        ? Effect.as(Console.log("works"), "done")
        : Effect.onInterrupt(Effect.andThen(freeze, Effect.never), () => Console.log("stopped working"))
    )
})

const freezing = Layer.effect(
  EventStore.EventStore,
  Effect.map(EventStore.EventStore, (store) => ({
    ...store,
    append: (...turn: Parameters<typeof store.append>) =>
      Effect.tap(
        store.append(...turn),
        () => freezes === "dial" && turn[0].events.some(({ _tag }) => _tag === "DialAttempted") ? freeze : Effect.void
      )
  }))
)

const CallsLive = Calls.layer({
  flows: [Greeting, Working],
  settings: {
    dial: { sendWithin: "2 seconds" },
    store: { lease: "6 seconds", lookEvery: "1 second" },
    line: { ringLimit: "2 seconds", eventDelay: "1 second" }
  }
}).pipe(
  Layer.provide(freezing),
  Layer.provide(SqlEventStore.layer),
  Layer.provide(PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

const program = Effect.gen(function*() {
  yield* Console.log("ready")
  if (freezes === undefined) return yield* Effect.never
  yield* Effect.sleep("3 seconds") // It joins another one, and dials two looks later.
  const from = yield* Telesign.callerId
  const flow = freezes === "dial" ? Greeting : Working as unknown as typeof Greeting
  yield* Calls.start(flow, { to: PhoneNumber.make("15550170001"), from }, { key: "the call" })
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.provide(program, CallsLive))
