import { assert, describe, it } from "@effect/vitest"
import { CallError, Calls, Flow, Line, PhoneNumber } from "@ringback/core"
import { Cause, Clock, Effect, Exit, Option, Schema } from "effect"
import { vi } from "vitest"
import { Callee, FakeClock, PhoneCompany, TestCalls } from "../src/index.ts"
import { keepOrCancel, parties } from "./fixtures/flows.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const input = { to, from }

const Announcement = Flow.make("announcement", {
  version: 1,
  input: parties,
  output: Schema.Literal("heard"),
  run: (who) => Line.speak("The library closes at six today.").pipe(Flow.as("heard" as const), Flow.dial(who))
})

const Reminder = Flow.make("reminder", {
  version: 1,
  input: parties,
  output: Schema.Literals(["kept", "cancelled", "unreached"]),
  run: (who) =>
    keepOrCancel.pipe(
      Flow.dial({ ...who, ringFor: "40 seconds" }),
      Flow.retry({ times: 2, after: "10 minutes", while: (e) => e._tag === "NotAnswered" && e.reason !== "refused" }),
      Flow.catchTag(["NotAnswered", "NoInput"], () => Flow.succeed("unreached" as const))
    )
})

/** What the engine answered, once everything under way has arrived. */
const actionsOf = Effect.map(
  Effect.andThen(FakeClock.settle, PhoneCompany.log),
  (log) => log.flatMap((entry) => entry._tag === "Replied" && entry.action !== undefined ? [entry.action._tag] : [])
)

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.inbound((caller) =>
      Flow.gen(function*() {
        yield* Line.speak("Hello.")
        return caller.from ?? "withheld"
      })
    )
})

describe("TestCalls.incoming", () => {
  const engine = TestCalls.layer({ flows: [], inbound: { "+15550170009": Desk } })
  const call = { to: "15550170009", from: "15550170044" }

  it.effect("gives the outcome of the flow that answers", () =>
    Effect.gen(function*() {
      const first = yield* TestCalls.incoming(Desk, call)
      const second = yield* TestCalls.incoming(Desk, { ...call, from: "15550170045" })
      assert.strictEqual(yield* second.outcome, "15550170045")
      assert.strictEqual(yield* first.outcome, "15550170044")
      assert.deepStrictEqual(yield* actionsOf, ["Speak", "Speak", "Hangup", "Hangup"])
    }).pipe(Effect.provide(engine)))

  it.effect("gives the failure of a caller who hangs up", () =>
    Effect.gen(function*() {
      const handle = yield* TestCalls.incoming(Desk, { ...call, callee: Callee.answers().hangsUp() })
      assert.strictEqual((yield* Effect.flip(handle.outcome))._tag, "HungUp")
    }).pipe(Effect.provide(engine)))

  it.effect("dies where no flow answers, and the caller is hung up on", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(TestCalls.incoming(Desk, { ...call, to: "15550170008" }))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(yield* actionsOf, ["Hangup"])
    }).pipe(Effect.provide(engine)))

  it.effect("dies where another flow answers", () =>
    Effect.gen(function*() {
      const Other = Flow.make("other", {
        version: 1,
        input: {},
        output: Schema.Void,
        run: () => Flow.succeed(undefined)
      })
      const exit = yield* Effect.exit(TestCalls.incoming(Other, call))
      assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /the flow desk answers/)
    }).pipe(Effect.provide(engine)))
})

