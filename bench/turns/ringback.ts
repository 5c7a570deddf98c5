/** A measured server: Ringback's engine and store, whose webhooks come in by Node's own server. */
import { TelesignNode } from "@ringback/http"
import { serve } from "./serving.ts"

serve({ onServer: (server) => TelesignNode.layer(server, { path: "/events", verify: "none" }) })
