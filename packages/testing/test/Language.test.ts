import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, Line, PhoneNumber, Prompt } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Callee, FakeClock, FlowExplorer, PhoneCompany, TestCalls } from "../src/index.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const who = { to, from }
const music = Prompt.audio("https://media.example.net/music.wav", { duration: "30 seconds" })

/** Runs a conversation with a callee on the whole engine, and gives how it ended. */
const Agent = Flow.Signal("agent", Schema.Struct({ desk: Schema.Int }))

const hold = <A, E extends Flow.Failure>(
  conversation: Flow.Flow<A, E, Flow.Line | typeof Agent>,
  callee: Callee.Script,
  meanwhile: (call: Calls.Handle<unknown, unknown, typeof Agent>) => Effect.Effect<void, unknown> = () => Effect.void
) => {
  const Conversation = Flow.make("conversation", {
    version: 1,
    input: {},
    output: Schema.Unknown,
    signals: [Agent],
    run: () => conversation.pipe(Flow.dial(who)) as Flow.Flow<unknown, Flow.Failure, Flow.NoLine | typeof Agent>
  })
  return Effect.gen(function*() {
    yield* PhoneCompany.callee(to, callee)
    const call = yield* Calls.start(Conversation, {})
    yield* meanwhile(call)
    const outcome = yield* Effect.result(call.outcome)
    yield* FakeClock.settle
    const spoken = (yield* PhoneCompany.log).flatMap((entry) =>
      entry._tag === "Replied" && entry.action?._tag === "Speak" ? [entry.action.text] : []
    )
    const events = yield* Calls.events(call.id)
    return { outcome: outcome._tag === "Success" ? outcome.success : outcome.failure, spoken, events }
  }).pipe(Effect.provide(TestCalls.layer({ flows: [Conversation] })))
}

describe("Line.collect", () => {
  const pin = Line.collect("Enter your PIN.", {
    max: 4,
    min: 4,
    attempts: { silence: 2, invalid: 3 },
    again: { silence: "Are you there? Your PIN, please.", invalid: ["Four digits.", "Again: four digits."] },
    schema: Schema.NumberFromString.check(Schema.isLessThan(5000))
  })

  it.effect("counts silence and wrong input apart, and says what belongs to each", () =>
    Effect.gen(function*() {
      const callee = Callee.answers().presses("12").staysSilent().presses("9999").presses("0042")
      const { outcome, spoken } = yield* hold(pin, callee)
      assert.strictEqual(outcome, 42)
      assert.deepStrictEqual(spoken, [
        "Enter your PIN.",
        "Four digits.",
        "Are you there? Your PIN, please.",
        "Again: four digits."
      ])
    }))

  it.effect("gives up after so much silence, or so many mistakes, and says which it was", () =>
    Effect.gen(function*() {
      const silent = yield* hold(pin, Callee.answers())
      assert.deepStrictEqual(silent.outcome, new Flow.NoInput({ last: "silence", attempts: 2 }))
      const wrong = yield* hold(pin, Callee.answers().presses("1").presses("1").presses("1"))
      assert.deepStrictEqual(wrong.outcome, new Flow.NoInput({ last: "invalid", attempts: 3 }))
    }))
})

describe("Line.confirm", () => {
  it.effect("is yes or no, and is acknowledged", () =>
    Effect.gen(function*() {
      const question = Line.confirm("The third of May? 1 for yes, 2 for no.")
      const yes = yield* hold(question, Callee.answers().presses("1"))
      assert.deepStrictEqual([yes.outcome, yes.spoken.at(-1)], [true, "Thank you."])
      const no = yield* hold(question, Callee.answers().presses("2"))
      assert.strictEqual(no.outcome, false)
    }))
})

describe("Line.pause", () => {
  it.effect("keeps the line and goes on", () =>
    Effect.gen(function*() {
      const { outcome, spoken } = yield* hold(
        Line.pause("5 seconds").pipe(Flow.andThen(Line.speak("Thank you for waiting.")), Flow.as("done")),
        Callee.answers()
      )
      assert.strictEqual(outcome, "done")
      assert.strictEqual(spoken.at(-1), "Thank you for waiting.")
    }))

  it.effect("notices a hang-up at once", () =>
    Effect.gen(function*() {
      const { events, outcome } = yield* hold(Line.pause("3 hours"), Callee.answers().hangsUpDuring(2))
      assert.deepStrictEqual(outcome, new Flow.HungUp())
      assert.isBelow(events.at(-1)!.at - events[0]!.at, 60_000)
    }))
})

