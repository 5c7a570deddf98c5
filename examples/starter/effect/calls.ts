/** The engine as a layer, and the route on which Telesign reports to it. */
import { NodeHttpClient } from "@effect/platform-node"
import { Calls, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignWebhook } from "@ringback/http"
import { Config, Effect, Layer } from "effect"
import { Pickup } from "../flow.ts"

/** These flows, this store, this account: TELESIGN_CUSTOMER_ID and TELESIGN_API_KEY of the environment. */
export const CallsLive = Calls.layer({ flows: [Pickup] }).pipe(
  Layer.provide(SqlEventStore.layer),
  Layer.provide(
    SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE").pipe(Config.withDefault("calls.db")) })
  ),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

/** One more route for the HttpRouter that an application has. What is not signed with the API key is refused. */
export const Webhooks = TelesignWebhook.layer({ path: "/telesign/events" })

/** Rings a customer, from TELESIGN_CALLER_ID. The order is the key: asked again, after a restart too, it is the same call. */
export const callForPickup = Effect.fn("callForPickup")(function*(customer: string, order: string) {
  const from = yield* Telesign.callerId
  const call = yield* Calls.start(Pickup, { to: PhoneNumber.make(customer), from }, { key: order })
  return yield* call.outcome
})
