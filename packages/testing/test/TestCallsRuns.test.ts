/** What a test may do with a call that is under way, and ask of one that was lived. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, Line, PhoneNumber } from "@ringback/core"
import { Callee, FlowExplorer, Law, PhoneCompany, TestCalls } from "@ringback/testing"
import { Cause, Effect, Exit, Fiber, Schema } from "effect"

const input = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const door = (version: number, words = "Enter your PIN.") =>
  Flow.make("door", {
    version,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.String,
    run: (who) =>
      Flow.gen(function*() {
        yield* Flow.note("begun")
        yield* Flow.sleep("1 hour")
        const code = yield* Flow.dial(who)(Flow.gen(function*() {
          const code = yield* Line.collect(words, { max: 4 })
          yield* Line.speak("Thanks.")
          yield* Line.hold("One moment.")(Flow.sleep("20 seconds"))
          return code
        }))
        return code
      })
  })

const Door = door(1)
const engine = TestCalls.layer({ flows: [Door] })

const lived = Effect.gen(function*() {
  yield* PhoneCompany.callee(input.to, Callee.answers().presses("1234"))
  const call = yield* Calls.start(Door, input)
  assert.strictEqual(yield* call.outcome, "1234")
  return call
})

describe("TestCalls.restart", () => {
  it.effect("goes on with calls, rings once, and handles are those of the next engine", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(input.to, Callee.answers("10 seconds").presses("1234"))
      const call = yield* Calls.start(Door, input)
      yield* TestCalls.restart
      yield* Effect.sleep("1 hour")
      yield* Effect.sleep("3 seconds")
      yield* TestCalls.restart
      assert.strictEqual(yield* call.outcome, "1234")
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
      const restarts = (yield* Calls.events(call.id)).filter(({ _tag }) => _tag === "Restarted")
      assert.isAtLeast(restarts.length, 1)
    }).pipe(Effect.provide(engine)))

  it.effect("does not end whoever waits for an outcome", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Door, input)
      const waiting = yield* Effect.forkChild(call.outcome)
      yield* Effect.sleep("10 minutes")
      yield* TestCalls.restart
      const error = yield* Effect.flip(Fiber.join(waiting))
      assert.strictEqual(error._tag, "NoInput")
    }).pipe(Effect.provide(engine)))

  it.effect("a cancel reaches the next engine", () =>
    Effect.gen(function*() {
      const call = yield* Calls.start(Door, input)
      yield* TestCalls.restart
      yield* call.cancel
      assert.strictEqual((yield* Effect.flip(call.outcome))._tag, "CallStopped")
    }).pipe(Effect.provide(engine)))
})

describe("TestCalls.deliverAgain", () => {
  it.effect("gets the reply that the first one got, and changes nothing", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(input.to, Callee.answers("1 second").presses("1234"))
      const call = yield* Calls.start(Door, input)
      yield* Effect.sleep("3602 seconds")
      const replied = (yield* PhoneCompany.log).findLast((entry) => entry._tag === "Replied")
      const before = (yield* Calls.events(call.id)).length
      assert.deepStrictEqual(yield* TestCalls.deliverAgain, replied?.action)
      assert.strictEqual(replied?.action?._tag, "Speak")
      assert.strictEqual((yield* Calls.events(call.id)).length, before)
      assert.strictEqual((yield* PhoneCompany.log).at(-1)?._tag, "Copied")
      assert.strictEqual(yield* call.outcome, "1234")
    }).pipe(Effect.provide(engine)))

  it.effect("says that nothing was delivered yet", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(TestCalls.deliverAgain)
      assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /No webhook was answered yet/)
    }).pipe(Effect.provide(engine)))
})

describe("FlowExplorer.keeps", () => {
  it.effect("is silent where the laws hold, held waits among them", () =>
    Effect.gen(function*() {
      const call = yield* lived
      yield* FlowExplorer.keeps(Door, call, [
        ...Law.standard.filter(({ _tag }) => _tag !== "Fits"),
        Law.promptAtMost(1),
        Law.fails()
      ])
    }).pipe(Effect.provide(engine)))

  it.effect("names the law that a call breaks, with its ladder", () =>
    Effect.gen(function*() {
      const call = yield* lived
      const error = yield* Effect.flip(FlowExplorer.keeps(Door, call, [Law.lineCloses, Law.promptAtMost(0, "PIN")]))
      assert.strictEqual(error._tag, "LawBroken")
      assert.match(
        error.message,
        /breaks the law “[^”]*PIN[^”]*”: heard [^\n]+\n\n[^]*“Enter your PIN\.”[^]*presses 1234/
      )
      const before = yield* Effect.flip(FlowExplorer.keeps(Door, call, [Law.keyPressBefore("PIN")]))
      assert.match(before.message, /spoken before a key was pressed/)
      yield* FlowExplorer.keeps(Door, call, [Law.keyPressBefore("Thanks")])
    }).pipe(Effect.provide(engine)))
})

const Other = Flow.make("other", { version: 1, input: {}, output: Schema.Void, run: () => Flow.note("begun") })

/** What an effect dies of, and the first line of the stack. */
const deathOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    assert.instanceOf(error, Error)
    return { message: error.message, at: error.stack?.split("\n").find((line) => /^\s+at /.test(line)) }
  })