describe("Flow.timeout", () => {
  it.effect("moves the flow on at once, and the line obeys at its next event", () =>
    Effect.gen(function*() {
      const long = Line.speak("A very long text. ".repeat(60))
      const { events, outcome, spoken } = yield* hold(
        long.pipe(
          Flow.timeout("10 seconds"),
          Flow.catchTag("TimedOut", () => Line.speak("That is all for today.")),
          Flow.as("done")
        ),
        Callee.answers()
      )
      assert.strictEqual(outcome, "done")
      assert.strictEqual(spoken.at(-1), "That is all for today.")
      assert.strictEqual(events.filter((event) => event._tag === "DeadlinePassed").length, 1)
    }))

  it.effect("is lifted when its flow ends in time", () =>
    Effect.gen(function*() {
      const { events, outcome } = yield* hold(
        Line.speak("Short.").pipe(Flow.timeout("10 seconds"), Flow.andThen(Line.pause("1 minute")), Flow.as("done")),
        Callee.answers()
      )
      assert.strictEqual(outcome, "done")
      assert.strictEqual(events.filter((event) => event._tag === "DeadlinePassed").length, 0)
    }))

  it.effect("of the outer of two parts ends both", () =>
    Effect.gen(function*() {
      const { outcome } = yield* hold(
        Flow.sleep("1 hour").pipe(
          Line.hold(music),
          Flow.timeout("40 minutes"),
          Flow.catchTag("TimedOut", () => Flow.succeed("inner")),
          Flow.timeout("10 minutes"),
          Flow.catchTag("TimedOut", () => Flow.succeed("outer"))
        ),
        Callee.answers()
      )
      assert.strictEqual(outcome, "outer")
    }))
})

describe("Flow.signal", () => {
  const agent = Flow.signal(Agent, { within: "5 minutes" }).pipe(
    Line.hold(music),
    Flow.map(({ desk }) => desk)
  )

  it.effect("brings what the application tells the running call", () =>
    Effect.gen(function*() {
      const { outcome } = yield* hold(agent, Callee.answers(), (call) =>
        Effect.andThen(Effect.sleep("30 seconds"), call.signal(Agent, { desk: 7 })))
      assert.strictEqual(outcome, 7)
    }))

  it.effect("is heard at once if it was told before, once for each key", () =>
    Effect.gen(function*() {
      const twice = Flow.zip(agent, Flow.match(agent, { onSuccess: String, onFailure: (error) => error._tag }))
      const { outcome } = yield* hold(twice, Callee.answers("20 seconds"), (call) =>
        Effect.andThen(
          call.signal(Agent, { desk: 7 }, { key: "a" }),
          call.signal(Agent, { desk: 8 }, { key: "a" })
        ))
      assert.deepStrictEqual(outcome, [7, "TimedOut"])
    }))

  it.effect("that does not fit is refused, and the flow waits on", () =>
    Effect.gen(function*() {
      const refused: Array<string> = []
      const { outcome } = yield* hold(agent, Callee.answers(), (call) =>
        Effect.gen(function*() {
          yield* Effect.sleep("30 seconds")
          refused.push((yield* Effect.flip(call.signal(Agent, { desk: "seven" as never })))._tag)
          yield* call.signal(Agent, { desk: 9 })
        }))
      assert.deepStrictEqual([refused, outcome], [["SignalRejected"], 9])
    }))

  it.effect("that does not fit is refused also before the flow waits for it", () =>
    Effect.gen(function*() {
      const { outcome } = yield* hold(agent, Callee.answers("20 seconds"), (call) =>
        Effect.gen(function*() {
          yield* Effect.flip(call.signal(Agent, { desk: "seven" as never }))
          yield* Effect.sleep("40 seconds")
          yield* call.signal(Agent, { desk: 9 })
        }))
      assert.strictEqual(outcome, 9)
    }))

  it.effect("is refused at once if the flow does not declare it, told as a signal or, from JavaScript, as anything else", () =>
    Effect.gen(function*() {
      const problems: Array<string> = []
      const { events, outcome } = yield* hold(agent, Callee.answers(), (call) =>
        Effect.gen(function*() {
          const tell = call.signal as (signal: unknown, value: unknown) => ReturnType<typeof call.signal>
          for (const given of [Flow.Signal("agnet", Schema.Int), "agent", undefined]) {
            problems.push((yield* Effect.flip(tell(given, 1) as Effect.Effect<void, Error>)).message)
          }
          yield* call.signal(Agent, { desk: 9 })
        }))
      assert.strictEqual(outcome, 9)
      assert.deepStrictEqual(problems.map((words) => words.replace(/^Call \S+ /, "")), [
        "does not take the signal agnet. The flow conversation, version 1, declares no signal of this name, but agent",
        "does not take the signal agent. Expected a signal, as Flow.Signal(name, schema) makes it",
        "does not take the signal undefined. Expected a signal, as Flow.Signal(name, schema) makes it"
      ])
      assert.lengthOf(events.filter(({ _tag }) => _tag === "SignalReceived"), 1)
    }))

  it.effect("stops a flow that waits for one which it does not declare, and says so", () =>
    Effect.gen(function*() {
      const other = Flow.signal(Flow.Signal("agnet", Schema.Int), { within: "5 minutes" }) as Flow.Flow<number>
      const { outcome } = yield* hold(other, Callee.answers())
      assert.include(
        (outcome as Error).message,
        "Flow.make \"conversation\": It waits for the signal \"agnet\" and does not declare it: add it to its `signals`"
      )
    }))

  it.effect("fails as timed out after its time", () =>
    Effect.gen(function*() {
      const { outcome } = yield* hold(agent, Callee.answers())
      assert.deepStrictEqual(outcome, new Flow.TimedOut())
    }))
})

