import { assert, describe, it } from "@effect/vitest"
import { CallMetrics, Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { Effect, Exit, Fiber, Layer, Metric, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { TelesignMetrics, TelesignWebhook, TelesignWire } from "../src/index.ts"

const parties = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const named = (name: string) =>
  Flow.make(name, {
    version: 1,
    input: {},
    output: Schema.String,
    run: () => Line.collect("Code?", { max: 1, attempts: 1 }).pipe(Flow.dial(parties))
  })

const Asks = named("asks")

const Slow = Flow.make("slow", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () =>
    Flow.activity("look up", {}, Effect.sleep("3 seconds")).pipe(
      Flow.andThen(Line.speak("Here it is.")),
      Flow.dial(parties)
    )
})

const Dies = Flow.make("dies", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () => Flow.map(Flow.sleep("1 milli"), () => assert.fail("on purpose"))
})

interface Carrier {
  readonly dialled: Array<string>
  refuses: boolean
}

const carrierOf = (carrier: Carrier) =>
  Layer.succeed(
    Transport.Transport,
    Transport.Transport.of({
      send: (action) =>
        Effect.suspend(() => {
          const id = action._tag === "Dial" ? action.externalId ?? "" : ""
          carrier.dialled.push(id)
          if (!carrier.refuses) return Effect.succeed({ referenceId: `session of ${id}` })
          const reason = new Transport.NotSent({ problem: "no", obstacle: "credentials" })
          return Effect.fail(new Transport.TransportError({ reason }))
        })
    })
  )

const engine = (
  carrier: Carrier,
  flows: ReadonlyArray<ReturnType<typeof named>> = []
) => Calls.layer({ flows: [Asks, Slow, Dies, ...flows], missingFlows: "leave" }).pipe(Layer.provide(carrierOf(carrier)))

/** All series of our metrics, as Prometheus names them. */
const series = Effect.map(
  Metric.snapshot,
  (all) => all.filter(({ id }) => id.startsWith("ringback_"))
)

/** What counters, histograms and gauges say, by name and labels. */
const read = Effect.map(series, (all) =>
  Object.fromEntries(all.map(({ attributes = {}, id, state }) => [
    [id, ...Object.values(attributes)].join(" "),
    "value" in state ? state.value : "count" in state ? state.count : undefined
  ])))

const apart = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

const event = (carrier: Carrier, name: string, data: object = {}) => {
  const id = carrier.dialled.at(-1)!
  return TelesignWire.named({ event: name, referenceId: `session of ${id}`, externalId: id, ...data })
}

const comes = Effect.fnUntraced(function*(webhook: Parameters<Calls.Calls["Service"]["receive"]>[0]) {
  const answering = yield* Effect.forkChild(Effect.exit(Calls.receive(webhook)), { startImmediately: true })
  yield* TestClock.adjust("2500 millis") // for an answer that waits for the flow
  const exit = yield* Fiber.join(answering)
  if (Exit.isSuccess(exit)) yield* exit.value.sent(true)
  return exit
})

