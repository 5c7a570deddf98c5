/** How an engine ends: within its bound, whatever the carrier, the store or an activity does. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber, Settings, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Context, Effect, Exit, Fiber, Layer, Logger, Metric, Schema, Scope } from "effect"
import { FakeClock } from "../src/index.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const session = "7A10C4E2B95D4F0E8C3311AA90FE6D21"

const Door = Flow.Signal("door", Schema.Boolean)

const Greeting = Flow.make("greeting", {
  signals: [Door],
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Line.speak("Good morning.").pipe(
      Flow.andThen(Line.speak("How are you?")),
      Flow.as("heard"),
      Flow.dial({ to, from }),
      Flow.catchTag(["HungUp", "NotAnswered"], (error) => Flow.succeed(error._tag))
    )
})

const working = (effect: Effect.Effect<string>) =>
  Flow.make("working", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () => Flow.activity("work", { success: Schema.String }, effect)
  })

const accepting = Effect.succeed({ referenceId: session })

/** What stands around an engine, and can be made to hang. */
interface World {
  readonly send?: Transport.Transport["Service"]["send"]
  readonly flows?: Parameters<typeof Calls.layer>[0]["flows"]
  readonly settings?: Settings.Options
}

/** A store that never answers any more from the moment at which it is frozen, one way or the other. */
class Frost {
  private by: Effect.Effect<void> | undefined
  freeze(by: Effect.Effect<void>): void {
    this.by = by
  }
  readonly reach = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => this.by === undefined ? effect : Effect.andThen(this.by, effect))
}

/** What whoever asks for something at the end is told. */
const isClosing = "The event store is waited for no more. The engine is closing"

const never: Effect.Effect<never> = Effect.never
const stubborn = Effect.uninterruptible(Effect.never)
const down = (operation: "read" | "write") =>
  Effect.fail(new EventStore.StoreError({ operation, reason: new EventStore.Down({ problem: "No connection" }) }))

const frozen = (store: EventStore.EventStore["Service"], frost: Frost) =>
  EventStore.EventStore.of({
    ...store,
    append: (...turn) => frost.reach(store.append(...turn)),
    read: (id) => frost.reach(store.read(id)),
    find: (id) => frost.reach(store.find(id)),
    summary: (id) => frost.reach(store.summary(id))
  })

/** An engine in a scope of its own over the store of the test. */
const open = Effect.fnUntraced(function*({ flows = [Greeting], send = () => accepting, settings }: World) {
  const store = yield* EventStore.EventStore
  const frost = new Frost()
  const lines: Array<string> = []
  const log = Logger.layer([Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))])
  const scope = yield* Scope.make()
  const built = yield* Layer.buildWithScope(
    Layer.fresh(Calls.layer({
      flows,
      inbound: {
        "15550170009": Flow.make("desk", {
          version: 1,
          input: {},
          output: Schema.String,
          run: () => Flow.inbound(() => Flow.as(Line.speak("Good day."), "heard"))
        })
      },
      settings: Settings.merge({ dial: { perSecond: Infinity } }, settings ?? {})
    })).pipe(
      Layer.provide(Layer.succeed(EventStore.EventStore, frozen(store, frost))),
      Layer.provide(Layer.succeed(Transport.Transport, { send })),
      Layer.provideMerge(log)
    ) as Layer.Layer<Calls.Calls>,
    scope
  )
  return {
    calls: Context.get(built, Calls.Calls),
    frost,
    lines,
    /** Closes it, and gives how long that took. */
    close: Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      yield* Scope.close(scope, Exit.void)
      return (yield* Clock.currentTimeMillis) - began
    })
  }
})

const world = EventStore.layerMemory.pipe(Layer.provideMerge(FakeClock.layer))

/** For what takes many steps. */
const brief = EventStore.layerMemory.pipe(Layer.provideMerge(FakeClock.layerWith({ patience: "brief" })))

const answered = (externalId = "") => ({
  event: "dial_completed",
  referenceId: session,
  externalId,
  status: "answered"
})

const spoken = { event: "speak_completed", referenceId: session, status: "speak_successful" }

const events = (id: Calls.Handle<unknown, unknown>["id"]) =>
  Effect.gen(function*() {
    const store = yield* EventStore.EventStore
    return (yield* store.read(id)).flatMap((turn) => turn.events.map(({ _tag }) => _tag))
  })

