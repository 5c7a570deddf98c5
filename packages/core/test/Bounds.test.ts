import { assert, describe, it } from "@effect/vitest"
import { Action, Flow, Line, PhoneNumber, Prompt, Step } from "@ringback/core"
import type { Request } from "@ringback/core"
import { Duration, Effect, Schema } from "effect"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

const thrown = (make: () => unknown): { readonly _tag?: string; readonly message: string } => {
  try {
    make()
  } catch (error) {
    return error as Error
  }
  return assert.fail("it was taken")
}

type Make<A> = (value: A) => unknown

const waits: Record<string, Make<Duration.Input>> = {
  "Flow.sleep": (duration) => Flow.sleep(duration),
  "Flow.timeout": (duration) => Flow.timeout(Flow.succeed(1), duration),
  "Flow.signal": (within) => Flow.signal(Flow.Signal("go", Schema.Void), { within }),
  "Line.pause": (duration) => Line.pause(duration)
}
const limits: Record<string, Make<Duration.Input>> = {
  "Flow.activity": (within) => Flow.activity("go", { within }, Effect.void),
  "Flow.dial": (ringFor) => Flow.dial(Line.speak("Hello."), { to, from, ringFor })
}
const names: Record<string, Make<string>> = {
  "Flow.make": (name) =>
    Flow.make(name, { version: 1, input: {}, output: Schema.Void, run: () => Flow.succeed(undefined) }),
  "Flow.activity": (name) => Flow.activity(name, {}, Effect.void),
  "Flow.Signal": (name) => Flow.Signal(name, Schema.Void),
  "Flow.note": (name) => Flow.note(name)
}
const times: Record<string, Make<number>> = {
  "Flow.retry": (times) => Flow.retry(Flow.succeed(1), { times }),
  "Flow.repeat": (times) => Flow.repeat(Flow.succeed(1), { times })
}
const attempts: Record<string, Make<number>> = {
  "Line.collect": (attempts) => Line.collect("Code?", { max: 4, attempts }),
  "Line.menu": (attempts) =>
    Line.menu("Press 1.", { choices: { "1": 1 }, attempts: { silence: 1, invalid: attempts } }),
  "Line.confirm": (attempts) => Line.confirm("Yes?", { attempts: { silence: attempts, invalid: 1 } })
}

const year = Duration.days(365)

/** What each constructor is given, whether it takes it, and words of the error. */
const tables: ReadonlyArray<
  readonly [
    what: string,
    makers: Record<string, Make<never>>,
    taken: ReadonlyArray<unknown>,
    refused: ReadonlyArray<unknown>,
    words: string
  ]
> = [
  ["a wait", waits, [0, "1 second", { minutes: 1 }, [1, 0], Duration.times(year, 10)], [
    Duration.infinity,
    { minutes: NaN },
    { minutes: 1, seconds: NaN },
    { months: 1 },
    {},
    [NaN, 0],
    new Date(0),
    "Infinity",
    NaN,
    -1,
    Infinity,
    Duration.sum(Duration.times(year, 10), Duration.millis(1)),
    "soon"
  ], "Expected a duration"],
  [
    "a limit",
    limits,
    [1, "4 hours"],
    [0, Duration.infinity, NaN, -1, -Infinity, { minutes: NaN }, {}, Duration.times(year, 11), "soon"],
    "Expected"
  ],
  ["a name", names, ["a", "x".repeat(255)], ["", "x".repeat(256), undefined, 1], "1 to 255 characters"],
  ["times", times, [0, 1, Infinity], [NaN, -1, 1.5, -Infinity], "whole number of times"],
  ["attempts", attempts, [1, 1000], [0, NaN, -1, 1.5, Infinity, 1001], "`attempts` of 1 to 1000"]
]

