import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, Line, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Layer, Logger, LogLevel, Redacted, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { Health, TelesignAuth, TelesignWebhook } from "../src/index.ts"

const key = "q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ=="

const Survey = Flow.make("survey", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.gen(function*() {
      const first = yield* Line.collect("How was it?", { max: 1 })
      const rating = yield* Flow.activity("keep", { success: Schema.String }, Effect.succeed(first))
      yield* Line.goodbye("Thank you.")
      return rating
    }).pipe(Flow.dial({ to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }))
})

const dialled: Array<string> = []

const carrier = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({
    send: ({ externalId = "" }) => {
      dialled.push(externalId)
      return Effect.succeed({ referenceId: `of ${externalId}` })
    }
  })
)

const engine = Calls.layer({
  flows: [Survey],
  settings: { dial: { perSecond: Infinity, linesAtMost: Infinity } }
}).pipe(
  Layer.provide(carrier),
  Layer.provideMerge(SqlEventStore.layer),
  Layer.provide(SqliteClient.layer({ filename: ":memory:" }))
)

const account = Layer.succeed(TelesignAuth.Account, { customerId: Redacted.make("11AA"), apiKey: Redacted.make(key) })

describe("the log of a program that is well", () => {
  it.effect("has no line for a hundred calls and all that comes in for them", () => {
    const lines: Array<string> = []
    const logger = Logger.layer([
      Logger.make(({ logLevel, message }) => {
        if (LogLevel.isGreaterThanOrEqualTo(logLevel, "Info")) lines.push(`${logLevel} ${String(message)}`)
      })
    ])
    return Effect.gen(function*() {
      const context = yield* Effect.context<Calls.Calls>()
      // With the access log of an application, which is on unless somebody switches it off.
      const { dispose, handler } = HttpRouter.toWebHandler(
        Layer.mergeAll(
          TelesignWebhook.layer({ path: "/events" }),
          Health.layer(),
          HttpRouter.add("GET", "/orders", HttpServerResponse.empty())
        ).pipe(
          Layer.provide(account),
          Layer.provide(Layer.succeedContext(context as never)),
          Layer.provideMerge(logger)
        ) as never
      ) as unknown as { dispose: () => Promise<void>; handler: (request: Request) => Promise<Response> }
      const post = (event: string, id: string, data: object) =>
        Effect.promise(async () => {
          const body = JSON.stringify({ event, reference_id: `of ${id}`, external_id: id, data })
          const signature = createHmac("sha256", Buffer.from(key, "base64")).update(body).digest("base64")
          const headers = { "x-ts-authorization": signature }
          const response = await handler(new Request("http://x/events", { method: "POST", body, headers }))
          assert.strictEqual(response.status, 200)
          return response.text()
        })
      for (let n = 0; n < 100; n++) {
        const call = yield* Calls.start(Survey, {})
        const id = dialled.at(-1)!
        assert.include(yield* post("dial_completed", id, { status: "answered" }), "How was it?")
        assert.include(yield* post("speak_completed", id, { collected_digits: "5" }), "Thank you.")
        assert.include(yield* post("speak_completed", id, {}), "hangup")
        yield* post("call_completed", id, { status: "hangup" })
        assert.strictEqual(yield* call.outcome, "5")
        const probe = yield* Effect.promise(() => handler(new Request("http://x/health/ready")))
        assert.strictEqual(probe.status, 200)
      }
      assert.deepStrictEqual(lines, [])
      yield* Effect.promise(() => handler(new Request("http://x/orders")))
      assert.deepStrictEqual(lines, ["Info Sent HTTP response"])
      yield* Effect.promise(dispose)
    }).pipe(Effect.provide(Layer.merge(engine, logger)), TestClock.withLive)
  })
})
