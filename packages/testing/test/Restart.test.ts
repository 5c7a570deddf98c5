import { assert, describe, it } from "@effect/vitest"
import { CallError, Calls, EventStore, Flow, Line, PhoneNumber, SqlEventStore } from "@ringback/core"
import type { CallEvent, Reply } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Context, Deferred, Effect, Fiber, Latch, Layer, Option, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"
import { Announcement, parties } from "./fixtures/flows.ts"
import * as Predictable from "./fixtures/Predictable.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const input = { to, from }

/** A database file of its own for each test. */
const database = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "calls.db")
)

const settings = { dial: { busy: ["busy"], noAnswer: ["no_answer"] } }

/** One life of the engine on the file; it ends with the effect that it is provided to. */
const life = <const Flows extends Parameters<typeof Calls.layer>[0]["flows"]>(filename: string, flows: Flows) =>
  TestCalls.connection.pipe(
    Layer.provideMerge(Predictable.layer({ flows, settings })),
    Layer.provide(FakeTransport.layer),
    Layer.provide(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename }))
  )

const world = PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer))

const ringsOf = Effect.map(PhoneCompany.rings, (rings) => rings.length)

describe("an engine that is stopped and started again", () => {
  it.effect("goes on with a call that rang meanwhile, and rings once", () =>
    Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", Callee.answers("10 seconds"))
      const { id } = yield* Effect.provide(
        Effect.tap(Calls.start(Announcement, input), Effect.sleep("3 seconds")),
        life(filename, [Announcement])
      )
      yield* Effect.sleep("2 seconds")
      const outcome = yield* Effect.provide(
        Effect.flatMap(Calls.handle(Announcement, id), (call) => call.outcome),
        life(filename, [Announcement])
      )
      assert.strictEqual(outcome, "heard")
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(world)))

  it.effect("goes on with two people who talked meanwhile, when one of them leaves", () => {
    const Desk = Flow.make("desk", {
      version: 1,
      input: {},
      output: Schema.String,
      run: () =>
        Flow.inbound(() =>
          Flow.gen(function*() {
            yield* Line.speak("Welcome.")
            const leg = yield* Line.bridge({ to, from })
            yield* Line.goodbye("Goodbye.")
            return leg._tag === "Left" ? leg.who : "not connected"
          })
        )
    })
    const life = (filename: string) =>
      TestCalls.connection.pipe(
        Layer.provideMerge(Predictable.layer({ flows: [], inbound: { [from]: Desk }, settings })),
        Layer.provide(FakeTransport.layer),
        Layer.provideMerge(SqlEventStore.layer),
        Layer.provide(SqliteClient.layer({ filename }))
      )
    return Effect.gen(function*() {
      const filename = yield* database
      const { id } = yield* Effect.provide(
        Effect.tap(TestCalls.incoming(Desk, { to: from, from: "15550170044" }), Effect.sleep("20 seconds")),
        life(filename)
      )
      assert.deepStrictEqual((yield* PhoneCompany.lines).map((line) => line.state._tag), ["Talking"])
      yield* Effect.sleep("5 seconds")
      const outcome = yield* Effect.provide(
        Effect.flatMap(Calls.Calls, (calls) => calls.handle(Desk, id).outcome),
        life(filename)
      )
      assert.strictEqual(outcome, "them")
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(world))
  })

  it.effect("wakes a call whose sleep ended meanwhile", () =>
    Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", [Callee.busy, Callee.answers()])
      const { id } = yield* Effect.provide(
        Effect.tap(Calls.start(Announcement, input), Effect.sleep("1 minute")),
        life(filename, [Announcement])
      )
      assert.strictEqual(yield* ringsOf, 1)
      yield* Effect.sleep("3 hours")
      const outcome = yield* Effect.provide(
        Effect.flatMap(Calls.Calls, (calls) => calls.handle(Announcement, id).outcome),
        life(filename, [Announcement])
      )
      assert.strictEqual(outcome, "heard")
      assert.strictEqual(yield* ringsOf, 2)
    }).pipe(Effect.provide(world)))

  it.effect("runs an activity again under the same key, and records its result once", () =>
    Effect.gen(function*() {
      const filename = yield* database
      const keys: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const Booking = Flow.make("booking", {
        version: 1,
        input: {},
        output: Schema.String,
        run: () =>
          Flow.activity(
            "book",
            { success: Schema.String, within: "1 hour" },
            Effect.gen(function*() {
              keys.push(yield* Calls.ActivityKey)
              if (keys.length === 1) yield* Deferred.await(gate)
              return "booked"
            })
          )
      })
      const { id } = yield* Effect.provide(
        Effect.tap(Calls.start(Booking, {}), Effect.sleep("1 second")),
        life(filename, [Booking])
      )
      const [outcome, events] = yield* Effect.provide(
        Effect.gen(function*() {
          const calls = yield* Calls.Calls
          return [yield* calls.handle(Booking, id).outcome, yield* calls.events(id)] as const
        }),
        life(filename, [Booking])
      )
      assert.strictEqual(outcome, "booked")
      assert.deepStrictEqual(keys, [`${id}/1`, `${id}/1`])
      assert.strictEqual(events.filter((event) => event._tag === "ActivityCompleted").length, 1)
    }).pipe(Effect.provide(world)))

  it.effect("tells an outcome that was recorded before, without ringing", () =>
    Effect.gen(function*() {
      const filename = yield* database
      const { id } = yield* Effect.provide(
        Effect.tap(Calls.start(Announcement, input, { key: "x" }), (call) => call.outcome),
        life(filename, [Announcement])
      )
      const again = yield* Effect.provide(
        Effect.gen(function*() {
          const call = yield* Calls.start(Announcement, input, { key: "x" })
          return { id: call.id, outcome: yield* call.outcome }
        }),
        life(filename, [Announcement])
      )
      assert.deepStrictEqual(again, { id, outcome: "heard" })
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(world)))

  it.effect("refuses to start while running calls need a version that is not registered", () =>
    Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", Callee.busy)
      yield* Effect.provide(
        Effect.tap(Calls.start(Announcement, input), Effect.sleep("1 minute")),
        life(filename, [Announcement])
      )
      const Next = { ...Announcement, version: 2 }
      const error = yield* Effect.flip(Effect.provide(Effect.void, life(filename, [Next])))
      assert.deepStrictEqual(
        error,
        new CallError.FlowsMissing({ missing: [{ flow: "announcement", version: 1, calls: 1 }] })
      )
      yield* Effect.provide(Effect.void, life(filename, [Next, Announcement]))
    }).pipe(Effect.provide(world)))

  it.effect("ends a call whose flow was changed under it, and says at which event", () =>
    Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", Callee.busy)
      const { id } = yield* Effect.provide(
        Effect.tap(Calls.start(Announcement, input), Effect.sleep("1 minute")),
        life(filename, [Announcement])
      )
      const Changed = Flow.make("announcement", {
        version: 1,
        input: parties,
        output: Schema.Literals(["heard", "unreached"]),
        run: (who) => Line.speak("Something else.").pipe(Flow.as("heard" as const), Flow.dial(who))
      })
      const error = yield* Effect.provide(
        Effect.flatMap(Calls.Calls, (calls) => Effect.flip(calls.handle(Changed, id).outcome)),
        life(filename, [Changed])
      )
      assert.strictEqual(error._tag, "CallStopped")
      assert.match(error.message, /disagrees with its log at event 1 /)
      assert.notInclude(error.message, "5550170001")
    }).pipe(Effect.provide(world)))
})

