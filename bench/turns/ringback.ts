/** The measured server: Ringback's own route, engine and store. */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Call, Calls, EventStore, Flow, Line, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWebhook } from "@ringback/http"
import { Console, Effect, Layer, Metric, Option, Redacted, Schedule, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { prompts, referenceId, usage } from "./conversation.ts"
import { slowDown } from "./slowDisk.ts"

const from = PhoneNumber.make("15550170009")
const to = PhoneNumber.make("15550170001")

const Conversation = Flow.make("conversation", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.gen(function*() {
      let pressed = ""
      for (const prompt of prompts) pressed += yield* Line.collect(prompt, { max: 1, attempts: 1 })
      return pressed
    }).pipe(Flow.dial({ to, from }))
})

const transport = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({
    send: (action) =>
      Effect.succeed({ referenceId: referenceId(action._tag === "Dial" ? action.externalId ?? "" : "") })
  })
)

slowDown()
const place = process.argv[2] ?? ""
const database = place.startsWith("postgres")
  ? PgClient.layer({ url: Redacted.make(place) })
  : SqliteClient.layer({ filename: place })

// An emulated callee answers at once, so the rule that tells copies by their haste has to stand back.
const calls = Calls.layer({ flows: [Conversation], settings: { shortestKeyPress: 0, fastestSpeech: Infinity } }).pipe(
  Layer.provide(transport),
  Layer.provideMerge(SqlEventStore.layer),
  Layer.provide(database)
)

/** Starts a call, which is not measured, and waits until the carrier has taken it. */
const startOne = Effect.gen(function*() {
  const engine = yield* Calls.Calls
  const { namespace } = yield* EventStore.EventStore
  const { id } = yield* engine.start(Conversation, {})
  const isRinging = Effect.map(engine.get(id), Option.exists((call) => call.lines[0]?.referenceId !== undefined))
  yield* Effect.repeat(isRinging, { until: (rings) => rings, schedule: Schedule.spaced("5 millis") })
  return Call.externalId(namespace, id, 1)
})

const control = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<Calls.Calls | EventStore.EventStore>()
    yield* router.add(
      "GET",
      "/usage",
      Effect.map(Metric.value(SqlEventStore.commits), ({ count }) => HttpServerResponse.jsonUnsafe(usage(count)))
    )
    yield* router.add("POST", "/start", (request) =>
      Effect.replicateEffect(startOne, Number(request.url.split("=")[1]), { concurrency: 256 }).pipe(
        Effect.map((ids) =>
          HttpServerResponse.jsonUnsafe(ids)
        ),
        Effect.provideContext(services)
      ))
  })
)

const server = HttpRouter.serve(Layer.merge(TelesignWebhook.layer({ path: "/events" }), control), {
  disableLogger: true,
  disableListenLog: true
}).pipe(
  Layer.provideMerge(calls),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const program = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  yield* Console.log("port" in address ? address.port : 0)
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.provide(program, server))
