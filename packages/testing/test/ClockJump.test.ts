import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Context, Duration, Effect, Fiber, Latch, Layer, Option, Schema } from "effect"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"
import { Brake, braked, goOn, stop } from "./fixtures/brake.ts"
import { lobby, Reception } from "./fixtures/flows.ts"
import * as Lines from "./fixtures/lines.ts"
import { inWorld, life, world } from "./fixtures/lives.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const parties = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }
const input = { to, from }

const Greeting = Flow.make("greeting", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) =>
    Line.speak("Good evening.").pipe(
      Flow.as("heard"),
      Flow.dial({ ...who, ringFor: "2 minutes", maxCallDuration: "3 hours" }),
      Flow.catchTag("NotAnswered", (error) => Flow.succeed(error.reason))
    )
})

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("awake"),
  run: () => Flow.as(Flow.sleep("10 minutes"), "awake" as const)
})

const Lookup = Flow.make("lookup", {
  version: 1,
  input: {},
  output: Schema.Finite,
  run: () => {
    let runs = 0
    const work = Effect.andThen(Effect.sleep("20 seconds"), Effect.sync(() => runs))
    return Flow.activity(
      "look up",
      { success: Schema.Finite, within: "30 seconds" },
      Effect.andThen(Effect.sync(() => runs++), work)
    )
  }
})

const Talk = Flow.make("talk", {
  version: 1,
  input: parties,
  output: Schema.Literals(["done", "lost"]),
  run: (who) =>
    Flow.gen(function*() {
      for (let n = 1; n <= 8; n++) yield* Line.speak(`This is sentence number ${n} of eight.`)
      return "done" as const
    }).pipe(Flow.dial(who), Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("lost" as const)))
})

const Lobby = lobby("10 seconds")

/** Somebody calls in and is connected. */
const Exchange = Flow.make("exchange", {
  version: 1,
  input: {},
  output: Schema.Literals(["connected", "gone"]),
  run: () =>
    Flow.inbound(() =>
      Flow.gen(function*() {
        yield* Line.speak("We connect you now.")
        yield* Line.bridge({ to, from })
        return "connected" as const
      })
    ).pipe(Flow.catchTag("HungUp", () => Flow.succeed("gone" as const)))
})

const incoming = { event: "incoming_call", referenceId: "caller 1", to: from, from: "15550170044" }

/** Milliseconds of the monotonic clock, by which a person waits. */
const waited = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const minute = 60_000

/** An engine whose dials ring, but whose answer from the carrier is lost. */
const unconfirmed = TestCalls.connection.pipe(
  Layer.provideMerge(Calls.layer({ flows: [Greeting] })),
  Layer.provide(FakeTransport.failing(new Transport.Lost({ problem: "the connection broke" }), { rings: true }))
)

/** A store that can be made to wait. */
const slowly = Layer.provideMerge(braked, Brake.layer)

/** A store that takes a second for each append. */
const delayed = Layer.effect(
  EventStore.EventStore,
  EventStore.EventStore.use((store) =>
    Effect.succeed({ ...store, append: (...turn) => Effect.delay(store.append(...turn), "1 second") })
  )
).pipe(Layer.provide(EventStore.layerMemory))

const eventsOf = (id: Calls.Handle<unknown, unknown>["id"]) => Calls.Calls.use((calls) => calls.events(id))

const tagsOf = (id: Calls.Handle<unknown, unknown>["id"]) =>
  Effect.map(eventsOf(id), (events) => events.map(({ _tag }) => _tag))