const webhook = (fields: { readonly event: string; readonly referenceId?: string; readonly externalId?: string }) => ({
  referenceId: "7A10C4E2B95D4F0E8C3311AA90FE6D21",
  ...fields
})

describe("an event that belongs to no call", () => {
  const engine = TestCalls.layer({ flows: [Announcement], namespace: "ours" })
  const answer = (fields: Parameters<typeof webhook>[0]) =>
    Effect.map(Calls.receive(TelesignWire.named(webhook(fields))), (reply) => reply.action?._tag)

  it.effect("of another installation is left alone", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* answer({ event: "dial_completed" }))
      assert.isUndefined(yield* answer({ event: "dial_completed", externalId: "visit-8841" }))
      assert.isUndefined(yield* answer({ event: "speak_completed", externalId: "theirs.0123456789abcdefghjk.1" }))
    }).pipe(Effect.provide(engine)))

  it.effect("of our own, when the store was lost, is hung up on", () =>
    Effect.gen(function*() {
      const externalId = "ours.0123456789abcdefghjk.1"
      assert.strictEqual(yield* answer({ event: "dial_completed", externalId }), "Hangup")
      assert.isUndefined(yield* answer({ event: "call_completed", externalId }))
    }).pipe(Effect.provide(engine)))

  it.effect("for a number without a flow is refused, the same every time", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* answer({ event: "incoming_call" }), "Hangup")
      assert.strictEqual(yield* answer({ event: "incoming_call" }), "Hangup")
    }).pipe(Effect.provide(engine)))
})

