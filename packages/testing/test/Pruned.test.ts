/** A call that was pruned rings nobody again, answers what is left of its carrier, and says so to whoever asks for it. */
import { assert, describe, it } from "@effect/vitest"
import {
  CallError,
  CallIndex,
  Calls,
  EventStore,
  Retention,
  SqlEventStore,
  Transport,
  type Webhook
} from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Arbitrary, DateTime, Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Predictable from "./fixtures/Predictable.ts"
import { Desk, desk, Question, Sign } from "./fixtures/questions.ts"

/** How often somebody was rung, and the external ids of that. */
const carrier = () => {
  const dials: Array<string> = []
  return {
    dials,
    layer: Layer.succeed(Transport.Transport, {
      send: (action) =>
        Effect.sync(() => {
          if (action._tag === "Dial") dials.push(action.externalId ?? "")
          return { referenceId: `session ${dials.length}` }
        })
    })
  }
}

const stores = {
  "in memory": EventStore.layerMemory,
  "on SQLite": SqlEventStore.layer.pipe(Layer.provideMerge(SqliteClient.layer({ filename: ":memory:" })))
}

const engine = (memory: number) =>
  Predictable.layer({ flows: [Question], inbound: { [desk]: Desk }, settings: { memory: { calls: memory } } })

const receive = (event: string, referenceId: string, fields: Partial<Webhook.Webhook> = {}) =>
  Effect.map(
    Calls.receive(TelesignWire.named({ event, referenceId, ...fields })),
    ({ action }) => action?._tag === "Speak" ? action.text : action?._tag ?? "{}"
  )

const start = Calls.start(Question, {}, { key: "order-7" })

const prune = (options: Retention.Options = { keepAtMost: 0 }) =>
  Retention.Retention.use((retention) => retention.prune(options))

/** A call that was held to its end. */
const held = Effect.gen(function*() {
  const call = yield* start
  yield* TestClock.adjust("1 second")
  assert.strictEqual(yield* receive("dial_completed", "session 1", { status: "answered" }), "Which?")
  yield* TestClock.adjust("5 seconds")
  assert.strictEqual(yield* receive("speak_completed", "session 1", { digits: "4" }), "Hangup")
  assert.strictEqual(yield* receive("call_completed", "session 1", { status: "hangup" }), "{}")
  assert.strictEqual(yield* call.outcome, "4")
  return call
})

describe.each(Object.entries(stores))("%s", (_, store) => {
  describe.each([0, 100])("with room for %i calls in memory", (memory) => {
    const test = (
      rule: string,
      body: (
        dials: ReadonlyArray<string>
      ) => Effect.Effect<void, unknown, Calls.Calls | EventStore.EventStore | Retention.Retention>
    ) =>
      it.effect(rule, () => {
        const { dials, layer } = carrier()
        const world = engine(memory).pipe(Layer.provide(layer), Layer.provideMerge(store))
        return Effect.provide(body(dials), world)
      })

    test("its key rings nobody again, and says what to do, until it is forgotten", (dials) =>
      Effect.gen(function*() {
        const call = yield* held
        assert.deepStrictEqual(yield* prune(), { calls: 1, turns: 5, forgotten: 0 })
        for (let again = 0; again < 3; again++) {
          const error = yield* Effect.flip(start)
          assert.deepStrictEqual(error, new CallError.KeyPruned({ flow: "question", callId: call.id, endedAt: 6000 }))
          assert.strictEqual(
            error.message,
            `This key of the flow question is that of call ${call.id}, which was over at 1970-01-01T00:00:06.000Z and has ` +
              "been pruned. To call again, take another key"
          )
          assert.notInclude(JSON.stringify(error), "order-7")
        }
        yield* TestClock.adjust("399 days")
        yield* prune()
        assert.strictEqual((yield* Effect.flip(start))._tag, "KeyPruned")
        assert.lengthOf(dials, 1)
        yield* Calls.start(Question, {}, { key: "order-8" })
        yield* TestClock.adjust("2 days")
        assert.strictEqual((yield* prune({})).forgotten, 1)
        const again = yield* start
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([again.id, again.isNew, dials.length], [call.id, true, 3])
      }))

    test("whoever asks for it is told in words, and is not left waiting", () =>
      Effect.gen(function*() {
        const call = yield* held
        yield* prune()
        assert.deepStrictEqual(yield* Calls.events(call.id), [])
        assert.isTrue(Option.isNone(yield* Calls.get(call.id)))
        const handle = yield* Calls.handle(Question, call.id)
        for (const asked of [Effect.asVoid(handle.outcome), handle.cancel, handle.signal(Sign, 1)]) {
          const error = yield* Effect.flip(asked as typeof handle.cancel)
          assert.deepStrictEqual(error, new CallError.CallNotFound({ callId: call.id, endedAt: 6000 }))
          assert.strictEqual(
            error.message,
            `Call ${call.id} was over at 1970-01-01T00:00:06.000Z and has been pruned: only its id and its sessions are left`
          )
        }
      }))

    test("an event of its session, captured or late, makes no call and is answered with a hang-up at most", (dials) =>
      Effect.gen(function*() {
        const call = yield* held
        yield* prune()
        const externalId = dials[0]!
        for (const named of [{}, { externalId }]) {
          assert.strictEqual(yield* receive("dial_completed", "session 1", { status: "answered", ...named }), "Hangup")
          assert.strictEqual(yield* receive("speak_completed", "session 1", { digits: "4", ...named }), "Hangup")
          assert.strictEqual(yield* receive("call_completed", "session 1", { status: "hangup", ...named }), "{}")
        }
        assert.deepStrictEqual(yield* Calls.events(call.id), [])
        const store = yield* EventStore.EventStore
        assert.deepStrictEqual(yield* store.find("session 1"), Option.some(call.id))
        assert.strictEqual(Option.getOrThrow(yield* store.summary(call.id)).status, "pruned")
        assert.lengthOf(dials, 1)
      }))

    test("a captured call that came in makes no new one", () =>
      Effect.gen(function*() {
        const incoming = receive("incoming_call", "caller 1", { to: desk, from: "15550170044" })
        assert.strictEqual(yield* incoming, "Who is there?")
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* receive("speak_completed", "caller 1"), "Hangup")
        assert.strictEqual(yield* receive("call_completed", "caller 1", { status: "hangup" }), "{}")
        const store = yield* EventStore.EventStore
        const id = Option.getOrThrow(yield* store.find("caller 1"))
        assert.strictEqual((yield* prune({ endedBefore: DateTime.makeUnsafe(10_000) })).calls, 1)
        for (let again = 0; again < 3; again++) assert.strictEqual(yield* incoming, "Hangup")
        assert.deepStrictEqual(yield* store.read(id), [])
        assert.deepStrictEqual(yield* Calls.events(id), [])
      }))
  })
})

