import { assert, describe, it } from "@effect/vitest"
import { Action, PhoneNumber, type Webhook } from "@ringback/core"
import { Callee, PhoneLine } from "@ringback/testing"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const agent = PhoneNumber.make("15550170077")
const referenceId = "7A10C4E2B95D4F0E8C3311AA90FE6D21"

const dialling = (fields: Partial<Action.Dial> = {}) =>
  Action.dial({ to, from, maxCallDurationSeconds: 900, ...fields })
const say = (text: string, max?: number) =>
  Action.prompt({ _tag: "Speech", text }, max === undefined ? undefined : { max })
const bridge = Action.dial({ to: agent, from, maxCallDurationSeconds: 14_400 })

interface Options {
  readonly action?: Action.Dial
  readonly settings?: PhoneLine.Changes
}

/** A line that is driven by hand, with the times at which its webhooks came. */
class Driven {
  readonly webhooks: Array<readonly [at: number, webhook: Webhook.Webhook]> = []
  line: PhoneLine.PhoneLine
  now = 0

  constructor(turn: PhoneLine.Exchange) {
    this.line = turn.line
    this.take(turn)
  }

  /** Lets happen what is due next. */
  next(): this {
    const due = PhoneLine.nextAt(this.line)
    assert.isDefined(due, "nothing is due on this line")
    this.now = due!
    return this.take(PhoneLine.elapse(this.line, this.now))
  }

  /** Goes on until the line asks for a reply or has ended. */
  untilAsked(): this {
    const told = this.webhooks.length
    while (this.webhooks.length === told) this.next()
    return this
  }

  reply(action: Action.Action | undefined, callee?: Callee.Script): this {
    return this.take(PhoneLine.reply(this.line, action, this.now, callee))
  }

  private take(turn: PhoneLine.Exchange): this {
    this.line = turn.line
    for (const webhook of turn.webhooks) this.webhooks.push([this.now, webhook])
    return this
  }

  get told() {
    return this.webhooks.map(([at, { event, status, digits }]) =>
      [at, event, ...(status === undefined ? [] : [status]), ...(digits === undefined ? [] : [digits])].join(" ")
    )
  }
}

const dialled = (callee: Callee.Script, { action = dialling(), settings = {} }: Options = {}) =>
  new Driven({
    line: PhoneLine.dial({ referenceId, action, callee, now: 0, settings: PhoneLine.settings(settings) }),
    webhooks: []
  })

const called = (callee: Callee.Script, settings: PhoneLine.Changes = {}) =>
  new Driven(
    PhoneLine.incoming({ referenceId, to: from, from: to, callee, now: 0, settings: PhoneLine.settings(settings) })
  )

