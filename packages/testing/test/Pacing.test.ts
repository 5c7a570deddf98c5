/** Dials at the pace that the carrier bears, over the whole engine. */
import { assert, describe, it } from "@effect/vitest"
import {
  type Action,
  Call,
  Calls,
  EventStore,
  Explain,
  Flow,
  Line,
  PhoneNumber,
  Settings,
  Transport
} from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { Callee, FakeClock, PhoneCompany, TestCalls } from "../src/index.ts"
import { Announcement } from "./fixtures/flows.ts"
import { countAnew, eventReads, life, world } from "./fixtures/lives.ts"

const from = PhoneNumber.make("15550170009")
const numberOf = (n: number) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)
const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index)

const announce = (n: number) => Calls.start(Announcement, { to: numberOf(n), from })

/** Starts so many calls, one after another, at one moment. */
const announceTo = (n: number) => Effect.forEach(times(n), announce)

/** When phones rang, in milliseconds from a moment on, in their order. */
const ringsSince = (began: number) => Effect.map(PhoneCompany.rings, (rings) => rings.map(({ at }) => at - began))

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.Literal("done"),
  run: () => Flow.inbound(() => Flow.as(Line.speak("Hello."), "done" as const))
})

const callOf = (id: Call.Call["id"]) =>
  Effect.map(
    EventStore.EventStore.use((store) => store.read(id)),
    (turns) => Call.fold(id, turns.flatMap(({ events }) => events))
  )

const turnsOf = (id: Call.Call["id"]) =>
  Effect.map(
    EventStore.EventStore.use((store) => store.read(id)),
    (turns) => turns.map(({ events }) => events.map(({ _tag }) => _tag))
  )

/** Rings within a while, and gives up then. */
const Brief = Flow.make("brief", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: (who) =>
    Line.speak("Hello.").pipe(
      Flow.dial(who),
      Flow.as("heard"),
      Flow.catchTag(["HungUp", "NotAnswered"], (error) =>
        Flow.succeed(error._tag === "NotAnswered" ? error.reason : "hung up")),
      Flow.timeout("10 seconds"),
      Flow.catchTag("TimedOut", () =>
        Flow.succeed("too late"))
    )
})

describe("a start", () => {
  it.effect("that finds a place is attempted in its own turn, and one that finds none waits and says so", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const [first, second] = yield* announceTo(2)
      assert.deepStrictEqual((yield* turnsOf(first!.id))[0], ["CallStarted", "DialPlanned", "DialAttempted"])
      assert.deepStrictEqual(yield* turnsOf(second!.id), [["CallStarted", "DialPlanned"]])
      assert.strictEqual(
        Explain.waitingFor(yield* callOf(second!.id), Settings.defaults).what,
        "its place among the dials that wait"
      )
      const summary = Option.getOrThrow(yield* EventStore.EventStore.use((store) => store.summary(second!.id)))
      assert.strictEqual(summary.waitingFor, "its place among the dials that wait")
      yield* Effect.sleep("26 millis")
      assert.deepStrictEqual((yield* turnsOf(second!.id))[1], ["DialAttempted"])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))
})

/** A carrier that takes so many dials within any second, and answers 429 to what is more. */
const taking = (perSecond: number) => {
  const taken: Array<number> = []
  let refused = 0
  const layer = Layer.effect(
    Transport.Transport,
    Effect.map(PhoneCompany.PhoneCompany, (company) => ({
      send: (dial: Action.Dial) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          if (taken.length >= perSecond && now - taken.at(-perSecond)! < 1_000) {
            refused++
            const reason = new Transport.NotSent({ problem: "HTTP 429", throttled: true })
            return yield* new Transport.TransportError({ reason })
          }
          taken.push(now)
          return yield* company.dial(dial)
        })
    }))
  )
  return { layer, taken, refused: () => refused }
}

