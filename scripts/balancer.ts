/** A load balancer on loopback, as there is one before any two processes: each request goes to the next one that is up. */
import { Effect } from "effect"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Balancer {
  readonly url: string
  /** From now on requests go to these ports of 127.0.0.1. */
  readonly serve: (ports: ReadonlyArray<number>) => Effect.Effect<void>
}

/** What became of a request at the port to which it went: `status` is absent if there was no whole answer. */
export interface Passage {
  readonly port: number
  readonly body: Buffer
  readonly begun: number
  readonly ended: number
  readonly status: number | undefined
  readonly answer: string
  /** Who asked did not wait for the answer. */
  readonly gaveUp: boolean
}

export interface Options {
  /** Which of so many is next: they take turns if this is left out. */
  readonly next?: (count: number) => number
  readonly passed?: (passage: Passage) => void
}

/** Listens until the scope closes. Where nobody is up, or the answer breaks off, the connection breaks. */
export const makeWith = Effect.fnUntraced(function*({ next, passed = () => {} }: Options) {
  let ports: ReadonlyArray<number> = []
  let turn = 0

  /** Only who refuses the connection has surely not seen the request, so that another one may have it. */
  const forward = (from: IncomingMessage, body: Buffer, to: ServerResponse, tries: number): void => {
    const port = ports[next?.(ports.length) ?? turn++ % ports.length]
    if (port === undefined || tries === 0) return void to.destroy()
    const begun = Date.now()
    const { headers, method, url: path } = from
    let [isTold, gaveUp] = [false, false]
    const told = (status: number | undefined, answer = "") => {
      if (!isTold) passed({ port, body, begun, ended: Date.now(), status, answer, gaveUp })
      isTold = true
    }
    const onward = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
      const parts: Array<Buffer> = []
      to.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on("data", (part: Buffer) => parts.push(part))
      answer.once("close", () => told(answer.complete ? answer.statusCode : undefined, String(Buffer.concat(parts))))
      answer.on("error", () => to.destroy()).pipe(to)
    })
    onward.on("error", (error) => {
      if ("code" in error && error.code === "ECONNREFUSED") return forward(from, body, to, tries - 1)
      told(undefined)
      to.destroy()
    })
    to.once("close", () => {
      gaveUp = !to.writableFinished
      onward.destroy()
    })
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

export const make = makeWith({})
