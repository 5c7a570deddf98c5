import { assert, describe } from "@effect/vitest"
import { Calls, Flow, Retention, SqlEventStore } from "@ringback/core"
import { Callee, PhoneCompany } from "@ringback/testing"
import { Clock, Effect, Fiber, Latch, Logger, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Greeting, Interview, to } from "./fixtures/greeting.ts"
import { inPlace, type Process, report, reportInTurns, rings, start, tags, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

// Flows

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("10 minutes").pipe(Flow.as("rested" as const))
})

const IsSet = Flow.Signal("set", Schema.Boolean)

/** Is set by a signal, and rings later. */
const Alarm = Flow.make("alarm", {
  version: 1,
  input: {},
  output: Schema.Literal("rung"),
  signals: [IsSet],
  run: () =>
    Flow.signal(IsSet, { within: "1 hour" }).pipe(
      Flow.andThen(Flow.sleep("10 minutes")),
      Flow.as("rung" as const),
      Flow.catchTag("TimedOut", () => Flow.succeed("rung" as const))
    )
})

const [First, Second] = [Flow.Signal("first", Schema.Null), Flow.Signal("second", Schema.Null)]
const Later = Flow.Signal("later", Schema.Null)

/** Hears two things from elsewhere. */
const Twice = Flow.make("twice", {
  version: 1,
  input: {},
  output: Schema.Literal("told"),
  signals: [First, Second, Later],
  run: () =>
    Flow.signal(First, { within: "1 hour" }).pipe(
      Flow.andThen(Flow.signal(Second, { within: "1 hour" })),
      Flow.as("told" as const),
      Flow.catchTag("TimedOut", () => Flow.succeed("told" as const))
    )
})

/** What some work cost these processes together. */
const costOf = Effect.fnUntraced(function*<A, E, R>(processes: ReadonlyArray<Process>, work: Effect.Effect<A, E, R>) {
  const sum = (of: (process: Process) => number) => processes.reduce((total, process) => total + of(process), 0)
  const counted = () => ({
    appends: sum((process) => process.appends()),
    conflicts: sum((process) => process.conflicts()),
    reads: sum(({ reads }) => reads.length)
  })
  const before = counted()
  yield* work
  const after = counted()
  return {
    appends: after.appends - before.appends,
    conflicts: after.conflicts - before.conflicts,
    reads: after.reads - before.reads
  }
})

/** Sleeps, and tidies up however that ends. */
const Tidy = Flow.make("tidy", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () => Flow.sleep("10 minutes").pipe(Flow.ensuring(Flow.note("tidied", true)))
})

/** Books once the gate is open, and keeps the keys under which it was asked to. */
const booking = (gate: Latch.Latch, keys: Array<string>) =>
  Flow.make("booking", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () =>
      Flow.activity(
        "book",
        { success: Schema.String, within: "1 hour" },
        Effect.gen(function*() {
          keys.push(yield* Calls.ActivityKey)
          yield* gate.await
          return "booked"
        })
      )
  })

