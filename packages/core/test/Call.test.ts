import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import {
  Call,
  CallEvent as Events,
  type CallInput,
  CallLine,
  Decider,
  Explain,
  Flow,
  Line,
  LiveCall,
  Replay
} from "../src/index.ts"
import type { CallEvent, Settings, Webhook } from "../src/index.ts"
import { bridge, Happening, history } from "./fixtures/histories.ts"
import {
  agents,
  caller,
  define,
  from,
  id,
  incoming,
  minute,
  other,
  second,
  session,
  settings,
  signals,
  to,
  Trial
} from "./fixtures/Trial.ts"

const talk = Line.speak("Hello.").pipe(Flow.as("heard" as const), Flow.dial({ to, from }))
const question = Line.collect("Which?", { max: 1, attempts: 1 }).pipe(Flow.dial({ to, from }))

const exitOf = (trial: Trial) => trial.call.exit
const errorOf = (trial: Trial): object => {
  const exit = exitOf(trial)
  return exit?._tag === "Failure" ? exit.error as object : {}
}

describe("a dial", () => {
  it("is recorded as attempted in the append that plans it, with our id", () => {
    const trial = new Trial(talk)
    assert.deepStrictEqual(trial.events.map((event) => event._tag), ["CallStarted", "DialPlanned", "DialAttempted"])
    const attempt = trial.events[2]
    assert.strictEqual(attempt?._tag === "DialAttempted" && attempt.externalId, "ns.0123456789abcdefghjk.00000001")
  })

  it("has an external id of at most 36 characters", () => {
    assert.isAtMost(CallLine.externalId("abcdef", id, 999, "zzzzzzzz").length, 36)
  })

  it("that is answered before the 202 goes on, and the 202 then changes nothing", () => {
    const trial = new Trial(talk)
    assert.deepStrictEqual(trial.answered(), ["CallAnswered", "ActionDecided"])
    assert.strictEqual(trial.reply(), "speak")
    assert.deepStrictEqual(trial.posted({ _tag: "Accepted", referenceId: session }), ["DialAccepted"])
    assert.strictEqual(trial.call.lines[0]?.phase, "Acting")
    trial.verify()
  })

  it("that is refused fails as refused and closes the line", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "Refused", status: "invalid_phone_number" })
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Failure",
      error: { _tag: "NotAnswered", reason: "refused", status: "invalid_phone_number" }
    })
    assert.isTrue(Call.isOver(trial.call))
  })

  it("that surely was not sent is sent again after a wait, and given to the flow after five attempts", () => {
    const trial = new Trial(talk)
    for (let attempt = 1; attempt <= 5; attempt++) {
      assert.isUndefined(exitOf(trial))
      trial.posted({ _tag: "NotSent", problem: "connection refused" }, attempt)
      trial.pass(minute)
      trial.verify()
    }
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 5)
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Failure",
      error: { _tag: "NotAnswered", reason: "not sent", status: "connection refused" }
    })
  })

  describe("that something stands in the way of, whoever is to be rung", () => {
    const obstacles = ["credentials", "unreachable", "caller id"] as const
    const notSent = (obstacle: typeof obstacles[number]) => ({ _tag: "NotSent", problem: "no", obstacle }) as const
    const standing = (obstacle: typeof obstacles[number], since: number, mayProbe = false) =>
      [{ obstacle, since, mayProbe, from: obstacle === "caller id" ? from : undefined }] as const
    const hour = 60 * minute

    it.each(obstacles)("stays planned, says so, and uses up no attempt: %s", (obstacle) => {
      const trial = new Trial(talk)
      for (let line = 1; line <= 20; line++) {
        assert.deepStrictEqual(trial.posted(notSent(obstacle), line), ["DialNotSent"])
        trial.obstacles = standing(obstacle, 1_000_000)
        assert.match(Explain.waitingFor(trial.call, trial.settings).what, /^the carrier to /)
        assert.deepStrictEqual(trial.take({ _tag: "Wake" }), [])
        trial.now += minute
        assert.deepStrictEqual(trial.take({ _tag: "Wake" }), [], "it is not its turn to probe")
        trial.obstacles = standing(obstacle, 1_000_000, true)
        assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialAttempted"])
        trial.verify()
      }
      trial.obstacles = []
      trial.posted({ _tag: "Accepted", referenceId: session }, 21)
      trial.line = 21
      trial.answered()
      assert.strictEqual(trial.reply(), "speak")
    })

    it("is tried again after 1 s, and then up to a minute later, by a process that does not know of it", () => {
      const trial = new Trial(talk)
      const waits = Array.from({ length: 9 }, (_, index) => {
        trial.posted(notSent("credentials"), index + 1)
        const before = trial.now
        trial.next()
        return (trial.now - before) / second
      })
      assert.deepStrictEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60])
    })

    it.each(
      [
        ["credentials", "not authorized"],
        ["caller id", "not authorized"],
        ["unreachable", "not sent"]
      ] as const
    )("is given up an hour after its plan, and its flow is told apart: %s is %s", (obstacle, reason) => {
      const began = 1_000_000
      for (const isProbe of [false, true]) {
        const trial = new Trial(talk)
        trial.posted(notSent(obstacle))
        trial.obstacles = standing(obstacle, began, isProbe)
        trial.now = began + hour - 1
        trial.take({ _tag: "Wake" })
        assert.isUndefined(exitOf(trial))
        trial.now = began + hour
        const given = isProbe ? trial.posted(notSent(obstacle), 2) : trial.take({ _tag: "Wake" })
        assert.deepStrictEqual(given, ["DialNotSent", "FlowEnded"])
        assert.deepInclude(errorOf(trial), { _tag: "NotAnswered", reason })
        trial.verify()
      }
    })

    it("has an hour from when that began, however long it has waited for its place", () => {
      const trial = new Trial(talk, undefined, {}, { hasPlace: false })
      trial.now += 3 * hour
      trial.obstacles = standing("unreachable", trial.now)
      trial.now += hour - 1
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), [])
      trial.now++
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialNotSent", "FlowEnded"])
    })

    it("goes if it is from another number than the one that is not taken", () => {
      const trial = new Trial(talk, undefined, {}, { hasPlace: false })
      trial.hasPlace = true
      trial.obstacles = [{ obstacle: "caller id", from: other, since: trial.now, mayProbe: false }]
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialAttempted"])
    })

    it("is over at once if its flow has given it up, and when it has waited as long as any dial may", () => {
      const left = new Trial(talk)
      left.take({ _tag: "Cancel" })
      left.posted(notSent("credentials"))
      assert.isTrue(Call.isOver(left.call))
      const short = new Trial(talk, undefined, { dial: { waitAtMost: "1 second" } })
      short.now += second
      assert.deepStrictEqual(short.posted(notSent("credentials")), ["DialNotSent", "FlowEnded"])
    })

    it("may have rung if it was held in a copy, and its flow is told so", () => {
      const trial = new Trial(Flow.andThen(Flow.sleep("10 minutes"), talk))
      trial.restored = [{ before: 1_000_001, dials: "hold" }]
      trial.pass(11 * minute)
      trial.restored = [{ before: 1_000_001, dials: "dial" }]
      trial.obstacles = standing("credentials", trial.now)
      trial.now += hour
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialGivenUp", "FlowEnded"])
    })
  })

  it("that an earlier release has recorded as declined because of us still fails apart", () => {
    const trial = new Trial(talk)
    const refused = { _tag: "DialRefused", line: 1, status: "not_authorized", notAuthorized: true } as const
    const events = [...trial.events, { ...refused, at: trial.now }]
    const error = { _tag: "NotAnswered", reason: "not authorized", status: "not_authorized" } as const
    const ended = { _tag: "FlowEnded", at: trial.now, exit: { _tag: "Failure", error } } as const
    const { divergence } = Replay.rebuild(id, trial.definition, [...events, ended])
    assert.isUndefined(divergence)
  })

  const throttle = { _tag: "NotSent", problem: "HTTP 429", throttled: true } as const

  it("that is throttled uses up no attempt, waits longer each time, and is given up when its time is over", () => {
    const trial = new Trial(talk, undefined, { dial: { waitAtMost: 15 * minute } })
    const waits: Array<number> = []
    for (let line = 1; exitOf(trial) === undefined; line++) {
      trial.posted(throttle, line)
      if (exitOf(trial) !== undefined) break
      const before = trial.now
      assert.include(trial.next(), "DialAttempted")
      waits.push((trial.now - before) / second)
      trial.verify()
    }
    assert.deepStrictEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
    assert.isAtMost(trial.now - 1_000_000, 15 * minute)
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Failure",
      error: { _tag: "NotAnswered", reason: "not sent", status: "HTTP 429" }
    })
  })

  it("that was throttled still has all of its attempts", () => {
    const trial = new Trial(talk)
    for (const line of [1, 2, 3]) {
      trial.posted(throttle, line)
      trial.next()
    }
    for (let line = 4; line <= 8; line++) {
      assert.isUndefined(exitOf(trial))
      trial.posted({ _tag: "NotSent", problem: "connection refused" }, line)
      trial.pass(minute)
    }
    assert.strictEqual(exitOf(trial)?._tag, "Failure")
  })

  it.each([undefined, 0, 20 * second, 999_999_999 * second, Number.MAX_VALUE])(
    "is over by its bound, whatever the carrier wishes: %s",
    (retryAfterMillis) => {
      const wish = retryAfterMillis === undefined ? {} : { retryAfterMillis }
      for (
        const posted of [{ ...throttle, ...wish }, { _tag: "NotSent", problem: "no connection", ...wish } as const]
      ) {
        const trial = new Trial(talk)
        for (let line = 1; exitOf(trial) === undefined && line < 100_000; line++) {
          trial.posted(posted, line)
          const { until } = Explain.waitingFor(trial.call, settings)
          assert.isAtMost((until ?? trial.now) - trial.now, settings.dial.longestBackoff)
          if (exitOf(trial) === undefined) trial.next()
        }
        assert.strictEqual(exitOf(trial)?._tag, "Failure")
        assert.isAtMost(trial.now - 1_000_000, Math.max(settings.dial.waitAtMost, 4 * settings.dial.longestBackoff))
      }
    }
  )

  it("that was not sent told the flow of an early version that it failed, and a replay of that goes on so", () => {
    const trial = new Trial(Flow.catchTag(talk, "NotAnswered", ({ reason }) => Flow.note(reason)), undefined, {
      dial: { attempts: 1 }
    })
    trial.posted({ _tag: "NotSent", problem: "no connection" })
    const early = trial.events.map((event): CallEvent.CallEvent => {
      if (event._tag === "Noted") return { ...event, name: "failed" }
      return event._tag === "DialNotSent" ? { _tag: event._tag, at: event.at, line: 1, reason: event.reason } : event
    })
    assert.include(trial.events.map((event) => event._tag === "Noted" ? event.name : ""), "not sent")
    assert.isUndefined(Replay.rebuild(id, trial.definition, early).divergence)
  })

  it("waits as long as the carrier asks before it is sent again", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "NotSent", problem: "rate_limit_exceeded", retryAfterMillis: 20 * second })
    assert.notInclude(trial.pass(19 * second), "DialAttempted")
    assert.include(trial.pass(2 * second), "DialAttempted")
  })

  it("whose response was lost is not sent again, and fails as unknown after the horizon", () => {
    const trial = new Trial(talk)
    assert.deepStrictEqual(trial.posted({ _tag: "Lost", problem: "timeout" }), ["DialUnknown"])
    assert.deepStrictEqual(trial.pass(4 * minute - 1), [])
    trial.pass(1)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "NotAnswered", reason: "unknown" } })
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 1)
  })

  it("whose response was lost goes on when an event with our id comes", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "Lost", problem: "timeout" })
    trial.pass(minute)
    trial.answered()
    assert.strictEqual(trial.reply(), "speak")
    trial.verify()
  })

  it("whose response was lost is not listened for after its call must be over, though all begins anew", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "Lost", problem: "timeout" })
    trial.now += 21 * minute
    const restart: CallInput.CallInput = { _tag: "Restart", crashedAt: trial.now - minute }
    assert.deepStrictEqual(trial.take(restart, "p2"), ["Restarted", "DialGivenUp", "FlowEnded"])
  })

  it("to a number that was left as unknown fails at once without ringing, unless its author allows it", () => {
    const twice = (evenIfUnknown: boolean) =>
      Flow.retry(talkWith({ evenIfUnknown }), { times: 1, while: (error) => error._tag === "NotAnswered" })
    const careful = new Trial(twice(false))
    careful.posted({ _tag: "Lost", problem: "reset" })
    careful.pass(5 * minute)
    assert.strictEqual(careful.events.filter((event) => event._tag === "DialAttempted").length, 1)
    assert.strictEqual(careful.call.exit?._tag, "Failure")
    const bold = new Trial(twice(true))
    bold.posted({ _tag: "Lost", problem: "reset" })
    bold.pass(5 * minute)
    assert.strictEqual(bold.events.filter((event) => event._tag === "DialAttempted").length, 2)
    bold.verify()
  })

  describe("of a call that began before its store was restored from a copy", () => {
    const later = Flow.andThen(Flow.sleep("10 minutes"), talk)
    const copied = (flow: Parameters<typeof define>[0], ...restored: ReadonlyArray<CallInput.Restored>) => {
      const trial = new Trial(flow)
      trial.restored = restored
      return trial
    }
    const of = (trial: Trial, tag: string) => trial.events.filter((event) => event._tag === tag).length
    const before = 1_000_001

    it("is held, and looked at again each hour, until somebody says that it may go", () => {
      const trial = copied(later, { before, dials: "hold" })
      trial.pass(10 * minute)
      assert.strictEqual(of(trial, "DialHeld"), 1)
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), [])
      assert.strictEqual(
        Explain.waitingFor(trial.call, trial.settings).what,
        "somebody to say whether its phone has rung"
      )
      trial.pass(180 * minute)
      assert.deepStrictEqual([of(trial, "DialHeld"), of(trial, "DialAttempted")], [4, 0])
      trial.verify()
      trial.restored = [{ before, dials: "dial" }]
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialAttempted"])
      assert.isUndefined(trial.state.heldSince)
      trial.answered()
      assert.strictEqual(trial.reply(), "speak")
      trial.verify()
    })

    it("that goes after it was held has the whole time of its line from then on", () => {
      const trial = copied(later, { before, dials: "hold" })
      trial.pass(10 * 60 * minute)
      trial.restored = [{ before, dials: "dial" }]
      trial.take({ _tag: "Wake" })
      trial.answered()
      assert.deepStrictEqual(trial.pass(30 * second), [])
      trial.spoken()
      assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "heard" })
    })

    it("is given up as unknown when it has been held for a day and nobody has said anything", () => {
      const trial = copied(Flow.andThen(Flow.sleep("10 minutes"), talkWith({ evenIfUnknown: true })), {
        before,
        dials: "hold"
      })
      trial.pass(10 * minute + 24 * 60 * minute - 1)
      assert.deepStrictEqual([of(trial, "DialHeld"), trial.call.exit], [24, undefined])
      trial.pass(1)
      assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "NotAnswered", reason: "unknown" } })
      assert.deepStrictEqual([of(trial, "DialHeld"), of(trial, "DialAttempted")], [24, 0])
      trial.verify()
    })

    it("is given up as unknown if so told, unless its author allows it", () => {
      const trial = copied(later, { before, dials: "give up" })
      trial.pass(10 * minute)
      assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "NotAnswered", reason: "unknown" } })
      assert.strictEqual(of(trial, "DialAttempted"), 0)
      assert.isTrue(Call.isOver(trial.call))
      trial.verify()
      const bold = copied(Flow.andThen(Flow.sleep("10 minutes"), talkWith({ evenIfUnknown: true })), {
        before,
        dials: "give up"
      })
      bold.pass(10 * minute)
      assert.strictEqual(of(bold, "DialAttempted"), 1)
    })

    it("is given up after it was held, and then at once", () => {
      const trial = copied(later, { before, dials: "hold" })
      trial.pass(15 * minute)
      trial.restored = [{ before, dials: "give up" }]
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialGivenUp", "FlowEnded"])
    })

    it("that may go and finds no place is given up as unknown after as long as any dial waits, and not before", () => {
      const trial = copied(later, { before, dials: "hold" })
      trial.pass(200 * minute)
      trial.restored = [{ before, dials: "dial" }]
      trial.hasPlace = false
      const { otherwise, until, what } = Explain.waitingFor(trial.call, trial.settings, { restored: trial.restored })
      assert.deepStrictEqual(
        [what, until, otherwise],
        [
          "its place among the dials that wait",
          trial.state.notBefore + trial.settings.dial.waitAtMost,
          "the flow is told that nobody knows whether it rang"
        ]
      )
      trial.now = until! - 1
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), [])
      assert.deepStrictEqual(trial.pass(1), ["DialGivenUp", "FlowEnded"])
      assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "NotAnswered", reason: "unknown" } })
      trial.verify()
    })

    it("is held on, however short a time dials may wait, until somebody says more", () => {
      const trial = new Trial(later, undefined, { dial: { waitAtMost: "1 second" } })
      trial.restored = [{ before, dials: "hold" }]
      trial.pass(10 * minute)
      trial.now = trial.state.notBefore + 2 * second
      assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialHeld"])
    })

    it("follows the first word that applies to its call", () => {
      const trial = copied(later, { before: before - 1, dials: "dial" }, { before, dials: "hold" })
      trial.pass(10 * minute)
      assert.strictEqual(of(trial, "DialHeld"), 1)
      const released = copied(later, { before, dials: "dial" }, { before: before + 1, dials: "hold" })
      released.pass(10 * minute)
      assert.strictEqual(of(released, "DialAttempted"), 1)
    })

    it("ends with its call: a deadline of the flow and a cancel count meanwhile", () => {
      const bounded = copied(Flow.timeout(talk, "20 minutes"))
      bounded.posted({ _tag: "NotSent", problem: "no connection" })
      bounded.restored = [{ before, dials: "hold" }]
      bounded.pass(21 * minute)
      assert.strictEqual(bounded.call.exit?._tag, "Failure")
      const cancelled = copied(later, { before, dials: "hold" })
      cancelled.pass(11 * minute)
      cancelled.take({ _tag: "Cancel" })
      assert.isTrue(Call.isOver(cancelled.call))
    })
  })

  it("that nobody answers in time is given up, and a later answer is hung up on", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "Accepted", referenceId: session })
    trial.pass(minute)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "NotAnswered", reason: "no answer" } })
    assert.isFalse(Call.isOver(trial.call))
    assert.deepStrictEqual(trial.answered(), ["LateAnswer"])
    assert.strictEqual(trial.reply(), "hangup")
    trial.ended()
    assert.isTrue(Call.isOver(trial.call))
  })

  it("rings as much shorter as its carrier is faster", () => {
    const trial = new Trial(talk, undefined, { speed: 60 })
    trial.posted({ _tag: "Accepted", referenceId: session })
    assert.deepStrictEqual(trial.pass(second - 1), [])
    assert.include(trial.pass(1), "DialGivenUp")
  })

  it("to a number that may still ring waits until that is decided", () => {
    const trial = new Trial(Flow.retry(talk, { times: 1 }))
    trial.posted({ _tag: "Accepted", referenceId: session })
    trial.pass(minute)
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 1)
    trial.webhook({ event: "dial_completed", status: "no_answer" })
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 2)
    trial.verify()
  })

  it("does not wait for one that was left as unknown, if its author allows that, though a caller is on a line before", () => {
    const twice = Flow.retry(talkWith({ evenIfUnknown: true }), { times: 1 })
    const trial = new Trial(Flow.andThen(twice, Flow.inbound(() => Line.speak("Hello."))), incoming)
    trial.posted({ _tag: "Lost", problem: "reset" }, 2)
    for (let tens = 1; tens <= 25; tens++) {
      trial.take({ _tag: "ReplyDue", line: 1 })
      trial.now += 10 * second
      trial.spoken()
      trial.take({ _tag: "Wake" })
    }
    assert.isTrue(trial.call.lines[1]?.presumed)
    assert.strictEqual(trial.call.lines[2]?.phase, "Attempted")
  })

  it("that was not sent is not tried again for a call that is cancelled", () => {
    const trial = new Trial(talk)
    trial.take({ _tag: "Cancel" })
    trial.posted({ _tag: "NotSent", problem: "connection refused" })
    assert.isTrue(Call.isOver(trial.call))
    assert.lengthOf(trial.call.lines, 1)
  })

  it("that was answered notes what the carrier says against that twenty times and no more", () => {
    const trial = new Trial(talk)
    trial.answered()
    for (let time = 1; time <= 30; time++) trial.posted({ _tag: "Refused", status: "blocked" })
    assert.strictEqual(trial.call.strays, 20)
  })

  it("to another number does not wait for the first", () => {
    const trial = new Trial(Flow.catch(talk, () => Line.speak("x").pipe(Flow.dial({ to: other, from }))))
    trial.posted({ _tag: "Accepted", referenceId: session })
    trial.pass(minute)
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 2)
  })

  it("that fails with a word for no answer fails as such, and without a word as failed", () => {
    const failed = (status?: string) => {
      const trial = new Trial(talk, undefined, { dial: { noAnswer: ["no_answer"] } })
      trial.webhook({ event: "dial_completed", ...(status === undefined ? {} : { status }) })
      return exitOf(trial)
    }
    const failure = (reason: string, status: string) =>
      ({ _tag: "Failure", error: { _tag: "NotAnswered", reason, status } }) as const
    assert.deepStrictEqual(failed("no_answer"), failure("no answer", "no_answer"))
    assert.deepStrictEqual(failed(), failure("failed", "unknown"))
  })

  it("keeps the carrier's own word for a failure that has no name here", () => {
    const trial = new Trial(talk)
    trial.webhook({ event: "dial_completed", status: "congestion" })
    assert.strictEqual(trial.reply(), "hangup")
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Failure",
      error: { _tag: "NotAnswered", reason: "failed", status: "congestion" }
    })
  })
})

