import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { TelesignNode, TelesignWebhook } from "../src/index.ts"
import * as HangsUp from "./fixtures/hangsUp.ts"
import { body, path, signature } from "./fixtures/hangsUp.ts"

// Two doors, and the same answers to the same bytes, whoever else listens.

const given = { path, maxBodySize: 1000 } as const
const quiet = { disableLogger: true, disableListenLog: true }

const route = (server: Server) =>
  HttpRouter.serve(TelesignWebhook.layer(given), quiet).pipe(
    Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
  )

const listening = (server: Server) =>
  Layer.effectDiscard(Effect.acquireRelease(
    Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
    () => Effect.sync(() => server.close().closeAllConnections())
  ))

const bare = (server: Server) => Layer.merge(TelesignNode.layer(server, given), listening(server))

const beforeAnApplication = (server: Server) =>
  HttpRouter.serve(Layer.empty, quiet).pipe(
    Layer.provide(TelesignNode.layer(server, given)),
    Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
  )

const doors = { route, "Node's server": bare, "Node's server before an application": beforeAnApplication }

const opened = Effect.fnUntraced(function*(door: keyof typeof doors) {
  const server = createServer()
  yield* Layer.build(Layer.provide(doors[door](server), HangsUp.layer))
  return (server.address() as AddressInfo).port
})

/** All that comes back until the other side closes, or for so many answers. */
const exchange = async (port: number, request: string, count: number) => {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined)
  let heard = ""
  const enough = new Promise<void>((resolve) => {
    socket.on("close", () => resolve())
    socket.on("data", (data) => {
      heard += String(data)
      if (finals(heard).length >= count) resolve()
    })
  })
  socket.write(request)
  await enough
  socket.destroy()
  return heard
}

const statuses = (heard: string) => Array.from(heard.matchAll(/HTTP\/1\.1 (\d+)/g), (match) => Number(match[1]))
const finals = (heard: string) => statuses(heard).filter((status) => status !== 100)

const head = (line: string, ...headers: ReadonlyArray<string>) =>
  [
    line,
    "Host: a.example",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `X-TS-Authorization: ${signature}`,
    ...headers,
    "",
    ""
  ].join("\r\n")

const post = (target: string, ...headers: ReadonlyArray<string>) => head(`POST ${target} HTTP/1.1`, ...headers) + body

const chunked = (...chunks: ReadonlyArray<string>) => chunkedWith([], ...chunks)

const chunkedWith = (headers: ReadonlyArray<string>, ...chunks: ReadonlyArray<string>) =>
  [
    `POST ${path} HTTP/1.1`,
    "Host: a.example",
    "Transfer-Encoding: chunked",
    `X-TS-Authorization: ${signature}`,
    ...headers
  ]
    .join("\r\n") +
  "\r\n\r\n" +
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("") + "0\r\n\r\n"

const authorization = `Authorization: TSA 11AA:${signature}`

const offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"]

const socket = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"]