describe("PhoneLine", () => {
  describe("a dial", () => {
    it("reports the answer after the ringing, and nothing more before a reply", () => {
      const line = dialled(Callee.answers("3 seconds"), { action: dialling({ externalId: "visit-8841" }) }).untilAsked()
      assert.deepStrictEqual(line.webhooks, [
        [3000, {
          kind: "DialCompleted",
          event: "dial_completed",
          referenceId,
          externalId: "visit-8841",
          to,
          from,
          status: "answered"
        }]
      ])
      assert.strictEqual(PhoneLine.nextAt(line.line), 3000 + 900_000)
    })

    it("that nobody answers ends after the ringing, with words that are settings", () => {
      assert.deepStrictEqual(dialled(Callee.noAnswer).untilAsked().untilAsked().told, [
        "45000 dial_completed no_answer",
        "45300 call_completed no_answer"
      ])
      const settings = { statuses: { busy: "user_busy" }, endsFailedDials: false }
      const busy = dialled(Callee.busy, { settings }).untilAsked()
      assert.deepStrictEqual(busy.told, ["1000 dial_completed user_busy"])
      assert.isUndefined(PhoneLine.nextAt(busy.line))
    })

    it("that fails takes no reply but hangup", () => {
      const line = dialled(Callee.fails("carrier_error")).untilAsked()
      assert.strictEqual(PhoneLine.refusal(line.line, say("Hello.")), "nobody is on the line")
      assert.isUndefined(PhoneLine.refusal(line.line, Action.hangup))
      assert.deepStrictEqual(line.reply(Action.hangup).untilAsked().told, [
        "1000 dial_completed carrier_error",
        "1300 call_completed carrier_error"
      ])
    })

    it("keys tones in before it is completed: a tenth of a second each, half a second for a w", () =>
      assert.deepStrictEqual(
        dialled(Callee.answers(1000), { action: dialling({ sendDtmf: "9ww21#" }) }).untilAsked().told,
        ["2400 dial_completed answered"]
      ))

    it("ends at max_call_duration, counted from the answer, even in the middle of a prompt", () => {
      const line = dialled(Callee.answers(1000), { action: dialling({ maxCallDurationSeconds: 5 }) }).untilAsked()
      assert.deepStrictEqual(line.reply(say("x".repeat(150))).untilAsked().told, [
        "1000 dial_completed answered",
        "6000 call_completed max_call_duration"
      ])
    })
  })

  describe("a prompt", () => {
    it("lasts as long as its words", () =>
      assert.deepStrictEqual(
        dialled(Callee.answers(0)).untilAsked().reply(say("x".repeat(30))).untilAsked().told.slice(1),
        ["2000 speak_completed speak_successful"]
      ))

    it("brings its mark back only from a carrier that does so, which is not documented", () => {
      const marked = Action.mark(say("Hello."), "ns.0123456789abcdefghjk.1.1")
      const echoed = (echoesMarks: boolean) =>
        dialled(Callee.answers(0), { settings: { echoesMarks } }).untilAsked().reply(marked).untilAsked().webhooks.at(
          -1
        )?.[1]
          .externalId
      assert.strictEqual(echoed(true), "ns.0123456789abcdefghjk.1.1")
      assert.isUndefined(echoed(false))
    })

    it("of marked-up text lasts as long as what is heard of it, and is matched by it", () => {
      const ssml = Action.prompt({ _tag: "Ssml", text: "<speak>It&apos;s <break strength=\"strong\"/>nine</speak>" }, {
        max: 1
      })
      assert.strictEqual(PhoneLine.words(ssml), "It's nine")
      const line = dialled(Callee.answers(0).hears("it's nine").presses("9")).untilAsked().reply(ssml).untilAsked()
      assert.deepStrictEqual(line.told.slice(1), ["2100 speak_completed speak_successful 9"])
    })

    it("of audio lasts as long as its author says, else five seconds, and is matched by its address", () => {
      const file = { _tag: "Audio", url: "https://media.example.net/menu.wav" } as const
      const line = dialled(Callee.answers(0).hears("menu.wav").presses("2")).untilAsked()
      line.reply(Action.prompt({ ...file, millis: 1500 }, { max: 1 })).untilAsked().reply(Action.prompt(file))
        .untilAsked()
      assert.deepStrictEqual(line.told.slice(1), [
        "2000 play_completed play_successful 2",
        "7000 play_completed play_successful"
      ])
    })

    it("that collects waits for keys, and says nothing of keys where none are collected", () => {
      const line = dialled(Callee.answers(0).staysSilent().presses("123456").presses("1")).untilAsked()
      const ask = say("x".repeat(15), 4)
      line.reply(ask).untilAsked().reply(say("x".repeat(15))).untilAsked().reply(ask).untilAsked().reply(ask)
        .untilAsked()
      assert.deepStrictEqual(line.told.slice(1), [
        "6000 speak_completed speak_successful ",
        "7000 speak_completed speak_successful",
        "10000 speak_completed speak_successful 1234",
        "16500 speak_completed speak_successful 1"
      ])
    })

    it("in whose middle the callee hangs up is not completed: the call is", () => {
      const line = dialled(Callee.answers(0).hangsUpDuring(2)).untilAsked().reply(say("Hello.")).untilAsked()
      line.reply(say("x".repeat(30))).untilAsked()
      assert.deepStrictEqual(line.told.slice(1), [
        "400 speak_completed speak_successful",
        "1400 call_completed hangup"
      ])
      assert.isUndefined(PhoneLine.nextAt(line.line))
    })

    it("after which the callee hangs up is completed first, whatever is replied meanwhile", () => {
      const line = dialled(Callee.answers(0).presses("1").hangsUpAfter(1)).untilAsked()
      line.reply(say("x".repeat(15), 1)).untilAsked().reply(say("Thank you.")).untilAsked()
      assert.deepStrictEqual(line.told.slice(1), [
        "1500 speak_completed speak_successful 1",
        "1800 call_completed hangup"
      ])
    })

    const keyed = (callee: Callee.Callee, settings: PhoneLine.Changes = {}) =>
      dialled(callee, { settings }).untilAsked().reply(say("x".repeat(30), 3)).untilAsked().told.at(-1)

    it("takes keys that are pressed slowly, and goes on without those that come too late", () => {
      const slowly = (every: string) => Callee.answers(0).presses("123", { every: every as "1 second" })
      assert.strictEqual(keyed(slowly("2 seconds")), "8000 speak_completed speak_successful 123")
      assert.strictEqual(keyed(slowly("6 seconds")), "7000 speak_completed speak_successful ")
    })

    it("is cut short by keys that are pressed into it, unless the carrier does not do that", () => {
      const person = Callee.answers(0).presses("123", { into: true })
      assert.strictEqual(keyed(person), "2000 speak_completed speak_successful 123")
      assert.strictEqual(keyed(person, { keysCutIn: false }), "2000 speak_completed speak_successful 123")
      const one = Callee.answers(0).presses("1", { into: true })
      assert.strictEqual(keyed(one), "6000 speak_completed speak_successful 1")
      assert.strictEqual(keyed(one, { keysCutIn: false }), "7000 speak_completed speak_successful 1")
    })

    it("ends in its middle when somebody leaves by the time", () => {
      const line = dialled(Callee.answers(1000).hangsUpAt("1.5 seconds")).untilAsked().reply(say("x".repeat(150)))
      assert.strictEqual(line.untilAsked().told.at(-1), "2500 call_completed hangup")
      assert.deepStrictEqual(Callee.leftover(line.line), [])
      const caller = called(Callee.answers().hangsUpAt("3 seconds")).reply(say("x".repeat(150)))
      assert.strictEqual(caller.untilAsked().told.at(-1), "3000 call_completed hangup")
    })

    it("is on the tape of a machine from its tone on, until the tape is full", () => {
      const machine = Callee.machine({ after: "1 second", greets: "2 seconds", records: "5 seconds" })
      const line = dialled(machine).untilAsked().reply(say("aaaaabbbbbcccccdddddeeeeefffff ggggg hhhhhh 123"))
        .untilAsked()
      assert.deepStrictEqual(line.line.tape, ["ggggg hhhhhh 123"])
      line.reply(say("x".repeat(150))).untilAsked()
      assert.strictEqual(line.told.at(-1), "8000 call_completed hangup")
      assert.deepStrictEqual(line.line.tape?.map(({ length }) => length), [16, 58])
    })

    it("is cut off when a voicemail's tape is full", () => {
      const line = dialled(Callee.voicemail, { settings: { recordingMillis: 2000 } }).untilAsked()
      assert.deepStrictEqual(line.reply(say("x".repeat(150))).untilAsked().told, [
        "20000 dial_completed answered",
        "22000 call_completed hangup"
      ])
    })
  })

  it("whoever answers and hangs up at once is gone before a word is said", () =>
    assert.deepStrictEqual(dialled(Callee.answers(1000).hangsUpAfter(0)).untilAsked().untilAsked().told, [
      "1000 dial_completed answered",
      "1300 call_completed hangup"
    ]))

  it("a hangup is followed by the end of the call, with its times", () => {
    const line = dialled(Callee.answers(2000), { action: dialling({ externalId: "visit-8841" }) }).untilAsked()
    line.reply(say("x".repeat(60))).untilAsked().reply(Action.hangup).untilAsked()
    assert.deepStrictEqual(line.webhooks.at(-1), [6300, {
      kind: "CallCompleted",
      event: "call_completed",
      referenceId,
      externalId: "visit-8841",
      to,
      from,
      status: "hangup",
      durationSeconds: 6,
      extra: {
        data: {
          direction: "outbound",
          created_on_utc: "1970-01-01T00:00:00.000",
          answered_on_utc: "1970-01-01T00:00:02.000",
          ended_on_utc: "1970-01-01T00:00:06.300",
          audio_recording_file_name: null
        }
      }
    }])
  })

  it("without a reply the call stays up in silence until its limit", () => {
    const line = dialled(Callee.answers(0)).untilAsked().reply(undefined)
    assert.deepStrictEqual(line.line.state, { _tag: "Quiet" })
    assert.deepStrictEqual(line.untilAsked().told.slice(1), ["900000 call_completed max_call_duration"])
  })

  describe("a reply that is refused", () => {
    it("leaves the call as it was, and is not asked for again", () => {
      const line = dialled(Callee.answers(0), { settings: { strict: true } }).untilAsked()
      assert.match(PhoneLine.refusal(line.line, bridge) ?? "", /unsupported_call_state/)
      const before = line.line
      line.reply(bridge)
      assert.deepStrictEqual({ ...line.line, awaits: "dial_completed" }, before)
      assert.strictEqual(PhoneLine.refusal(line.line, say("Hello.")), "no event awaits a reply")
    })

    it("comes after the end", () => {
      const line = dialled(Callee.answers(0).hangsUpAfter(0)).untilAsked().untilAsked()
      assert.strictEqual(PhoneLine.refusal(line.line, say("Hello.")), "the call is over")
      assert.isUndefined(PhoneLine.refusal(line.line, Action.hangup))
      const ended = line.line.state
      assert.deepStrictEqual(line.reply(Action.hangup).line.state, ended)
    })
  })

  const legal: ReadonlyArray<readonly [strict: boolean, event: string, allowed: string]> = [
    [true, "incoming_call", "Dial Speak Play Hangup"],
    [true, "dial_completed", "Speak Play SendDtmf Hangup"],
    [true, "speak_completed", "Speak Play Hangup"],
    [true, "play_completed", "Speak Play Hangup"],
    [true, "call_leg_completed", "Speak Play Hangup"],
    [false, "incoming_call", "Dial Speak Play Hangup"],
    [false, "dial_completed", "Dial Speak Play SendDtmf Hangup"],
    [false, "speak_completed", "Dial Speak Play Hangup"],
    [false, "play_completed", "Dial Speak Play Hangup"],
    [false, "call_leg_completed", "Dial Speak Play Hangup"]
  ]
  it.each(legal)("if strict is %s, what may answer %s is %s", (strict, event, allowed) => {
    const line = { ...dialled(Callee.answers(0), { settings: { strict } }).untilAsked().line, awaits: event }
    const file = Action.prompt({ _tag: "Audio", url: "https://media.example.net/a.wav" })
    const actions = [bridge, say("Hello."), file, Action.sendDtmf("1"), Action.hangup]
    const taken = actions.filter((action) => PhoneLine.refusal(line, action) === undefined)
    assert.strictEqual(taken.map((action) => action._tag).join(" "), allowed)
  })

  describe("send_dtmf as a reply", () => {
    it("is followed by nothing, because no event is known to end it", () =>
      assert.deepStrictEqual(
        dialled(Callee.answers(0)).untilAsked().reply(Action.sendDtmf("1w2")).next().told,
        ["0 dial_completed answered"]
      ))

    it("is followed by the event that a setting names", () => {
      const line = dialled(Callee.answers(0), { settings: { dtmfCompleted: "dtmf_completed" } }).untilAsked()
      line.reply(Action.sendDtmf("1w2")).untilAsked().reply(say("x".repeat(15))).untilAsked()
      assert.deepStrictEqual(line.told.slice(1), ["700 dtmf_completed", "1700 speak_completed speak_successful"])
    })
  })

  describe("an incoming call", () => {
    it("asks what to do with it at once, and follows the caller's script", () => {
      const line = called(Callee.busy).reply(say("x".repeat(15))).untilAsked()
      assert.deepStrictEqual(line.webhooks[0], [0, {
        kind: "IncomingCall",
        event: "incoming_call",
        referenceId,
        to: from,
        from: to
      }])
      assert.deepStrictEqual(line.told.slice(1), ["1000 speak_completed speak_successful"])
    })

    it("that is hung up on was never answered", () => {
      const end = called(Callee.answers()).reply(Action.hangup).untilAsked().webhooks.at(-1)![1]
      assert.strictEqual(end.event, "call_completed")
      assert.deepInclude(end.extra?.data, { direction: "inbound", answered_on_utc: null })
    })

    it("has the carrier's limit only", () =>
      assert.deepStrictEqual(called(Callee.answers()).reply(undefined).untilAsked().told.slice(1), [
        "14400000 call_completed max_call_duration"
      ]))
  })

  describe("a bridge", () => {
    it("ends when the one who was dialled hangs up, and the next one can be dialled", () => {
      const line = called(Callee.answers()).reply(bridge, Callee.answers(3000)).untilAsked()
      line.reply(bridge, Callee.busy).untilAsked().reply(say("x".repeat(15))).untilAsked()
      assert.deepStrictEqual(line.webhooks[1], [63_000, {
        kind: "LegCompleted",
        event: "call_leg_completed",
        referenceId,
        to: agent,
        from
      }])
      assert.deepStrictEqual(line.told.slice(1), [
        "63000 call_leg_completed",
        "64000 call_leg_completed",
        "65000 speak_completed speak_successful"
      ])
    })

    it("ends with the call when the caller hangs up", () =>
      assert.deepStrictEqual(
        called(Callee.answers().hangsUp()).reply(bridge, Callee.answers(0)).untilAsked().told.slice(1),
        ["30000 call_completed hangup"]
      ))

    it("ends with the call when the caller hangs up in the talk, after a prompt heard to its end", () =>
      assert.deepStrictEqual(
        called(Callee.answers().hears("x").talks().hangsUp()).reply(say("x".repeat(15))).untilAsked()
          .reply(bridge, Callee.answers(0)).untilAsked().told.slice(1),
        ["1000 speak_completed speak_successful", "31000 call_completed hangup"]
      ))

    it("ends sooner if the other's script or the leg's limit says so", () => {
      const short = Action.dial({ to: agent, from, maxCallDurationSeconds: 10 })
      const line = called(Callee.answers()).reply(bridge, Callee.answers(0).hangsUp()).untilAsked()
      line.reply(short, Callee.answers(0)).untilAsked().reply(bridge, Callee.voicemail).untilAsked()
      assert.deepStrictEqual(line.told.slice(1), [
        "30000 call_leg_completed",
        "40000 call_leg_completed",
        "120000 call_leg_completed"
      ])
    })

    it("tells of the second leg's answer only where a setting asks for it", () => {
      const line = called(Callee.answers(), { legAnswers: true }).reply(bridge, Callee.answers(0)).untilAsked()
      assert.strictEqual(PhoneLine.refusal(line.line, say("Hello.")), "two people are talking")
      line.reply(undefined).untilAsked().reply(bridge, Callee.busy).untilAsked()
      assert.deepStrictEqual(line.told.slice(1), [
        "0 dial_completed answered",
        "60000 call_leg_completed",
        "61000 dial_completed busy"
      ])
    })
  })

  describe("hangUp", () => {
    it("of a phone that rings declines the call", () => {
      const line = dialled(Callee.answers())
      const turn = PhoneLine.hangUp(line.line, 500)
      assert.deepStrictEqual(turn.webhooks.map(({ event, status }) => [event, status]), [["dial_completed", "busy"]])
    })

    it("of an open line ends it, and of an ended one does nothing", () => {
      const line = dialled(Callee.answers(0)).untilAsked().reply(say("Hello."))
      const turn = PhoneLine.hangUp(line.line, 100)
      assert.deepStrictEqual(turn.webhooks.map(({ event, status }) => [event, status]), [["call_completed", "hangup"]])
      assert.deepStrictEqual(PhoneLine.hangUp(turn.line, 200), { line: turn.line, webhooks: [] })
    })
  })

  it("every event tells who is on the line, or on the leg that it is about", () => {
    const settings = { dtmfCompleted: "dtmf_completed", legAnswers: true }
    const line = dialled(Callee.answers(0), { settings }).untilAsked()
    line.reply(Action.sendDtmf("1")).untilAsked().reply(say("Hello.", 1)).untilAsked()
    line.reply(Action.prompt({ _tag: "Audio", url: "https://media.example.net/a.wav" })).untilAsked()
    line.reply(bridge, Callee.answers(0)).untilAsked().reply(undefined).untilAsked()
    line.reply(Action.hangup).untilAsked()
    assert.deepStrictEqual(line.webhooks.map(([, { event, from, to }]) => [event, to, from]), [
      ["dial_completed", to, from],
      ["dtmf_completed", to, from],
      ["speak_completed", to, from],
      ["play_completed", to, from],
      ["dial_completed", agent, from],
      ["call_leg_completed", agent, from],
      ["call_completed", to, from]
    ])
  })

  it.each([0.3, 1, 7, 100])("its times agree with its duration when it is %d times as fast as life", (speed) => {
    const line = dialled(Callee.answers(2000), { settings: { speed } }).untilAsked()
    line.reply(say("x".repeat(60))).untilAsked().reply(Action.hangup).untilAsked()
    const { durationSeconds, extra } = line.webhooks.at(-1)![1]
    const { answered_on_utc, created_on_utc, ended_on_utc } = extra!.data as { readonly [name: string]: string }
    const since = (from: string, to: string) => Math.round((Date.parse(`${to}Z`) - Date.parse(`${from}Z`)) / 1000)
    assert.strictEqual(since(created_on_utc!, ended_on_utc!), durationSeconds)
    assert.deepStrictEqual([since(created_on_utc!, answered_on_utc!), durationSeconds], [2, 6])
  })

  it("everything is as many times faster as speed says, but lasts as long as people live it", () => {
    const line = dialled(Callee.answers(2000), { settings: { speed: 100 } }).untilAsked()
    line.reply(say("x".repeat(60))).untilAsked().reply(Action.hangup).untilAsked()
    assert.deepStrictEqual(line.told, [
      "20 dial_completed answered",
      "60 speak_completed speak_successful",
      "63 call_completed hangup"
    ])
    assert.strictEqual(line.webhooks.at(-1)![1].durationSeconds, 6)
    assert.throws(() => PhoneLine.settings({ speed: 0 }), RangeError)
  })

  it("elapsing late brings all that was due, in order; elapsing early or again brings nothing", () => {
    const line = dialled(Callee.answers(1000).hangsUpAfter(0)).line
    assert.deepStrictEqual(PhoneLine.elapse(line, 999), { line, webhooks: [] })
    const late = PhoneLine.elapse(line, 5000)
    assert.deepStrictEqual(late.webhooks.map(({ event }) => event), ["dial_completed", "call_completed"])
    assert.deepStrictEqual(PhoneLine.elapse(late.line, 9000), { line: late.line, webhooks: [] })
  })
})