describe("an event before the 202", () => {
  it.effect("finds its call by our id", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Announcement, input)
      const externalId = `ours.${call.id}.00000001`
      const reply = yield* Calls.receive(
        TelesignWire.named({ ...webhook({ event: "dial_completed", externalId }), status: "answered" })
      )
      assert.strictEqual(reply.action?._tag, "Speak")
      const again = yield* Calls.receive(
        TelesignWire.named({ ...webhook({ event: "dial_completed", externalId }), status: "answered" })
      )
      assert.deepStrictEqual(again.action, reply.action)
      const found = Option.getOrThrow(yield* Calls.get(call.id))
      assert.strictEqual(found.lines[0]?.answered, true)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement], namespace: "ours" }))))
})

describe("two webhooks at once", () => {
  it.effect("are one fact, and get one action", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Announcement, input)
      const answered = {
        ...webhook({ event: "dial_completed", externalId: `ours.${call.id}.00000001` }),
        status: "answered"
      }
      const replies = yield* Effect.all(Array.from({ length: 20 }, () => Calls.receive(TelesignWire.named(answered))), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(replies.map((reply) => JSON.stringify(reply.action))).size, 1)
      const events: ReadonlyArray<CallEvent.CallEvent> = yield* Calls.events(call.id)
      assert.strictEqual(events.filter((event) => event._tag === "CallAnswered").length, 1)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement], namespace: "ours" }))))
})

describe("a webhook whose reply breaks again and again", () => {
  it.effect("gets the same reply each time, however late it is asked for", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(TwoCodes, input)
      const externalId = `ours.${call.id}.00000001`
      const answer = Effect.fnUntraced(function*(fields: Parameters<typeof webhook>[0], whole: boolean) {
        const reply = yield* Calls.receive(TelesignWire.named({ ...webhook(fields), status: "answered", digits: "1" }))
        yield* reply.sent(whole)
        return reply.action?._tag === "Speak" ? reply.action.text : reply.action?._tag
      })
      const pressed = { event: "speak_completed", externalId }
      assert.strictEqual(yield* answer({ event: "dial_completed", externalId }, true), "The first code?")
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(yield* answer(pressed, true), "The second code?")
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(yield* answer(pressed, false), "The third code?")
      for (const wait of ["5 seconds", "10 seconds", "15 seconds"] as const) {
        yield* Effect.sleep(wait)
        assert.strictEqual(yield* answer(pressed, false), "The third code?")
      }
      const events = yield* Calls.events(call.id)
      assert.lengthOf(events.filter((event) => event._tag === "ReplyBroken"), 1)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [TwoCodes], namespace: "ours" }))))
})

describe("an equal answer after two crashes", () => {
  it.effect("is taken for a copy once, and then heard", () =>
    Effect.gen(function*() {
      const engine = Layer.fresh(Predictable.layer({ flows: [TwoCodes], namespace: "ours" })).pipe(
        Layer.provide(FakeTransport.layer)
      )
      const next = Effect.map(Layer.build(engine), (context) => Context.get(context, Calls.Calls))
      const first = yield* next
      const { id } = yield* first.start(TwoCodes, input)
      const fields = { externalId: `ours.${id}.00000001`, status: "answered" }
      const pressed = TelesignWire.named({ ...webhook({ event: "speak_completed" }), ...fields, digits: "1" })
      const ask = (calls: Calls.Calls["Service"], event: Parameters<typeof calls.receive>[0]) =>
        Effect.gen(function*() {
          const reply = yield* calls.receive(event)
          yield* reply.sent(true)
          yield* Effect.sleep("5 seconds")
          return reply.action?._tag === "Speak" ? reply.action.text : reply.action?._tag
        })
      assert.strictEqual(
        yield* ask(first, TelesignWire.named({ ...webhook({ event: "dial_completed" }), ...fields })),
        "The first code?"
      )
      yield* first.receive(pressed)
      yield* next // a crash right after the record: its reply is in doubt
      yield* Effect.sleep("5 seconds")
      const third = yield* next // and another one, whose restart finds nothing new to doubt
      assert.strictEqual(yield* ask(third, pressed), "The second code?")
      assert.strictEqual(yield* ask(third, pressed), "The third code?")
    }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(world, EventStore.layerMemory))))
})