describe.skipIf(server === undefined)("two processes on one PostgreSQL", () => {
  test("share a call: one starts it and hears its outcome, the other gets its webhooks", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const [one, other] = [yield* start({ flows: [Greeting] }), yield* start({ flows: [Greeting] })]
      yield* report(other)
      const call = yield* one.calls.start(Greeting, {})
      assert.strictEqual(yield* call.outcome, "heard")
      assert.strictEqual(yield* rings, 1)
      assert.strictEqual(yield* other.calls.handle(Greeting, call.id).outcome, "heard")
    }))

  test("tell what the other has recorded when they are asked for a call", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const [one, other] = [yield* start({ flows: [Greeting] }), yield* start({ flows: [Greeting] })]
      yield* report(other)
      const { id } = yield* one.calls.start(Greeting, {})
      yield* other.calls.handle(Greeting, id).outcome
      assert.deepStrictEqual(yield* one.calls.get(id), yield* other.calls.get(id))
    }))

  test("get the webhooks of their calls in turns: after a few calls each is read once before it is decided on", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const both = [yield* start({ flows: [Interview] }), yield* start({ flows: [Interview] })]
      yield* Effect.sleep("10 seconds") // They have seen each other.
      yield* reportInTurns(both)
      const costs = yield* Effect.forEach(
        Array.from({ length: 6 }, (_, n) => both[n % 2]!),
        ({ calls }) => costOf(both, Effect.flatMap(calls.start(Interview, {}), (call) => call.outcome))
      )
      assert.isAtMost(costs[0]!.conflicts, 2)
      for (const { appends, conflicts, reads } of costs.slice(2)) {
        assert.strictEqual(conflicts, 0)
        assert.isAtMost(reads, appends + 2) // Who waits for an outcome reads, too.
      }
    }))

  test("tell each other of turns where webhooks come to both: then no webhook reads anything, and none is in conflict", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const both = [yield* start({ flows: [Interview] }), yield* start({ flows: [Interview] })]
      yield* Effect.sleep("10 seconds") // They have seen each other.
      yield* reportInTurns(both)
      const hold = Effect.flatMap(both[0]!.calls.start(Interview, {}), ({ outcome }) => outcome)
      yield* hold // By which they find out that there is something to tell.
      const cost = yield* costOf(both, hold)
      assert.isAtLeast(cost.appends, 9)
      assert.deepStrictEqual([cost.reads, cost.conflicts], [0, 0])
    }))

  test("leave each other's calls alone: no event is read, and no append is in conflict", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const flows = [Nap, Booking, Greeting]
      yield* PhoneCompany.callee(to, Callee.answers("20 seconds"))
      // The answer to its dial takes longer than the others take to look.
      const one = yield* start({ flows, afterSend: () => Effect.sleep("12 seconds") })
      yield* report(one)
      const calls = [
        yield* one.calls.start(Nap, {}),
        yield* one.calls.start(Booking, {}),
        yield* one.calls.start(Greeting, {})
      ]
      yield* Effect.sleep("1 second")
      const other = yield* start({ flows })
      yield* Effect.sleep("5 minutes")
      yield* gate.open
      const outcomes = yield* Effect.forEach(calls, (call) => call.outcome, { concurrency: "unbounded" })
      assert.deepStrictEqual(outcomes, ["rested", "booked", "heard"])
      assert.deepStrictEqual(other.reads, [])
      assert.deepStrictEqual([one.conflicts(), other.conflicts()], [0, 0])
      assert.lengthOf(keys, 1)
      for (const { id } of calls) {
        const recorded = yield* tags(one, id)
        assert.notInclude(recorded, "Restarted")
        assert.notInclude(recorded, "DialUnknown")
      }
    }))

  test("leave a timer to who went on with the call, though both know of it", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Alarm] }), yield* start({ flows: [Alarm] })]
      const call = yield* one.calls.start(Alarm, {})
      const waiting = yield* Effect.forkChild(call.outcome)
      yield* other.calls.handle(Alarm, call.id).signal(IsSet, true)
      assert.strictEqual(yield* Fiber.join(waiting), "rung")
      assert.deepStrictEqual(one.reads, []) // It was told.
      assert.deepStrictEqual([one.appends(), other.appends()], [1, 2])
    }))

  test("see to a timer of the other that is late, and it happens once", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Nap] }), yield* start({ flows: [Nap] })]
      const { id } = yield* one.calls.start(Nap, {})
      yield* one.freeze
      assert.strictEqual(yield* other.calls.handle(Nap, id).outcome, "rested")
      yield* one.thaw
      assert.strictEqual(yield* one.calls.handle(Nap, id).outcome, "rested")
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual((yield* tags(one, id)).filter((tag) => tag === "SleepElapsed"), ["SleepElapsed"])
    }))

  test("read a call anew if they hung for longer than their lease, before they decide anything of it", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Twice] }), yield* start({ flows: [Twice] })]
      const call = yield* one.calls.start(Twice, {})
      yield* Effect.sleep("10 seconds")
      yield* one.freeze
      yield* Effect.sleep("20 seconds")
      yield* other.calls.signal(call.id, First, null)
      yield* one.thaw
      yield* one.calls.signal(call.id, Second, null)
      assert.strictEqual(one.conflicts(), 0)
      assert.strictEqual(yield* call.outcome, "told")
    }))

  test("read a call anew each time as long as their signs of life do not arrive", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Twice] }), yield* start({ flows: [Twice] })]
      const call = yield* one.calls.start(Twice, {})
      const own = yield* one.calls.start(Twice, {})
      yield* Effect.sleep("10 seconds")
      yield* one.vanish
      yield* Effect.sleep("20 seconds")
      yield* call.signal(Later, null)
      for (let n = 0; n < 8; n++) yield* own.signal(Later, null) // It would trust its memory by now.
      yield* other.calls.signal(call.id, First, null)
      yield* call.signal(Second, null)
      assert.deepStrictEqual([one.conflicts(), other.conflicts()], [0, 0])
      assert.strictEqual(yield* call.outcome, "told")
    }))

  test("know of each other's holds: what the store was late with is said, whoever hears of the hold's end", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const [one, other] = [yield* start({ flows: [Greeting] }), yield* start({ flows: [Greeting] })]
      yield* report(one)
      const { id } = yield* one.calls.start(Greeting, {})
      yield* Effect.sleep("9 seconds")
      yield* one.freeze
      yield* Effect.sleep("3500 millis") // since the twelfth second a hold plays
      yield* one.thaw
      yield* report(other)
      assert.strictEqual(yield* other.calls.handle(Greeting, id).outcome, "heard")
      const heard = (yield* PhoneCompany.log).flatMap((entry) =>
        entry._tag === "Replied" && entry.action?._tag === "Speak" ? [entry.action.text] : []
      )
      assert.deepStrictEqual(heard, ["One moment, please.", "Good morning.", "How are you?"])
    }))

  test("go by the clock of the database, whatever those of their machines say", () =>
    Effect.gen(function*() {
      const one = yield* start({ flows: [Nap] })
      const other = yield* start({ flows: [Nap], ahead: 60 * 60 * 1000 })
      const began = yield* Clock.currentTimeMillis
      const { id } = yield* other.calls.start(Nap, {})
      const [first] = yield* one.calls.events(id)
      assert.strictEqual(first?.at, began)
      assert.strictEqual(yield* other.calls.handle(Nap, id).outcome, "rested")
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 10 * 60 * 1000)
    }))

  test("say nothing of a call that one was to wake, and that another has brought to its end and somebody has removed", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const heard = Effect.provide(start({ flows: [Tidy] }), Logger.layer([logger]))
      const [one, other] = [yield* heard, yield* heard]
      const { id } = yield* one.calls.start(Tidy, {})
      yield* one.vanish // It does not hear of that.
      yield* other.calls.cancel(id)
      yield* one.appear
      const prune = Retention.Retention.use(({ prune }) => prune({ keepAtMost: 0 }))
      yield* inPlace(Effect.provide(prune, SqlEventStore.layer))
      yield* Effect.sleep("12 minutes")
      assert.deepStrictEqual(lines, [])
    }))
})

