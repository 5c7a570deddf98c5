import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import * as CliOutput from "effect/cli/CliOutput"
import { CallEvent, Explain, Flow, Ladder, Line, Prompt, Silence } from "../src/index.ts"
import { Happening, history } from "./fixtures/histories.ts"
import { from, id, to, Trial } from "./fixtures/Trial.ts"

const anything = Arbitrary.array(Arbitrary.schema(CallEvent.CallEvent))

/** The numbers of the events that are in some rung, or in a fold. */
const reached = (items: ReadonlyArray<Ladder.Item>): ReadonlyArray<number> =>
  Array.from(new Set(items.flatMap((item) => item._tag === "Idle" ? [] : item.events))).toSorted((a, b) => a - b)

const all = (events: ReadonlyArray<unknown>): ReadonlyArray<number> => events.map((_, i) => i + 1)

describe("a ladder", () => {
  it.prop("can be made of any log, and has each event in some rung", [anything], ([events]) => {
    const ladder = Ladder.make(events)
    Ladder.text(ladder)
    Ladder.html(ladder)
    Schema.decodeUnknownSync(Ladder.Ladder)(ladder)
    assert.deepStrictEqual(reached(ladder.items), all(events))
    assert.deepStrictEqual(reached(Ladder.rungs(events, { reveal: true })), all(events))
  })

  it.prop(
    "of a call that went has each event in some rung",
    { happenings: Schema.Array(Happening), direction: Schema.Literals(["outbound", "inbound"]) },
    ({ direction, happenings }) => {
      const { events } = history(happenings, direction)
      assert.deepStrictEqual(reached(Ladder.make(events).items), all(events))
    }
  )

  it("shows words and keys only where they are asked for, and numbers never", () => {
    const trial = new Trial(
      Line.collect("Your secret word is heron.", { max: 2 }).pipe(Flow.dial({ to, from }))
    )
    trial.answered()
    trial.spoken("47")
    const masked = Ladder.make(trial.events)
    const revealed = Ladder.make(trial.events, { reveal: true })
    for (const draw of [Ladder.text, Ladder.html, JSON.stringify]) {
      for (const secret of ["heron", "presses 47", to, from]) assert.notInclude(draw(masked), secret)
      for (const shown of ["heron", "presses 47"]) assert.include(draw(revealed), shown)
      for (const secret of [to, from]) assert.notInclude(draw(revealed), secret)
    }
  })
})

describe("a ladder as text", () => {
  const told = (text: string) => [
    Ladder.rung(0, "application", "Ringback", text),
    Ladder.rung(1_000, "Ringback", "carrier", "a longer word for the column"),
    Ladder.rung(2_000, "Ringback", "Ringback", text),
    Ladder.rung(3_000, "callee", "carrier", text)
  ]
  /** In which cells the lifelines stand, by the rules of terminals. */
  const columns = (line: string): ReadonlyArray<number> => {
    const at: Array<number> = []
    let cell = 0
    for (const { segment } of new Intl.Segmenter().segment(line)) {
      if ("│├┤▶◀".includes(segment)) at.push(cell)
      cell += CliOutput.displayWidth(segment)
    }
    return at
  }

  it("has its lifelines one below the other, however wide letters are", () => {
    for (const text of ["ready", "会议室 预约", "👩‍⚕️ 释放", "เรียบร้อย", "Größe", "𝒻ull", "e\u0301te\u0301"]) {
      const [, ...lines] = Ladder.text(told(text)).split("\n")
      const [first, second, own, last] = lines.map(columns)
      const arrow = (column: number) => [column - 1, column, column + 1]
      for (const [column, line] of [[first, second], [own, second], [last, second]] as const) {
        assert.includeMembers(line!.flatMap(arrow), [...column!], text)
      }
      assert.strictEqual(own!.length, 4, text)
    }
  })

  it("cuts what is too long between letters, and never in the middle of one", () => {
    const long = Ladder.text(told("预".repeat(100)))
    assert.match(long, /┤|├─+ 预{35}… ─+/)
    assert.notMatch(Ladder.text(told("👩‍⚕️".repeat(60))), /\u200d…/)
  })

  it("keeps what is written from right to left to itself", () => {
    const [, first] = Ladder.text(told("تذكير 12")).split("\n")
    assert.match(first!, /├─+ \u2068تذكير 12\u2069 ─+▶│/)
    assert.notInclude(Ladder.text(told("ready")), "\u2068")
    assert.include(Ladder.html(told("تذكير 12")), "<bdi>تذكير 12</bdi>")
  })
})