const Deed = Schema.Literals(["start", "start", "answer", "press", "end", "copy", "prune", "time"])
const deeds = Arbitrary.schema(
  Schema.Array(Schema.Tuple([Deed, Schema.Literals([1, 2, 3])])).check(Schema.isMinLength(40), Schema.isMaxLength(60))
)

describe.each(Object.entries(stores))("%s, whenever calls are pruned", (_, store) => {
  it.effect("no key rings twice, and no copy makes a call", () =>
    Effect.gen(function*() {
      const seed = 20_261_130
      for (const [run, way] of (yield* Arbitrary.sampleEffect(deeds, { count: 15, seed })).entries()) {
        const { dials, layer } = carrier()
        const world = engine(run % 2 === 0 ? 0 : 100).pipe(Layer.provide(layer), Layer.provideMerge(Layer.fresh(store)))
        yield* Effect.gen(function*() {
          const sessions = new Map<number, string>()
          let began = 0
          for (const [deed, n] of way) {
            const session = sessions.get(n)
            if (deed === "prune") yield* prune()
            if (deed === "time") yield* TestClock.adjust("5 seconds")
            if (deed === "start") {
              const before = dials.length
              const started = yield* Effect.result(Calls.start(Question, {}, { key: `order-${n}` }))
              yield* TestClock.adjust("1 second")
              if (dials.length > before) sessions.set(n, `session ${dials.length}`)
              if (started._tag === "Success" && started.success.isNew) began++
              else if (started._tag === "Failure") assert.strictEqual(started.failure._tag, "KeyPruned")
            }
            if (session === undefined) continue
            if (deed === "answer" || deed === "copy") yield* receive("dial_completed", session, { status: "answered" })
            if (deed === "press") yield* receive("speak_completed", session, { digits: "4" })
            if (deed === "end") yield* receive("call_completed", session, { status: "hangup" })
          }
          const words = `seed ${seed}, run ${run}: ${way.map((each) => each.join(" ")).join(", ")}`
          assert.isAtMost(dials.length, 3, words)
          assert.strictEqual(began, new Set(sessions.keys()).size, words)
          const index = yield* CallIndex.CallIndex
          assert.isAtMost((yield* index.list()).calls.length, began, words)
        }).pipe(Effect.provide(world))
      }
    }))
})

it.effect("a process that has it in memory, while others ended and pruned it, says so too", () =>
  Effect.gen(function*() {
    const { dials, layer } = carrier()
    const store = yield* Layer.build(EventStore.layerMemory)
    const process = Layer.build(Layer.fresh(engine(100).pipe(Layer.provide([layer, Layer.succeedContext(store)]))))
    const [one, other] = [yield* process, yield* process]
    yield* Effect.provideContext(start, one)
    yield* TestClock.adjust("1 second")
    yield* Effect.provideContext(receive("dial_completed", "session 1", { status: "answered" }), one)
    yield* TestClock.adjust("5 seconds")
    yield* Effect.provideContext(receive("speak_completed", "session 1", { digits: "4" }), other)
    yield* Effect.provideContext(receive("call_completed", "session 1", { status: "hangup" }), other)
    assert.strictEqual((yield* Effect.provideContext(prune(), store)).calls, 1)
    assert.strictEqual((yield* Effect.provideContext(Effect.flip(start), one))._tag, "KeyPruned")
    const copy = receive("dial_completed", "session 1", { status: "answered" })
    assert.strictEqual(yield* Effect.provideContext(copy, one), "Hangup")
    assert.lengthOf(dials, 1)
  }))

it.effect("inside of a transaction its key rings nobody either", () => {
  const { dials, layer } = carrier()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* held
    yield* prune()
    const error = yield* Effect.flip(sql.withTransaction(start))
    assert.strictEqual(error._tag, "KeyPruned")
    yield* TestClock.adjust("1 minute")
    assert.lengthOf(dials, 1)
  }).pipe(Effect.provide(engine(0).pipe(Layer.provide(layer), Layer.provideMerge(stores["on SQLite"]))))
})
