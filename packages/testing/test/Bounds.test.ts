import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Effect, Layer, Metric, Option, Schema } from "effect"
import { FakeClock, TestCalls } from "../src/index.ts"
import * as Lines from "./fixtures/lines.ts"

const parties = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () => Flow.inbound(() => Line.collect("Code?", { max: 4 }))
})

const Errand = Flow.make("errand", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () => Flow.as(Flow.dial(Line.speak("Hello."), parties), undefined)
})

const incoming = { event: "incoming_call", referenceId: "7A10", to: "15550170009" }

describe("a webhook that somebody else decoded", () => {
  const engine = TestCalls.layer({ flows: [], inbound: { "15550170009": Desk } })

  it.effect("is refused in words if it has no usable session, and costs no other call anything", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Calls.receive(TelesignWire.named({ ...incoming, referenceId: "ab".repeat(1400) }))
      )
      assert.strictEqual(error._tag, "OutOfBounds")
      assert.match(error.message, /its referenceId has to be a text of 1 to 255 characters/)
      const { action } = yield* Calls.receive(TelesignWire.named(incoming))
      assert.strictEqual(action?._tag, "Speak")
    }).pipe(Effect.provide(engine)))

  it.effect("is recorded without what is out of bounds, and that is counted", () =>
    Effect.gen(function*() {
      const store = yield* EventStore.EventStore
      yield* Calls.receive(
        TelesignWire.named({ ...incoming, from: "a".repeat(200), extra: { big: "b".repeat(5000), id: 7 } })
      )
      const [arrived] = yield* Calls.events(Option.getOrThrow(yield* store.find("7A10")))
      assert(arrived?._tag === "CallArrived")
      assert.deepStrictEqual([arrived.from, arrived.extra], [undefined, { id: 7 }])
      const [state] = (yield* Metric.snapshot).filter(({ id }) => id === "ringback_webhook_fields_left_out_total")
      assert.strictEqual((state?.state as { readonly count: number } | undefined)?.count, 2)
    }).pipe(
      Effect.provide(
        Calls.layer({ flows: [], inbound: { "15550170009": Desk } }).pipe(
          Layer.provideMerge(EventStore.layerMemory),
          Layer.provide(Layer.succeed(Transport.Transport, Transport.Transport.of({ send: () => Effect.never })))
        )
      ),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))
})

describe("a transport that says too much", () => {
  it.effect("of a session that cannot be kept rings once, and an event with our id still finds the call", () =>
    Effect.gen(function*() {
      const { layer, said } = Lines.make()
      const sent: Array<string> = []
      const transport = Transport.Transport.of({
        send: ({ externalId = "" }) =>
          Effect.sync(() => {
            sent.push(externalId)
            return { referenceId: "ab".repeat(1500) }
          })
      })
      yield* Effect.gen(function*() {
        const call = yield* Calls.start(Errand, {})
        yield* Effect.sleep("2 minutes")
        assert.lengthOf(sent, 1)
        const { action } = yield* Calls.receive(TelesignWire.named({
          event: "dial_completed",
          status: "answered",
          referenceId: "7A10",
          externalId: sent[0]!
        }))
        assert.strictEqual(action?._tag, "Speak")
        const events = yield* Calls.events(call.id)
        assert.include(events.map(({ _tag }) => _tag), "DialUnknown")
        assert.lengthOf(sent, 1)
        const words = "It is not known whether 1 dial rang: it was accepted under an id that cannot be kept"
        assert.deepStrictEqual(said.map(({ level, text }) => [level, text]), [["Warn", words]])
      }).pipe(Effect.provide(
        Calls.layer({ flows: [Errand] }).pipe(
          Layer.provide(EventStore.layerMemory),
          Layer.provide(Layer.succeed(Transport.Transport, transport)),
          Layer.provide(layer)
        )
      ))
    }).pipe(Effect.provide(FakeClock.layer)))
})

describe("a transport that says nothing", () => {
  it.effect("is let go of at the limit, and what it has in hand is interrupted", () =>
    Effect.gen(function*() {
      const { layer, said } = Lines.make()
      const seen: Array<string> = []
      const note = (what: string) =>
        Effect.map(Clock.currentTimeMillis, (now) => void seen.push(`${what} ${now - began}`))
      const began = yield* Clock.currentTimeMillis
      const send = () => Effect.andThen(note("sent at"), Effect.onInterrupt(Effect.never, () => note("interrupted at")))
      yield* Effect.gen(function*() {
        const call = yield* Calls.start(Errand, {})
        yield* Effect.sleep("29 seconds")
        assert.notInclude((yield* Calls.events(call.id)).map(({ _tag }) => _tag), "DialUnknown")
        yield* Effect.sleep("2 seconds")
        const unknown = (yield* Calls.events(call.id)).find(({ _tag }) => _tag === "DialUnknown")
        assert.deepInclude(unknown, { reason: "no answer within 30000 ms" })
        assert.deepStrictEqual(seen, ["sent at 0", "interrupted at 30000"])
        yield* Effect.sleep("2 seconds")
        const words = "It is not known whether 1 dial rang: no answer within 30000 ms"
        assert.deepStrictEqual(said.map(({ level, text }) => [level, text]), [["Warn", words]])
      }).pipe(Effect.provide(
        Calls.layer({ flows: [Errand] }).pipe(
          Layer.provide(EventStore.layerMemory),
          Layer.provide(Layer.succeed(Transport.Transport, Transport.Transport.of({ send }))),
          Layer.provide(layer)
        )
      ))
    }).pipe(Effect.provide(FakeClock.layer)))
})
