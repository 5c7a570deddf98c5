import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Calls, CallTelemetry, CallTrace, EventStore, Flow, Line, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Layer, Logger, References, Schema, Tracer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"
import { parties } from "./fixtures/flows.ts"
import * as Predictable from "./fixtures/Predictable.ts"

/** A tracer that remembers what ended. */
const recording = () => {
  const ended: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      const end = span.end.bind(span)
      return Object.assign(span, {
        end: (at: bigint, exit: Parameters<typeof end>[1]) => {
          end(at, exit)
          ended.push(span)
        }
      })
    }
  })
  return { ended, tracer }
}

type Ended = ReadonlyArray<Tracer.NativeSpan>

const parentOf = ({ parent }: Tracer.NativeSpan): string | undefined =>
  parent._tag === "Some" ? parent.value.spanId : undefined

const named = (spans: Ended, name: string) => spans.filter((span) => span.name === name)

const Order = Flow.make("order", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) =>
    Flow.gen(function*() {
      const digits = yield* Line.collect("Your code?", { max: 4 })
      yield* Flow.activity("look up", {}, Effect.withSpan(Effect.sleep("1 second"), "SELECT"))
      yield* Line.goodbye("Thank you.")
      return digits
    }).pipe(Flow.dial(who))
})

const input = { to: "15550170001", from: "15550170009" } as never

const settings = { dial: { busy: ["busy"], noAnswer: ["no_answer"] } }

const database = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "calls.db")
)

/** One life of an engine whose traces go out. */
const process = (options: CallTelemetry.Options = { turns: true }) =>
  TestCalls.connection.pipe(
    Layer.provideMerge(Predictable.layer({ flows: [Order], settings })),
    Layer.provide(FakeTransport.layer),
    Layer.provideMerge(CallTelemetry.layer(options))
  )

/** The same on a database in a file. */
const life = (filename: string, options?: CallTelemetry.Options) =>
  process(options).pipe(
    Layer.provideMerge(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename }))
  )

const world = PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer))

/** What the log of a call says that has to have gone out. */
const expected = (id: CallEvent.CallId, options?: { readonly turns?: boolean }) =>
  Effect.gen(function*() {
    const { read } = yield* EventStore.EventStore
    return CallTrace.spans(id, yield* read(id), options)
  })

const idsOf = (spans: ReadonlyArray<{ readonly spanId: string }>) => spans.map(({ spanId }) => spanId).toSorted()