describe("a call that has dialled for long", () => {
  const redial = Flow.retry(talk, { times: Infinity, after: "1 minute" })

  /** Redials, and then counts how often a line is looked at while one more dial is refused and one more is answered. */
  const looksAfter = (redials: number): number => {
    const trial = new Trial(redial)
    for (let line = 1; line <= redials; line++) {
      trial.posted({ _tag: "Refused", status: "invalid_phone_number" }, line)
      trial.next()
    }
    let looks = 0
    const counted = (line: CallLine.CallLine) =>
      new Proxy(line, {
        get: (target, field) => {
          looks++
          return Reflect.get(target, field) as unknown
        }
      })
    const { call } = trial
    trial.live = { ...trial.live, call: { ...call, lines: call.lines.map(counted) } }
    trial.line = redials + 1
    trial.posted({ _tag: "Refused", status: "invalid_phone_number" }, trial.line)
    trial.next()
    trial.line++
    trial.answered()
    trial.spoken()
    assert.strictEqual(exitOf(trial)?._tag, "Success")
    assert.strictEqual(Call.reply(trial.call, trial.line, trial.answer, settings)._tag, "Act")
    return looks
  }

  it("looks at each dial as at its first, however many there were", () => {
    assert.isAtMost(looksAfter(1_000), looksAfter(1))
  })

  it("knows what every line was, and answers what comes late for it", () => {
    const trial = new Trial(redial)
    for (let line = 1; line <= 50; line++) {
      trial.webhook({ event: "dial_completed", status: "busy", referenceId: `session ${line}` }, { line })
      trial.next()
    }
    assert.strictEqual(trial.call.quiet, 50)
    const answer = { event: "dial_completed", status: "answered", referenceId: "session 7" }
    assert.deepStrictEqual(trial.webhook(answer, { line: 7 }), ["Stray"])
    assert.strictEqual(trial.answer, "hangup")
    trial.verify()
  })

  it("tells a thousand contents of a line apart, and keeps a bounded number of sessions that are not it", () => {
    const trial = new Trial(Flow.repeat(Line.speak("Hello."), { times: Infinity }).pipe(Flow.dial({ to, from })))
    trial.answered()
    for (let n = 0; n < 1_200; n++) {
      trial.now += 10 * second
      trial.webhook({ event: "speak_completed", status: `ok ${n}`, digits: "" })
      trial.webhook({ event: "dial_completed", status: "answered", referenceId: `other ${n}` })
      assert.strictEqual(trial.answer, "hangup")
    }
    assert.lengthOf(trial.state.seen, 1_000)
    assert.lengthOf(trial.state.otherReferenceIds, settings.call.strays)
  })
})

