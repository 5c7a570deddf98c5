/** An Express application that rings a customer if it is told whom: a number, and the order that is ready. */
import express from "express"
import { createServer } from "node:http"
import { openCalls } from "../promises/calls.ts"

const app = express()
app.get("/", (_request, response) => {
  response.send("This application rings its customers.")
})

const server = createServer(app)
const calls = await openCalls(server) // before the port opens
server.listen(Number(process.env["PORT"] ?? 4020))

const close = () => {
  server.close()
  void calls.close()
}
process.once("SIGTERM", close).once("SIGINT", close)

const [customer, order = "order-1"] = process.argv.slice(2)
if (customer !== undefined) {
  calls.callForPickup(customer, order)
    .then((day) => console.log(`${order}: ${day}`))
    .catch((error: unknown) => console.error(`${order}: ${String(error)}`))
}
