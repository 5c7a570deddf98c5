/** A server that rings a customer if it is told whom: a number, and the order that is ready. */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { TelesignNode } from "@ringback/http"
import { Config, Console, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { callForPickup, CallsLive, Webhooks } from "./calls.ts"

const settings = Config.all({
  port: Config.Int("PORT").pipe(Config.withDefault(4020)),
  gracefulShutdownTimeout: Config.succeed("5 seconds" as const)
})

// What is asked between the opening of the port and the last of the routes waits for them.
const server = () => TelesignNode.keepEarly(createServer())

// Routes of the application stand beside Webhooks: Layer.mergeAll(Webhooks, Orders).
const Server = HttpRouter.serve(Webhooks).pipe(
  Layer.provide(NodeHttpServer.layerConfig(server, settings)),
  Layer.provideMerge(CallsLive) // below the server: the port opens when the engine is ready, and closes before it
)

const program = Effect.gen(function*() {
  const [customer, order = "order-1"] = process.argv.slice(2)
  if (customer !== undefined) yield* Console.log(`${order}: ${yield* callForPickup(customer, order)}`)
  return yield* Effect.never
})

NodeRuntime.runMain(Effect.provide(program, Server))
