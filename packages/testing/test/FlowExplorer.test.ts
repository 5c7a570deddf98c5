import { assert, describe, it } from "@effect/vitest"
import { Action, Flow, FlowDrawing, Line, PhoneNumber, Prompt, Step } from "@ringback/core"
import { Arbitraries, FlowExplorer, Law } from "@ringback/testing"
import { Effect, Schema, SchemaGetter } from "effect"

const numbers = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

/** A flow with a name, whatever its types: mistakes that the compiler would find are made here on purpose. */
const define = (flow: Flow.Flow<unknown, unknown, unknown>, output: Flow.PureCodec = Schema.Unknown) =>
  Flow.make("test", {
    version: 1,
    input: {},
    output,
    error: Schema.Unknown,
    signals: ["ready", "answer", "go"].map((name) => Flow.Signal(name, Schema.Unknown)),
    run: () => Flow.map(flow as Flow.Flow<unknown>, (value) => value ?? null)
  }) as Flow.Definition<"test", object, unknown, unknown, unknown>

/** Waits for a signal whose declaration the types do not see: `define` has it. */
const waited = <A>(signal: Flow.Signal<string, A>, options: Parameters<typeof Flow.signal>[1]) =>
  Flow.signal(signal, options) as Flow.Flow<A, Flow.TimedOut>

const dialled = <A, E>(talk: Flow.Flow<A, E, Flow.Line>) => Flow.dial(talk, numbers)

const explore = (flow: Flow.Flow<unknown, unknown, unknown>, options?: Parameters<typeof FlowExplorer.explore>[2]) =>
  FlowExplorer.explore(define(flow), {}, options)

const menu = Line.menu("Press 1 or 2.", { choices: { "1": "one", "2": "two" } })

const unseen = ({ unseen }: FlowExplorer.Report) => unseen.map(({ name }) => name)

/** What happened on the path that breaks the only law. */
const broken = (flow: Flow.Flow<unknown, unknown, unknown>, law: Law.Law, options?: FlowExplorer.Options) => {
  const report = explore(flow, { ...options, laws: [law] })
  assert.lengthOf(report.broken, 1)
  return report.broken[0]!.path.map(({ happened }) => happened).filter((words) => words !== "")
}

const raw = {
  dial: Flow.ask(
    { _tag: "Dial", ...numbers, ringForMillis: 60_000, maxCallDurationSeconds: 900 },
    (reached) =>
      reached._tag === "Answered" ? { _tag: "Success", value: undefined } : { _tag: "Failure", error: "unreached" }
  ),
  collect: (words: string) => Line.prompt(Action.prompt(Prompt.from(words), { max: 1 }))
}

