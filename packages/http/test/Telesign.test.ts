import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Action, PhoneNumber, Transport } from "@ringback/core"
import {
  Cause,
  ConfigProvider,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Redacted,
  References,
  Result,
  Schedule,
  Stream
} from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpRouter, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { createServer } from "node:http"
import { inspect } from "node:util"
import { logging, tracing } from "../../../scripts/testTelling.ts"
import { Telesign, TelesignWire } from "../src/index.ts"
import * as RawServer from "./fixtures/RawServer.ts"
import * as selfSigned from "./fixtures/selfSigned.ts"

const credentials = {
  customerId: Redacted.make("11AA22BB-0000-4000-8000-CC33DD44EE55"),
  apiKey: Redacted.make("q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ==")
}

const dial = Action.dial({
  to: PhoneNumber.make("15550170001"),
  from: PhoneNumber.make("15550170009"),
  maxCallDurationSeconds: 900,
  sendDtmf: "9753w1#",
  externalId: "abcdefgh-0123456789abcdefghjk-1"
})

const accepted = `{"reference_id":"7A10C4E2","status":"dial_accepted"}`

const clients = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp,
  fetch: FetchHttpClient.layer
}

/** Sends one dial and tells what it proved. */
const send = (
  baseUrl: string,
  client: Layer.Layer<HttpClient.HttpClient>,
  options?: Partial<Telesign.Options>
): Effect.Effect<Transport.Accepted | Transport.TransportError["reason"]> =>
  Effect.gen(function*() {
    const transport = yield* Transport.Transport
    const result = yield* Effect.result(transport.send(dial))
    if (Result.isSuccess(result)) return result.success
    return result.failure.reason
  }).pipe(Effect.provide(Layer.provide(Telesign.layer({ ...credentials, baseUrl, ...options }), client)), Effect.orDie)

const at = ({ port }: { readonly port: number }, scheme = "http", host = "127.0.0.1") => `${scheme}://${host}:${port}`

const assertLost = (answer: object, problem?: RegExp) => {
  assert.instanceOf(answer, Transport.Lost)
  if (problem !== undefined) assert.match((answer as Transport.Lost).problem, problem)
}

const assertNotSent = (answer: object, problem: RegExp) => {
  assert.instanceOf(answer, Transport.NotSent)
  assert.match((answer as Transport.NotSent).problem, problem)
  assert.strictEqual((answer as Transport.NotSent).obstacle, "unreachable")
}

