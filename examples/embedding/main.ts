import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Calls, SqlEventStore } from "@ringback/core"
import { Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import { Config, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { OrderReady } from "./flow.ts"
import { Order, place } from "./orders.ts"

// The application's own client. The store of the calls uses the same one, in the same database.
const Database = PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })

const CallsLive = Calls.layer({ flows: [OrderReady] }).pipe(
  Layer.provide(SqlEventStore.layer),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

// The application's own routes, and one more.
const Orders = HttpRouter.use((router) =>
  router.add(
    "POST",
    "/orders",
    Effect.gen(function*() {
      const call = yield* place(yield* HttpServerRequest.schemaBodyJson(Order))
      return HttpServerResponse.jsonUnsafe({ call: call.id })
    })
  )
)
const Routes = Layer.mergeAll(Orders, TelesignWebhook.layer({ path: "/telesign/events" }))

// What is asked between the opening of the port and the last of the routes waits for them.
const server = () => TelesignNode.keepEarly(createServer())

// Built from the bottom: the database, then the engine, and the port opens last. Closed from the top: the server first, which
// answers what it has; then the engine; then the database.
const Application = HttpRouter.serve(Routes).pipe(
  Layer.provide(NodeHttpServer.layer(server, { port: 4020, gracefulShutdownTimeout: "5 seconds" })),
  Layer.provide(CallsLive),
  Layer.provide(Database)
)

NodeRuntime.runMain(Layer.launch(Application))