describe("a path of minimal length shows", () => {
  it("a wrong counter", () => {
    const fourTimes = Flow.gen(function*() {
      for (let attempt = 0; attempt <= 3; attempt++) {
        const digits = yield* Flow.catchTag(
          Line.collect("Your code?", { max: 1, attempts: 1 }),
          "NoInput",
          () => Flow.succeed("")
        )
        if (digits === "7") return "right"
      }
      return "wrong"
    })
    const path = broken(dialled(fourTimes), Law.promptAtMost(3))
    assert.lengthOf(path, 4)
    assert.strictEqual(path[0], "answers")
    assert.notInclude(path.slice(1), "7")
    assert.isEmpty(explore(dialled(fourTimes), { laws: [Law.promptAtMost(4)] }).broken)
  })

  it("a missing hang-up", () => {
    const forgetful = Flow.andThen(raw.dial, Line.speak("Hello."))
    assert.deepStrictEqual(broken(forgetful, Law.lineCloses), ["answers", "hears it"])
    assert.deepStrictEqual(broken(forgetful, Law.noDeadAir), ["answers", "hears it"])
    assert.isEmpty(explore(dialled(Line.speak("Hello.")), { laws: Law.standard }).broken)
  })

  it("dead air", () => {
    const silent = (wait: Flow.Flow<unknown, Flow.TimedOut>) => dialled(Flow.andThen(Line.speak("Wait."), wait))
    const awaited = waited(Flow.Signal("ready", Schema.Void), { within: "1 minute" })
    assert.deepStrictEqual(broken(silent(Flow.sleep("10 seconds")), Law.noDeadAir), ["answers", "hears it"])
    assert.deepStrictEqual(broken(silent(awaited), Law.noDeadAir), ["answers", "hears it"])
    assert.isEmpty(explore(dialled(Line.hold(awaited, "Wait.")), { laws: [Law.noDeadAir] }).broken)
    assert.isEmpty(explore(Flow.sleep("1 day"), { laws: [Law.noDeadAir] }).broken)
  })

  it("silence that nobody thought of", () => {
    const rooms: Record<string, Flow.Flow<string>> = { "1": Flow.succeed("kitchen"), "2": Flow.succeed("hall") }
    const careless = dialled(Flow.flatMap(raw.collect("1 or 2?"), (digits) => {
      const room = rooms[digits === "" ? "none" : "1"]
      if (room === undefined) throw new TypeError("no room")
      return room
    }))
    assert.deepStrictEqual(broken(careless, Law.noDefect), ["answers", "silence"])
    assert.deepStrictEqual(
      broken(
        dialled(Line.menu("1?", { choices: { "1": 1 }, attempts: 1 })),
        Law.fails(
          "NotAnswered",
          "HungUp"
        )
      ),
      ["answers", "another key"]
    )
  })

  it("a prompt after the end", () => {
    const late = dialled(Flow.andThen(Flow.andThen(Line.speak("Bye."), Line.hangup), Line.speak("And another thing.")))
    assert.deepStrictEqual(broken(late, Law.nothingAfterTheEnd), ["answers", "hears it"])
    assert.isEmpty(explore(dialled(Line.speak("Bye.")), { laws: [Law.nothingAfterTheEnd] }).broken)
  })

  it("a loop without bound, of a reducer and of a generator", () => {
    const heard = Flow.catch(raw.collect("Hello?"), () => Flow.succeed("gone"))
    const reducer = dialled(Flow.reducer({
      initial: "",
      decide: (state: string) => state === "1" ? { done: "heard" } : { ask: heard },
      evolve: (_: string, digits: string) => digits === "1" ? "1" : ""
    }))
    const path = broken(reducer, Law.endsByItself)
    assert.strictEqual(path[0], "answers")
    assert.lengthOf(path, 2)
  })
})

