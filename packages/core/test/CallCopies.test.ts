/** The rule by which a second delivery is told from a new webhook, and what that rule cannot tell. */
import { assert, describe, it } from "@effect/vitest"
import { TelesignWire } from "@ringback/http"
import { Schema } from "effect"
import { Action, Call, CallLine, Decider, Explain, Flow, Line, LiveCall, Settings, Webhook } from "../src/index.ts"
import { Happening, history } from "./fixtures/histories.ts"
import { from, minute, second, session, settings, to, Trial } from "./fixtures/Trial.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const runs = { arbitrary: { runs: 300 } }

const times = <A>(count: number, make: (n: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, n) => make(n))

/** Asks the same question so often, then says thanks. */
const questions = (count: number) =>
  Flow.forEach(times(count, (n) => n), () => Line.collect("Which?", { max: 1, attempts: 1 })).pipe(
    Flow.andThen(Line.speak("Thank you.")),
    Flow.dial({ to, from })
  )

const asked = (count: number, changed: Settings.Options = {}): Trial => {
  const trial = new Trial(questions(count), undefined, changed)
  trial.answered()
  return trial
}

const pressed = { event: "speak_completed", status: "speak_successful", digits: "1" }
const isAnswer = (recorded: ReadonlyArray<string>): boolean => recorded.includes("PromptCompleted")

/** A process as the engine keeps it: when the reply in flight was written, and how many copies it was given to. */
class Desk {
  readonly trial: Trial
  private action = ""
  private written = false
  private copies = 0

  constructor(trial: Trial) {
    this.trial = trial
  }

  /** Takes a webhook in, and answers `true` if it was taken for an answer. */
  receive(webhook: Partial<Webhook.Webhook> & { readonly event: string }): boolean {
    this.look()
    const recorded = this.trial.webhook(webhook, { before: !this.written, copies: this.copies })
    if (recorded.length === 0 && this.written) this.copies++
    this.look()
    return isAnswer(recorded)
  }

  /** The reply in flight goes out. */
  write(): void {
    this.look()
    this.written = true
  }

  private look(): void {
    const { inFlight } = this.trial.state
    const action = `${inFlight?.n}@${inFlight?.at}`
    if (action === this.action) return
    this.action = action
    this.written = false
    this.copies = 0
  }
}

describe("copies that are here before the reply is written", () => {
  it.prop("are one answer, however many there are and however late they are looked at", [int(1, 30), int(0, 600)], (
    [count, seconds]
  ) => {
    const desk = new Desk(asked(2))
    desk.write()
    desk.trial.now += 5 * second
    const answers = times(count, () => {
      const isNew = desk.receive(pressed)
      desk.trial.now += seconds * second
      return isNew
    })
    assert.strictEqual(answers.filter(Boolean).length, 1)
    assert.isTrue(answers[0])
    assert.strictEqual(desk.trial.reply(), "speak, collect 1")
  }, runs)
})

describe("copies of a webhook whose reply was lost", () => {
  it.prop("get the reply again once, whenever they come, and then count as new", [int(0, 600_000)], ([millis]) => {
    const trial = asked(2)
    trial.now += 5 * second
    trial.webhook(pressed)
    const { n } = trial.state.inFlight!
    trial.take({ _tag: "ReplyBroke", line: 1, n })
    trial.now += millis
    assert.deepStrictEqual(trial.webhook(pressed), [])
    assert.strictEqual(trial.reply(), "speak, collect 1")
    trial.now += second
    assert.isTrue(isAnswer(trial.webhook(pressed, { copies: 1 })))
  }, runs)

  it.prop(
    "get it again after a crash right behind its record, and not after a later one",
    [int(0, 10_000)],
    ([millis]) => {
      const trial = asked(2)
      trial.now += 5 * second
      trial.webhook(pressed)
      trial.take({ _tag: "Restart", crashedAt: trial.now + millis }, "p2")
      trial.now += minute
      assert.strictEqual(isAnswer(trial.webhook(pressed)), millis > settings.reply.unsureBeforeCrash)
    },
    runs
  )
})

