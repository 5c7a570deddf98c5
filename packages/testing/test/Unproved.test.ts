import { assert, describe, it } from "@effect/vitest"
import { Action, CallEvent, Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Effect, Layer, Result, Schema } from "effect"
import { Callee, FlowExplorer, Law, PhoneCompany, TestCalls } from "../src/index.ts"
import { parties } from "./fixtures/flows.ts"

// What an account's documentation names and this library does not is passed on as it is.

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

/** Speech recognition, say: what was said stands in the event that ends it. */
const Dictation = Flow.make("dictation", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) =>
    Flow.gen(function*() {
      const { data } = yield* Line.raw({
        method: "listen",
        params: { language: "en-US", hints: ["yes", "no"] },
        completion: {
          event: "listen_completed",
          lasts: "20 seconds",
          examples: [{ digits: "", data: { said: "yes" } }, { digits: "", data: {} }]
        }
      })
      return data["said"] === "yes" ? "yes" : "nothing"
    }).pipe(Flow.dial({ ...who, parameters: { is_primary: true, call_events: { url: "https://example.com/events" } } }))
})

describe("an action that is not named here", () => {
  it.effect("is sent as it is, and ends by the event that its author names", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, [Callee.answers("1 second")])
      const call = yield* Calls.start(Dictation, { to, from })
      assert.strictEqual(yield* call.outcome, "nothing")
      const actions = (yield* PhoneCompany.log).flatMap((entry) =>
        entry._tag === "Replied" && entry.action !== undefined ? [entry.action] : []
      )
      assert.deepInclude(actions[0], {
        _tag: "Raw",
        method: "listen",
        params: { language: "en-US", hints: ["yes", "no"] },
        completedBy: "listen_completed",
        millis: 20_000
      })
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Dictation] }))))

  it("is explored with what its author says that it comes to", () => {
    const report = FlowExplorer.check(Dictation, { to, from }, [Law.lineCloses, Law.noDeadAir])
    assert.deepStrictEqual(report.unseen, [])
    assert.isTrue(report.outcomes.some((outcome) => JSON.stringify(outcome).includes("yes")), "yes")
    assert.isTrue(report.outcomes.some((outcome) => JSON.stringify(outcome).includes("nothing")), "nothing")
  })

  it("travels as method and params", () => {
    const action = Action.raw({
      method: "play_multiple",
      params: { urls: ["https://a/b"] },
      completedBy: "play_completed"
    })
    assert.deepStrictEqual(
      TelesignWire.encodeAction(action),
      Result.succeed({ method: "play_multiple", params: { urls: ["https://a/b"] } })
    )
  })

  it("is a copy, and is refused where a call could not go on with it", () => {
    const params = { urls: ["https://a/b"] }
    const action = Action.raw({ method: "play_multiple", params, completedBy: "play_completed" })
    params.urls.push("later")
    assert.deepStrictEqual(action.params, { urls: ["https://a/b"] })
    const make = (fields: object) => () =>
      Action.raw({ method: "play_multiple", params: {}, completedBy: "play_completed", ...fields })
    for (
      const wrong of [
        { method: "dial" },
        { method: "hangup" },
        { method: "" },
        { method: "a\nb" },
        { completedBy: "" },
        { params: { at: NaN } },
        { params: { text: "x".repeat(70_000) } },
        { collect: { max: 0 } }
      ]
    ) {
      assert.throws(make(wrong), Action.InvalidAction)
    }
  })
})

describe("a parameter of a dial that is not named here", () => {
  const envelope = (parameters: Record<string, Schema.Json>) =>
    TelesignWire.encodeDial(Action.dial({ to, from, maxCallDurationSeconds: 60, parameters }))

  it("travels beside the others", () => {
    assert.deepStrictEqual(envelope({ is_primary: true }).params, {
      is_primary: true,
      to,
      caller_id_number: from,
      max_call_duration: "60"
    })
  })

  it("takes the place of none, and is JSON", () => {
    for (const name of ["to", "caller_id_number", "max_call_duration", "send_dtmf", "external_id", "", "a\nb"]) {
      assert.throws(() => envelope({ [name]: "15550170666" }), Action.InvalidAction)
    }
    assert.throws(() => envelope({ at: NaN }), Action.InvalidAction)
  })

  it.effect("is recorded with the dial, and sent with each attempt", () => {
    const sent: Array<Action.Dial> = []
    const transport = Layer.succeed(
      Transport.Transport,
      Transport.Transport.of({
        send: (dial) =>
          Effect.suspend(() => {
            sent.push(dial)
            return Effect.fail(
              new Transport.TransportError({ reason: new Transport.Refused({ status: "invalid_phone_number" }) })
            )
          })
      })
    )
    return Effect.gen(function*() {
      const call = yield* Calls.start(Dictation, { to, from })
      yield* Effect.exit(call.outcome)
      const parameters = { is_primary: true, call_events: { url: "https://example.com/events" } }
      assert.deepStrictEqual(sent.map((dial) => dial.parameters), [parameters])
      const planned = (yield* Calls.events(call.id)).filter((event) => event._tag === "DialPlanned")
      assert.deepStrictEqual(CallEvent.decode(CallEvent.encode(planned)), planned)
      assert.deepInclude(planned[0], { parameters })
    }).pipe(Effect.provide(
      Layer.provide(Calls.layer({ flows: [Dictation] }), [EventStore.layerMemory, transport])
    ))
  })
})
