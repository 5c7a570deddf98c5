import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Action, Calls, EventStore, PhoneNumber, type Transport, type Webhook } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany, TestCalls } from "@ringback/testing"
import * as TransportContract from "@ringback/testing/TransportContract"
import { Effect, Layer, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TableReady } from "../table-ready/flow.ts"
import * as Carrier from "./carrier.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

// The made-up carrier: a phone company behind its own words.

/** Its door for dials. */
const door = (status: number) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(PhoneCompany.PhoneCompany, (company) =>
      HttpClient.make(Effect.fnUntraced(function*(request) {
        const text = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        const asked = JSON.parse(text) as { to: string; from: string; tag: string; seconds: number }
        const dial = Action.dial({
          to: PhoneNumber.make(asked.to),
          from: PhoneNumber.make(asked.from),
          externalId: asked.tag,
          maxCallDurationSeconds: asked.seconds
        })
        const answered = (body: unknown, status: number) =>
          HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { status }))
        if (status !== 201) return answered({}, status)
        const { referenceId } = yield* Effect.orDie(company.dial(dial))
        return answered({ call: referenceId }, 201)
      })))
  )

const types: { readonly [event: string]: Carrier.Event["type"] } = {
  incoming_call: "incoming",
  speak_completed: "said",
  play_completed: "played",
  call_completed: "ended"
}

const eventOf = ({ digits, event, externalId, referenceId, status }: Webhook.Webhook): Carrier.Event => ({
  type: types[event] ?? (status === "answered" ? "answered" : "unreached"),
  call: referenceId,
  ...(externalId === undefined ? {} : { tag: externalId }),
  ...(digits === undefined ? {} : { keys: digits }),
  ...(status === undefined ? {} : { why: status })
})

const actionOf = (command: Carrier.Command): Action.Action | undefined => {
  switch (command.do) {
    case "say":
      return { _tag: "Speak", text: command.text, ...(command.keys === 0 ? {} : { collect: { max: command.keys } }) }
    case "play":
      return { _tag: "Play", url: command.url, ...(command.keys === 0 ? {} : { collect: { max: command.keys } }) }
    case "hang up":
      return Action.hangup
    case "nothing":
      return undefined
  }
}

const events = Layer.effectDiscard(
  Effect.flatMap(Calls.Calls, (calls) =>
    PhoneCompany.connect((webhook) =>
      Carrier.answer(eventOf(webhook)).pipe(
        Effect.map(actionOf),
        Effect.scoped,
        Effect.provideService(Calls.Calls, calls)
      )
    ))
)

const engine = (status = 201) =>
  events.pipe(
    Layer.provideMerge(Calls.layer({ flows: [TableReady], settings: { dial: { busy: ["busy"] } } })),
    Layer.provide(EventStore.layerMemory),
    Layer.provide(Carrier.layer({ url: "https://carrier.example", token: Redacted.make("token") })),
    Layer.provide(door(status)),
    Layer.provideMerge(PhoneCompany.layer),
    Layer.provideMerge(FakeClock.layer)
  )

const failure = (status: number): Effect.Effect<Transport.TransportError["reason"]["_tag"] | "Accepted"> =>
  Effect.gen(function*() {
    const call = yield* Calls.start(TableReady, input)
    yield* Effect.sleep("1 second")
    const tags = (yield* Calls.events(call.id)).map(({ _tag }) => _tag)
    if (tags.includes("DialUnknown")) return "Lost"
    if (tags.includes("DialNotSent")) return "NotSent"
    return tags.includes("DialRefused") ? "Refused" : "Accepted"
  }).pipe(Effect.provide(engine(status)), Effect.orDie)

describe("another carrier", () => {
  it.effect("holds the same conversation: a second try reaches a guest who was busy", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", [Callee.busy, Callee.answers("3 seconds").presses("1")])
      const call = yield* Calls.start(TableReady, input)
      assert.strictEqual(yield* call.outcome, "coming")
      yield* TestCalls.followed
    }).pipe(Effect.provide(engine())))

  it.effect("says of each refusal what it proves", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* failure(201), "Accepted")
      assert.strictEqual(yield* failure(401), "NotSent")
      assert.strictEqual(yield* failure(422), "Refused")
      assert.strictEqual(yield* failure(429), "NotSent")
      assert.strictEqual(yield* failure(500), "Lost")
    }))
})

TransportContract.suite("the transport of the carrier that is made up", {
  transport: (url) =>
    Carrier.layer({ url, token: Redacted.make("token") }).pipe(Layer.provide(NodeHttpClient.layerNodeHttp)),
  accepted: { status: 201, body: { call: "C-1" }, referenceId: "C-1" },
  refused: { status: 422, body: {} },
  notAuthorized: { status: 401, body: {} },
  throttled: { status: 429, body: {} }
})
