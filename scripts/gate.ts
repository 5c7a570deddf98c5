/** A way to a server that can be made to stand still, as if the machine behind it were frozen, or to end for a while. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export interface Gate {
  readonly port: number
  /** Lets nothing through any more, in neither direction, and tells nobody. */
  readonly freeze: () => void
  /** Breaks all connections, and takes no new one. */
  readonly shut: () => void
  /** Takes new connections again after it was shut. */
  readonly reopen: () => Promise<void>
}

/** Opens a gate to a port of this machine. What is sent there waits until `before` has looked at it. */
export const open = async (
  port: number,
  before: (sent: string) => Promise<void> | undefined = () => undefined
): Promise<Gate> => {
  const sockets = new Set<Socket>()
  let isFrozen = false
  const server = createServer((near) => {
    // Nobody there knows of who comes now: a server would keep a place for each that gives up, for a minute.
    if (isFrozen) return void sockets.add(near.on("error", () => {}))
    const far = connect(port, "127.0.0.1")
    const pass = (from: Socket, to: Socket, look: typeof before) => {
      let passed = Promise.resolve()
      sockets.add(from)
      from.on("data", (data) => {
        passed = passed.then(() => look(String(data))).then(() => void (isFrozen || to.write(data)))
      })
      from.on("error", () => to.destroy())
      from.on("close", () => passed.then(() => void (isFrozen || to.destroy())))
    }
    pass(near, far, before)
    pass(far, near, () => undefined)
  })
  const listen = (at: number) => new Promise<void>((resolve) => void server.listen(at, "127.0.0.1", resolve))
  await listen(0)
  const here = (server.address() as AddressInfo).port
  return {
    port: here,
    freeze: () => {
      isFrozen = true
    },
    shut: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
    reopen: () => listen(here)
  }
}
