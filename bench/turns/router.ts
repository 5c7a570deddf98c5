/** A measured server: Ringback's engine and store, whose webhooks come in by a route of an `HttpRouter`. */
import { TelesignWebhook } from "@ringback/http"
import { serve } from "./serving.ts"

serve({ routes: TelesignWebhook.layer({ path: "/events", verify: "none" }) })
