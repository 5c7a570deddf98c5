/** What people read of each event: on its own (`Explain.event`), and on the ladder. The guides quote some of it. */
import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Explain, Ladder } from "../src/index.ts"
import { from, to } from "./fixtures/Trial.ts"

type Of<Tag extends CallEvent.CallEvent["_tag"]> = Extract<CallEvent.CallEvent, { readonly _tag: Tag }>

type Fields<Event> = Event extends unknown ? Omit<Event, "_tag" | "at"> : never

/** An event of each kind, what it is in a line, and what it is on the ladder of a call of which nothing else is on record. */
type Told = {
  readonly [Tag in CallEvent.CallEvent["_tag"]]: readonly [
    sample: Fields<Of<Tag>>,
    words: string,
    ...rungs: ReadonlyArray<string>
  ]
}

const line = 1
const n = 1
const referenceId = "session"
const until = 90_000
const webhook = { content: "content", extra: {} }
const by = { who: "ann", why: "the doctor has signed" }
const speak = { _tag: "Speak", text: "Hello.", collect: { max: 2 } } as unknown as Of<"ActionDecided">["action"]

const told: Told = {
  CallStarted: [
    { flow: "results", version: 2, input: {}, key: "k" },
    "CallStarted: results, version 2, under a key",
    "start results"
  ],
  CallArrived: [
    { flow: "support", version: 1, line, referenceId, to, from, ...webhook },
    "CallArrived on line 1: support, version 1",
    "calls 1••••••••01",
    "incoming call"
  ],
  DialPlanned: [
    { n, line, to, from, ringForMillis: 40_000, maxCallDurationSeconds: 900 },
    "DialPlanned on line 1: to 1••••••••01, at most 900 s",
    "plans a dial to 1••••••••01"
  ],
  ActionDecided: [
    { n, line, action: speak },
    "ActionDecided on line 1: speak, collect 2",
    "speak, collect 2, decided and not said"
  ],
  LineLeft: [{ line }, "LineLeft on line 1", "leaves the line, to be hung up"],
  SleepStarted: [{ n, until }, "SleepStarted", "waits 1 min 30 s"],
  ActivityStarted: [{ n, name: "look up", until }, "ActivityStarted: look up", "activity look up"],
  SignalAwaited: [{ n, name: "released", until }, "SignalAwaited: released", "waits for the signal released"],
  DeadlineSet: [{ n, until }, "DeadlineSet", "sets a deadline in 1 min 30 s"],
  DeadlineLifted: [{ n }, "DeadlineLifted", "lifts a deadline"],
  Drawn: [{ n, value: 0.5 }, "Drawn", "draws a number"],
  Noted: [{ n, name: "offered", data: {} }, "Noted: offered", "notes offered"],
  FlowEnded: [
    { exit: { _tag: "Stopped", reason: { _tag: "Cancelled" } } },
    "FlowEnded: stopped, Cancelled",
    "stopped: the application has cancelled it"
  ],
  DialHeld: [{ line, until }, "DialHeld on line 1", "holds the dial"],
  DialAttempted: [{ line, externalId: "e", process: "p" }, "DialAttempted on line 1", "POST dial"],
  DialAccepted: [{ line, referenceId }, "DialAccepted on line 1", "accepted"],
  DialRefused: [{ line, status: "invalid" }, "DialRefused on line 1: invalid", "refused (invalid)"],
  DialNotSent: [
    { line, reason: "HTTP 401: not_authorized" },
    "DialNotSent on line 1: HTTP 401: not_authorized",
    "not sent: HTTP 401: not_authorized"
  ],
  DialUnknown: [
    { line, reason: "no answer within 30 s" },
    "DialUnknown on line 1: no answer within 30 s",
    "nobody knows whether it was dialled: no answer within 30 s"
  ],
  DialGivenUp: [
    { line, reason: "no answer" },
    "DialGivenUp on line 1: no answer",
    "gives the dial up: no answer"
  ],
  CallAnswered: [
    { line, referenceId, ...webhook },
    "CallAnswered on line 1",
    "answers",
    "dial completed (answered)"
  ],
  LateAnswer: [
    { line, referenceId, ...webhook },
    "LateAnswer on line 1: hung up on",
    "answers late",
    "dial completed (answered)",
    "hangup"
  ],
  DialFailed: [
    { line, referenceId, status: "busy_here", reason: "busy", ...webhook },
    "DialFailed on line 1: busy (busy_here)",
    "dial completed (busy_here)"
  ],
  SecondLine: [
    { line, referenceId },
    "SecondLine on line 1: hung up on",
    "a second line of the same dial",
    "hangup"
  ],
  PromptCompleted: [
    { line, n, digits: "47", status: "completed", ...webhook },
    "PromptCompleted on line 1: 2 keys",
    "presses ••",
    "completed (completed)"
  ],
  HoldAnswered: [
    { line, action: speak },
    "HoldAnswered on line 1: speak, collect 2",
    "speak, collect 2, a hold"
  ],
  HoldCompleted: [{ line, ...webhook }, "HoldCompleted on line 1", "completed"],
  LegAnswered: [{ line, ...webhook }, "LegAnswered on line 1", "the third party answers"],
  LegFailed: [
    { line, status: "busy", ...webhook },
    "LegFailed on line 1",
    "the third party is not reached (busy)"
  ],
  LegEnded: [{ line, leg: "caller", ...webhook }, "LegEnded on line 1", "leg completed: the caller leaves"],
  CallEnded: [
    { line, referenceId, status: "hangup", durationSeconds: 12, ...webhook },
    "CallEnded on line 1: after 12 s",
    "call completed (hangup)"
  ],
  Stray: [
    { line, event: "speak_completed", hungUp: true, ...webhook },
    "Stray on line 1: speak_completed, hung up on",
    "speak completed",
    "hangup"
  ],
  ReplyBroken: [{ line }, "ReplyBroken on line 1", "its reply was perhaps not delivered"],
  SettleElapsed: [{ line }, "SettleElapsed on line 1", "no word that the prompt was heard to its end"],
  LineSilent: [{ line }, "LineSilent on line 1", "takes the line for lost"],
  HoldExpired: [{ line }, "HoldExpired on line 1", "holds no longer"],
  LinePresumedClosed: [{ line }, "LinePresumedClosed on line 1", "takes the line for closed"],
  SleepElapsed: [{ n }, "SleepElapsed", "has waited"],
  SignalExpired: [{ n }, "SignalExpired", "no signal"],
  DeadlinePassed: [{ n }, "DeadlinePassed", "time is up"],
  ActivityOverdue: [{ n, name: "look up" }, "ActivityOverdue", "look up is overdue"],
  ActivityCompleted: [{ n, ok: true, value: 1 }, "ActivityCompleted", "its result"],
  ActivityDied: [{ n, message: "gone" }, "ActivityDied", "it dies"],
  SignalReceived: [
    { name: "released", value: 1, by },
    "SignalReceived: released by ann (the doctor has signed)",
    "signal released by ann (the doctor has signed)"
  ],
  Cancelled: [{ by }, "Cancelled by ann (the doctor has signed)", "cancel by ann (the doctor has signed)"],
  Restarted: [{ process: "p", doubtful: false }, "Restarted", "another process goes on"],
  FlowAwaited: [{}, "FlowAwaited", "goes on without its flow"],
  FlowResumed: [{}, "FlowResumed", "goes on with its flow"]
}