describe("a clock that is set forward", () => {
  it.effect("by an hour lets a dial of unknown fate be listened for anew", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("2 minutes"))
      const call = yield* Calls.start(Greeting, input)
      yield* Effect.sleep("1 minute")
      yield* FakeClock.setForward("1 hour")
      assert.strictEqual(yield* call.outcome, "heard")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
      const events = yield* Effect.flatMap(Calls.Calls, (calls) => calls.events(call.id))
      assert.lengthOf(events.filter((event) => event._tag === "Restarted"), 1)
    }).pipe(Effect.provide(inWorld(unconfirmed))))

  it.effect("by an hour ends that listening in time all the same", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 hour"))
      const began = yield* waited
      const call = yield* Calls.start(Greeting, input)
      yield* Effect.sleep("1 minute")
      yield* FakeClock.setForward("1 hour")
      assert.strictEqual(yield* call.outcome, "unknown")
      assert.isAtMost((yield* waited) - began, 6 * minute)
    }).pipe(Effect.provide(inWorld(unconfirmed))))

  it.effect("while the jump before is being recorded lets the dial be listened for anew once more", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("2 minutes"))
      const call = yield* Calls.start(Greeting, input)
      yield* Effect.sleep("1 minute")
      yield* stop
      yield* FakeClock.setForward("1 hour")
      yield* Effect.sleep("40 seconds")
      yield* FakeClock.setForward("1 hour")
      yield* Effect.sleep("1 second")
      yield* goOn
      yield* call.outcome
      assert.lengthOf((yield* tagsOf(call.id)).filter((tag) => tag === "Restarted"), 2)
    }).pipe(Effect.provide(inWorld(Layer.provideMerge(unconfirmed, slowly)))))

  it.effect("by an hour neither starts an activity twice that is running, nor calls it overdue", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Lookup, {})
      yield* Effect.sleep("10 seconds")
      yield* FakeClock.setForward("1 hour")
      assert.strictEqual(yield* call.outcome, 1)
    }).pipe(Effect.provide(inWorld(life([Lookup])))))

  it.effect("by a minute puts the reply in doubt that was given right before", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("10 seconds"))
      const call = yield* Calls.start(Talk, input)
      yield* Effect.sleep("10500 millis")
      yield* FakeClock.setForward("1 minute")
      yield* Calls.start(Nap, {})
      assert.strictEqual(yield* call.outcome, "done")
      const events = yield* Effect.flatMap(Calls.Calls, (calls) => calls.events(call.id))
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "Restarted" ? [event.doubtful] : []),
        [true]
      )
    }).pipe(Effect.provide(inWorld(life([Talk, Nap])))))

  for (
    const [by, words] of [["1 hour", "The clock jumped by 3600 s"], [
      "-1 hours",
      "The clock was set back by 3600 s"
    ]] as const
  ) {
    it.effect(`by ${by} is told as what it is`, () => {
      const { layer, said } = Lines.make()
      return Effect.gen(function*() {
        yield* Calls.start(Nap, {})
        yield* FakeClock.setForward(by)
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual(said.map(({ text }) => text.split(",")[0]), [words])
      }).pipe(Effect.provide(inWorld(life([Nap])).pipe(Layer.provideMerge(layer))))
    })
  }

  it.effect("by an hour wakes what sleeps within half a minute, at a bounded rate", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach(Array.from({ length: 1_000 }), () => Calls.start(Nap, {}))
      const began = yield* waited
      yield* FakeClock.setForward("1 hour")
      const woken: Array<number> = []
      yield* Effect.forEach(
        calls,
        (call) => Effect.andThen(call.outcome, Effect.map(waited, (at) => void woken.push(at - began))),
        { concurrency: "unbounded" }
      )
      assert.isAtMost(woken[0]!, 30_000)
      assert.isAtLeast(woken.at(-1)! - woken[0]!, 4_900)
      assert.isAtMost(woken.at(-1)!, 36_000)
    }).pipe(Effect.provide(inWorld(life([Nap])))))

  it.effect("wakes what sleeps as soon as it is noticed, by a clock that tells nobody too, and says so", () => {
    const { layer, said } = Lines.make()
    const silent = Layer.merge(layer, Layer.succeed(Calls.ClockChanges, undefined))
    return Effect.gen(function*() {
      const call = yield* Calls.start(Nap, {})
      yield* Effect.sleep("65 seconds") // A clock is compared every half minute in any case.
      yield* FakeClock.setForward("1 hour")
      yield* Calls.receive(TelesignWire.named({ event: "dial_completed", referenceId: "of somebody else" })) // by which it is noticed
      yield* Effect.sleep("1 second")
      assert.include(yield* tagsOf(call.id), "SleepElapsed")
      assert.deepStrictEqual(
        said.filter(({ level }) => level === "Warn").map(({ text }) => text),
        ["The clock jumped by 3600 s, or the machine slept for so long"]
      )
    }).pipe(Effect.provide(inWorld(life([Nap]).pipe(Layer.provideMerge(silent)))))
  })

  it.effect("in steps too small to be a jump lets no dial go out that is too old by it", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const calls = yield* Calls.Calls
      yield* stop
      const starting = yield* Effect.forkChild(Calls.start(Greeting, input, { key: "one" }))
      for (let step = 1; step <= 12; step++) {
        yield* Effect.sleep("100 millis")
        yield* FakeClock.setForward("900 millis")
        yield* Effect.forkChild(calls.receive(TelesignWire.named({ ...incoming, referenceId: `caller ${step}` }))) // reads the clock
      }
      yield* goOn
      yield* Fiber.await(starting)
      const call = yield* Calls.start(Greeting, input, { key: "one" })
      assert.strictEqual(yield* call.outcome, "heard")
      const tags = yield* tagsOf(call.id)
      assert.deepStrictEqual(tags.slice(2, 5), ["DialAttempted", "DialNotSent", "DialAttempted"])
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.provide(inWorld(Layer.provideMerge(life([Greeting]), slowly)))))
})

