/** A call in a process that has not registered its flow, and the flow that hears of it later. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Call, type CallEvent, Explain, Flow, Line, Replay } from "../src/index.ts"
import { happen, Happening, history } from "./fixtures/histories.ts"
import { from, id, minute, other, second, settings, to, Trial } from "./fixtures/Trial.ts"

const greeting = Line.speak("Good morning.").pipe(
  Flow.andThen(Line.menu("1 or 2?", { choices: { "1": "one", "2": "two" } })),
  Flow.dial({ to, from, ringFor: "40 seconds" }),
  Flow.ensuring(Flow.note("over"))
)

/** A dial of which the phone rings, in a process that has not registered the flow. */
const ringing = (flow: Flow.Flow<unknown, Flow.Failure, unknown> = greeting): Trial => {
  const trial = new Trial(flow)
  trial.posted({ _tag: "Accepted", referenceId: "7A10C4E2B95D4F0E8C3311AA90FE6D21" })
  trial.elsewhere()
  return trial
}

/** What a webhook is answered with that still waits. */
const owed = (trial: Trial): string => {
  trial.answer = "line"
  return trial.reply()
}

const exitOf = (trial: Trial) => trial.call.exit

/** An end is one that a replay understands, though the flow has not heard of it. */
const replays = (trial: Trial): void => {
  const { divergence, live } = Replay.rebuild(id, trial.definition, trial.events)
  assert.strictEqual(divergence, undefined)
  assert.deepStrictEqual(live.call, trial.call)
}

describe("a call in a process that has not registered its flow", () => {
  it("records an answer and waits for the flow, then holds the line", () => {
    const trial = ringing()
    assert.deepStrictEqual(trial.answered(), ["FlowAwaited", "CallAnswered"])
    assert.strictEqual(trial.reply(), "Wait")
    assert.deepStrictEqual(trial.take({ _tag: "ReplyDue", line: 1 }), ["HoldAnswered"])
    assert.deepStrictEqual(trial.spoken(), ["HoldCompleted"])
    trial.verify()
  })

  it("is due at once where its flow is known, which goes on from the answer", () => {
    const trial = ringing()
    trial.answered()
    assert.strictEqual(Explain.waitingFor(trial.call, settings).until, trial.now)
    trial.back()
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["FlowResumed", "ActionDecided"])
    assert.strictEqual(owed(trial), "speak")
    trial.verify()
  })

  it("gives the action behind a hold, if the flow heard of the answer too late", () => {
    const trial = ringing()
    trial.answered()
    trial.take({ _tag: "ReplyDue", line: 1 })
    trial.back()
    trial.take({ _tag: "Wake" })
    assert.deepStrictEqual(trial.spoken(), ["HoldCompleted"])
    assert.strictEqual(trial.reply(), "speak")
  })

  it("goes on by itself with the next webhook where its flow is known", () => {
    const trial = ringing()
    trial.answered()
    trial.back()
    assert.deepStrictEqual(trial.ended(), ["FlowResumed", "ActionDecided", "CallEnded"])
    trial.verify()
  })

  it("tells the flow that the callee hung up, though the answer came first", () => {
    const trial = ringing()
    trial.answered()
    trial.ended()
    trial.back()
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["FlowResumed", "Noted", "FlowEnded"])
    assert.deepInclude(exitOf(trial), { _tag: "Failure" })
    trial.verify()
  })

  it("leaves the time of the flow to a process that knows it", () => {
    const trial = new Trial(Flow.sleep("10 minutes").pipe(Flow.timeout("5 minutes")))
    trial.elsewhere()
    assert.deepStrictEqual(trial.pass(20 * minute), [])
    trial.back()
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DeadlinePassed", "DeadlineLifted", "FlowEnded"])
  })

  it("looks after its lines alone: a line without a sign of life is given up", () => {
    const trial = ringing()
    trial.answered()
    assert.include(trial.pass(5 * minute), "LineSilent")
    trial.verify()
  })

  it("dials nobody", () => {
    const trial = new Trial(greeting)
    trial.posted({ _tag: "NotSent", problem: "connection refused" })
    trial.elsewhere()
    trial.now += 30 * second
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), [])
    assert.deepStrictEqual(trial.take({ _tag: "FlowMissing" }), [])
    trial.back()
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["DialAttempted"])
  })

  it("records a signal, which the flow hears later", () => {
    const trial = new Trial(Flow.signal(Flow.Signal("go", Schema.Number), { within: "1 hour" }))
    trial.elsewhere()
    assert.deepStrictEqual(trial.take({ _tag: "Signalled", name: "go", value: 1 }), ["FlowAwaited", "SignalReceived"])
    trial.back()
    trial.take({ _tag: "Wake" })
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: 1 })
    trial.verify()
  })

  it("runs no activity, not after a restart either", () => {
    const trial = new Trial(Flow.activity("book", {}, Effect.void))
    trial.elsewhere()
    assert.deepStrictEqual(trial.take({ _tag: "Restart", crashedAt: trial.now }, "p2"), [])
  })
})

