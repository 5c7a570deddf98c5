/** A Fastify application that rings a customer if it is told whom: a number, and the order that is ready. */
import fastify from "fastify"
import { openCalls } from "../promises/calls.ts"

const app = fastify()
app.get("/", () => "This application rings its customers.")

await app.ready()
const calls = await openCalls(app.server) // before the port opens
// Without a host Fastify may listen by a second server, which is not this one.
await app.listen({ port: Number(process.env["PORT"] ?? 4020), host: "0.0.0.0" })

const close = () => {
  void app.close().then(() => calls.close())
}
process.once("SIGTERM", close).once("SIGINT", close)

const [customer, order = "order-1"] = process.argv.slice(2)
if (customer !== undefined) {
  calls.callForPickup(customer, order)
    .then((day) => console.log(`${order}: ${day}`))
    .catch((error: unknown) => console.error(`${order}: ${String(error)}`))
}