describe("a clock that is set forward during a talk", () => {
  for (const by of ["3 minutes", "1 hour", "3650 days"] as const) {
    it.effect(`by ${by} ends no conversation: a line is silent from when we listened`, () =>
      Effect.gen(function*() {
        yield* PhoneCompany.everyone(Callee.answers("1 second"))
        const call = yield* Calls.start(Talk, input)
        yield* Effect.sleep("6 seconds")
        yield* FakeClock.setForward(by)
        assert.strictEqual(yield* call.outcome, "done")
      }).pipe(Effect.provide(inWorld(life([Talk])))))

    it.effect(`by ${by} lets a phone ring on for as long as it may`, () =>
      Effect.gen(function*() {
        yield* PhoneCompany.everyone(Callee.answers("90 seconds"))
        const call = yield* Calls.start(Greeting, input)
        yield* Effect.sleep("10 seconds")
        yield* FakeClock.setForward(by)
        assert.strictEqual(yield* call.outcome, "heard")
      }).pipe(Effect.provide(inWorld(life([Greeting])))))
  }

  it.effect("ends no conversation whose first record is under way", () =>
    Effect.gen(function*() {
      const calls = yield* Calls.Calls
      const ring = yield* Effect.forkChild(calls.receive(TelesignWire.named(incoming)))
      yield* Effect.sleep("500 millis")
      yield* FakeClock.setForward("1 hour")
      yield* calls.receive(TelesignWire.named({ event: "dial_completed", referenceId: "of somebody else" })) // so that the jump is noticed
      assert.strictEqual((yield* Fiber.join(ring)).action?._tag, "Speak")
      yield* Effect.sleep("5 seconds")
      yield* calls.receive(
        TelesignWire.named({ ...incoming, event: "speak_completed", status: "speak_successful", digits: "" })
      )
      const id = Option.getOrThrow(yield* EventStore.EventStore.use((store) => store.find(incoming.referenceId)))
      assert.strictEqual(yield* calls.handle(Reception, id).outcome, "heard")
    }).pipe(
      Effect.provide(inWorld(life([], { inbound: { "15550170009": Reception } }).pipe(Layer.provideMerge(delayed))))
    ))

  for (const jumps of [["1 hour", "2 hours"], ["1 hour", "-1 hour"]] as const) {
    it.effect(`by ${jumps.join(", and by ")} before it is recorded, ends none either`, () =>
      Effect.gen(function*() {
        yield* PhoneCompany.everyone(Callee.answers("1 second"))
        const call = yield* Calls.start(Talk, input)
        yield* Effect.sleep("3 seconds")
        yield* stop
        yield* Effect.sleep("3 seconds") // in which a sentence has come to its end, and that is being recorded
        for (const by of jumps) {
          yield* FakeClock.setForward(by)
          yield* Effect.sleep("500 millis")
        }
        yield* goOn
        assert.strictEqual(yield* call.outcome, "done")
        const forward = jumps.map((by) => Duration.toMillis(Duration.fromInputUnsafe(by))).filter((by) => by > 0)
        assert.deepStrictEqual(
          (yield* eventsOf(call.id)).flatMap((event) => event._tag === "Restarted" ? event.jumpedMillis : []),
          [forward.reduce((sum, by) => sum + by)]
        )
      }).pipe(Effect.provide(inWorld(Layer.provideMerge(life([Talk]), slowly)))))
  }

  it.effect("ends a line all the same that stays silent from then on", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const call = yield* Calls.start(Talk, input)
      yield* Effect.sleep("6 seconds")
      yield* FakeClock.setForward("1 hour")
      yield* PhoneCompany.connect(() => Effect.fail("nobody is there"))
      const began = yield* waited
      assert.strictEqual(yield* call.outcome, "lost")
      assert.isAtMost((yield* waited) - began, 3 * minute)
    }).pipe(Effect.provide(inWorld(life([Talk])))))
})