describe("an activity that is overdue", () => {
  const lookUp = Flow.activity(
    "look up",
    { success: Schema.String, within: "5 seconds", overdue: "fail" },
    Effect.never
  )

  it.effect("fails where it is declared to, and the conversation goes on", () =>
    Effect.gen(function*() {
      const told = lookUp.pipe(Flow.catchTag("Overdue", ({ activity }) => Flow.succeed(`no ${activity}`)))
      const { events, outcome, spoken } = yield* hold(Flow.tap(told, (words) => Line.speak(words)), Callee.answers())
      assert.strictEqual(outcome, "no look up")
      assert.include(spoken, "no look up")
      assert.isTrue(events.some(({ _tag }) => _tag === "ActivityOverdue"))
    }))

  it.effect("is an outcome like other failures where it is not caught, and stops the call where nothing is declared", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* hold(lookUp, Callee.answers())).outcome, new Flow.Overdue({ activity: "look up" }))
      const stops = Flow.activity("look up", { within: "5 seconds" }, Effect.never)
      const { outcome } = yield* hold(stops, Callee.answers())
      assert.include((outcome as Error).message, "was stopped because its activity look up took too long")
    }))

  it("is a failure to the explorer too, and to the compiler", () => {
    const Looks = Flow.make("looks", { version: 1, input: {}, output: Schema.String, run: () => lookUp })
    const { outcomes } = FlowExplorer.explore(Looks, {}, { activities: { "look up": ["found"] } })
    assert.includeMembers([...outcomes], ["\"found\"", "fails: Overdue"])
    const caught: Flow.Flow<string> = lookUp.pipe(Flow.catchTag("Overdue", () => Flow.succeed("")))
    assert.isDefined(caught)
  })
})

describe("Flow.now and Flow.random", () => {
  it.effect("are the same in a replay", () =>
    Effect.gen(function*() {
      const flow = Flow.gen(function*() {
        const before = yield* Flow.now
        yield* Line.speak("Hello.")
        return [(yield* Flow.now) > before, yield* Flow.random, yield* Flow.random]
      })
      const { events, outcome } = yield* hold(flow, Callee.answers())
      const drawn = events.flatMap((event) => event._tag === "Drawn" ? [event.value] : [])
      assert.deepStrictEqual(outcome, [true, ...drawn])
      assert.notStrictEqual(drawn[0], drawn[1])
      for (const value of drawn) assert.isTrue(value >= 0 && value < 1)
    }))
})

describe("Flow.repeat and Flow.forEach", () => {
  it.effect("repeat while they are told to, and end with the last value", () =>
    Effect.gen(function*() {
      const again = Line.collect("1 to hear it again.", { max: 1, attempts: 1 }).pipe(
        Flow.repeat({ times: 5, while: (key) => key === "1" })
      )
      const { outcome, spoken } = yield* hold(again, Callee.answers().presses("1").presses("1").presses("2"))
      assert.deepStrictEqual([outcome, spoken.length], ["2", 3])
    }))

  it.effect("run one after the other, and keep all values", () =>
    Effect.gen(function*() {
      const all = Flow.forEach(["a", "b"], (item, index) => Line.collect(`${item}${index}?`, { max: 1 }))
      const { outcome, spoken } = yield* hold(all, Callee.answers().presses("3").presses("4"))
      assert.deepStrictEqual([outcome, spoken], [["3", "4"], ["a0?", "b1?"]])
    }))
})

describe("Flow.reducer", () => {
  it.effect("is a conversation like any other", () =>
    Effect.gen(function*() {
      const guess = Flow.reducer({
        initial: { tries: 0, right: false },
        decide: (state) =>
          state.right || state.tries === 3
            ? { done: state }
            : { ask: Line.collect("Guess.", { max: 1, attempts: 1 }) },
        evolve: (state, digits) => ({ tries: state.tries + 1, right: digits === "7" })
      })
      const { outcome } = yield* hold(guess, Callee.answers().presses("1").presses("7"))
      assert.deepStrictEqual(outcome, { tries: 2, right: true })
    }))
})
