import { NodeHttpClient } from "@effect/platform-node"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Action, PhoneNumber, Transport } from "@ringback/core"
import { Deferred, Effect, Exit, Fiber, Layer, Redacted, Result, Schedule } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { Telesign } from "../src/index.ts"
import * as hostile from "./fixtures/hostile.ts"
import * as RawServer from "./fixtures/RawServer.ts"

// One POST for each attempt, and what became of it, whatever the carrier does and whatever the client is made of.
// `npm run hostile` prints the table.

const clients: Readonly<Record<hostile.Client, Layer.Layer<HttpClient.HttpClient>>> = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp,
  fetch: FetchHttpClient.layer
}

const dial = Action.dial({
  to: PhoneNumber.make("15550170001"),
  from: PhoneNumber.make("15550170009"),
  maxCallDurationSeconds: 900,
  externalId: "abcdefgh-0123456789abcdefghjk-1"
})

const credentials = { customerId: Redacted.make("customer"), apiKey: Redacted.make("a2V5") }

const send = (baseUrl: string, client: Layer.Layer<HttpClient.HttpClient>): Effect.Effect<hostile.Result> =>
  Transport.Transport.use((transport) => Effect.result(transport.send(dial))).pipe(
    Effect.map((result) => Result.isSuccess(result) ? "Accepted" as const : result.failure.reason._tag),
    Effect.provide(Layer.provide(Telesign.layer({ ...credentials, baseUrl }), client)),
    Effect.orDie
  )

/** How often a request began, on all servers together. */
const posts = (...servers: ReadonlyArray<RawServer.RawServer>): number =>
  servers.reduce((sum, { received }) => sum + received.text.split("POST /v2/voice").length - 1, 0)

const rows: Array<readonly [name: string, client: string, result: string, posts: number]> = []

const play = ({ isTls, server }: hostile.Case, client: Layer.Layer<HttpClient.HttpClient>) =>
  Effect.gen(function*() {
    const hanging = yield* Deferred.make<void>()
    const elsewhere = yield* RawServer.answers("202 Accepted", `{"reference_id":"elsewhere"}`)
    const carrier = yield* server(`http://127.0.0.1:${elsewhere.port}`, () => Deferred.doneUnsafe(hanging, Exit.void))
    const url = `${isTls === true ? "https" : "http"}://127.0.0.1:${carrier.port}`
    const sending = yield* Effect.forkChild(send(url, client))
    const late = Effect.andThen(Deferred.await(hanging), TestClock.adjust("10 seconds"))
    const waiting = yield* Effect.forkChild(late)
    const result = yield* Fiber.join(sending)
    yield* Fiber.interrupt(waiting)
    return { result, posts: posts(carrier, elsewhere) }
  })

for (const [name, client] of Object.entries(clients)) {
  describe(`a hostile carrier, over ${name}:`, () => {
    for (const each of hostile.cases) {
      it.effect(each.name, () =>
        Effect.gen(function*() {
          const { posts, result } = yield* play(each, client)
          rows.push([each.name, name, result, posts])
          const { expected } = each
          assert.strictEqual(result, typeof expected === "string" ? expected : expected[name as hostile.Client])
          assert.isAtMost(posts, 1)
        }))
    }
  })
}

const changes: Readonly<Record<string, (client: HttpClient.HttpClient) => HttpClient.HttpClient>> = {
  "sends twice": HttpClient.transform((response) => Effect.andThen(response, response)),
  "sends at a time what may answer first": HttpClient.transform((response) => Effect.race(response, response)),
  "sends at a time what may end first": HttpClient.transform((response) => Effect.raceFirst(response, response)),
  "executes twice": (client) =>
    HttpClient.make((request) => Effect.andThen(client.execute(request), client.execute(request))),
  "retries what is transient": HttpClient.retryTransient({ times: 3 }),
  "retries whatever fails": (client) =>
    HttpClient.retry(HttpClient.filterStatusOk(client), Schedule.recurs(3)) as HttpClient.HttpClient,
  "follows redirects": HttpClient.followRedirects()
}

const elsewhere: Readonly<Record<string, ReadonlyArray<string>>> = {
  "202": ["202 Accepted", `{"reference_id":"7A10C4E2"}`],
  "307": ["307 Temporary Redirect", ""],
  "503": ["503 Service Unavailable", ""]
}

for (const [name, client] of Object.entries(clients)) {
  describe(`one POST, over ${name},`, () => {
    for (const [change, wrap] of Object.entries(changes)) {
      for (const [status, [line = "", body = ""]] of Object.entries(elsewhere)) {
        it.effect(`by a client that ${change}, at ${status}`, () =>
          Effect.gen(function*() {
            const second = yield* RawServer.answers("202 Accepted", `{"reference_id":"second"}`)
            const first = yield* RawServer.answers(line, body, [`location: http://127.0.0.1:${second.port}/v2/voice`])
            const wrapped = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, wrap))
            const result = yield* send(`http://127.0.0.1:${first.port}`, Layer.provide(wrapped, client))
            rows.push([`a client that ${change}, at ${status}`, name, result, posts(first, second)])
            assert.isAtMost(posts(first, second), 1)
            assert.include(status === "202" ? ["Accepted", "Lost"] : ["Lost"], result)
          }))
      }
    }
  })
}

afterAll(() => {
  const table = [["case", "client", "result", "POSTs"], ...rows.map((row) => row.map(String))]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)) + 2)
  process.stdout.write(
    table.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("").trimEnd() + "\n").join("")
  )
})
