/** Two processes that act as the owner of one call: what is counted and said of it, and of what meets by chance. */
import { assert, describe } from "@effect/vitest"
import { CallMetrics, Flow } from "@ringback/core"
import { Callee, PhoneCompany } from "@ringback/testing"
import { Effect, Fiber, Latch, Logger, Metric, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Cluster } from "../src/internal/engine/asked.ts"
import { from, Interview, to } from "./fixtures/greeting.ts"
import { lying, report, start, tags, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

/** Books once the gate is open. */
const booking = (gate: Latch.Latch) =>
  Flow.make("booking", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () => Flow.activity("book", { success: Schema.String, within: "1 hour" }, Effect.as(gate.await, "booked"))
  })

const IsSet = Flow.Signal("set", Schema.Boolean)
const Later = Flow.Signal("later", Schema.Boolean)

/** Is set by a signal, and rings twice. */
const Alarm = Flow.make("alarm", {
  version: 1,
  input: {},
  output: Schema.Literal("rung"),
  signals: [IsSet, Later],
  run: () =>
    Flow.signal(IsSet, { within: "1 hour" }).pipe(
      Flow.andThen(Flow.sleep("1 minute")),
      Flow.andThen(Flow.sleep("1 minute")),
      Flow.as("rung" as const),
      Flow.catchTag("TimedOut", () => Flow.succeed("rung" as const))
    )
})

/** Waits for a signal with somebody on the line. */
const Answered = Flow.make("answered", {
  version: 1,
  input: {},
  output: Schema.Literals(["set", "not set"]),
  signals: [IsSet],
  run: () =>
    Flow.signal(IsSet, { within: "36 seconds" }).pipe(
      Flow.as("set" as const),
      Flow.dial({ to, from }),
      Flow.catchTag(["TimedOut", "NotAnswered"], () => Flow.succeed("not set" as const))
    )
})

/** Is over before anybody looks again. */
const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("3 seconds").pipe(Flow.as("rested" as const))
})

/** What is counted and said while something happens. */
const during = Effect.fnUntraced(function*<A, E, R>(work: Effect.Effect<A, E, R>) {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  const count = Effect.map(Metric.value(CallMetrics.duplicateOwners), ({ count }) => count)
  const before = yield* count
  yield* Effect.provide(work, Logger.layer([logger]))
  return { counted: (yield* count) - before, lines: lines.filter((line) => line.includes("two owners")) }
})

