import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Calls, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import { Console, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { TableReady } from "./flow.ts"

// The engine: these flows, this store, this account (TELESIGN_CUSTOMER_ID and TELESIGN_API_KEY from the environment).
const CallsLive = Calls.layer({ flows: [TableReady] }).pipe(
  Layer.provide(SqlEventStore.layer),
  Layer.provide(SqliteClient.layer({ filename: "calls.db" })),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

// What is asked between the opening of the port and the last of the routes waits for them.
const server = () => TelesignNode.keepEarly(createServer())

// One more route for the HttpRouter that an application already has: Telesign's events come in here, signed with the API key.
const Server = HttpRouter.serve(TelesignWebhook.layer({ path: "/telesign/events" })).pipe(
  Layer.provide(NodeHttpServer.layer(server, { port: 4020, gracefulShutdownTimeout: "5 seconds" })),
  Layer.provideMerge(CallsLive) // below the server: the port opens when the engine is ready, and closes before it
)

const program = Effect.gen(function*() {
  const [to = "", reservation = ""] = process.argv.slice(2)
  const from = yield* Telesign.callerId // TELESIGN_CALLER_ID
  // The same key is the same call: killed and started again, this program goes on with it, and rings nobody twice.
  const call = yield* Calls.start(TableReady, { to: PhoneNumber.make(to), from }, { key: reservation })
  const outcome = yield* call.outcome // "coming" | "not coming" | "unreached"
  yield* Console.log(`The guest is ${outcome}.`)
})

NodeRuntime.runMain(Effect.provide(program, Server))
