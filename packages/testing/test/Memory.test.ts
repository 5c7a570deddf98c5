import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import { Callee, FakeClock, PhoneCompany } from "../src/index.ts"
import { Reception } from "./fixtures/flows.ts"
import { countAnew, eventReads, inWorld, life, Reads } from "./fixtures/lives.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const parties = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }
const input = { to, from }

/** Waits for an hour, then speaks to somebody. */
const Later = Flow.make("later", {
  version: 1,
  input: parties,
  output: Schema.Literals(["heard", "unreached"]),
  run: (who) =>
    Flow.sleep("1 hour").pipe(
      Flow.andThen(Flow.dial(Line.speak("Good evening."), who)),
      Flow.as("heard" as const),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("unreached" as const))
    )
})

const [Word, Other] = [Flow.Signal("word", Schema.String), Flow.Signal("other", Schema.String)]

/** Speaks to somebody, and then waits for the application. */
const Asked = Flow.make("asked", {
  version: 1,
  input: parties,
  output: Schema.String,
  signals: [Word, Other],
  run: (who) =>
    Line.speak("Thank you.").pipe(
      Flow.dial(who),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed(undefined)),
      Flow.andThen(Flow.signal(Word, { within: "1 day" })),
      Flow.catchTag("TimedOut", () => Flow.succeed("nothing"))
    )
})

/** Talks to somebody for a while, prompt after prompt. */
const Talk = Flow.make("talk", {
  version: 1,
  input: parties,
  output: Schema.Literal("done"),
  run: (who) =>
    Flow.gen(function*() {
      for (let n = 1; n <= 10; n++) yield* Line.speak(`Prompt ${n} of ten.`)
      return "done" as const
    }).pipe(Flow.dial(who), Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("done" as const)))
})

const flows = [Later, Asked, Talk] as const

/** Nothing is kept that the store can tell again. */
const forgetful = { settings: { memory: { calls: 0 } } }

describe("a call that waits without a line", () => {
  it.effect("leaves memory, and its alarm brings it back", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Later, input)
      assert.strictEqual(yield* eventReads, 0)
      yield* Effect.sleep("59 minutes")
      assert.strictEqual(yield* eventReads, 0)
      yield* Effect.sleep("65 seconds")
      assert.strictEqual(yield* eventReads, 1)
      assert.strictEqual(yield* call.outcome, "heard")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.provide(inWorld(life(flows, forgetful)))))

  it.effect("takes a signal", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Asked, input)
      yield* Effect.sleep("10 minutes")
      yield* countAnew
      yield* call.signal(Word, "hello")
      assert.strictEqual(yield* eventReads, 1)
      assert.strictEqual(yield* call.outcome, "hello")
    }).pipe(Effect.provide(inWorld(life(flows, forgetful)))))

  it.effect("leaves memory when so many others have rested since as are kept", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach([1, 2, 3, 4, 5], () => Calls.start(Asked, input))
      yield* Effect.sleep("10 minutes")
      yield* countAnew
      yield* Effect.forEach(calls.slice(2), (call) => call.signal(Other, "a"))
      assert.strictEqual(yield* eventReads, 0)
      yield* calls[0]!.signal(Other, "b")
      assert.strictEqual(yield* eventReads, 1)
      yield* calls[2]!.signal(Other, "c")
      assert.strictEqual(yield* eventReads, 2)
    }).pipe(Effect.provide(inWorld(life(flows, { settings: { memory: { calls: 3 } } })))))

  it.effect("takes a cancel", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Later, input)
      yield* call.cancel
      assert.strictEqual(yield* eventReads, 1)
      assert.strictEqual((yield* Effect.flip(call.outcome))._tag, "CallStopped")
      yield* Effect.sleep("2 hours")
      assert.lengthOf(yield* PhoneCompany.rings, 0)
    }).pipe(Effect.provide(inWorld(life(flows, forgetful)))))

  it.effect("tells its outcome to who waited all the time, and to who comes after its end", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Later, input)
      const waiters = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(call.outcome, { startImmediately: true })
      )
      yield* Effect.sleep("30 minutes")
      yield* Fiber.interrupt(waiters[0]!)
      assert.deepStrictEqual(yield* Effect.forEach(waiters.slice(1), Fiber.join), ["heard", "heard"])
      assert.strictEqual(yield* call.outcome, "heard")
    }).pipe(Effect.provide(inWorld(life(flows, forgetful)))))

  it.effect("answers a late webhook of a line that it had", () =>
    Effect.gen(function*() {
      yield* Calls.start(Asked, input)
      yield* Calls.start(Asked, input)
      yield* Effect.sleep("10 minutes")
      const [ring] = yield* PhoneCompany.rings
      yield* countAnew
      const late = { event: "speak_completed", referenceId: ring!.referenceId }
      assert.isUndefined((yield* Calls.receive(TelesignWire.named(late))).action)
      const reads = yield* Reads
      assert.deepStrictEqual([reads.sessions, yield* eventReads], [1, 1])
    }).pipe(Effect.provide(inWorld(life(flows, { settings: { memory: { calls: 1 } } })))))

  it.effect("leaves memory when its line is presumed closed, for nothing more came from there", () =>
    Effect.gen(function*() {
      const calls = yield* Calls.Calls
      const silent = { referenceId: "caller 1", to: from, from: "15550170044" }
      yield* calls.receive(TelesignWire.named({ event: "incoming_call", ...silent }))
      yield* Effect.sleep("10 minutes")
      yield* countAnew
      yield* calls.receive(TelesignWire.named({ event: "speak_completed", ...silent }))
      const reads = yield* Reads
      assert.deepStrictEqual([reads.sessions, yield* eventReads], [1, 1])
    }).pipe(Effect.provide(inWorld(life([], { inbound: { [from]: Reception } })))))

  it.effect("stays in memory if there are not many", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Later, input)
      assert.strictEqual(yield* call.outcome, "heard")
      assert.strictEqual(yield* eventReads, 0)
    }).pipe(Effect.provide(inWorld(life(flows)))))
})