describe("late copies", () => {
  it.prop("are copies at any time if the action in flight cannot end so", [int(0, 3_600_000)], ([millis]) => {
    const trial = asked(1)
    trial.now += 5 * second
    trial.webhook(pressed)
    trial.now += millis
    assert.deepStrictEqual(trial.webhook(pressed), [])
    assert.strictEqual(trial.reply(), "speak")
  }, runs)

  it.prop("pass for answers from the time on at which there could be one, which is what remains", [int(0, 5_000)], (
    [millis]
  ) => {
    const trial = asked(2)
    trial.now += 5 * second
    trial.webhook(pressed)
    trial.now += millis
    assert.strictEqual(isAnswer(trial.webhook(pressed)), millis >= settings.speech.shortestKeyPress)
  }, runs)
})

describe("equal answers to equal prompts", () => {
  const Pause = int(settings.speech.shortestKeyPress, 60_000)

  it.prop("are all heard if nobody was quicker than keys can be pressed", [
    Schema.Array(Pause).check(Schema.isMaxLength(8))
  ], (
    [pauses]
  ) => {
    const desk = new Desk(asked(pauses.length + 1))
    for (const pause of pauses) {
      desk.write()
      desk.trial.now += pause
      assert.isTrue(desk.receive(pressed))
    }
  }, runs)

  it.prop("are judged by the speed of the carrier", [int(1, 100), int(1, 2000)], ([speed, millis]) => {
    const trial = asked(2, { speed })
    trial.now += 5 * second
    trial.webhook(pressed)
    trial.now += millis
    assert.strictEqual(isAnswer(trial.webhook(pressed)), millis >= settings.speech.shortestKeyPress / speed)
  }, runs)
})

describe("at most five copies", () => {
  it.prop("of one webhook get the same reply, and the next one counts as new", [int(0, 10)], ([maxCopies]) => {
    const desk = new Desk(asked(3, { copies: { atMost: maxCopies } }))
    desk.write()
    desk.trial.now += 5 * second
    assert.isTrue(desk.receive(pressed))
    desk.write()
    const answers = times(maxCopies + 1, () => desk.receive(pressed))
    assert.deepStrictEqual(answers, [...times(maxCopies, () => false), true])
  }, runs)

  it("is what the defaults say", () => assert.strictEqual(Settings.defaults.copies.atMost, 5))

  it.prop("does not count those that were here before the reply was written", [int(0, 30)], ([count]) => {
    const desk = new Desk(asked(3))
    desk.write()
    desk.trial.now += 5 * second
    desk.receive(pressed)
    times(count, () => desk.receive(pressed))
    desk.write()
    assert.deepStrictEqual(times(6, () => desk.receive(pressed)), [...times(5, () => false), true])
  }, runs)
})

describe("a field that identifies a webhook", () => {
  const Delivery = Schema.Struct({ id: int(1, 6), millis: int(0, 3000), before: Schema.Boolean, copies: int(0, 9) })

  it.prop("tells copies exactly, whatever the times and the content", [Schema.Array(Delivery)], ([deliveries]) => {
    const trial = asked(6, { copies: { eventKey: "event_id" } })
    const seen = new Set<number>()
    for (const { before, copies, id, millis } of deliveries) {
      trial.now += millis
      const recorded = trial.webhook({ ...pressed, extra: { data: { event_id: id } } }, { before, copies })
      assert.strictEqual(isAnswer(recorded), !seen.has(id), JSON.stringify({ id, seen: [...seen] }))
      seen.add(id)
      trial.verify()
    }
  }, runs)

  it("is looked for at the top and in data, as a text or a number", () => {
    const withKey = (extra: Webhook.Webhook["extra"]) =>
      Webhook.identity(
        { kind: "Unknown", event: "x", referenceId: session, ...(extra === undefined ? {} : { extra }) },
        "id"
      )
    assert.strictEqual(withKey({ id: "a" }), "a")
    assert.strictEqual(withKey({ data: { id: 7 } }), "7")
    assert.isUndefined(withKey({ data: { id: { deep: 1 } } }))
    assert.isUndefined(withKey({ data: "id" }))
    assert.isUndefined(withKey(undefined))
    assert.isUndefined(
      Webhook.identity({ kind: "Unknown", event: "x", referenceId: session, extra: { id: "a" } }, undefined)
    )
  })

  it("that a webhook does not have leaves it to the other rules", () => {
    const trial = asked(2, { copies: { eventKey: "event_id" } })
    trial.now += 5 * second
    assert.isTrue(isAnswer(trial.webhook(pressed)))
    assert.deepStrictEqual(trial.webhook(pressed), [])
    trial.now += second
    assert.isTrue(isAnswer(trial.webhook(pressed)))
  })
})