describe("what could not be read back or would never end is refused at the line that makes it:", () => {
  for (const [what, makers, taken, refused, words] of tables) {
    for (const [name, make] of Object.entries(makers)) {
      it(`${what} of ${name}`, () => {
        for (const value of taken) make(value as never)
        for (const value of refused) {
          const error = thrown(() => make(value as never))
          assert.strictEqual(error._tag, "InvalidFlow", `${name} of ${String(value)}`)
          assert.include(error.message, words)
        }
      })
    }
  }

  it("how long a phone rings, beyond 4 hours", () => {
    assert.include(thrown(() => limits["Flow.dial"]!("5 hours")).message, "at most 4 hours")
  })

  it("how long a call lasts", () => {
    const dial = (maxCallDuration: Duration.Input) => () =>
      Flow.dial(Line.speak("Hello."), { to, from, maxCallDuration })
    for (const taken of ["1 second", "4 hours"] as const) dial(taken)()
    for (const refused of [0, NaN, -1, Infinity, "5 hours"] as const) {
      assert.include(["InvalidAction", "InvalidFlow"], thrown(dial(refused))._tag)
    }
  })

  it("how long audio plays", () => {
    const audio = (duration: unknown) => () => Prompt.audio("https://example.com/a", { duration: duration as never })
    for (const taken of [0, "1 second", { minutes: 1 }]) audio(taken)()
    for (const refused of [NaN, -1, Infinity, "soon", { minutes: NaN }, {}]) {
      assert.strictEqual(thrown(audio(refused))._tag, "InvalidPrompt", JSON.stringify(refused))
    }
  })

  it("the version of a flow", () => {
    const make = (version: number) =>
      Flow.make("f", { version, input: {}, output: Schema.Void, run: () => Flow.succeed(undefined) })
    for (const version of [1, 2 ** 31, 20_261_129_113_000, Number.MAX_SAFE_INTEGER]) make(version)
    for (const version of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
      assert.include(thrown(() => make(version)).message, "Expected a version of 1, 2, 3")
    }
  })

  it("how many keys are collected", () => {
    for (const max of [0, 129, 1.5, NaN, Infinity]) {
      assert.include(thrown(() => Line.collect("Code?", { max })).message, "`max` of 1 to 128")
    }
    for (const min of [0, 5, NaN]) {
      assert.include(thrown(() => Line.collect("Code?", { max: 4, min })).message, "`min` of 1 to 4")
    }
  })

  it("the data of a note", () => {
    for (const data of [NaN, undefined, 1n, () => 1, [undefined], new Date(0), "x".repeat(70_000)]) {
      if (data === undefined) continue // The default is null.
      const error = thrown(() => Flow.note("begun", data as never))
      assert.deepStrictEqual([error._tag, error.message.startsWith("Flow.note \"begun\": ")], ["InvalidFlow", true])
    }
  })

  it("words, tones and addresses that are longer than a call can keep", () => {
    const long = "x".repeat(70_000)
    const makers: ReadonlyArray<() => unknown> = [
      () => Prompt.speech(long),
      () => Prompt.speech(long, { language: "en" }),
      () => Prompt.ssml(`<speak>${long}</speak>`),
      () => Prompt.audio(`https://example.com/${long}`),
      () => Line.prompt({ _tag: "Speak", text: long }),
      () => Line.prompt({ _tag: "Play", url: long }),
      () => Line.prompt({ _tag: "SendDtmf", tones: "1".repeat(256) }),
      () => Action.sendDtmf("1".repeat(256)),
      () => Flow.dial(Line.speak("Hello."), { to, from, sendDtmf: "1".repeat(256) })
    ]
    for (const make of makers) assert.include(["InvalidPrompt", "InvalidAction"], thrown(make)._tag)
  })

  it("a request of one's own", () => {
    const requests: ReadonlyArray<unknown> = [
      { _tag: "Sleep", millis: NaN },
      { _tag: "SetDeadline", millis: Infinity },
      { _tag: "Signal", name: "go", withinMillis: Infinity, fits: () => true },
      { _tag: "Activity", name: "", withinMillis: 1, effect: Effect.void },
      { _tag: "Note", name: "begun", data: { at: undefined } },
      { _tag: "Dial", to, from, ringForMillis: 1, maxCallDurationSeconds: 1.5 },
      { _tag: "Dial", to: "nobody", from, ringForMillis: 1, maxCallDurationSeconds: 1 },
      { _tag: "Prompt", action: { _tag: "Speak" }, goodbye: false },
      { _tag: "Bridge", action: { _tag: "Dial", to, from, maxCallDurationSeconds: 0 } }
    ]
    for (const request of requests) thrown(() => Flow.ask(request as Request.Request, () => assert.fail("asked")))
  })
})

describe("what is recorded is a copy:", () => {
  const requestOf = (flow: Flow.Flow<unknown, unknown, unknown>): Request.Request => {
    const step = Step.start(flow)
    return step._tag === "Waiting" ? step.request : assert.fail("it ended")
  }

  it("of the data of a note", () => {
    const log = ["first"]
    const note = Flow.note("begun", log)
    log.push("later")
    assert.deepInclude(requestOf(note), { data: ["first"] })
  })

  it("of an action, without what is not known of it", () => {
    const action = { _tag: "Speak" as const, text: "Hello.", collect: { max: 1 }, secret: { at: 1 } }
    const prompt = Line.prompt(action)
    action.text = "Bye."
    action.collect.max = 4
    assert.deepInclude(requestOf(prompt), { action: { _tag: "Speak", text: "Hello.", collect: { max: 1 } } })
  })

  it("of inputs, outputs, and the results of activities", () => {
    const codec = Flow.make("f", { version: 1, input: Schema.Json, output: Schema.Json, run: () => Flow.succeed(null) })
      .codec
    for (const [encode, decode] of [[codec.encodeInput, codec.decodeInput], [codec.encodeOutput, codec.decodeOutput]]) {
      const given = { names: ["Ann"] }
      const stored = encode!(given as never)
      given.names.push("Bob")
      if (stored._tag === "Failure") return assert.fail("not encoded")
      const own = decode!(stored.success as never)
      if (own._tag === "Success") (own.success as { names: Array<string> }).names.push("Eve")
      assert.deepStrictEqual(stored.success, { names: ["Ann"] })
    }
    const request = requestOf(Flow.activity("list", { success: Schema.Json }, Effect.succeed(null)))
    const list = [1]
    const stored = request._tag === "Activity" && request.encodeSuccess(list)
    list.push(2)
    assert.deepStrictEqual(stored && stored._tag === "Success" && stored.success, [1])
  })
})
