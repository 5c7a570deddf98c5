import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Effect, Layer, Option, Schema } from "effect"

const Errand = Flow.make("errand", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Line.collect("Code?", { max: 1 }).pipe(
      Flow.dial({ to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") })
    )
})

const carrier = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({
    send: () => Effect.fail(new Transport.TransportError({ reason: new Transport.Lost({ problem: "no answer" }) }))
  })
)

const answered = (externalId: string, referenceId = "a session") =>
  Calls.receive(TelesignWire.named({ event: "dial_completed", referenceId, externalId, status: "answered" }))

const idOf = (id: CallEvent.CallId) =>
  Effect.map(Calls.get(id), (call) => Option.getOrThrow(call).lines[0]?.externalId ?? "")

const engine = Calls.layer({ flows: [Errand], settings: { dial: { perSecond: Infinity } } }).pipe(
  Layer.provide(carrier)
)

describe("an external_id", () => {
  it.effect("holds chance that is recorded with the attempt, and has 36 characters", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.replicateEffect(Calls.start(Errand, {}), 20)
      const ids = yield* Effect.forEach(calls, ({ id }) => idOf(id))
      for (const [n, id] of ids.entries()) assert.match(id, new RegExp(`^[0-9a-z]{6}\\.${calls[n]!.id}\\.[0-9a-z]{8}$`))
      assert.strictEqual(new Set(ids.map((id) => id.slice(-8))).size, 20)
      assert.strictEqual(ids[0]!.length, 36)
      assert.strictEqual((yield* answered(ids[0]!)).action?._tag, "Speak")
    }).pipe(Effect.provide(engine.pipe(Layer.provideMerge(EventStore.layerMemory)))))

  it.effect("that somebody makes of a call's id reaches no line of it", () =>
    Effect.gen(function*() {
      const { id } = yield* Calls.start(Errand, {})
      const own = yield* idOf(id)
      const { namespace } = yield* EventStore.EventStore
      const guesses = [`${namespace}.${id}.1`, `${own.slice(0, -8)}00000001`, own.slice(0, -9), `${own.slice(0, -8)}1`]
      for (const [n, guess] of guesses.entries()) {
        assert.notStrictEqual((yield* answered(guess, `session ${n}`)).action?._tag, "Speak", guess)
      }
      assert.strictEqual((yield* answered(own)).action?._tag, "Speak")
    }).pipe(Effect.provide(engine.pipe(Layer.provideMerge(EventStore.layerMemory)))))

  it.effect("that was made before is good until its call ends", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      const first = yield* Effect.scoped(Effect.gen(function*() {
        const calls = yield* Layer.build(Layer.fresh(engine))
        return yield* Effect.provideContext(Calls.start(Errand, {}), calls)
      }))
      const turns = yield* store.read(first.id)
      const old = `${store.namespace}.${first.id}.1`
      const formerly = EventStore.EventStore.of({
        ...store,
        read: (id) =>
          Effect.map(store.read(id), (turns) =>
            turns.map((turn) => ({
              ...turn,
              events: turn.events.map((event) => event._tag === "DialAttempted" ? { ...event, externalId: old } : event)
            })))
      })
      assert.isAbove(turns.length, 0)
      const later = Layer.fresh(engine).pipe(Layer.provide(Layer.succeed(EventStore.EventStore, formerly)))
      yield* Effect.gen(function*() {
        assert.strictEqual((yield* answered(old)).action?._tag, "Speak")
      }).pipe(Effect.provide(later))
    }).pipe(Effect.provide(EventStore.layerMemory)))
})
