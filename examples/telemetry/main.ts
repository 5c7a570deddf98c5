/** The engine of `examples/table-ready` with all that shows how it is. It needs what `examples/application.ts` needs. */
import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Calls, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import { Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { TableReady } from "../table-ready/flow.ts"
import * as Telemetry from "./telemetry.ts"

const CallsLive = Calls.layer({ flows: [TableReady] }).pipe(
  Layer.provideMerge(Telemetry.layer),
  Layer.provideMerge(SqlEventStore.layer),
  Layer.provide(SqliteClient.layer({ filename: "calls.db" })),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

const Routes = Layer.merge(TelesignWebhook.layer({ path: "/telesign/events" }), Telemetry.routes)

// What is asked between the opening of the port and the last of the routes waits for them.
const server = () => TelesignNode.keepEarly(createServer())

const Application = HttpRouter.serve(Routes).pipe(
  Layer.provide(NodeHttpServer.layer(server, { port: 4020, gracefulShutdownTimeout: "5 seconds" })),
  Layer.provide(CallsLive),
  Layer.provide(Telemetry.untraced),
  Layer.provide(Telemetry.otlp),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

NodeRuntime.runMain(Layer.launch(Application))
