/** A load balancer on loopback, as there is one before any two processes: each request goes to the next one that is up. */
import { Effect } from "effect"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Balancer {
  readonly url: string
  /** From now on requests go to these ports of 127.0.0.1, in turns. */
  readonly serve: (ports: ReadonlyArray<number>) => Effect.Effect<void>
}

/** Listens until the scope closes. Where nobody is up, or the answer breaks off, the connection breaks. */
export const make = Effect.gen(function*() {
  let ports: ReadonlyArray<number> = []
  let turn = 0

  /** Only who refuses the connection has surely not seen the request, so that another one may have it. */
  const forward = (from: IncomingMessage, body: Buffer, to: ServerResponse, tries: number): void => {
    const port = ports[turn++ % ports.length]
    if (port === undefined || tries === 0) return void to.destroy()
    const { headers, method, url: path } = from
    const onward = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on("error", () => to.destroy()).pipe(to)
    })
    onward.on(
      "error",
      (error) => "code" in error && error.code === "ECONNREFUSED" ? forward(from, body, to, tries - 1) : to.destroy()
    )
    to.once("close", () => onward.destroy())
    onward.end(body)
  }

  const server = createServer((from, to) => {
    const parts: Array<Buffer> = []
    from.on("data", (part: Buffer) => parts.push(part))
    from.once("end", () => forward(from, Buffer.concat(parts), to, ports.length))
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () => Effect.sync(() => (server.closeAllConnections(), server.close()))
  )
  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (next) => Effect.sync(() => void (ports = next))
  }
  return balancer
})
