/**
 * A port that nobody listens on, for the programs that tests start. It is below those that systems give to connections: what goes
 * out from this machine takes none of them, neither before the program listens nor while it is started again.
 */
import { once } from "node:events"
import { createServer } from "node:net"

const [first, end] = [10_000, 32_768]

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => resolve(once(server.close(), "close").then(() => true)))
  })

export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = first + Math.floor(Math.random() * (end - first))
    if (await isFree(port)) return port
  }
}