describe("the traces of calls", () => {
  it.effect("are one for each call, whole, once, with what its activities do", () => {
    const { ended, tracer } = recording()
    return Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", Callee.answers().hears(/code/).presses("1234"))
      yield* Effect.gen(function*() {
        const call = yield* Calls.start(Order, input)
        assert.strictEqual(yield* Effect.withSpan(call.outcome, "a request"), "1234")
        yield* FakeClock.advance("1 minute")
        const trace = CallTrace.traceId(call.id)
        const all = ended.slice()
        const own = all.filter(({ traceId }) => traceId === trace)
        const [select, ...others] = named(own, "SELECT")
        const dial = named(own, "PhoneCompany.dial")[0]
        assert.strictEqual(parentOf(dial!), CallTrace.ofCall(call.id).spanId)
        const ours = own.filter((span) => span !== select && span !== dial)
        assert.deepStrictEqual(idsOf(ours), idsOf(yield* expected(call.id)))
        assert.deepStrictEqual(others, [])
        const [activity] = named(own, "activity look up")
        assert.strictEqual(parentOf(select!), activity!.spanId)
        const [whole] = named(own, "call order")
        assert.strictEqual(parentOf(whole!), undefined)
        assert.strictEqual(whole!.attributes.get("ringback.call"), call.id)
        // Nothing else leaves a span but what somebody asked for.
        const rest = all.filter(({ traceId }) => traceId !== trace)
        assert.deepStrictEqual([
          ...new Set(rest.filter((span) => parentOf(span) === undefined).map(({ name }) => name))
        ], ["Calls.start", "a request"])
      }).pipe(Effect.provide(life(filename)))
    }).pipe(Effect.withTracer(tracer), Effect.provide(world))
  })

  it.effect.each([{ turns: true }, { turns: false }])(
    "go on across a restart under the same ids, and what goes out twice is the same: %o",
    (options) => {
      const { ended, tracer } = recording()
      return Effect.gen(function*() {
        const filename = yield* database
        yield* PhoneCompany.callee("15550170001", Callee.answers("10 seconds").hears(/code/).presses("1234"))
        const { id } = yield* Effect.provide(
          Effect.tap(Calls.start(Order, input), Effect.sleep("3 seconds")),
          life(filename, options)
        )
        yield* Effect.gen(function*() {
          const call = yield* Calls.handle(Order, id)
          assert.strictEqual(yield* call.outcome, "1234")
          yield* FakeClock.advance("1 minute")
          const own = ended.filter(({ name, traceId }) =>
            traceId === CallTrace.traceId(id) && name !== "SELECT" && name !== "PhoneCompany.dial"
          )
          const all = yield* expected(id, options)
          assert.deepStrictEqual([...new Set(idsOf(own))], idsOf(all))
          for (const span of own) {
            const { events, name } = all.find(({ spanId }) => spanId === span.spanId)!
            assert.deepStrictEqual([span.name, span.events.map(([name]) => name)], [
              name,
              events.map(({ name }) => name)
            ])
            for (const other of own.filter(({ spanId }) => spanId === span.spanId)) {
              assert.deepStrictEqual(other.status, span.status)
            }
          }
          assert.lengthOf(named(own, "call order"), 1)
        }).pipe(Effect.provide(life(filename, options)))
      }).pipe(Effect.withTracer(tracer), Effect.provide(world))
    }
  )

  it.effect("that a process had no time to send are sent by the next", () => {
    const first = recording()
    const second = recording()
    return Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers().hears(/code/).presses("1234"))
      // Of the first process nothing comes through: it dies with all that it had to send.
      const id = yield* Effect.gen(function*() {
        const call = yield* Calls.start(Order, input)
        yield* call.outcome
        yield* FakeClock.advance("10 seconds")
        return call.id
      }).pipe(Effect.provide(process(), { local: true }), Effect.withTracer(first.tracer))
      yield* Effect.gen(function*() {
        yield* FakeClock.settle
        const own = second.ended.filter(({ traceId }) => traceId === CallTrace.traceId(id))
        assert.deepStrictEqual(idsOf(own), idsOf(yield* expected(id)))
      }).pipe(Effect.provide(process(), { local: true }), Effect.withTracer(second.tracer))
    }).pipe(Effect.provide(Layer.provideMerge(EventStore.layerMemory, world)))
  })

  it.effect("have the turns of a line as its events, where those have no spans", () => {
    const { ended, tracer } = recording()
    return Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", Callee.answers().hears(/code/).presses("1234"))
      yield* Effect.gen(function*() {
        const call = yield* Calls.start(Order, input)
        yield* call.outcome
        yield* FakeClock.advance("1 minute")
      }).pipe(Effect.provide(life(filename, {})))
      assert.isFalse(ended.some(({ name }) => name.startsWith("turn ")))
      const [line] = named(ended, "line dialled")
      assert.deepStrictEqual(line!.events.map(([name]) => name).slice(1, 4), [
        "DialAccepted",
        "CallAnswered ActionDecided",
        "PromptCompleted ActivityStarted"
      ])
    }).pipe(Effect.withTracer(tracer), Effect.provide(world))
  })

  it.effect("go out of a share of the calls, if the program says so", () => {
    const { ended, tracer } = recording()
    return Effect.gen(function*() {
      const filename = yield* database
      yield* Effect.gen(function*() {
        for (let n = 0; n < 40; n++) yield* (yield* Calls.start(Order, input)).cancel
        yield* FakeClock.advance("5 minutes")
      }).pipe(Effect.provide(life(filename, { ratio: 0.5 })))
      const traces = new Set(ended.filter(({ name }) => name === "call order").map(({ traceId }) => traceId))
      assert.isAbove(traces.size, 5)
      assert.isBelow(traces.size, 35)
    }).pipe(Effect.withTracer(tracer), Effect.provide(world))
  })
})

describe("a line of the log about a call", () => {
  it.effect("has its trace, its id, its flow and the version", () => {
    const seen: Array<unknown> = []
    const logger = Logger.make(({ fiber, message }) => {
      const span = fiber.cache.span
      const about = fiber.getRef(References.CurrentLogAnnotations)
      if (String(message).includes("stopped")) seen.push([span?.traceId, span?.spanId, about])
    })
    const Dies = Flow.make("dies", {
      version: 3,
      input: {},
      output: Schema.Void,
      run: () => Flow.map(Flow.sleep("1 second"), () => assert.fail("on purpose"))
    })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Dies, {})
      yield* Effect.exit(call.outcome)
      yield* FakeClock.settle
      const { spanId, traceId } = CallTrace.ofCall(call.id)
      assert.deepStrictEqual(seen, [[traceId, spanId, { call: call.id, flow: "dies", version: 3 }]])
    }).pipe(Effect.provide(Layer.provideMerge(TestCalls.layer({ flows: [Dies] }), Logger.layer([logger]))))
  })
})