describe("a clock that is set back", () => {
  for (const by of ["1 hour", "3650 days"] as const) {
    for (const keep of [0, 1000]) {
      it.effect(`by ${by} wakes a call that sleeps, if it is ${keep === 0 ? "not " : ""}in memory`, () =>
        Effect.gen(function*() {
          const call = yield* Calls.start(Nap, {})
          const began = yield* waited
          yield* Effect.sleep("5 minutes")
          yield* FakeClock.setForward(Duration.negate(Duration.fromInputUnsafe(by)))
          assert.strictEqual(yield* call.outcome, "awake")
          const slept = (yield* waited) - began
          assert.isAtLeast(slept, 10 * minute)
          assert.isAtMost(slept, 20 * minute)
        }).pipe(Effect.provide(inWorld(life([Nap], { settings: { memory: { calls: keep } } })))))
    }

    it.effect(`by ${by} wakes a call that sleeps and that nobody waits for`, () =>
      Effect.gen(function*() {
        const call = yield* Calls.start(Nap, {})
        yield* Effect.sleep("5 minutes")
        yield* FakeClock.setForward(Duration.negate(Duration.fromInputUnsafe(by)))
        yield* Effect.sleep("20 minutes")
        assert.include(yield* tagsOf(call.id), "SleepElapsed")
      }).pipe(Effect.provide(inWorld(life([Nap], { settings: { memory: { calls: 0 } } })))))

    it.effect(`by ${by} while nobody looked wakes a call that slept`, () =>
      Effect.gen(function*() {
        const { id } = yield* Effect.provide(Calls.start(Nap, {}), life([Nap]))
        yield* FakeClock.setForward(Duration.negate(Duration.fromInputUnsafe(by)))
        const began = yield* waited
        const calls = yield* Effect.provide(
          Effect.flatMap(Calls.Calls, (calls) => calls.handle(Nap, id).outcome),
          life([Nap])
        )
        assert.strictEqual(calls, "awake")
        assert.isAtMost((yield* waited) - began, 20 * minute)
      }).pipe(Effect.provide(world)))
  }

  it.effect("by an hour, and forward again, leaves nothing behind: what is recorded is of the time that it is", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const call = yield* Calls.start(Talk, input)
      for (const by of ["-1 hour", "1 hour"] as const) {
        yield* Effect.sleep("6 seconds")
        yield* FakeClock.setForward(by)
      }
      assert.strictEqual(yield* call.outcome, "done")
      const last = (yield* eventsOf(call.id)).at(-1)!
      assert.isAtMost(last.at, yield* Clock.currentTimeMillis)
    }).pipe(Effect.provide(inWorld(life([Talk])))))

  it.effect("by 4 seconds lets no caller wait longer for the hold", () =>
    Effect.gen(function*() {
      const began = yield* waited
      yield* stop
      const ring = yield* Effect.forkChild(
        Effect.flatMap(Calls.Calls, (calls) => calls.receive(TelesignWire.named(incoming)))
      )
      yield* Effect.sleep("1 second")
      yield* FakeClock.setForward("-4 seconds")
      yield* goOn
      const { action } = yield* Fiber.join(ring)
      assert.strictEqual(action?._tag, "Speak")
      assert.strictEqual((yield* waited) - began, 2_000)
    }).pipe(Effect.provide(inWorld(Layer.provideMerge(life([], { inbound: { [from]: Lobby } }), slowly)))))

  it.effect("by 5 minutes makes no new event of a copy that waited for the store", () =>
    Effect.gen(function*() {
      const calls = yield* Calls.Calls
      const told = (event: string) => calls.receive(TelesignWire.named({ ...incoming, event }))
      const { sent } = yield* told("incoming_call")
      yield* sent(true)
      yield* Effect.sleep("10 seconds")
      yield* stop
      const answers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(told("speak_completed")))
      yield* Effect.sleep("1 second")
      yield* FakeClock.setForward("-5 minutes")
      yield* Effect.sleep("1 minute")
      yield* goOn
      yield* Effect.forEach(answers, Fiber.join)
      yield* Effect.sleep("1 second")
      const id = Option.getOrThrow(yield* EventStore.EventStore.use((store) => store.find(incoming.referenceId)))
      assert.deepStrictEqual(yield* tagsOf(id), [
        "CallArrived",
        "ActionDecided",
        "PromptCompleted",
        "ActionDecided",
        "HoldAnswered" // to a copy: it finds out whether the bridge began
      ])
    }).pipe(Effect.provide(inWorld(Layer.provideMerge(life([], { inbound: { [from]: Exchange } }), slowly)))))

  it.effect("by 4 seconds does not let a dial go out that was recorded 14 seconds ago, and says so", () => {
    const { layer, said } = Lines.make()
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      yield* stop
      const starting = yield* Effect.forkChild(Calls.start(Greeting, input, { key: "one" }))
      yield* Effect.sleep("7 seconds")
      yield* FakeClock.setForward("-4 seconds")
      yield* Effect.sleep("7 seconds")
      yield* goOn
      yield* Fiber.await(starting)
      const call = yield* Calls.start(Greeting, input, { key: "one" })
      assert.strictEqual(yield* call.outcome, "heard")
      const tags = yield* tagsOf(call.id)
      assert.deepStrictEqual(tags.slice(0, 5), [
        "CallStarted",
        "DialPlanned",
        "DialAttempted",
        "DialNotSent",
        "DialAttempted"
      ])
      assert.lengthOf(yield* PhoneCompany.rings, 1)
      assert.match(said.map(({ text }) => text).join("\n"), /1 dial could not be sent within 10000 ms of the record/)
    }).pipe(Effect.provide(inWorld(Layer.provideMerge(life([Greeting]), slowly)).pipe(Layer.provideMerge(layer))))
  })

  it.effect("repeats no prompt of a conversation, and no time in it goes backwards", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const call = yield* Calls.start(Talk, input)
      const talk = yield* Effect.forkChild(call.outcome, { startImmediately: true })
      yield* Effect.sleep("6 seconds")
      yield* FakeClock.setForward("-1 hours")
      assert.strictEqual(yield* Fiber.join(talk), "done")
      const events = yield* Effect.flatMap(Calls.Calls, (calls) => calls.events(call.id))
      const times = events.map((event) => event.at)
      assert.deepStrictEqual(times, times.toSorted((one, other) => one - other))
      const spoken = (yield* PhoneCompany.log).filter((entry) =>
        entry._tag === "Replied" && entry.action?._tag === "Speak"
      )
      assert.lengthOf(spoken, 8)
    }).pipe(Effect.provide(inWorld(life([Talk])))))
})