describe("a signal", () => {
  const go = Flow.signal(Flow.Signal("go", Schema.Finite), { within: "1 hour" })
  const waits = Flow.flatMap(Flow.sleep("1 minute"), () => go)
  const tell = (trial: Trial, value: unknown, key?: string, name = "go") =>
    trial.take({ _tag: "Signalled", name, value, ...(key === undefined ? {} : { key }) })

  it("that does not fit is refused where its flow waits, and dropped on the record where it was told before", () => {
    const trial = new Trial(waits)
    for (const value of ["late", null, 7, "later", 8]) assert.deepStrictEqual(tell(trial, value), ["SignalReceived"])
    trial.pass(minute)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: 7 })
    assert.deepInclude(trial.events.find((event) => event._tag === "SignalAwaited"), { heard: true, unfit: 2 })
    assert.deepStrictEqual(trial.call.signals.map(({ value }) => value), ["later", 8])
    trial.verify()
    const still = new Trial(waits)
    tell(still, "late")
    still.pass(minute)
    assert.isUndefined(exitOf(still))
    assert.deepStrictEqual(still.call.signals, [])
    assert.deepStrictEqual(tell(still, "late"), [])
    still.verify()
    tell(still, 9)
    assert.deepStrictEqual(exitOf(still), { _tag: "Success", value: 9 })
  })

  it("that does not fit and was recorded by a process without the flow lets the flow wait on", () => {
    const trial = new Trial(go)
    const { definition } = trial
    trial.live = { ...LiveCall.withoutFlow(trial.call) }
    tell(trial, "late")
    const { divergence, live } = Replay.rebuild(id, definition, trial.events)
    assert.isUndefined(divergence)
    trial.live = live
    trial.take({ _tag: "Wake" })
    assert.isUndefined(exitOf(trial))
    assert.strictEqual(trial.call.wait?._tag, "Signal")
    tell(trial, 9)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: 9 })
    trial.verify()
  })

  it("that nobody waits for is kept up to a bound for its name and its call, and refused in words beyond", () => {
    const names = Array.from({ length: 2_000 }, (_, n) => Flow.Signal(`name ${n}`, Schema.Json))
    const declared = [...signals, ...names, Flow.Signal("another", Schema.Json)]
    const trial = new Trial(Flow.sleep("1 hour"), undefined, {}, { declared })
    const problem = (name: string) =>
      Decider.signalProblem(trial.live, { _tag: "Signalled", name, value: 1 }, trial.settings)
    for (let n = 0; n < 200; n++) tell(trial, n)
    assert.lengthOf(trial.call.signals, 100)
    assert.match(problem("go") ?? "", /100 signals of this name wait already/)
    for (let n = 0; n < 2_000; n++) tell(trial, n, undefined, `name ${n}`)
    assert.lengthOf(trial.call.signals, 1_000)
    assert.match(problem("another") ?? "", /1000 signals wait already/)
    trial.verify()
  })

  it("of another name than the flow waits for need not fit what it waits for", () => {
    const trial = new Trial(go)
    assert.deepStrictEqual(tell(trial, "late", undefined, "other"), ["SignalReceived"])
    assert.strictEqual(trial.call.wait?._tag, "Signal")
  })

  it("is no activity, though that has its name", () => {
    const trial = new Trial(Flow.activity("go", {}, Effect.void))
    for (let n = 0; n < 200; n++) tell(trial, n)
    assert.lengthOf(trial.call.signals, 100)
  })

  it("that was told before is refused for nothing, whatever waits already", () => {
    const trial = new Trial(Flow.sleep("1 hour"))
    for (let n = 0; n < 200; n++) tell(trial, n, `key ${n}`)
    const again = { _tag: "Signalled", name: "go", value: 1, key: "key 7" } as const
    assert.isUndefined(Decider.signalProblem(trial.live, again, trial.settings))
    assert.deepStrictEqual(trial.take(again), [])
  })

  it("has a key that is known for a thousand others", () => {
    const trial = new Trial(Flow.retry(go, { times: Infinity }).pipe(Flow.repeat({ times: Infinity })))
    for (let n = 0; n <= 1_500; n++) assert.include(tell(trial, n, `key ${n}`), "SignalReceived")
    assert.lengthOf(trial.call.signalKeys, 1_000)
    assert.deepStrictEqual(tell(trial, 0, "key 501"), [])
    assert.include(tell(trial, 0, "key 500"), "SignalReceived")
  })
})

describe("a flow that goes on without an end and without a wait", () => {
  const cut = (trial: Trial) => {
    const exit = exitOf(trial)
    const reason = exit?._tag === "Stopped" ? exit.reason : undefined
    assert.match(reason?._tag === "Defect" ? reason.message : "", /in no time: give its retry or repeat a wait/)
    assert.isBelow(trial.events.length, 8_000)
    trial.verify()
  }
  const forever = { times: Infinity }

  it("is cut where its dial is to a number that was left as unknown", () => {
    const trial = new Trial(Flow.retry(talk, forever))
    trial.posted({ _tag: "Lost", problem: "reset" })
    trial.pass(5 * minute)
    cut(trial)
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 1)
    assert.isTrue(trial.call.lines.every((line) => line.left || line.phase === "Closed"))
  })

  it.each([
    ["sleeps", Flow.repeat(Flow.sleep(0), forever)],
    ["repeats after no wait", Flow.repeat(Flow.note("again"), { ...forever, after: 0 })],
    ["retries after no wait", Flow.retry(Flow.fail(new Flow.TimedOut()), { ...forever, after: 0 })],
    ["waits for a signal", Flow.retry(Flow.signal(Flow.Signal("go", Schema.String), { within: 0 }), forever)],
    ["has a deadline", Flow.retry(Flow.timeout(Flow.sleep("1 hour"), 0), forever)],
    [
      "has an activity",
      Flow.repeat(
        Flow.catch(Flow.timeout(Flow.activity("work", {}, Effect.void), 0), () => Flow.succeed(null)),
        forever
      )
    ],
    ["plans a dial", Flow.retry(Flow.timeout(talk, 0), forever)]
  ])("is cut where it %s", (_, flow) => {
    const trial = new Trial(flow)
    for (let woken = 0; woken < 3 && exitOf(trial) === undefined; woken++) trial.take({ _tag: "Wake" })
    cut(trial)
  })

  it("is cut on a live line, which is hung up on", () => {
    const trial = new Trial(Flow.repeat(Flow.sleep(0), forever).pipe(Flow.dial({ to, from })))
    trial.answered()
    trial.take({ _tag: "Wake" })
    cut(trial)
    trial.spoken()
    assert.strictEqual(trial.reply(), "hangup")
  })

  it("is not cut where time passes, however long", () => {
    const trial = new Trial(Flow.repeat(Flow.sleep(1), forever))
    trial.pass(3_000)
    assert.isUndefined(exitOf(trial))
  })

  it("is not cut where it ends by itself", () => {
    const trial = new Trial(Flow.as(Flow.repeat(Flow.sleep(0), { times: 900 }), "done"))
    trial.take({ _tag: "Wake" })
    assert.strictEqual(exitOf(trial)?._tag, "Success")
  })
})