describe("a call that is live in memory", () => {
  it.effect("is never read", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("20 seconds"))
      const call = yield* Calls.start(Talk, input)
      assert.strictEqual(yield* call.outcome, "done")
      const reads = yield* Reads
      assert.deepStrictEqual([reads.running, reads.sessions, yield* eventReads], [1, 0, 0])
    }).pipe(Effect.provide(inWorld(life(flows, forgetful)))))

  it.effect("stays there while an activity runs, however long that takes", () => {
    const Patient = Flow.make("patient", {
      version: 1,
      input: {},
      output: Schema.String,
      run: () =>
        Flow.activity("look", { success: Schema.String, within: "1 day" }, Effect.as(Effect.sleep("5 hours"), "found"))
    })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Patient, {})
      assert.strictEqual(yield* call.outcome, "found")
      assert.strictEqual(yield* eventReads, 0)
    }).pipe(Effect.provide(inWorld(life([Patient], forgetful))))
  })

  it.effect("stays there while somebody waits on its line", () => {
    const Hold = Flow.make("hold", {
      version: 1,
      input: parties,
      output: Schema.String,
      signals: [Word],
      run: (who) =>
        Line.hold(Flow.signal(Word, { within: "1 day" }), "Please hold.").pipe(
          Flow.dial(who),
          Flow.catchTag(["NotAnswered", "HungUp", "TimedOut"], (error) => Flow.succeed(error._tag))
        )
    })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Hold, input)
      yield* Effect.sleep("40 seconds")
      yield* call.signal(Word, "hello")
      assert.strictEqual(yield* call.outcome, "hello")
      assert.strictEqual(yield* eventReads, 0)
    }).pipe(Effect.provide(inWorld(life([Hold], forgetful))))
  })
})

/** A store whose events cannot be read any more, from some time on. */
const Undecodable = (flag: { broken: boolean; reads: number }) =>
  Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        read: (id) => {
          flag.reads++
          return flag.broken
            ? Effect.fail(
              new EventStore.StoreError({
                operation: "read",
                reason: new EventStore.Unreadable({ problem: "Format 2 is of a later version." })
              })
            )
            : store.read(id)
        }
      }))
  ).pipe(Layer.provide(EventStore.layerMemory))

describe("a call that cannot be read", () => {
  it.effect("is not tried again and again", () => {
    const flag = { broken: false, reads: 0 }
    return Effect.gen(function*() {
      const context = yield* Layer.build(life(flows, forgetful))
      yield* Context.get(context, Calls.Calls).start(Later, input)
      flag.broken = true
      yield* Effect.sleep("1 day")
      assert.strictEqual(flag.reads, 1)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.mergeAll(Undecodable(flag), PhoneCompany.layer).pipe(
          Layer.provideMerge(FakeClock.layerWith({ patience: "brief" }))
        )
      )
    )
  })
})