describe("marks", () => {
  const markOf = (trial: Trial): string | undefined => {
    const reply = Call.reply(trial.call, 1, "line", trial.settings)
    return reply._tag === "Act" && reply.action._tag === "Speak" ? reply.action.externalId : undefined
  }

  it("are on no prompt by default", () => assert.isUndefined(markOf(asked(1))))

  it("are on each prompt of its own, and short", () => {
    const trial = asked(3, { copies: { marks: true } })
    const marks = times(3, () => {
      const mark = markOf(trial)
      trial.now += 5 * second
      trial.webhook({ ...pressed, externalId: mark ?? "" })
      return mark
    })
    assert.deepStrictEqual(marks, times(3, (n) => `ns.0123456789abcdefghjk.00000001.${n + 1}`))
    assert.isTrue(marks.every((mark) => mark !== undefined && mark.length <= 36))
  })

  it("are on holds too, of which each has another", () => {
    const flow = Flow.sleep("1 minute").pipe(Line.hold("Please hold."), Flow.dial({ to, from }))
    const trial = new Trial(flow, undefined, { copies: { marks: true } })
    trial.answered()
    const first = markOf(trial)
    trial.now += 5 * second
    trial.webhook({ ...pressed, digits: "", externalId: first ?? "" })
    assert.isDefined(first)
    assert.notStrictEqual(markOf(trial), first)
  })

  it("are on the prompts of a call that came in, and stay the same after a replay", () => {
    const flow = Flow.inbound(() => Line.speak("Welcome."))
    const webhook = { kind: "IncomingCall", event: "incoming_call", referenceId: session, to: from } as const
    const trial = new Trial(flow, { _tag: "Arrive", flow: "test", version: 1, webhook }, { copies: { marks: true } })
    assert.strictEqual(markOf(trial), "ns.0123456789abcdefghjk.00000001.1")
    trial.verify()
  })

  const Delivery = Schema.Struct({ back: int(0, 3), millis: int(0, 3000), before: Schema.Boolean, copies: int(0, 9) })

  it.prop("that come back tell copies exactly, whatever the times and the content", [Schema.Array(Delivery)], (
    [deliveries]
  ) => {
    const trial = asked(6, { copies: { marks: true } })
    for (const { back, before, copies, millis } of deliveries) {
      trial.now += millis
      const current = trial.state.actions
      if (trial.status !== "Acting" || current > 6) return
      const mark = Math.max(1, current - back)
      const externalId = `${trial.state.externalId}.${mark}`
      assert.strictEqual(isAnswer(trial.webhook({ ...pressed, externalId }, { before, copies })), mark === current)
    }
  }, runs)

  it("that do not come back leave it to the other rules", () => {
    const trial = asked(2, { copies: { marks: true } })
    trial.now += 5 * second
    assert.isTrue(isAnswer(trial.webhook({ ...pressed, externalId: trial.state.externalId ?? "" })))
    assert.deepStrictEqual(trial.webhook({ ...pressed, externalId: trial.state.externalId ?? "" }), [])
  })

  it("change nothing but a prompt", () => {
    assert.deepStrictEqual(Action.mark(Action.hangup, "x"), Action.hangup)
    const dial = Action.dial({ to, from, maxCallDurationSeconds: 1 })
    assert.deepStrictEqual(Action.mark(dial, "x"), dial)
  })
})