describe("FlowExplorer", () => {
  it("counts every conversation once", () => {
    const report = explore(dialled(Line.speak("Hello.")), { laws: Law.standard })
    // Seven ways not to be reached; heard; hung up on.
    assert.strictEqual(report.paths, 9)
    assert.strictEqual(report.longest.prompts, 1)
    assert.isFalse(report.cut)
  })

  it("takes keys together that lead to the same place, and no others", () => {
    const { graph } = explore(dialled(menu))
    const question = graph.find(({ label }) => label.includes("Press 1 or 2."))
    assert.deepStrictEqual(question?.edges.map(({ label }) => label), [
      "another key",
      "1",
      "2",
      "silence",
      "hangs up"
    ])
  })

  it("keeps keys apart whose choices are flows", () => {
    const choices = { "1": Flow.succeed("a"), "2": Flow.succeed("b"), "3": Flow.fail("c") }
    const asking = Line.menu("Which?", { choices, acknowledge: "Thank you.", attempts: 1 })
    const report = FlowExplorer.explore(define(dialled(Flow.flatMap(asking, (flow) => flow as Flow.Flow<string>))), {})
    assert.includeMembers([...report.outcomes], [`"a"`, `"b"`])
  })

  it("tries silence, one key, as many as fit, and the samples of the author", () => {
    const pin = dialled(Line.collect("PIN?", { max: 4, min: 4, attempts: 1 }))
    assert.includeMembers([...explore(pin).outcomes], [`"0000"`, "fails: NoInput"])
    assert.include(explore(pin, { digits: ["1234", "12345"] }).outcomes, `"1234"`)
    const plain = dialled(Line.prompt(Action.prompt(Prompt.from("PIN?"), { max: 4 })))
    const { outcomes } = explore(plain, { digits: ["1234", "12345"] })
    assert.include(outcomes, `"1234"`)
    assert.notInclude(outcomes, `"12345"`)
  })

  it("tries what an activity can come to, by its schema or by samples", () => {
    const ask = <S extends Flow.PureCodec, F extends Flow.PureCodec>(success: S, error: F) =>
      Flow.activity("look up", { success, error }, Effect.void as never) as Flow.Flow<unknown, unknown>
    assert.deepStrictEqual(explore(ask(Schema.Boolean, Schema.Never)).outcomes, [
      "true",
      "false",
      "stopped: an activity took too long",
      "stopped: an activity died"
    ])
    assert.includeMembers([...explore(ask(Schema.Literals(["a", "b"]), Schema.Literal("none"))).outcomes], [
      `"a"`,
      `"b"`,
      `fails: "none"`
    ])
    const unknown = ask(Schema.String, Schema.Never)
    assert.deepStrictEqual(unseen(explore(unknown)), ["activity look up"])
    const told = explore(unknown, { activities: { "look up": ["Ann", "Bob"], lookup: [] } })
    assert.includeMembers([...told.outcomes], [`"Ann"`, `"Bob"`])
    assert.deepStrictEqual(unseen(told), ["samples of activity lookup"])
    const failing = explore(ask(Schema.String, Schema.String), {
      activities: { "look up": ["Ann", FlowExplorer.failure("down")] }
    })
    assert.include(failing.outcomes, `fails: "down"`)
  })

  it("says which prompt takes none of the inputs that were tried, and proves nothing then", () => {
    const due = (digits: string) => digits.endsWith("31231")
    const card = Schema.String.check(Schema.makeFilter((digits: string) => due(digits) || "no card"))
    const flow = dialled(Flow.andThen(Line.collect("Card?", { max: 9, schema: card }), Flow.sleep("1 hour")))
    const missing = ["prompt “Card?”"]
    assert.deepStrictEqual(unseen(explore(flow)), missing)
    const checked = (options: FlowExplorer.Options) => () =>
      FlowExplorer.check(define(flow), {}, [Law.noDeadAir], options)
    assert.include(String(thrown(checked({}))), missing[0]!)
    assert.deepStrictEqual(unseen(explore(flow, { digits: ["000031231"] })), [])
    assert.include(String(thrown(checked({ digits: ["000031231"] }))), "no dead air")

    const [prompt] = explore(dialled(menu), { keys: ["9"] }).unseen
    assert.deepStrictEqual(prompt, {
      name: "prompt “Press 1 or 2.”",
      why: "it takes none of the inputs that were tried",
      remedy: `give one of its keys under "keys"`
    })
    assert.deepStrictEqual(unseen(explore(dialled(Line.collect("Code?", { max: 4, min: 4 })))), [])
    assert.deepStrictEqual(unseen(explore(dialled(Line.confirm("Yes?")))), [])
  })

  it("proves nothing where a signal needs samples", () => {
    const flow = Flow.signal(Flow.Signal("go", Schema.Struct({ at: Schema.Int })), { within: "1 hour" })
    const checked = (options: FlowExplorer.Options) => FlowExplorer.check(define(flow), {}, [], options)
    assert.include(
      String(thrown(() => checked({}))),
      `signal go: it may tell too many values to try them all; give what it may tell under "signals"`
    )
    assert.isEmpty(checked({ signals: { go: [{ at: 1 }] } }).unseen)
  })

  it("says what keeps places apart whose futures may be equal", () => {
    class Secret {
      readonly #value: string
      constructor(value: string) {
        this.#value = value
      }
      get value() {
        return this.#value
      }
    }
    const secret = Schema.String.pipe(
      Schema.decodeTo(Schema.instanceOf(Secret), {
        decode: SchemaGetter.transform((text: string) => new Secret(text)),
        encode: SchemaGetter.transform(({ value }: Secret) => value)
      })
    )
    const flow = dialled(Flow.flatMap(
      Line.collect("PIN?", { max: 4, schema: secret, acknowledge: "Thanks." }),
      ({ value }) => value === "1234" ? Flow.sleep("1 hour") : Line.speak("Hello.")
    ))
    const report = explore(flow, { digits: ["1234"], laws: [Law.noDeadAir] })
    assert.deepStrictEqual(report.broken.map(({ law }) => law), ["no dead air"])
    assert.include(report.warnings.join(), "content cannot be seen (Secret)")
  })

  it("refuses a sample that does not fit its schema", () => {
    const flow = Flow.activity("look up", { success: Schema.Int }, Effect.succeed(1))
    assert.throws(() => explore(flow, { activities: { "look up": ["one"] } }), /look up does not fit/)
  })

  it("lets signals come and not come, deadlines pass and holds end", () => {
    const told = waited(Flow.Signal("answer", Schema.Boolean), { within: "1 minute" })
    assert.deepStrictEqual(explore(told).outcomes, ["true", "false", "fails: TimedOut"])
    const held = Flow.timeout(Line.hold(told, "One moment."), "30 seconds")
    assert.includeMembers([...explore(dialled(held)).outcomes], ["true", "false", "fails: TimedOut", "fails: HungUp"])
  })

  it("does not let a sleep end after the deadline around it", () => {
    const { outcomes } = explore(Flow.timeout(Flow.as(Flow.sleep("2 minutes"), "woke"), "1 minute"))
    assert.deepStrictEqual(outcomes, ["fails: TimedOut"])
    assert.include(explore(Flow.timeout(Flow.as(Flow.sleep("1 minute"), "woke"), "2 minutes")).outcomes, `"woke"`)
  })

  it("lets a flow learn of a hang-up at its next use of the line only", () => {
    const noted = dialled(Flow.andThen(
      Flow.tap(Flow.activity("quick", {}, Effect.void), () => Flow.note("stored")),
      Line.speak("Stored.")
    ))
    const { graph } = explore(noted)
    const activity = graph.find(({ label }) => label === "activity quick")
    assert.include(activity?.edges.map(({ label }) => label) ?? [], "done, hung up")
    assert.isTrue(graph.some(({ label }) => label === "“Stored.” (to nobody)"))
  })

  it("bridges to every end", () => {
    const bridged = Flow.inbound(() => Line.bridge(numbers).pipe(Flow.map((talk) => talk._tag)))
    assert.includeMembers([...explore(bridged).outcomes], [`"Left"`, `"NotConnected"`, "fails: HungUp"])
  })

  it("does not ring a number again whose fate is unknown, unless it is told to", () => {
    const twice = (evenIfUnknown: boolean) =>
      Flow.retry(Flow.dial(Line.speak("Hello."), { ...numbers, evenIfUnknown }), {
        times: 1,
        while: (error) => error._tag === "NotAnswered" && error.reason === "unknown"
      })
    assert.strictEqual(explore(twice(false)).paths, 6 + 2 + 1)
    assert.strictEqual(explore(twice(true)).paths, 6 + 2 + 6 + 2 + 1)
  })

  it("knows whether a caller is still there when a flow answers late, or again", () => {
    const greets = Flow.inbound(() => Flow.as(Line.speak("Good evening."), "greeted"))
    const late = explore(Flow.flatMap(Flow.sleep("10 seconds"), () => greets))
    assert.deepStrictEqual([...late.outcomes].toSorted(), [`"greeted"`, "fails: HungUp"])
    const behind = explore(Flow.flatMap(Flow.catch(dialled(Line.speak("Hello.")), () => Flow.succeed(0)), () => greets))
    assert.include(behind.outcomes, `"greeted"`)
    const again = explore(Flow.flatMap(Flow.catch(greets, () => Flow.succeed(0)), () => greets), { laws: Law.standard })
    assert.deepStrictEqual([...again.outcomes], ["fails: HungUp"])
    assert.deepStrictEqual(again.broken.map(({ law }) => law), ["nothing after the end"])
  })

  it("holds nobody for longer than a line bears", () => {
    const waits = (time: `${number} ${"minutes" | "seconds"}`) =>
      dialled(Line.hold(waited(Flow.Signal("go", Schema.Null), { within: time }), "Hold."))
    assert.include(
      explore(waits("2 minutes")).graph.flatMap(({ edges }) => edges.map(({ label }) => label)),
      "is held too long"
    )
    assert.notInclude(
      explore(waits("15 seconds")).graph.flatMap(({ edges }) => edges.map(({ label }) => label)),
      "is held too long"
    )
    assert.isEmpty(explore(dialled(Line.pause("15 seconds"))).broken)
    const found = Flow.sleep("3 minutes").pipe(
      Line.hold("One moment."),
      Flow.catchTag("TimedOut", () => Flow.note("late"))
    )
    assert.include(explore(dialled(found)).graph.map(({ label }) => label), "note late")
  })

  it("knows that what ensures has no line after a cancel", () => {
    const parts = Line.speak("Hello.").pipe(Flow.ensuring(Line.goodbye("Bye.")))
    const spoken = Law.make("no last words after a cancel", {
      initial: false,
      next: (isCancelled: boolean, moment) => {
        const isInTalk = moment._tag === "Happened" && JSON.stringify(moment.request).includes("Hello.")
        if (moment._tag === "Happened") return isCancelled || (isInTalk && moment.what._tag === "Cancelled")
        const isHeard = moment._tag === "Asked" && moment.request._tag === "Prompt" && moment.line === "open"
        return isCancelled && isHeard ? Law.broken("somebody hears them") : isCancelled
      }
    })
    assert.isEmpty(explore(dialled(parts), { cancel: true, laws: [spoken, ...Law.standard] }).broken)
  })

  it("cancels at every moment if it is asked to, and sees what ensures run", () => {
    const flow = Flow.ensuring(dialled(Line.speak("Hello.")), Flow.note("tidied"))
    const tidied = Law.make("whoever is called is tidied up after", {
      initial: false,
      next: (seen: boolean, moment) =>
        moment._tag === "Ended" && !seen ? Law.broken("not tidied") : seen || Law.notes("tidied")(moment)
    })
    const report = explore(flow, { cancel: true, laws: [tidied, ...Law.standard] })
    assert.isEmpty(report.broken)
    assert.include(report.outcomes, "stopped: it was cancelled")
    assert.lengthOf(explore(dialled(Line.speak("Hello.")), { cancel: true, laws: [tidied] }).broken, 1)
  })

  it("names declared outcomes that no path has", () => {
    const output = Schema.Literals(["kept", "cancelled", "lost"])
    const flow = dialled(Line.menu("1 or 2?", { choices: { "1": "kept", "2": "cancelled" } }))
    assert.deepStrictEqual(FlowExplorer.explore(define(flow, output), {}).unseen.map(({ name }) => name), [
      `outcome "lost"`
    ])
  })

  it("takes an output that does not fit its schema for the defect that it is", () => {
    const report = FlowExplorer.explore(define(Flow.succeed("x"), Schema.Int), {}, { laws: [Law.noDefect] })
    assert.deepStrictEqual(report.broken.map(({ law }) => law), ["no defect"])
  })

  it("measures the longest that somebody is kept", () => {
    const words = "x".repeat(150)
    const { longest } = explore(dialled(Flow.andThen(Line.speak(words), Line.pause("30 seconds"))))
    assert.deepStrictEqual(longest, { prompts: 1, spokenSeconds: 10, seconds: 40 })
    const endless = explore(dialled(Flow.reducer({
      initial: 0,
      decide: () => ({ ask: Line.speak("La la la.") }),
      evolve: () => 0
    })))
    assert.strictEqual(endless.longest.prompts, Infinity)
    assert.strictEqual(endless.paths, Infinity)
  })

  it("warns of a conversation that can outlast its line", () => {
    const long = (maxCallDuration: "20 seconds" | "1 minute") =>
      explore(Flow.dial(Line.pause("30 seconds"), { ...numbers, maxCallDuration })).warnings
    assert.match(long("20 seconds").join(), /outlast/)
    assert.isEmpty(long("1 minute"))
  })

  it("warns of two questions without a word between them", () => {
    const first = (acknowledge?: string) =>
      Line.menu("1 or 2?", { choices: { "1": 1, "2": 2 }, ...(acknowledge === undefined ? {} : { acknowledge }) })
    const second = Line.collect("How many?", { max: 1 })
    assert.match(explore(dialled(Flow.andThen(first(), second))).warnings.join(), /Two questions in a row/)
    assert.isEmpty(explore(dialled(Flow.andThen(first("Good."), second))).warnings)
    assert.isEmpty(explore(dialled(menu)).warnings)
  })

  it("comes back to the same places where a flow comes back to itself, however it is written", () => {
    type Level = Flow.Flow<string, Flow.HungUp | Flow.NoInput, Flow.Line>
    const ask = Line.menu("Press 1 to go on, star to hear it again.", {
      choices: { "1": "on", "*": "again" },
      attempts: 1
    })
    const through: Level = Flow.flatMap(ask, (key) => key === "on" ? Flow.succeed("on") : through)
    const made: Level = Flow.flatMap(ask, (key) => key === "on" ? Flow.succeed("on") : Flow.suspend(() => made))
    const again = (): Level => Flow.flatMap(ask, (key) => key === "on" ? Flow.succeed("on") : Flow.suspend(again))
    const top = (): Level => Flow.flatMap(ask, (key) => key === "on" ? Flow.suspend(below) : Flow.suspend(top))
    const below = (): Level => Flow.flatMap(ask, (key) => key === "on" ? Flow.succeed("on") : Flow.suspend(top))
    for (const menu of [through, made, again(), Flow.suspend(again), top()]) {
      const report = explore(dialled(menu), { max: 200 })
      assert.isFalse(report.cut)
      assert.isBelow(report.places, 60)
      assert.strictEqual(report.paths, Infinity)
    }
  })

  it("says when it was cut, and when places do not merge", () => {
    const keeping = Flow.gen(function*() {
      const said: Array<string> = []
      for (let i = 0; i < 5; i++) said.push(yield* raw.collect(`Digit ${i}?`))
      return "thanks"
    })
    const report = explore(dialled(keeping), { keys: ["1", "2", "3", "4", "5"] })
    assert.match(report.warnings.join(), /generator keeps answers/)
    const cut = explore(dialled(keeping), { max: 50 })
    assert.isTrue(cut.cut)
    assert.match(cut.unseen.map(({ why }) => why).join(), /not every path was seen: the search ended after 5\d places/)
  })

  it("keeps the standard laws in every conversation that can be written without ask", () => {
    const talks = [
      menu,
      Line.confirm("Right?"),
      Line.pause("1 minute"),
      Line.goodbye("Bye."),
      Flow.timeout(menu, "1 minute"),
      Flow.forEach([1, 2], () => Line.speak("Hello."))
    ]
    for (const talk of talks) {
      assert.isEmpty(
        explore(dialled(Flow.as(talk as Flow.Flow<unknown, unknown, Flow.Line>, null)), {
          laws: Law.standard,
          cancel: true
        }).broken
      )
    }
  })

  it.prop(
    "keeps the laws of lines in conversations that nobody thought of",
    [Arbitraries.conversation],
    ([conversation]) => {
      const flow = dialled(Arbitraries.talk(conversation))
      const report = explore(flow, {
        laws: [Law.lineCloses, Law.noDeadAir, Law.noDefect],
        keys: ["1", "9"]
      })
      assert.deepStrictEqual(report.broken.map(({ law, why }) => [law, why]), [])
    },
    { arbitrary: { runs: 50 } }
  )
})

