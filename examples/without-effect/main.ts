/** Runs one of the two: `npm run example -- --env-file=examples/emulator.env examples/without-effect/main.ts express` (or `fastify`). */
import * as Express from "./express.ts"
import * as Fastify from "./fastify.ts"

const { serve } = process.argv[2] === "fastify" ? Fastify : Express
const application = await serve(4020)
console.log("Listening on port 4020")

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void application.close().then(() => process.exit(0)))
}