describe("a copy of the end of a leg", () => {
  it.effect("gets the action in flight, whether the reply to the first was written or not", () =>
    Effect.gen(function*() {
      const [caller, agent] = ["15550170044", "15550170077"]
      const parties = { from: caller, to: from }
      yield* Calls.receive(TelesignWire.named({ ...webhook({ event: "incoming_call" }), ...parties }))
      const left = { ...webhook({ event: "call_leg_completed" }), to: agent, from }
      const replies = [yield* Calls.receive(TelesignWire.named(left)), yield* Calls.receive(TelesignWire.named(left))]
      yield* replies[0]!.sent(true)
      yield* replies[1]!.sent(true)
      replies.push(yield* Calls.receive(TelesignWire.named(left)))
      assert.deepStrictEqual(replies.map((reply) => reply.action?._tag), ["Speak", "Speak", "Speak"])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [], inbound: { [from]: Reception } }))))
})

describe("two phones that ring for one dial", () => {
  it.effect("and the second is answered after the end of the first: it is hung up on", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Greeting, input)
      const externalId = `ours.${call.id}.00000001`
      const other = { event: "dial_completed", externalId, referenceId: "second", status: "answered" }
      yield* Calls.receive(TelesignWire.named(webhook({ event: "call_completed", externalId })))
      assert.strictEqual((yield* Calls.receive(TelesignWire.named(other))).action?._tag, "Hangup")
      yield* Effect.sleep("1 minute")
      assert.strictEqual((yield* Calls.receive(TelesignWire.named(other))).action?._tag, "Hangup")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Greeting], namespace: "ours" }))))
})

const nobodyKnows = Effect.fail(
  new EventStore.StoreError({ operation: "write", reason: new EventStore.Down({ problem: "Nobody knows." }) })
)

/** A store that keeps a turn with such an event, and says that it failed, or throws, once. */
const failsAfter = (tag: CallEvent.CallEvent["_tag"], { keeps = Effect.ignore, says = nobodyKnows }: Doubt) =>
  Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) => {
      let isToFail = true
      return EventStore.EventStore.of({
        ...store,
        append: (turn, summary, about) => {
          const append = store.append(turn, summary, about)
          if (!isToFail || !turn.events.some((event) => event._tag === tag)) return append
          isToFail = false
          return Effect.andThen(keeps(append), says)
        }
      })
    })
  ).pipe(Layer.provide(EventStore.layerMemory))

interface Doubt {
  readonly keeps?: (append: Effect.Effect<void, unknown>) => Effect.Effect<unknown>
  readonly says?: Effect.Effect<never, EventStore.StoreError>
}

const keepsLate = (append: Effect.Effect<void, unknown>) =>
  Effect.forkDetach(Effect.delay(Effect.ignore(append), "30 seconds"))

const doubtful = (tag: CallEvent.CallEvent["_tag"], doubt: Doubt = {}) =>
  TestCalls.connection.pipe(
    Layer.provideMerge(Predictable.layer({ flows: [Announcement, Lookup], settings })),
    Layer.provide(FakeTransport.layer),
    Layer.provide(failsAfter(tag, doubt)),
    Layer.provideMerge(world)
  )