describe("an engine that closes", () => {
  it.effect("takes no time when nothing is under way, and says nothing", () =>
    Effect.gen(function*() {
      const engine = yield* open({})
      assert.strictEqual(yield* engine.close, 0)
      assert.deepStrictEqual(engine.lines, [])
    }).pipe(Effect.provide(world)))

  it.effect("waits for a dial that is being answered, and records what the carrier said", () =>
    Effect.gen(function*() {
      const engine = yield* open({ send: () => Effect.delay(accepting, "3 seconds") })
      const call = yield* engine.calls.start(Greeting, {})
      assert.strictEqual(yield* engine.close, 3_000)
      assert.include(yield* events(call.id), "DialAccepted")
      assert.deepStrictEqual(engine.lines, [
        "Info: The engine has closed, and leaves to the next process: 1 call under way"
      ])
    }).pipe(Effect.provide(world)))

  for (const [words, hang] of [["never answers", never], ["does not let go", stubborn]] as const) {
    it.effect(`lets go of a carrier that ${words}, and records that the response is lost`, () =>
      Effect.gen(function*() {
        const engine = yield* open({ send: () => hang })
        const call = yield* engine.calls.start(Greeting, {})
        assert.isAtMost(yield* engine.close, 10_000)
        assert.include(yield* events(call.id), "DialUnknown")
        assert.deepStrictEqual(engine.lines, [
          "Info: The engine has closed, and leaves to the next process: 1 call under way"
        ])
      }).pipe(Effect.provide(world)))

    it.effect(`lets go of an activity that ${words}, which runs again`, () =>
      Effect.gen(function*() {
        let runs = 0
        const Working = working(Effect.suspend(() => ++runs === 1 ? hang : Effect.succeed("done")))
        const first = yield* open({ flows: [Working] })
        const call = yield* first.calls.start(Working, {})
        assert.isAtMost(yield* first.close, 10_000)
        assert.deepStrictEqual(first.lines, [
          "Info: The engine has closed, and leaves to the next process: 1 call under way, 1 activity that runs again"
        ])
        const second = yield* open({ flows: [Working] })
        assert.strictEqual(yield* second.calls.handle(Working, call.id).outcome, "done")
        yield* second.close
      }).pipe(Effect.provide(world)))

    it.effect(`lets go of a store that ${words} with an answer of the carrier, and the next process finds it`, () =>
      Effect.gen(function*() {
        const first = yield* open({ send: () => Effect.delay(accepting, "3 seconds") })
        const call = yield* first.calls.start(Greeting, {})
        first.frost.freeze(hang)
        assert.isAtMost(yield* first.close, 10_000)
        assert.deepStrictEqual(first.lines, [
          "Warn: The engine has closed, and leaves to the next process: 1 call under way, 1 dial without a response"
        ])
        const second = yield* open({})
        yield* FakeClock.settle
        assert.include(yield* events(call.id), "DialUnknown")
        yield* second.close
      }).pipe(Effect.provide(world)))

    it.effect(`lets go of a store that ${words} with the result of an activity`, () =>
      Effect.gen(function*() {
        const Working = working(Effect.delay(Effect.succeed("done"), "1 second"))
        const engine = yield* open({ flows: [Working] })
        yield* engine.calls.start(Working, {})
        engine.frost.freeze(hang)
        yield* Effect.sleep("2 seconds")
        assert.isAtMost(yield* engine.close, 10_000)
      }).pipe(Effect.provide(world)))
  }

  it.effect("stops an activity at once, though it waits for a dial", () =>
    Effect.gen(function*() {
      const stopped: Array<number> = []
      const note = Effect.map(Clock.currentTimeMillis, (now) => void stopped.push(now))
      const Working = working(Effect.onInterrupt(Effect.delay(Effect.succeed("done"), "2 seconds"), () => note))
      const engine = yield* open({ flows: [Greeting, Working], send: () => Effect.delay(accepting, "3 seconds") })
      const work = yield* engine.calls.start(Working, {})
      yield* engine.calls.start(Greeting, {})
      const began = yield* Clock.currentTimeMillis
      assert.strictEqual(yield* engine.close, 3_000)
      assert.deepStrictEqual(stopped, [began])
      assert.notInclude(yield* events(work.id), "ActivityCompleted")
    }).pipe(Effect.provide(world)))

  it.effect("tries a store that is down until its bound, and not a moment longer", () =>
    Effect.gen(function*() {
      let tries = 0
      const engine = yield* open({ send: () => Effect.delay(accepting, "1 second") })
      yield* engine.calls.start(Greeting, {})
      engine.frost.freeze(Effect.suspend(() => {
        tries++
        return down("write") as never
      }))
      yield* Effect.sleep("2 seconds")
      assert.isAtMost(yield* engine.close, 10_000)
      const before = tries
      yield* Effect.sleep("1 hour")
      assert.isAbove(before, 3)
      assert.strictEqual(tries, before)
    }).pipe(Effect.provide(world)))

  it.effect("refuses what begins something in words, and does what was asked before", () =>
    Effect.gen(function*() {
      const engine = yield* open({ send: () => Effect.delay(accepting, "3 seconds") })
      const call = yield* engine.calls.start(Greeting, {})
      const closing = yield* Effect.forkChild(engine.close, { startImmediately: true })
      for (const asked of [engine.calls.start(Greeting, {}), call.cancel, call.signal(Door, true)]) {
        const error = yield* Effect.flip(asked as Effect.Effect<unknown, { readonly message: string }>)
        assert.strictEqual(error.message, isClosing)
      }
      yield* Fiber.join(closing)
      assert.strictEqual((yield* Effect.flip(call.outcome)).message, isClosing)
    }).pipe(Effect.provide(world)))

  it.effect("whoever waits for an outcome, or for a start, is told", () =>
    Effect.gen(function*() {
      const engine = yield* open({ settings: { store: { patience: 60_000 } } })
      const call = yield* engine.calls.start(Greeting, {})
      const waiting = yield* Effect.forkChild(Effect.flip(call.outcome), { startImmediately: true })
      engine.frost.freeze(never)
      const starting = yield* Effect.forkChild(Effect.flip(engine.calls.start(Greeting, {})), {
        startImmediately: true
      })
      yield* FakeClock.settle
      yield* engine.close
      assert.strictEqual((yield* Fiber.join(waiting)).message, isClosing)
      assert.strictEqual((yield* Fiber.join(starting)).message, isClosing)
      assert.include(engine.lines.join("\n"), "1 request that is not answered")
    }).pipe(Effect.provide(world)))

  it.effect("whoever asks for a call when its store is closed too is told, and not interrupted", () =>
    Effect.gen(function*() {
      const engine = yield* open({})
      const call = yield* engine.calls.start(Greeting, {})
      yield* engine.close
      engine.frost.freeze(Effect.interrupt)
      for (const asked of [engine.calls.events(call.id), call.outcome]) {
        const error = yield* Effect.flip(asked as Effect.Effect<unknown, { readonly message: string }>)
        assert.strictEqual(error.message, isClosing)
      }
    }).pipe(Effect.provide(world)))

  it.effect("a webhook that comes meanwhile is recorded and answered, as long as the store can", () =>
    Effect.gen(function*() {
      const dials: Array<string | undefined> = []
      const engine = yield* open({
        send: (dial) => {
          dials.push(dial.externalId)
          return dials.length === 1 ? accepting : never
        }
      })
      const call = yield* engine.calls.start(Greeting, {})
      yield* engine.calls.start(Greeting, {})
      yield* FakeClock.settle
      const closing = yield* Effect.forkChild(engine.close, { startImmediately: true })
      const reply = yield* engine.calls.receive(TelesignWire.named(answered(dials[0])))
      assert.strictEqual(reply.action?._tag === "Speak" && reply.action.text, "Good morning.")
      assert.include(yield* events(call.id), "CallAnswered")
      yield* Fiber.join(closing)
    }).pipe(Effect.provide(world)))

  it.effect("whoever is on a line hears a hold when nothing is recorded any more, and the next process goes on", () =>
    Effect.gen(function*() {
      const dials: Array<string | undefined> = []
      const engine = yield* open({
        send: (dial) => {
          dials.push(dial.externalId)
          return accepting
        },
        settings: { reply: { deadline: 20_000 } }
      })
      const call = yield* engine.calls.start(Greeting, {})
      yield* FakeClock.settle
      engine.frost.freeze(never)
      const inHand = yield* Effect.forkChild(engine.calls.receive(TelesignWire.named(answered(dials[0]))), {
        startImmediately: true
      })
      assert.isAtMost(yield* engine.close, 10_000)
      const late = yield* engine.calls.receive(TelesignWire.named(answered(dials[0])))
      for (const { action } of [yield* Fiber.join(inHand), late]) {
        assert.strictEqual(action?._tag === "Speak" && action.text, "One moment, please.")
      }
      const incoming = { event: "incoming_call", referenceId: "another", to: "15550170009", from: "15550170044" }
      assert.strictEqual((yield* Effect.flip(engine.calls.receive(TelesignWire.named(incoming)))).message, isClosing)
      assert.include(engine.lines.join("\n"), "1 webhook that is not recorded")
      const second = yield* open({})
      const next = yield* second.calls.receive(TelesignWire.named(spoken))
      assert.strictEqual(next.action?._tag === "Speak" && next.action.text, "Good morning.")
      assert.include(yield* events(call.id), "CallAnswered")
      yield* second.close
    }).pipe(Effect.provide(world)))

  it.effect("begins no activity, and whoever waits for it on a line hears a hold at the end", () =>
    Effect.gen(function*() {
      let runs = 0
      const Asking = Flow.make("asking", {
        version: 1,
        input: {},
        output: Schema.String,
        run: () =>
          Flow.activity("work", { success: Schema.String }, Effect.sync(() => `${++runs}`)).pipe(
            Flow.dial({ to, from }),
            Flow.catchTag("NotAnswered", () => Flow.succeed("unreached"))
          )
      })
      const dials: Array<string | undefined> = []
      const engine = yield* open({
        flows: [Greeting, Asking],
        send: (dial) => {
          dials.push(dial.externalId)
          return dials.length === 1 ? accepting : never
        },
        settings: { reply: { deadline: 20_000 } }
      })
      const call = yield* engine.calls.start(Asking, {})
      yield* engine.calls.start(Greeting, {})
      yield* FakeClock.settle
      const closing = yield* Effect.forkChild(engine.close, { startImmediately: true })
      const answer = yield* Effect.forkChild(engine.calls.receive(TelesignWire.named(answered(dials[0]))), {
        startImmediately: true
      })
      yield* Fiber.join(closing)
      const { action } = yield* Fiber.join(answer)
      assert.strictEqual(action?._tag === "Speak" && action.text, "One moment, please.")
      assert.include(yield* events(call.id), "ActivityStarted")
      assert.strictEqual(runs, 0)
    }).pipe(Effect.provide(world)))

  it.effect("begins no activity and wakes no call any more", () =>
    Effect.gen(function*() {
      const Nap = Flow.make("nap", {
        version: 1,
        input: {},
        output: Schema.String,
        run: () => Flow.as(Flow.sleep("4 seconds"), "rested")
      })
      const engine = yield* open({ flows: [Greeting, Nap], send: () => never })
      const nap = yield* engine.calls.start(Nap, {})
      yield* engine.calls.start(Greeting, {})
      assert.isAbove(yield* engine.close, 4_000)
      assert.notInclude(yield* events(nap.id), "FlowEnded")
    }).pipe(Effect.provide(world)))

  it.effect("leaves no fiber behind, sixty times under load", () =>
    Effect.gen(function*() {
      let alive = 0
      const metrics: Metric.FiberRuntimeMetricsService = {
        recordFiberStart: () => void alive++,
        recordFiberEnd: () => void alive--
      }
      const Working = working(Effect.delay(Effect.succeed("done"), "2 seconds"))
      const once = (n: number) =>
        Effect.gen(function*() {
          const hang = [undefined, never, down("write") as never][n % 3]
          const dials: Array<string | undefined> = []
          const engine = yield* open({
            flows: [Greeting, Working],
            send: (dial) => {
              dials.push(dial.externalId)
              return n % 2 === 0 ? never : Effect.delay(accepting, "1 second")
            }
          })
          for (let calls = 0; calls < 3; calls++) {
            yield* engine.calls.start(Greeting, {})
            const call = yield* engine.calls.start(Working, {})
            yield* Effect.forkDetach(call.outcome)
          }
          yield* FakeClock.settle
          if (hang !== undefined) engine.frost.freeze(hang)
          for (const dial of dials) yield* Effect.forkDetach(engine.calls.receive(TelesignWire.named(answered(dial))))
          yield* Effect.forkDetach(engine.calls.start(Working, {}))
          yield* Effect.sleep(`${n % 12} seconds`)
          yield* engine.close
          yield* FakeClock.settle
        })
      const left: Array<number> = []
      for (let n = 0; n < 60; n++) {
        const before = alive
        yield* once(n).pipe(Effect.provideService(Metric.FiberRuntimeMetrics, metrics))
        left.push(alive - before)
      }
      assert.deepStrictEqual(left, Array.from({ length: 60 }, () => 0))
    }).pipe(Effect.provide(brief)), 120_000)
})