describe.skipIf(server === undefined)("a call with two owners", () => {
  test("is counted and said, with both processes, when one goes on that another has taken for dead", () =>
    Effect.gen(function*() {
      const gates = [yield* Latch.make(), yield* Latch.make()] as const
      const [Booking, Elsewhere] = [booking(gates[0]), booking(gates[1])]
      let id = ""
      const { counted, lines } = yield* during(Effect.gen(function*() {
        const [one, other] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Elsewhere] })]
        const call = yield* one.calls.start(Booking, {})
        id = call.id
        yield* one.vanish // Its signs of life are late, and all else of it arrives.
        yield* Effect.sleep("10 seconds")
        yield* gates[1].open
        assert.strictEqual(yield* other.calls.handle(Elsewhere, call.id).outcome, "booked")
        yield* gates[0].open
        assert.strictEqual(yield* call.outcome, "booked")
        yield* Effect.sleep("2 minutes")
      }))
      assert.strictEqual(counted, 1)
      assert.lengthOf(lines, 1)
      assert.match(
        lines[0]!,
        new RegExp(
          `^Call ${id} has two owners: this process \\(\\w{8}\\) and \\w{8} both went on with it by themselves within 15 s\\. ` +
            "What \\w{8} did counts, and nobody is rung twice for it\\. .* find out which, and end that one if it goes on$"
        )
      )
    }))

  test("is none where webhooks of it meet at two processes", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      let conflicts = 0
      const { counted, lines } = yield* during(Effect.gen(function*() {
        const both = [yield* start({ flows: [Interview] }), yield* start({ flows: [Interview] })]
        yield* PhoneCompany.connect(Effect.fnUntraced(function*(webhook) {
          const replies = yield* Effect.forEach(both, ({ calls }) => calls.receive(webhook), {
            concurrency: "unbounded"
          })
          yield* replies[0]!.sent(true)
          return replies[0]!.action
        }))
        for (const { calls } of [...both, ...both]) {
          yield* Effect.flatMap(calls.start(Interview, {}), ({ outcome }) => outcome)
        }
        conflicts = both.reduce((sum, process) => sum + process.conflicts(), 0)
      }))
      assert.isAbove(conflicts, 3)
      assert.deepStrictEqual({ counted, lines }, { counted: 0, lines: [] })
    }))

  test("is none where one keeps the time of a call that another goes on with: it looks first", () =>
    Effect.gen(function*() {
      const { counted, lines } = yield* during(Effect.gen(function*() {
        const [one, other] = [yield* start({ flows: [Alarm] }), yield* start({ flows: [Alarm] })]
        const call = yield* one.calls.start(Alarm, {})
        const waiting = yield* Effect.forkChild(call.outcome)
        yield* Effect.sleep("10 seconds")
        yield* other.calls.handle(Alarm, call.id).signal(IsSet, true)
        yield* Effect.sleep("20 seconds") // By then the first one has heard of it.
        yield* Fiber.interrupt(waiting)
        const own = yield* one.calls.start(Alarm, {})
        for (let n = 0; n < 8; n++) yield* own.signal(Later, true) // It trusts its memory again.
        const before = one.appends()
        assert.strictEqual(yield* other.calls.handle(Alarm, call.id).outcome, "rung")
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual([one.conflicts(), other.conflicts()], [0, 0])
        assert.strictEqual(one.appends(), before)
      }))
      assert.deepStrictEqual({ counted, lines }, { counted: 0, lines: [] })
    }))

  test("is none where one reads a call of a process that it has not seen yet: that one keeps its time", () =>
    Effect.gen(function*() {
      const { counted, lines } = yield* during(Effect.gen(function*() {
        const one = yield* start({ flows: [Nap] })
        yield* Effect.sleep("1 second")
        const other = yield* start({ flows: [Nap] })
        const call = yield* other.calls.start(Nap, {}, { key: "nap" })
        yield* Effect.sleep("10 millis")
        assert.isFalse((yield* one.calls.start(Nap, {}, { key: "nap" })).isNew)
        assert.strictEqual(yield* call.outcome, "rested")
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual([one.conflicts(), other.conflicts()], [0, 0])
      }))
      assert.deepStrictEqual({ counted, lines }, { counted: 0, lines: [] })
    }))

  test("is none where one reads a call whose process is gone, before its owner restarts it: that one keeps its time", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("1 second"))
      const machine = (where: Parameters<typeof lying>[0]) =>
        Effect.provideService(
          start({ flows: [Answered], settings: { store: { lookEvery: "30 seconds" } } }),
          Cluster,
          lying(where)
        )
      const { counted, lines } = yield* during(Effect.gen(function*() {
        const reader = yield* machine("elsewhere")
        yield* Effect.sleep("2 seconds")
        const owner = yield* machine("here")
        const gone = yield* start({ flows: [Answered] })
        yield* report(gone)
        const { id } = yield* gone.calls.start(Answered, {}, { key: "call" })
        yield* Effect.sleep("2 seconds")
        yield* gone.kill
        yield* Effect.sleep("27 seconds") // The reader has looked, and the owner has not.
        const read = yield* reader.calls.start(Answered, {}, { key: "call" })
        yield* Effect.forkChild(Effect.exit(read.outcome)) // So it keeps the call in memory.
        yield* reader.vanish // It does not hear of the restart.
        yield* Effect.sleep("2 seconds")
        yield* reader.appear
        yield* Effect.sleep("10 minutes")
        assert.includeMembers(yield* tags(owner, id), ["Restarted", "SignalExpired", "FlowEnded"])
        assert.deepStrictEqual([reader.conflicts(), owner.conflicts()], [0, 0])
      }))
      assert.deepStrictEqual({ counted, lines }, { counted: 0, lines: [] })
    }))
})