const talkWith = (options: { readonly evenIfUnknown: boolean }) =>
  Line.speak("Hello.").pipe(Flow.dial({ to, from, ...options }))

describe("a webhook", () => {
  it("delivered twice gets the same reply and changes nothing", () => {
    const trial = new Trial(question)
    trial.answered()
    assert.deepStrictEqual(trial.answered(), [])
    assert.strictEqual(trial.reply(), "speak, collect 1")
  })

  it("with equal digits to two equal prompts is an answer to each", () => {
    const trial = new Trial(
      Flow.gen(function*() {
        const first = yield* Line.collect("Which?", { max: 1, attempts: 1 })
        return [first, yield* Line.collect("Which?", { max: 1, attempts: 1 })]
      }).pipe(Flow.dial({ to, from }))
    )
    trial.answered()
    trial.now += 5 * second
    trial.spoken("1")
    trial.now += 5 * second
    trial.spoken("1")
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: ["1", "1"] })
  })

  it("that comes sooner than keys can be pressed is a copy", () => {
    const twice = new Trial(
      Flow.flatMap(
        Line.collect("Which?", { max: 1, attempts: 1 }),
        () => Line.collect("And?", { max: 1, attempts: 1 })
      ).pipe(Flow.dial({ to, from }))
    )
    twice.answered()
    twice.now += 5 * second
    twice.spoken("1")
    twice.now += 399
    assert.deepStrictEqual(twice.spoken("1"), [])
    assert.strictEqual(twice.reply(), "speak, collect 1")
    twice.now += 1
    assert.include(twice.spoken("1"), "PromptCompleted")
  })

  it("that was in our hands before the reply was written is a copy, whenever it is looked at", () => {
    const trial = new Trial(
      Flow.flatMap(Line.collect("Which?", { max: 1, attempts: 1 }), () => Line.collect("And?", { max: 1, attempts: 1 }))
        .pipe(Flow.dial({ to, from }))
    )
    trial.answered()
    trial.now += 5 * second
    trial.spoken("1")
    trial.now += minute
    const webhook = { event: "speak_completed", status: "speak_successful", digits: "1" }
    assert.deepStrictEqual(trial.webhook(webhook, { before: true }), [])
    assert.deepStrictEqual(trial.webhook(webhook, { copies: 5 }).slice(0, 1), ["PromptCompleted"])
  })

  it("after a reply that broke is a copy once, and then new", () => {
    const trial = new Trial(
      Flow.flatMap(Line.collect("Which?", { max: 1, attempts: 1 }), () => Line.collect("And?", { max: 1, attempts: 1 }))
        .pipe(Flow.dial({ to, from }))
    )
    trial.answered()
    trial.now += 5 * second
    trial.spoken("1")
    const line = trial.call.lines[0]!
    assert.deepStrictEqual(trial.take({ _tag: "ReplyBroke", line: 1, n: line.inFlight!.n }), ["ReplyBroken"])
    trial.now += minute
    const webhook = { event: "speak_completed", status: "speak_successful", digits: "1" }
    assert.deepStrictEqual(trial.webhook(webhook), [])
    assert.include(trial.webhook(webhook, { copies: 1 }), "PromptCompleted")
    trial.verify()
  })

  it("that ends a hold which nobody recorded is answered with the action that was never sent", () => {
    const trial = new Trial(talk)
    trial.answered()
    trial.now += minute
    const webhook = { event: "speak_completed", status: "speak_successful", digits: "" }
    assert.deepStrictEqual(trial.webhook(webhook, { unsent: true }), ["Stray"])
    assert.strictEqual(trial.reply(), "speak")
    assert.deepStrictEqual(trial.webhook(webhook, { unsent: true }), [])
    assert.strictEqual(trial.reply(), "speak")
    assert.deepStrictEqual(trial.webhook(webhook).slice(0, 1), ["PromptCompleted"])
  })

  it("that cannot end the action in flight is noted and answered with that action", () => {
    const trial = new Trial(talk)
    trial.answered()
    assert.deepStrictEqual(trial.webhook({ event: "play_completed", status: "x" }), ["Stray"])
    assert.strictEqual(trial.reply(), "speak")
  })

  it("of an unknown event is noted and not answered", () => {
    const trial = new Trial(talk)
    trial.answered()
    assert.deepStrictEqual(trial.webhook({ event: "weather_changed", extra: { wind: 3 } }), ["Stray"])
    assert.strictEqual(trial.reply(), "Nothing")
  })

  it("of an unknown event is noted as often as it comes, unless the application knows what identifies it", () => {
    const twice = (webhook: Partial<Webhook.Webhook>, eventKey?: string) => {
      const trial = new Trial(talk, undefined, eventKey === undefined ? {} : { copies: { eventKey } })
      trial.answered()
      return [1, 2].map(() => [trial.webhook({ event: "weather_changed", ...webhook }), trial.reply()])
    }
    assert.deepStrictEqual(twice({}), [[["Stray"], "Nothing"], [["Stray"], "Nothing"]])
    assert.deepStrictEqual(twice({ extra: { uuid: "a" } }, "uuid"), [[["Stray"], "Nothing"], [[], "Nothing"]])
  })

  it("of an unknown event that ended an action gets the next one again, while that is in flight", () => {
    const tones = Line.sendDtmf("12#").pipe(Flow.andThen(Line.speak("Hello.")), Flow.dial({ to, from }))
    const trial = new Trial(tones, undefined, { copies: { eventKey: "uuid" } })
    const end = { event: "tones_completed", extra: { uuid: "a" } }
    trial.answered()
    trial.webhook(end)
    assert.strictEqual(trial.reply(), "speak")
    assert.deepStrictEqual(trial.webhook(end), [])
    assert.strictEqual(trial.reply(), "speak")
  })

  it("of an unknown event ends only an action whose end is not known, and only if it can be its end", () => {
    const toned = () => {
      const trial = new Trial(Line.sendDtmf("12#").pipe(Flow.andThen(Line.speak("Hello.")), Flow.dial({ to, from })))
      trial.answered()
      return trial
    }
    const end = { event: "tones_completed" }
    assert.deepStrictEqual(toned().webhook(end).slice(0, 1), ["PromptCompleted"])
    assert.deepStrictEqual(toned().webhook({ event: "tones_begun" }), ["Stray"])
    assert.deepStrictEqual(toned().webhook(end, { before: true }), ["Stray"])
    assert.deepStrictEqual(toned().webhook(end, { unsent: true }), ["Stray"])
    const spoken = toned()
    spoken.webhook(end)
    assert.deepStrictEqual(spoken.webhook({ event: "more_tones_completed" }), ["Stray"])
    const left = toned()
    left.take({ _tag: "Cancel" })
    assert.deepStrictEqual(left.webhook(end), ["Stray"])
  })

  it("of which nothing comes is noted twenty times a call and no more", () => {
    const trial = new Trial(talk)
    trial.answered()
    for (let i = 0; i < 30; i++) trial.webhook({ event: `odd_${i}` })
    assert.strictEqual(trial.events.filter((event) => event._tag === "Stray").length, 20)
  })

  it("of a second session of one attempt is hung up on, and does not end the first", () => {
    const trial = new Trial(talk)
    trial.answered()
    const second = { event: "dial_completed", status: "answered", referenceId: "another" }
    assert.deepStrictEqual(trial.webhook(second), ["SecondLine"])
    assert.strictEqual(trial.reply(), "hangup")
    assert.deepStrictEqual(trial.webhook(second), [])
    assert.strictEqual(trial.reply(), "hangup")
    trial.webhook({ event: "call_completed", referenceId: "another" })
    assert.strictEqual(trial.call.lines[0]?.phase, "Acting")
  })
})

describe("two sessions of one attempt", () => {
  it("are one line with the session that is answered first, whatever the 202 said", () => {
    const trial = new Trial(question)
    trial.posted({ _tag: "Accepted", referenceId: "of the 202" })
    trial.answered()
    assert.strictEqual(trial.reply(), "speak, collect 1")
    trial.now += 5 * second
    assert.include(trial.spoken("1"), "PromptCompleted")
    trial.webhook({ event: "dial_completed", status: "answered", referenceId: "of the 202" })
    assert.strictEqual(trial.reply(), "hangup")
    trial.verify()
  })
})

describe("the end of a call", () => {
  it("during a prompt is a hang-up, once an answer on its way has had its time", () => {
    const trial = new Trial(talk)
    trial.answered()
    trial.ended()
    assert.strictEqual(trial.reply(), "Nothing")
    assert.isUndefined(exitOf(trial))
    assert.deepStrictEqual(trial.pass(3 * second), ["SettleElapsed", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
    assert.isTrue(Call.isOver(trial.call))
  })

  it("that overtakes an answer does not lose it", () => {
    const trial = new Trial(question)
    trial.answered()
    trial.now += 5 * second
    trial.ended()
    trial.now += second
    assert.deepStrictEqual(trial.spoken("1"), ["PromptCompleted", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "1" })
    assert.isTrue(Call.isOver(trial.call))
  })

  it("that comes first of all waits for the answer, and then for nothing", () => {
    const trial = new Trial(talk)
    trial.ended()
    trial.answered()
    assert.strictEqual(trial.reply(), "Nothing")
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
  })

  it("makes nothing new of an answer that comes again, though something in it differs", () => {
    const trial = new Trial(talk)
    trial.answered()
    trial.ended()
    trial.pass(minute)
    assert.deepStrictEqual(trial.webhook({ event: "dial_completed", status: "answered", durationSeconds: 3 }), [])
    assert.strictEqual(trial.reply(), "Nothing")
  })

  it("of a dial that nobody answered tells so", () => {
    const trial = new Trial(talk)
    trial.ended()
    trial.webhook({ event: "dial_completed", status: "busy" })
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Failure",
      error: { _tag: "NotAnswered", reason: "busy", status: "busy" }
    })
  })

  it("during the last words is no failure", () => {
    const trial = new Trial(Line.goodbye("Bye.").pipe(Flow.as("done"), Flow.dial({ to, from })))
    trial.answered()
    trial.ended()
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "done" })
  })

  it("by us is one hang-up, and nothing after it", () => {
    const trial = new Trial(Line.hangup.pipe(Flow.as("done"), Flow.dial({ to, from })))
    assert.deepStrictEqual(trial.answered(), ["CallAnswered", "LineLeft", "FlowEnded"])
    assert.strictEqual(trial.reply(), "hangup")
    trial.answered()
    assert.strictEqual(trial.reply(), "hangup")
    trial.ended()
    assert.strictEqual(trial.reply(), "Nothing")
    assert.isTrue(Call.isOver(trial.call))
    trial.ended()
    assert.strictEqual(trial.reply(), "Nothing")
  })

  it("that never is reported is presumed 30 seconds after the hang-up", () => {
    const trial = new Trial(Line.hangup.pipe(Flow.dial({ to, from })))
    trial.answered()
    assert.deepStrictEqual(trial.pass(30 * second), ["LinePresumedClosed"])
    assert.isTrue(Call.isOver(trial.call))
  })

  it("of a line that nobody wants is presumed at its limit, though it is listened to anew", () => {
    const trial = new Trial(talk)
    trial.answered()
    trial.take({ _tag: "Cancel" })
    trial.now += 21 * minute
    const restart: CallInput.CallInput = { _tag: "Restart", crashedAt: trial.now - minute }
    assert.deepStrictEqual(trial.take(restart, "p2"), ["Restarted", "LinePresumedClosed"])
  })

  it("that never is reported during a prompt is presumed when the prompt must be long over", () => {
    const trial = new Trial(talk)
    trial.answered()
    assert.include(trial.pass(3 * minute), "LineSilent")
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
    trial.answered()
    assert.strictEqual(trial.reply(), "hangup")
  })
})

