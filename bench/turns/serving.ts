/** What the measured servers of Ringback have in common: engine, store, and the routes by which a measurement is steered. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { type CallEvent, CallMetrics, Calls, type EventStore } from "@ringback/core"
import { Console, Effect, Layer, Metric, Option, References } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import type { OtlpExporter } from "effect/observability"
import { createServer, type Server } from "node:http"
import { calls, Conversation } from "./application.ts"
import { patience, usage } from "./conversation.ts"
import { slowDown } from "./slowDisk.ts"
import * as Statements from "./statements.ts"

slowDown()

/** Starts calls, which is not measured, and waits until the carrier has taken all of them. */
const startAll = Effect.fnUntraced(function*(count: number) {
  const engine = yield* Calls.Calls
  const started = yield* Effect.replicateEffect(engine.start(Conversation, {}), count, { concurrency: 4 })
  return yield* Effect.forEach(started, ({ id }) => ringing(engine, id))
})

/** Waits until a call rings, and gives the `external_id` of its dial. */
const ringing = Effect.fnUntraced(function*(engine: Calls.Calls["Service"], id: CallEvent.CallId) {
  for (;;) {
    const line = Option.getOrUndefined(yield* engine.get(id))?.lines[0]
    if (line?.referenceId !== undefined) return line.externalId ?? ""
    yield* Effect.sleep("5 millis")
  }
})

/** What an application answers to whoever wants a call: its id, when it is durable. */
const startOne = Effect.gen(function*() {
  const { id } = yield* Calls.start(Conversation, {})
  return HttpServerResponse.jsonUnsafe({ id })
})

const control = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const services = yield* Effect.context<Calls.Calls | EventStore.EventStore>()
    yield* router.add(
      "GET",
      "/usage",
      Effect.gen(function*() {
        const commits = (yield* Metric.value(CallMetrics.storeCommits)).count
        const conflicts = (yield* Metric.value(CallMetrics.storeConflicts)).count
        return HttpServerResponse.jsonUnsafe(usage({ commits, conflicts, ...Statements.counted() }))
      })
    )
    yield* router.add("POST", "/calls", Effect.provideContext(startOne, services))
    yield* router.add("POST", "/start", (request) =>
      startAll(Number(request.url.split("=")[1])).pipe(
        Effect.map((ids) => HttpServerResponse.jsonUnsafe(ids)),
        Effect.provideContext(services)
      ))
  })
)

const server = createServer({ keepAliveTimeout: patience })

/** Serves, and prints the port. Webhooks come in by a layer for the router, or by one for Node's server. */
export const serve = (webhooks: {
  readonly routes?: Layer.Layer<never, unknown, HttpRouter.HttpRouter | Calls.Calls>
  readonly onServer?: (server: Server) => Layer.Layer<never, unknown, Calls.Calls>
  /** What stands between the engine and its store, and what below all. */
  readonly beside?: Layer.Layer<never, never, EventStore.EventStore>
  readonly below?: Layer.Layer<OtlpExporter.Flusher>
}): void => {
  const program = Effect.gen(function*() {
    const { address } = yield* HttpServer.HttpServer
    yield* Console.log("port" in address ? address.port : 0)
    return yield* Effect.never
  })
  const served = HttpRouter.serve(Layer.merge(control, webhooks.routes ?? Layer.empty), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    Layer.provide(webhooks.onServer?.(server) ?? Layer.empty),
    Layer.provide(calls(process.argv[2] ?? "", webhooks.beside)),
    Layer.provideMerge(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" })),
    Layer.provide(webhooks.below ?? Layer.empty)
  )
  // What it prints first is read as its port.
  NodeRuntime.runMain(
    Effect.provide(program, served).pipe(
      Effect.provideService(References.MinimumLogLevel, "Error"),
      Statements.counting
    )
  )
}
