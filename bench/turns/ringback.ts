/** A measured server: Ringback's engine and store, whose webhooks come in by Node's own server. */
import { TelesignWebhook } from "@ringback/http"
import { serve } from "./serving.ts"

serve({ onServer: (server) => TelesignWebhook.layerNode(server, { path: "/events", verify: "none" }) })