/** Ends of a flow as a tree, nothing merged: whatever is answered to whatever is asked, as far as it is worth the time. */
const endsOfTree = (flow: Flow.Flow<unknown, unknown, unknown>, limit: number): ReadonlySet<string> => {
  const ends = new Set<string>()
  const stack: Array<{ readonly step: Step.Step<unknown, unknown>; readonly gone: boolean }> = [
    { step: Step.start(flow), gone: false }
  ]
  for (let count = 0; count < limit && stack.length > 0; count++) {
    const { gone, step } = stack.pop()!
    if (step._tag === "Done") {
      if (step.exit._tag === "Success") ends.add("ends")
      if (step.exit._tag === "Failure") ends.add((step.exit.error as { readonly _tag: string })._tag)
      continue
    }
    const unheld = gone ? Step.endHold(step) : step
    if (unheld !== step) {
      stack.push({ step: unheld, gone })
      continue
    }
    const go = (response: unknown, hungUp = gone) =>
      stack.push({ step: Step.next(step as never, response as never), gone: hungUp })
    switch (step.request._tag) {
      case "Dial":
        go({ _tag: "Answered" })
        break
      case "Prompt":
        if (!gone) {
          for (const digits of Action.digits(step.request.action) > 0 ? ["", "1", "9"] : [""]) {
            go({ _tag: "Heard", digits })
          }
        }
        go({ _tag: "HungUp" }, true)
        break
      case "SetDeadline":
        go({ n: count })
        break
      case "Leave":
        go(null, true)
        break
      case "Sleep":
        // The deadline around it may come first.
        if (!Step.scopes(step).some(({ scope }) => scope._tag === "Deadline")) go(null)
        break
      default:
        go(null)
    }
  }
  return ends
}

