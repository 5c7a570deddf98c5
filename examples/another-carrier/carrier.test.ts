import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import * as TransportContract from "@ringback/testing/TransportContract"
import { Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import * as Carrier from "./carrier.ts"
import * as Fake from "./fake.ts"

const guest = "+15550170001"
const from = PhoneNumber.make("+15550170009")

const Question = Flow.make("question", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Line.menu("Fish & chips: press 1, or 2 for none.", { choices: { "1": "chips", "2": "none" } }).pipe(
      Flow.tap((answer) => Line.goodbye(`So it is ${answer}.`)),
      Flow.dial({ to: PhoneNumber.make(guest), from }),
      Flow.catchTag("NotAnswered", ({ reason }) => Flow.succeed(reason)),
      Flow.catchTag("NoInput", () => Flow.succeed("no input"))
    )
})

const server = () => createServer()

/** The application beside it, on loopback too. */
const application = (api: string) =>
  Layer.unwrap(Effect.map(HttpServer.HttpServer, ({ address }) => {
    const events = `http://127.0.0.1:${"port" in address ? address.port : 0}/carrier/3f1c9a`
    const options = { api, token: Redacted.make("token"), events }
    return HttpRouter.serve(Carrier.route(options), { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(Calls.layer({
        flows: [Question],
        settings: { dial: { busy: ["busy"], noAnswer: ["no-answer"] }, copies: { eventKey: "turn" } }
      })),
      Layer.provide(EventStore.layerMemory),
      Layer.provide(Carrier.layer(options)),
      Layer.provide(NodeHttpClient.layerNodeHttp)
    )
  })).pipe(Layer.provide(NodeHttpServer.layer(server, { port: 0, host: "127.0.0.1" })))

/** What a call comes to, and what was heard of it. */
const outcome = (person: Fake.Person | undefined, options?: { readonly loses: boolean }) =>
  Effect.gen(function*() {
    const fake = yield* Fake.open(person === undefined ? {} : { [guest]: person }, options)
    const value = yield* Effect.flatMap(Calls.start(Question, {}), (call) => call.outcome).pipe(
      Effect.tap(fake.over),
      Effect.provide(application(fake.url))
    )
    return { value, heard: fake.heard }
  })

const question = "Fish & chips: press 1, or 2 for none."

describe("another carrier", () => {
  it.effect("holds a conversation, and a question that it asks twice is answered once", () =>
    Effect.gen(function*() {
      const { heard, value } = yield* outcome(["1"])
      assert.strictEqual(value, "chips")
      assert.deepStrictEqual(heard, [question, "So it is chips."])
    }))

  it.effect("asks again after silence and after a wrong key", () =>
    Effect.gen(function*() {
      const { heard, value } = yield* outcome(["", "7", "2"])
      assert.strictEqual(value, "none")
      assert.deepStrictEqual(heard, [question, question, question, "So it is none."])
    }))

  it.effect("goes on with a call whose dial was not confirmed, by the id in the address", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* outcome(["2"], { loses: true })).value, "none")
    }))

  it.effect("says who was not reached, and why", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* outcome("busy")).value, "busy")
      assert.strictEqual((yield* outcome("no-answer")).value, "no answer")
      assert.strictEqual((yield* outcome(undefined)).value, "refused")
    }))
})

TransportContract.suite("the transport of the carrier that is made up", {
  transport: (api) =>
    Carrier.layer({ api, token: Redacted.make("token"), events: "https://calls.example/carrier/3f1c9a" }).pipe(
      Layer.provide(NodeHttpClient.layerNodeHttp)
    ),
  accepted: { status: 201, body: { sid: "CA1" }, referenceId: "CA1" },
  refused: { status: 422, body: {} },
  notAuthorized: { status: 401, body: {} },
  throttled: { status: 429, body: {} }
})
