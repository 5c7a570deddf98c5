import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Effect, Layer, Schema } from "effect"
import { Callee, FakeClock, PhoneCompany } from "../src/index.ts"
import { Announcement } from "./fixtures/flows.ts"
import { countAnew, eventReads, life, Reads, world } from "./fixtures/lives.ts"

const from = PhoneNumber.make("15550170009")
const numberOf = (n: number) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.Literal("done"),
  run: () => Flow.inbound(() => Flow.as(Line.speak("Hello."), "done" as const))
})

const Question = Flow.make("question", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: (who) =>
    Line.collect("How many?", { max: 1 }).pipe(
      Flow.dial(who),
      Flow.catchTag(["HungUp", "NoInput", "NotAnswered"], (error) => Flow.succeed(error._tag))
    )
})

/** A store that takes a second for each append. */
const slow = Layer.effect(
  EventStore.EventStore,
  EventStore.EventStore.use((store) =>
    Effect.succeed({ ...store, append: (...turn) => Effect.delay(store.append(...turn), "1 second") })
  )
)

const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index)

const announce = (n: number) => Calls.start(Announcement, { to: numberOf(n), from })

/** Calls that found a busy number, one after another, and wait to dial again. */
const waiting = (n: number) =>
  Effect.forEach(times(n), (n) => Effect.andThen(Effect.sleep(5), announce(n)), { discard: true })

describe("calls that fell due while the process was down", () => {
  it.effect(
    "dial at a bounded rate, the longest overdue first, each once; who calls meanwhile is answered at once",
    () =>
      Effect.gen(function*() {
        yield* PhoneCompany.everyone(Callee.busy)
        yield* Effect.provide(Effect.andThen(waiting(500), Effect.sleep("1 minute")), life([Announcement]))
        assert.lengthOf(yield* PhoneCompany.rings, 500)
        yield* Effect.sleep("1 hour")

        yield* PhoneCompany.everyone(Callee.answers("1 second"))
        const began = yield* Clock.currentTimeMillis
        const rings = yield* Effect.provide(
          Effect.gen(function*() {
            yield* Effect.sleep("5 seconds")
            const asked = yield* Clock.currentTimeMillis
            const incoming = { event: "incoming_call", referenceId: "a caller", to: from, from: "15550170044" }
            const reply = yield* Calls.receive(TelesignWire.named(incoming))
            assert.strictEqual(reply.action?._tag, "Speak")
            assert.strictEqual(yield* Clock.currentTimeMillis, asked)
            yield* Effect.sleep("1 hour")
            return (yield* PhoneCompany.rings).slice(500)
          }),
          life([Announcement], { inbound: { [from]: Desk } })
        )
        assert.deepStrictEqual(rings.map((ring) => ring.number), times(500).map(numberOf))
        const seconds = new Set(times(13))
        const bySecond = rings.map((ring) => Math.floor((ring.at - began) / 1000))
        for (const second of seconds) {
          assert.isAtMost(bySecond.filter((other) => other === second).length, 40, `in second ${second}`)
        }
        assert.deepStrictEqual(new Set(bySecond), seconds)
      }).pipe(Effect.provide(world))
  )

  it.effect("wait for those that had somebody on the line", () =>
    Effect.gen(function*() {
      const talker = numberOf(9999)
      yield* PhoneCompany.everyone(Callee.busy)
      yield* PhoneCompany.callee(talker, Callee.answers("0 seconds").staysSilent())
      const id = yield* Effect.provide(
        Effect.gen(function*() {
          yield* waiting(100)
          yield* Effect.sleep("9 minutes") // They are due before the call with somebody on the line.
          const { id } = yield* Calls.start(Announcement, { to: talker, from })
          yield* FakeClock.advance("100 millis")
          return id
        }),
        life([Announcement])
      )
      yield* Effect.sleep("1 hour")
      const first = yield* Effect.provide(
        Effect.gen(function*() {
          const store = yield* EventStore.EventStore
          const before = (yield* store.read(id)).length
          const dialled = (yield* PhoneCompany.rings).length
          while ((yield* store.read(id)).length === before) yield* Effect.sleep("10 millis")
          return (yield* PhoneCompany.rings).length - dialled
        }),
        life([Announcement])
      )
      assert.isAtMost(first, 1)
    }).pipe(Effect.provide(world)))
})

describe("calls that were overdue when the process ended", () => {
  it.effect("wait for their turn, also by a clock that was set back meanwhile", () =>
    Effect.gen(function*() {
      const caller = (n: number) => ({ referenceId: `caller ${n}`, to: from, from: "15550170044" })
      const come = (event: string) =>
        Effect.forEach(times(30), (n) => Calls.receive(TelesignWire.named({ event, ...caller(n) })), {
          concurrency: "unbounded"
        })
      yield* Effect.provide(come("incoming_call"), life([], { inbound: { [from]: Desk } }))
      yield* Effect.sleep("10 seconds")
      yield* Effect.provide(come("speak_completed"), life([], { missingFlows: "leave" }))
      yield* FakeClock.setForward("-1 hour")
      const resumed = Effect.gen(function*() {
        const store = yield* EventStore.EventStore
        const running = yield* store.due({ before: Infinity })
        const turns = yield* Effect.forEach(running, ({ callId }) => store.read(callId))
        return turns.flat().flatMap(({ events }) => events).filter(({ _tag }) => _tag === "FlowResumed").length
      })
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* FakeClock.settle
          assert.isAtMost(yield* resumed, 1)
          yield* Effect.sleep("2 seconds")
          assert.strictEqual(yield* resumed, 30)
        }),
        life([], { inbound: { [from]: Desk } })
      )
    }).pipe(Effect.provide(world)))
})

