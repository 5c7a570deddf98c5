/** A load balancer on loopback, as there is one before any two machines: it asks each whether it is ready, and gives requests to those that are. */
import { Effect } from "effect"
import { createServer, get, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** A machine that says nothing for so long is not ready, in milliseconds. */
const patience = 1_000

/** Whether a machine is ready says `Health.layer` of `@ringback/http`. */
const isReady = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const options = { host: "127.0.0.1", port, path: "/health/ready", agent: false, timeout: patience }
    const asked = get(options, (answer) => {
      answer.resume()
      resume(Effect.succeed(answer.statusCode === 200))
    })
    asked.on("timeout", () => asked.destroy())
    asked.on("error", () => resume(Effect.succeed(false)))
  })

/** Only who refuses the connection has surely not seen a request, so that the next one may have it. */
const forward = (ports: ReadonlyArray<number>, from: IncomingMessage, body: Buffer, to: ServerResponse): void => {
  const [port, ...others] = ports
  if (port === undefined) return void to.destroy()
  const { headers, method, url: path } = from
  const onward = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
    to.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.on("error", () => to.destroy()).pipe(to)
  })
  onward.on("error", (error) => {
    if ("code" in error && error.code === "ECONNREFUSED") return forward(others, from, body, to)
    to.destroy()
  })
  to.once("close", () => onward.destroy())
  onward.end(body)
}

/** Listens until the scope closes, and gives its URL. The machines take turns. */
export const make = Effect.fnUntraced(function*(ports: ReadonlyArray<number>) {
  let ready: ReadonlyArray<number> = []
  let turn = 0
  const server = createServer((from, to) => {
    const parts: Array<Buffer> = []
    from.on("data", (part: Buffer) => parts.push(part))
    from.once("end", () => {
      const first = turn++ % Math.max(1, ready.length)
      forward([...ready.slice(first), ...ready.slice(0, first)], from, Buffer.concat(parts), to)
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () => Effect.sync(() => (server.closeAllConnections(), server.close()))
  )
  const look = Effect.gen(function*() {
    const answers = yield* Effect.forEach(ports, isReady, { concurrency: "unbounded" })
    ready = ports.filter((_, n) => answers[n])
  })
  yield* look.pipe(Effect.delay("1 second"), Effect.forever, Effect.forkScoped)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
