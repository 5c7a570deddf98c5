import { NodeHttpClient } from "@effect/platform-node"
import * as TransportContract from "@ringback/testing/TransportContract"
import { Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { Telesign } from "../src/index.ts"

const clients = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp,
  fetch: FetchHttpClient.layer
}

for (const [name, client] of Object.entries(clients)) {
  TransportContract.suite(`Telesign over ${name}`, {
    transport: (baseUrl) =>
      Telesign.layer({ customerId: Redacted.make("customer"), apiKey: Redacted.make("a2V5"), baseUrl }).pipe(
        Layer.provide(client)
      ),
    accepted: {
      status: 202,
      body: { reference_id: "7A10C4E2", status: "dial_accepted" },
      referenceId: "7A10C4E2"
    },
    refused: { status: 200, body: { reference_id: "7", status: "to_number_blocked_by_country" } },
    notAuthorized: { status: 401, body: { reference_id: "7", status: "not_authorized" } },
    throttled: { status: 429 }
  })
}
