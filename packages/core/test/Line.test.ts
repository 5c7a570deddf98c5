import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber, Step } from "@ringback/core"
import type { Request } from "@ringback/core"
import { Schema } from "effect"

type Asked<A> = Flow.Flow<A, Flow.HungUp | Flow.NoInput, Line.Line>

/** What a question comes to with these answers: its value, `again` if it is still asked, or `NoInput`. */
const ask = (flow: Asked<unknown>, ...answers: ReadonlyArray<string>): unknown => {
  let step: Step.Step<unknown, unknown> = Step.start(flow as Flow.Flow<unknown, unknown, never>)
  for (const digits of answers) {
    if (step._tag !== "Waiting") return assert.fail("it has ended already")
    step = Step.next(step as Step.Waiting<unknown, unknown, { readonly _tag: "Prompt" } & Request.Request>, {
      _tag: "Heard",
      digits
    })
  }
  if (step._tag === "Waiting") return "again"
  return step.exit._tag === "Success" ? step.exit.value : step.exit._tag
}

describe("collect gives what was asked for, or asks again:", () => {
  const code = Line.collect("Code?", { max: 4, min: 4 })
  const amount = Line.collect("How many?", { max: 4 })

  it("all the digits", () => {
    assert.strictEqual(ask(code, "0012"), "0012")
    assert.strictEqual(ask(amount, "7"), "7")
  })

  it("those before a # that ends them", () => {
    assert.strictEqual(ask(amount, "12#"), "12")
    assert.strictEqual(ask(code, "1234#"), "1234")
    assert.strictEqual(ask(code, "123#"), "again")
  })

  const others = {
    "too few": "123",
    "too many": "12345",
    "far too many": "1".repeat(128),
    "a # alone": "#",
    "a # within": "12#4",
    "two of them": "12##",
    "a star": "12*4",
    "a letter key": "12A4",
    "blanks around": " 0012 ",
    "blanks alone": "    ",
    "a line break": "1234\n",
    "a word": "TIMEOUT",
    "a sign": "-123",
    "a point": "12.4",
    "Arabic digits": "\u0661\u0662\u0663\u0664",
    "wide digits": "１２３４",
    "a null": "1\u000023"
  }
  for (const [what, digits] of Object.entries(others)) {
    it(`not ${what}`, () => {
      assert.strictEqual(ask(code, digits), "again")
      assert.strictEqual(ask(code, digits, digits, "1234"), "1234")
      assert.strictEqual(ask(code, digits, digits, digits), "Failure")
    })
  }

  it("not what a schema would have taken", () => {
    const any = Line.collect("Code?", { max: 4, schema: Schema.String })
    for (const digits of ["TIMEOUT", "12345", " 1 ", "*"]) assert.strictEqual(ask(any, digits), "again")
    assert.strictEqual(ask(any, "12#"), "12")
  })

  it("each key as it was pressed, if that is asked for", () => {
    const keys = Line.collect("Which?", { max: 4, keys: "all" })
    for (const digits of ["12#", "*", "#", "A*1#"]) assert.strictEqual(ask(keys, digits), digits)
    for (const digits of ["12#45", "TIMEOUT", " 1", "\u0661"]) assert.strictEqual(ask(keys, digits), "again")
  })

  it.prop("whatever comes, at most `max` digits and at least `min`", [Schema.String], ([digits]) => {
    const given = ask(amount, digits)
    return given === "again" || /^[0-9]{1,4}$/.test(given as string)
  })
})

it("a menu takes the key alone", () => {
  const menu = Line.menu("Press 1.", { choices: { "1": "one" } })
  assert.strictEqual(ask(menu, "1"), "one")
  for (const digits of ["11", " 1", "1\n", "\u0661", "toString", "__proto__"]) {
    assert.strictEqual(ask(menu, digits), "again")
  }
})

it("choices are made of data, each of one key", () => {
  const days = ["Thursday", "Friday"]
  const offer = (first: number) => {
    const choices: Record<string, string> = Object.fromEntries(days.map((day, i) => [i + first, day]))
    return Line.menu("Which day?", { choices })
  }
  assert.strictEqual(ask(offer(1), "2"), "Friday")
  assert.throws(() => offer(9), "Expected a choice to be one key: 0 to 9, * or #, got \"10\"")
  assert.throws(() => Line.menu("Which day?", { choices: {} }), "Expected at least one choice")
})

it("a mistake in words shows where it is written, not when somebody is on the line", () => {
  const number = PhoneNumber.make("15550170001")
  const mistakes: ReadonlyArray<() => unknown> = [
    () => Line.speak(""),
    () => Line.goodbye("\u200b"),
    () => Line.play("music.wav"),
    () => Line.hold(Flow.succeed(1), "\ud83d"),
    () => Line.collect("", { max: 1 }),
    () => Line.collect("Code?", { max: 1, again: { invalid: "" } }),
    () => Line.collect("Code?", { max: 1, again: { silence: ["Once more.", ""] } }),
    () => Line.menu("Press 1.", { choices: { "1": 1 }, acknowledge: "" }),
    () => Line.confirm("Yes?", { acknowledge: "" }),
    () => Line.sendDtmf("x"),
    () => Line.bridge({ to: number, from: number, maxCallDuration: NaN }),
    () => Line.bridge({ to: "nobody" as PhoneNumber.PhoneNumber, from: number })
  ]
  for (const mistake of mistakes) assert.throws(mistake, /cannot be|Expected/, undefined, String(mistake))
})

it("the words after a mistake are as they were when the question was made", () => {
  const words = ["Again.", "Once more."]
  const question = Line.collect("Code?", { max: 1, again: { invalid: words } })
  words.fill("")
  assert.strictEqual(ask(question, "*", "*", "1"), "1")
})
