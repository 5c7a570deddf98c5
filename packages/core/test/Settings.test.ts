import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber, Prompt, Settings } from "@ringback/core"
import { ConfigProvider, DateTime, Duration, Effect } from "effect"

const problemsOf = (make: () => unknown): ReadonlyArray<string> => {
  try {
    make()
  } catch (error) {
    assert.instanceOf(error, Settings.InvalidSettings)
    return error.problems.map(({ setting }) => setting)
  }
  return []
}

type Value = { readonly group: string; readonly setting: string; readonly value: unknown }

const values: ReadonlyArray<Value> = Object.entries(Settings.defaults).flatMap(([group, settings]) =>
  group === "speed" ? [] : Object.entries(settings).map(([setting, value]) => ({ group, setting, value }))
)

const only = ({ group, setting }: Value, value: unknown): Settings.Options => ({ [group]: { [setting]: value } })

describe("settings", () => {
  it("are the defaults where nothing is said, also if that is said", () => {
    for (const each of values) assert.deepStrictEqual(Settings.make(only(each, undefined)), Settings.defaults)
    assert.deepStrictEqual(Settings.make({ speed: undefined, reply: undefined }), Settings.defaults)
    assert.deepStrictEqual(Settings.make({ line: { settle: 0 }, memory: { calls: Infinity } }), {
      ...Settings.defaults,
      line: { ...Settings.defaults.line, settle: 0 },
      memory: { calls: Infinity }
    })
  })

  it("are times as one writes them, and milliseconds in the engine", () => {
    for (
      const deadline of ["1500 millis", "1.5 seconds", 1500, { seconds: 1, milliseconds: 500 }, Duration.millis(1500)]
    ) {
      assert.strictEqual(Settings.make({ reply: { deadline: deadline as Duration.Input } }).reply.deadline, 1500)
    }
  })

  it("that the carrier's speed decides are divided by it once, and the others are not", () => {
    const fast = Settings.make({ speed: 10, line: { silence: "20 seconds" } })
    assert.deepStrictEqual(fast.line, {
      holds: 60,
      ringLimit: 18_000,
      eventDelay: 6_000,
      settle: 300,
      afterHangup: 3_000,
      silence: 2_000
    })
    assert.deepStrictEqual([fast.dial.backoff, fast.dial.perSecond], [100, 400])
    assert.strictEqual(fast.speech.shortestKeyPress, 40)
    assert.deepStrictEqual([fast.reply, fast.store, fast.closing, fast.call], [
      Settings.defaults.reply,
      Settings.defaults.store,
      Settings.defaults.closing,
      Settings.defaults.call
    ])
  })

  for (const each of values.filter(({ value }) => typeof value === "number")) {
    const name = `${each.group}.${each.setting}`
    it(`are refused by name if they are no such number: ${name}`, () => {
      for (const value of [NaN, -1, "much", null, {}, [], true]) {
        assert.deepStrictEqual(problemsOf(() => Settings.make(only(each, value))), [name], String(value))
      }
    })
  }

  it("of a drain are refused when they are written", () => {
    const drain = (within: unknown, atLeast?: unknown) =>
      problemsOf(() => Calls.layerDrain({ within, atLeast } as never))
    for (const within of ["soon", "-1 seconds", undefined, null, Infinity, "11 years"]) {
      assert.deepStrictEqual(drain(within), ["drain.within"], String(within))
    }
    for (const atLeast of ["soon", "-1 seconds", "11 seconds"]) {
      assert.deepStrictEqual(drain("10 seconds", atLeast), ["drain.atLeast"], atLeast)
    }
    assert.deepStrictEqual(drain("soon", "later"), ["drain.within", "drain.atLeast"])
    Calls.layerDrain({ within: "10 seconds", atLeast: "10 seconds" })
  })

  it("are refused where nothing would ever go on", () => {
    const never: ReadonlyArray<Settings.Options> = [
      { store: { lookEvery: 0 } },
      { store: { lease: "5 seconds" } },
      { dial: { answerWithin: 0 } },
      { dial: { perSecond: 0 } },
      { dial: { linesAtMost: 0 } },
      { dial: { linesAtMost: 1.5 } },
      { dial: { waitAtMost: 0 } },
      { dial: { attempts: 0 } },
      { store: { waiting: 0 } },
      { line: { settle: Infinity } },
      { speed: 0 },
      { speed: Infinity }
    ]
    for (const options of never) assert.lengthOf(problemsOf(() => Settings.make(options)), 1, JSON.stringify(options))
  })

  it("are refused if they are no such words", () => {
    const wrong = {
      reply: { hold: "One moment." },
      dial: { busy: "busy", ignored: [1] },
      copies: { marks: "no", eventKey: 5 }
    }
    assert.sameMembers(problemsOf(() => Settings.make(wrong as never)) as Array<string>, [
      "reply.hold",
      "dial.busy",
      "dial.ignored",
      "copies.marks",
      "copies.eventKey"
    ])
    Settings.make({
      reply: { hold: Prompt.speech("One moment.") },
      dial: { busy: ["busy"] },
      copies: { eventKey: "id" }
    })
  })

  it("are refused if there is no such setting, so that a slip of the pen is not passed over", () => {
    assert.deepStrictEqual(
      problemsOf(() => Settings.make({ replyDeadline: 2_000, reply: { dedline: 1 }, toString: {} } as never)),
      ["replyDeadline", "reply.dedline", "toString"]
    )
    for (const group of [5, null, "2 seconds"]) {
      assert.deepStrictEqual(problemsOf(() => Settings.make({ reply: group } as never)), ["reply"], String(group))
    }
    for (const all of [null, "fast", 5]) {
      assert.deepStrictEqual(problemsOf(() => Settings.make(all as never)), ["settings"], String(all))
    }
  })

  it("are refused at the line that makes the engine, as is what else it cannot be set up with", () => {
    const layer = (options: object) => () => Calls.layer({ flows: [], ...options })
    assert.deepStrictEqual(problemsOf(layer({ settings: { reply: { deadline: "soon" } } })), ["reply.deadline"])
    for (const namespace of ["", "a.b", "a b", "é", "x".repeat(11), 5]) {
      assert.deepStrictEqual(problemsOf(layer({ namespace })), ["namespace"])
    }
    const inbound = (...numbers: ReadonlyArray<string>) =>
      layer({ inbound: Object.fromEntries(numbers.map((number) => [number, {}])) })
    for (const number of ["+1 555 017 0009", "0015550170009", "(555) 017-0009", "+", "desk"]) {
      const masked = `inbound.${PhoneNumber.mask(number)}`
      assert.deepStrictEqual(problemsOf(inbound("15550170009", "+15550170010", number)), [masked])
    }
    assert.deepStrictEqual(problemsOf(inbound("15550170009", "+15550170009")), ["inbound.+•••••••••09"])
    assert.deepStrictEqual(problemsOf(layer({ refusal: { _tag: "Speak", text: "" } })), ["refusal"])
    assert.deepStrictEqual(problemsOf(layer({ refusal: "hangup" })), ["refusal"])
    const before = DateTime.makeUnsafe("2026-01-01")
    assert.deepStrictEqual(problemsOf(layer({ restored: { before, dials: "Give up" } })), ["restored.dials"])
    for (const dials of ["hold", "dial", "give up"]) {
      assert.deepStrictEqual(problemsOf(layer({ namespace: "a-Z_0", restored: { before, dials } })), [])
    }
  })

  it("say what is expected, and not what was given", () => {
    assert.throws(
      () => Settings.make({ reply: { deadline: -42 }, copies: { marks: "15550170001" as never } }),
      /^The engine cannot be set up so\.\n- reply\.deadline: Expected a duration such as "2 seconds", from 0 to 10 years\n- copies\.marks: Expected true or false$/
    )
  })
})

