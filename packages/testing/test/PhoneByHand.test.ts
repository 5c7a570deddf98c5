import { assert, describe, it } from "@effect/vitest"
import { Action, PhoneNumber, type Webhook } from "@ringback/core"
import { Callee, PhoneLine } from "@ringback/testing"
import { Arbitrary, Result, Schema } from "effect"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const agent = PhoneNumber.make("15550170077")
const referenceId = "7A10C4E2B95D4F0E8C3311AA90FE6D21"

const say = (text: string, max?: number) =>
  Action.prompt({ _tag: "Speech", text }, max === undefined ? undefined : { max })
const bridge = Action.dial({ to: agent, from, maxCallDurationSeconds: 600 })

type Direction = "outbound" | "inbound"

interface Opening {
  readonly direction?: Direction
  readonly callee?: Callee.Script
  readonly settings?: PhoneLine.Changes
}

/** A phone in somebody's hand, and what the application was told. */
class Phone {
  readonly webhooks: Array<Webhook.Webhook> = []
  line: PhoneLine.PhoneLine
  now = 0

  constructor({ callee = Callee.byHand, direction = "outbound", settings: changes = {} }: Opening = {}) {
    const settings = PhoneLine.settings(changes)
    const action = Action.dial({ to, from, maxCallDurationSeconds: 900 })
    const opened = direction === "outbound"
      ? { line: PhoneLine.dial({ referenceId, action, callee, now: 0, settings }), webhooks: [] }
      : PhoneLine.incoming({ referenceId, to: from, from: to, callee, now: 0, settings })
    this.line = opened.line
    this.take(opened)
  }

  does(step: (line: PhoneLine.PhoneLine, now: number) => PhoneLine.Exchange): this {
    return this.take(step(this.line, this.now))
  }

  presses(keys: string): this {
    return this.does((line, now) => PhoneLine.press(line, keys, now))
  }

  reply(action: Action.Action | undefined, callee?: Callee.Script): this {
    return this.does((line, now) => PhoneLine.reply(line, action, now, callee))
  }

  wait(millis: number): this {
    this.now += millis
    return this.does(PhoneLine.elapse)
  }

  take(turn: PhoneLine.Exchange): this {
    this.line = turn.line
    this.webhooks.push(...turn.webhooks)
    return this
  }

  get told() {
    return this.webhooks.map(({ digits, event, status }) =>
      [event, status, digits].filter((word) => word !== undefined).join(" ")
    )
  }

  get script() {
    return Callee.describe(PhoneLine.asScript(this.line)!)
  }
}