describe("to people", () => {
  for (const [tag, [sample, words, ...rungs]] of Object.entries(told)) {
    it(`${tag} is what it was`, () => {
      const event = { _tag: tag, at: 0, ...sample } as CallEvent.CallEvent
      assert.strictEqual(Explain.event(event), words)
      assert.deepStrictEqual(Ladder.rungs([event]).map(({ text }) => text), rungs)
    })
  }

  it("what stands in the way of dials is what it was", () => {
    assert.deepStrictEqual((["credentials", "unreachable", "caller id"] as const).map(Explain.obstacle), [
      "the carrier does not accept the credentials",
      "the carrier is not reached",
      "the carrier does not take a number of ours as the caller"
    ])
  })

  it("an end of each kind is what it was", () => {
    const stopped = (reason: CallEvent.StopReason) => Explain.exitWords({ _tag: "Stopped", reason })
    assert.deepStrictEqual([
      Explain.exitWords({ _tag: "Success", value: 1 }),
      Explain.exitWords({ _tag: "Failure", error: { _tag: "NotAnswered", reason: "busy" } }),
      Explain.exitWords({ _tag: "Failure", error: "Mine" }),
      stopped({ _tag: "Cancelled" }),
      stopped({ _tag: "Defect", message: "it is not a function" }),
      stopped({ _tag: "Overdue", activity: "look up" }),
      stopped({ _tag: "FlowDiverged", at: 4, recorded: "a", now: "b" }),
      stopped({ _tag: "FlowMissing", flow: "results", version: 2 })
    ], [
      "ended with its output",
      "failed: NotAnswered (busy)",
      "failed: an error of its own",
      "stopped: the application has cancelled it",
      "stopped: a defect of the flow, it is not a function",
      "stopped: the activity look up took too long",
      "stopped: its flow disagrees with its log at event 5",
      "stopped: no process had registered results, version 2, for too long"
    ])
  })
})