for (const [name, client] of Object.entries(clients)) {
  describe(`over ${name}`, () => {
    it.effect("posts the dial as documented and gives back the reference id", () =>
      Effect.gen(function*() {
        const server = yield* RawServer.answers("202 Accepted", accepted)
        assert.deepStrictEqual(yield* send(at(server), client), { referenceId: "7A10C4E2" })
        const [head = "", body = ""] = server.received.text.split("\r\n\r\n")
        assert.match(head, /^POST \/v2\/voice HTTP\/1.1\r\n/)
        assert.match(head, /^content-type: application\/json$/im)
        assert.match(head, /^authorization: Basic MTFBQTIyQkItMDAwMC00MDAwLTgwMDAtQ0MzM0RENDRFRTU1On/im)
        assert.notMatch(head, /^(traceparent|b3):/im)
        assert.deepStrictEqual(JSON.parse(body), {
          method: "dial",
          params: {
            to: "15550170001",
            caller_id_number: "15550170009",
            max_call_duration: "900",
            send_dtmf: "9753w1#",
            external_id: "abcdefgh-0123456789abcdefghjk-1"
          }
        })
      }))

    it.effect("uses a fresh connection for each dial", () =>
      Effect.gen(function*() {
        const server = yield* RawServer.tcp((socket, text) => { // would keep the connection open for more
          if (RawServer.isWhole(text)) {
            socket.write(`HTTP/1.1 202 Accepted\r\ncontent-length: ${accepted.length}\r\n\r\n${accepted}`)
          }
        })
        yield* Effect.gen(function*() {
          const { send } = yield* Transport.Transport
          yield* send(dial)
          yield* send(dial)
          yield* send(dial)
        }).pipe(
          Effect.provide(Layer.provide(Telesign.layer({ ...credentials, baseUrl: at(server) }), client))
        )
        assert.strictEqual(server.received.connections, 3)
        assert.match(server.received.text, /^connection: close\r$/im)
      }))

    it.effect("reads an answer that does not say how long it is", () =>
      Effect.gen(function*() {
        const chunks = (text: string) =>
          text.replaceAll(/.{1,20}/g, (part) => `${part.length.toString(16)}\r\n${part}\r\n`)
        const server = yield* RawServer.tcp((socket, text) => {
          if (!RawServer.isWhole(text)) return
          socket.end(`HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n${chunks(accepted)}0\r\n\r\n`)
        })
        assert.deepStrictEqual(yield* send(at(server), client), { referenceId: "7A10C4E2" })
      }))

    it.effect("tells a refusal from a success by 202 alone", () =>
      Effect.gen(function*() {
        const blocked = yield* RawServer.answers(
          "200 OK",
          `{"reference_id":"7","status":"to_number_blocked_by_country"}`
        )
        assert.deepStrictEqual(
          yield* send(at(blocked), client),
          new Transport.Refused({ status: "to_number_blocked_by_country" })
        )
        const unauthorized = yield* RawServer.answers(
          "401 Unauthorized",
          `{"reference_id":"7","status":"not_authorized"}`
        )
        assert.deepStrictEqual(
          yield* send(at(unauthorized), client),
          new Transport.NotSent({ problem: "HTTP 401: not_authorized", obstacle: "credentials" })
        )
      }))

    it.effect("takes 429 as not sent, with the wish of the carrier", () =>
      Effect.gen(function*() {
        const server = yield* RawServer.answers("429 Too Many Requests", "slow down", ["Retry-After: 30"])
        assert.deepStrictEqual(
          yield* send(at(server), client),
          new Transport.NotSent({ problem: "HTTP 429: too many requests", throttled: true, retryAfterMillis: 30_000 })
        )
      }))

    it.effect("compares a date in Retry-After with the clock", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.UTC(2026, 2, 2, 14, 5, 0))
        const server = yield* RawServer.answers("429 Too Many Requests", "", [
          "Retry-After: Mon, 02 Mar 2026 14:06:00 GMT"
        ])
        const answer = yield* send(at(server), client)
        assert.instanceOf(answer, Transport.NotSent)
        assert.strictEqual((answer as Transport.NotSent).retryAfterMillis, 60_000)
      }))

    describe("the order of layers", () => {
      /** What a program says at its start whose server and engine are provided one after the other. */
      const said = (order: "server first" | "engine first") => {
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
        const engine = Layer.provide(Telesign.layer({ ...credentials }), FetchHttpClient.layer)
        const server = NodeHttpServer.layer(() => createServer(), { port: 0 })
        const routes = HttpRouter.serve(HttpRouter.add("GET", "/", HttpServerResponse.empty()), {
          disableListenLog: true
        })
        const program = order === "server first"
          ? routes.pipe(Layer.provide(server), Layer.provide(engine))
          : routes.pipe(Layer.provide(engine), Layer.provide(server))
        return Layer.build(program).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])), Effect.as(lines))
      }

      it.effect("is told by a warning if the port opens before the engine, and only then", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* said("server first"), [])
          assert.match(
            (yield* said("engine first")).join(),
            /^Warn The port is open before the engine: [^]*engine after it$/
          )
        }))
    })

    describe("surely not sent", () => {
      it.effect("nobody listens on the port", () =>
        Effect.gen(function*() {
          const port = yield* RawServer.deserted
          assertNotSent(yield* send(at({ port }), client), /^no connection \(ECONNREFUSED\)$/)
        }))

      it.effect("nobody listens on any address of the host", () =>
        Effect.gen(function*() {
          const port = yield* RawServer.deserted
          assertNotSent(yield* send(at({ port }, "http", "localhost"), client), /^no connection \(ECONNREFUSED\)$/)
        }))

      it.effect("the host name does not resolve", () =>
        Effect.gen(function*() {
          assertNotSent(
            yield* send("https://no-such-host.invalid", client),
            /^the host name does not resolve \((ENOTFOUND|EAI_AGAIN)\)$/
          )
        }))

      it.effect("the certificate is not trusted", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.tls(selfSigned)
          assertNotSent(
            yield* send(at(server, "https", "localhost"), client),
            /^the certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/
          )
          assert.strictEqual(server.received.text, "")
        }))

      it.effect("no cipher is agreed on", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.tls({})
          assertNotSent(yield* send(at(server, "https"), client), /^the TLS handshake failed$/)
        }))

      it.effect("the connection closes before TLS is agreed on", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.onConnect((socket) => socket.end())
          assertNotSent(yield* send(at(server, "https"), client), /^the TLS handshake failed$/)
        }))
    })

    describe("perhaps done", () => {
      it.effect("the connection is reset after the request was read", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.tcp((socket, text) => {
            if (RawServer.isWhole(text)) socket.resetAndDestroy()
          })
          assertLost(yield* send(at(server), client), /^the connection broke \(ECONNRESET\)$/)
        }))

      it.effect("the connection closes without an answer", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.tcp((socket, text) => {
            if (RawServer.isWhole(text)) socket.end()
          })
          assertLost(yield* send(at(server), client), /^the connection broke \((ECONNRESET|UND_ERR_SOCKET)\)$/)
        }))

      it.effect("the answer breaks off in its body", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.tcp((socket, text) => {
            if (RawServer.isWhole(text)) socket.end(`HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n${accepted}`)
          })
          assertLost(yield* send(at(server), client), /^HTTP 202 with a body that is no/)
        }))

      it.effect("the answer never comes", () =>
        Effect.gen(function*() {
          const asked = yield* Deferred.make<void>()
          const server = yield* RawServer.tcp((_, text) => {
            if (RawServer.isWhole(text)) Deferred.doneUnsafe(asked, Exit.void)
          })
          const sending = yield* Effect.forkChild(send(at(server), client))
          yield* Deferred.await(asked)
          yield* TestClock.adjust("10 seconds")
          assertLost(yield* Fiber.join(sending), /^no answer within 10s$/)
        }))

      it.effect("the answer stops in its body", () =>
        Effect.gen(function*() {
          const asked = yield* Deferred.make<void>()
          const server = yield* RawServer.tcp((socket, text) => {
            if (!RawServer.isWhole(text)) return
            socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{")
            Deferred.doneUnsafe(asked, Exit.void)
          })
          const sending = yield* Effect.forkChild(send(at(server), client, { timeout: "3 seconds" }))
          yield* Deferred.await(asked)
          yield* TestClock.adjust("3 seconds")
          assertLost(yield* Fiber.join(sending), /^no answer within 3s$/)
        }))

      it.effect("the answer is a redirect, which is not followed", () =>
        Effect.gen(function*() {
          const second = yield* RawServer.answers("202 Accepted", accepted)
          for (const status of ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]) {
            const first = yield* RawServer.answers(status, accepted, [`Location: ${at(second)}/v2/voice`])
            assertLost(
              yield* send(at(first), client),
              /^(HTTP 30\d, which is not documented|the answer is a redirect.*)$/
            )
          }
          assert.strictEqual(second.received.connections, 0)
        }))

      it.effect("the answer is a 5xx, asked for once", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.answers("503 Service Unavailable", accepted, ["Retry-After: 1"])
          assertLost(yield* send(at(server), client), /^HTTP 503, which is not documented$/)
          assert.strictEqual(server.received.connections, 1)
        }))

      it.effect("the answer is no JSON", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.answers("202 Accepted", "<html>accepted</html>")
          assertLost(yield* send(at(server), client), /^HTTP 202 with a body that is no/)
        }))

      it.effect("the answer is no HTTP", () =>
        Effect.gen(function*() {
          const server = yield* RawServer.tcp((socket) => socket.end("220 smtp.example.net\r\n\r\n"))
          assertLost(yield* send(at(server), client), /^the connection broke/)
        }))

      it.effect("the answer is longer than 64 KiB", () =>
        Effect.gen(function*() {
          const body = JSON.stringify({ reference_id: "7A10", padding: " ".repeat(66_000) })
          const server = yield* RawServer.answers("202 Accepted", body)
          assertLost(yield* send(at(server), client), /^HTTP 202 with a body that is no/)
          const silent = yield* RawServer.tcp((socket, text) => {
            if (RawServer.isWhole(text)) socket.end(`HTTP/1.1 202 Accepted\r\nconnection: close\r\n\r\n${body}`)
          })
          assertLost(yield* send(at(silent), client), /^HTTP 202 with a body that is no/)
        }))
    })

    it.effect("logs, spans and errors hold no number, digits or credentials", () =>
      Effect.gen(function*() {
        const { spans, tracer } = tracing()
        const { logger, said } = logging()
        const servers = [
          yield* RawServer.answers("202 Accepted", accepted),
          yield* RawServer.answers("400 Bad Request", `{"status":"15550170001 is bad"}`),
          yield* RawServer.answers("401 Unauthorized", `{"status":"not_authorized"}`),
          { port: yield* RawServer.deserted }
        ]
        for (const server of servers) {
          const exit = yield* Effect.gen(function*() {
            const transport = yield* Transport.Transport
            return yield* transport.send(dial)
          }).pipe(
            Effect.tapCause((cause) => Effect.logError("It failed", cause)),
            Effect.provide(Layer.provide(Telesign.layer({ ...credentials, baseUrl: at(server) }), client)),
            Effect.provideService(References.MinimumLogLevel, "All"),
            Effect.provide(Logger.layer([logger])),
            Effect.withTracer(tracer),
            Effect.exit
          )
          said.push(exit, Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")
        }
        assert.deepStrictEqual(spans.map((span) => span.name), [
          "Telesign.send",
          "Telesign.send",
          "Telesign.send",
          "Telesign.send"
        ])
        assert.deepStrictEqual(
          spans.map((span) => span.attributes.get("ringback.result")),
          ["Accepted", "Lost", "NotSent", "NotSent"]
        )
        const text = inspect([spans, said], { depth: 20 })
        for (const secret of ["1555017", "9753w1", "CC33DD44", "q0hvb3", "MTFBQTIy", "0123456789abcdefghjk"]) {
          assert.notInclude(text, secret)
        }
      }))
  })
}

