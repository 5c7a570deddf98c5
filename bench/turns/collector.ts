/** Takes what is sent to it by OTLP over HTTP, and forgets it. Prints its port. A process of its own, so that it costs the server nothing. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const server = createServer((request, response) => {
  request.resume().once("end", () => response.setHeader("content-type", "application/json").end("{}"))
})
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port))
process.stdin.resume().once("end", () => process.exit()) // it ends with the server
