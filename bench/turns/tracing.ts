/** The server of `ringback.ts` with traces of calls, metrics and the log going out by OTLP to a collector. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { CallMetrics, CallTelemetry } from "@ringback/core"
import { TelesignNode } from "@ringback/http"
import { Layer } from "effect"
import { Otlp } from "effect/observability"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { serve } from "./serving.ts"

/** Serves, and sends out the spans of all turns or only those of calls, lines and what flows wait for. */
export const serveTraced = async (options: CallTelemetry.Options): Promise<void> => {
  const collector = spawn(process.execPath, [fileURLToPath(new URL("collector.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const [port] = await once(collector.stdout, "data")
  serve({
    onServer: (server) => TelesignNode.layer(server, { path: "/events", verify: "none" }),
    beside: Layer.merge(CallTelemetry.layer(options), CallMetrics.layerDue()),
    below: Otlp.layerJson({
      baseUrl: `http://127.0.0.1:${Number(port)}`,
      resource: { serviceName: "bench" }
    }).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))
  })
}