/** What comes in, and what is answered. */
const requests: Readonly<Record<string, readonly [request: string, ...statuses: ReadonlyArray<number>]>> = {
  "the address": [post(path), 200],
  "a query": [post(`${path}?a=1&b=//`), 200],
  "the whole address": [post(`http://a.example${path}`), 200],
  "the whole address with a query": [post(`HTTP://a.example${path}?a=1`), 200],
  "a trailing slash": [post(`${path}/`), 404],
  "two slashes": [post("/telesign//events"), 404],
  "two slashes before": [post("//telesign/events"), 404],
  "an encoded letter": [post("/t%65lesign/events"), 404],
  "an encoded slash": [post("/telesign%2fevents"), 404],
  "another case": [post("/Telesign/events"), 404],
  "a dot": [post("/./telesign/events"), 404],
  "a semicolon": [post(`${path};a=1`), 404],
  "something behind": [post(`${path}/1`), 404],
  "the whole address with a user": [post(`http://a@b.example${path}`), 200],
  "the whole address with dots": [post(`http://a.example/x/..${path}`), 404],
  "the whole address with encoded dots": [post(`http://a.example/%2e${path}`), 404],
  "the whole address without a path": [post("http://a.example"), 404],
  "another whole address": [post("http://a.example/other"), 404],
  "GET": [`GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`, 404],
  "HEAD": [`HEAD ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`, 404],
  "OPTIONS": [`OPTIONS ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`, 404],
  "PUT": [head(`PUT ${path} HTTP/1.1`) + body, 404],
  "the root": [`GET / HTTP/1.1\r\nHost: a.example\r\n\r\n`, 404],
  "a body in chunks": [chunked(body.slice(0, 10), body.slice(10)), 200],
  "a body that is asked for first": [post(path, "Expect: 100-continue"), 100, 200],
  "an offer to speak HTTP/2": [post(path, ...offer), 200],
  "an offer to speak HTTP/2 elsewhere": [post("/other", ...offer), 404],
  "an offer of a WebSocket": [post(path, ...socket), 404],
  "an offer of a WebSocket, in capitals": [post(path, "Connection: Upgrade", "Upgrade: WebSocket"), 404],
  "an offer of a WebSocket and another": [post(path, "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"), 200],
  "an offer of another protocol": [post(path, "Connection: Upgrade", "Upgrade: TLS/1.2"), 200],
  "several on one connection": [post(path) + post(path) + post(`${path}/`) + post(path), 200, 200, 404, 200],
  "HTTP/1.0": [head(`POST ${path} HTTP/1.0`) + body, 200],
  "a body that is encoded": [post(path, "Content-Encoding: gzip"), 200],
  "a signature that came twice": [post(path, `X-TS-Authorization: ${signature}`), 401],
  "an Authorization that came twice": [post(path, authorization, "Authorization: TSA 11AA:x"), 401],
  "the same Authorization twice": [post(path, authorization, "AUTHORIZATION: TSA 11AA:" + signature), 401],
  "an Authorization of another scheme before one": [post(path, "Authorization: Basic eDp5", authorization), 401],
  "an Authorization of another scheme": [post(path, "Authorization: Basic eDp5"), 200],
  "no JSON and no signature": [`POST ${path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\n{`, 401],
  "too much": [chunked(" ".repeat(600), " ".repeat(600)), 413]
}

describe("the same request", () => {
  it.effect("has the same answer by every door", () =>
    Effect.gen(function*() {
      for (const door of Object.keys(doors) as ReadonlyArray<keyof typeof doors>) {
        const port = yield* opened(door)
        for (const [name, [request, ...expected]] of Object.entries(requests)) {
          const count = expected.filter((status) => status !== 100).length
          const heard = yield* Effect.promise(() => exchange(port, request, count))
          assert.deepStrictEqual(statuses(heard), expected, `${name} by ${door}`)
          if (expected.includes(200)) assert.include(heard, `{"method":"hangup","params":{}}`)
        }
      }
    }))

  // A route gets only what its server lets through: the one difference.
  it.effect("is answered by Effect's server before the route, if HTTP/2 is offered with a body in chunks", () =>
    Effect.gen(function*() {
      const request = chunkedWith(offer, body)
      const answers: Record<keyof typeof doors, number> = {
        route: 411,
        "Node's server": 200,
        "Node's server before an application": 200
      }
      for (const [door, expected] of Object.entries(answers)) {
        const port = yield* opened(door as keyof typeof doors)
        assert.deepStrictEqual(statuses(yield* Effect.promise(() => exchange(port, request, 1))), [expected], door)
      }
    }))

  for (const door of Object.keys(doors) as ReadonlyArray<keyof typeof doors>) {
    it.effect(`that is too large is answered, and read no further: ${door}`, () =>
      Effect.gen(function*() {
        const port = yield* opened(door)
        const heard = yield* Effect.promise(async () => {
          const socket = connect(port, "127.0.0.1").on("error", () => undefined)
          let heard = ""
          socket.on("data", (data) => heard += String(data))
          socket.write(`POST ${path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000000\r\n\r\n`)
          const more = () => socket.writable && socket.write(" ".repeat(0x10000), more)
          more()
          await new Promise((resolve) => socket.on("close", resolve))
          assert.isBelow(socket.bytesWritten, 100_000_000)
          return heard
        })
        if (heard !== "") assert.match(heard, /^HTTP\/1\.1 413 [^]*connection: close/i)
      }))
  }
})
