/** What a test of somebody's own shows when it fails: in its error, for that is what every runner prints. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, Line, PhoneNumber } from "@ringback/core"
import { Callee, FlowExplorer, Law, PhoneCompany, Scenario, TestCalls } from "@ringback/testing"
import { Cause, Effect, Exit, Schema } from "effect"

const input = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const Door = Flow.make("door", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: (who) =>
    Flow.gen(function*() {
      const code = yield* Line.collect("Enter your PIN.", { max: 4 })
      yield* Line.speak("Thanks.")
      if (code === "9999") throw new Error("the flow broke")
      if (code === "8888") yield* Flow.activity("look", {}, dies)
      return code
    }).pipe(Flow.dial(who))
})

const dies = Effect.sync(() => {
  throw new Error("the activity broke")
})

const engine = TestCalls.layer({ flows: [Door] })

/** The line of this file that a stack begins with. */
const lineOf = (stack = ""): string => {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line))
  const [, file, line] = /([\w.]+):(\d+):\d+\)?$/.exec(frames[0] ?? "") ?? []
  return `${file}:${line}`
}

/** How a test fails in which somebody does something. */
const failing = (
  callee: Callee.Script,
  test: (call: Calls.Handle<string, unknown>) => Effect.Effect<unknown, unknown, never>
) =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee(input.to, callee)
    return yield* test(yield* Calls.start(Door, input))
  }).pipe(
    Effect.provide(engine),
    Effect.exit,
    Effect.map((exit) => (Exit.isFailure(exit) ? Cause.squash(exit.cause) : exit) as Error)
  )

describe("a test that fails", () => {
  it.effect("by an assertion shows what was heard and pressed, and keeps its line", () =>
    Effect.gen(function*() {
      const error = yield* failing(Callee.answers().presses("1234"), (call) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* call.outcome, "admitted")
        }))
      assert.match(error.message, /^expected '1234' to equal 'admitted'\n\nThe call of door, as it went:\n\n/)
      assert.match(error.message, /speak, collect 4: “Enter your PIN\.”/)
      assert.match(error.message, /presses 1234/)
      assert.match(error.stack ?? "", /FailingTests\.test\.ts/)
    }))

  it.effect("by a failure of the call begins its stack where the test waited", () =>
    Effect.gen(function*() {
      let here = 0
      const error = yield* failing(Callee.answers().hangsUp(), (call) =>
        Effect.gen(function*() {
          here = lineNow() + 1
          yield* call.outcome
        }))
      assert.match(error.message, /^The far end hung up\n\nThe call of door, as it went:\n\n[^]*hangs up/)
      assert.strictEqual(lineOf(error.stack), `FailingTests.test.ts:${here}`)
    }))

  it.effect("shows what nobody got to do", () =>
    Effect.gen(function*() {
      const error = yield* failing(Callee.answers().hears("something else").presses("1"), (call) => call.outcome)
      assert.match(error.message, /What nobody got to do:\n {2}15550170001: hears "something else", then presses 1\n/)
    }))

  it.effect("because its flow throws shows the line that did, and its own", () =>
    Effect.gen(function*() {
      const error = yield* failing(Callee.answers().presses("9999"), (call) => call.outcome)
      assert.match(error.message, /Thrown in a call: Error: the flow broke\n {2}at .*FailingTests\.test\.ts:17:/)
      assert.strictEqual(lineOf(error.stack), "FailingTests.test.ts:17")
    }))

  it.effect("because an activity throws shows the line that did", () =>
    Effect.gen(function*() {
      const error = yield* failing(Callee.answers().presses("8888"), (call) => call.outcome)
      assert.match(error.message, /Thrown in a call: Error: the activity broke\n {2}at .*FailingTests\.test\.ts:24:/)
      assert.strictEqual(lineOf(error.stack), "FailingTests.test.ts:24")
    }))

  it.effect("by a script that was not followed shows both", () =>
    Effect.gen(function*() {
      let here = 0
      const error = yield* Effect.gen(function*() {
        yield* PhoneCompany.callee(input.to, Callee.answers().presses("1234").hears("Goodbye"))
        yield* (yield* Calls.start(Door, input)).outcome
        here = lineNow() + 1
        yield* TestCalls.followed
      }).pipe(Effect.provide(engine), Effect.flip)
      assert.match(
        error.message,
        /^Not every callee could follow the script\. Left over:\n {2}15550170001: hears "Goodbye"\n/
      )
      assert.match(error.message, /presses 1234/)
      assert.strictEqual(error.message.split("as it went").length, 1, "the ladder is shown once")
      assert.strictEqual(lineOf((error as Error).stack), `FailingTests.test.ts:${here}`)
    }))

  it.effect("in a layer that several share, may print its calls", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(input.to, Callee.answers().presses("1234"))
      yield* (yield* Calls.start(Door, input)).outcome
      assert.match(yield* TestCalls.ladders, /presses 1234/)
    }).pipe(Effect.provide(engine)))

  it.effect("leaves alone what a test expects", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(input.to, Callee.answers().hangsUp())
      const error = yield* Effect.flip((yield* Calls.start(Door, input)).outcome)
      assert.strictEqual(error.message, "The far end hung up")
    }).pipe(Effect.provide(engine)))
})

/** The line that asks. */
const lineNow = (): number => Number(/:(\d+):\d+\)?$/.exec(new Error("here").stack!.split("\n")[2]!)![1])

const thrown = (run: () => unknown): Error => {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error("It did not throw")
}

describe("without an engine", () => {
  it("a scenario shows what was pressed, and begins in the test", () => {
    let here = 0
    const error = thrown(() => {
      const asked = Scenario.given(Door, input).when(Scenario.answers, Scenario.presses("0000"))
      here = lineNow() + 1
      asked.then("Something else.")
    })
    assert.match(error.message, /is given 0000/)
    assert.strictEqual(lineOf(error.stack), `FailingTests.test.ts:${here}`)
  })

  it("a scenario of a flow that throws shows the line that did", () => {
    const error = thrown(() =>
      Scenario.given(Door, input).when(Scenario.answers, Scenario.presses("9999")).ends("9999")
    )
    assert.match(error.message, /The flow threw: Error: the flow broke\n {2}at .*FailingTests\.test\.ts:17:/)
  })

  it("a check begins in the test", () => {
    let here = 0
    const error = thrown(() => {
      here = lineNow() + 1
      FlowExplorer.check(Door, input, [Law.promptAtMost(0)])
    })
    assert.strictEqual(lineOf(error.stack), `FailingTests.test.ts:${here}`)
  })
})