describe("a store that throws where it should fail", () => {
  it.effect("costs neither the webhook its answer nor the call anything", () =>
    Effect.gen(function*() {
      let throws = 0
      const throwing = Layer.effect(
        EventStore.EventStore,
        Effect.map(EventStore.EventStore, (store) =>
          EventStore.EventStore.of({
            ...store,
            append: (...turn) => {
              if (throws-- > 0) throw new Error("a bug")
              return store.append(...turn)
            }
          }))
      ).pipe(Layer.provide(EventStore.layerMemory))
      const engine = TestCalls.connection.pipe(
        Layer.provideMerge(Predictable.layer({ flows: [Announcement], namespace: "ours", settings })),
        Layer.provide(FakeTransport.layer),
        Layer.provide(throwing),
        Layer.provideMerge(world)
      )
      yield* Effect.gen(function*() {
        const call = yield* Calls.start(Announcement, input)
        const answered = {
          ...webhook({ event: "dial_completed", externalId: `ours.${call.id}.00000001` }),
          status: "answered"
        }
        yield* Effect.sleep("1 second")
        throws = 2
        assert.strictEqual((yield* Calls.receive(TelesignWire.named(answered))).action?._tag, "Speak")
      }).pipe(Effect.provide(engine))
    }))
})

describe("an append that failed and is stored all the same", () => {
  it.effect("is sent, if it is a dial, once", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(Calls.start(Announcement, input, { key: "x" }))
      assert.strictEqual(failed._tag, "StoreError")
      yield* Effect.sleep("1 second")
      assert.strictEqual(yield* ringsOf, 1)
      const call = yield* Calls.start(Announcement, input, { key: "x" })
      assert.strictEqual(yield* call.outcome, "heard")
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(doubtful("DialAttempted"))))

  it.effect("is sent, too, if the store threw instead of failing", () =>
    Effect.gen(function*() {
      yield* Effect.flip(Calls.start(Announcement, input, { key: "x" }))
      yield* Effect.sleep("1 second")
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(doubtful("DialAttempted", { says: Effect.die(new Error("a bug")) }))))

  it.effect("is found, too, if it is stored so late that it was not there at first", () =>
    Effect.gen(function*() {
      yield* Effect.flip(Calls.start(Announcement, input, { key: "x" }))
      yield* Effect.sleep("59 seconds")
      assert.strictEqual(yield* ringsOf, 0)
      yield* Effect.sleep("10 seconds")
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(doubtful("DialAttempted", { keeps: keepsLate }))))

  it.effect("is found by whoever asks for its call before", () =>
    Effect.gen(function*() {
      yield* Effect.flip(Calls.start(Announcement, input, { key: "x" }))
      yield* Effect.sleep("40 seconds")
      const call = yield* Calls.start(Announcement, input, { key: "x" })
      assert.strictEqual(yield* call.outcome, "heard")
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(doubtful("DialAttempted", { keeps: keepsLate }))))

  it.effect("is run, if it is an activity", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Lookup, {})
      assert.strictEqual(yield* call.outcome, "found")
    }).pipe(Effect.provide(doubtful("ActivityStarted"))))
})

