/** A session of the carrier belongs to one call: the first that had it. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, Transport, type Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Fiber, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Lines from "./fixtures/lines.ts"
import * as Predictable from "./fixtures/Predictable.ts"
import { Desk, desk, from, Question, to } from "./fixtures/questions.ts"

const session = "7A10C4E2B95D4F0E8C3311AA90FE6D21"

const accepting = (referenceId: string) =>
  Layer.succeed(Transport.Transport, { send: () => Effect.succeed({ referenceId }) })

const engine = (transport = accepting(session)) =>
  Predictable.layer({
    flows: [Question],
    inbound: { [desk]: Desk },
    settings: { memory: { calls: 0 } }
  }).pipe(Layer.provide(transport))

const world = engine().pipe(Layer.provideMerge(EventStore.layerMemory))

/** What an event is answered with. */
const receive = (event: string, fields: Partial<Webhook.Webhook> = {}) =>
  Effect.map(
    Calls.receive(TelesignWire.named({ event, referenceId: session, ...fields })),
    ({ action }) => action?._tag === "Speak" ? action.text : action?._tag ?? "{}"
  )

const stranger = receive("incoming_call", { to: desk, from: "15550170044" })
const answered = receive("dial_completed", { status: "answered" })
const pressed = receive("speak_completed", { status: "speak_successful", digits: "4" })

const tags = (id: Calls.Handle<unknown, unknown>["id"]) =>
  Effect.map(Calls.events(id), (events) => events.map(({ _tag }) => _tag))

/** The question was asked, a stranger came with its session, and its answer counts. */
const isHeard = Effect.fnUntraced(function*(call: Calls.Handle<string, never>) {
  assert.strictEqual(yield* pressed, "Hangup")
  assert.strictEqual(yield* call.outcome, "4")
  assert.strictEqual(Option.getOrUndefined(yield* (yield* EventStore.EventStore).find(session)), call.id)
  assert.notInclude(yield* tags(call.id), "CallArrived")
})

describe("an incoming call with the session of a call that is known", () => {
  it.effect("is an event of that call while it is live", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Question, {})
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* answered, "Which?")
      assert.strictEqual(yield* stranger, "Which?")
      yield* TestClock.adjust("5 seconds")
      yield* isHeard(call)
    }).pipe(Effect.provide(world)))

  it.effect("is an event of that call while it rings", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Question, {})
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* stranger, "{}")
      assert.strictEqual(yield* answered, "Which?")
      yield* TestClock.adjust("5 seconds")
      yield* isHeard(call)
      assert.include(yield* tags(call.id), "Stray")
    }).pipe(Effect.provide(world)))

  it.effect("is an event of that call when it has left memory, also where nobody answers such a number", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Question, {})
      yield* TestClock.adjust("1 second")
      yield* answered
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* call.outcome, "HungUp")
      const before = (yield* tags(call.id)).length
      assert.strictEqual(yield* stranger, "Hangup")
      assert.strictEqual(yield* receive("incoming_call", { to: "15550170007" }), "Hangup")
      assert.strictEqual(yield* pressed, "Hangup")
      assert.strictEqual((yield* tags(call.id)).slice(before).filter((tag) => tag !== "Stray").length, 0)
    }).pipe(Effect.provide(world)))

  it.effect("is an event of that call in another process, and so is what came behind it", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      const shared = Layer.succeed(EventStore.EventStore, store)
      const other = Context.get(yield* Layer.build(Layer.fresh(engine().pipe(Layer.provide(shared)))), Calls.Calls)
      const call = yield* Calls.start(Question, {})
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* answered, "Which?")
      yield* TestClock.adjust("5 seconds")
      const there = Effect.provideService(Calls.Calls, other)
      const both = yield* Effect.forkChild(there(Effect.all([stranger, pressed], { concurrency: 2 })))
      assert.deepStrictEqual(yield* Fiber.join(both), ["Which?", "Hangup"])
      const events = yield* tags(call.id)
      assert.include(events, "PromptCompleted")
      assert.notInclude(events, "CallArrived")
      assert.strictEqual(Option.getOrUndefined(yield* store.find(session)), call.id)
    }).pipe(Effect.scoped, Effect.provide(EventStore.layerMemory.pipe((store) => Layer.provideMerge(engine(), store)))))

  it.effect("begins one call however often it comes, and what comes with it is that call's", () =>
    Effect.gen(function*() {
      const all = Effect.all([stranger, receive("speak_completed"), stranger, receive("call_completed")], {
        concurrency: 4
      })
      assert.deepStrictEqual(yield* all, ["Who is there?", "Hangup", "Hangup", "{}"])
    }).pipe(Effect.provide(world)))
})

