import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type { Calls } from "@ringback/core"
import { Deferred, type Duration, Effect, Fiber, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { type TelesignAuth, TelesignNode, TelesignWebhook } from "../src/index.ts"
import * as NodeHttp from "../src/internal/nodeHttp.ts"
import * as HangsUp from "./fixtures/hangsUp.ts"
import { body, path, signature } from "./fixtures/hangsUp.ts"

// Whoever asks between the opening of the port and the last of the routes is answered.

const headers = { "content-type": "application/json", "x-ts-authorization": signature }

const portOf = (server: Server) => (server.address() as AddressInfo).port

const listens = (server: Server) => Effect.promise(() => once(server, "listening"))

/** So many requests have come in. A listener would be handed what is kept. */
const came = (server: Server, count: number) =>
  Effect.promise(() =>
    new Promise<void>((resolve) => {
      const emit: (event: string, ...values: ReadonlyArray<unknown>) => boolean = server.emit.bind(server)
      let left = count
      server.emit = (event: string, ...values: ReadonlyArray<unknown>) => {
        const isHeard = emit(event, ...values)
        if (event === "request" && --left === 0) resolve()
        return isHeard
      }
    })
  )

const asked = (port: number, target: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${target}`, init)
    return [response.status, await response.text()] as const
  })

const doors: Readonly<
  Record<
    string,
    (server: Server) => Layer.Layer<never, unknown, HttpRouter.HttpRouter | Calls.Calls | TelesignAuth.Account>
  >
> = {
  route: () => TelesignWebhook.layer({ path }),
  "Node's server": (server) => TelesignNode.layer(server, { path })
}

describe.each(Object.keys(doors))("webhooks by %s", (door) => {
  it.effect("are answered, as all else is, if they come before the routes are there", () =>
    Effect.gen(function*() {
      const server = TelesignNode.keepEarly(createServer())
      const built = yield* Deferred.make<void>()
      const all = yield* Effect.forkChild(came(server, 40), { startImmediately: true })
      const page = HttpRouter.add("GET", "/page", HttpServerResponse.text("a page"))
      const routes = Layer.unwrap(Effect.as(Deferred.await(built), Layer.merge(page, doors[door]!(server))))
      const early = Effect.gen(function*() {
        yield* listens(server)
        const asking = Array.from({ length: 20 }, (_, n) => [
          asked(portOf(server), path, { method: "POST", body, headers }),
          asked(portOf(server), `/page?n=${n}`)
        ])
        return yield* Effect.all(asking.flat(), { concurrency: "unbounded" })
      })
      const answers = yield* Effect.forkChild(early, { startImmediately: true })
      yield* Effect.forkChild(Effect.andThen(Fiber.join(all), Deferred.succeed(built, undefined)))
      yield* Layer.build(
        HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" })),
          Layer.provide(HangsUp.layer)
        )
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())) // What is never answered holds up no test.
      for (const [n, [status, text]] of (yield* Fiber.join(answers)).entries()) {
        assert.strictEqual(status, 200)
        if (n % 2 === 0) assert.strictEqual(JSON.parse(text).method, "hangup")
        else assert.strictEqual(text, "a page")
      }
    }).pipe(Effect.scoped))
})

describe("a server that keeps early requests", () => {
  const opening = (server: Server) =>
    Effect.acquireRelease(
      Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
      () => Effect.sync(() => server.close().closeAllConnections())
    ).pipe(Effect.as(server))

  const opened = (forAtMost: Duration.Input) => opening(TelesignNode.keepEarly(createServer(), { forAtMost }))

  it.effect("answers 503 to what it has kept for too long, and says to come again", () =>
    Effect.gen(function*() {
      const server = yield* opened("1 milli")
      const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${portOf(server)}/`))
      assert.deepStrictEqual([response.status, response.headers.get("retry-after")], [503, "1"])
    }).pipe(Effect.scoped))

  it.effect("keeps so many, and answers 503 to the next at once", () =>
    Effect.gen(function*() {
      const server = yield* opening(createServer())
      NodeHttp.keepEarly(server, { atMost: 2, forAtMost: 3_600_000 })
      const two = yield* Effect.forkChild(came(server, 2), { startImmediately: true })
      const kept = [1, 2].map(() => connect(portOf(server), "127.0.0.1"))
      for (const each of kept) each.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      yield* Fiber.join(two)
      assert.strictEqual((yield* asked(portOf(server), "/"))[0], 503)
    }).pipe(Effect.scoped))

  it.effect("hands over in the order in which they came, without those whose sender has gone", () =>
    Effect.gen(function*() {
      const server = yield* opened("1 hour")
      const [stays, goes] = [connect(portOf(server), "127.0.0.1"), connect(portOf(server), "127.0.0.1")]
      const three = yield* Effect.forkChild(came(server, 3), { startImmediately: true })
      stays.write("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
      const closed = new Promise<void>((resolve) =>
        server.on("connection", (socket) => socket.on("close", () => resolve()))
      )
      goes.write("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
      yield* Fiber.join(three)
      goes.destroy()
      yield* Effect.promise(() => closed)
      const seen: Array<string | undefined> = []
      server.on("request", (request, response) => {
        seen.push(request.url)
        response.end()
      })
      yield* Effect.promise(() => once(stays, "data"))
      assert.deepStrictEqual(seen, ["/1", "/2"])
      assert.strictEqual(yield* Effect.map(asked(portOf(server), "/3"), ([status]) => status), 200)
      assert.deepStrictEqual(seen, ["/1", "/2", "/3"])
      stays.destroy()
    }).pipe(Effect.scoped))
})