describe("a misuse", () => {
  it.effect("says what to do, in the line of the test: no verdict over a call that tells nothing of the flow", () =>
    Effect.gen(function*() {
      const nothing = yield* TestCalls.deliverAgain.pipe(deathOf)
      const call = yield* lived
      const unknown = yield* deathOf(FlowExplorer.keeps(Door, { id: "none" as typeof call.id }, [Law.noDeadAir]))
      const wrong = yield* deathOf(FlowExplorer.keeps(Other, call, [Law.noDeadAir]))
      const otherwise = yield* deathOf(FlowExplorer.keeps(door(1, "Your PIN?"), call, [Law.noDeadAir]))
      const paths = yield* deathOf(FlowExplorer.keeps(Door, call, [Law.withinTheLine]))
      const empty = yield* deathOf(TestCalls.replays(Door, []))
      const events = yield* Calls.events(call.id)
      const foreign = yield* deathOf(TestCalls.replays(Other, events))
      const headless = yield* deathOf(TestCalls.replays(Door, events.slice(1)))
      assert.match(unknown.message, /^There are no events: give the call that was started/)
      assert.match(wrong.message, /^The call is one of the flow door, and not of other/)
      assert.match(otherwise.message, /goes on otherwise than this call[^]*“Enter your PIN\.”[^]*“Your PIN\?”/)
      assert.match(empty.message, /^There are no events/)
      assert.match(foreign.message, /^The call is one of the flow door/)
      assert.match(headless.message, /begins with its start/)
      for (const { at } of [nothing, unknown, wrong, otherwise, paths, empty, foreign, headless]) {
        assert.include(at, "TestCallsRuns.test.ts")
      }
    }).pipe(Effect.provide(engine)))
})

describe("TestCalls.replays", () => {
  it.effect("is silent where a changed flow asks the same", () =>
    Effect.gen(function*() {
      const call = yield* lived
      yield* TestCalls.replays(door(2), yield* Calls.events(call.id))
    }).pipe(Effect.provide(engine)))

  it.effect("says in words where it does not, and what to do", () =>
    Effect.gen(function*() {
      const call = yield* lived
      const error = yield* Effect.flip(TestCalls.replays(door(2, "Your PIN?"), yield* Calls.events(call.id)))
      assert.strictEqual(
        error.message,
        `Version 2 of the flow door does not replay this call of version 1, from event ${error.at} on.
  the call: speak, collect 4: “Enter your PIN.”
  now:      speak, collect 4: “Your PIN?”
Keep the old version registered until its calls are over.`
      )
      const same = yield* Effect.flip(TestCalls.replays(door(1, "Your PIN?"), yield* Calls.events(call.id)))
      assert.match(same.message, /Give the changed flow a new version/)
    }).pipe(Effect.provide(engine)))

  it.effect("says what a flow throws, and what differs where the words do not", () =>
    Effect.gen(function*() {
      const call = yield* lived
      const events = yield* Calls.events(call.id)
      const stricter = Flow.make("door", {
        version: 2,
        input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, code: Schema.String },
        output: Schema.String,
        run: ({ code }) => Flow.succeed(code)
      })
      const thrown = yield* Effect.flip(TestCalls.replays(stricter, events))
      assert.match(thrown.now, /^it ends: it threw Error: The recorded input does not fit/)
      const swapped = events.map((event) => event._tag === "DialPlanned" ? { ...event, to: input.from } : event)
      const dialled = yield* Effect.flip(TestCalls.replays(Door, swapped))
      assert.deepStrictEqual([dialled.recorded, dialled.now], ["dial", `dial, with another "to"`])
    }).pipe(Effect.provide(engine)))
})
