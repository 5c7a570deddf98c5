import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { FlowExplorer, Law } from "@ringback/testing"
import { Effect, Schema } from "effect"

const numbers = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

/** What was heard and pressed on the shortest path that breaks the law; `undefined` if it holds. */
const breach = (law: Law.Law, flow: Flow.Flow<unknown, unknown, unknown>): ReadonlyArray<string> | undefined => {
  const definition = Flow.make("test", {
    version: 1,
    input: {},
    output: Schema.Null,
    error: Schema.Unknown,
    run: () => Flow.as(flow as Flow.Flow<unknown>, null)
  })
  const { broken } = FlowExplorer.explore(definition, {}, { laws: [law] })
  return broken[0]?.path.map(({ happened }) => happened).filter((words) => words !== "")
}

const dialled = <A, E>(talk: Flow.Flow<A, E, Flow.Line>) => Flow.dial(talk, numbers)
const seen = ["answers"]

describe("Law.promptAtMost", () => {
  const twice = Flow.andThen(Line.speak("Hello."), Line.speak("Hello."))

  it("counts each prompt by itself, or those that match together", () => {
    assert.deepStrictEqual(breach(Law.promptAtMost(1), dialled(twice)), [...seen, "hears it"])
    assert.isUndefined(breach(Law.promptAtMost(2), dialled(twice)))
    const two = dialled(Flow.andThen(Line.speak("Hello."), Line.speak("Hello again.")))
    assert.isUndefined(breach(Law.promptAtMost(1), two))
    assert.isDefined(breach(Law.promptAtMost(1, /^hello/i), two))
    assert.isUndefined(breach(Law.promptAtMost(1, "again"), two))
  })

  it("begins anew with each line", () => {
    const calls = Flow.andThen(dialled(Line.speak("Hello.")), dialled(Line.speak("Hello.")))
    assert.isUndefined(breach(Law.promptAtMost(1), calls))
  })
})

describe("Law.keyPressBefore", () => {
  const code = Line.speak("Your code is 1 2 3 4.")
  const press = Line.menu("Press 1 to hear your code.", { choices: { "1": "yes" } })

  it("lets nobody hear a passcode who has not pressed a key", () => {
    assert.deepStrictEqual(breach(Law.keyPressBefore("code is"), dialled(code)), seen)
    assert.isUndefined(breach(Law.keyPressBefore("code is"), dialled(Flow.andThen(press, code))))
  })

  it("does not count silence, or a key that was pressed in an earlier call", () => {
    const asked = Flow.catchTag(press, "NoInput", () => Flow.succeed("silent"))
    const path = breach(Law.keyPressBefore("code is"), dialled(Flow.andThen(asked, code)))
    assert.deepStrictEqual(path, [...seen, "silence", "silence", "silence"])
    assert.isDefined(breach(Law.keyPressBefore("code is"), Flow.andThen(dialled(press), dialled(code))))
  })
})

describe("Law.reachable", () => {
  const optOut = Flow.note("opt-out")
  const law = Law.reachable("offers can be opted out of", { from: /offer/, to: Law.notes("opt-out") })

  it("holds as long as some path leads there in the same call", () => {
    const offer = Line.menu("An offer! Press 9 to opt out.", { choices: { "1": "yes", "9": "no" } })
    const answered = (then: Flow.Flow<unknown>) =>
      dialled(Flow.flatMap(offer, (answer) => answer === "no" ? then : Flow.succeed(undefined)))
    assert.isUndefined(breach(law, answered(optOut)))
    assert.deepStrictEqual(breach(law, answered(Flow.note("something else"))), seen)
  })

  it("does not count what takes another dial", () => {
    const later = Flow.andThen(dialled(Line.speak("An offer!")), dialled(Flow.andThen(Line.speak("Hello."), optOut)))
    assert.deepStrictEqual(breach(law, later), seen)
  })

  it("finds activities and prompts as goals too", () => {
    const done = dialled(Flow.andThen(Line.speak("An offer!"), Flow.activity("stop", {}, Effect.void)))
    const from = "offer"
    assert.isUndefined(breach(Law.reachable("", { from, to: Law.runs("stop") }), done))
    assert.isDefined(breach(Law.reachable("", { from, to: Law.runs("go") }), done))
    assert.isUndefined(breach(Law.reachable("", { from, to: Law.speaks(/offer/) }), done))
    assert.isDefined(breach(Law.reachable("", { from, to: Law.speaks("Bye") }), done))
  })
})

describe("Law.fails", () => {
  it("names the failures that a call may have", () => {
    const greeting = dialled(Line.speak("Hello."))
    assert.isUndefined(breach(Law.fails("NotAnswered", "HungUp"), greeting))
    assert.deepStrictEqual(breach(Law.fails("NotAnswered"), greeting), [...seen, "hangs up"])
    assert.deepStrictEqual(breach(Law.fails("HungUp"), greeting), ["busy"])
  })
})

describe("Law.noDefect", () => {
  it("leaves an activity that dies alone, and keeps the message of a defect to itself", () => {
    assert.isUndefined(breach(Law.noDefect, Flow.activity("dies", {}, Effect.void)))
    const secret = Flow.suspend((): Flow.Flow<void> => {
      throw new RangeError("4021")
    })
    const definition = Flow.make("test", { version: 1, input: {}, output: Schema.Void, run: () => secret })
    const why = FlowExplorer.explore(definition, {}, { laws: [Law.noDefect] }).broken[0]?.why
    assert.strictEqual(why, "the flow throws: RangeError")
  })
})

describe("Law.make", () => {
  it("folds a law of one's own along every path", () => {
    const noteFirst = Law.make("a note before the dial", {
      initial: false,
      next: (noted: boolean, moment) =>
        moment._tag === "Asked" && moment.request._tag === "Dial" && !noted
          ? Law.broken("no note")
          : noted || Law.notes("about to call")(moment)
    })
    assert.deepStrictEqual(breach(noteFirst, dialled(Line.hangup)), [])
    assert.isUndefined(breach(noteFirst, Flow.andThen(Flow.note("about to call"), dialled(Line.hangup))))
  })
})