describe("settings of two hands", () => {
  it("are those of both, and where both say something those of the second", () => {
    assert.deepStrictEqual(
      Settings.make(Settings.merge(
        { speed: 2, dial: { busy: ["busy"], attempts: 3 } },
        { dial: { attempts: 1 }, memory: { calls: 5 }, reply: undefined }
      )),
      Settings.make({ speed: 2, dial: { busy: ["busy"], attempts: 1 }, memory: { calls: 5 } })
    )
  })

  it("are refused by name all the same, whichever hand it was", () => {
    for (const wrong of [{ dail: { attempts: 1 } }, { dial: { atempts: 1 } }, { dial: 5 }]) {
      const problems = problemsOf(() => Settings.make(wrong as never))
      assert.lengthOf(problems, 1)
      assert.deepStrictEqual(problemsOf(() => Settings.make(Settings.merge(wrong as never, {}))), problems)
      assert.deepStrictEqual(problemsOf(() => Settings.make(Settings.merge({ speed: 2 }, wrong as never))), problems)
    }
  })
})

describe("settings of the environment", () => {
  const read = (environment: Readonly<Record<string, string>>) =>
    Effect.map(Settings.config.parse(ConfigProvider.fromUnknown(environment)), Settings.make)

  it.effect("are the defaults where it says nothing", () =>
    Effect.map(read({}), (settings) => assert.deepStrictEqual(settings, Settings.defaults)))

  it.effect("are what it says", () =>
    Effect.map(
      read({
        RINGBACK_REPLY_LATE_AFTER: "3 seconds",
        RINGBACK_REPLY_HOLD: "Please wait.",
        RINGBACK_DIAL_PER_SECOND: "10",
        RINGBACK_DIAL_NO_ANSWER: "no_answer, timeout",
        RINGBACK_COPIES_MARKS: "true",
        RINGBACK_COPIES_EVENT_KEY: "id",
        RINGBACK_SPEED: "2"
      }),
      (settings) =>
        assert.deepStrictEqual(
          settings,
          Settings.make({
            reply: { lateAfter: "3 seconds", hold: Prompt.speech("Please wait.") },
            dial: { perSecond: 10, noAnswer: ["no_answer", "timeout"] },
            copies: { marks: true, eventKey: "id" },
            speed: 2
          })
        )
    ))

  it.effect("fail for what is no such value, by its name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read({ RINGBACK_DIAL_PER_SECOND: "many" }))
      assert.include(error.message, "RINGBACK_DIAL_PER_SECOND")
    }))
})
