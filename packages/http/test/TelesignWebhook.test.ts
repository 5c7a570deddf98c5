import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Action, Calls, CallTrace, EventStore, Explain, PhoneNumber, Reply } from "@ringback/core"
import type { CallEvent, Webhook } from "@ringback/core"
import { Deferred, Effect, Exit, Fiber, Layer, Logger, Metric, Redacted, References, Scope } from "effect"
import type { Types } from "effect"
import { type Headers, HttpEffect, HttpMiddleware, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { connect } from "node:net"
import { Readable } from "node:stream"
import { inspect } from "node:util"
import { gzipSync } from "node:zlib"
import { logging, tracing } from "../../../scripts/testTelling.ts"
import { TelesignAuth, TelesignNode, TelesignWebhook } from "../src/index.ts"

const path = "/telesign/events"

const answered = {
  event: "dial_completed",
  reference_id: "7A10C4E2",
  external_id: "visit-8841",
  data: { to: "15550170001", from: "15550170009", status: "answered" }
}

const question: Action.Action = { _tag: "Speak", text: "Press 1.", collect: { max: 1 } }
const questionJson = { method: "speak", params: { tts: { message: "Press 1." }, collect_digits: { max: 1 } } }

type Receive = Calls.Calls["Service"]["receive"]

/** An engine that gives one answer to everything, and remembers what it got and what became of its answers. */
const engine = (action: Action.Action | undefined) => {
  const received: Array<Webhook.Webhook> = []
  const sent: Array<boolean> = []
  const sentUnsafe = (whole: boolean) => void sent.push(whole)
  const reply: Reply.Reply = {
    action,
    basis: "recorded",
    sent: (whole) => Effect.sync(() => sentUnsafe(whole)),
    sentUnsafe
  }
  const receive: Receive = (webhook) => Effect.sync(() => (received.push(webhook), reply))
  return { receive, received, sent }
}

const callsOf = (receive: Receive) =>
  Layer.effect(
    Calls.Calls,
    Effect.map(Effect.context<never>(), (context) =>
      Calls.Calls.of({
        receive,
        receiveUnsafe: (
          webhook: Webhook.Webhook,
          answer: (reply: Exit.Exit<Reply.Reply, Webhook.OutOfBounds | EventStore.StoreError>) => void
        ) => Effect.runForkWith(context)(receive(webhook)).addObserver(answer)
      } as never))
  )

type App = Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled>

/** Whether a series counts webhooks, and has counted one. */
const counted = ({ id, state }: Metric.Metric.Snapshot): boolean =>
  id === "ringback_webhooks_total" && "count" in state && Number(state.count) > 0

/** A real server, told of each connection, and the end of its first one. */
const listening = (onSocket: (socket: Socket) => void) => {
  const server = createServer()
  // A promise, so that whoever waits for it goes on after all other listeners have heard of it.
  const closed = new Promise<void>((resolve) =>
    server.on("connection", (socket: Socket) => socket.on("close", () => resolve()))
  )
  server.on("connection", onSocket)
  return { server, closed: Effect.promise(() => closed) }
}

const nowhere = { port: 0, host: "127.0.0.1" }

const place = (server: Server) => {
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}${path}` }
}

const apiKey = Redacted.make("q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ==")

const account: TelesignAuth.Credentials = { customerId: Redacted.make("11AA"), apiKey }

/** Webhooks are not verified, if a test does not say otherwise. */
interface Options extends Partial<TelesignWebhook.Options> {
  readonly account?: TelesignAuth.Credentials
}

const setUp = ({ account: given = account, ...options }: Options = {}) => ({
  Account: Layer.succeed(TelesignAuth.Account, given),
  options: { path, verify: "none", ...options } as const
})

/** The route. `around` stands between it and the server. */
const serveRoute = (
  receive: Receive,
  given?: Options,
  onSocket: (socket: Socket) => void = () => {},
  around: (app: App) => App = (app) => app
) =>
  Effect.gen(function*() {
    const { closed, server } = listening(onSocket)
    const { Account, options } = setUp(given)
    yield* Layer.build(
      HttpRouter.serve(
        Layer.mergeAll(TelesignWebhook.layer(options), HttpRouter.middleware(around, { global: true })),
        { disableLogger: true, disableListenLog: true }
      ).pipe(
        Layer.provide([callsOf(receive), Account]),
        Layer.provide(NodeHttpServer.layer(() => server, nowhere))
      )
    )
    return { closed, ...place(server) }
  })

/** Node's own server, with an application behind that knows no path. */
const serveNode = (
  receive: Receive,
  given?: Options,
  onSocket: (socket: Socket) => void = () => {}
) =>
  Effect.gen(function*() {
    const { closed, server } = listening(onSocket)
    server.on("request", (_, response: ServerResponse) => response.writeHead(404).end())
    yield* Effect.acquireRelease(
      Effect.promise(() => once(server.listen(nowhere), "listening")),
      () => Effect.sync(() => server.close().closeAllConnections())
    )
    const { Account, options } = setUp(given)
    yield* Layer.build(Layer.provide(TelesignNode.layer(server, options), [callsOf(receive), Account]))
    return { closed, ...place(server) }
  })

/** A server that has neither: requests and responses are those of the web. */
const serveWeb = (
  receive: Receive,
  given?: Options,
  onSocket: (socket: Socket) => void = () => {}
) =>
  Effect.gen(function*() {
    const { closed, server } = listening(onSocket)
    const { Account, options } = setUp(given)
    const context = yield* Effect.context<never>()
    const { dispose, handler } = HttpRouter.toWebHandler(
      TelesignWebhook.layer(options).pipe(
        Layer.provide([callsOf(receive), Account]),
        Layer.provideMerge(HttpServer.layerServices),
        Layer.provideMerge(Layer.succeedContext(context))
      ),
      { disableLogger: true }
    )
    // A layer that cannot be built fails here, as it does by the other doors.
    yield* Effect.orDie(Effect.tryPromise(() => handler(new Request("http://localhost/nowhere"))))
    server.on("request", async (request, response) => {
      const gone = new AbortController()
      response.on("close", () => response.writableFinished || gone.abort())
      const asked = new Request(`http://localhost${request.url}`, {
        method: request.method!,
        headers: Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value) => [name, value] as [string, string])
        ),
        body: request.method === "POST" ? Readable.toWeb(request) as ReadableStream : null,
        duplex: "half",
        signal: gone.signal
      } as RequestInit)
      const answer = await handler(asked).catch(() => new Response(null, { status: 499 }))
      if (response.destroyed) return
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(await answer.text())
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => once(server.listen(nowhere), "listening")),
      () =>
        Effect.promise(() => {
          server.close().closeAllConnections()
          return dispose()
        })
    )
    return { closed, ...place(server) }
  })

