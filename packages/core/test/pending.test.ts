import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Decider, Explain, Flow, Line, Settings } from "../src/index.ts"
import {
  beginsWork,
  CallSummary,
  DecidedTurn,
  newSessionIn,
  responsible,
  sessionsIn,
  sessionsOf
} from "../src/internal/engine/pending.ts"
import { type State, states, type Way, ways } from "./fixtures/callWays.ts"
import { from, id, minute, other, session, settings, to, Trial } from "./fixtures/Trial.ts"

const reach = (way: Way): Trial => {
  const settings = Settings.merge({ dial: { ignored: ["ringing"] } }, way.settings ?? {})
  const trial = new Trial(way.flow, way.begin, settings, { hasPlace: way.isPaced !== true })
  for (const step of way.steps) step(trial)
  return trial
}

/** Which process alone knows how far it has come: who runs the activity, sends the dial, or wrote the last reply. */
type Who = "worker" | "sender" | "writer" | undefined

const usual: Readonly<Record<State, Who>> = {
  Planned: undefined,
  Dialing: "writer",
  Owing: "writer",
  Acting: "writer",
  Bridged: "writer",
  Closing: "writer",
  Settling: "writer",
  Closed: undefined
}

/** The ways into a state in which it is another. */
const others: { readonly [S in State]?: { readonly [way: string]: Who } } = {
  Planned: { held: "writer" },
  Dialing: {
    attempted: "sender",
    works: "sender",
    sleeps: "sender",
    leaves: "sender",
    bounded: "sender",
    last: "sender"
  },
  Owing: {
    works: "worker",
    last: "worker",
    held: "worker",
    heldOwn: "worker",
    beforeBridge: "worker",
    limited: "worker"
  },
  Acting: { hold: "worker", underHold: "worker", expired: "worker" },
  Closing: { unsent: "sender", unknown: undefined, presumed: undefined, silent: "worker" },
  Closed: { working: "worker" }
}

describe("the process that alone knows how far a call has come", () => {
  for (const state of states) {
    for (const [name, way] of Object.entries<Way>(ways[state])) {
      const of = others[state] ?? {}
      const who = name in of ? of[name] : usual[state]
      it(`is ${who === undefined ? "none" : `its ${who}`} where a line is ${state}: ${way.words}`, () => {
        const processes = { worker: "worker", writer: "writer", sender: "p1" }
        assert.strictEqual(responsible(reach(way).call, processes), who === undefined ? undefined : processes[who])
      })
    }
  }

  it("is not the sender of a dial that nobody hears of any more", () => {
    const first = Flow.dial(Flow.succeed(1), { to, from, ringFor: "40 seconds" })
    const second = Flow.dial(Line.speak("Hello."), { to: other, from, ringFor: "3 minutes" })
    const trial = new Trial(Flow.catchTag(first, "NotAnswered", () => second))
    trial.pass(3.5 * minute)
    assert.strictEqual(trial.call.lines[0]?.phase, "Attempted")
    trial.webhook({ event: "dial_completed", status: "answered", referenceId: "another" }, { line: 2 })
    trial.pass(minute)
    assert.deepStrictEqual(trial.call.lines.map(({ presumed }) => presumed), [true, false])
    assert.strictEqual(responsible(trial.call, { worker: "worker", writer: "writer" }), "writer")
  })
})

describe("what is known of a call after a turn", () => {
  const summaryOf = (trial: Trial, process?: string) =>
    new CallSummary(trial.call, 7, {
      what: Explain.waitingFor(trial.call, settings).what,
      wakeAt: Decider.wakeAt(trial.call, settings),
      dialFrom: Decider.dialFrom(trial.call)
    }, process)

  it("tells when it is due, what it waits for, and who knows more", () => {
    const trial = reach(ways.Owing.listens)
    const { until, what } = Explain.waitingFor(trial.call, settings)
    assert.deepStrictEqual({ ...summaryOf(trial, "p1") }, {
      callId: id,
      version: 7,
      flow: "test",
      flowVersion: 1,
      status: "running",
      waitingFor: what,
      due: until!,
      process: "p1",
      at: trial.now
    })
  })

  it("tells since when its dial waits, and wakes it for nothing but the end of that", () => {
    const trial = new Trial(Flow.dial(Flow.succeed(1), { to, from }), undefined, { dial: { waitAtMost: minute } })
    trial.posted({ _tag: "NotSent", problem: "no connection" })
    const { until } = Explain.waitingFor(trial.call, trial.settings)
    const { dialFrom, due } = new CallSummary(trial.call, 7, {
      what: "",
      wakeAt: Decider.wakeAt(trial.call, trial.settings),
      dialFrom: Decider.dialFrom(trial.call)
    }, "p1")
    assert.deepStrictEqual({ dialFrom, due }, { dialFrom: until, due: trial.now + minute })
  })

  it("tells of a call that is over that it is, and that nothing is due", () => {
    const { due, process, status } = summaryOf(reach(ways.Closed.ended))
    assert.deepStrictEqual({ due, process, status }, { due: null, process: null, status: "over" })
  })

  it("is due at once if it waits for nothing and is not over", () => {
    const trial = reach(ways.Owing.listens)
    const nothing = { what: "nothing", wakeAt: undefined }
    assert.strictEqual(new CallSummary(trial.call, 1, nothing, undefined).due, trial.call.at)
  })

  it("is of the time at which the turn happened", () => {
    const trial = reach(ways.Acting.prompt)
    trial.now += minute
    const { answer, live } = { answer: "nothing" as const, live: trial.live }
    trial.spoken()
    const decided = { answer, live: trial.live, events: trial.events.slice(-1) }
    assert.notStrictEqual(live.call.at, trial.now)
    const turn = new DecidedTurn("t", id, 3, decided)
    assert.deepStrictEqual({ ...turn }, { id: "t", callId: id, version: 3, at: trial.now, events: decided.events })
  })
})

describe("the sessions of a call", () => {
  const trial = reach(ways.Dialing.ringing)
  const before = trial.call
  trial.answered()
  trial.webhook({ event: "dial_completed", status: "answered", referenceId: "second" })
  const { call } = trial

  it("are those of its lines, and those of an attempt that was carried out twice", () => {
    assert.deepStrictEqual(sessionsOf(call), [session, "second"])
    assert.deepStrictEqual(sessionsOf(new Trial(Flow.dial(Flow.succeed(1), { to, from })).call), [])
    assert.deepStrictEqual(sessionsOf(undefined), [])
  })

  it("are told by the events that name them", () => {
    assert.deepStrictEqual(sessionsIn(trial.events), [session, session, "second"])
  })

  it("are stored as its once, with the first event that names them", () => {
    const answered = trial.events.filter(({ _tag }) => _tag === "CallAnswered")
    const twice = trial.events.filter(({ _tag }) => _tag === "SecondLine")
    assert.strictEqual(newSessionIn(answered, undefined), session)
    assert.strictEqual(newSessionIn(answered, before), undefined)
    assert.strictEqual(newSessionIn(twice, before), "second")
    assert.strictEqual(newSessionIn(twice, call), undefined)
    assert.strictEqual(newSessionIn([], before), undefined)
  })
})

describe("the activity that a call waits for", () => {
  it("is run by who recorded that it began, or began anew", () => {
    const trial = reach(ways.Owing.works)
    trial.take({ _tag: "Restart", crashedAt: trial.now })
    const begins = new Set(trial.events.filter(beginsWork).map(({ _tag }): CallEvent.CallEvent["_tag"] => _tag))
    assert.deepStrictEqual(begins, new Set(["ActivityStarted", "Restarted"]))
  })
})