describe("a call that is cancelled in a process that has not registered its flow", () => {
  it("is stopped where the flow is known, with its finalizers", () => {
    const trial = ringing()
    assert.deepStrictEqual(trial.take({ _tag: "Cancel" }), ["FlowAwaited", "Cancelled"])
    trial.back()
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["FlowResumed", "LineLeft", "Noted", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason: { _tag: "Cancelled" } })
    trial.verify()
  })

  it("is stopped too if the callee has answered meanwhile, before or after", () => {
    for (const order of [["answer", "cancel"], ["cancel", "answer"]]) {
      const trial = ringing()
      for (const what of order) {
        if (what === "answer") trial.answered()
        else trial.take({ _tag: "Cancel" })
      }
      trial.back()
      trial.take({ _tag: "Wake" })
      assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason: { _tag: "Cancelled" } })
      assert.strictEqual(owed(trial), "hangup")
      trial.verify()
    }
  })

  it("is stopped too if its callee had hung up before, though the flow would have been over", () => {
    const trial = ringing()
    trial.answered()
    trial.ended()
    trial.take({ _tag: "Cancel" })
    trial.back()
    assert.deepStrictEqual(trial.take({ _tag: "Wake" }), ["FlowResumed", "Noted", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason: { _tag: "Cancelled" } })
    trial.verify()
  })

  it("takes no answer from before for one to what a finalizer asks", () => {
    const apology = Line.speak("Sorry.").pipe(Flow.dial({ to: other, from, ringFor: "40 seconds" }))
    const trial = ringing(
      greeting.pipe(
        Flow.ensuring(apology.pipe(Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed(undefined))))
      )
    )
    trial.take({ _tag: "Cancel" })
    trial.answered()
    trial.back()
    trial.take({ _tag: "Wake" })
    assert.deepInclude(trial.call.wait, { _tag: "Dial", line: 2 })
    assert.strictEqual(owed(trial), "hangup")
    trial.verify()
  })

  it("ends at once if no process knows the flow, and every line is left", () => {
    const trial = ringing()
    trial.answered()
    trial.take({ _tag: "Cancel" })
    assert.deepStrictEqual(trial.take({ _tag: "FlowMissing" }), ["LineLeft", "FlowEnded"])
    assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason: { _tag: "Cancelled" } })
    assert.strictEqual(owed(trial), "hangup")
    replays(trial)
  })
})

describe("a call whose flow no process knows", () => {
  it("is ended when its flow should have gone on an hour ago, and not before", () => {
    const trial = new Trial(Flow.sleep("1 day"))
    trial.elsewhere()
    assert.deepStrictEqual(trial.pass(25 * 60 * minute - 1), [])
    assert.deepStrictEqual(trial.pass(1), ["FlowAwaited", "FlowEnded"])
    const reason = { _tag: "FlowMissing", flow: "test", version: 1 } as const
    assert.deepStrictEqual(exitOf(trial), { _tag: "Stopped", reason })
    replays(trial)
  })

  it("goes on if a process comes that knows it", () => {
    const trial = new Trial(Flow.sleep("1 hour").pipe(Flow.as("rested")))
    trial.elsewhere()
    trial.take({ _tag: "FlowMissing" })
    trial.pass(90 * minute)
    trial.back()
    trial.take({ _tag: "Wake" })
    assert.deepStrictEqual(exitOf(trial), { _tag: "Success", value: "rested" })
  })

  it("ends though a line is open: nobody is kept on hold for ever", () => {
    const trial = ringing()
    trial.answered()
    for (let hold = 0; hold < 70 && trial.status === "Owing"; hold++) {
      trial.take({ _tag: "ReplyDue", line: 1 })
      trial.now += 2 * second
      trial.spoken()
    }
    assert.strictEqual(owed(trial), "hangup")
    trial.pass(2 * 60 * minute)
    assert.isTrue(Call.isOver(trial.call))
    replays(trial)
  })
})