describe("the content of a webhook", () => {
  const Fields = Schema.Struct({
    event: Schema.String,
    referenceId: Schema.String,
    status: Schema.optionalKey(Schema.String),
    digits: Schema.optionalKey(Schema.String),
    to: Schema.optionalKey(Schema.String),
    from: Schema.optionalKey(Schema.String),
    durationSeconds: Schema.optionalKey(Schema.Int),
    extra: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int))
  })

  it.prop("does not depend on the order of its fields, nor on those that are not known", [Fields, int(0, 7)], (
    [fields, by]
  ) => {
    const webhook = { ...fields, kind: TelesignWire.kind(fields.event) }
    const { extra: _, ...known } = webhook
    const entries = Object.entries(webhook)
    const turned: Webhook.Webhook = Object.fromEntries(
      [...entries.slice(by), ...entries.slice(0, by)].toReversed()
    ) as never
    assert.strictEqual(Webhook.content(turned), Webhook.content(webhook))
    assert.strictEqual(Webhook.content({ ...known, referenceId: "another" }), Webhook.content(webhook))
  }, runs)
})

const Again = Schema.Struct({
  event: Schema.Literals([
    "incoming_call",
    "dial_completed",
    "speak_completed",
    "play_completed",
    "call_leg_completed",
    "call_completed",
    "surprise_completed"
  ]),
  status: Schema.Literals(["answered", "busy", "speak_successful"]),
  digits: Schema.Literals(["", "1", "2"]),
  millis: Schema.Literals([0, 300, 5_000]),
  before: Schema.Boolean,
  unsent: Schema.Boolean,
  copies: int(0, 6)
})

/** Whether the flow is known here and has not heard of everything that came. */
const isBehind = ({ call, live }: Trial): boolean => call.unheardSince !== undefined && !LiveCall.isWithoutFlow(live)

describe.each(["outbound", "inbound"] as const)("a copy on a call that is %s", (direction) => {
  it.prop("changes nothing and gets what is in flight, whatever happened before", [Schema.Array(Happening), Again], (
    [happenings, again]
  ) => {
    const trial = history(happenings, direction)
    // Whatever comes to a flow that is behind lets it hear first: only then is there a copy of anything.
    if (isBehind(trial)) trial.take({ _tag: "Wake" })
    const last = trial.call.lines.at(-1)
    if (last === undefined) return
    trial.line = last.id
    trial.now += again.millis
    const { before, copies, millis: _, unsent, ...fields } = again
    const webhook = TelesignWire.named({ referenceId: last.referenceId ?? "a", ...fields })
    if (
      !Decider.isCopy(trial.call, last.id, { webhook, receivedAt: trial.now, before, copies, unsent }, trial.settings)
    ) return
    const { call } = trial
    const recorded = trial.webhook(webhook, { before, copies, unsent })
    const inFlight = Call.reply(call, last.id, "line", trial.settings)
    switch (CallLine.status(last)) {
      case "Bridged":
        assert.include(["", "HoldAnswered", "FlowAwaited,HoldAnswered"], recorded.join())
        return
      case "Closing":
        assert.include(["", "Stray", "FlowAwaited,Stray"], recorded.join())
        assert.strictEqual(trial.reply(), again.event === "call_completed" ? "Nothing" : "hangup")
        return
      default:
        assert.deepStrictEqual(recorded, [])
        assert.deepStrictEqual(trial.call, call)
        if (inFlight._tag === "Act") assert.strictEqual(trial.reply(), Explain.action(inFlight.action))
    }
  }, { arbitrary: { runs: 500 } })

  it.prop("lets a flow hear first that is behind, like any webhook", [Schema.Array(Happening), Happening, Again], (
    [happenings, missed, again]
  ) => {
    const behind = () => history([...happenings, { kind: "elsewhere" }, missed, { kind: "back" }], direction)
    const [trial, heard] = [behind(), behind()]
    const line = trial.call.lines.at(-1)
    if (!isBehind(trial) || line === undefined) return
    const first = heard.take({ _tag: "ReplyBroke", line: line.id, n: -1 })
    assert.strictEqual(first[0], "FlowResumed")
    if (first.includes("DialAttempted")) return // A dial goes out when everything else is decided.
    const { before, copies, millis: _, unsent, ...fields } = again
    const tell = (trial: Trial) =>
      trial.webhook({ referenceId: line.referenceId ?? "a", ...fields }, { line: line.id, before, copies, unsent })
    assert.deepStrictEqual(tell(trial), [...first, ...tell(heard)])
    assert.deepStrictEqual(trial.call, heard.call)
    assert.strictEqual(trial.answer, heard.answer)
  }, { arbitrary: { runs: 500 } })
})