describe("figures of an engine", () => {
  it.effect("tell a conversation: what began, was dialled, said and heard, and how it ended", () =>
    Effect.gen(function*() {
      const carrier: Carrier = { dialled: [], refuses: false }
      yield* Effect.gen(function*() {
        const { outcome } = yield* Calls.start(Asks, {})
        assert.deepInclude(yield* read, {
          "ringback_calls_started_total asks outbound": 1,
          "ringback_dials_total accepted": 1,
          "ringback_lines_live": 1,
          "ringback_calls_in_memory": 1
        })
        yield* comes(event(carrier, "dial_completed", { status: "answered" }))
        yield* comes(event(carrier, "dial_completed", { status: "answered" }))
        yield* comes(event(carrier, "speak_completed", { digits: "4" }))
        yield* comes(event(carrier, "call_completed", { status: "hangup" }))
        assert.strictEqual(yield* outcome, "4")
        assert.deepInclude(yield* read, {
          "ringback_calls_ended_total asks Success": 1,
          "ringback_replies_total recorded": 3,
          "ringback_replies_total copy": 1,
          "ringback_reply_duration_seconds": 4,
          "ringback_first_word_seconds": 2,
          "ringback_lines_live": 0,
          "ringback_webhooks_waiting": 0
        })
        assert.deepInclude(yield* read, {
          "ringback_replies_late_total": 0,
          "ringback_calls_ended_total asks Failure": 0
        })
      }).pipe(Effect.provide(engine(carrier).pipe(Layer.provideMerge(EventStore.layerMemory))))
      assert.notProperty(yield* read, "ringback_lines_live")
    }).pipe(apart))

  it.effect("tell of a flow that is slow, and how long the callee hears nothing", () =>
    Effect.gen(function*() {
      const carrier: Carrier = { dialled: [], refuses: false }
      yield* Effect.gen(function*() {
        yield* Calls.start(Slow, {})
        const held = yield* comes(event(carrier, "dial_completed", { status: "answered" }))
        assert.isTrue(Exit.isSuccess(held))
        assert.deepInclude(yield* read, { "ringback_holds_total": 1, "ringback_replies_total recorded": 1 })
        const [silence] = (yield* series).filter(({ id }) => id === "ringback_first_word_seconds")
        assert.strictEqual(silence?.type === "Histogram" ? silence.state.sum : undefined, 2)
      }).pipe(Effect.provide(engine(carrier).pipe(Layer.provideMerge(EventStore.layerMemory))))
    }).pipe(apart))

  it.effect("tell why calls were stopped, and what stands in the way of dials", () =>
    Effect.gen(function*() {
      const carrier: Carrier = { dialled: [], refuses: true }
      yield* Effect.gen(function*() {
        const dying = yield* Calls.start(Dies, {})
        yield* TestClock.adjust("1 second")
        yield* Effect.exit(dying.outcome)
        yield* (yield* Calls.start(Asks, {})).cancel
        yield* Calls.start(Asks, {})
        assert.deepInclude(yield* read, {
          "ringback_calls_ended_total dies Stopped": 1,
          "ringback_calls_stopped_total Defect": 1,
          "ringback_calls_stopped_total Cancelled": 1,
          "ringback_dials_total credentials": 1,
          "ringback_dials_blocked credentials": 1,
          "ringback_dials_blocked unreachable": 0,
          "ringback_dials_waiting": 1
        })
      }).pipe(Effect.provide(engine(carrier).pipe(Layer.provideMerge(EventStore.layerMemory))))
    }).pipe(apart))

  it.effect("tell of a store that fails", () =>
    Effect.gen(function*() {
      const carrier: Carrier = { dialled: [], refuses: false }
      const down = new EventStore.StoreError({ operation: "write", reason: new EventStore.Down({ problem: "gone" }) })
      const broken = Layer.effect(
        EventStore.EventStore,
        Effect.map(EventStore.EventStore, (store) => ({ ...store, append: () => Effect.fail(down) }))
      ).pipe(Layer.provide(EventStore.layerMemory))
      yield* Effect.gen(function*() {
        yield* Effect.exit(Calls.start(Asks, {}))
        assert.deepInclude(yield* read, { "ringback_store_failures_total": 1 })
      }).pipe(Effect.provide(engine(carrier).pipe(Layer.provideMerge(broken))))
    }).pipe(apart))
})

describe("the age of the oldest due work", () => {
  it.effect("is read from the store, and grows while that cannot be read", () =>
    Effect.gen(function*() {
      const state = { due: 1_000 as number | undefined, isDown: false }
      const down = new EventStore.StoreError({ operation: "read", reason: new EventStore.Down({ problem: "gone" }) })
      const store = Layer.effect(
        EventStore.EventStore,
        Effect.map(EventStore.EventStore, (store) => ({
          ...store,
          due: ({ before, limit }: { readonly before: number; readonly limit?: number | undefined }) => {
            assert.strictEqual(limit, 1)
            if (state.isDown) return Effect.fail(down)
            const { due } = state
            return Effect.succeed(due !== undefined && due <= before ? [{ due } as EventStore.Summary] : [])
          }
        }))
      ).pipe(Layer.provide(EventStore.layerMemory))
      const age = Effect.map(Metric.value(CallMetrics.dueAge), ({ value }) => value)
      yield* Effect.gen(function*() {
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* age, 29)
        state.isDown = true
        yield* TestClock.adjust("60 seconds")
        assert.strictEqual(yield* age, 89)
        Object.assign(state, { isDown: false, due: undefined })
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual(yield* age, 0)
      }).pipe(Effect.provide(Layer.provide(CallMetrics.layerDue(), store)))
    }).pipe(apart))
})

