/** The lines of a call for people. */
import { Schema } from "effect"
import type * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"
import * as CallLine from "../../CallLine.ts"
import { mask } from "../../PhoneNumber.ts"
import * as Silence from "../../Silence.ts"

export const LineReport = Schema.Struct({
  line: Schema.Int,
  direction: Schema.Literals(["outbound", "inbound"]),
  /** Masked. */
  to: Schema.optionalKey(Schema.String),
  /** Masked. */
  from: Schema.optionalKey(Schema.String),
  status: Schema.Literals(["Planned", "Dialing", "Owing", "Acting", "Bridged", "Closing", "Settling", "Closed"]),
  words: Schema.String,
  attempt: Schema.Int,
  openedAt: Schema.Finite,
  answered: Schema.Boolean,
  silence: Schema.optionalKey(Silence.Silence)
})

export type LineReport = typeof LineReport.Type

/** A report of each line. */
export const lineReports = (call: Call.Call, events: ReadonlyArray<CallEvent>): ReadonlyArray<LineReport> => {
  const silences = new Map(Silence.ofCall(events).map((silence) => [silence.line, silence]))
  return call.lines.map((line) => {
    const silence = silences.get(line.id)
    return {
      line: line.id,
      direction: line.direction,
      ...(line.to === undefined ? {} : { to: mask(line.to) }),
      ...(line.from === undefined ? {} : { from: mask(line.from) }),
      status: CallLine.status(line),
      words: lineWords(line),
      attempt: line.attempt,
      openedAt: line.openedAt,
      answered: line.answered,
      ...(silence === undefined ? {} : { silence })
    }
  })
}

const closedWords: Record<NonNullable<CallLine.CallLine["closedBy"]>, string> = {
  refused: "the carrier refused the dial",
  "not sent": "the dial was not sent",
  failed: "nobody was reached",
  "given up": "the dial was given up",
  ended: "it has ended",
  left: "it was not dialled",
  settled: "it has ended, and no answer came behind it"
}

const lineWords = (line: CallLine.CallLine): string => {
  switch (CallLine.status(line)) {
    case "Planned":
      return "it is to be dialled"
    case "Dialing":
      return line.phase === "Unknown"
        ? "nobody knows whether it rings"
        : line.phase === "Ringing"
        ? "it rings"
        : "it is dialled"
    case "Owing":
      return "somebody is there, and the flow has not decided yet"
    case "Acting":
      return line.inFlight?.kind === "hold" ? "a hold is heard" : "something is said"
    case "Bridged":
      return "it is connected with a third party"
    case "Closing":
      return line.presumed ? "it is presumed closed" : "it is to be hung up"
    case "Settling":
      return "it has ended, and an answer may still come"
    case "Closed":
      return line.closedBy === undefined ? "it is closed" : closedWords[line.closedBy]
  }
}
