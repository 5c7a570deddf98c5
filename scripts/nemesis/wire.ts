/** A way between two ends whose directions can be cut one by one, as a network may do it. Nobody is told. */
import { Effect } from "effect"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** From who connects to who listens, or back. */
export type Direction = "there" | "back"

export interface Wire {
  /** Where to connect, on 127.0.0.1. */
  readonly port: number
  /** Nothing gets through in this direction any more. What is sent waits, as it does in the machines of a real network. */
  readonly cut: (direction: Direction) => void
  /** Everything gets through again. What waited arrives late, or, if it is `lost`, the connections end. */
  readonly heal: (waited: "late" | "lost") => void
  /** Connections that begin from now on lead to another port; those that there are end, or `stay`, as those of a name that moves do. */
  readonly lead: (port: number, others?: "end" | "stay") => void
  /** How many connections lead elsewhere than new ones, and have not been ended by who connected. */
  readonly elsewhere: () => number
  /** Refuses connections, as a machine does where nobody listens, and takes them again. */
  readonly shut: Effect.Effect<void>
  readonly open: Effect.Effect<void>
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  readonly port: number
}

/** Listens until the scope closes. */
export const make = Effect.fnUntraced(function*(target: number) {
  const pairs = new Set<Pair>()
  const isCut = { there: false, back: false }
  let port = target

  const end = ({ far, near }: Pair) => (near.destroy(), far.destroy())

  const pass = (from: Socket, to: Socket, direction: Direction, pair: Pair) => {
    from.on("data", (data) => void (to.write(data) || from.pause()))
    to.on("drain", () => void (isCut[direction] || from.resume()))
    from.on("end", () => to.end())
    from.on("error", () => end(pair))
    from.on("close", () => void (isCut[direction] || end(pair), pairs.delete(pair)))
    if (isCut[direction]) from.pause()
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const pair = { near, far: connect({ host: "127.0.0.1", port, allowHalfOpen: true }), port }
    pairs.add(pair)
    pass(near, pair.far, "there", pair)
    pass(pair.far, near, "back", pair)
  })
  const listen = (at: number) =>
    Effect.promise(() => new Promise<void>((resolve) => void server.listen(at, "127.0.0.1", resolve)))
  const endAll = () => pairs.forEach(end)
  yield* Effect.acquireRelease(listen(0), () => Effect.sync(() => (server.close(), endAll())))
  const own = (server.address() as AddressInfo).port

  const wire: Wire = {
    port: own,
    cut: (direction) => {
      isCut[direction] = true
      for (const { far, near } of pairs) (direction === "there" ? near : far).pause()
    },
    heal: (waited) => {
      if (waited === "lost") endAll()
      Object.assign(isCut, { there: false, back: false })
      for (const { far, near } of pairs) for (const socket of [near, far]) socket.resume()
    },
    lead: (to, others = "end") => {
      port = to
      if (others === "end") endAll()
    },
    elsewhere: () => [...pairs].filter((pair) => pair.port !== port && !pair.near.readableEnded).length,
    shut: Effect.sync(() => (server.close(), endAll())),
    open: Effect.suspend(() => server.listening ? Effect.void : listen(own))
  }
  return wire
})
