import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { tracing } from "../../../scripts/testTelling.ts"
import { CallMetrics, Calls, CallTelemetry, EventStore, Flow, SqlEventStore, Transport } from "../src/index.ts"

const postgres = await Postgres.start()

const Waits = Flow.make("waits", { version: 1, input: {}, output: Schema.Void, run: () => Flow.sleep("1 day") })

const carrier = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({ send: ({ externalId }) => Effect.succeed({ referenceId: `of-${externalId}` }) })
)

/** Tells when an engine has looked so many times more who lives. */
const looks = () => {
  let left = Infinity
  let told = Deferred.makeUnsafe<void>()
  const store = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) => ({
      ...store,
      processes: {
        ...store.processes!,
        alive: Effect.tap(store.processes!.alive, () => --left <= 0 ? Deferred.succeed(told, undefined) : Effect.void)
      }
    }))
  )
  const more = (count: number) =>
    Effect.suspend(() => {
      left = count
      told = Deferred.makeUnsafe()
      return Deferred.await(told)
    })
  return { store, more }
}

const engine = (url: string, store: ReturnType<typeof looks>["store"]) =>
  Calls.layer({ flows: [Waits], settings: { store: { lookEvery: "10 millis" } } }).pipe(
    Layer.provide(carrier),
    Layer.provideMerge(Layer.merge(CallTelemetry.layer(), CallMetrics.layerDue({ every: "10 millis" }))),
    Layer.provide(store),
    Layer.provide(SqlEventStore.layer),
    Layer.provide(PgClient.layer({ url: Redacted.make(url) }))
  )

describe.runIf(postgres !== undefined)("an engine on PostgreSQL", () => {
  it.effect("leaves no spans while it looks, waits and is seen, and of a start only what it does", () => {
    const { spans, tracer } = tracing()
    const names = () => spans.map(({ name }) => name)
    const { more, store } = looks()
    return Effect.gen(function*() {
      const url = yield* Postgres.schema(postgres!)
      yield* Effect.gen(function*() {
        spans.length = 0 // those of opening the client
        yield* more(50)
        assert.deepStrictEqual(names(), [])
        const call = yield* Effect.withSpan(Calls.start(Waits, {}), "a request")
        yield* more(50)
        const roots = spans.filter(({ parent }) => parent._tag === "None")
        assert.deepStrictEqual(roots.map(({ name }) => name), ["a request"])
        spans.length = 0
        yield* Effect.withSpan(call.cancel, "a request")
        yield* more(50)
        assert.include(names(), "call waits")
      }).pipe(Effect.provide(engine(url, store)))
    }).pipe(TestClock.withLive, Effect.withTracer(tracer))
  })
})