it.prop("nothing is lost by merging places", [Arbitraries.conversation], ([conversation]) => {
  const flow = dialled(Arbitraries.talk(conversation))
  const seen = explore(flow, { digits: ["1", "9"] }).outcomes.map((outcome) => outcome.replace("fails: ", ""))
  for (const end of endsOfTree(flow, 3_000)) assert.include(seen, end)
})

describe("FlowExplorer.check", () => {
  it("gives the report where all laws hold", () => {
    const flow = define(dialled(menu))
    assert.strictEqual(FlowExplorer.check(flow, {}, Law.standard).flow, "test")
  })

  it("throws the shortest path as a ladder and as a test to paste", () => {
    const flow = Flow.make("reminder", {
      version: 1,
      input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
      output: Schema.Unknown,
      run: ({ from, to }) => Flow.dial(Line.menu("Press 1.", { choices: { "1": 1 } }), { from, to })
    })
    const error = thrown(() => FlowExplorer.check(flow, numbers, [Law.promptAtMost(1)]))
    assert.instanceOf(error, FlowExplorer.LawBroken)
    assert.match(error.message, /reminder breaks the law “a prompt at most once”: heard 2 times/)
    assert.match(error.message, /speak, collect 1 “Press 1\.”/)
    assert.match(error.message, /presses 0/)
    assert.include(error.message, `PhoneCompany.callee(input.to, Callee.answers().presses("0"))`)
    assert.notMatch(error.message, /15550170001/)
  })

  it("does not pass for a proof what was not seen", () => {
    const unknown = define(Flow.activity("look up", { success: Schema.String }, Effect.succeed("")))
    assert.match(
      String(thrown(() => FlowExplorer.check(unknown, {}, []))),
      /look up: .*; give what it may come to under "activities"/
    )
    assert.match(
      String(thrown(() => FlowExplorer.check(define(dialled(menu)), {}, [], { max: 5 }))),
      /not every path was seen/
    )
  })
})