describe("TestCalls", () => {
  it.effect("a message that is heard to its end is followed by a hang-up", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Announcement, input)
      assert.strictEqual(yield* call.outcome, "heard")
      assert.deepStrictEqual(yield* actionsOf, ["Speak", "Hangup"])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("a callee who hangs up during the message fails the call as HungUp", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers().hangsUp())
      const call = yield* Calls.start(Announcement, input)
      const error = yield* Effect.flip(call.outcome)
      assert.strictEqual(error._tag, "HungUp")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("a second try reaches a callee who was busy, and the ten minutes pass at once", () =>
    Effect.gen(function*() {
      const began = yield* FakeClock.now
      yield* PhoneCompany.callee("15550170001", [
        Callee.busy,
        Callee.answers("3 seconds").hears(/press 1/i).presses("1")
      ])
      const call = yield* Calls.start(Reminder, input)
      assert.strictEqual(yield* call.outcome, "kept")
      assert.isAtLeast((yield* FakeClock.now) - began, 600_000)
      assert.strictEqual((yield* PhoneCompany.rings).length, 2)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Reminder] }))))

  it.effect("silence is asked again and then given up", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Reminder, input)
      assert.strictEqual(yield* call.outcome, "unreached")
      assert.deepStrictEqual(yield* actionsOf, ["Speak", "Speak", "Speak", "Hangup"])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Reminder] }))))

  it.effect("nobody who answers is reported so after all tries", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.noAnswer)
      const call = yield* Calls.start(Reminder, input)
      assert.strictEqual(yield* call.outcome, "unreached")
      assert.strictEqual((yield* PhoneCompany.rings).length, 3)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Reminder] }))))

  it.effect("a blocked number is refused and not tried again", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.block("15550170001")
      const call = yield* Calls.start(Announcement, input)
      const error = yield* Effect.flip(call.outcome)
      assert.deepStrictEqual(
        error,
        new Flow.NotAnswered({ reason: "refused", status: "to_number_blocked_by_customer" })
      )
      assert.strictEqual((yield* PhoneCompany.rings).length, 0)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("the same key is the same call", () =>
    Effect.gen(function*() {
      const first = yield* Calls.start(Announcement, input, { key: "order-7" })
      const second = yield* Calls.start(Announcement, input, { key: "order-7" })
      const other = yield* Calls.start(Announcement, input, { key: "order-8" })
      yield* Effect.all([first.outcome, second.outcome, other.outcome])
      const again = yield* Calls.start(Announcement, input, { key: "order-7" })
      assert.strictEqual(yield* again.outcome, "heard")
      assert.strictEqual(first.id, second.id)
      assert.notStrictEqual(first.id, other.id)
      assert.strictEqual((yield* PhoneCompany.rings).length, 2)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("a call that is cancelled while it rings ends as stopped, and a late answer is hung up on", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers("20 seconds"))
      const call = yield* Calls.start(Announcement, input)
      yield* Effect.sleep("5 seconds")
      yield* call.cancel
      yield* call.cancel
      const error = yield* Effect.flip(call.outcome)
      assert.deepStrictEqual(error, new CallError.CallStopped({ callId: call.id, reason: { _tag: "Cancelled" } }))
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* actionsOf, ["Hangup"])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("an activity is run and its result recorded, and a slow one is covered by a hold", () => {
    const LookUp = Flow.make("look-up", {
      version: 1,
      input: parties,
      output: Schema.Number,
      run: (who) =>
        Flow.gen(function*() {
          const balance = yield* Flow.activity(
            "balance",
            { success: Schema.Number },
            Effect.delay(Effect.succeed(42), "9 seconds")
          )
          yield* Line.speak(`Your balance is ${balance}.`)
          return balance
        }).pipe(Flow.dial(who))
    })
    return Effect.gen(function*() {
      const call = yield* Calls.start(LookUp, input)
      assert.strictEqual(yield* call.outcome, 42)
      const events = yield* Calls.events(call.id)
      assert.isTrue(events.some((event) => event._tag === "HoldAnswered"))
      assert.strictEqual((yield* actionsOf).at(-1), "Hangup")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [LookUp] })))
  })

  it.effect("an activity that takes too long stops the call as overdue", () => {
    const Slow = Flow.make("slow", {
      version: 1,
      input: parties,
      output: Schema.Void,
      run: (who) => Flow.activity("slow", { within: "10 seconds" }, Effect.never).pipe(Flow.dial(who))
    })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Slow, input)
      const error = yield* Effect.flip(call.outcome)
      assert.deepStrictEqual(
        error,
        new CallError.CallStopped({ callId: call.id, reason: { _tag: "Overdue", activity: "slow" } })
      )
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Slow] })))
  })

  it.effect("an activity that nobody waits for any more is stopped: it is overdue, or its call is cancelled", () => {
    let stopped = 0
    const Slow = Flow.make("slow", {
      version: 1,
      input: {},
      output: Schema.Void,
      run: () =>
        Flow.activity(
          "slow",
          { within: "10 seconds" },
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped++))
        )
    })
    return Effect.gen(function*() {
      yield* Calls.start(Slow, {})
      yield* Effect.sleep("9 seconds")
      const call = yield* Calls.start(Slow, {})
      assert.strictEqual(stopped, 0)
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(stopped, 1)
      yield* call.cancel
      yield* FakeClock.settle
      assert.strictEqual(stopped, 2)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Slow] })))
  })

  it.effect("a hold notices a hang-up at once", () => {
    const Hold = Flow.make("hold", {
      version: 1,
      input: parties,
      output: Schema.String,
      run: (who) =>
        Flow.sleep("10 minutes").pipe(
          Line.hold("One moment, please, while we look for you."),
          Flow.as("slept"),
          Flow.catchTag("HungUp", () => Flow.succeed("hung up")),
          Flow.dial(who)
        )
    })
    return Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers().hangsUpDuring(3))
      const began = yield* FakeClock.now
      const call = yield* Calls.start(Hold, input)
      assert.strictEqual(yield* call.outcome, "hung up")
      assert.isBelow((yield* FakeClock.now) - began, 60_000)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Hold] })))
  })

  it.effect("a call is over when its line is closed", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Announcement, input)
      yield* call.outcome
      yield* Effect.sleep("1 minute")
      const found = yield* Calls.get(call.id)
      assert.strictEqual(Option.getOrThrow(found).lines[0]?.phase, "Closed")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("two flows of one name and version are refused in words that name them", () =>
    Effect.gen(function*() {
      const Other = Flow.make("announcement", {
        version: 1,
        input: parties,
        output: Schema.Void,
        run: (who) => Line.speak("x").pipe(Flow.dial(who))
      })
      const exit = yield* Effect.exit(Effect.provide(Effect.void, TestCalls.layer({ flows: [Announcement, Other] })))
      assert.deepStrictEqual(exit, Exit.fail(new CallError.DuplicateFlow({ flow: "announcement", version: 1 })))
    }))

  it.effect("a flow that is not registered is refused", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Calls.start(Reminder, input))
      assert.deepStrictEqual(error, new CallError.FlowNotRegistered({ flow: "reminder", version: 1 }))
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))

  it.effect("an input that does not fit is refused without being repeated", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Calls.start(Announcement, { to: "555-0170-0001" as typeof to, from }))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.match(error.message, /Expected a phone number/)
      assert.notInclude(error.message, "0170")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Announcement] }))))
})