describe("labels", () => {
  const strange = ["15550170001", "a b\nc", "x".repeat(100), "constructor", "__proto__", "\u202e", "naïve", "1'; --"]

  it.effect("are bounded, whatever flows, events, statuses and numbers come", () =>
    Effect.gen(function*() {
      const carrier: Carrier = { dialled: [], refuses: false }
      // Calls of flows that this process has not registered, each of another name, as another process leaves them.
      const others = strange.map(named)
      yield* Effect.gen(function*() {
        yield* Effect.gen(function*() {
          for (const flow of others) yield* Calls.start(flow, {})
        }).pipe(
          Effect.provide(engine(carrier, others), { local: true }),
          apart
        )
        const store = yield* EventStore.EventStore
        const left = yield* store.due({ before: Number.MAX_SAFE_INTEGER })
        assert.strictEqual(left.length, strange.length)
        yield* Effect.gen(function*() {
          for (const { callId } of left) yield* Calls.cancel(callId)
          const { handler } = HttpRouter.toWebHandler(
            TelesignWebhook.layer({ path: "/events", verify: "none" }).pipe(
              Layer.provide(Layer.succeed(Calls.Calls, yield* Calls.Calls)),
              Layer.provide(Layer.succeed(Metric.MetricRegistry, yield* Metric.MetricRegistry))
            ),
            { disableLogger: true }
          )
          const posts = [
            "nonsense",
            ...[...strange, "dial_completed", "speak_completed"].flatMap((name) =>
              strange.map((each) =>
                JSON.stringify({ event: name, reference_id: each, data: { status: each, to: each, from: each } })
              )
            )
          ]
          const post = (body: string) =>
            Effect.promise(() => handler(new Request("http://x/events", { method: "POST", body })))
          const posting = yield* Effect.forkChild(Effect.forEach(posts, post, { concurrency: "unbounded" }))
          yield* TestClock.adjust("1 minute")
          yield* Fiber.join(posting)
        }).pipe(Effect.provide(engine(carrier), { local: true }))
      }).pipe(Effect.provide(EventStore.layerMemory))
      const figures = new Map([...CallMetrics.figures, ...TelesignMetrics.figures].map((each) => [each.name, each]))
      const flows = ["asks", "slow", "dies", "other"]
      for (const { attributes = {}, id, type } of yield* series) {
        const figure = figures.get(id)!
        assert.strictEqual(type.toLowerCase(), figure.kind)
        assert.sameMembers(Object.keys(attributes), Object.keys(figure.labels), id)
        for (const [label, value] of Object.entries(attributes)) {
          const values = figure.labels[label]!
          assert.include(typeof values === "string" ? flows : values, value, `${label} of ${id}`)
        }
      }
      const counted = yield* read
      assert.strictEqual(counted["ringback_calls_ended_total other Stopped"], strange.length)
      assert.isAbove(Number(counted["ringback_webhooks_total other nothing"]), 0)
      assert.isAbove(Number(counted["ringback_replies_total unclaimed"]), 0)
      assert.isBelow((yield* series).length, 100)
    }).pipe(apart))

  it("have values that are named, each once", () => {
    for (const { labels, name } of [...CallMetrics.figures, ...TelesignMetrics.figures]) {
      for (const values of Object.values(labels)) {
        if (typeof values !== "string") assert.strictEqual(new Set(values).size, values.length, name)
      }
    }
  })
})