const thrown = (run: () => unknown): Error => {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error("nothing was thrown")
}

describe("FlowExplorer.draw", () => {
  const labels = ({ boxes }: FlowDrawing.FlowDrawing) => boxes.map(({ label }) => label)
  const edges = ({ edges }: FlowDrawing.FlowDrawing) =>
    edges.filter(({ via }) => via === undefined).map(({ from, label, to }) => `${from} -${label}-> ${to}`)

  it("draws ends once, and escapes what Mermaid would take for its own", () => {
    const flow = dialled(Flow.as(Line.speak(`Say "yes" & <no> | #1;`), "said"))
    assert.strictEqual(
      FlowDrawing.mermaid(FlowExplorer.draw(define(flow), {})),
      [
        "flowchart TD",
        `  n0["dial 1••••••••01"]`,
        `  n1["“Say #quot;yes#quot; & #lt;no#gt; #124; #35;1;”"]`,
        `  n2(["NotAnswered"])`,
        `  n3(["said"])`,
        `  n4(["HungUp"])`,
        `  n0 -->|"answers"| n1`,
        `  n0 -.->|"not reached"| n2`,
        "  n1 --> n3",
        `  n1 -.->|"hangs up"| n4`,
        ""
      ].join("\n")
    )
  })

  it("draws the tries of a retry and the attempts of a question as loops, each with its bound", () => {
    const flow = Flow.make("asks", {
      version: 1,
      input: {},
      output: Schema.Literals(["kept", "cancelled"]),
      run: () =>
        Line.menu("Press 1 or 2.", {
          choices: { "1": "kept", "2": "cancelled" },
          again: { invalid: "1 or 2, please." }
        }).pipe(
          Flow.dial(numbers),
          Flow.retry({ times: 2, after: "10 minutes", while: ({ _tag }) => _tag === "NotAnswered" })
        )
    })
    const drawing = FlowExplorer.draw(flow, {})
    assert.deepStrictEqual(labels(drawing), [
      "dial 1••••••••01",
      "“Press 1 or 2.”",
      "wait 10 minutes",
      "NotAnswered",
      "kept",
      "cancelled",
      "HungUp",
      "NoInput"
    ])
    assert.includeMembers(edges(drawing), [
      "waits-wait-10-minutes -2 times at most-> dials-dial-1-01",
      "asks-press-1-or-2 -silence or another key (4 times at most)-> asks-press-1-or-2",
      "asks-press-1-or-2 -1: kept-> ends-kept"
    ])
  })

  it("keeps two places apart that only say the same", () => {
    const flow = dialled(Flow.gen(function*() {
      yield* Line.speak("One moment.")
      yield* Line.menu("First?", { choices: { "1": "a" } })
      yield* Line.speak("One moment.")
      yield* Line.menu("Second?", { choices: { "1": "b" } })
      return "said"
    }))
    assert.strictEqual(
      labels(FlowExplorer.draw(define(flow), {})).filter((label) => label === "“One moment.”").length,
      2
    )
  })

  it("names what is of the input by its place there, and shows no number", () => {
    const flow = Flow.make("invites", {
      version: 1,
      input: { guest: Schema.Struct({ name: Schema.String, number: PhoneNumber.PhoneNumber }) },
      output: Schema.Void,
      run: ({ guest }) =>
        Line.goodbye(`Good day, ${guest.name}.`).pipe(Flow.dial({ to: guest.number, from: numbers.from }))
    })
    const drawing = FlowExplorer.draw(flow, { guest: { name: "Heron", number: numbers.to } })
    assert.includeMembers(labels(drawing), ["dial {guest.number}", "“Good day, {guest.name}.”"])
    for (const secret of ["Heron", numbers.to]) assert.notInclude(JSON.stringify(drawing), secret)
  })
})