/** A machine that can sleep, while the world goes on: its monotonic clock stands still, and nobody under it wakes. */
const machine = (world: Clock.Clock) => {
  const awake = Latch.makeUnsafe(true)
  let fellAsleep: bigint | undefined
  let slept = 0n
  const monotonic = () => (fellAsleep ?? world.monotonicTimeNanosUnsafe()) - slept
  const sleepUntil = (nanos: bigint): Effect.Effect<void> =>
    Effect.andThen(
      awake.await,
      Effect.suspend(() => {
        const left = nanos - monotonic()
        return left <= 0n ? Effect.void : Effect.andThen(world.sleep(Duration.nanos(left)), sleepUntil(nanos))
      })
    )
  const clock: Clock.Clock = Object.assign(Object.create(world) as Clock.Clock, {
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep: (duration: Duration.Duration) =>
      Effect.suspend(() => sleepUntil(monotonic() + BigInt(Math.round(Duration.toMillis(duration) * 1e6))))
  })
  const sleeps = (duration: Duration.Input) =>
    Effect.gen(function*() {
      yield* awake.close
      fellAsleep = world.monotonicTimeNanosUnsafe()
      yield* Effect.sleep(duration)
      slept += world.monotonicTimeNanosUnsafe() - fellAsleep
      fellAsleep = undefined
      yield* awake.open
    })
  return { clock, awake, sleeps }
}

describe("a machine that sleeps for half an hour", () => {
  it.effect("wakes what fell due meanwhile, and ends a conversation whose end it missed", () =>
    Effect.gen(function*() {
      const { awake, clock, sleeps } = machine(yield* Clock.Clock)
      const engine = Calls.layer({ flows: [Nap, Talk] }).pipe(Layer.provide(FakeTransport.layer))
      const calls = yield* Effect.map(Layer.build(engine), Context.get(Calls.Calls)).pipe(
        Effect.provideService(Clock.Clock, clock)
      )
      yield* PhoneCompany.connect((webhook) =>
        Effect.gen(function*() {
          if (!awake.isOpen()) return yield* Effect.fail("the machine sleeps")
          const reply = yield* calls.receive(webhook)
          yield* reply.sent(true)
          return reply.action
        })
      )
      yield* PhoneCompany.everyone(Callee.answers("1 second").hangsUpAfter(3))
      const on = Effect.provideService(Clock.Clock, clock)
      const nap = yield* on(calls.start(Nap, {}))
      const talk = yield* on(calls.start(Talk, input))
      yield* Effect.sleep("4 seconds")
      const began = yield* waited
      yield* sleeps("30 minutes")
      assert.strictEqual(yield* on(nap.outcome), "awake")
      assert.isAtMost((yield* waited) - began, 31 * minute)
      assert.strictEqual(yield* on(talk.outcome), "lost")
      assert.isAtMost((yield* waited) - began, 35 * minute)
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.scoped, Effect.provide(world)))
})
