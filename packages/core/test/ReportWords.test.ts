/** What people read of a call as a whole: what it waits for, what happens by itself, who may end that sooner, how each line stands, and why it went on. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { Explain, Flow, Line } from "../src/index.ts"
import { from, id, to, Trial } from "./fixtures/Trial.ts"

const dialled = <A, E extends Flow.Failure, R>(talk: Flow.Flow<A, E, R>) =>
  new Trial(Flow.dial(talk as never, { to, from }))

const asked = () => dialled(Line.collect("Your code?", { max: 4 }))

const tried = (trial: Trial, ...steps: ReadonlyArray<(trial: Trial) => unknown>): Trial => {
  for (const step of steps) step(trial)
  return trial
}

const waiting = Flow.signal(Flow.Signal("released", Schema.Void), { within: Duration.minutes(5) })

const moments: Readonly<Record<string, () => Trial>> = {
  "a dial": asked,
  "a prompt that collects": () => tried(asked(), (trial) => trial.answered()),
  "a prompt that collects one key": () => tried(dialled(Line.collect("Yes?", { max: 1 })), (trial) => trial.answered()),
  "a prompt": () => tried(dialled(Line.speak("Hello.")), (trial) => trial.answered()),
  "a signal on a line": () => tried(dialled(waiting), (trial) => trial.answered()),
  "a signal under a hold": () => tried(dialled(Line.hold(waiting, "One moment.")), (trial) => trial.answered()),
  "a sleep away from any line": () => new Trial(Flow.sleep("10 minutes")),
  "an end that waits for its line": () =>
    tried(asked(), (trial) => trial.answered(), (trial) => trial.take({ _tag: "Cancel" })),
  "a call without its flow": () =>
    tried(asked(), (trial) => trial.answered(), (trial) => trial.elsewhere(), (trial) => trial.spoken("1234")),
  "a line that has ended before its answer came": () =>
    tried(asked(), (trial) => trial.answered(), (trial) => trial.ended()),
  "a dial of which nobody knows": () => tried(asked(), (trial) => trial.posted({ _tag: "Lost", problem: "it broke" })),
  "a call that is over": () =>
    tried(
      dialled(Line.speak("Hello.")),
      (trial) => trial.answered(),
      (trial) => trial.ended(),
      (trial) => trial.next()
    ),
  "an activity": () => new Trial(Flow.activity("look up", {}, Effect.void))
}

const wordsOf = (trial: Trial) => {
  const { lines, waitingFor, words } = Explain.report(id, trial.events, {
    settings: trial.settings,
    flow: trial.definition
  })
  return {
    state: words,
    what: waitingFor.what,
    otherwise: waitingFor.otherwise,
    enders: waitingFor.enders.map(({ words }) => words),
    lines: lines.map(({ words }) => words),
    because: Explain.decisions(trial.events).map(({ rule }) => rule).filter((rule, i, all) => all.indexOf(rule) === i)
  }
}

const told: Readonly<Record<keyof typeof moments, ReturnType<typeof wordsOf>>> = {
  "a dial": {
    state: "its flow waits for an answer to its dial on line 1",
    what: "an answer to its dial on line 1",
    otherwise: "the flow is told that nobody answered, and a later answer is hung up on",
    enders: [
      "the callee by answering",
      "the carrier, which tells that nobody was reached",
      "the application by a cancel"
    ],
    lines: [
      "it is dialled"
    ],
    because: [
      "a call begins with its flow"
    ]
  },
  "a prompt that collects": {
    state: "its flow waits for the end of what it says on line 1",
    what: "the end of what it says on line 1",
    otherwise: "the line counts as lost, and the flow as hung up on",
    enders: [
      "the callee by pressing up to 4 keys",
      "the callee by hanging up",
      "the carrier, which tells that it was heard to its end",
      "the application by a cancel"
    ],
    lines: [
      "something is said"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a prompt that collects one key": {
    state: "its flow waits for the end of what it says on line 1",
    what: "the end of what it says on line 1",
    otherwise: "the line counts as lost, and the flow as hung up on",
    enders: [
      "the callee by pressing a key",
      "the callee by hanging up",
      "the carrier, which tells that it was heard to its end",
      "the application by a cancel"
    ],
    lines: [
      "something is said"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a prompt": {
    state: "its flow waits for the end of what it says on line 1",
    what: "the end of what it says on line 1",
    otherwise: "the line counts as lost, and the flow as hung up on",
    enders: [
      "the callee by hanging up",
      "the carrier, which tells that it was heard to its end",
      "the application by a cancel"
    ],
    lines: [
      "something is said"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a signal on a line": {
    state: "its flow waits for the signal released",
    what: "the signal released",
    otherwise: "the line counts as lost, and the flow as hung up on",
    enders: [
      "the application by the signal released",
      "the application by a cancel"
    ],
    lines: [
      "somebody is there, and the flow has not decided yet"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a signal under a hold": {
    state: "its flow waits for the signal released",
    what: "the signal released",
    otherwise: "the line counts as lost, and the flow as hung up on",
    enders: [
      "the application by the signal released",
      "the callee by hanging up",
      "the application by a cancel"
    ],
    lines: [
      "somebody is there, and the flow has not decided yet"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a sleep away from any line": {
    state: "its flow waits for the end of a sleep",
    what: "the end of a sleep",
    otherwise: "the flow goes on",
    enders: [
      "the application by a cancel"
    ],
    lines: [],
    because: [
      "a call begins with its flow"
    ]
  },
  "an end that waits for its line": {
    state: "its flow has ended, and a line is not closed yet",
    what: "the end of the line",
    otherwise: "the line is presumed closed",
    enders: [
      "the carrier, which tells that line 1 is over"
    ],
    lines: [
      "it is to be hung up"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1",
      "the application stops the flow"
    ]
  },
  "a call without its flow": {
    state: "its flow has not heard of everything",
    what: "a process that knows test, version 1",
    otherwise: "the flow goes on there",
    enders: [
      "a process that has registered the flow",
      "the callee by hanging up",
      "the carrier, which tells that it was heard to its end",
      "the application by a cancel"
    ],
    lines: [
      "somebody is there, and the flow has not decided yet"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a line that has ended before its answer came": {
    state: "its flow waits for the end of what it says on line 1",
    what: "the end of what it says on line 1",
    otherwise: "the line is closed, and the flow counts as hung up on",
    enders: [
      "the carrier, which tells what was pressed before the line ended",
      "the application by a cancel"
    ],
    lines: [
      "it has ended, and an answer may still come"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1"
    ]
  },
  "a dial of which nobody knows": {
    state: "its flow waits for an answer to its dial on line 1",
    what: "a sign of its dial on line 1, of which nobody knows whether it rings",
    otherwise: "the flow is told that nobody knows whether it rang",
    enders: [
      "the callee by answering",
      "the carrier, which tells that nobody was reached",
      "the application by a cancel"
    ],
    lines: [
      "nobody knows whether it rings"
    ],
    because: [
      "a call begins with its flow"
    ]
  },
  "a call that is over": {
    state: "it is over",
    what: "nothing: it is over",
    otherwise: "nothing",
    enders: [],
    lines: [
      "it has ended, and no answer came behind it"
    ],
    because: [
      "a call begins with its flow",
      "the flow waited for an answer to its dial on line 1",
      "the flow waited for the end of what it says on line 1"
    ]
  },
  "an activity": {
    state: "its flow waits for the activity look up",
    what: "the activity look up",
    otherwise: "the flow is stopped as overdue",
    enders: [
      "the end of the activity look up",
      "the application by a cancel"
    ],
    lines: [],
    because: [
      "a call begins with its flow"
    ]
  }
}

describe("the words of a report", () => {
  for (const [name, make] of Object.entries(moments)) {
    it(`tell of ${name} what it is, who may end it, and why it came to that`, () =>
      assert.deepStrictEqual(wordsOf(make()), told[name]))
  }
})
