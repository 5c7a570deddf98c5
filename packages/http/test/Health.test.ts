import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Deferred, Effect, Layer, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { Health } from "../src/index.ts"
import * as Showing from "../src/internal/api/showing.ts"

const from = PhoneNumber.make("15559130472")

const Asks = Flow.make("asks", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Line.collect("Code?", { max: 1, attempts: 1 }).pipe(Flow.dial({ to: PhoneNumber.make("15559130461"), from }))
})

type Result = Effect.Effect<{ readonly referenceId: string }, Transport.TransportError>

const carrier = (send: Result) => Layer.succeed(Transport.Transport, Transport.Transport.of({ send: () => send }))

const accepts: Result = Effect.succeed({ referenceId: "session" })

const refuses = (obstacle: "credentials" | "unreachable" | "caller id"): Result =>
  Effect.fail(
    new Transport.TransportError({ reason: new Transport.NotSent({ problem: `no ${from}`, obstacle }) })
  )

const engine = (send: Result = accepts) => Calls.layer({ flows: [Asks] }).pipe(Layer.provide(carrier(send)))

/** Asks a route of the engine that is there. */
const asks = (options?: Health.Options) =>
  Effect.map(
    Effect.context<Calls.Calls | EventStore.EventStore>(),
    (context) => {
      const { handler } = HttpRouter.toWebHandler(
        Layer.provide(Health.layer(options), Layer.succeedContext(context)),
        { disableLogger: true }
      )
      return (path: string, headers: { readonly [name: string]: string } = {}) =>
        Effect.map(
          Effect.promise(async () => {
            const response = await handler(new Request(`http://x${path}`, { headers }))
            return { status: response.status, text: await response.text() }
          }),
          ({ status, text }) => ({ status, text, json: text === "" ? undefined : JSON.parse(text) })
        )
    }
  )

const decode = Schema.decodeUnknownSync(Health.Status)

const levels = ({ lines }: Health.Status) =>
  Object.fromEntries(lines.flatMap(({ level, name }) => level === "ok" ? [] : [[name, level]]))

const down = new EventStore.StoreError({ operation: "write", reason: new EventStore.Down({ problem: "gone" }) })

/** A store that does its work until it is told not to. */
const brittle = (state: { isDown: boolean }) =>
  Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store): EventStore.EventStore["Service"] => ({
      ...store,
      append: (...turn) => Effect.suspend(() => state.isDown ? Effect.fail(down) : store.append(...turn)),
      due: (options) => Effect.suspend(() => state.isDown ? Effect.fail(down) : store.due(options))
    }))
  ).pipe(Layer.provide(EventStore.layerMemory))

describe("a process that drains", () => {
  it.effect("lives, is not ready, and says so", () =>
    Effect.gen(function*() {
      const ask = yield* asks()
      yield* Calls.drain({ within: "1 second" })
      assert.strictEqual((yield* ask("/health/live")).status, 200)
      const ready = yield* ask("/health/ready")
      assert.deepStrictEqual([ready.status, ready.json], [503, { status: "draining" }])
      assert.deepStrictEqual(levels(decode((yield* ask("/health/status")).json)), { engine: "warn" })
    }).pipe(Effect.provide(Layer.provideMerge(engine(), EventStore.layerMemory))))
})

describe("a process that is well", () => {
  it.effect("lives, is ready, and says so of all that is known", () =>
    Effect.gen(function*() {
      const ask = yield* asks()
      const live = yield* ask("/health/live")
      const ready = yield* ask("/health/ready")
      assert.deepStrictEqual([live.status, live.json], [200, { status: "live" }])
      assert.deepStrictEqual([ready.status, ready.json], [200, { status: "ready" }])
      const status = decode((yield* ask("/health/status")).json)
      assert.strictEqual(status.level, "ok")
      assert.deepStrictEqual(status.lines.map(({ name }) => name), [...Health.Line.fields.name.literals])
      assert.isTrue(status.lines.every(({ todo }) => todo === undefined))
    }).pipe(Effect.provide(Layer.provideMerge(engine(), EventStore.layerMemory))))

  it("says the version of its packages", () => {
    for (const name of ["core", "http"]) {
      const manifest = readFileSync(new URL(`../../${name}/package.json`, import.meta.url), "utf8")
      const source = readFileSync(new URL(`../../${name}/src/internal/version.ts`, import.meta.url), "utf8")
      assert.include(source, `"${JSON.parse(manifest).version}"`)
    }
  })
})