describe("over node:http, which asks for the body before it connects,", () => {
  it.effect("what has no connection in time is surely not sent, and never will be", () =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers("202 Accepted", accepted)
      const asked = yield* Deferred.make<() => void>()
      const agent = NodeHttpClient.layerAgentOptions({
        lookup: (_host, _options, found) =>
          Deferred.doneUnsafe(asked, Exit.succeed(() => found(null, [{ address: "127.0.0.1", family: 4 }])))
      })
      const client = Layer.provide(NodeHttpClient.layerNodeHttpNoAgent, agent)
      const sending = yield* Effect.forkChild(send(at(server, "http", "telesign.invalid"), client))
      const resolve = yield* Deferred.await(asked)
      yield* TestClock.adjust("10 seconds")
      assertNotSent(yield* Fiber.join(sending), /^no connection within 10s$/)
      resolve()
      yield* send(at(server), NodeHttpClient.layerNodeHttp)
      assert.strictEqual(server.received.connections, 1)
    }))
})

describe("trouble with dials", () => {
  const linesOf = (status: string, body: string) =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers(status, body)
      return yield* logged(at(server))
    })

  const logged = (baseUrl: string) =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
      yield* Effect.gen(function*() {
        const { send } = yield* Transport.Transport
        const again = Effect.ignore(send(dial))
        yield* Effect.andThen(Effect.andThen(again, again), again)
        yield* TestClock.adjust("1 minute")
        yield* again
      }).pipe(
        Effect.provide(Layer.mergeAll(
          Layer.provide(Telesign.layer({ ...credentials, baseUrl }), NodeHttpClient.layerNodeHttp),
          Logger.layer([logger])
        ))
      )
      return lines
    })

  const troubles: ReadonlyArray<readonly [status: string, body: string, line: (dials: string) => string]> = [
    [
      "401 Unauthorized",
      `{"status":"not_authorized"}`,
      (dials) =>
        `Error Telesign does not accept the credentials (HTTP 401: not_authorized; ${dials}). ` +
        "Set customerId and apiKey to what the Telesign portal shows. Nobody is rung until then"
    ],
    [
      "400 Bad Request",
      `{"status":"caller_id_number_not_owned"}`,
      (dials) =>
        `Error Telesign does not take a number of ours as the caller (HTTP 400: caller_id_number_not_owned; ${dials}). ` +
        "The `from` of Flow.dial has to be a number that this Telesign account owns. Nobody is rung from it until then"
    ],
    ...Object.entries({
      premium_to_number_rejected: "It is a premium number, which cannot be rung",
      to_number_blocked_by_country: "Its country is blocked, by you in the Telesign portal or by Telesign",
      to_number_blocked_by_customer: "It is on the block list of your Telesign account",
      to_number_blocked_by_telesign: "Telesign blocks it for everyone",
      invalid_phone_number: "It is not valid: look at where it comes from",
      unsupported_call_state: "Telesign's documentation says why"
    }).map(([status, remedy]) =>
      [
        TelesignWire.refusals[200].some((known) => known === status) ? "200 OK" : "400 Bad Request",
        JSON.stringify({ status }),
        (dials: string) => `Warn Telesign has refused ${dials} because of the number to be rung: ${status}. ${remedy}`
      ] as const
    ),
    ["429 Too Many", "", (dials) => `Warn Telesign has throttled ${dials}. What it throttles is tried again later`],
    ["500 Oops", "", (dials) => `Warn It is not known whether ${dials} rang: HTTP 500, which is not documented`]
  ]
  for (const [status, body, line] of troubles) {
    it.effect(`such as ${status} ${body} is one line in the log, and then one a minute at most`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* linesOf(status, body), [line("1 dial"), line("3 dials")])
      }))
  }

  it.effect("such as a carrier that is not there is told, too", () =>
    Effect.gen(function*() {
      const port = yield* RawServer.deserted
      const [first] = yield* logged(at({ port }))
      assert.strictEqual(
        first,
        "Error Telesign is not reached (no connection (ECONNREFUSED); 1 dial). Look at the network, and at baseUrl if that " +
          "is set. Nobody is rung until then"
      )
    }))

  it.effect("is none if the carrier took it", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* linesOf("202 Accepted", accepted), [])
    }))
})