describe("the items of a ladder", () => {
  const hold = (at: number): Ladder.Rung => ({ ...Ladder.rung(at, "Ringback", "carrier", "hold"), noise: "hold" })

  it("fold noise in a row, with a count, and lose none of it", () => {
    const [first, last] = [
      Ladder.rung(0, "application", "Ringback", "a"),
      Ladder.rung(9_000, "application", "Ringback", "b")
    ]
    const items = Ladder.fold([first, hold(3_000), hold(6_000), last])
    assert.deepStrictEqual(items.map(({ _tag }) => _tag), ["Rung", "Fold", "Rung"])
    assert.include(items[1], { text: "2 holds", at: 3_000, until: 6_000 })
    assert.strictEqual(Ladder.fold([first, hold(3_000), last], { fold: false }).length, 3)
  })

  it("tell a time in which nothing happened, and what was waited for", () => {
    const trial = new Trial(
      Flow.sleep("133 minutes").pipe(Flow.andThen(Line.speak("Hello.").pipe(Flow.dial({ to, from }))))
    )
    trial.pass(134 * 60_000)
    const idle = Ladder.make(trial.events).items.find(({ _tag }) => _tag === "Idle")
    assert.include(idle, { text: "2 h 13 min", waitedFor: "the end of a sleep" })
    assert.include(Ladder.text(Ladder.make(trial.events)), "… 2 h 13 min, waiting for the end of a sleep …")
  })

  it("escape what HTML would take for its own", () => {
    const html = Ladder.html([Ladder.rung(0, "callee", "carrier", `<b onclick="x">&'`)])
    assert.include(html, "&lt;b onclick=&quot;x&quot;&gt;&amp;&#39;")
  })
})

describe("who may end what a call waits for", () => {
  const who = (trial: Trial, options?: Explain.ReportOptions) =>
    Explain.report(id, trial.events, options).waitingFor.enders.map(({ certain, how, who }) =>
      `${who} ${how}${certain ? "" : "?"}`
    )
  const asked = () => {
    const trial = new Trial(Line.collect("Which?", { max: 3 }).pipe(Flow.dial({ to, from })))
    trial.answered()
    return trial
  }
  const waits = (wait: Flow.Flow<unknown, Flow.Failure, Flow.Line>) => {
    const trial = new Trial(wait.pipe(Flow.dial({ to, from })))
    trial.answered()
    return trial
  }

  it("is the callee by keys or a hang-up, the carrier and the application while something is asked", () => {
    assert.deepStrictEqual(who(asked()), ["callee keys", "callee hang-up", "carrier event", "application cancel"])
  })

  it("is the application by a signal of this name, and a hang-up only where the flow notices it", () => {
    const signal = Flow.signal(Flow.Signal("ready", Schema.Void), { within: "1 hour" }) as Flow.Flow<
      void,
      Flow.TimedOut
    >
    const [held, bare] = [waits(signal.pipe(Line.hold("One moment."))), waits(signal)]
    assert.deepStrictEqual(who(held), ["application signal", "callee hang-up?", "application cancel"])
    assert.deepStrictEqual(who(held, { flow: held.definition }), [
      "application signal",
      "callee hang-up",
      "application cancel"
    ])
    assert.deepStrictEqual(who(bare, { flow: bare.definition }), ["application signal", "application cancel"])
  })

  it("is nobody when it is over", () => {
    const trial = asked()
    trial.ended()
    trial.pass(60_000)
    assert.deepStrictEqual(who(trial), [])
  })
})

describe("a report", () => {
  it.prop("can be made of any log", [anything], ([events]) => {
    Schema.decodeUnknownSync(Explain.Report)(Explain.report(id, events))
  })
})

describe("an event in a report", () => {
  it("knows its turn, and a decision its cause and its rule", () => {
    const trial = new Trial(Line.speak("Hello.").pipe(Flow.dial({ to, from })))
    trial.answered()
    const { events } = Explain.report(id, trial.events, { turns: [3, 2] })
    assert.deepStrictEqual(events.map(({ turn }) => turn), [1, 1, 1, 2, 2])
    assert.include(events[4], {
      kind: "ActionDecided",
      cause: 4,
      rule: "the flow waited for an answer to its dial on line 1"
    })
  })
})

describe("silence", () => {
  const look = Flow.activity("look", { success: Schema.Boolean }, Effect.succeed(true))
  const heard = (flow: Flow.Flow<unknown, Flow.Failure, Flow.Line>, holds: boolean) => {
    const trial = new Trial(flow.pipe(Flow.dial({ to, from })))
    trial.now += 5_000
    trial.answered()
    trial.now += 2_000
    if (holds) trial.take({ _tag: "ReplyDue", line: 1 })
    trial.now += 1_500
    trial.take({ _tag: "ActivityEnded", n: 2, result: { ok: true, value: true } })
    if (holds) trial.spoken()
    return Silence.ofCall(trial.events)
  }
  const speaks = look.pipe(Flow.andThen(Line.speak("Hello.")))

  it("lasts from the answer to the first word of ours, a hold that says something among them", () => {
    assert.strictEqual(heard(speaks, false)[0]?.beforeFirstWord, 3_500)
    assert.strictEqual(heard(speaks, true)[0]?.beforeFirstWord, 2_000)
  })

  it("goes on through a hold that says nothing", () => {
    const [found] = heard(look.pipe(Line.hold(Prompt.pause), Flow.andThen(Line.speak("Hello."))), true)
    assert.strictEqual(found?.beforeFirstWord, 3_500)
    assert.strictEqual(found?.longest.millis, 3_500)
  })

  it.prop("can be measured in any log", [anything], ([events]) => {
    for (const { longest } of Silence.ofCall(events)) assert.isAtLeast(longest.millis, 0)
  })
})
