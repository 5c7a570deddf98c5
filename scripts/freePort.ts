/** A port that nobody listens on, for the programs that tests start. */
import { Effect } from "effect"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"

export const freePort = Effect.promise(async () => {
  const server = createServer()
  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  return port
})