describe("a client that is not left plain", () => {
  const wrapped = (change: (client: HttpClient.HttpClient) => HttpClient.HttpClient) =>
    Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, change)).pipe(
      Layer.provide(NodeHttpClient.layerNodeHttp)
    )

  it.effect("is stopped before it retries", () =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers("503 Service Unavailable", "{}")
      const retrying = wrapped(HttpClient.retryTransient({ times: 3 }))
      assertLost(yield* send(at(server), retrying), /tried to repeat the request/)
      assert.strictEqual(server.received.connections, 1)
      const stubborn = wrapped((client) =>
        HttpClient.retry(HttpClient.filterStatusOk(client), Schedule.recurs(3)) as HttpClient.HttpClient
      )
      assertLost(yield* send(at(server), stubborn), /tried to repeat the request/)
      assert.strictEqual(server.received.connections, 2)
    }))

  it.effect("may send one dial after the other", () =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers("202 Accepted", accepted)
      yield* Effect.gen(function*() {
        const { send } = yield* Transport.Transport
        yield* send(dial)
        yield* send(dial)
      }).pipe(Effect.provide(
        Layer.provide(
          Telesign.layer({ ...credentials, baseUrl: at(server) }),
          wrapped(HttpClient.retryTransient({ times: 3 }))
        )
      ))
      assert.strictEqual(server.received.connections, 2)
    }))

  it.effect("has no say in what a status means", () =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers("400 Bad Request", `{"reference_id":"7","status":"invalid_phone_number"}`)
      assert.deepStrictEqual(
        yield* send(at(server), wrapped(HttpClient.filterStatusOk)),
        new Transport.Refused({ status: "invalid_phone_number" })
      )
    }))

  it.effect("is not believed after it followed a redirect", () =>
    Effect.gen(function*() {
      const second = yield* RawServer.answers("202 Accepted", accepted)
      const first = yield* RawServer.answers("307 Temporary", "", [`Location: ${at(second)}/v2/voice`])
      assertLost(yield* send(at(first), wrapped(HttpClient.followRedirects())), /tried to repeat/)
      const seeOther = yield* RawServer.answers("303 See Other", "", [`Location: ${at(second)}/v2/voice`])
      assertLost(
        yield* send(at(seeOther), wrapped(HttpClient.followRedirects())),
        /tried to repeat|followed a redirect/
      )
      assert.notInclude(second.received.text, "POST")
      const port = yield* RawServer.deserted
      const astray = yield* RawServer.answers("307 Temporary", "", [`Location: ${at({ port })}/v2/voice`])
      assertLost(yield* send(at(astray), wrapped(HttpClient.followRedirects())), /tried to repeat/)
    }))

  it.effect("keeps the options that it has for fetch, less redirects", () =>
    Effect.gen(function*() {
      const seen: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (_, init) => {
        seen.push(init)
        return Promise.resolve(new Response(accepted, { status: 202 }))
      }
      yield* send("http://127.0.0.1", FetchHttpClient.layer).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.provideService(FetchHttpClient.RequestInit, { cache: "no-store", redirect: "follow" })
      )
      assert.deepStrictEqual(seen.map((init) => [init?.cache, init?.redirect]), [["no-store", "error"]])
    }))
})