describe("calls that were under way when the process ended", () => {
  it.effect("are in doubt about what was recorded right before, and about nothing else", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second").staysSilent())
      const ids = yield* Effect.provide(
        Effect.gen(function*() {
          const first = yield* Calls.start(Question, { to: numberOf(1), from })
          yield* Effect.sleep("4 seconds")
          const second = yield* Calls.start(Question, { to: numberOf(2), from })
          yield* Effect.sleep("1500 millis")
          return [first.id, second.id]
        }),
        life([Question])
      )
      yield* Effect.sleep("20 seconds")
      const doubtful = yield* Effect.provide(
        Effect.gen(function*() {
          yield* FakeClock.settle
          return yield* Effect.forEach(ids, (id) =>
            Effect.map(Calls.events(id), (events) =>
              events.flatMap((event) =>
                event._tag === "Restarted" ? event.doubtful : []
              )))
        }),
        life([Question])
      )
      assert.deepStrictEqual(doubtful, [[false], [true]])
    }).pipe(Effect.provide(world)))

  it.effect("are restarted no more when the next one closes, which leaves them to a later one", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second").staysSilent())
      const ids = yield* Effect.provide(
        Effect.gen(function*() {
          const calls = yield* Effect.forEach(times(40), (n) => Calls.start(Question, { to: numberOf(n), from }))
          yield* Effect.sleep("2 seconds")
          return calls.map(({ id }) => id)
        }),
        life([Question])
      )
      yield* Effect.provide(Effect.sleep("1500 millis"), Layer.provide(life([Question]), slow))
      const store = yield* EventStore.EventStore
      const restarted = yield* Effect.filter(
        ids,
        (id) =>
          Effect.map(
            store.read(id),
            (turns) => turns.some(({ events }) => events.some(({ _tag }) => _tag === "Restarted"))
          )
      )
      assert.isAtLeast(restarted.length, 8)
      assert.isAtMost(restarted.length, 16)
    }).pipe(Effect.provide(world)))
})

describe("a start", () => {
  it.effect("reads the running calls once, no events of what is over or asleep, and those of what is under way once", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.busy)
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* waiting(30)
          yield* Effect.sleep("1 hour")
          for (const n of times(20)) yield* Calls.start(Announcement, { to: numberOf(100 + n), from })
          yield* Effect.sleep("5 seconds")
          yield* PhoneCompany.everyone(Callee.noAnswer)
          for (const n of times(5)) yield* Calls.start(Announcement, { to: numberOf(200 + n), from })
          yield* Effect.sleep("1 second")
        }),
        life([Announcement])
      )
      yield* countAnew
      const reads = yield* Reads
      yield* Effect.provide(
        Effect.gen(function*() {
          assert.strictEqual(reads.running, 1)
          assert.strictEqual(yield* eventReads, 0)
          yield* FakeClock.settle
          assert.deepStrictEqual([...reads.events.values()], [1, 1, 1, 1, 1])
        }),
        life([Announcement])
      )
    }).pipe(Effect.provide(world)))

  it.effect("leaves a call that only waits for its next attempt to its time", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const store = yield* EventStore.EventStore
      const start = Effect.gen(function*() {
        const call = yield* announce(1)
        yield* Effect.sleep("100 millis")
        return call.id
      })
      const id = yield* Effect.provide(
        start,
        life([Announcement], { settings: { dial: { sendWithin: 0, backoff: 60_000 } } })
      )
      const found = yield* store.due({ before: Infinity })
      assert.deepStrictEqual(found.map(({ callId, dialFrom, due }) => [callId, dialFrom! < due!]), [[id, true]])
      yield* countAnew
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* FakeClock.settle
          assert.strictEqual(yield* eventReads, 0)
          yield* Effect.sleep("2 minutes")
          assert.lengthOf(yield* PhoneCompany.rings, 1)
        }),
        life([Announcement])
      )
    }).pipe(Effect.provide(world)))

  it.effect("dials what waits for its next attempt, though the clock was set back while nobody looked", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      yield* Effect.provide(
        Effect.andThen(announce(1), Effect.sleep("100 millis")),
        life([Announcement], { settings: { dial: { sendWithin: 0, backoff: "1 minute" } } })
      )
      yield* FakeClock.setForward("-30 seconds")
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* Effect.sleep("3 minutes")
          assert.lengthOf(yield* PhoneCompany.rings, 1)
        }),
        life([Announcement])
      )
    }).pipe(Effect.provide(world)))
})