describe("a phone that is steered by hand", () => {
  it("rings until the network gives up", () => {
    const phone = new Phone().wait(44_999)
    assert.deepStrictEqual([phone.told, phone.script], [[], "no answer"])
    assert.deepStrictEqual(phone.wait(1000).told, ["dial_completed no_answer", "call_completed no_answer"])
    assert.strictEqual(phone.script, "no answer")
  })

  it("is answered when somebody answers it, and only then", () => {
    const phone = new Phone().wait(3200).does(PhoneLine.answer)
    assert.deepStrictEqual(phone.told, ["dial_completed answered"])
    assert.deepStrictEqual(phone.does(PhoneLine.answer).does(PhoneLine.decline).told, ["dial_completed answered"])
    assert.strictEqual(phone.script, "answers 3200ms")
  })

  it("is busy when somebody declines", () => {
    const phone = new Phone().does(PhoneLine.decline).wait(1000)
    assert.deepStrictEqual(phone.told, ["dial_completed busy", "call_completed busy"])
    assert.strictEqual(phone.script, "busy")
  })

  it("is recorded by a machine until its tape is full", () => {
    const phone = new Phone().does(PhoneLine.letMachineAnswer).reply(say("Press 1.", 1)).presses("1").wait(59_999)
    assert.deepStrictEqual(phone.told, ["dial_completed answered", "speak_completed speak_successful "])
    assert.deepStrictEqual(phone.wait(1).told.slice(2), ["call_completed hangup"])
    assert.strictEqual(phone.script, "voicemail")
  })

  describe("keys", () => {
    const asked = (max: number, settings: PhoneLine.Changes = {}) =>
      new Phone({ settings }).does(PhoneLine.answer).reply(say("x".repeat(30), max))

    it("that are pressed into a prompt cut it off, and the last one ends it", () => {
      const phone = asked(2).wait(500).presses("4")
      assert.strictEqual(PhoneLine.listensFor(phone.line), 1)
      assert.deepStrictEqual(phone.wait(4999).told, ["dial_completed answered"])
      assert.deepStrictEqual(phone.presses("2").told.slice(1), ["speak_completed speak_successful 42"])
      assert.strictEqual(phone.script, `answers 0s; hears "${"x".repeat(30)}"; presses 42`)
    })

    it("that stop coming end it after a silence", () =>
      assert.deepStrictEqual(asked(4).wait(500).presses("4").wait(5000).told.slice(1), [
        "speak_completed speak_successful 4"
      ]))

    it("let it be heard to its end where a setting says so", () => {
      const phone = asked(1, { keysCutIn: false }).wait(500).presses("4").wait(1499)
      assert.deepStrictEqual(phone.told.slice(1), [])
      assert.deepStrictEqual(phone.wait(1).told.slice(1), ["speak_completed speak_successful 4"])
    })

    it("that are too many are lost, and what is no key is none", () =>
      assert.deepStrictEqual(asked(2).presses("x1 23").told.slice(1), ["speak_completed speak_successful 12"]))

    it("that no prompt collects are heard by nobody", () => {
      const phone = new Phone().presses("1").does(PhoneLine.answer).presses("1").reply(say("Hello.")).presses("1")
      assert.strictEqual(PhoneLine.listensFor(phone.line), 0)
      assert.deepStrictEqual(phone.wait(400).told.slice(1), ["speak_completed speak_successful"])
      assert.strictEqual(phone.script, "answers 0s")
    })
  })

  it("keeps the last sentence that was heard before a key", () => {
    const phone = new Phone().wait(2000).does(PhoneLine.answer).reply(say("Your table is ready. Press 1 to come.", 1))
    phone.presses("1").reply(say("See you.")).does(PhoneLine.hangUp)
    assert.strictEqual(phone.script, "answers 2s; hears \"Press 1 to come.\"; presses 1; hangs up during 2")
  })

  it("may be the phone that is dialled by a bridge", () => {
    const phone = new Phone({ direction: "inbound", callee: Callee.answers() }).reply(bridge, Callee.byHand)
    assert.isTrue(PhoneLine.ringsByHand(phone.line, "second"))
    phone.wait(2000).does((line, now) => PhoneLine.answer(line, now, "second")).wait(100_000)
    assert.deepStrictEqual(phone.told, ["incoming_call"])
    phone.does((line, now) => PhoneLine.hangUp(line, now, "second"))
    assert.deepStrictEqual(phone.told, ["incoming_call", "call_leg_completed"])
    phone.reply(bridge, Callee.byHand).does((line, now) => PhoneLine.decline(line, now, "second"))
    assert.deepStrictEqual(phone.told.slice(2), ["call_leg_completed"])
  })

  it("keeps that somebody hung up while somebody else was rung, and after a bridge, which one it was", () => {
    const caller = () => new Phone({ direction: "inbound" }).reply(bridge, Callee.busy).wait(1000).reply(bridge)
    const impatient = caller().wait(1000).does(PhoneLine.hangUp)
    assert.strictEqual(impatient.script, "answers 2s; hangs up while bridging 2")
    assert.deepStrictEqual(impatient.told, ["incoming_call", "call_leg_completed", "call_completed hangup"])
    const talkative = caller().wait(2000).wait(60_000).does(PhoneLine.hangUp)
    assert.strictEqual(talkative.script, "answers 2s; talks; hangs up after bridging 2")
  })

  it("leaves a line that follows a script to its script, but for hanging up", () => {
    const phone = new Phone({ callee: Callee.answers("3 seconds").presses("2") })
    phone.does(PhoneLine.answer).does(PhoneLine.decline).does(PhoneLine.letMachineAnswer)
    assert.deepStrictEqual(phone.told, [])
    phone.wait(3000).reply(say("Press 1.", 1)).presses("1").wait(5000)
    assert.deepStrictEqual(phone.told, ["dial_completed answered", "speak_completed speak_successful 2"])
    assert.isUndefined(PhoneLine.asScript(phone.line))
  })

  const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

  const Deed = Schema.TaggedUnion({
    Wait: { millis: Schema.Literals([0, 200, 700, 1500, 4000, 20_000]) },
    Listen: { prompts: within(1, 3) },
    Answer: {},
    Decline: {},
    Machine: {},
    Press: { keys: Schema.String.check(Schema.isPattern(/^[0-9A-D*#]{1,4}$/)) },
    HangUp: {},
    Second: { deed: Schema.Literals([PhoneLine.answer, PhoneLine.decline, PhoneLine.hangUp].map(({ name }) => name)) }
  })

  const Reply = Schema.TaggedUnion({
    Say: { text: Schema.Literals(["Hello there.", "Is it you? Press 1 for yes.", "Enter the code, then wait."]) },
    Ask: { text: Schema.Literals(["Is it you? Press 1 for yes.", "Enter the code, then wait."]), max: within(1, 4) },
    Bridge: { isAnswered: Schema.Boolean },
    None: {},
    Hangup: {}
  })

  const opening = Schema.Literals(["outbound", "inbound"])
  const deeds = Schema.Array(Deed).check(Schema.isMaxLength(30))
  const replies = Schema.Array(Reply).check(Schema.isMaxLength(10))

  const second = { answer: PhoneLine.answer, decline: PhoneLine.decline, hangUp: PhoneLine.hangUp }

  const act = (phone: Phone, deed: typeof Deed.Type): Phone => {
    switch (deed._tag) {
      case "Wait":
        return phone.wait(deed.millis)
      case "Listen":
        return phone.wait(100)
      case "Answer":
        return phone.does(PhoneLine.answer)
      case "Decline":
        return phone.does(PhoneLine.decline)
      case "Machine":
        return phone.does(PhoneLine.letMachineAnswer)
      case "Press":
        return phone.presses(deed.keys)
      case "HangUp":
        return phone.does(PhoneLine.hangUp)
      case "Second":
        return phone.does((line, now) => second[deed.deed as keyof typeof second](line, now, "second"))
    }
  }

  /** The replies, one to each event that awaits one; after the last, goodbye. */
  const answering = (phone: Phone, replies: ReadonlyArray<typeof Reply.Type>, leg: Callee.Script): () => void => {
    const left = replies.slice()
    return () => {
      const reply = left.shift() ?? { _tag: "Hangup" }
      switch (reply._tag) {
        case "Say":
          return void phone.reply(say(reply.text))
        case "Ask":
          return void phone.reply(say(reply.text, reply.max))
        case "Bridge":
          return void phone.reply(bridge, reply.isAnswered ? leg : Callee.busy)
        case "None":
          return void phone.reply(undefined)
        case "Hangup":
          return void phone.reply(Action.hangup)
      }
    }
  }

  /** Lets time pass, step by step, in which the application answers at once. */
  const live = (phone: Phone, answer: () => void, until: number) => {
    while (true) {
      while (phone.line.awaits !== undefined && phone.line.state._tag !== "Ended") answer()
      const next = PhoneLine.nextAt(phone.line)
      if (next === undefined || next > until) break
      phone.wait(Math.max(0, next - phone.now))
    }
    if (until < Infinity) phone.wait(Math.max(0, until - phone.now))
  }

  /** Lets so many prompts begin, or talks, and waits a little. */
  const listen = (phone: Phone, answer: () => void, count: number) => {
    const before = phone.line.prompts + count
    const isHeard = () => phone.line.prompts >= before || phone.line.state._tag === "Talking"
    for (let i = 0; i < 100 && !isHeard() && phone.line.state._tag !== "Ended"; i++) {
      live(phone, answer, phone.now + 500)
    }
  }

  const literals = { outbound: "dial_completed", inbound: "incoming_call" } as const

  it.prop(
    "keeps the order of a line, whatever is done when",
    [Arbitrary.schema(opening), Arbitrary.schema(deeds), Arbitrary.schema(replies), Arbitrary.schema(Schema.Boolean)],
    ([direction, deeds, replies, keysCutIn]) => {
      const phone = new Phone({ direction, settings: { keysCutIn } })
      const answer = answering(phone, replies, Callee.byHand)
      for (const [i, deed] of deeds.entries()) {
        act(phone, deed)
        assert.isAtLeast(PhoneLine.nextAt(phone.line) ?? phone.now, phone.now)
        assert.isTrue([0, 1, 2, 3, 4].includes(PhoneLine.listensFor(phone.line)))
        assert.deepStrictEqual(PhoneLine.elapse(phone.line, phone.now), { line: phone.line, webhooks: [] })
        if (i % 2 === 0 && phone.line.awaits !== undefined) answer()
      }
      live(phone, answer, Infinity)
      const events = phone.webhooks.map(({ event }) => event)
      assert.strictEqual(events[0], literals[direction])
      assert.strictEqual(events.indexOf("call_completed"), events.length - 1)
      assert.strictEqual(events.lastIndexOf(literals[direction]), 0)
      assert.strictEqual(phone.line.state._tag, "Ended")
      for (const { digits = "" } of phone.webhooks) assert.match(digits, /^[0-9A-D*#]{0,4}$/)
    }
  )

  it.prop(
    "becomes a script that brings the same webhooks",
    [Arbitrary.schema(opening), Arbitrary.schema(deeds), Arbitrary.schema(replies)],
    ([direction, deeds, replies]) => {
      const phone = new Phone({ direction })
      const answer = answering(phone, replies, Callee.answers())
      for (const deed of deeds) {
        if (deed._tag === "Wait") live(phone, answer, phone.now + deed.millis)
        else if (deed._tag === "Listen") listen(phone, answer, deed.prompts)
        else if (deed._tag !== "Second") act(phone, deed)
      }
      live(phone, answer, Infinity)

      const callee = Result.getOrThrow(Callee.parse(phone.script))
      const again = new Phone({ direction, callee })
      live(again, answering(again, replies, Callee.answers()), Infinity)
      assert.deepStrictEqual(again.told, phone.told, phone.script)
    },
    { arbitrary: { runs: 1000 } }
  )
})