const through = (
  transport: Layer.Layer<Transport.Transport, never, PhoneCompany.PhoneCompany>,
  settings: Settings.Options
) =>
  TestCalls.connection.pipe(
    Layer.provideMerge(Calls.layer({ flows: [Announcement], settings })),
    Layer.provide(transport),
    Layer.provideMerge(world)
  )

describe("a carrier that takes 50 dials a second", () => {
  it.effect("rings all of 2,000 that are started at once, in 40 to 50 s, and throttles none", () => {
    const { layer, refused } = taking(50)
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const began = yield* Clock.currentTimeMillis
      yield* announceTo(2_000)
      yield* Effect.sleep("1 minute")
      const rings = yield* ringsSince(began)
      assert.lengthOf(rings, 2_000)
      assert.isAtLeast(rings.at(-1)!, 40_000)
      assert.isAtMost(rings.at(-1)!, 50_000)
      assert.strictEqual(refused(), 0)
    }).pipe(Effect.provide(through(layer, {})))
  })

  it.effect("rings all in the end, each once, at a pace that is too fast for it", () => {
    const { layer, refused, taken } = taking(50)
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const calls = yield* announceTo(1_000)
      const outcomes = yield* Effect.forEach(calls, (call) => call.outcome, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(outcomes), new Set(["heard"]))
      assert.deepStrictEqual(
        (yield* PhoneCompany.rings).map(({ number }) => number).toSorted(),
        times(1_000).map(numberOf)
      )
      assert.isBelow(taken.at(-1)! - taken[0]!, 60_000)
      assert.isAtLeast(refused(), 1)
      assert.isAtMost(refused(), 300)
    }).pipe(Effect.provide(through(layer, { dial: { perSecond: 100 } })))
  })
})