describe("a test to paste", () => {
  const named = (name: string) =>
    Flow.make(name, {
      version: 1,
      input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
      output: Schema.Void,
      run: (who) => Flow.dial(Flow.andThen(Line.speak("Hello."), Flow.sleep("9 seconds")), who)
    })
  const scenario = (name: string) =>
    FlowExplorer.explore(named(name), numbers, { laws: [Law.noDeadAir] }).broken[0]!.scenario

  it("names flows as variables can be named, whatever their names are", () => {
    assert.include(scenario("fire alarm"), "Calls.start(FireAlarm, input)")
    assert.include(scenario("2fa code"), "Calls.start(Flow2faCode, input)")
    assert.include(scenario("очередь"), "Calls.start(Очередь, input)")
    assert.include(scenario("!"), "Calls.start(Flow, input)")
    assert.include(scenario("calls"), "Calls.start(CallsFlow, input)")
  })

  it("cannot mean another law: two of one name are refused", () => {
    const law = (to: number) =>
      Law.make("short", { initial: 0, next: (n: number) => n < to ? n + 1 : Law.broken("long") })
    assert.throws(
      () => FlowExplorer.check(named("short"), numbers, [law(100), law(2)]),
      "Two laws are named “short”: give each a name of its own"
    )
    assert.throws(() => FlowExplorer.check(named("short"), numbers, [...Law.standard, Law.noDeadAir]), /no dead air/)
  })
})
