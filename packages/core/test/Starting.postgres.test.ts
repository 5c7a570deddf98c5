import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Calls, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignAuth, TelesignNode } from "@ringback/http"
import { Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import type { SqlClient } from "effect/sql"
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Postgres from "../../../scripts/testPostgres.ts"
import * as Desk from "./fixtures/desk.ts"
import { tempFile } from "./fixtures/tempFile.ts"

const postgres = await Postgres.start()

const apiKey = "q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ=="
const account = Layer.succeed(TelesignAuth.Account, {
  customerId: Redacted.make("11AA"),
  apiKey: Redacted.make(apiKey)
})

const engine = (client: Layer.Layer<SqlClient.SqlClient, unknown>) =>
  Desk.engine({ settings: { dial: { perSecond: Infinity, linesAtMost: 1000 } } }).pipe(
    Layer.provide(SqlEventStore.layer),
    Layer.provide(client)
  )

interface Answer {
  readonly status: number
  readonly json: { readonly method?: string; readonly params?: { readonly tts?: { readonly message: string } } }
}

const post = (port: number, event: object, key = apiKey): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const body = JSON.stringify(event)
    const signature = createHmac("sha256", Buffer.from(key, "base64")).update(body).digest("base64")
    const headers = { connection: "close", "x-ts-authorization": signature }
    const response = await fetch(`http://127.0.0.1:${port}${Desk.path}`, { method: "POST", body, headers })
    return { status: response.status, json: JSON.parse(await response.text()) }
  })

const incoming = (id: string) => ({ event: "incoming_call", reference_id: id, data: { to: Desk.desk } })
const ended = (id: string) => ({ event: "call_completed", reference_id: id, data: { status: "hangup" } })

const isHold = ({ json, status }: Answer) => status === 200 && json.method === "speak"
const isQuestion = (answer: Answer) => isHold(answer) && answer.json.params?.tts?.message === "Code?"

/** A server that listens before there is an engine, and never stops hearing webhooks. */
const starts = (client: Layer.Layer<SqlClient.SqlClient, unknown>) =>
  Effect.gen(function*() {
    // What an engine has to take over when it starts.
    yield* Effect.provide(
      Effect.replicateEffect(Calls.start(Desk.Errand, {}), 200, { concurrency: 16 }),
      engine(client)
    )

    const server = createServer()
    yield* Effect.acquireRelease(
      Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
      () => Effect.sync(() => server.close().closeAllConnections())
    )
    yield* Layer.build(Layer.provide(TelesignNode.layerStarting(server, { path: Desk.path }), account))
    const { port } = server.address() as AddressInfo

    assert.isTrue(isHold(yield* post(port, incoming("before"))))
    assert.deepStrictEqual(yield* post(port, ended("before")), { status: 503, json: {} as never })
    assert.strictEqual((yield* post(port, incoming("before"), Buffer.from("other").toString("base64"))).status, 401)
    assert.isTrue(isHold(yield* post(port, incoming("before"))))
    assert.isTrue(isHold(yield* post(port, incoming("before"))))
    assert.strictEqual((yield* post(port, incoming("before"))).json.method, "hangup")

    const isReady = yield* Deferred.make<void>()
    const isHeld = yield* Deferred.make<void>()
    const answers: Array<Answer> = []
    const over = yield* Deferred.make<void>()
    const posting = (n: number) =>
      Effect.gen(function*() {
        for (let round = 0; !(yield* Deferred.isDone(over)); round++) {
          const id = `${n}-${round}`
          const answer = yield* post(port, incoming(id))
          answers.push(answer)
          yield* Deferred.succeed(isHeld, undefined)
          if (isQuestion(answer)) yield* Deferred.succeed(isReady, undefined)
          answers.push(yield* post(port, ended(id)))
        }
      })
    const posters = yield* Effect.forEach([1, 2, 3, 4], (n) => Effect.forkChild(posting(n)))
    yield* Deferred.await(isHeld)
    yield* Layer.build(Layer.provide(TelesignNode.layer(server, { path: Desk.path }), [engine(client), account]))
    yield* Deferred.await(isReady)
    yield* Deferred.succeed(over, undefined)
    for (const poster of posters) yield* Fiber.join(poster)

    for (const answer of answers) {
      assert.isTrue(isHold(answer) || answer.json.method === undefined && [200, 503].includes(answer.status))
    }
    assert.isTrue(answers.some((answer) => isHold(answer) && !isQuestion(answer)), "nothing came while it started")
    assert.isTrue(isQuestion(yield* post(port, incoming("after"))))
  }).pipe(Effect.scoped)

describe("while an engine starts behind a port that is open, each webhook is answered at once", () => {
  it.effect("on SQLite", () => Effect.flatMap(tempFile, (filename) => starts(SqliteClient.layer({ filename }))))

  it.effect.skipIf(postgres === undefined)(
    "on PostgreSQL",
    () => Effect.flatMap(Postgres.schema(postgres!), (url) => starts(PgClient.layer({ url: Redacted.make(url) })))
  )
})