describe("a wait on a live line", () => {
  const lookUp = Flow.activity("look-up", { success: Schema.String }, Effect.succeed("x"))
  const waiting = Flow.flatMap(lookUp, (found) => Line.speak(found)).pipe(Flow.dial({ to, from }))
  const done = (trial: Trial): ReadonlyArray<string> => {
    const wait = trial.call.wait
    return trial.take({
      _tag: "ActivityEnded",
      n: wait?._tag === "Activity" ? wait.n : 0,
      result: { ok: true, value: "found" }
    })
  }

  it("keeps the webhook waiting, and answers it with what the flow then decides", () => {
    const trial = new Trial(waiting)
    trial.answered()
    assert.strictEqual(trial.reply(), "Wait")
    done(trial)
    trial.answered()
    assert.strictEqual(trial.reply(), "speak")
    trial.verify()
  })

  it("is covered by a hold at the reply deadline, and goes on at the end of the hold", () => {
    const trial = new Trial(waiting)
    trial.answered()
    trial.now += 2 * second
    assert.deepStrictEqual(trial.take({ _tag: "ReplyDue", line: 1 }), ["HoldAnswered"])
    assert.strictEqual(trial.reply(), "speak")
    done(trial)
    trial.now += 2 * second
    assert.deepStrictEqual(trial.spoken(), ["HoldCompleted"])
    assert.strictEqual(trial.reply(), "speak")
    assert.strictEqual(
      trial.call.lines[0]?.inFlight?.action._tag === "Speak" && trial.call.lines[0].inFlight.action.text,
      "found"
    )
    trial.verify()
  })

  it("gives the hold at once when it is known to be long", () => {
    const trial = new Trial(Flow.sleep("5 minutes").pipe(Line.hold("Please hold."), Flow.dial({ to, from })))
    assert.include(trial.answered(), "HoldAnswered")
    const action = trial.call.lines[0]?.inFlight?.action
    assert.strictEqual(action?._tag === "Speak" && action.text, "Please hold.")
    trial.verify()
  })

  it("under a hold ends with the call, and without one goes on", () => {
    const under = new Trial(Flow.sleep("5 minutes").pipe(Line.hold("Please hold."), Flow.dial({ to, from })))
    under.answered()
    under.ended()
    assert.deepStrictEqual(exitOf(under), { _tag: "Failure", error: { _tag: "HungUp" } })
    const without = new Trial(Flow.sleep("5 minutes").pipe(Flow.as("slept"), Flow.dial({ to, from })))
    without.answered()
    without.ended()
    assert.isUndefined(exitOf(without))
    without.pass(5 * minute)
    assert.deepStrictEqual(exitOf(without), { _tag: "Success", value: "slept" })
  })

  const holds = (trial: Trial, count: number) => {
    for (let hold = 1; hold <= count && trial.call.exit === undefined; hold++) {
      trial.take({ _tag: "ReplyDue", line: 1 })
      trial.now += 10 * second
      trial.spoken()
    }
    trial.take({ _tag: "ReplyDue", line: 1 })
  }
  const held = Flow.sleep("3 hours").pipe(Line.hold("Please hold, we are looking."))
  const count = (trial: Trial) => trial.events.filter((event) => event._tag === "HoldAnswered").length

  it("fails with TimedOut after sixty holds in a row, and its flow can still say so", () => {
    const sorry = Flow.catchTag(held, "TimedOut", () => Flow.as(Line.goodbye("Sorry, call again."), "sorry"))
    const trial = new Trial(sorry.pipe(Flow.dial({ to, from })))
    trial.answered()
    holds(trial, 60)
    assert.strictEqual(count(trial), 60)
    assert.strictEqual(trial.reply(), "speak")
    assert.strictEqual(trial.state.inFlight?.kind, "goodbye")
    trial.verify()
    trial.now += 10 * second
    trial.spoken()
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "sorry" })
    assert.strictEqual(trial.reply(), "hangup")
  })

  it("counts its holds anew after each prompt", () => {
    const pause = Flow.sleep("500 seconds")
    const twice = Flow.andThen(pause, Flow.andThen(Line.speak("Not long now."), pause))
    const trial = new Trial(Flow.as(twice, "waited").pipe(Flow.dial({ to, from })))
    trial.answered()
    for (let tens = 1; tens < 102; tens++) {
      trial.take({ _tag: "Wake" })
      trial.take({ _tag: "ReplyDue", line: 1 })
      trial.now += 10 * second
      trial.spoken()
    }
    assert.isAbove(count(trial), 90)
    trial.take({ _tag: "Wake" })
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "waited" })
  })

  it("holds again where its flow wants that, and where a finalizer within the hold waits on", () => {
    const again = new Trial(Flow.retry(held, { times: 1 }).pipe(Flow.dial({ to, from })))
    again.answered()
    holds(again, 200)
    assert.strictEqual(count(again), 120)
    assert.deepStrictEqual(exitOf(again), { _tag: "Failure", error: { _tag: "TimedOut" } })
    again.verify()
    const tidying = Flow.sleep(0).pipe(Flow.ensuring(Flow.sleep("20 minutes")), Line.hold("Please hold."))
    const trial = new Trial(tidying.pipe(Flow.dial({ to, from })))
    trial.answered()
    trial.take({ _tag: "Wake" })
    holds(trial, 100)
    assert.strictEqual(trial.reply(), "speak")
    trial.pass(20 * minute)
    assert.strictEqual(exitOf(trial)?._tag, "Failure")
    trial.verify()
  })

  it("without a Line.hold is over after sixty holds in a row, and its line is left", () => {
    const trial = new Trial(Flow.flatMap(Flow.sleep("3 hours"), () => Line.speak("Now.")).pipe(Flow.dial({ to, from })))
    trial.answered()
    holds(trial, 60)
    assert.strictEqual(count(trial), 60)
    assert.strictEqual(trial.reply(), "hangup")
  })

  it("that is a pause ends after sixty holds in a row, and the flow goes on", () => {
    const trial = new Trial(Flow.flatMap(Line.pause("3 hours"), () => Line.speak("Now.")).pipe(Flow.dial({ to, from })))
    trial.answered()
    holds(trial, 60)
    assert.strictEqual(trial.events.at(-1)?._tag, "ActionDecided")
    trial.verify()
  })

  it("records an activity's result once", () => {
    const trial = new Trial(waiting)
    trial.answered()
    const n = trial.call.wait?.n ?? 0
    assert.include(trial.take({ _tag: "ActivityEnded", n, result: { ok: true, value: "found" } }), "ActivityCompleted")
    assert.deepStrictEqual(trial.take({ _tag: "ActivityEnded", n, result: { ok: true, value: "other" } }), [])
  })

  it("hears that its activity died whose result cannot be recorded", () => {
    const trial = new Trial(Flow.activity("count", { success: Schema.Unknown }, Effect.void))
    const n = trial.call.wait?.n ?? 0
    assert.include(trial.take({ _tag: "ActivityEnded", n, result: { ok: true, value: 1n } }), "ActivityDied")
    const exit = exitOf(trial)
    const reason = exit?._tag === "Stopped" ? exit.reason : undefined
    assert.include(reason?._tag === "Defect" ? reason.message : "", "The result of an activity cannot be recorded")
  })

  it("goes on from the activity that it waits for, and not from one that was given up", () => {
    const slow = Flow.activity("slow", { success: Schema.String, within: "1 hour" }, Effect.never)
    const trial = new Trial(Flow.catchTag(Flow.timeout(slow, "1 minute"), "TimedOut", () => slow))
    const first = trial.call.wait?.n ?? 0
    trial.pass(minute)
    assert.deepStrictEqual(
      trial.take({ _tag: "ActivityEnded", n: first, result: { ok: true, value: "found" } }),
      []
    )
    assert.deepStrictEqual(trial.take({ _tag: "ActivityDied", n: first, message: "no such table" }), [])
    assert.strictEqual(trial.call.wait?._tag, "Activity")
  })
})

describe("a cancel", () => {
  it("of a live line hangs up at the next chance, and runs what ensures", () => {
    const trial = new Trial(Flow.ensuring(talk, Flow.note("tidied")))
    trial.answered()
    assert.deepStrictEqual(trial.take({ _tag: "Cancel" }), ["Cancelled", "LineLeft", "Noted", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason: { _tag: "Cancelled" } })
    trial.spoken()
    assert.strictEqual(trial.reply(), "hangup")
    assert.deepStrictEqual(trial.take({ _tag: "Cancel" }), [])
  })

  it("before another attempt is recorded means that nothing rings", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "NotSent", problem: "refused" })
    trial.take({ _tag: "Cancel" })
    trial.pass(10 * minute)
    assert.strictEqual(trial.events.filter((event) => event._tag === "DialAttempted").length, 1)
    assert.isTrue(Call.isOver(trial.call))
  })
})

/** Greets, connects the first agent, then the second, and asks whoever stays. */
const reception = Flow.inbound(() =>
  Flow.gen(function*() {
    yield* Line.speak("Welcome.")
    const first = yield* bridge(agents[0])
    const second = yield* bridge(agents[1])
    yield* Line.speak("Goodbye.")
    return [first, second]
  })
)

const leg = (trial: Trial, agent: string, extra?: { readonly before?: boolean }) =>
  trial.webhook({ event: "call_leg_completed", to: agent, from }, extra)

