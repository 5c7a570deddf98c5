/** A measured server: that of `ringback.ts`, with the traces of all calls going out, each turn as a span. */
import { serveTraced } from "./tracing.ts"

await serveTraced({ turns: true })