describe("dials that wait", () => {
  it.effect("keep their order over a restart, which reads no call, and are each sent once", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const settings = { dial: { perSecond: 2 }, memory: { calls: 0 } }
      const start = Effect.forEach(times(40), (n) => Effect.andThen(announce(39 - n), Effect.sleep("1 millis")))
      yield* Effect.provide(Effect.andThen(start, Effect.sleep("5 seconds")), life([Announcement], { settings }))
      assert.lengthOf(yield* PhoneCompany.rings, 11)
      yield* Effect.sleep("1 hour")
      yield* countAnew
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* FakeClock.settle
          assert.isAtMost(yield* eventReads, 3) // those that ring, and the one that goes at once
          yield* Effect.sleep("1 minute")
        }),
        life([Announcement], { settings })
      )
      const rings = yield* PhoneCompany.rings
      assert.deepStrictEqual(rings.map(({ number }) => number), times(40).map((n) => numberOf(39 - n)))
    }).pipe(Effect.provide(world)))

  it.effect("are not sent when their flow has given them up, on time, before a restart and after one", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const settings = { dial: { perSecond: 0.01 }, memory: { calls: 0 } }
      const start = (n: number) =>
        Effect.tap(Calls.start(Brief, { to: numberOf(n), from }), () => Effect.sleep("1 millis"))
      const ids = yield* Effect.provide(
        Effect.gen(function*() {
          const calls = yield* Effect.forEach(times(3), start)
          const began = yield* Clock.currentTimeMillis
          assert.strictEqual(yield* calls[1]!.outcome, "too late")
          assert.strictEqual((yield* Clock.currentTimeMillis) - began, 9_998)
          const later = yield* Effect.forEach([3, 4], start)
          yield* Effect.sleep("5 seconds")
          return later.map(({ id }) => id)
        }),
        life([Brief], { settings })
      )
      yield* Effect.provide(
        Effect.gen(function*() {
          const began = yield* Clock.currentTimeMillis
          const last = yield* Calls.Calls.use((calls) => calls.handle(Brief, ids[1]!).outcome)
          assert.strictEqual(last, "too late")
          assert.strictEqual((yield* Clock.currentTimeMillis) - began, 4_999)
          yield* Effect.sleep("1 hour")
        }),
        life([Brief], { settings })
      )
      const rung = (yield* PhoneCompany.rings).map(({ number }) => number)
      assert.deepStrictEqual(rung, [numberOf(0), numberOf(3)]) // each life has a first one that finds a place
    }).pipe(Effect.provide(world)))

  it.effect("are not sent when their call is cancelled, and let the next one go", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const calls = yield* announceTo(4)
      yield* calls[1]!.cancel
      yield* calls[2]!.cancel
      yield* Effect.sleep("9 seconds")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
      yield* Effect.sleep("1 second")
      const rings = yield* PhoneCompany.rings
      assert.deepStrictEqual(rings.map(({ number }) => number), [numberOf(0), numberOf(3)])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement], settings: { dial: { perSecond: 0.1 } } }))))

  it.effect("are told that they were not sent when they have waited too long, and never ring", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const [, second] = yield* Effect.forEach(times(2), (n) => Calls.start(Brief, { to: numberOf(n), from }))
      const began = yield* Clock.currentTimeMillis
      assert.strictEqual(yield* second!.outcome, "not sent")
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 5_000)
      yield* Effect.sleep("1 hour")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
      assert.deepStrictEqual((yield* turnsOf(second!.id))[1], ["DialNotSent", "DeadlineLifted", "FlowEnded"])
    }).pipe(Effect.provide(
      TestCalls.layer({ flows: [Brief], settings: { dial: { perSecond: 0.1, waitAtMost: 5_000 } } })
    )))

  it.effect("ring for as long as they may from the attempt on, not from the plan", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("35 seconds"))
      const calls = yield* announceTo(3)
      assert.deepStrictEqual(
        yield* Effect.forEach(calls, (call) => call.outcome, { concurrency: "unbounded" }),
        ["heard", "heard", "heard"]
      )
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement], settings: { dial: { perSecond: 0.02 } } }))))

  it.effect("hold up nobody who calls, however many they are", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      yield* Effect.forEach(times(5_000), (n) => announce(n % 1_000), { discard: true })
      const asked = yield* Clock.currentTimeMillis
      const incoming = { event: "incoming_call", referenceId: "a caller", to: from, from: "15550170044" }
      const reply = yield* Calls.receive(TelesignWire.named(incoming))
      assert.strictEqual(reply.action?._tag, "Speak")
      assert.strictEqual(yield* Clock.currentTimeMillis, asked)
    }).pipe(Effect.provide(
      life([Announcement], { settings: { dial: { perSecond: 1 } }, inbound: { [from]: Desk } }).pipe(
        Layer.provideMerge(world)
      )
    )))
})

describe("lines at most", () => {
  it.effect("so many ring or talk at a time, those that come in included", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const calls = yield* announceTo(20)
      let most = 0
      const watch = Effect.gen(function*() {
        yield* Effect.sleep("10 millis")
        const open = (yield* PhoneCompany.lines).filter((line) => line.state._tag !== "Ended")
        most = Math.max(most, open.length)
      })
      yield* Effect.forkChild(Effect.forever(watch))
      yield* Effect.forEach(calls, (call) => call.outcome, { concurrency: "unbounded" })
      assert.strictEqual(most, 3)
    }).pipe(Effect.provide(
      TestCalls.layer({ flows: [Announcement], settings: { dial: { linesAtMost: 3, perSecond: Infinity } } })
    )))

  it.effect("holds over a restart, before the calls of the earlier life are read", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("35 seconds"))
      const settings = { dial: { linesAtMost: 2 } }
      yield* Effect.provide(
        Effect.andThen(announceTo(3), Effect.sleep("1 second")),
        life([Announcement], { settings })
      )
      const rings = yield* Effect.provide(
        Effect.andThen(Effect.sleep("10 seconds"), PhoneCompany.rings),
        life([Announcement], { settings })
      )
      assert.lengthOf(rings, 2)
    }).pipe(Effect.provide(world)))
})