describe("a call that comes in", () => {
  it("is answered by what its flow says first, and a copy of it by the same", () => {
    const trial = new Trial(reception, incoming)
    assert.deepStrictEqual(trial.events.map((event) => event._tag), ["CallArrived", "ActionDecided"])
    assert.strictEqual(trial.reply(), "speak")
    assert.deepStrictEqual(trial.take(incoming), [])
    assert.strictEqual(trial.reply(), "speak")
    trial.verify()
  })

  it("tells its flow the numbers as the carrier gave them, or that there are none", () => {
    const numbers = Flow.inbound((who) => Flow.succeed([who.from ?? "no number", who.to ?? "no number"]))
    const found = (webhook: Webhook.Webhook) => exitOf(new Trial(numbers, { ...incoming, webhook }))
    assert.deepStrictEqual(found(incoming.webhook), { _tag: "Success", value: [caller, from] })
    assert.deepStrictEqual(found({ kind: "IncomingCall", event: "incoming_call", referenceId: session }), {
      _tag: "Success",
      value: ["no number", "no number"]
    })
  })

  it("is recorded with what the carrier tells beside, and with an id of ours only where marks are asked for", () => {
    const begun = (changed: Settings.Options) => {
      const webhook = { ...incoming.webhook, extra: { colour: "blue" } }
      const [event] = new Trial(Flow.inbound(() => Line.speak("Hello.")), { ...incoming, webhook }, changed).events
      return event?._tag === "CallArrived" ? [event.extra, event.externalId] : []
    }
    assert.deepStrictEqual(begun({}), [{ colour: "blue" }, undefined])
    assert.deepStrictEqual(begun({ copies: { marks: true } }), [{ colour: "blue" }, `ns.${id}.00000001`])
  })

  it("is left when its flow ends, and the flow may dial after that", () => {
    const trial = new Trial(Flow.flatMap(Flow.inbound(() => Flow.succeed("noted")), () => talk), incoming)
    assert.strictEqual(trial.reply(), "hangup")
    assert.deepStrictEqual(
      trial.events.map((event) => event._tag),
      ["CallArrived", "LineLeft", "DialPlanned", "DialAttempted"]
    )
    trial.verify()
  })

  const answers = (...prompts: ReadonlyArray<string>) =>
    Flow.inbound(() => Flow.as(Flow.forEach(prompts, (words) => Line.speak(words)), "heard"))
  const onlyEvent = (trial: Trial, line: number) =>
    trial.webhook({ event: "speak_completed", status: "speak_successful", digits: "" }, { line })

  it("is held by the flow that answers it after a dial, whatever came of that dial", () => {
    const first = Flow.catch(talk, () => Flow.succeed("unreached"))
    const reached: Array<(trial: Trial) => void> = [
      (trial) => void trial.webhook({ event: "dial_completed", status: "busy", referenceId: "b" }, { line: 2 }),
      (trial) => void trial.posted({ _tag: "Refused", status: "invalid_phone_number" }, 2),
      (trial) => {
        for (let line = 2; line <= 6; line++) {
          trial.posted({ _tag: "NotSent", problem: "no connection" }, line)
          if (trial.call.wait?._tag === "Dial") trial.next()
        }
      },
      (trial) => {
        trial.webhook({ event: "dial_completed", status: "answered", referenceId: "b" }, { line: 2 })
        trial.webhook({ event: "call_completed", referenceId: "b" }, { line: 2 })
        trial.pass(3 * second)
      },
      (trial) => {
        trial.webhook({ event: "dial_completed", status: "answered", referenceId: "b" }, { line: 2 })
        trial.webhook({ event: "speak_completed", status: "ok", digits: "", referenceId: "b" }, { line: 2 })
      },
      (trial) => {
        trial.posted({ _tag: "Lost", problem: "reset" }, 2)
        for (let hold = 0; trial.call.wait?._tag === "Dial" && hold < 60; hold++) {
          trial.take({ _tag: "ReplyDue", line: 1 })
          trial.pass(10 * second)
          onlyEvent(trial, 1)
        }
      }
    ]
    for (const reach of reached) {
      const trial = new Trial(Flow.flatMap(first, () => answers("Good evening.", "Good night.")), incoming)
      trial.line = 1
      reach(trial)
      trial.verify()
      for (let heard = 0; heard < 3 && exitOf(trial) === undefined; heard++) {
        trial.pass(second)
        onlyEvent(trial, 1)
      }
      assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "heard" })
      assert.isTrue(trial.call.lines.every((line) => line.left || line.phase === "Closed"))
      trial.verify()
    }
  })

  it("is hung up on at the end of a flow that has not answered it", () => {
    const trial = new Trial(Flow.catch(talk, () => Flow.succeed("unreached")), incoming)
    trial.posted({ _tag: "Refused", status: "invalid_phone_number" }, 2)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "unreached" })
    onlyEvent(trial, 1)
    assert.strictEqual(trial.reply(1), "hangup")
    trial.pass(minute)
    assert.isTrue(Call.isOver(trial.call))
  })

  it("is answered once: what answers it again speaks to nobody", () => {
    const twice = Flow.flatMap(Flow.inbound(() => Flow.succeed(0)), () => answers("Are you still there?"))
    const trial = new Trial(twice, incoming)
    assert.strictEqual(trial.reply(), "hangup")
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
    trial.verify()
  })

  const waitsBehind = Flow.flatMap(talk, () => answers("Good evening."))

  it.each([
    ["a cancel", (trial: Trial) => void trial.take({ _tag: "Cancel" })],
    ["a defect", (trial: Trial) => {
      trial.live = Decider.defect(trial.live, new Error("broken"), trial.now).live
    }],
    ["FlowDiverged", (trial: Trial) => void trial.diverge()]
  ])("is left by %s, and so is every other line of its call", (_, end) => {
    const trial = new Trial(waitsBehind, incoming)
    assert.deepStrictEqual(trial.call.lines.map((line) => line.left), [false, false])
    end(trial)
    assert.strictEqual(exitOf(trial)?._tag, "Stopped")
    assert.deepStrictEqual(trial.call.lines.map((line) => line.left), [true, true])
    onlyEvent(trial, 1)
    assert.strictEqual(trial.reply(1), "hangup")
  })

  it("is left at once by a cancel, though something that ensures waits on", () => {
    const held = Flow.inbound(() => Line.speak("Good evening.").pipe(Flow.ensuring(Flow.sleep("1 hour"))))
    const trial = new Trial(held, incoming)
    assert.deepStrictEqual(trial.take({ _tag: "Cancel" }), ["Cancelled", "LineLeft", "SleepStarted"])
    trial.spoken()
    assert.strictEqual(trial.reply(), "hangup")
    trial.pass(60 * minute)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason: { _tag: "Cancelled" } })
    trial.verify()
  })

  it("that is bridged is over by the limit of its bridge if nothing more is heard of it", () => {
    const shortly = Line.bridge({ to: agents[0], from, maxCallDuration: "2 minutes" })
    const trial = new Trial(Flow.inbound(() => Flow.flatMap(Line.speak("One moment."), () => shortly)), incoming)
    trial.now += 2 * second
    trial.spoken()
    trial.webhook({ event: "dial_completed", status: "answered", to: agents[0], from })
    assert.strictEqual(trial.status, "Bridged")
    trial.pass(6 * minute)
    assert.isUndefined(exitOf(trial))
    trial.pass(minute)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
    assert.isTrue(Call.isOver(trial.call))
  })

  it("that is bridged keeps the time of its bridge when the clock is set forward", () => {
    const shortly = Line.bridge({ to: agents[0], from, maxCallDuration: "2 minutes" })
    const trial = new Trial(Flow.inbound(() => shortly), incoming)
    trial.webhook({ event: "dial_completed", status: "answered", to: agents[0], from })
    const jumpedMillis = 60 * minute
    trial.now += jumpedMillis
    trial.take({ _tag: "Restart", crashedAt: trial.now - jumpedMillis, jumpedMillis }, "p1")
    assert.notInclude(trial.pass(6 * minute), "LinePresumedClosed")
    assert.include(trial.pass(minute), "LinePresumedClosed")
  })

  it("is over at the carrier's four hours if nothing is ever heard of it", () => {
    const trial = new Trial(Flow.inbound(() => bridge(agents[0])), incoming)
    trial.pass(4 * 60 * minute)
    assert.isUndefined(exitOf(trial))
    trial.pass(10 * minute)
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
    assert.isTrue(Call.isOver(trial.call))
  })
})