describe("what a failure proves", () => {
  const error = (fields: object, message = "") => Object.assign(new Error(message), fields)
  const failing = (cause: unknown, options?: { readonly beforeBody: boolean }) =>
    Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request) => {
        const broken = new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, cause })
        })
        const { body } = request
        const asked = options?.beforeBody !== true && body._tag === "Stream"
          ? Stream.runDrain(body.stream)
          : Effect.void
        return Effect.andThen(Effect.orDie(asked), Effect.fail(broken))
      })
    )
  const refused = error({ code: "ECONNREFUSED", syscall: "connect" })
  const cases: ReadonlyArray<readonly [name: string, cause: unknown, tag: "NotSent" | "Lost"]> = [
    ["a connect timeout of undici", error({ code: "UND_ERR_CONNECT_TIMEOUT" }), "NotSent"],
    ["a connect that timed out", error({ code: "ETIMEDOUT", syscall: "connect" }), "NotSent"],
    ["no route while connecting", error({ code: "EHOSTUNREACH", syscall: "connect" }), "NotSent"],
    ["a name server that is away", error({ code: "EAI_AGAIN", syscall: "getaddrinfo" }), "NotSent"],
    ["a certificate that expired", error({ code: "CERT_HAS_EXPIRED" }), "NotSent"],
    ["a certificate for another name", error({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }), "NotSent"],
    ["all addresses refused", error({ code: "ECONNREFUSED", errors: [refused, refused] }), "NotSent"],
    [
      "all addresses refused, within fetch",
      error({ cause: error({ errors: [refused, refused] }) }, "fetch failed"),
      "NotSent"
    ],
    [
      "one address that broke otherwise",
      error({ errors: [refused, error({ code: "ECONNRESET", syscall: "read" })] }),
      "Lost"
    ],
    ["no route on an open connection", error({ code: "EHOSTUNREACH", syscall: "read" }), "Lost"],
    ["a read that timed out", error({ code: "ETIMEDOUT", syscall: "read" }), "Lost"],
    ["a broken pipe", error({ code: "EPIPE", syscall: "write" }), "Lost"],
    ["a reset", error({ code: "ECONNRESET" }, "socket hang up"), "Lost"],
    ["a broken TLS record", error({ code: "EPROTO", syscall: "write" }, "SSL routines:wrong version number"), "Lost"],
    ["an unknown error", error({ code: "UND_ERR_NEW" }), "Lost"],
    ["a word", "refused", "Lost"],
    ["nothing", undefined, "Lost"]
  ]
  for (const [name, cause, tag] of cases) {
    it.effect(`${name} is ${tag}`, () =>
      Effect.gen(function*() {
        const answer = yield* send("http://127.0.0.1", failing(cause))
        assert.strictEqual("_tag" in answer ? answer._tag : "Accepted", tag)
      }))
  }

  it.effect("whatever breaks before the client asks for the body is NotSent", () =>
    Effect.gen(function*() {
      for (const cause of [error({ code: "ECONNRESET", syscall: "read" }), "refused", undefined]) {
        const answer = yield* send("http://127.0.0.1", failing(cause, { beforeBody: true }))
        assertNotSent(answer, /^the connection broke before the request was sent/)
      }
    }))

  it.effect("a defect of the client stays a defect", () =>
    Effect.gen(function*() {
      const broken = Layer.succeed(HttpClient.HttpClient, HttpClient.make(() => Effect.die("broken")))
      const exit = yield* Effect.exit(send("http://127.0.0.1", broken))
      assert(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    }))

  it.effect("the words of an error that comes from outside are not repeated", () =>
    Effect.gen(function*() {
      const answer = yield* send("http://127.0.0.1", failing(error({ code: "15550170001" }, "to 15550170001")))
      assert.notInclude(inspect(answer), "1555017")
    }))
})