describe("a session that two calls claim", () => {
  it.effect("stays with the first, in memory and in the store, what names the second is hung up on, and that is told", () => {
    const { layer, said } = Lines.make()
    return Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      const first = yield* Calls.start(Question, {})
      const second = yield* Calls.start(Question, {}) // the carrier's 202 names the same session
      yield* TestClock.adjust("1 second")
      assert.strictEqual(Option.getOrUndefined(yield* store.find(session)), first.id)
      assert.strictEqual(yield* answered, "Which?")
      assert.include(yield* tags(first.id), "CallAnswered")
      assert.notInclude(yield* tags(second.id), "CallAnswered")
      const before = yield* tags(first.id)
      const externalId = `${store.namespace.slice(0, 6)}.${second.id}.00000001`
      assert.strictEqual(yield* receive("dial_completed", { externalId, status: "answered" }), "Hangup")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* receive("speak_completed", { externalId, digits: "7" }), "Hangup")
      assert.strictEqual(yield* receive("call_completed", { externalId }), "{}")
      assert.deepStrictEqual(yield* tags(first.id), before)
      assert.notInclude(yield* tags(second.id), "CallAnswered")
      yield* isHeard(first)
      assert.lengthOf(said, 1)
      assert.strictEqual(said[0]!.level, "Warn")
      assert.include(said[0]!.text, `The carrier gave a call the reference_id of another call (${second.id})`)
    }).pipe(Effect.provide(Layer.merge(world.pipe(Layer.provide(layer)), layer)))
  })

  it.effect("goes back to the first, when that comes into memory again", () =>
    Effect.gen(function*() {
      const first = yield* Calls.start(Question, {})
      yield* TestClock.adjust("1 second")
      yield* answered
      yield* receive("call_completed")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* first.outcome, "HungUp") // over, and out of memory
      const second = yield* Calls.start(Question, {}) // the carrier's 202 names the same session
      yield* TestClock.adjust("1 second")
      yield* first.cancel // which brings it into memory
      assert.strictEqual(yield* answered, "{}")
      assert.notInclude(yield* tags(second.id), "CallAnswered")
    }).pipe(Effect.provide(world)))

  it.effect("stays with the first that the store knows, though another claims it while the first is out of memory", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      const first = yield* Calls.start(Question, {})
      yield* TestClock.adjust("1 second")
      const ofCall = (id: string) => ({
        externalId: `${store.namespace.slice(0, 6)}.${id}.00000001`,
        status: "answered"
      })
      assert.strictEqual(yield* receive("dial_completed", ofCall(first.id)), "Which?")
      yield* receive("call_completed")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* first.outcome, "HungUp") // over, and out of memory
      const second = yield* Calls.start(Question, {})
      const before = (yield* tags(second.id)).length
      assert.strictEqual(yield* receive("dial_completed", ofCall(second.id)), "Hangup")
      assert.strictEqual(Option.getOrUndefined(yield* store.find(session)), first.id)
      assert.deepStrictEqual((yield* tags(second.id)).slice(before), [])
    }).pipe(Effect.provide(Layer.provideMerge(engine(accepting("another")), EventStore.layerMemory)), Effect.scoped))
})

describe("a second session of one dial", () => {
  const Pair = Flow.make("pair", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () =>
      Flow.gen(function*() {
        const one = yield* Line.collect("Which?", { max: 1, attempts: 1 })
        const two = yield* Line.collect("And?", { max: 1, attempts: 1 })
        return one + two
      }).pipe(
        Flow.dial({ to, from }),
        Flow.catchTag(["NotAnswered", "HungUp", "NoInput"], ({ _tag }) => Flow.succeed(_tag))
      )
  })

  const pair = Predictable.layer({ flows: [Pair], settings: { copies: { atMost: 1 } } }).pipe(
    Layer.provide(accepting(session)),
    Layer.provideMerge(EventStore.layerMemory)
  )

  it.effect("is hung up on, which is no copy of what the first one hears", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Pair, {})
      yield* TestClock.adjust("1 second")
      const externalId = `${(yield* EventStore.EventStore).namespace.slice(0, 6)}.${call.id}.00000001`
      const post = Effect.fnUntraced(
        function*(fields: Omit<Webhook.Webhook, "kind" | "referenceId">, referenceId = session) {
          const { action, basis, sent } = yield* Calls.receive(
            TelesignWire.named({ referenceId, externalId, ...fields })
          )
          yield* sent(true)
          return `${action?._tag === "Speak" ? action.text : action?._tag}, ${basis}`
        }
      )
      const answered = { event: "dial_completed", status: "answered" }
      const pressed = { event: "speak_completed", digits: "4" }
      assert.strictEqual(yield* post(answered), "Which?, recorded")
      assert.strictEqual(yield* post(answered, "another"), "Hangup, recorded")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* post(pressed), "And?, recorded")
      assert.strictEqual(yield* post(answered, "another"), "Hangup, recorded")
      assert.strictEqual(yield* post(pressed), "And?, copy")
      yield* TestClock.adjust("5 seconds")
      yield* post({ event: "speak_completed", digits: "2" })
      assert.strictEqual(yield* call.outcome, "42")
    }).pipe(Effect.provide(pair)))
})