const ways = [["the route", serveRoute], ["Node's server", serveNode], ["the web", serveWeb]] as const

const post = (url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", connection: "close", ...headers }
    })
    const text = await response.text()
    return { status: response.status, json: text === "" ? undefined : JSON.parse(text), headers: response.headers }
  })

/** A client that does nothing but what it is told. */
const dialIn = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = connect(port, "127.0.0.1")
      await once(socket, "connect")
      socket.on("error", () => {})
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const requestText = (body: string, length = Buffer.byteLength(body)) =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`

/** An engine that waits with its answer, and tells when it was asked and what became of the answer. */
const patient = Effect.gen(function*() {
  const asked = yield* Deferred.make<void>()
  const go = yield* Deferred.make<void>()
  const fate = yield* Deferred.make<boolean>()
  const told: Array<boolean> = []
  const sentUnsafe = (whole: boolean) => {
    told.push(whole)
    Deferred.doneUnsafe(fate, Exit.succeed(whole))
  }
  const reply: Reply.Reply = {
    action: question,
    basis: "recorded",
    sent: (whole) => Effect.sync(() => sentUnsafe(whole)),
    sentUnsafe
  }
  const receive: Receive = () =>
    Deferred.succeed(asked, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(reply))
  return {
    receive,
    told,
    asked: Deferred.await(asked),
    go: Deferred.succeed(go, undefined),
    fate: Deferred.await(fate)
  }
})

for (const [way, serve] of ways) {
  describe(`an event by ${way}`, () => {
    it.effect("is answered with one action", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(question)
        const { url } = yield* serve(receive)
        const response = yield* post(url, JSON.stringify(answered))
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.headers.get("content-type"), "application/json")
        assert.deepStrictEqual(response.json, questionJson)
        assert.deepStrictEqual(received, [{
          kind: "DialCompleted",
          event: "dial_completed",
          referenceId: "7A10C4E2",
          externalId: "visit-8841",
          status: "answered",
          to: "15550170001",
          from: "15550170009"
        }])
      }))

    it.effect("is answered with {} where there is nothing to do", () =>
      Effect.gen(function*() {
        const { receive } = engine(undefined)
        const { url } = yield* serve(receive)
        const { json, status } = yield* post(url, JSON.stringify({ event: "call_completed", reference_id: "7A10" }))
        assert.deepStrictEqual({ json, status }, { json: {}, status: 200 })
      }))

    for (
      const action of [
        Action.hangup,
        Action.dial({
          to: PhoneNumber.make("15550170077"),
          from: PhoneNumber.make("15550170009"),
          maxCallDurationSeconds: 900
        }),
        { _tag: "Play", url: "https://media.example.net/goodbye.wav" } as const
      ]
    ) {
      it.effect(`can be answered with ${Explain.action(action)}`, () =>
        Effect.gen(function*() {
          const { url } = yield* serve(engine(action).receive)
          const { json, status } = yield* post(url, JSON.stringify(answered))
          assert.strictEqual(status, 200)
          assert.strictEqual(json.method, Explain.action(action))
        }))
    }

    it.effect("that is not known arrives with all of its fields", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(undefined)
        const { url } = yield* serve(receive)
        const { status } = yield* post(
          url,
          JSON.stringify({ event: "call_sung", reference_id: "7A10", verse: 2, data: { key: "C", status: "loud" } })
        )
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(received, [
          {
            kind: "Unknown",
            event: "call_sung",
            referenceId: "7A10",
            status: "loud",
            extra: { verse: 2, data: { key: "C" } }
          }
        ])
      }))

    it.effect("is read as JSON whatever its content type says", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(undefined)
        const { url } = yield* serve(receive)
        for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", ""]) {
          assert.strictEqual((yield* post(url, JSON.stringify(answered), { "content-type": type })).status, 200)
        }
        assert.lengthOf(received, 4)
      }))

    it.effect("is answered after it was recorded, not before", () =>
      Effect.gen(function*() {
        const asked = yield* Deferred.make<void>()
        const recorded = yield* Deferred.make<void>()
        const { receive } = engine(question)
        const { port } = yield* serve((webhook) =>
          Deferred.succeed(asked, undefined).pipe(
            Effect.andThen(Deferred.await(recorded)),
            Effect.andThen(receive(webhook))
          )
        )
        const client = yield* dialIn(port)
        let heard = ""
        client.on("data", (data) => heard += data)
        client.write(requestText(JSON.stringify(answered)))
        yield* Deferred.await(asked)
        assert.strictEqual(heard, "")
        yield* Deferred.succeed(recorded, undefined)
        yield* Effect.promise(() => once(client, "data"))
        assert.match(heard, /^HTTP\/1.1 200 OK/)
      }))

    it.effect("that the store cannot record is answered 503, so that it may come again", () =>
      Effect.gen(function*() {
        const failure = new EventStore.StoreError({
          operation: "write",
          reason: new EventStore.Down({ problem: "The disk is full" })
        })
        const { url } = yield* serve(() => Effect.fail(failure))
        const { json, status } = yield* post(url, JSON.stringify(answered))
        assert.deepStrictEqual({ json, status }, { json: {}, status: 503 })
      }))

    it.effect("that kills the engine is answered 500, and the next one as ever", () =>
      Effect.gen(function*() {
        const { receive } = engine(question)
        const { url } = yield* serve((webhook) =>
          webhook.referenceId === "bad" ? Effect.die("a bug") : receive(webhook)
        )
        assert.strictEqual((yield* post(url, JSON.stringify({ ...answered, reference_id: "bad" }))).status, 500)
        assert.strictEqual((yield* post(url, JSON.stringify(answered))).status, 200)
      }))

    it.effect("at which the engine throws is answered 500, and the next one as ever", () =>
      Effect.gen(function*() {
        const { receive } = engine(question)
        const { url } = yield* serve((webhook) => {
          if (webhook.referenceId === "bad") throw new Error("a bug")
          return receive(webhook)
        })
        assert.strictEqual((yield* post(url, JSON.stringify({ ...answered, reference_id: "bad" }))).status, 500)
        assert.strictEqual((yield* post(url, JSON.stringify(answered))).status, 200)
      }))

    it.effect("whose answer cannot be written down hangs up, and counts as not answered", () =>
      Effect.gen(function*() {
        const { receive, sent } = engine(Action.sendDtmf("12#"))
        const { url } = yield* serve(receive)
        const { json, status } = yield* post(url, JSON.stringify(answered))
        assert.deepStrictEqual({ json, status }, { json: { method: "hangup", params: {} }, status: 200 })
        assert.deepStrictEqual(sent, [false])
      }))

    it.effect("can be answered with send_dtmf where its parameter is guessed", () =>
      Effect.gen(function*() {
        const { url } = yield* serve(engine(Action.sendDtmf("12#")).receive, { sendDtmfParameter: "digits" })
        const { json } = yield* post(url, JSON.stringify(answered))
        assert.deepStrictEqual(json, { method: "send_dtmf", params: { digits: "12#" } })
      }))
  })

  describe(`anything else by ${way}`, () => {
    const refused: ReadonlyArray<readonly [name: string, body: string, status: number, error: RegExp]> = [
      ["an empty body", "", 400, /not JSON/],
      ["a form", "event=dial_completed&reference_id=7A10", 400, /not JSON/],
      ["cut JSON", JSON.stringify(answered).slice(0, -1), 400, /not JSON/],
      ["null", "null", 400, /not an event/],
      ["a list", JSON.stringify([answered]), 400, /not an event/],
      ["no event", JSON.stringify({ reference_id: "7A10" }), 400, /not an event/],
      ["no reference_id", JSON.stringify({ event: "dial_completed" }), 400, /not an event/],
      [
        "a session that cannot be kept",
        JSON.stringify({ event: "incoming_call", reference_id: "ab".repeat(1400) }),
        400,
        /cannot be taken: .*reference_id of 1 to 255/
      ],
      ["a body above 64 KiB", JSON.stringify({ ...answered, padding: " ".repeat(65_536) }), 413, /too large/]
    ]
    for (const [name, body, status, error] of refused) {
      it.effect(`such as ${name} is refused with ${status} and a word, and the engine does not see it`, () =>
        Effect.gen(function*() {
          const { receive, received } = engine(question)
          const { url } = yield* serve(receive)
          const response = yield* post(url, body)
          assert.strictEqual(response.status, status)
          assert.match(response.json.error, error)
          assert.lengthOf(received, 0)
        }))
    }

    it.effect("a body of the longest length is read, one byte more is not", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(undefined)
        const { url } = yield* serve(receive, { maxBodySize: 200 })
        const padded = JSON.stringify(answered).padEnd(200)
        assert.strictEqual((yield* post(url, padded)).status, 200)
        assert.strictEqual((yield* post(url, `${padded} `)).status, 413)
        assert.lengthOf(received, 1)
      }))

    it.effect("an endless body is cut off at the limit", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(undefined)
        const { port } = yield* serve(receive)
        const client = yield* dialIn(port)
        client.write(`POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`)
        const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`
        for (let n = 0; n < 5; n++) client.write(chunk)
        const [data] = yield* Effect.promise(() => once(client, "data"))
        assert.match(String(data), /^HTTP\/1.1 413 /)
        assert.lengthOf(received, 0)
      }))

    it.effect("a request that breaks off is nothing that happened to a call", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(undefined)
        const { closed, port } = yield* serve(receive)
        const client = yield* dialIn(port)
        client.write(requestText(JSON.stringify(answered), 1000))
        client.destroy()
        yield* closed
        assert.lengthOf(received, 0)
      }))

    it.effect("another method or path is not served", () =>
      Effect.gen(function*() {
        const { url } = yield* serve(engine(question).receive)
        const get = yield* Effect.promise(() => fetch(url, { headers: { connection: "close" } }))
        assert.strictEqual(get.status, 404)
        assert.strictEqual((yield* post(`${url}/other`, JSON.stringify(answered))).status, 404)
      }))

    it.effect("a request for a WebSocket is not served, also where others listen for that", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(question)
        const { port } = yield* serve(receive)
        const offer =
          "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAA"
        const client = yield* dialIn(port)
        client.write(requestText(JSON.stringify(answered)).replace("host: a", `host: a\r\n${offer}`))
        const [data] = yield* Effect.promise(() => once(client, "data"))
        assert.match(String(data), /^HTTP\/1.1 404/)
        assert.lengthOf(received, 0)
      }))
  })

  describe(`signatures by ${way}`, () => {
    const sign = (body: string | Uint8Array, key = apiKey) =>
      createHmac("sha256", Buffer.from(Redacted.value(key), "base64")).update(body).digest("base64")
    const body = JSON.stringify(answered)

    /** What is answered to each of some headers, and how many the engine saw of them. */
    const statuses = Effect.fnUntraced(function*(
      options: Options,
      all: Readonly<Record<string, Record<string, string>>>
    ) {
      const { receive, received } = engine(question)
      const { url } = yield* serve(receive, options)
      const found: Record<string, number> = {}
      for (const [name, headers] of Object.entries(all)) found[name] = (yield* post(url, body, headers)).status
      return { ...found, received: received.length } as Readonly<Record<string, number>>
    })

    const ways = {
      right: { "X-TS-Authorization": sign(body) },
      tsa: { Authorization: `TSA 11AA:${sign(body)}` },
      both: { Authorization: `TSA 11AA:${sign(body)}`, "X-TS-Authorization": sign(body) },
      proxied: { Authorization: "Bearer proxy", "X-TS-Authorization": sign(body) },
      wrong: { "X-TS-Authorization": sign(`${body} `) },
      half: { Authorization: `TSA 11AA:${sign("")}`, "X-TS-Authorization": sign(body) },
      malformed: { Authorization: "TSA x" },
      doubled: { "X-TS-Authorization": `${sign(body)}, ${sign(body)}` },
      missing: {},
      foreign: { Authorization: "Basic abc" }
    }
    const refused = { wrong: 401, half: 401, malformed: 401, doubled: 401 }
    const taken = { right: 200, tsa: 200, both: 200, proxied: 200 }

    it.effect("are required if nothing else is said", () =>
      Effect.gen(function*() {
        const found = yield* statuses({ verify: undefined }, ways)
        assert.deepStrictEqual(found, { ...taken, ...refused, missing: 401, foreign: 401, received: 4 })
        assert.deepStrictEqual(yield* statuses({ verify: "required" }, ways), found)
      }))

    it.effect("keep out a wrong one where none is required", () =>
      Effect.gen(function*() {
        const found = yield* statuses({ verify: "if signed" }, ways)
        assert.deepStrictEqual(found, { ...taken, ...refused, missing: 200, foreign: 200, received: 6 })
      }))

    it.effect("are not looked at where that is said", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* statuses({ verify: "none" }, ways)).received, Object.keys(ways).length)
      }))

    it.effect("are judged by the program if it wants to", () =>
      Effect.gen(function*() {
        const verify = (headers: Headers.Headers, bytes: Uint8Array) =>
          Effect.succeed(headers["x-proxy"] === String(bytes.length))
        const found = yield* statuses({ verify }, { ...ways, own: { "x-proxy": String(body.length) } })
        assert.deepStrictEqual(found, {
          ...Object.fromEntries(Object.keys(ways).map((way) => [way, 401])),
          own: 200,
          received: 1
        })
      }))

    it.effect("of several keys are right while an account changes its key", () =>
      Effect.gen(function*() {
        const next = Redacted.make(Buffer.from("the next key of the account").toString("base64"))
        const other = Redacted.make(Buffer.from("a key of somebody else").toString("base64"))
        const found = yield* statuses({ verify: "required", account: { ...account, furtherApiKeys: [next] } }, {
          now: { "X-TS-Authorization": sign(body) },
          next: { "X-TS-Authorization": sign(body, next) },
          other: { "X-TS-Authorization": sign(body, other) }
        })
        assert.deepStrictEqual(found, { now: 200, next: 200, other: 401, received: 2 })
      }))

    it.effect("cover the raw bytes, before anything is made of them", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(question)
        const { url } = yield* serve(receive, { verify: "required" })
        const strange = new Uint8Array([
          ...Buffer.from(`{"event":"x","reference_id":"7","tune":"`),
          0xff,
          0xfe,
          0x22,
          0x7d
        ])
        assert.strictEqual((yield* post(url, strange, { "x-ts-authorization": sign(strange) })).status, 200)
        assert.strictEqual((yield* post(url, "no json", { "x-ts-authorization": sign("no json") })).status, 400)
        assert.strictEqual((yield* post(url, "no json", { "x-ts-authorization": sign("no") })).status, 401)
        assert.lengthOf(received, 1)
      }))

    it.effect("that came twice are refused, whichever of them is right", () =>
      Effect.gen(function*() {
        const { receive, received } = engine(question)
        const { port } = yield* serve(receive, { verify: "required" })
        const right = `TSA 11AA:${sign(body)}`
        for (const name of ["authorization", "AUTHORIZATION", "x-ts-authorization"]) {
          for (const values of [[right, right], [right, `TSA 11AA:${sign("")}`], ["Basic eDp5", right], [right, ""]]) {
            const client = yield* dialIn(port)
            const lines = values.map((value) => `\r\n${name}: ${value}`).join("")
            client.write(requestText(body).replace("\r\nhost: a", `$&${lines}`))
            const [heard] = yield* Effect.promise(() => once(client, "data"))
            assert.match(String(heard), /^HTTP\/1\.1 401 /, `${name}: ${values.join(" and ")}`)
          }
        }
        assert.lengthOf(received, 0)
      }))

    it.effect("keep the limit on the body", () =>
      Effect.gen(function*() {
        const { url } = yield* serve(engine(question).receive, { verify: "required", maxBodySize: 100 })
        assert.strictEqual((yield* post(url, body, { "x-ts-authorization": sign(body) })).status, 413)
      }))

    it.effect("with a key that is none stop the layer from being built", () =>
      Effect.gen(function*() {
        const none = Redacted.make("no base64!")
        for (const each of [{ ...account, apiKey: none }, { ...account, furtherApiKeys: [none] }]) {
          const exit = yield* Effect.exit(serve(engine(question).receive, { verify: "required", account: each }))
          assert(Exit.isFailure(exit))
          const text = inspect(exit.cause, { depth: 10 })
          assert.include(text, "InvalidApiKey")
          assert.notInclude(text, "no base64!")
        }
      }))

    /** The lines of the log, without what only the levels of a test's own fiber say. */
    const logged = <A, E, R>(work: Effect.Effect<A, E, R>) =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          const [text] = message as ReadonlyArray<unknown>
          if (/sign|verif/i.test(String(text))) lines.push(`${logLevel} ${text}`)
        })
        yield* Effect.scoped(work).pipe(
          Effect.provide(Logger.layer([logger])),
          Effect.provideService(References.MinimumLogLevel, "All")
        )
        return lines
      })

    it.effect("that are refused are told and counted by their kind", () =>
      Effect.gen(function*() {
        const lines = yield* logged(statuses({ verify: "required" }, { ...ways, again: {}, more: {} }))
        assert.deepStrictEqual(lines, [
          "Warn 1 webhook was refused: signed with another key, or the body was changed",
          "Warn 1 webhook was refused: a malformed signature",
          "Warn 1 webhook was refused: two signatures in one header",
          "Warn 1 webhook was refused: no signature"
        ])
        const counts = (yield* Metric.snapshot).filter(counted).map((each) =>
          `${each.attributes?.result} ${(each.state as { count: number }).count}`
        )
        assert.deepStrictEqual(counts.toSorted(), [
          "action 4",
          "doubled_signature 1",
          "malformed_signature 1",
          "unsigned 4",
          "wrong_signature 2"
        ])
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

    it.effect("none of which is right are an error that says what to do", () =>
      Effect.gen(function*() {
        const { missing, wrong } = ways
        assert.deepStrictEqual(yield* logged(statuses({ verify: "required" }, { missing, wrong })), [
          "Error 1 webhook was refused: no signature. None was taken so far. Ask Telesign's support to sign the " +
          "webhooks of this account; verify: \"if signed\" takes them meanwhile",
          "Error 1 webhook was refused: signed with another key, or the body was changed. None was taken so " +
          "far. Set the API key (TELESIGN_API_KEY) to one that the Telesign portal shows, and let no proxy change bodies"
        ])
      }))

    it.effect("that are not required are a warning at the start, and once a minute with how many lacked one", () =>
      Effect.gen(function*() {
        const { missing, right } = ways
        const lines = yield* logged(Effect.gen(function*() {
          const { url } = yield* serve(engine(question).receive, { verify: "if signed" })
          for (let n = 0; n < 3; n++) yield* post(url, body, missing)
          yield* TestClock.adjust("61 seconds")
          yield* post(url, body, missing)
          yield* post(url, body, right)
        }))
        const start =
          "Whoever finds their address can have calls answered, and whoever knows an id of a call can steer it"
        assert.deepStrictEqual(lines, [
          `Warn Webhooks without a signature are taken (verify: "if signed"). ${start}`,
          "Warn 1 webhook was taken without a signature",
          "Warn 3 webhooks were taken without a signature",
          `Info Telesign signs the webhooks of this account. Leave out verify: "if signed", so that it has to`
        ])
        assert.deepStrictEqual(yield* logged(serve(engine(question).receive, { verify: "none" })), [
          `Warn Webhooks are not verified (verify: "none"). ${start}`
        ])
      }))
  })

  describe(`what became of a reply by ${way}`, () => {
    it.effect("is true, once, when the connection took it whole", () =>
      Effect.gen(function*() {
        const { fate, go, receive, told } = yield* patient
        const { closed, port } = yield* serve(receive)
        yield* go
        const client = yield* dialIn(port)
        client.write(requestText(JSON.stringify(answered)))
        yield* Effect.promise(() => once(client, "data"))
        assert.isTrue(yield* fate)
        client.destroy()
        yield* closed
        assert.deepStrictEqual(told, [true])
      }))

    it.effect("is true for each of several on one connection", () =>
      Effect.gen(function*() {
        const { receive, sent } = engine(question)
        const { closed, port } = yield* serve(receive)
        const client = yield* dialIn(port)
        for (let n = 0; n < 3; n++) {
          client.write(requestText(JSON.stringify(answered)))
          yield* Effect.promise(() => once(client, "data"))
        }
        client.destroy()
        yield* closed
        assert.deepStrictEqual(sent, [true, true, true])
      }))

    for (const how of ["destroy", "resetAndDestroy", "end"] as const) {
      it.effect(`is false, once, when the carrier was gone before (${how})`, () =>
        Effect.gen(function*() {
          const { asked, fate, go, receive, told } = yield* patient
          const { closed, port } = yield* serve(receive)
          const client = yield* dialIn(port)
          client.resume()
          client.write(requestText(JSON.stringify(answered)))
          yield* asked
          client[how]()
          yield* closed
          yield* go // the event is recorded all the same: the engine was not interrupted
          assert.isFalse(yield* fate)
          assert.deepStrictEqual(told, [false])
        }))
    }
  })

  describe(`observing by ${way}`, () => {
    it.effect("counts webhooks by event and result, and unknown names as one", () =>
      Effect.gen(function*() {
        const { receive } = engine(question)
        const { url } = yield* serve((webhook) =>
          webhook.status === "broken"
            ? Effect.fail(
              new EventStore.StoreError({
                operation: "write",
                reason: new EventStore.Down({ problem: "The disk is full" })
              })
            )
            : receive(webhook)
        )
        const event = (name: string, status = "fine") =>
          post(url, JSON.stringify({ event: name, reference_id: "7A10", data: { status } }))
        yield* event("dial_completed")
        yield* event("dial_completed")
        yield* event("dial_completed", "broken")
        yield* event("sung")
        yield* event("whistled")
        yield* post(url, "{}")
        yield* post(url, "nothing")
        yield* post(url, JSON.stringify({ event: "a".repeat(200), reference_id: "7A10" }))
        const counts = (yield* Metric.snapshot).filter(counted).map((each) =>
          `${each.attributes?.event} ${each.attributes?.result} ${(each.state as { count: number }).count}`
        )
        assert.deepStrictEqual(counts.toSorted(), [
          "dial_completed action 2",
          "dial_completed unavailable 1",
          "other action 2",
          "unread not_an_event 1",
          "unread not_json 1",
          "unread out_of_bounds 1"
        ])
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

    it.effect("shows no number, digits or words in logs and spans", () =>
      Effect.gen(function*() {
        const { spans, tracer } = tracing()
        const { logger, said } = logging()
        yield* Effect.gen(function*() {
          const { receive } = engine(Action.sendDtmf("9753w1#"))
          const { url } = yield* serve((webhook) =>
            webhook.event === "dial_completed"
              ? Effect.fail(
                new EventStore.StoreError({
                  operation: "write",
                  reason: new EventStore.Down({ problem: "The disk is full" })
                })
              )
              : receive(webhook)
          )
          const spoken = { event: "speak_completed", reference_id: "7A10", data: { collected_digits: "864209" } }
          yield* post(url, JSON.stringify(answered))
          yield* post(url, JSON.stringify(spoken))
          yield* post(url, `{"to":"15550170001"}`)
          yield* post(url, `15550170001x`)
        }).pipe(
          Effect.scoped,
          Effect.provideService(References.MinimumLogLevel, "All"),
          Effect.provide(Logger.layer([logger])),
          Effect.withTracer(tracer)
        )
        const text = inspect([spans, said], { depth: 20 })
        assert.include(text, "send_dtmf")
        assert.deepStrictEqual([...new Set(spans.map((span) => span.kind))], serve === serveNode ? [] : ["server"])
        for (const secret of ["1555017", "9753w1", "864209"]) assert.notInclude(text, secret)
      }))
  })
}

describe("the route", () => {
  it.effect("links the span of its request to the trace of the call", () => {
    const id = "0123456789abcdefghjk" as CallEvent.CallId
    const { spans, tracer } = tracing()
    return Effect.gen(function*() {
      const reply: Reply.Reply = { ...Reply.make(Action.hangup, "recorded"), call: id }
      const { url } = yield* serveRoute(() => Effect.succeed(reply))
      yield* post(url, JSON.stringify(answered))
      const [span] = spans.filter(({ kind }) => kind === "server")
      const linked = span!.links.map(({ span: { spanId, traceId } }) => ({ spanId, traceId }))
      assert.deepStrictEqual(linked, [CallTrace.ofCall(id)])
      assert.strictEqual(span!.attributes.get("ringback.call"), id)
    }).pipe(Effect.withTracer(tracer))
  })

  it.effect("is read through a middleware that decompresses it", () =>
    Effect.gen(function*() {
      const { receive, received } = engine(question)
      const decompressing = HttpMiddleware.decompression()
      const { url } = yield* serveRoute(receive, {}, undefined, (app) => decompressing(app) as App)
      const body = new Uint8Array(gzipSync(JSON.stringify(answered)))
      assert.strictEqual((yield* post(url, body, { "content-encoding": "gzip" })).status, 200)
      assert.lengthOf(received, 1)
    }))

  const touch = HttpServerResponse.setHeader("x-application", "a")
  for (
    const [when, around] of [
      ["on its way", (app: App) => Effect.map(app, touch)],
      [
        "just before it is sent",
        (app: App) => HttpEffect.withPreResponseHandler(app, (_, answer) => Effect.succeed(touch(answer))) as App
      ]
    ] as const
  ) {
    it.effect(`is answered with the header that a middleware sets ${when}`, () =>
      Effect.gen(function*() {
        const { receive, sent } = engine(question)
        const { closed, url } = yield* serveRoute(receive, {}, undefined, around)
        const { headers, json, status } = yield* post(url, JSON.stringify(answered))
        assert.deepStrictEqual({ json, status }, { json: questionJson, status: 200 })
        assert.strictEqual(headers.get("x-application"), "a")
        yield* closed
        assert.deepStrictEqual(sent, [true])
      }))
  }

  it.effect("is false, once, when the connection breaks before it is written", () =>
    Effect.gen(function*() {
      const decided = yield* Deferred.make<void>()
      const broken = yield* Deferred.make<void>()
      const { fate, go, receive, told } = yield* patient
      const { closed, port } = yield* serveRoute(receive, {}, undefined, (app) =>
        Effect.tap(app, () =>
          Effect.andThen(Deferred.succeed(decided, undefined), Deferred.await(broken))))
      yield* go
      const client = yield* dialIn(port)
      client.write(requestText(JSON.stringify(answered)))
      yield* Deferred.await(decided)
      assert.deepStrictEqual(told, [])
      client.destroy()
      yield* closed
      yield* Deferred.succeed(broken, undefined)
      assert.isFalse(yield* fate)
      assert.deepStrictEqual(told, [false])
    }))

  it.effect("is false when something between the route and the carrier answers otherwise", () =>
    Effect.gen(function*() {
      const { receive, sent } = engine(question)
      const { url } = yield* serveRoute(
        receive,
        {},
        undefined,
        Effect.as(HttpServerResponse.jsonUnsafe({}, { status: 502 }))
      )
      assert.strictEqual((yield* post(url, JSON.stringify(answered))).status, 502)
      assert.deepStrictEqual(sent, [false])
    }))

  it.effect("is true on a server that only says that it took the answer", () =>
    Effect.gen(function*() {
      const { receive, sent } = engine(question)
      const { dispose, handler } = HttpRouter.toWebHandler(
        TelesignWebhook.layer({ path, verify: "none" }).pipe(
          Layer.provide(callsOf(receive)),
          Layer.provideMerge(HttpServer.layerServices)
        ),
        { disableLogger: true }
      )
      const response = yield* Effect.promise(() =>
        handler(new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(answered) }))
      )
      assert.deepStrictEqual(yield* Effect.promise(() => response.json()), questionJson)
      yield* Effect.promise(dispose)
      assert.deepStrictEqual(sent, [true])
    }))

  it.effect("is false on such a server when the request was called off", () =>
    Effect.gen(function*() {
      const { asked, fate, go, receive, told } = yield* patient
      const { dispose, handler } = HttpRouter.toWebHandler(
        TelesignWebhook.layer({ path, verify: "none" }).pipe(
          Layer.provide(callsOf(receive)),
          Layer.provideMerge(HttpServer.layerServices)
        ),
        { disableLogger: true }
      )
      const controller = new AbortController()
      const request = new Request(`http://localhost${path}`, {
        method: "POST",
        body: JSON.stringify(answered),
        signal: controller.signal
      })
      const answering = yield* Effect.forkChild(Effect.exit(Effect.tryPromise(() => handler(request))))
      yield* asked
      controller.abort()
      yield* go
      assert.isFalse(yield* fate)
      yield* Fiber.join(answering)
      yield* Effect.promise(dispose)
      assert.deepStrictEqual(told, [false])
    }))
})

describe("Node's server", () => {
  const json = { "content-type": "application/json" }

  it.effect("is answered by as few writes as Node's own response.end makes", () =>
    Effect.gen(function*() {
      const writes: Array<string> = []
      const noteWrites = (socket: Socket) => {
        const { _write, _writev } = socket
        socket._write = (chunk, ...rest) => {
          writes.push(String(chunk))
          _write.call(socket, chunk, ...rest)
        }
        socket._writev = (chunks, done) => {
          writes.push(...chunks.map(({ chunk }) => String(chunk)))
          _writev?.call(socket, chunks, done)
        }
      }
      const writesOf = Effect.fnUntraced(function*(port: number) {
        const client = yield* dialIn(port)
        client.write(requestText(JSON.stringify(answered)))
        yield* Effect.promise(() => once(client, "data"))
        return writes.splice(0)
      })
      const bare = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const server = createServer((request, response) =>
            void request.resume().on("end", () => response.end(JSON.stringify(questionJson)))
          )
          await once(server.on("connection", noteWrites).listen(0, "127.0.0.1"), "listening")
          return server
        }),
        (server) => Effect.sync(() => server.close())
      )
      const fewest = yield* writesOf((bare.address() as AddressInfo).port)
      const { port } = yield* serveNode(engine(question).receive, {}, noteWrites)
      const ours = yield* writesOf(port)
      assert.strictEqual(ours.length, fewest.length)
      assert.isTrue(ours[0]?.endsWith(`\r\n\r\n${JSON.stringify(questionJson)}`))
    }))

  it.effect("hands everything else to the routes that are served on it", () =>
    Effect.gen(function*() {
      const { receive, received } = engine(question)
      const server = createServer()
      const routes = HttpRouter.add("*", "/*", (request) =>
        Effect.succeed(HttpServerResponse.text(`${request.method} elsewhere`)))
      yield* Layer.build(
        HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(TelesignNode.layer(server, { path, verify: "none" })),
          Layer.provide(callsOf(receive)),
          Layer.provide(NodeHttpServer.layer(() =>
            server, nowhere))
        )
      )
      const { url } = place(server)
      const textOf = (url: string, init: RequestInit = {}) =>
        Effect.promise(async () =>
          (await fetch(url, { ...init, headers: { connection: "close" } })).text()
        )
      const body = JSON.stringify(answered)
      assert.strictEqual(yield* textOf(url), "GET elsewhere")
      assert.strictEqual(yield* textOf(`${url}/other`, { method: "POST", body }), "POST elsewhere")
      assert.strictEqual(yield* textOf(`${url}?a=1`, { method: "POST", body }), JSON.stringify(questionJson))
      assert.lengthOf(received, 1)
    }))

  it.effect("lets a sender that asks first send its body, also where others listen for that", () =>
    Effect.gen(function*() {
      const { receive, received } = engine(question)
      const server = createServer()
      yield* Layer.build(
        HttpRouter.serve(Layer.empty, { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(TelesignNode.layer(server, { path, verify: "none" })),
          Layer.provide(callsOf(receive)),
          Layer.provide(NodeHttpServer.layer(() => server, nowhere))
        )
      )
      assert.strictEqual(server.listenerCount("checkContinue"), 1)
      const client = yield* dialIn(place(server).port)
      const [head, body] = requestText(JSON.stringify(answered)).split("\r\n\r\n")
      client.write(`${head}\r\nexpect: 100-continue\r\n\r\n`)
      const [first] = yield* Effect.promise(() => once(client, "data"))
      assert.match(String(first), /^HTTP\/1.1 100 Continue/)
      client.write(body!)
      const [then] = yield* Effect.promise(() => once(client, "data"))
      assert.match(String(then), /^HTTP\/1.1 200 OK/)
      assert.lengthOf(received, 1)
    }))

  it.effect("is given back when the layer closes, after what it took is answered", () =>
    Effect.gen(function*() {
      const { asked, fate, go, receive } = yield* patient
      const server = createServer((_, response) => response.writeHead(404).end())
      yield* Effect.acquireRelease(
        Effect.promise(() => once(server.listen(nowhere), "listening")),
        () => Effect.sync(() => server.close().closeAllConnections())
      )
      const { port, url } = place(server)
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(
        Layer.provide(TelesignNode.layer(server, { path, verify: "none" }), callsOf(receive)),
        scope
      )
      const client = yield* dialIn(port)
      client.write(requestText(JSON.stringify(answered)))
      yield* asked
      let isClosed = false
      const closing = yield* Effect.forkChild(
        Effect.map(Scope.close(scope, Exit.void), () => {
          isClosed = true
        }),
        { startImmediately: true }
      )
      assert.strictEqual((yield* post(url, JSON.stringify(answered))).status, 404)
      assert.isFalse(isClosed)
      yield* go
      const [data] = yield* Effect.promise(() => once(client, "data"))
      assert.match(String(data), /^HTTP\/1.1 200 OK/)
      assert.isTrue(yield* fate)
      yield* Fiber.join(closing)
      assert.isFalse(Object.hasOwn(server, "emit"))
    }))

  it.effect("waits at its end for nobody who has not sent all of a body", () =>
    Effect.gen(function*() {
      const { receive, received } = engine(question)
      const server = createServer()
      yield* Effect.acquireRelease(
        Effect.promise(() => once(server.listen(nowhere), "listening")),
        () => Effect.sync(() => server.close().closeAllConnections())
      )
      const scope = yield* Scope.make()
      const door = Layer.provide(TelesignNode.layer(server, { path, verify: "none" }), callsOf(receive))
      yield* Layer.buildWithScope(door, scope)
      const [head = "", body = ""] = requestText(JSON.stringify(answered)).split("\r\n\r\n")
      const arrived = once(server, "connection").then(([socket]) => once(socket as Socket, "data"))
      const client = yield* dialIn(place(server).port)
      client.write(`${head}\r\n\r\n${body.slice(0, 5)}`)
      yield* Effect.promise(() => arrived)
      yield* Scope.close(scope, Exit.void)
      assert.lengthOf(received, 0)
      client.write(body.slice(5))
      const [data] = yield* Effect.promise(() => once(client, "data"))
      assert.match(String(data), /^HTTP\/1.1 200 OK/)
    }))

  it.effect("may be shared by several, which leave in any order", () =>
    Effect.gen(function*() {
      const one = engine(question)
      const other = engine(undefined)
      const server = createServer((_, response) => response.writeHead(404, json).end("{}"))
      yield* Effect.acquireRelease(
        Effect.promise(() => once(server.listen(nowhere), "listening")),
        () => Effect.sync(() => server.close().closeAllConnections())
      )
      const { url } = place(server)
      const open = Effect.fnUntraced(function*(path: `/${string}`, receive: Receive) {
        const scope = yield* Scope.make()
        yield* Layer.buildWithScope(
          Layer.provide(TelesignNode.layer(server, { path, verify: "none" }), callsOf(receive)),
          scope
        )
        return Scope.close(scope, Exit.void)
      })
      const statuses = Effect.gen(function*() {
        const body = JSON.stringify(answered)
        return [(yield* post(url, body)).status, (yield* post(`${url}/other`, body)).status]
      })
      const closeOne = yield* open(path, one.receive)
      const closeOther = yield* open(`${path}/other`, other.receive)
      assert.deepStrictEqual(yield* statuses, [200, 200])
      yield* closeOne
      assert.deepStrictEqual(yield* statuses, [404, 200])
      yield* closeOther
      assert.deepStrictEqual(yield* statuses, [404, 404])
      assert.deepStrictEqual([one.received.length, other.received.length], [1, 2])
    }))
})