describe.skipIf(server === undefined)("a process that is killed", () => {
  test("while its activity runs: another runs it again under the same key, and the call goes on", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const [one, other] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Booking] })]
      const { id } = yield* one.calls.start(Booking, {})
      yield* Effect.sleep("1 second")
      yield* one.kill
      yield* Effect.sleep("10 seconds")
      yield* gate.open
      assert.strictEqual(yield* other.calls.handle(Booking, id).outcome, "booked")
      assert.deepStrictEqual(keys, [`${id}/1`, `${id}/1`])
      assert.lengthOf((yield* tags(other, id)).filter((tag) => tag === "ActivityCompleted"), 1)
    }))

  test("while its activity runs, and two others see that: who comes second leaves it to the first", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const second = yield* start({ flows: [Booking], slowToTakeOver: "3 seconds" }) // from the fifth second on
      const one = yield* start({ flows: [Booking] })
      const { id } = yield* one.calls.start(Booking, {})
      yield* Effect.sleep("1 second")
      const first = yield* start({ flows: [Booking] }) // takes it over in its fifth second, one second later
      yield* Effect.sleep("1 second")
      yield* one.kill
      yield* Effect.sleep("20 seconds")
      yield* gate.open
      assert.strictEqual(yield* first.calls.handle(Booking, id).outcome, "booked")
      assert.lengthOf(keys, 2)
      assert.lengthOf((yield* tags(second, id)).filter((tag) => tag === "Restarted"), 1)
    }))

  test("between a dial and its answer: another listens for a sign of it, and rings nobody", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("20 seconds"))
      const other = yield* start({ flows: [Greeting] })
      const one = yield* start({ flows: [Greeting], afterSend: (process) => process.kill })
      yield* report(other)
      const { id } = yield* one.calls.start(Greeting, {})
      assert.strictEqual(yield* other.calls.handle(Greeting, id).outcome, "heard")
      assert.include(yield* tags(other, id), "DialUnknown")
      assert.strictEqual(yield* rings, 1)
    }))

  test("before it could send a dial: another never sends it, and the flow hears that nobody knows", () =>
    Effect.gen(function*() {
      const other = yield* start({ flows: [Greeting] })
      const one = yield* start({ flows: [Greeting], beforeSend: (process) => process.kill })
      yield* report(other)
      const { id } = yield* one.calls.start(Greeting, {})
      assert.strictEqual(yield* other.calls.handle(Greeting, id).outcome, "unknown")
      assert.strictEqual(yield* rings, 0)
    }))

  test("while a call sleeps: the only one that is left wakes it in time", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* start({ flows: [Nap] }), yield* start({ flows: [Nap] })]
      const began = yield* Clock.currentTimeMillis
      const { id } = yield* one.calls.start(Nap, {})
      yield* one.kill
      assert.strictEqual(yield* other.calls.handle(Nap, id).outcome, "rested")
      const elapsed = (yield* other.calls.events(id)).find((event) => event._tag === "SleepElapsed")
      assert.strictEqual(elapsed!.at - began, 10 * 60 * 1000)
    }))

  test("is followed up by one that is started later", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make(true)
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      yield* gate.close
      const one = yield* start({ flows: [Booking, Nap] })
      const { id } = yield* one.calls.start(Booking, {})
      const nap = yield* one.calls.start(Nap, {})
      yield* Effect.sleep("1 second")
      yield* one.kill
      yield* Effect.sleep("1 hour")
      yield* gate.open
      const other = yield* start({ flows: [Booking, Nap] })
      assert.strictEqual(yield* other.calls.handle(Booking, id).outcome, "booked")
      assert.strictEqual(yield* other.calls.handle(Nap, nap.id).outcome, "rested")
    }))
})

