/** The engine behind promises, on a server of Node that serves anything else beside. */
import { NodeHttpClient } from "@effect/platform-node"
import { Calls, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode } from "@ringback/http"
import { Effect, Layer, ManagedRuntime } from "effect"
import type { Server } from "node:http"
import { Pickup } from "../flow.ts"

/** These flows, this store, this account: TELESIGN_CUSTOMER_ID and TELESIGN_API_KEY of the environment. */
const CallsLive = Calls.layer({ flows: [Pickup] }).pipe(
  Layer.provideMerge(SqlEventStore.layer),
  Layer.provide(SqliteClient.layer({ filename: process.env["DATABASE_FILE"] ?? "calls.db" })),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

/** Starts the engine on a server that does not listen yet: its port is for those who can be answered. */
export const openCalls = async (server: Server) => {
  // Telesign reports to this path. What is not signed with the API key is refused.
  const door = TelesignNode.layer(server, { path: "/telesign/events" })
  const runtime = ManagedRuntime.make(Layer.provideMerge(door, CallsLive))
  await runtime.context()

  return {
    /** Rings a customer, from TELESIGN_CALLER_ID. The order is the key: asked again, after a restart too, it is the same call. */
    callForPickup: (customer: string, order: string) =>
      runtime.runPromise(Effect.gen(function*() {
        const from = yield* Telesign.callerId
        const call = yield* Calls.start(Pickup, { to: PhoneNumber.make(customer), from }, { key: order })
        return yield* call.outcome
      })),
    /** Answers what has come in, and leaves calls under way to the next process. */
    close: () => runtime.dispose()
  }
}