// ---------------------------------------------------------------------------------------------------------------------

const isMarker = ({ _tag }: CallEvent.CallEvent): boolean =>
  _tag === "FlowAwaited" || _tag === "FlowResumed" || _tag === "HoldAnswered"

/** What an input has brought, in which process ever; holds and the words about who recorded it do not count. */
const brought = (trial: Trial, since: number): ReadonlyArray<CallEvent.CallEvent> =>
  trial.events.slice(since).filter((event) => !isMarker(event))

/** The same call again, for another way to go on with it. */
const copyOf = (trial: Trial): Trial => {
  const copy = Object.assign(Object.create(Trial.prototype) as Trial, trial, { events: [...trial.events] })
  copy.elsewhere()
  copy.back()
  return copy
}

/** Of several facts at once, the flow hears of the first before the second is known, or of all of them together. */
const isOne = (happening: typeof Happening.Type): boolean =>
  happening.kind === "webhook" || happening.kind === "posted" || happening.kind === "cancel" ||
  happening.kind === "reply broke"

/** What only happens where the flow is known is left out. */
const isUnheard = ({ kind }: typeof Happening.Type): boolean => !["activity", "back", "died"].includes(kind)

describe.each(["outbound", "inbound"] as const)("whatever happens to a call that is %s", (direction) => {
  it.prop(
    "one fact that a flow hears of later brings what it brings at once, but for holds",
    [Schema.Array(Happening), Happening],
    ([happenings, last]) => {
      if (!isOne(last)) return
      const known = history(happenings.filter(({ kind }) => kind !== "elsewhere"), direction)
      if (known.call.exit !== undefined) return
      const unknown = copyOf(known)
      const since = known.events.length
      happen(known, last)
      unknown.elsewhere()
      happen(unknown, last)
      unknown.back()
      unknown.take({ _tag: "Wake" })
      known.take({ _tag: "Wake" })
      assert.deepStrictEqual(brought(unknown, since), brought(known, since))
      assert.deepStrictEqual(exitOf(unknown), exitOf(known))
    },
    { arbitrary: { runs: 2000 } }
  )

  it.prop(
    "a cancel that a flow hears of later stops it, whatever else it has not heard",
    [Schema.Array(Happening), Schema.Array(Happening), Schema.Array(Happening)],
    ([heard, before, behind]) => {
      const trial = history(heard, direction)
      trial.elsewhere()
      for (const happening of before.filter(isUnheard)) happen(trial, happening)
      trial.take({ _tag: "Cancel" })
      if (!trial.call.cancelled) return
      for (const happening of behind.filter(isUnheard)) happen(trial, happening)
      trial.back()
      trial.take({ _tag: "Wake" })
      assert.strictEqual(exitOf(trial)?._tag, "Stopped")
      trial.verify()
    },
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "no dial is attempted and nothing of the flow is decided between the two marks, but its end",
    [Schema.Array(Happening)],
    ([happenings]) => {
      const trial = history(happenings, direction)
      let call = Call.initial(id)
      for (const event of trial.events) {
        const isUnheard = call.unheardSince !== undefined
        if (isUnheard) {
          assert.notInclude(
            ["DialAttempted", "DialPlanned", "ActionDecided", "SleepStarted", "ActivityStarted", "Noted"],
            event._tag
          )
        }
        call = Call.evolve(call, event)
      }
    },
    { arbitrary: { runs: 400 } }
  )
})