describe("TestCalls.followed", () => {
  const engine = TestCalls.layer({ flows: [Reminder] })

  it.effect("is silent when every script was followed to its end", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, [Callee.busy, Callee.answers().hears("Press 1").presses("1").hears("Thank you")])
      const call = yield* Calls.start(Reminder, input)
      yield* call.outcome
      yield* TestCalls.followed
    }).pipe(Effect.provide(engine)))

  it.effect("fails with a ladder when a prompt never came or a key was never asked for", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers().presses("1").hears(/see you/i))
      const call = yield* Calls.start(Reminder, input)
      yield* call.outcome
      const error = yield* Effect.flip(TestCalls.followed)
      assert.match(
        error.message,
        /^Not every callee could follow the script\. Left over:\n {2}15550170001: hears \/see you\/i\n/
      )
      assert.include(error.message, "dial completed (answered)")
      assert.include(error.message, "presses 1")
    }).pipe(Effect.provide(engine)))

  it.effect("fails when a prompt comes that was not expected", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers().hears("Press 1").presses("1").hearsNoMore())
      const call = yield* Calls.start(Reminder, input)
      yield* call.outcome
      const error = yield* Effect.flip(TestCalls.followed)
      assert.deepStrictEqual(error.left.map(({ steps }) => steps), [["heard a prompt that was not expected"]])
      assert.include(error.message, "speak completed")
    }).pipe(Effect.provide(engine)))

  it.effect("is silent when nothing came that was not expected", () =>
    Effect.gen(function*() {
      const script = Callee.answers().hears("Press 1").presses("1").hears("Thank you").hearsNoMore()
      yield* PhoneCompany.callee(to, script)
      const call = yield* Calls.start(Reminder, input)
      yield* call.outcome
      yield* TestCalls.followed
    }).pipe(Effect.provide(engine)))
})

describe("a year of virtual time", () => {
  const Year = Flow.make("year", {
    version: 1,
    input: {},
    output: Schema.Literal("awake"),
    run: () => Flow.as(Flow.sleep("365 days"), "awake" as const)
  })

  it.effect("passes in one sleep, for the clock tells when it is set", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const began = yield* Clock.currentTimeMillis
      const sleep = vi.spyOn(clock, "sleep")
      const calls = yield* Effect.forEach(Array.from({ length: 10 }), () => Calls.start(Year, {}))
      for (const call of calls) assert.strictEqual(yield* call.outcome, "awake")
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 365 * 24 * 3_600_000)
      assert.lengthOf(sleep.mock.calls, 1)
    }).pipe(Effect.provide(TestCalls.layer({ flows: [Year] }))))
})