/** What whoever is on duty is told to do about what stands in the way of dials. */
const todos = {
  credentials: "Set TELESIGN_CUSTOMER_ID and TELESIGN_API_KEY to what the Telesign portal shows",
  unreachable: "Look at the network, and at TELESIGN_BASE_URL if that is set",
  "caller id": "The `from` of Flow.dial has to be a number that this Telesign account owns"
} as const

describe("what all processes share", () => {
  for (const obstacle of ["credentials", "unreachable", "caller id"] as const) {
    it.effect(`${obstacle}: is told by the status, without a number, and takes nobody out`, () =>
      Effect.gen(function*() {
        const ask = yield* asks()
        yield* Calls.start(Asks, {})
        yield* TestClock.adjust("90 seconds")
        assert.strictEqual((yield* ask("/health/ready")).status, 200)
        const { json, status, text } = yield* ask("/health/status")
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(levels(decode(json)), { [obstacle]: "bad" })
        const line = decode(json).lines.find(({ name }) => name === obstacle)!
        assert.isAbove(line.value, 80)
        assert.strictEqual(line.todo, todos[obstacle])
        assert.notMatch(text, /\d{4}/)
        const shown = (yield* Calls.Calls.use(({ obstacles }) => obstacles)).map(Showing.obstacle)
        assert.deepStrictEqual(shown.map((each) => [each.obstacle, each.todo]), [[obstacle, todos[obstacle]]])
      }).pipe(Effect.provide(Layer.provideMerge(engine(refuses(obstacle)), EventStore.layerMemory))))
  }

  it.effect("a store that fails: is told by the status, and takes nobody out", () => {
    const state = { isDown: false }
    return Effect.gen(function*() {
      const ask = yield* asks()
      yield* Calls.start(Asks, {})
      yield* TestClock.adjust("1 second")
      state.isDown = true
      const webhook = { event: "dial_completed", referenceId: "session", status: "answered" }
      const answering = yield* Effect.forkChild(Effect.exit(Calls.receive(TelesignWire.named(webhook))), {
        startImmediately: true
      })
      yield* TestClock.adjust("70 seconds")
      answering.interruptUnsafe()
      assert.strictEqual((yield* ask("/health/ready")).status, 200)
      const status = decode((yield* ask("/health/status")).json)
      assert.deepInclude(levels(status), { store: "bad", due: "bad" })
      assert.strictEqual(status.level, "bad")
      state.isDown = false
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(levels(decode((yield* ask("/health/status")).json)).store, undefined)
    }).pipe(Effect.provide(Layer.provideMerge(engine(), brittle(state))))
  })

  it.effect("work that nobody does: is told by the status, and takes nobody out", () => {
    const late = Layer.effect(
      EventStore.EventStore,
      Effect.map(EventStore.EventStore, (store): EventStore.EventStore["Service"] => ({
        ...store,
        due: ({ before, limit }) =>
          limit === 1 ? Effect.succeed([{ due: before - 61_000 } as EventStore.Summary]) : store.due({ before, limit })
      }))
    ).pipe(Layer.provide(EventStore.layerMemory))
    return Effect.gen(function*() {
      const ask = yield* asks()
      assert.strictEqual((yield* ask("/health/ready")).status, 200)
      const { lines } = decode((yield* ask("/health/status")).json)
      assert.deepInclude(lines.find(({ name }) => name === "due"), { level: "bad", value: 61 })
    }).pipe(Effect.provide(Layer.provideMerge(engine(), late)))
  })

  it.effect("work that nobody does in a shard: is told with its number, and takes nobody out", () =>
    Effect.gen(function*() {
      const shardsBehind = [{ shard: "17", forMillis: 42_000 }, { shard: "3", forMillis: 7_000 }]
      const behind = Effect.map(Calls.Calls, (calls): Calls.Calls["Service"] => ({
        ...calls,
        load: Effect.map(calls.load, (load) => ({ ...load, shardsBehind }))
      }))
      const ask = yield* Effect.provideServiceEffect(asks(), Calls.Calls, behind)
      assert.strictEqual((yield* ask("/health/ready")).status, 200)
      const { lines } = decode((yield* ask("/health/status")).json)
      assert.strictEqual(
        lines.find(({ name }) => name === "due")!.says,
        "The oldest due work has waited for 0 s, in shard 17 for 42 s, and 1 more shard is behind"
      )
    }).pipe(Effect.provide(Layer.provideMerge(engine(), EventStore.layerMemory))))

  it.effect("a store that does not answer is not waited for", () => {
    const hangs = Layer.effect(
      EventStore.EventStore,
      Effect.map(EventStore.EventStore, (store): EventStore.EventStore["Service"] => ({
        ...store,
        due: (options) => options.limit === 1 ? Effect.never : store.due(options)
      }))
    ).pipe(Layer.provide(EventStore.layerMemory))
    return Effect.gen(function*() {
      const asking = yield* Effect.forkChild(Health.status, { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      const exit = asking.pollUnsafe()
      assert.strictEqual(exit?._tag, "Success")
      if (exit?._tag === "Success") assert.deepInclude(levels(exit.value), { due: "bad" })
    }).pipe(Effect.provide(Layer.provideMerge(engine(), hangs)))
  })
})

describe("a dial of which nobody knows whether it rang", () => {
  it.effect("is counted, and is a reason to look, not to wake anybody", () =>
    Effect.gen(function*() {
      const ask = yield* asks()
      yield* Calls.start(Asks, {})
      yield* TestClock.adjust("1 second")
      const status = decode((yield* ask("/health/status")).json)
      assert.deepStrictEqual([status.level, levels(status)], ["warn", { "unknown dials": "warn" }])
    }).pipe(Effect.provide(Layer.provideMerge(
      engine(Effect.fail(new Transport.TransportError({ reason: new Transport.Lost({ problem: "reset" }) }))),
      EventStore.layerMemory
    ))))
})

describe("a process that ends", () => {
  it.effect("is not ready from when its engine closes, while it still answers what is in hand", () =>
    Effect.gen(function*() {
      const isSending = yield* Deferred.make<void>()
      const hears = yield* Deferred.make<void>()
      const sends: Result = Effect.andThen(
        Deferred.succeed(isSending, undefined),
        Effect.as(Deferred.await(hears), { referenceId: "session" })
      )
      const life = yield* Effect.forkChild(
        Effect.scoped(Effect.gen(function*() {
          const context = yield* Layer.build(engine(sends))
          const ask = yield* Effect.provideContext(asks(), context)
          yield* Effect.provideContext(Calls.start(Asks, {}), context)
          yield* Deferred.await(isSending)
          yield* Deferred.succeed(answered, ask)
        }))
      )
      const ask = yield* Deferred.await(answered)
      yield* TestClock.adjust("1 second")
      const { json, status } = yield* ask("/health/ready")
      assert.deepStrictEqual([status, json], [503, { status: "closing" }])
      assert.strictEqual((yield* ask("/health/live")).status, 200)
      yield* Deferred.succeed(hears, undefined)
      yield* TestClock.adjust("20 seconds")
      assert.isDefined(life.pollUnsafe())
    }).pipe(Effect.provide(EventStore.layerMemory)))

  it.effect("is not ready when the program says so", () =>
    Effect.gen(function*() {
      const state = { isEnding: false }
      const ask = yield* asks({ ready: Effect.sync(() => !state.isEnding) })
      assert.strictEqual((yield* ask("/health/ready")).status, 200)
      state.isEnding = true
      const { json, status } = yield* ask("/health/ready")
      assert.deepStrictEqual([status, json], [503, { status: "draining" }])
    }).pipe(Effect.provide(Layer.provideMerge(engine(), EventStore.layerMemory))))
})

const answered = Deferred.makeUnsafe<Effect.Success<ReturnType<typeof asks>>>()

describe("the status", () => {
  it.effect("is shown to whom the program allows it, at the path that it chose", () =>
    Effect.gen(function*() {
      const ask = yield* asks({
        path: "/internal",
        authorize: ({ headers }) => Effect.succeed(headers["authorization"] === "Bearer good")
      })
      assert.deepStrictEqual(yield* ask("/internal/status"), { status: 401, text: "", json: undefined })
      assert.strictEqual((yield* ask("/internal/status", { authorization: "Bearer good" })).status, 200)
      assert.strictEqual((yield* ask("/internal/ready")).status, 200)
      assert.strictEqual((yield* ask("/health/status")).status, 404)
    }).pipe(Effect.provide(Layer.provideMerge(engine(), EventStore.layerMemory))))
})