describe.skipIf(server === undefined)("a process that is taken for dead and lives", () => {
  test("has its activity run twice and recorded once", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const [one, other] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Booking] })]
      const call = yield* one.calls.start(Booking, {})
      yield* one.vanish
      yield* Effect.sleep("10 seconds")
      yield* gate.open
      assert.strictEqual(yield* call.outcome, "booked")
      assert.strictEqual(yield* other.calls.handle(Booking, call.id).outcome, "booked")
      assert.lengthOf(keys, 2)
      assert.lengthOf((yield* tags(other, call.id)).filter((tag) => tag === "ActivityCompleted"), 1)
    }))

  test("because the database has lost them all: nobody takes anything over", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const [one, other] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Booking] })]
      const call = yield* one.calls.start(Booking, {})
      yield* one.vanish
      yield* other.vanish
      yield* Effect.sleep("30 seconds")
      yield* gate.open
      assert.strictEqual(yield* call.outcome, "booked")
      assert.lengthOf(keys, 1)
      assert.notInclude(yield* tags(one, call.id), "Restarted")
    }))

  test("because the database has lost them all: nobody takes over the call of one that came since the last look", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const other = yield* start({ flows: [Booking] })
      const one = yield* start({ flows: [Booking] })
      const call = yield* one.calls.start(Booking, {})
      yield* one.vanish
      yield* other.vanish
      yield* Effect.sleep("30 seconds")
      yield* gate.open
      assert.strictEqual(yield* call.outcome, "booked")
      assert.lengthOf(keys, 1)
      assert.notInclude(yield* tags(one, call.id), "Restarted")
    }))

  test("because the database has lost them all: the first that is seen again waits for the others for one look", () =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const keys: Array<string> = []
      const Booking = booking(gate, keys)
      const [one, other] = [yield* start({ flows: [Booking] }), yield* start({ flows: [Booking] })]
      const call = yield* one.calls.start(Booking, {})
      yield* one.vanish
      yield* other.vanish
      yield* Effect.sleep("12 seconds")
      yield* other.appear
      yield* Effect.sleep("5 seconds") // in which it looks once
      yield* one.appear
      yield* Effect.sleep("1 minute")
      yield* gate.open
      assert.strictEqual(yield* call.outcome, "booked")
      assert.lengthOf(keys, 1)
      assert.notInclude(yield* tags(one, call.id), "Restarted")
    }))

  test("because the database has lost them all: its flow runs what it ensures when another cancels its call", () =>
    Effect.gen(function*() {
      const one = yield* start({ flows: [Tidy] })
      const other = yield* start({ flows: [Nap], tells: false })
      const { id } = yield* one.calls.start(Tidy, {})
      yield* Effect.sleep("6 seconds")
      yield* one.vanish
      yield* other.vanish
      yield* other.calls.cancel(id)
      yield* Effect.sleep("30 seconds")
      assert.include(yield* tags(one, id), "Noted")
    }))

  test("may hear of its dial after another called that unknown, and nobody rings twice", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("20 seconds"))
      const one = yield* start({ flows: [Greeting], afterSend: () => Effect.sleep("12 seconds") })
      const other = yield* start({ flows: [Greeting] })
      yield* report(other)
      const call = yield* one.calls.start(Greeting, {})
      yield* one.vanish
      assert.strictEqual(yield* call.outcome, "heard")
      const recorded = yield* tags(other, call.id)
      assert.isBelow(recorded.indexOf("DialUnknown"), recorded.indexOf("DialAccepted"))
      assert.strictEqual(yield* rings, 1)
    }))
})