describe("two processes on one store", () => {
  it.effect("know each other's lines, also where the store fails when it is asked whether there is a new one", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      let failures = 0
      const failing = EventStore.EventStore.of({
        ...store,
        summary: (id) =>
          failures-- > 0
            ? Effect.fail(
              new EventStore.StoreError({ operation: "read", reason: new EventStore.Down({ problem: "it is down" }) })
            )
            : store.summary(id)
      })
      const engine = Layer.fresh(
        Predictable.layer({ flows: [Insistent], namespace: "ours", settings: { dial: { busy: ["busy"] } } })
      ).pipe(Layer.provide(FakeTransport.layer), Layer.provide(Layer.succeed(EventStore.EventStore, failing)))
      const [one, other] = yield* Effect.all([Layer.build(engine), Layer.build(engine)]).pipe(
        Effect.map(([one, other]) => [Context.get(one, Calls.Calls), Context.get(other, Calls.Calls)] as const)
      )
      const { id } = yield* one.start(Insistent, input)
      const of = (line: number, status: string) => ({
        ...webhook({
          event: "dial_completed",
          referenceId: `session ${line}`,
          externalId: `ours.${id}.0000000${line}`
        }),
        status
      })
      yield* other.receive(TelesignWire.named({ ...of(1, "ringing"), event: "surprise" }))
      yield* one.receive(TelesignWire.named(of(1, "busy")))
      failures = 1
      const { action } = yield* other.receive(TelesignWire.named(of(2, "answered")))
      assert.strictEqual(action?._tag, "Speak")
    }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(world, EventStore.layerMemory))))

  it.effect("know what a line heard, though the one gave a hold before the other went on with the call", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      const brake = yield* Latch.make(true)
      const slow = EventStore.EventStore.of({
        ...store,
        append: (...turn) => Effect.andThen(brake.await, store.append(...turn))
      })
      const engineOn = (store: EventStore.EventStore["Service"]) =>
        Effect.map(
          Layer.build(
            Layer.fresh(Predictable.layer({ flows: [Greeting], namespace: "ours" })).pipe(
              Layer.provide(FakeTransport.layer),
              Layer.provide(Layer.succeed(EventStore.EventStore, store))
            )
          ),
          Context.get(Calls.Calls)
        )
      const [one, other] = [yield* engineOn(slow), yield* engineOn(store)]
      const { id } = yield* one.start(Greeting, input)
      const externalId = `ours.${id}.00000001`
      const answered = { ...webhook({ event: "dial_completed", externalId }), status: "answered" }
      const spoken = webhook({ event: "speak_completed", externalId })
      const wordsOf = ({ action }: Reply.Reply) => action?._tag === "Speak" ? action.text : action?._tag
      yield* brake.close
      const held = yield* Effect.forkChild(one.receive(TelesignWire.named(answered)))
      yield* Effect.sleep("3 seconds")
      assert.strictEqual(wordsOf(yield* Fiber.join(held)), "One moment, please.")
      assert.strictEqual(wordsOf(yield* other.receive(TelesignWire.named(answered))), "Good morning.")
      yield* brake.open
      yield* Effect.sleep("3 seconds")
      assert.strictEqual(wordsOf(yield* one.receive(TelesignWire.named(spoken))), "How are you?")
    }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(world, EventStore.layerMemory))))

  it.effect("give a copy the action in flight, also the one that did not see it begin", () =>
    Effect.gen(function*() {
      const engine = Layer.fresh(Predictable.layer({ flows: [Greeting], namespace: "ours" })).pipe(
        Layer.provide(FakeTransport.layer)
      )
      const [one, other] = yield* Effect.all([Layer.build(engine), Layer.build(engine)]).pipe(
        Effect.map(([one, other]) => [Context.get(one, Calls.Calls), Context.get(other, Calls.Calls)] as const)
      )
      const call = yield* one.start(Greeting, input)
      const externalId = `ours.${call.id}.00000001`
      const answered = { ...webhook({ event: "dial_completed", externalId }), status: "answered" }
      const wordsOf = ({ action }: Reply.Reply) => action?._tag === "Speak" ? action.text : action?._tag
      assert.strictEqual(wordsOf(yield* one.receive(TelesignWire.named(answered))), "Good morning.")
      assert.strictEqual(wordsOf(yield* other.receive(TelesignWire.named(answered))), "Good morning.")
      assert.strictEqual(
        wordsOf(yield* one.receive(TelesignWire.named(webhook({ event: "speak_completed", externalId })))),
        "How are you?"
      )
      assert.strictEqual(wordsOf(yield* other.receive(TelesignWire.named(answered))), "How are you?")
    }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(world, EventStore.layerMemory))))
})

const Greeting = Flow.make("greeting", {
  version: 1,
  input: parties,
  output: Schema.Void,
  run: (who) => Line.speak("Good morning.").pipe(Flow.andThen(Line.speak("How are you?")), Flow.dial(who))
})

/** Dials once more if nobody answers. */
const Insistent = Flow.make("insistent", {
  version: 1,
  input: parties,
  output: Schema.Void,
  run: (who) => Flow.retry(Flow.dial(Line.speak("Good morning."), who), { times: 1 })
})

const TwoCodes = Flow.make("two-codes", {
  version: 1,
  input: parties,
  output: Schema.Void,
  run: (who) =>
    Flow.forEach(
      ["The first code?", "The second code?", "The third code?", "The last code?"],
      (question) => Line.collect(question, { max: 1 })
    ).pipe(
      Flow.as(undefined),
      Flow.dial({ ...who, ringFor: "40 seconds" })
    )
})

const Lookup = Flow.make("lookup", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.sleep("1 second").pipe(
      Flow.andThen(Flow.activity("look up", { success: Schema.String }, Effect.succeed("found")))
    )
})

const Reception = Flow.make("reception", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () =>
    Flow.inbound(() =>
      Line.bridge({ to: PhoneNumber.make("15550170077"), from }).pipe(
        Flow.andThen(Line.speak("Good-bye, and thank you for your call."))
      )
    )
})
