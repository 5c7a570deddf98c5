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
})
