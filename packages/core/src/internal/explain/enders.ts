/** Who may end what a call waits for before its time, and how. */
import { Schema } from "effect"
import * as Action from "../../Action.ts"
import * as Call from "../../Call.ts"
import * as CallLine from "../../CallLine.ts"
import type { LiveCall } from "../../LiveCall.ts"
import * as Step from "../../Step.ts"
import * as Masked from "../masked.ts"

export const Ender = Schema.Struct({
  who: Schema.Literals(["callee", "carrier", "application", "Ringback"]),
  how: Schema.Literals(["answer", "keys", "hang-up", "event", "signal", "cancel", "result", "process"]),
  /** The signal or the activity. */
  name: Schema.optionalKey(Schema.String),
  line: Schema.optionalKey(Schema.Int),
  words: Schema.String,
  certain: Schema.Boolean
})

export type Ender = typeof Ender.Type

const ender = (
  who: Ender["who"],
  how: Ender["how"],
  words: string,
  more: { readonly name?: string; readonly line?: number; readonly certain?: boolean } = {}
): Ender => ({ who, how, words, certain: true, ...more })

/** With the flow where it stands it is known whether a hang-up is noticed. */
export const enders = (call: Call.Call, live?: Pick<LiveCall, "step"> | undefined): ReadonlyArray<Ender> => {
  if (Call.isOver(call)) return []
  if (call.exit !== undefined) return Call.liveLines(call).filter((line) => !CallLine.isQuiet(line)).map(endOfLine)
  const unheard = call.unheardSince === undefined
    ? []
    : [ender("Ringback", "process", "a process that has registered the flow")]
  const cancel = call.flow === "" || call.cancelled
    ? []
    : [ender("application", "cancel", "the application by a cancel")]
  return [...unheard, ...call.wait === undefined ? [] : endersOf(call, call.wait, live), ...cancel]
}

const endOfLine = (line: CallLine.CallLine): Ender =>
  ender("carrier", "event", `the carrier, which tells that line ${line.id} is over`, { line: line.id })

const endersOf = (
  call: Call.Call,
  wait: Call.Wait,
  live: Pick<LiveCall, "step"> | undefined
): ReadonlyArray<Ender> => {
  switch (wait._tag) {
    case "Dial":
      return dialEnders(Call.lineOf(call, wait.line), wait.line)
    case "Prompt":
      return promptEnders(Call.lineOf(call, wait.line), wait)
    case "Bridge":
      return [
        ender("callee", "hang-up", "either of the two by hanging up", { line: wait.line }),
        ender("carrier", "event", "the carrier, which tells that nobody was reached", { line: wait.line })
      ]
    case "Sleep":
      return hangUpEnders(call, live)
    case "Activity": {
      const name = Masked.line(wait.name)
      return [
        ender("application", "result", `the end of the activity ${name}`, { name }),
        ...hangUpEnders(call, live)
      ]
    }
    case "Signal": {
      const name = Masked.line(wait.name)
      return [
        ender("application", "signal", `the application by the signal ${name}`, { name }),
        ...hangUpEnders(call, live)
      ]
    }
  }
}

const dialEnders = (line: CallLine.CallLine | undefined, id: number): ReadonlyArray<Ender> =>
  line?.phase === "Planned"
    ? [ender("Ringback", "process", "its place among the dials that wait", { line: id })]
    : [
      ender("callee", "answer", "the callee by answering", { line: id }),
      ender("carrier", "event", "the carrier, which tells that nobody was reached", { line: id })
    ]

const promptEnders = (
  line: CallLine.CallLine | undefined,
  { line: id, n }: Extract<Call.Wait, { readonly _tag: "Prompt" }>
): ReadonlyArray<Ender> => {
  if (line?.phase === "Settling") {
    return [ender("carrier", "event", "the carrier, which tells what was pressed before the line ended", { line: id })]
  }
  const action = [line?.inFlight, line?.next].find((each) => each?.n === n)?.action
  const keys = action === undefined ? 0 : Action.digits(action)
  return [
    ...keys === 0 ? [] : [
      ender(
        "callee",
        "keys",
        keys === 1 ? "the callee by pressing a key" : `the callee by pressing up to ${keys} keys`,
        {
          line: id
        }
      )
    ],
    ender("callee", "hang-up", "the callee by hanging up", { line: id }),
    ender("carrier", "event", "the carrier, which tells that it was heard to its end", { line: id })
  ]
}

/** A hang-up ends a wait under a hold, and no other: only the flow knows which it is. */
const hangUpEnders = (call: Call.Call, live: Pick<LiveCall, "step"> | undefined): ReadonlyArray<Ender> => {
  const line = Call.liveLines(call).findLast(({ answered, left, phase, released }) =>
    answered && !left && !released && phase !== "Closed"
  )
  if (line === undefined) return []
  if (live?.step._tag !== "Waiting") {
    return [ender("callee", "hang-up", "the callee by hanging up, if the flow notices that here", {
      line: line.id,
      certain: false
    })]
  }
  const isHeld = Step.scopes(live.step).some(({ scope }) => scope._tag === "Hold")
  return isHeld ? [ender("callee", "hang-up", "the callee by hanging up", { line: line.id })] : []
}
