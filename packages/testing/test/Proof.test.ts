/** What stands between a green check and a right flow: each kind of what a search does not see is said, or found. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { FlowExplorer, Law } from "@ringback/testing"
import { Schema, SchemaGetter } from "effect"

const numbers = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const dialled = <A, E>(talk: Flow.Flow<A, E, Flow.Line>) => Flow.dial(talk, numbers)

const Go = Flow.Signal("go", Schema.Null)

const define = (flow: Flow.Flow<unknown, unknown, unknown>, output: Flow.PureCodec = Schema.Unknown) =>
  Flow.make("test", {
    version: 1,
    input: {},
    output,
    error: Schema.Unknown,
    signals: [Go],
    run: () => Flow.map(flow as Flow.Flow<unknown>, (value) => value ?? null)
  }) as Flow.Definition<"test", object, unknown, unknown, unknown>

const explore = (flow: Flow.Flow<unknown, unknown, unknown>, options?: Parameters<typeof FlowExplorer.explore>[2]) =>
  FlowExplorer.explore(define(flow), {}, options)

const laws = (flow: Flow.Flow<unknown, unknown, unknown>, options?: Parameters<typeof FlowExplorer.explore>[2]) =>
  explore(flow, { laws: Law.standard, ...options }).broken.map(({ law }) => law)

const names = ({ unseen }: FlowExplorer.Report) => unseen.map(({ name }) => name)

const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return String(error)
  }
  return "green"
}

const ends = (flow: Flow.Flow<unknown, unknown, unknown>, options?: FlowExplorer.Options) =>
  explore(flow, options).outcomes

describe("values whose JSON is alike are apart", () => {
  class Hidden {
    readonly #value: string
    constructor(value: string) {
      this.#value = value
    }
    get value() {
      return this.#value
    }
  }
  const made = <A>(make: (text: string) => A) =>
    Schema.String.pipe(
      Schema.decodeTo(Schema.declare((value): value is A => value !== undefined), {
        decode: SchemaGetter.transform(make),
        encode: SchemaGetter.transform(() => "1111")
      })
    )
  const behind = <A>(schema: Schema.ConstraintCodec<A, string, never, unknown>, isIt: (value: A) => boolean) =>
    dialled(Flow.flatMap(
      Line.collect("PIN", { max: 4, schema, acknowledge: "Thanks." }),
      (value) => isIt(value) ? Flow.sleep("1 hour") : Line.speak("Hello.")
    ))
  const kinds: Record<string, readonly [Flow.Flow<unknown, unknown, unknown>, kind: string | undefined]> = {
    "a redacted value": [
      behind(Schema.RedactedFromValue(Schema.String), (pin) =>
        String(pin) !== "" &&
        JSON.stringify(pin) !== undefined &&
        Schema.encodeSync(Schema.RedactedFromValue(Schema.String))(pin) === "1234"),
      undefined
    ],
    "private state": [behind(made((text) => new Hidden(text)), ({ value }) => value === "1234"), "Hidden"],
    "a function": [behind(made((text) => () => text), (get) => get() === "1234"), "function"],
    "an expression": [
      behind(made((text) => new RegExp(text)), (expression) => expression.source === "1234"),
      undefined
    ],
    "a date": [behind(made((text) => new Date(Number(text))), (date) => date.getTime() === 1234), undefined],
    "a map": [behind(made((text) => new Map([[text, 1]])), (map) => map.has("1234")), undefined],
    "not a number": [behind(made((text) => text === "1234" ? NaN : Infinity), Number.isNaN), undefined],
    "a method of its own": [
      behind(made((text) => ({ text, toJSON: () => 0 })), ({ text }) => text === "1234"),
      "function"
    ]
  }
  for (const [name, [flow, kind]] of Object.entries(kinds)) {
    it(name, () => {
      const report = explore(flow, { digits: ["1234"], laws: Law.standard })
      assert.deepStrictEqual(report.broken.map(({ law }) => law), ["no dead air"])
      if (kind !== undefined) assert.include(report.warnings.join(), kind)
    })
  }
})

describe("what a search does not see is said", () => {
  const month = Schema.String.check(Schema.isPattern(/^(0[1-9]|1[0-2])\d\d$/))
  const asking = (schema: Schema.ConstraintCodec<unknown, string, never, unknown>, max: number) =>
    dialled(Flow.andThen(Line.collect("Which?", { max, schema }), Flow.sleep("1 hour")))

  it("draws what a prompt takes from its schema", () => {
    assert.deepStrictEqual(laws(asking(month, 4)), ["no dead air"])
    const price = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 250, maximum: 400 }))
    assert.deepStrictEqual(laws(asking(price, 3)), ["no dead air"])
    const odd = Schema.String.check(Schema.makeFilter((digits: string) => Number(digits) % 977 === 5 || "odd"))
    assert.deepStrictEqual(laws(asking(odd, 4)), ["no dead air"])
    assert.deepStrictEqual(names(explore(asking(month, 4))), [])
  })

  it("tries each of a few words that a schema has", () => {
    const code = Schema.Literals(["1234", "5678"])
    const flow = dialled(Line.collect("Code?", { max: 4, schema: code }))
    assert.includeMembers([...ends(flow)], [`"1234"`, `"5678"`])
  })

  it("tries the largest number beside the smallest, where keys are read as one", () => {
    const age = (isUnseen: (age: number) => boolean) =>
      dialled(Flow.flatMap(
        Line.collect("How old are you?", { max: 3, schema: Schema.NumberFromString }),
        (age) => isUnseen(age) ? Flow.sleep("1 hour") : Flow.succeed(undefined)
      ))
    assert.deepStrictEqual(laws(age((age) => age < 18)), ["no dead air"])
    assert.deepStrictEqual(laws(age((age) => age >= 18)), ["no dead air"])
  })

  it("a prompt that nothing passes fails the check, unless it is accepted by name", () => {
    const never = dialled(
      Line.collect("Card?", { max: 9, schema: Schema.String.check(Schema.makeFilter(() => "no card")) })
    )
    const check = (accept: ReadonlyArray<string>) =>
      refusal(() => FlowExplorer.check(define(never), {}, [], { accept }))
    assert.match(check([]), /prompt “Card\?”: it takes none of the inputs that were tried; give an input/)
    assert.strictEqual(check(["prompt “Card?”"]), "green")
    assert.match(check(["prompt “Card?”", "law of gravity"]), /accept "law of gravity": nothing of this name/)
  })

  it("samples that fit nowhere", () => {
    const flow = dialled(Line.collect("PIN?", { max: 4, min: 4 }))
    const options = { digits: ["123", "1234", "12345"], activities: { lookup: [1] }, signals: { go: [null] } }
    assert.deepStrictEqual(names(explore(flow, options)), [
      "samples of activity lookup",
      "samples of signal go",
      `digits "123"`,
      `digits "12345"`
    ])
    assert.match(
      refusal(() => FlowExplorer.check(define(flow), {}, [], { digits: ["123"] })),
      /digits "123": no prompt on any path takes them; mend them/
    )
  })

  it("laws that never applied", () => {
    const flow = dialled(Line.speak("Your passcode is 1 2 3 4."))
    const idle = (...given: ReadonlyArray<Law.Law>) => names(explore(flow, { laws: given }))
    assert.deepStrictEqual(idle(Law.keyPressBefore("pass code")), ["law a key press before pass code is spoken"])
    assert.deepStrictEqual(idle(Law.promptAtMost(1, /offer/)), ["law prompts that match /offer/ at most once"])
    assert.deepStrictEqual(idle(Law.reachable("opt-out", { from: "offer", to: Law.notes("opt-out") })), ["law opt-out"])
    const own = Law.make("mine", {
      initial: null,
      about: (moment) => moment._tag === "Asked" && moment.request._tag === "Bridge",
      next: () => null
    })
    assert.deepStrictEqual(idle(own, ...Law.standard, Law.promptAtMost(3)), ["law mine"])
    assert.match(refusal(() => FlowExplorer.check(define(flow), {}, [own])), /law mine: nothing that it speaks of/)
    assert.deepStrictEqual(idle(Law.promptAtMost(1, "passcode")), [])
  })

  it("outcomes that are declared and on no path", () => {
    const pin = define(
      dialled(Flow.map(Line.collect("PIN?", { max: 4 }), (pin) => pin === "1234" ? "right" : "wrong")),
      Schema.Literals(["right", "wrong"])
    )
    const check = (options: FlowExplorer.Options) => refusal(() => FlowExplorer.check(pin, {}, [], options))
    assert.match(check({}), /outcome "right": the output has it, and no path does; give the samples that lead there/)
    assert.strictEqual(check({ digits: ["1234"] }), "green")
    assert.strictEqual(check({ accept: [`outcome "right"`] }), "green")
  })
})

describe("a flow that is no function of its answers is found", () => {
  const law = "the same answers lead the same way"
  const asked = (words: () => string) => dialled(Flow.suspend(() => Line.speak(words())))
  let count = 0
  const shared: Array<string> = []

  it("by its shortest path, with what it looked at", () => {
    const { broken } = explore(asked(() => `It is ${new Date().getFullYear() > 0 ? new Date().toISOString() : ""}.`))
    assert.deepStrictEqual(broken.map((breach) => breach.law), [law])
    assert.match(broken[0]!.why, /it looks at the clock \(Date\)/)
    assert.deepStrictEqual(broken[0]!.path.map(({ happened }) => happened), ["answers", ""])
  })

  it("seldom chance, the time of day, the season, a variable, a value that grows", () => {
    const drawn = (isIt: () => boolean) => laws(asked(() => isIt() ? "Heads." : "Tails."))
    assert.deepStrictEqual(drawn(() => Math.random() < 0.001), [law])
    assert.deepStrictEqual(drawn(() => Math.random() > 0.99), [law])
    assert.deepStrictEqual(drawn(() => new Date().getHours() < 12), [law])
    assert.deepStrictEqual(laws(asked(() => `Call ${count++}.`)), [law])
    assert.deepStrictEqual(
      laws(asked(() => {
        shared.push("again")
        return `Said ${shared.length} times.`
      })),
      [law]
    )
  })

  it("or named as not seen, where it goes the same ways at each moment that is tried", () => {
    const rare = asked(() => new Date().getTime() % 86_400_000 === 1 || Math.random() === 0.123 ? "Heads." : "Tails.")
    assert.deepStrictEqual(laws(rare), [])
    const check = (options: FlowExplorer.Options) => refusal(() => FlowExplorer.check(define(rare), {}, [], options))
    assert.match(check({}), /the clock \(Date\): the flow looks at it, and went the same ways .*; use Flow\.now/)
    assert.match(check({ accept: ["the clock (Date)"] }), /Math\.random: .*; use Flow\.random/)
    assert.strictEqual(check({ accept: ["the clock (Date)", "Math.random"] }), "green")
  })

  it("also where it counts its rounds in a variable that its functions share", () => {
    const ask = Line.menu("Again?", { choices: { "1": "yes", "2": "no" }, attempts: 1 })
    const counting = dialled(Flow.suspend(() => {
      let rounds = 0
      type Round = Flow.Flow<string, Flow.HungUp | Flow.NoInput, Flow.Line>
      const again = (): Round =>
        Flow.flatMap(
          ask,
          (answer) =>
            answer === "no" ? Flow.succeed("done") : ++rounds > 3 ? Flow.succeed("tired") : Flow.suspend(again)
        )
      return Flow.suspend(again)
    }))
    assert.include(laws(counting), law)
  })

  it("leaves clocks and chance as they were, also where a flow throws", () => {
    const [date, chance] = [Date, Math.random]
    explore(asked(() => {
      throw new Error("no")
    }))
    assert.strictEqual(Date, date)
    assert.strictEqual(Math.random, chance)
  })

  it("and a flow that asks by Flow.now and Flow.random is one", () => {
    const flow = dialled(Flow.gen(function*() {
      const [now, chance] = [yield* Flow.now, yield* Flow.random]
      yield* Line.speak(`${new Date(now).toISOString()} ${chance < 0.5 ? "heads" : "tails"}`)
    }))
    assert.deepStrictEqual(laws(flow), [])
  })
})

describe("time passes", () => {
  const late = "fails: TimedOut"

  it("deadlines pass only where they can", () => {
    const spoken = dialled(Flow.timeout(Line.speak("Hello."), "1 hour"))
    assert.notInclude(ends(spoken), late)
    assert.include(ends(dialled(Flow.timeout(Line.speak("Hello."), "5 seconds"))), late)
    const talks = (times: number) => dialled(Flow.timeout(Flow.repeat(Line.speak("Hello."), { times }), "2 minutes"))
    assert.notInclude(ends(talks(2)), late)
    assert.include(ends(talks(20)), late)
  })

  it("what was slept is over, for each deadline around it", () => {
    const slept = (first: number, second: number) =>
      Flow.timeout(
        Flow.andThen(Flow.sleep(`${first} seconds`), Flow.as(Flow.sleep(`${second} seconds`), "woke")),
        "1 minute"
      )
    assert.deepStrictEqual(ends(slept(20, 20)), [`"woke"`])
    assert.deepStrictEqual(ends(slept(40, 40)), [late])
    const nested = Flow.timeout(
      Flow.catch(Flow.timeout(Flow.sleep("1 hour"), "10 minutes"), () => Flow.succeed("inner")),
      "1 minute"
    )
    assert.deepStrictEqual(ends(nested), [late])
  })

  it("goes on where a deadline has passed while a finalizer waits", () => {
    const flow = Flow.timeout(Flow.ensuring(Flow.sleep("1 second"), Flow.sleep("1 hour")), "1 minute")
    assert.deepStrictEqual(ends(flow), [late])
  })

  it("Flow.now goes on by what was waited and spoken", () => {
    const between = (wait: Flow.Flow<unknown, unknown, unknown>) =>
      dialled(Flow.gen(function*() {
        const before = yield* Flow.now
        yield* Flow.catch(wait as Flow.Flow<unknown, unknown, Flow.Line>, () => Flow.succeed(null))
        return (yield* Flow.now) - before
      }))
    assert.include(ends(between(Line.hold(Flow.sleep("20 seconds"), "Wait."))), "20000")
    assert.include(ends(between(Line.speak("x".repeat(150)))), "10000")
    assert.include(
      ends(between(Line.hold(Flow.signal(Go, { within: "9 seconds" }), "Wait."))),
      "9000"
    )
  })
})

describe("a cut search is no verdict on a law", () => {
  const menu = Line.menu("Again?", { choices: { "1": "on", "2": "stop" } })
  const endless = dialled(Flow.gen(function*() {
    while ((yield* menu) !== "stop") yield* Flow.note("again")
  }))

  it("says that not every path was seen, what multiplies, and which bound it was", () => {
    const cut = (options: FlowExplorer.Options) => {
      const { broken, unseen } = explore(endless, { ...options, laws: Law.standard })
      assert.deepStrictEqual(broken, [])
      return unseen.map((found) => Object.values(found).join(" ")).join("\n")
    }
    assert.match(
      cut({ max: 1000 }),
      /^every path not every path was seen: the search ended after 10\d\d places; “Again\?” had been asked \d+ times on one path.* raise "max"$/
    )
    assert.match(cut({ depth: 20 }), /ended after 20 exchanges; .*raise "depth"$/)
    assert.match(cut({ seconds: 0 }), /ended after 0 s and \d+ places; .*raise "seconds"$/)
    assert.match(
      refusal(() => FlowExplorer.check(define(endless), {}, Law.standard, { max: 1000 })),
      /every path is seen/
    )
  })

  it("still finds a circle of a reducer, where the law of ends is broken", () => {
    const reducer = dialled(Flow.reducer({
      initial: 0,
      decide: () => ({ ask: menu }),
      evolve: () => 0
    }))
    assert.deepStrictEqual(laws(reducer, { laws: [Law.ends] }), ["every path ends"])
  })
})
