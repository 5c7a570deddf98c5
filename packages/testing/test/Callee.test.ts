import { assert, describe, it } from "@effect/vitest"
import { Callee } from "@ringback/testing"
import { Arbitrary, Result, Schema } from "effect"

const prompt = (number: number, words: string, collects = 0): Callee.Heard => ({ number, words, collects })

/** What the callee does about each of these prompts. */
const reactions = (script: Callee.Script, prompts: ReadonlyArray<Callee.Heard>) => {
  let steps = script.steps
  return prompts.map((heard) => {
    const { digits, hangsUp, steps: rest } = Callee.listen(steps, heard)
    steps = rest
    return hangsUp === "never" ? digits : `${digits} ${hangsUp}`.trim()
  })
}

describe("Callee", () => {
  it("is plain data underneath", () => {
    const callee = Callee.answers("3 seconds").hears(/press 1/i).presses("1")
    const data: Callee.Script = {
      reach: { _tag: "Answers", afterMillis: 3000 },
      steps: [{ _tag: "HearsMatch", source: "press 1", flags: "i" }, { _tag: "Presses", digits: "1" }]
    }
    assert.deepStrictEqual(JSON.parse(JSON.stringify(callee)), data)
    assert.deepStrictEqual(callee, Callee.make(data))
    assert.deepStrictEqual(Callee.make(data).hangsUp().steps.at(-1), { _tag: "HangsUp" })
  })

  it("answers after two seconds if nothing is said", () =>
    assert.deepStrictEqual(Callee.answers().reach, { _tag: "Answers", afterMillis: 2000 }))

  it("habits can be shared by a pipe", () => {
    const slow = (callee: Callee.Callee) => callee.staysSilent().staysSilent()
    assert.deepStrictEqual(
      Callee.answers().pipe(slow).presses("1"),
      Callee.answers().staysSilent().staysSilent().presses("1")
    )
  })

  it("adding a step leaves the callee as it was", () => {
    const callee = Callee.answers()
    callee.presses("1")
    assert.deepStrictEqual(callee.steps, [])
  })

  describe("listen", () => {
    it("keys are pressed at the next prompt that collects, and a prompt that collects none is just heard", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().presses("1"), [prompt(1, "Hello."), prompt(2, "Menu.", 1), prompt(3, "Again.", 1)]),
        ["", "1", ""]
      ))

    it("whoever reacts to words does so in any order, again, and without taking a step of the script", () => {
      const person = Callee.answers().whenever("name", "1").whenever(/date/i, "2").presses("9").hangsUp()
      const prompts = [
        prompt(1, "The date?", 1),
        prompt(2, "Your name.", 1),
        prompt(3, "Sure?", 1),
        prompt(4, "A date?", 1)
      ]
      assert.deepStrictEqual(reactions(person, [...prompts, prompt(5, "Bye.")]), ["2", "1", "9", "2", "during"])
    })

    it("whoever never met the words that they wait for has that left", () => {
      const person = Callee.answers().whenever("name", "1").whenever("date", "2")
      const { steps } = Callee.listen(person.steps, prompt(1, "The date?", 1))
      assert.deepStrictEqual(Callee.leftover({ steps }), [`whenever "name" presses 1`])
    })

    it("keys beyond what the prompt takes are lost", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().presses("12345"), [prompt(1, "PIN?", 4), prompt(2, "Amount?", 4)]),
        ["1234", ""]
      ))

    it("hears waits for a prompt that matches, and keys go to that prompt or a later one", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().hears(/press \d/i).presses("7").presses("8"), [
          prompt(1, "Your name?", 1),
          prompt(2, "Now PRESS 7.", 1),
          prompt(3, "And again?", 1)
        ]),
        ["", "7", "8"]
      ))

    it("words are heard in upper and lower case alike", () =>
      assert.deepStrictEqual(reactions(Callee.answers().hears("press 1").presses("1"), [prompt(1, "PRESS 1", 1)]), [
        "1"
      ]))

    it("each hears takes a prompt of its own", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().hears("menu").hears("menu").presses("1"), [
          prompt(1, "menu", 1),
          prompt(2, "menu", 1)
        ]),
        ["", "1"]
      ))

    it("an expression with a memory matches every time", () => {
      const callee = Callee.answers().hears(/menu/g).hears(/menu/g).presses("1")
      assert.deepStrictEqual(reactions(callee, [prompt(1, "menu", 1), prompt(2, "menu", 1)]), ["", "1"])
    })

    it("staysSilent lets one collecting prompt pass", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().staysSilent().presses("2"), [
          prompt(1, "Hi."),
          prompt(2, "?", 1),
          prompt(3, "?", 1)
        ]),
        ["", "", "2"]
      ))

    it("talks lets prompts pass until there is somebody to talk to, and no longer than one talk", () => {
      const callee = Callee.answers().talks().presses("1").talks().hangsUp()
      assert.deepStrictEqual(reactions(callee, [prompt(1, "Hi."), prompt(2, "?", 1)]), ["", ""])
      const first = Callee.converse(callee.steps)
      assert.deepStrictEqual(first, { hangsUp: false, steps: callee.steps.slice(1) })
      const keyed = Callee.listen(first.steps, prompt(3, "?", 1))
      assert.strictEqual(keyed.digits, "1")
      assert.deepStrictEqual(Callee.converse(keyed.steps), { hangsUp: true, steps: [] })
    })

    it("hangsUp ends the call in the next prompt, not in the one that took the keys", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().presses("1").hangsUp(), [prompt(1, "?", 1), prompt(2, "Thanks.")]),
        ["1", "during"]
      ))

    it("hangsUpDuring counts the prompts of the call", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().hangsUpDuring(2), [prompt(1, "One."), prompt(2, "Two.")]),
        ["", "during"]
      ))

    it("hangsUpDuring that comes too late hangs up in the prompt that is reached", () =>
      assert.deepStrictEqual(
        reactions(Callee.answers().presses("1").hangsUpDuring(1), [prompt(1, "?", 1), prompt(2, "Thanks.")]),
        ["1", "during"]
      ))

    it("hangsUpAfter goes with the keys of the same prompt", () =>
      assert.deepStrictEqual(reactions(Callee.answers().presses("1").hangsUpAfter(1), [prompt(1, "?", 1)]), [
        "1 after"
      ]))

    it("whoever has used the script up says nothing more", () =>
      assert.deepStrictEqual(reactions(Callee.busy, [prompt(1, "?", 1), prompt(2, "?", 4)]), ["", ""]))
  })

  it("leftover tells the steps that were not used", () => {
    const callee = Callee.answers().presses("1").hears("bye").hangsUp()
    const { steps } = Callee.listen(callee.steps, prompt(1, "?", 1))
    assert.deepStrictEqual(Callee.leftover({ steps }), ["hears \"bye\"", "hangs up"])
  })

  describe("parse", () => {
    const parsed = (text: string) => Result.getOrThrow(Callee.parse(text))

    it("reads how a number is reached", () => {
      assert.deepStrictEqual(parsed("busy"), Callee.busy)
      assert.deepStrictEqual(parsed(" no answer ;"), Callee.noAnswer)
      const machine = Callee.machine({ after: "4 seconds", greets: "6 seconds", records: "30 seconds" })
      assert.deepStrictEqual(parsed("machine 4s; greets 6s; records 30s"), machine)
      assert.strictEqual(Callee.describe(machine), "machine 4s; greets 6s; records 30s")
      const quick = Callee.answers().presses("12", { every: "2 seconds" }).presses("3", { into: true })
      assert.deepStrictEqual(parsed("answers; presses 12 every 2s; presses 3 into it"), quick)
      const late = Callee.answers().whenever("a; b", "1").whenever(/c;/, "2").hangsUpAt("12 seconds").takesOneCall()
      const words = `answers; whenever "a; b" presses 1; whenever /c;/ presses 2; hangs up at 12s; takes one call`
      assert.deepStrictEqual(parsed(words), late)
      assert.deepStrictEqual(parsed("voicemail"), Callee.voicemail)
      assert.deepStrictEqual(parsed("fails carrier_error"), Callee.fails("carrier_error"))
      assert.deepStrictEqual(parsed("answers"), Callee.answers())
    })

    it("reads times as people write them", () => {
      assert.deepStrictEqual(parsed("answers 2s"), Callee.answers(2000))
      assert.deepStrictEqual(parsed("answers 500ms"), Callee.answers(500))
      assert.deepStrictEqual(parsed("answers 1.5 m"), Callee.answers(90_000))
      assert.deepStrictEqual(parsed("answers 3 seconds"), Callee.answers(3000))
    })

    it("reads the steps in their order", () =>
      assert.deepStrictEqual(
        parsed("answers 2s; hears \"one; two\"; hears /a;\\/b/i; hears press 1; presses 1#; stays silent; hangs up"),
        Callee.answers().hears("one; two").hears(/a;\/b/i).hears("press 1").presses("1#").staysSilent().hangsUp()
      ))

    it("reads when to hang up", () =>
      assert.deepStrictEqual(
        parsed("answers; hangs up during 2; hangs up after 0"),
        Callee.answers().hangsUpDuring(2).hangsUpAfter(0)
      ))

    const Digits = Schema.String.check(Schema.isPattern(/^[0-9A-D*#]{1,6}$/))
    const Words = Schema.String.check(Schema.isPattern(/\S/))
    const Number = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 99 }))
    const Step = Schema.Union([
      Schema.Struct({ _tag: Schema.Literal("Hears"), text: Words }),
      Schema.Struct({
        _tag: Schema.Literal("HearsMatch"),
        source: Schema.Literals(["a;b", "\\/", "[/;]", "press \\d"]),
        flags: Schema.Literals(["", "i", "su"])
      }),
      Schema.Struct({ _tag: Schema.Literal("Presses"), digits: Digits }),
      Schema.Struct({ _tag: Schema.Literals(["StaysSilent", "Talks", "HangsUp"]) }),
      Schema.Struct({ _tag: Schema.Literals(["HangsUpDuring", "HangsUpAfter"]), prompt: Number })
    ])

    it.prop(
      "gives back what describe has written",
      [
        Arbitrary.schema(Schema.Array(Step)),
        Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })))
      ],
      ([steps, afterMillis]) => {
        const callee = Callee.make({
          reach: { _tag: "Answers", afterMillis },
          steps: steps as ReadonlyArray<Callee.Step>
        })
        assert.deepStrictEqual(parsed(Callee.describe(callee)), callee)
      }
    )

    it.each<[string, RegExp]>([
      ["", /"busy", "no answer"/],
      ["maybe", /"busy", "no answer"/],
      ["answers soon", /a finite time, such as 3 seconds/],
      ["answers -2 seconds", /a finite time/],
      ["fails", /one word/],
      ["fails answered", /other than answered/],
      ["busy; presses 1", /no steps after a callee who does not answer/],
      ["answers; presses", /keys 0-9, A-D, \* and #/],
      ["answers; presses 5550x", /keys 0-9, A-D, \* and #/],
      ["answers; hangs up; sings", /"hears", "presses".* as step 2/],
      ["answers; hangs up during 0", /number of a prompt, from 1/],
      ["answers; hangs up after", /number of a prompt, from 0/],
      ["answers; hears", /some words/],
      ["answers; hears \"open", /in quotes/],
      ["answers; hears /(/", /regular expression/]
    ])("refuses %j in words that help", (text, problem) => {
      const result = Callee.parse(text)
      assert(Result.isFailure(result))
      assert.strictEqual(result.failure._tag, "InvalidCallee")
      assert.match(result.failure.message, problem)
      assert.notMatch(result.failure.message, /5550|sings|open/)
    })
  })

  it("has a codec of its words", () => {
    const text = "answers 2s; hears /press 1/i; presses 1"
    const script = Schema.decodeSync(Callee.Words)(text)
    assert.deepStrictEqual(script, Callee.answers().hears(/press 1/i).presses("1"))
    assert.strictEqual(Schema.encodeSync(Callee.Words)(script), text)
    assert.throws(() => Schema.decodeSync(Callee.Words)("sings"), /Expected "busy", "no answer"/)
  })

  it.each<[string, () => unknown]>([
    ["keys that no phone has", () => Callee.answers().presses("1x")],
    ["no keys", () => Callee.answers().presses("")],
    ["an endless ring", () => Callee.answers("Infinity")],
    ["a time before the call", () => Callee.answers(-1)],
    ["the zeroth prompt", () => Callee.answers().hangsUpDuring(0)],
    ["a prompt and a half", () => Callee.answers().hangsUpAfter(1.5)],
    ["no words", () => Callee.answers().hears(" ")],
    ["a failure that is none", () => Callee.fails("answered")]
  ])("refuses %s", (_, build) => assert.throws(build, Callee.InvalidCallee))
})
