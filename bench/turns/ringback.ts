/** The measured server: Ringback's own route, engine and store. */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Call, Calls, EventStore, SqlEventStore } from "@ringback/core"
import { TelesignWebhook } from "@ringback/http"
import { Console, Effect, Layer, Metric, Option } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { calls, Conversation } from "./application.ts"
import { usage } from "./conversation.ts"
import { slowDown } from "./slowDisk.ts"

slowDown()

/** Starts calls, which is not measured, and waits until the carrier has taken all of them. */
const startAll = Effect.fnUntraced(function*(count: number) {
  const engine = yield* Calls.Calls
  const { namespace } = yield* EventStore.EventStore
  const started = yield* Effect.replicateEffect(engine.start(Conversation, {}), count, { concurrency: 4 })
  for (const { id } of started) {
    const isRinging = Effect.map(engine.get(id), Option.exists((call) => call.lines[0]?.referenceId !== undefined))
    while (!(yield* isRinging)) yield* Effect.sleep("5 millis")
  }
  return started.map(({ id }) => Call.externalId(namespace, id, 1))
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
      startAll(Number(request.url.split("=")[1])).pipe(
        Effect.map((ids) => HttpServerResponse.jsonUnsafe(ids)),
        Effect.provideContext(services)
      ))
  })
)

const server = HttpRouter.serve(Layer.merge(TelesignWebhook.layer({ path: "/events" }), control), {
  disableLogger: true,
  disableListenLog: true
}).pipe(
  Layer.provideMerge(calls(process.argv[2] ?? "")),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const program = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  yield* Console.log("port" in address ? address.port : 0)
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.provide(program, server))