describe("a bridge", () => {
  const connected = () => {
    const trial = new Trial(reception, incoming)
    trial.now += 2 * second
    trial.spoken()
    assert.strictEqual(trial.reply(), "dial")
    return trial
  }

  /** The next prompt is heard to its end, which takes its time. */
  const said = (trial: Trial) => {
    trial.now += 5 * second
    return trial.spoken()
  }

  it("goes on when the leg ends, with whoever stays, and tells who left", () => {
    const trial = connected()
    trial.now += minute
    assert.deepStrictEqual(leg(trial, agents[0]), ["LegEnded", "ActionDecided"])
    assert.strictEqual(trial.reply(), "dial")
    assert.deepStrictEqual(trial.webhook({ event: "call_leg_completed", to: from, from: caller }), [
      "LegEnded",
      "ActionDecided"
    ])
    assert.strictEqual(trial.reply(), "speak")
    said(trial)
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Success",
      value: [{ _tag: "Left", who: "them" }, { _tag: "Left", who: "caller" }]
    })
    trial.verify()
  })

  it("knows its leg by a number with a + too, and does not guess who left without numbers", () => {
    const trial = connected()
    leg(trial, `+${agents[0]}`)
    trial.webhook({ event: "call_leg_completed" })
    said(trial)
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Success",
      value: [{ _tag: "Left", who: "them" }, { _tag: "Left", who: "unknown" }]
    })
  })

  it("knows the caller by the number that calls, where the one that was called is not told", () => {
    const trial = new Trial(Flow.inbound(() => bridge(agents[0])), incoming)
    trial.webhook({ event: "call_leg_completed", from: caller })
    const ended = trial.events.find((event) => event._tag === "LegEnded")
    assert.strictEqual(ended?.leg, "caller")
  })

  it("is ended by an event without numbers as often as it comes", () => {
    const trial = connected()
    trial.webhook({ event: "call_leg_completed" })
    assert.deepStrictEqual(trial.webhook({ event: "call_leg_completed" }), ["LegEnded", "ActionDecided"])
    said(trial)
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Success",
      value: [{ _tag: "Left", who: "unknown" }, { _tag: "Left", who: "unknown" }]
    })
  })

  it("that nobody answers goes on as not connected, with the carrier's word", () => {
    const trial = connected()
    trial.webhook({ event: "dial_completed", status: "busy", to: agents[0], from })
    leg(trial, agents[1])
    said(trial)
    assert.deepStrictEqual(exitOf(trial), {
      _tag: "Success",
      value: [{ _tag: "NotConnected", status: "busy" }, { _tag: "Left", who: "them" }]
    })
  })

  it("is left in peace when its leg is answered", () => {
    const trial = connected()
    const answer = { event: "dial_completed", status: "answered", to: agents[0], from }
    assert.deepStrictEqual(trial.webhook(answer), ["LegAnswered"])
    assert.strictEqual(trial.reply(), "Nothing")
    assert.deepStrictEqual(trial.webhook(answer), [])
    assert.strictEqual(trial.reply(), "Nothing")
  })

  it("that the caller hangs up on is a hang-up", () => {
    const trial = connected()
    assert.deepStrictEqual(trial.ended(), ["CallEnded", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Failure", error: { _tag: "HungUp" } })
    assert.isTrue(Call.isOver(trial.call))
  })

  it("is not dialled twice for a copy of the event before it, but after a hold that was heard", () => {
    const trial = connected()
    trial.now += 3 * second
    trial.spoken()
    assert.strictEqual(trial.reply(), "speak")
    trial.now += 2 * second
    assert.deepStrictEqual(trial.spoken(), ["HoldCompleted"])
    assert.strictEqual(trial.reply(), "dial")
    trial.verify()
  })

  it("is not dialled twice for a second copy that comes before the hold can have been heard", () => {
    const trial = connected()
    trial.spoken()
    trial.now += 400
    assert.deepStrictEqual(trial.spoken(), [])
    assert.strictEqual(trial.reply(), "speak")
    trial.now += 100
    assert.deepStrictEqual(trial.spoken(), ["HoldCompleted"])
    assert.strictEqual(trial.reply(), "dial")
    trial.verify()
  })

  it("is not dialled twice for a copy of the call that came in", () => {
    const trial = new Trial(Flow.inbound(() => bridge(agents[0])), incoming)
    assert.strictEqual(trial.reply(), "dial")
    assert.deepStrictEqual(trial.take(incoming), ["HoldAnswered"])
    assert.strictEqual(trial.reply(), "speak")
    trial.spoken()
    assert.strictEqual(trial.reply(), "dial")
    trial.verify()
  })

  it("is not dialled twice either if the copy comes to a process that has the call in memory", () => {
    const trial = new Trial(Flow.inbound(() => bridge(agents[0])), incoming)
    assert.deepStrictEqual(trial.webhook(incoming.webhook), ["HoldAnswered"])
    assert.strictEqual(trial.reply(), "speak")
  })

  it("is not dialled for digits while a hold finds out whether it began", () => {
    const asked = Flow.inbound(() => Flow.andThen(Line.collect("Which?", { max: 1 }), bridge(agents[0])))
    const trial = new Trial(asked, incoming)
    trial.spoken("1")
    trial.spoken("1")
    assert.strictEqual(trial.reply(), "speak")
    trial.now += 2 * second
    trial.spoken("1")
    assert.strictEqual(trial.reply(), "speak")
    trial.spoken()
    assert.strictEqual(trial.reply(), "dial")
  })

  it("is not ended by a second word about the leg before it", () => {
    const trial = connected()
    leg(trial, agents[0])
    assert.strictEqual(trial.reply(), "dial")
    assert.notInclude(leg(trial, agents[0]), "LegEnded")
    assert.strictEqual(trial.reply(), "speak")
    assert.deepStrictEqual(leg(trial, agents[1]), ["LegEnded", "ActionDecided"])
    trial.verify()
  })

  it("does not fail by a second word about the failure before it", () => {
    const trial = connected()
    const busy = { event: "dial_completed", status: "busy", to: agents[0], from }
    assert.deepStrictEqual(trial.webhook(busy), ["LegFailed", "ActionDecided"])
    assert.notInclude(trial.webhook(busy), "LegFailed")
    assert.deepStrictEqual(leg(trial, agents[1]), ["LegEnded", "ActionDecided"])
  })

  it("to the same number again is ended by an equal event, unless that was here before the dial was given", () => {
    const twice = Flow.inbound(() => Flow.zip(bridge(agents[0]), bridge(agents[0])))
    const trial = new Trial(twice, incoming)
    leg(trial, agents[0])
    assert.notInclude(leg(trial, agents[0], { before: true }), "LegEnded")
    assert.include(leg(trial, agents[0]), "LegEnded")
    assert.strictEqual(exitOf(trial)?._tag, "Success")
  })

  it("that the flow does not wait for any more lets the two talk on, and then says what the flow wants", () => {
    const short = Flow.inbound(() =>
      bridge(agents[0]).pipe(
        Flow.timeout("1 minute"),
        Flow.catchTag("TimedOut", () => Flow.as(Line.speak("That was your minute."), "late"))
      )
    )
    const trial = new Trial(short, incoming)
    trial.pass(2 * minute)
    assert.strictEqual(trial.call.lines[0]?.phase, "Bridged")
    assert.deepStrictEqual(leg(trial, agents[0]), ["LegEnded"])
    assert.strictEqual(trial.reply(), "speak")
    trial.spoken()
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "late" })
    trial.verify()
  })

  it("of a call that is cancelled lets the two talk on, and hangs up when one of them leaves", () => {
    const trial = connected()
    trial.take({ _tag: "Cancel" })
    trial.pass(60 * minute)
    assert.isFalse(Call.isOver(trial.call))
    leg(trial, agents[0])
    assert.strictEqual(trial.reply(), "hangup")
  })
})

describe("a number of chance", () => {
  it("is the same in a replay, and another in another call and at another place", () => {
    const two = Flow.gen(function*() {
      return [yield* Flow.random, yield* Flow.random]
    })
    const valuesOf = (callId: CallEvent.CallId) => {
      const circumstances = { now: 0, process: "p1", namespace: "ns", chance: "00000000", settings }
      const start = { _tag: "Start", flow: "test", version: 1, input: {} } as const
      const { events } = Decider.decide(LiveCall.prepare(callId, define(two), {}), start, circumstances)
      return events.flatMap((event) => event._tag === "Drawn" ? [event.value] : [])
    }
    const values = [...valuesOf(id), ...valuesOf("kjhgfedcba9876543210" as CallEvent.CallId)]
    assert.strictEqual(new Set(values).size, 4)
    assert.deepStrictEqual(valuesOf(id), values.slice(0, 2))
  })
})

describe("a restart", () => {
  it("puts a dial in doubt whose sender is gone, and listens anew", () => {
    const trial = new Trial(talk)
    trial.now += 10 * minute
    assert.deepStrictEqual(trial.take({ _tag: "Restart", crashedAt: trial.now }, "p2"), ["DialUnknown", "Restarted"])
    assert.deepStrictEqual(trial.pass(4 * minute - 1), [])
    trial.answered()
    assert.strictEqual(trial.reply(), "speak")
    trial.verify()
  })

  it("leaves a dial alone that the same process sent", () => {
    const trial = new Trial(talk)
    assert.notInclude(trial.take({ _tag: "Restart", crashedAt: 0 }, "p1"), "DialUnknown")
  })

  it("gives a waiting activity its whole time again", () => {
    const trial = new Trial(
      Flow.activity("slow", {}, Effect.void).pipe(Flow.flatMap(() => talk))
    )
    trial.now += 10 * minute
    trial.take({ _tag: "Restart", crashedAt: trial.now }, "p2")
    assert.deepStrictEqual(trial.pass(29 * second), [])
    assert.include(trial.pass(second), "ActivityOverdue")
  })

  it("doubts the delivery of what was recorded right before", () => {
    const trial = new Trial(talk)
    trial.answered()
    trial.take({ _tag: "Restart", crashedAt: trial.now + second }, "p2")
    assert.isTrue(trial.call.lines[0]?.inFlight?.doubtful)
    const early = new Trial(talk)
    early.answered()
    early.take({ _tag: "Restart", crashedAt: early.now + 3 * second }, "p2")
    assert.isFalse(early.call.lines[0]?.inFlight?.doubtful)
  })
})

describe("a flow that has changed", () => {
  it("is found out by its first difference from the log, which names no value", () => {
    const trial = new Trial(talk)
    trial.answered()
    const changed = define(Line.speak("Your PIN is 4021.").pipe(Flow.dial({ to, from })))
    const { divergence, live } = Replay.rebuild(id, changed, trial.events)
    assert.deepStrictEqual(divergence, { at: 4, recorded: "ActionDecided with another action", now: "ActionDecided" })
    const decided = Replay.diverge(live, divergence!, trial.now)
    assert.deepStrictEqual(decided.events.map((event) => event._tag), ["LineLeft", "FlowEnded"])
    assert.strictEqual(decided.live.call.exit?._tag, "Stopped")
    assert.isTrue(decided.live.call.lines[0]?.left)
  })

  it("that ends where it went on is found out", () => {
    const trial = new Trial(Flow.flatMap(talk, () => Flow.sleep("1 minute")))
    trial.answered()
    trial.spoken()
    const { divergence } = Replay.rebuild(id, define(talk), trial.events)
    assert.deepStrictEqual(divergence, { at: 7, recorded: "SleepStarted", now: "FlowEnded" })
  })
})

describe("a flow that is not trusted any more", () => {
  it("is stopped with a defect: every line is left, nothing of it runs, and its words are masked and cut", () => {
    let finalized = 0
    const finalizer = Flow.suspend(() => {
      finalized++
      return Flow.succeed(undefined)
    })
    const trial = new Trial(talk.pipe(Flow.ensuring(finalizer)))
    trial.answered()
    const thrown = new Error(`${to} said so: ${"x".repeat(1000)}`)
    trial.decided(Decider.defect(trial.live, thrown, trial.now + second))
    assert.deepStrictEqual(trial.events.slice(-2).map((event) => event._tag), ["LineLeft", "FlowEnded"])
    const { exit } = trial.call
    assert(exit?._tag === "Stopped" && exit.reason._tag === "Defect")
    assert.match(exit.reason.message, /^•{11} said so: x+…$/)
    assert.strictEqual(exit.reason.message.length, 500)
    trial.spoken()
    assert.strictEqual(trial.reply(), "hangup")
    trial.ended()
    assert.isTrue(Call.isOver(trial.call))
    assert.strictEqual(finalized, 0)
    trial.verify()
  })

  it.each([
    ["a defect", (trial: Trial) => trial.decided(Decider.defect(trial.live, new Error("broken"), trial.now))],
    ["FlowDiverged", (trial: Trial) => void trial.diverge()]
  ])("has no deadlines any more after %s: time brings it nothing but the end of its lines", (_, end) => {
    const trial = new Trial(Flow.timeout(talk, "1 minute"))
    trial.answered()
    end(trial)
    assert.deepStrictEqual(trial.pass(60 * minute), ["LinePresumedClosed"])
    assert.isTrue(Call.isOver(trial.call))
  })

  it("stays as it is once it has ended", () => {
    const trial = new Trial(Flow.succeed(undefined))
    assert.deepStrictEqual(Decider.defect(trial.live, new Error("late"), trial.now).events, [])
  })
})

