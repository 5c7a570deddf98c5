/** What a key stands for, and what becomes of whoever asks for a call that is not there. */
import { assert, describe, it } from "@effect/vitest"
import { CallError, CallEvent, Calls, EventStore, Flow, PhoneNumber } from "@ringback/core"
import { Cause, Effect, Exit, Layer, Schema } from "effect"
import { FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"

const guest = PhoneNumber.make("15550170001")

const Door = Flow.Signal("door", Schema.Boolean)

const define = (version: number) =>
  Flow.make("errand", {
    version,
    input: { to: PhoneNumber.PhoneNumber, what: Schema.Json },
    output: Schema.String,
    signals: [Door],
    run: ({ to }) => Flow.as(Flow.sleep("1 hour"), `${to} in version ${version}`)
  })

const First = define(1)
const Second = define(2)

const engine = TestCalls.layer({ flows: [First, Second] })

const start = (what: Schema.Json, flow = First) => Calls.start(flow, { to: guest, what }, { key: "order-7" })

describe("a key", () => {
  it.effect("stands for one call with one input, in whichever order that is written", () =>
    Effect.gen(function*() {
      const call = yield* start({ a: 1, b: [{ c: null, d: "x" }] })
      const again = yield* start({ b: [{ d: "x", c: null }], a: 1 })
      assert.strictEqual(again.id, call.id)
    }).pipe(Effect.provide(engine)))

  const others: ReadonlyArray<readonly [string, Schema.Json, Schema.Json]> = [
    ["another value", { a: 1 }, { a: 2 }],
    ["another type", { a: 1 }, { a: "1" }],
    ["a field more", { a: 1 }, { a: 1, b: 2 }],
    ["a field less", { a: 1, b: 2 }, { a: 1 }],
    ["another order of a list", [1, 2], [2, 1]],
    ["a list for an object", [1], { "0": 1 }],
    ["nothing for an empty text", null, ""],
    ["another value deep inside", { a: [{ b: { c: 1 } }] }, { a: [{ b: { c: 2 } }] }]
  ]

  it.effect.each(others)("is taken for an input with %s", ([, known, other]) =>
    Effect.gen(function*() {
      const call = yield* start(known)
      const taken = yield* Effect.flip(start(other))
      assert.deepStrictEqual(taken, new CallError.KeyTaken({ flow: "errand", key: "order-7", callId: call.id }))
      assert.notInclude(JSON.stringify(taken) + taken.message, guest)
      assert.strictEqual((yield* Calls.events(call.id)).length, 2)
      assert.strictEqual((yield* start(known)).id, call.id)
    }).pipe(Effect.provide(engine)))

  it.effect("stays taken when its call is over and has left memory", () =>
    Effect.gen(function*() {
      const call = yield* start("bread")
      yield* call.outcome
      assert.strictEqual((yield* Effect.flip(start("milk")))._tag, "KeyTaken")
      assert.strictEqual((yield* start("bread")).id, call.id)
    }).pipe(Effect.provide(engine)))

  it.effect("stands for the same call in another version of its flow, if the input is the same", () =>
    Effect.gen(function*() {
      const call = yield* start("bread")
      assert.strictEqual((yield* Effect.flip(start("milk", Second)))._tag, "KeyTaken")
      const again = yield* start("bread", Second)
      assert.strictEqual(again.id, call.id)
      assert.strictEqual(yield* again.outcome, `${guest} in version 1`)
    }).pipe(Effect.provide(engine)))

  it.effect("is taken by whichever of two starts came first", () =>
    Effect.gen(function*() {
      const starts = ["bread", "milk"].map((what) => Effect.result(start(what)))
      const [first, second] = yield* Effect.all(starts, { concurrency: "unbounded" })
      assert.deepStrictEqual([first?._tag, second?._tag], ["Success", "Failure"])
    }).pipe(Effect.provide(engine)))

  it.effect("stays taken after a restart", () =>
    Effect.gen(function*() {
      const life = <A, E>(effect: Effect.Effect<A, E, Calls.Calls>) =>
        Effect.provide(effect, Calls.layer({ flows: [First] }))
      const call = yield* life(start("bread"))
      assert.strictEqual((yield* life(Effect.flip(start("milk"))))._tag, "KeyTaken")
      assert.strictEqual((yield* life(start("bread"))).id, call.id)
    }).pipe(
      Effect.provide(FakeTransport.layer.pipe(
        Layer.provideMerge(PhoneCompany.layer),
        Layer.provideMerge(EventStore.layerMemory),
        Layer.provideMerge(FakeClock.layer)
      ))
    ))
})

/** A store in which the ids of two keys, or of two flows, came out equal: it gives the call of the other. */
const withEqualIds = (change: { readonly key?: string; readonly flow?: string }) =>
  Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        read: (id) =>
          Effect.map(store.read(id), (turns) =>
            turns.map((turn) => ({
              ...turn,
              events: turn.events.map((event) => event._tag === "CallStarted" ? { ...event, ...change } : event)
            })))
      }))
  ).pipe(Layer.provide(EventStore.layerMemory))

describe("an id that two starts share by chance", () => {
  const life = Calls.layer({ flows: [First], missingFlows: "leave" }).pipe(
    Layer.provide(FakeTransport.layer),
    Layer.fresh
  )

  it.effect.each([{ key: "order-8" }, { flow: "other" }])("is told apart: %o", (change) =>
    Effect.gen(function*() {
      yield* Effect.provide(start("bread"), life)
      const exit = yield* Effect.exit(Effect.provide(start("bread"), life))
      assert(Exit.isFailure(exit) && Exit.hasDies(exit))
      assert.match(String(Cause.squash(exit.cause)), /Two keys of the flow errand stand for one id/)
    }).pipe(
      Effect.provide(PhoneCompany.layer.pipe(
        Layer.provideMerge(withEqualIds(change)),
        Layer.provideMerge(FakeClock.layer)
      ))
    ))
})

describe("a call that does not exist", () => {
  const callId = CallEvent.CallId.make("0".repeat(20))
  const missing = new CallError.CallNotFound({ callId })

  it.effect("is not found, whatever is asked of it, and is no trouble of the store", () =>
    Effect.gen(function*() {
      const calls = yield* Calls.Calls
      const handle = calls.handle(First, callId)
      const failures = yield* Effect.all([
        Effect.flip(handle.outcome),
        Effect.flip(handle.cancel),
        Effect.flip(handle.signal(Door, true)),
        Effect.flip(calls.cancel(callId))
      ])
      assert.deepStrictEqual(failures, [missing, missing, missing, missing])
      assert.strictEqual((yield* Calls.get(callId))._tag, "None")
      assert.deepStrictEqual(yield* Calls.events(callId), [])
    }).pipe(Effect.provide(engine)))

  it.effect.each(["", "15550170001", "' OR 1=1", "0".repeat(21), undefined, 7, {}])(
    "nor what is no id: %o",
    (given) =>
      Effect.gen(function*() {
        const calls = yield* Calls.Calls
        const id = given as never
        const handle = calls.handle(First, id)
        for (
          const asked of [handle.outcome, handle.cancel, handle.signal(Door, undefined as never), calls.cancel(id)]
        ) {
          const error = yield* Effect.flip(asked as Effect.Effect<unknown, CallError.CallNotFound>)
          assert.strictEqual(error._tag, "CallNotFound")
          assert.include(error.message, "no id of a call")
        }
        assert.strictEqual((yield* Calls.get(id))._tag, "None")
        assert.deepStrictEqual(yield* Calls.events(id), [])
      }).pipe(Effect.provide(engine))
  )
})