describe("parameters of every dial", () => {
  it.effect("travel beside those of the dial, which go before them", () =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers("202 Accepted", accepted)
      yield* Effect.gen(function*() {
        const { send } = yield* Transport.Transport
        yield* send(dial)
        yield* send({ ...dial, parameters: { is_primary: false } })
      }).pipe(Effect.provide(Layer.provide(
        Telesign.layer({
          ...credentials,
          baseUrl: at(server),
          parameters: { is_primary: true, events: "https://a.example.net/b" }
        }),
        NodeHttpClient.layerNodeHttp
      )))
      const sent = Array.from(server.received.text.matchAll(/\{"method".*?\}\}/g), ([body]) => JSON.parse(body).params)
      assert.deepStrictEqual(sent.map(({ events, is_primary, to }) => [is_primary, events, to]), [
        [true, "https://a.example.net/b", "15550170001"],
        [false, "https://a.example.net/b", "15550170001"]
      ])
    }))
})

describe("digest", () => {
  it.effect("signs each request afresh, and the key does not travel", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 2, 2, 14, 5, 0))
      const server = yield* RawServer.answers("202 Accepted", accepted)
      for (let n = 0; n < 2; n++) {
        yield* send(`${at(server)}/proxy/`, NodeHttpClient.layerNodeHttp, { authentication: "digest" })
      }
      const requests = server.received.text.split(/(?=POST \/)/)
      const nonces = requests.map((request) => {
        const [head = "", body = ""] = request.split("\r\n\r\n")
        const header = (name: string) => new RegExp(`^${name}: (.*)\r?$`, "im").exec(head)?.[1] ?? ""
        const signed = [
          "POST",
          "application/json",
          "",
          "x-ts-auth-method:HMAC-SHA256",
          "x-ts-date:Mon, 02 Mar 2026 14:05:00 GMT",
          `x-ts-nonce:${header("x-ts-nonce")}`,
          body,
          "/proxy/v2/voice"
        ]
        const key = Buffer.from(Redacted.value(credentials.apiKey), "base64")
        const signature = createHmac("sha256", key).update(signed.join("\n")).digest("base64")
        assert.strictEqual(header("authorization"), `TSA ${Redacted.value(credentials.customerId)}:${signature}`)
        return header("x-ts-nonce")
      })
      assert.strictEqual(new Set(nonces).size, 2)
      assert.notInclude(server.received.text, "q0hvb3")
    }))
})

