/** The events of a call for people: each with its words, its turn, and what led to it. */
import { Schema } from "effect"
import type { CallEvent } from "../../CallEvent.ts"
import { causesOf } from "./causes.ts"
import { event } from "./words.ts"

export const EventReport = Schema.Struct({
  /** Its place in the log, from 1. */
  number: Schema.Int,
  at: Schema.Finite,
  /** The turn that it was appended with, from 1, if the turns were given. */
  turn: Schema.optionalKey(Schema.Int),
  kind: Schema.String,
  words: Schema.String,
  line: Schema.optionalKey(Schema.Int),
  /** Of a decision: the number of the event that led to it, and by which rule. */
  cause: Schema.optionalKey(Schema.Int),
  rule: Schema.optionalKey(Schema.String),
  /** Of a decision: which one of the flow it was, from 1. */
  n: Schema.optionalKey(Schema.Int),
  isDecision: Schema.Boolean
})

export type EventReport = typeof EventReport.Type

/** A report of each event. */
export const eventReports = (
  events: ReadonlyArray<CallEvent>,
  turns: ReadonlyArray<number> | undefined
): ReadonlyArray<EventReport> => {
  const causes = causesOf(events)
  const turnOf = turns?.flatMap((length, i) => Array.from({ length }, () => i + 1)) ?? []
  return events.map((each, i) => {
    const turn = turnOf[i]
    const why = causes[i]
    return {
      number: i + 1,
      at: each.at,
      ...(turn === undefined ? {} : { turn }),
      kind: each._tag,
      words: event(each),
      ...("line" in each ? { line: each.line } : {}),
      ...(why === undefined ? {} : { rule: why.rule }),
      ...(why?.cause === undefined ? {} : { cause: why.cause }),
      ...("n" in each ? { n: each.n } : {}),
      isDecision: why !== undefined
    }
  })
}
