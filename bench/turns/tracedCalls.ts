/** A measured server: that of `ringback.ts`, with the traces of all calls going out, without their turns. */
import { serveTraced } from "./tracing.ts"

await serveTraced({ turns: false })