describe("an explanation", () => {
  it("tells for each decision which fact it went on from, without numbers, digits or words", () => {
    const trial = new Trial(question)
    trial.answered()
    trial.now += 5 * second
    trial.spoken("7")
    assert.deepStrictEqual(
      Explain.decisions(trial.events).map(({ because, decision, n }) => [n, decision, because]),
      [
        [1, "DialPlanned on line 1: to 1••••••••01, at most 900 s", "CallStarted: test, version 1, without a key"],
        [2, "ActionDecided on line 1: speak, collect 1", "CallAnswered on line 1"],
        [undefined, "LineLeft on line 1", "PromptCompleted on line 1: 1 key"],
        [undefined, "FlowEnded: success", "PromptCompleted on line 1: 1 key"]
      ]
    )
  })
})

describe("a call that has not begun", () => {
  const inputs: ReadonlyArray<CallInput.CallInput> = [
    { _tag: "Wake" },
    { _tag: "Signalled", name: "go", value: 1 },
    { _tag: "Cancel" },
    { _tag: "ActivityEnded", n: 1, result: { ok: true, value: 1 } },
    { _tag: "ActivityDied", n: 1, message: "no such table" },
    { _tag: "Restart", crashedAt: 0 },
    { _tag: "FlowMissing" }
  ]
  const nothing = LiveCall.prepare(id, define(talk), {})

  for (const input of inputs) {
    it(`does not begin by ${input._tag}`, () => {
      const decided = Decider.decide(nothing, input, {
        now: 1_000,
        process: "p1",
        namespace: "ns",
        chance: "00000000",
        settings
      })
      assert.deepStrictEqual(decided.events, [])
    })
  }

  const webhook = { event: "speak_completed", referenceId: session } as Webhook.Webhook
  const received = { webhook, receivedAt: 1_000, before: false, copies: 0, unsent: false }
  const ofLines: ReadonlyArray<CallInput.CallInput> = [
    { _tag: "Webhook", line: 1, received },
    { _tag: "Posted", line: 1, posted: { _tag: "Accepted", referenceId: session } },
    { _tag: "ReplyBroke", line: 1, n: 2 },
    { _tag: "Held", line: 1, n: 2 }
  ]

  // A database that went back in time may have lost the turns that the line began with.
  for (const input of ofLines) {
    it(`takes ${input._tag} of a line that is not known for nothing`, () => {
      const decided = Decider.decide(nothing, input, {
        now: 1_000,
        process: "p1",
        namespace: "ns",
        chance: "0",
        settings
      })
      assert.deepStrictEqual([decided.events, decided.answer], [[], "nothing"])
    })
  }

  it("waits for nothing, and answers nothing", () => {
    const waits = { what: "nothing", until: undefined, otherwise: "nothing" }
    assert.deepStrictEqual(Explain.waitingFor(nothing.call, settings), waits)
    assert.deepStrictEqual(Call.reply(nothing.call, 1, "line", settings), { _tag: "Nothing" })
  })
})

describe("the input of a call", () => {
  it("is the same as one with equal values, in whichever order, and as no other", () => {
    const trial = new Trial(talk, { _tag: "Start", flow: "test", version: 1, input: { a: 1, b: [{ c: null }] } })
    assert.isTrue(Call.isSameInput(trial.call, { b: [{ c: null }], a: 1 }))
    assert.isFalse(Call.isSameInput(trial.call, { b: [{ c: 0 }], a: 1 }))
    assert.isFalse(Call.isSameInput(trial.call, undefined))
  })
})

describe("what a call waits for", () => {
  it("is nothing once it is over", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "Refused", status: "invalid_phone_number" })
    const waits = { what: "nothing: it is over", until: undefined, otherwise: "nothing" }
    assert.deepStrictEqual(Explain.waitingFor(trial.call, trial.settings), waits)
    assert.deepStrictEqual(Explain.waitingWithoutFlow(trial.call, trial.settings), waits)
  })

  it("is told in words, with the time at which something happens by itself", () => {
    const trial = new Trial(talk)
    assert.deepStrictEqual(Explain.waitingFor(trial.call, settings), {
      what: "an answer to its dial on line 1",
      until: trial.now + minute,
      otherwise: "the flow is told that nobody answered, and a later answer is hung up on"
    })
    trial.answered()
    assert.deepStrictEqual(
      Object.values(Explain.waitingFor(trial.call, settings)).filter((value) => typeof value === "string"),
      ["the end of what it says on line 1", "the line counts as lost, and the flow as hung up on"]
    )
    trial.spoken()
    assert.deepStrictEqual(Explain.waitingFor(trial.call, settings), {
      what: "the end of the line",
      until: trial.now + 30 * second,
      otherwise: "the line is presumed closed"
    })
    trial.ended()
    assert.isUndefined(Explain.waitingFor(trial.call, settings).until)
  })

  it("is what its dial waits for, whatever else has its time before", () => {
    const hurried = Flow.timeout(talk, "1 hour")
    const trial = new Trial(hurried)
    trial.posted({ _tag: "NotSent", problem: "no", obstacle: "credentials" })
    const said = (known: Explain.Known) => Explain.waitingFor(trial.call, trial.settings, known).what
    assert.strictEqual(said({}), "the carrier to accept the credentials")
    assert.strictEqual(said({ obstacles: [] }), "the next attempt to dial")
    const held = new Trial(Flow.andThen(Flow.sleep("10 minutes"), hurried))
    held.restored = [{ before: 1_000_001, dials: "hold" }]
    held.pass(10 * minute)
    assert.deepStrictEqual(
      [{}, { restored: held.restored }, { restored: [{ before: 1_000_001, dials: "dial" as const }] }].map((known) =>
        Explain.waitingFor(held.call, held.settings, known).what
      ),
      [
        "somebody to say whether its phone has rung",
        "somebody to say whether its phone has rung",
        "its place among the dials that wait"
      ]
    )
  })

  it("is a sign of a dial of which nobody knows whether it rings", () => {
    const trial = new Trial(talk)
    trial.posted({ _tag: "Lost", problem: "no answer came" })
    assert.strictEqual(
      Explain.waitingFor(trial.call, settings).what,
      "a sign of its dial on line 1, of which nobody knows whether it rings"
    )
  })

  it("names no number, whatever a signal and a flow are called", () => {
    const Told = Flow.Signal("of +1 555 017 0001", Schema.Void)
    const trial = new Trial(Flow.signal(Told, { within: "1 hour" }), undefined, {}, { declared: [Told] })
    assert.strictEqual(Explain.waitingFor(trial.call, settings).what, "the signal of +••••••••••••••")
  })
})

// ---------------------------------------------------------------------------------------------------------------------

const options = { arbitrary: { runs: 400 } }

describe.each(["outbound", "inbound", "inbound, and dials first"] as const)(
  "whatever happens to a call that is %s",
  (direction) => {
    it.prop(
      "a replay of the log gives the state in memory, after every event",
      [Schema.Array(Happening)],
      ([happenings]) => {
        history(happenings, direction)
      },
      options
    )

    it.prop(
      "every call reaches its end by itself once nothing comes any more",
      [Schema.Array(Happening)],
      ([happenings]) => {
        const trial = history(happenings, direction)
        for (let hour = 0; hour < 24 && !Call.isOver(trial.call); hour++) trial.pass(60 * minute)
        assert.isTrue(Call.isOver(trial.call), JSON.stringify(trial.call))
      },
      options
    )

    it.prop(
      "a call that is not over always waits for something that has a time",
      [Schema.Array(Happening)],
      ([happenings]) => {
        const trial = history(happenings, direction)
        if (!Call.isOver(trial.call)) assert.isDefined(Explain.waitingFor(trial.call, settings).until)
      },
      options
    )

    it.prop("no attempt is recorded while the same phone may ring", [Schema.Array(Happening)], ([happenings]) => {
      const trial = history(happenings, direction)
      let call = Call.initial(id)
      for (const event of trial.events) {
        if (event._tag === "DialAttempted") {
          const ringing = call.lines.filter((line) =>
            line.id !== event.line && !line.presumed &&
            (line.phase === "Attempted" || line.phase === "Ringing" || line.phase === "Unknown")
          )
          assert.deepStrictEqual(ringing, [])
        }
        call = Call.evolve(call, event)
      }
    }, options)

    it.prop("an outcome, once recorded, stands", [Schema.Array(Happening)], ([happenings]) => {
      const trial = history(happenings, direction)
      assert.isAtMost(trial.events.filter((event) => event._tag === "FlowEnded").length, 1)
    }, options)

    it.prop(
      "with its outcome a call has left every line that it has",
      [Schema.Array(Happening)],
      ([happenings]) => {
        const trial = history([...happenings, { kind: "cancel" }], direction)
        if (exitOf(trial) === undefined) return
        assert.isTrue(trial.call.lines.every((line) => line.left || line.phase === "Closed"))
      },
      options
    )

    it.prop(
      "the same webhook again, at the same moment, changes nothing",
      [Schema.Array(Happening)],
      ([happenings]) => {
        const trial = history(happenings, direction)
        trial.pass(0) // a process that comes back to a call does what is overdue
        const last = trial.call.lines.at(-1)
        if (last === undefined) return
        for (const event of ["dial_completed", "speak_completed", "call_completed"]) {
          const webhook = { event, status: "answered", digits: "1", referenceId: last.referenceId ?? "a" }
          trial.webhook(webhook, { line: last.id })
          if (trial.call.lines.at(-1)?.phase === "Bridged") return // a hold finds out what became of the bridge
          const call = trial.call
          const reply = trial.reply(last.id)
          const strays = call.strays
          trial.webhook(webhook, { line: last.id, before: true })
          if (trial.call.strays === strays) {
            assert.deepStrictEqual(trial.call, call)
            if (event !== "call_completed") assert.strictEqual(trial.reply(last.id), reply)
          }
        }
      },
      options
    )

    it.prop("what is stored and read again is the same", [Schema.Array(Happening)], ([happenings]) => {
      const { events } = history(happenings, direction)
      assert.deepStrictEqual(Events.decode(Events.encode(events)), JSON.parse(Events.encode(events)))
    }, options)
  }
)
