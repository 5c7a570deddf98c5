import { assert, describe, it } from "@effect/vitest"
import {
  Action,
  Call,
  CallEvent,
  Calls,
  EventStore,
  PhoneNumber,
  Prompt,
  SqlEventStore,
  Transport,
  Webhook
} from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Effect, Equal, Hash, Layer, Option, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  type Answer,
  carrier,
  comes,
  converse,
  door,
  engine,
  engineOver,
  from,
  input,
  inTime,
  look,
  Printed,
  Ready,
  sign,
  Survey,
  to,
  watched
} from "./fixtures/canary.ts"

const accepted: Answer = { status: 202, body: `{"reference_id":"CANARYREF-1","status":"dial_accepted"}` }

describe("nothing that is printed shows what was dialled, pressed or said:", () => {
  it.effect("of a conversation that ends in a throw", () =>
    watched((printed) => {
      const { layer, seen } = carrier(accepted)
      return Effect.provide(converse(printed, seen), engine(layer))
    }))

  it.effect("of a conversation on SQLite, whose errors hold what it is given", () =>
    watched((printed) => {
      const { layer, seen } = carrier(accepted)
      const store = SqlEventStore.layer.pipe(Layer.provideMerge(SqliteClient.layer({ filename: ":memory:" })))
      return Effect.gen(function*() {
        yield* converse(printed, seen)
        const sql = yield* SqlClient.SqlClient
        const trigger = sql`CREATE TRIGGER canary BEFORE INSERT ON ringback_turns
          BEGIN SELECT RAISE(ABORT, 'nothing for 15559130461'); END`
        yield* Effect.withTracerEnabled(trigger, false)
        for (const said of ["tangerine", input.said]) {
          const key = `canary-key-${said.length}`
          printed.exit("a start", yield* inTime(Calls.start(Survey, { ...input, said }, { key })))
        }
      }).pipe(Effect.provide(engineOver(store, layer)))
    }))

  const refusals: ReadonlyArray<EventStore.StoreError["reason"]> = [
    new EventStore.Down({ problem: "the connection is gone" }),
    new EventStore.Rejected({ problem: "value too long (SQLSTATE 22001)" })
  ]
  for (const reason of refusals) {
    it.effect(`of a conversation with a store that fails (${reason._tag})`, () =>
      watched((printed) => {
        const { layer, seen } = carrier(accepted)
        let fails = false
        const store = Layer.effect(
          EventStore.EventStore,
          Effect.map(EventStore.EventStore, (store) =>
            EventStore.EventStore.of({
              ...store,
              append: (...turn) =>
                fails ? Effect.fail(new EventStore.StoreError({ operation: "write", reason })) : store.append(...turn)
            }))
        ).pipe(Layer.provide(EventStore.layerMemory))
        return Effect.gen(function*() {
          const call = yield* Calls.start(Survey, input, { key: "canary-key-1" })
          const about = { reference_id: "CANARYREF-1", external_id: seen.externalId }
          const data = { to, from, unknown: "wombat 15559130461" }
          yield* comes(printed, { ...about, event: "dial_completed", data: { ...data, status: "answered" } })
          fails = true
          yield* comes(printed, { ...about, event: "speak_completed", data: { ...data, collected_digits: "73951846" } })
          printed.exit("a start", yield* Effect.exit(Calls.start(Survey, input, { key: "canary-key-2" })))
          printed.exit("a signal", yield* Effect.exit(call.signal(Ready, { code: "wombat" })))
          printed.exit("a cancel", yield* Effect.exit(call.cancel))
          yield* TestClock.adjust("2 minutes")
          yield* look(printed, call.id)
          fails = false
          yield* TestClock.adjust("1 minute")
          yield* look(printed, call.id)
        }).pipe(Effect.provide(engineOver(store, layer)))
      }))
  }

  it.effect("of what comes in by the door", () =>
    watched((printed) => {
      const { layer, seen } = carrier(accepted)
      return Effect.gen(function*() {
        yield* Calls.start(Survey, input, { key: "canary-key-1" })
        const post = yield* door
        const about = { reference_id: "CANARYREF-1", external_id: seen.externalId }
        const data = { to, from, status: "answered", unknown: "wombat 15559130461" }
        const answered = JSON.stringify({ ...about, event: "dial_completed", data })
        assert.strictEqual((yield* post(answered)).status, 200)
        const refused: ReadonlyArray<readonly [body: string, headers?: Record<string, string>]> = [
          [answered, {}],
          [answered, { authorization: "TSA canary-customer:Q2FuYXJ5S2V5" }],
          [answered, { "x-ts-authorization": sign("tangerine") }],
          [answered, { "x-ts-authorization": `${sign(answered)}, 15559130461` }],
          ["tangerine 15559130461"],
          [JSON.stringify({ event: "tangerine", data })],
          [JSON.stringify({ event: "15559130461\nERROR forged".repeat(9), reference_id: "CANARYREF-2", data })],
          [JSON.stringify({ ...about, event: "speak_completed", data: "73951846".repeat(10_000) })]
        ]
        for (const [body, headers] of refused) {
          const response = yield* post(body, headers)
          assert.include([400, 401, 413], response.status)
          printed.value("a refusal", yield* Effect.promise(() => response.text()))
        }
        const strange = { reference_id: "CANARYREF-3", event: "incoming_call", data: { to: from, from: to } }
        printed.value("an answer to nobody", (yield* post(JSON.stringify(strange))).status)
      }).pipe(Effect.provide(engine(layer)), Effect.scoped)
    }))

  for (const status of ["busy 15559130461\nERROR forged 73951846", "busy 15559130461", "15559130461"]) {
    it.effect(`of a callee who is not reached, in words of the carrier's: ${JSON.stringify(status)}`, () =>
      watched((printed) => {
        const { layer, seen } = carrier({ status: 202, body: `{"reference_id":"CANARYREF-2"}` })
        return Effect.gen(function*() {
          const call = yield* Calls.start(Survey, input)
          yield* comes(printed, {
            event: "dial_completed",
            reference_id: "CANARYREF-2",
            external_id: seen.externalId,
            data: { to, from, status }
          })
          printed.exit("an outcome", yield* Effect.exit(call.outcome))
          yield* look(printed, call.id)
        }).pipe(Effect.provide(engine(layer)))
      }))
  }

  const answers: Readonly<Record<string, Answer>> = {
    "a refusal": { status: 400, body: `{"status":"invalid_phone_number","message":"15559130461"}` },
    "a status that is not documented": { status: 400, body: `{"status":"15559130461\\nERROR forged"}` },
    "credentials that are not accepted": { status: 401, body: `{"status":"not_authorized"}` },
    "throttling": { status: 429, body: "15559130461" },
    "no JSON": { status: 202, body: "CANARYREF tangerine" },
    "a break": { broken: new Error("to 15559130461 with Q2FuYXJ5S2V5\nERROR forged") }
  }
  for (const [what, answer] of Object.entries(answers)) {
    it.effect(`of a dial that meets ${what}`, () =>
      watched((printed) => {
        const { layer } = carrier(answer)
        return Effect.gen(function*() {
          const call = yield* Calls.start(Survey, input)
          yield* look(printed, call.id)
          yield* call.cancel
          printed.exit("an outcome", yield* Effect.exit(call.outcome))
          yield* look(printed, call.id)
        }).pipe(Effect.provide(engine(layer)))
      }))
  }

  it.effect("of what is wrong from the start", () =>
    watched((printed) => {
      const { layer } = carrier({ status: 202, body: "{}" })
      return Effect.gen(function*() {
        printed.exit("a start", yield* Effect.exit(Calls.start(Survey, { ...input, to: "+1 555 913 0461" as never })))
        printed.exit("a start", yield* Effect.exit(Calls.start(Survey, { ...input, said: 73951846 as never })))
        for (
          const json of [
            { event: "tangerine".repeat(50), reference_id: "CANARYREF" },
            { event: "15559130461\nERROR forged", reference_id: "CANARYREF-3", data: { to, from } },
            { event: "incoming_call", reference_id: "CANARYREF-4", data: { to: from, from: to } },
            { event: "dial_progress_15559130461", reference_id: "CANARYREF-5", data: { to, from } },
            { event: "tangerine 15559130461", reference_id: "CANARYREF-5", data: { to, from } },
            { event: "speak_completed", reference_id: "CANARYREF\n".repeat(99) }
          ]
        ) {
          yield* comes(printed, json)
        }
        for (
          const json of [{ method: "call 15559130461\nERROR forged" }, { method: "dial", params: { to: "tangerine" } }]
        ) {
          printed.value("an action that is none", Result.merge(TelesignWire.decodeAction(json)))
        }
        const wrong: ReadonlyArray<() => unknown> = [
          () => PhoneNumber.make("+1 555 913 0461"),
          () => Prompt.ssml("<speak>tangerine <wombat</speak>")
        ]
        for (const make of wrong) {
          printed.exit("a value that is none", yield* Effect.exit(Effect.sync(make)))
        }
        printed.value(
          "a failure to send",
          new Transport.TransportError({
            reason: new Transport.Refused({ status: "invalid_phone_number" })
          })
        )
      }).pipe(Effect.provide(engine(layer)))
    }))

  const heard = Prompt.from("tangerine 73951846")
  const made: Readonly<Record<string, () => unknown>> = {
    "a prompt": () => heard,
    "marked-up speech": () => Prompt.ssml("<speak>tangerine</speak>", { language: "en-US" }),
    "audio": () => Prompt.audio("https://example.net/wombat/CANARYREF", { duration: "7 seconds" }),
    "an action": () => Action.prompt(heard),
    "an action that collects": () => Action.prompt(Prompt.ssml("<speak>tangerine</speak>"), { max: 4 }),
    "an action that plays": () => Action.prompt(Prompt.audio("https://example.net/wombat")),
    "an action that is checked": () => Action.checked({ _tag: "Speak", text: "wombat", externalId: "CANARYREF" }),
    "an action that is marked": () => Action.mark(Action.prompt(heard), "CANARYREF"),
    "a dial": () =>
      Action.dial({ to, from, maxCallDurationSeconds: 60, sendDtmf: "73951846", parameters: { to_wombat: "wombat" } }),
    "tones": () => Action.sendDtmf("73951846"),
    "an action of its own": () =>
      Action.raw({ method: "play_multiple", params: { wombat: "wombat" }, completedBy: "play_completed" }),
    "an action that was read": () =>
      TelesignWire.decodeAction({ method: "speak", params: { tts: { message: "tangerine" } } }),
    "an event": () =>
      Webhook.make({
        kind: "DialCompleted",
        event: "dial_completed",
        referenceId: "CANARYREF",
        to,
        from,
        extra: { wombat: "wombat" }
      }),
    "an event that was read": () =>
      TelesignWire.decodeWebhook({
        event: "speak_completed",
        reference_id: "CANARYREF",
        data: { to, from, collected_digits: "73951846" }
      })
  }
  for (const [what, make] of Object.entries(made)) {
    it(`of ${what} that a program prints`, () => {
      const printed = new Printed()
      const value = make()
      const all = Result.isResult(value) ? Result.getOrThrow(value) : value
      printed.value(what, all)
      printed.value(`${what} inside of something`, { all: [all] })
      printed.value(`${what} that is refused`, new Error("no", { cause: all }))
      assert.deepStrictEqual(printed.leaks, [])

      const plain = { ...all as object }
      assert.deepStrictEqual(all, plain as never)
      assert.isTrue(Equal.equals(all, plain))
      assert.strictEqual(Hash.hash(all), Hash.hash(plain))
    })
  }

  it("but what is encoded is whole", () => {
    const action = Action.prompt(heard, { max: 4 })
    const plain = { _tag: "Speak", text: "tangerine 73951846", collect: { max: 4 } }
    assert.strictEqual(JSON.stringify(Schema.encodeSync(Action.Action)(action)), JSON.stringify(plain))
    assert.deepStrictEqual(
      JSON.parse(JSON.stringify(Schema.encodeSync(Prompt.Prompt)(heard))),
      { _tag: "Speech", text: "tangerine 73951846" }
    )
    const events = [{ _tag: "ActionDecided", at: 1, n: 1, line: 1, action }] as const
    assert.strictEqual(CallEvent.encode(events), JSON.stringify([{ ...events[0], action: plain }]))
    assert.deepStrictEqual(Result.getOrThrow(TelesignWire.encodeAction(action)), {
      method: "speak",
      params: { tts: { message: "tangerine 73951846" }, collect_digits: { max: 4 } }
    })
  })

  it.effect("but what is asked for by name is whole", () => {
    const { layer } = carrier({ status: 202, body: `{"reference_id":"CANARYREF-5"}` })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Survey, input)
      const events = yield* Calls.events(call.id)
      assert.deepStrictEqual(CallEvent.decode(CallEvent.encode(events)), events)
      assert.strictEqual(Option.getOrThrow(yield* Calls.get(call.id)).lines[0]?.to, to)
      assert.deepStrictEqual(Call.fold(call.id, events), Option.getOrThrow(yield* Calls.get(call.id)))
      assert.isTrue(Equal.equals(CallEvent.decode(CallEvent.encode(events))[0], events[0]))
    }).pipe(Effect.provide(engine(layer)))
  })
})