describe("settings", () => {
  const unused = Layer.succeed(HttpClient.HttpClient, HttpClient.make(() => Effect.die("nobody sends")))

  const problems = <A>(
    layer: Layer.Layer<A, Telesign.InvalidSettings, HttpClient.HttpClient>,
    env: Record<string, string> = {}
  ) =>
    Effect.gen(function*() {
      const result = yield* Effect.result(Effect.scoped(Layer.build(Layer.provide(layer, unused))))
      if (Result.isSuccess(result)) return []
      const text = inspect(result.failure) + JSON.stringify(result.failure) + result.failure.message
      for (const value of Object.values(env)) {
        if (value.length > 3) assert.notInclude(text, value.trim())
      }
      for (const { setting } of result.failure.problems) assert.include(result.failure.message, setting)
      return result.failure.problems.map(({ problem, setting }) => `${setting} ${problem}`)
    }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

  const env = { TELESIGN_CUSTOMER_ID: "11AA22BB-0000", TELESIGN_API_KEY: "q0hvb3NlIGEgbG9uZw==" }

  it.effect("come from the environment", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problems(Telesign.layerConfig, env), [])
      const all = { ...env, TELESIGN_BASE_URL: "http://127.0.0.1:4010/", TELESIGN_TIMEOUT: "5 seconds" }
      assert.deepStrictEqual(yield* problems(Telesign.layerConfig, all), [])
    }))

  it.effect("from the environment are those that are used", () =>
    Effect.gen(function*() {
      const server = yield* RawServer.answers("202 Accepted", accepted)
      yield* Effect.gen(function*() {
        const { send } = yield* Transport.Transport
        yield* send(dial)
      }).pipe(Effect.provide(
        Telesign.layerConfig.pipe(
          Layer.provide(NodeHttpClient.layerNodeHttp),
          Layer.provide(
            ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...env, TELESIGN_BASE_URL: at(server) } }))
          )
        )
      ))
      const expected = Buffer.from("11AA22BB-0000:q0hvb3NlIGEgbG9uZw==").toString("base64")
      assert.include(server.received.text, `Basic ${expected}`)
    }))

  it.effect("that are missing are all named, with what to do", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* problems(Telesign.layerConfig), [
        "TELESIGN_CUSTOMER_ID is not set. Set it to the customer id that the Telesign portal shows.",
        "TELESIGN_API_KEY is not set. Set it to the API key that the Telesign portal shows.",
        "TELESIGN_CALLER_ID is not set. Set it to a number that you bought from Telesign."
      ])
      assert.lengthOf(yield* problems(Telesign.layerConfig, { ...env, TELESIGN_API_KEY: "" }), 2)
    }))

  const bad: ReadonlyArray<readonly [variable: string, value: string]> = [
    ["TELESIGN_CUSTOMER_ID", "11AA:22BB"],
    ["TELESIGN_CUSTOMER_ID", "11AA 22BB"],
    ["TELESIGN_API_KEY", "q0hvb3NlIGEgbG9uZw==\n"],
    ["TELESIGN_API_KEY", "schlüssel"],
    ["TELESIGN_BASE_URL", "telesign.example.net"],
    ["TELESIGN_BASE_URL", "ftp://rest-ww.telesign.com"],
    ["TELESIGN_BASE_URL", "https://me:secret@rest-ww.telesign.com"],
    ["TELESIGN_BASE_URL", "https://rest-ww.telesign.com?key=secret"],
    ["TELESIGN_TIMEOUT", "soon enough"],
    ["TELESIGN_TIMEOUT", "0 hours"],
    ["TELESIGN_TIMEOUT", "-5 seconds"],
    ["TELESIGN_TIMEOUT", "Infinity"],
    ["TELESIGN_AUTHENTICATION", "hmac please"]
  ]
  for (const [variable, value] of bad) {
    it.effect(`refuse ${variable} of ${JSON.stringify(value)} without repeating it`, () =>
      Effect.gen(function*() {
        const found = yield* problems(Telesign.layerConfig, { ...env, [variable]: value })
        assert.lengthOf(found, 1)
        assert.match(found[0]!, new RegExp(`^${variable} (has|holds) `))
      }))
  }

  it.effect("of a program are named as the program names them", () =>
    Effect.gen(function*() {
      const found = yield* problems(
        Telesign.layer({ customerId: Redacted.make(""), apiKey: Redacted.make(""), baseUrl: "nowhere", timeout: 0 })
      )
      assert.deepStrictEqual(found.map((each) => each.split(" ")[0]), ["customerId", "apiKey", "baseUrl", "timeout"])
    }))

  it.effect("refuse parameters that would take the place of others", () =>
    Effect.gen(function*() {
      const options = { customerId: Redacted.make("11AA"), apiKey: Redacted.make("q0hv") }
      for (const parameters of [{ to: "15550170001" }, { external_id: "x" }, { events: NaN }]) {
        const found = yield* problems(Telesign.layer({ ...options, parameters }))
        assert.deepStrictEqual(found.map((each) => each.split(" ")[0]), ["parameters"])
      }
    }))

  it.effect("refuse a key that cannot sign only where it has to sign", () =>
    Effect.gen(function*() {
      const options = { customerId: Redacted.make("11AA"), apiKey: Redacted.make("no-base64") }
      assert.deepStrictEqual(yield* problems(Telesign.layer(options)), [])
      const found = yield* problems(Telesign.layer({ ...options, authentication: "digest" }))
      assert.deepStrictEqual(found.map((each) => each.split(" ")[0]), ["apiKey"])
    }))

  const warnings = (baseUrl: string) =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void seen.push(`${logLevel} ${message}`))
      yield* Effect.scoped(Layer.build(Layer.provide(Telesign.layer({ ...credentials, baseUrl }), unused))).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      return seen
    })

  it.effect("warn where credentials would travel in clear text", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* warnings("http://telesign.example.net"), [
        "Warn baseUrl is not https: the credentials travel in clear text"
      ])
      for (
        const host of ["https://telesign.example.net", "http://localhost:1", "http://127.0.0.1", "http://[::1]:80"]
      ) {
        assert.deepStrictEqual(yield* warnings(host), [])
      }
    }))

  it.effect("give the caller id as a phone number, and are refused in words like the others", () =>
    Effect.gen(function*() {
      const read = (env: Record<string, string>) =>
        Effect.result(Effect.provide(Telesign.callerId, ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
      const told = (result: Result.Result<unknown, Telesign.InvalidSettings>) =>
        Result.isFailure(result) ? result.failure.message : "nothing"
      const right = yield* read({ TELESIGN_CALLER_ID: "+15550170009" })
      assert.deepStrictEqual(Result.getOrThrow(right), PhoneNumber.make("15550170009"))
      for (const value of ["5550-170-009", "a15550170009", " 15550170009"]) {
        const wrong = yield* read({ TELESIGN_CALLER_ID: value })
        assert.include(told(wrong), "\n- TELESIGN_CALLER_ID has to be a phone number")
        assert.notInclude(told(wrong) + inspect(wrong), value)
      }
      for (const env of [{}, { TELESIGN_CALLER_ID: "" }]) {
        assert.include(told(yield* read(env)), "\n- TELESIGN_CALLER_ID is not set. Set it to a number that you bought")
      }
    }))

  it.effect("are told together, the caller id among them", () =>
    Effect.gen(function*() {
      const told = (env: Record<string, string>) =>
        Effect.flip(Layer.build(Layer.provide(Telesign.layerConfig, FetchHttpClient.layer))).pipe(
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))),
          Effect.map(({ problems }) => problems.map(({ setting }) => setting)),
          Effect.scoped
        )
      const others = ["TELESIGN_CUSTOMER_ID", "TELESIGN_API_KEY"]
      assert.deepStrictEqual(yield* told({}), [...others, "TELESIGN_CALLER_ID"])
      assert.deepStrictEqual(yield* told({ TELESIGN_CALLER_ID: "" }), [...others, "TELESIGN_CALLER_ID"])
      assert.deepStrictEqual(yield* told({ TELESIGN_CALLER_ID: "+15550170009" }), others)
      assert.deepStrictEqual(yield* told({ TELESIGN_CALLER_ID: "our number" }), [...others, "TELESIGN_CALLER_ID"])
    }))

  it.effect("say in a line that there is no caller id, where that is all that is missing", () =>
    Effect.gen(function*() {
      const account = { TELESIGN_CUSTOMER_ID: "11AA", TELESIGN_API_KEY: "q0hv" }
      const lines = Effect.fnUntraced(function*(env: Record<string, string>) {
        const seen: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => void seen.push(`${logLevel} ${message}`))
        yield* Effect.scoped(Layer.build(Layer.provide(Telesign.layerConfig, unused))).pipe(
          Effect.provide([Logger.layer([logger]), ConfigProvider.layer(ConfigProvider.fromEnv({ env }))])
        )
        return seen
      })
      assert.deepStrictEqual(yield* lines(account), [
        "Info TELESIGN_CALLER_ID is not set: this program cannot dial from it (Telesign.callerId)"
      ])
      assert.deepStrictEqual(yield* lines({ ...account, TELESIGN_CALLER_ID: "+15550170009" }), [])
    }))
})
