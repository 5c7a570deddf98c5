/** Record first: what was answered and sent, held against what was durable by then. */
import { type Action, type Call, type CallEvent, Webhook } from "@ringback/core"
import { Equal } from "effect"
import type * as History from "../History.ts"
import { type Finding, type Findings, none, remains, violation } from "./finding.ts"
import * as holds from "./lawHolds.ts"
import * as Past from "./past.ts"

export const residuals = {
  ...holds.residuals,
  behind: "an event heard by a process that was behind another one"
} as const

export const check = (history: History.History): Findings => [
  ...history.deliveries.flatMap((delivery) => {
    const { answered } = delivery
    if (answered === undefined || holds.isLateHangup(history, delivery)) return none
    return holds.isUnrecorded(history, delivery) ? holds.unrecorded(history, delivery) : [
      ...decisions(history, delivery, answered),
      ...facts(history, delivery, answered)
    ]
  }),
  ...history.sent.flatMap((sent) => attempts(history, sent))
]

type Answered = NonNullable<History.Delivery["answered"]>

/** The action of a reply is on record for its line. */
const decisions = (history: History.History, delivery: History.Delivery, answered: Answered): Findings => {
  const { webhook } = delivery
  const { action, seq } = answered
  if (action === undefined) return none
  const call = Past.of(history).callOf(webhook)
  const line = Past.lineAt(call, webhook, seq)
  if (action._tag === "Hangup") {
    if (holds.isUnwanted(line, webhook)) return none
    return Past.isRefused(history, delivery.posting, seq)
      ? [remains(residuals.refused)]
      : [violation(`hung up in answer to ${webhook.event} without a record of it`)]
  }
  const recorded = call !== undefined && line !== undefined &&
    Past.eventsBefore(call, seq).some((event) => isDecision(event, line, action))
  return recorded ? none : [violation(`answered ${webhook.event} with ${action._tag} before that was durable`)]
}

const isDecision = (event: CallEvent.CallEvent, line: Call.CallLine, action: Action.Action): boolean =>
  (event._tag === "ActionDecided" || event._tag === "HoldAnswered") && event.line === line.id &&
  Equal.equals(event.action, unmarked(action))

/** A prompt as it is recorded: its mark is made of its place in the record. */
const unmarked = (action: Action.Action): Action.Action => {
  if (action._tag !== "Speak" && action._tag !== "Play") return action
  const { externalId: _, ...recorded } = action
  return recorded
}

/** The webhook itself is on record, or it is one that changes nothing. */
const facts = (history: History.History, delivery: History.Delivery, { seq }: Answered): ReadonlyArray<Finding> => {
  const { incarnation, posting, webhook } = delivery
  const call = Past.of(history).callOf(webhook)
  if (call === undefined) return none
  const known = Past.eventsBefore(call, seq)
  const content = Webhook.content(webhook, history.settings.eventKey)
  const isKnown = known.some((event) =>
    Past.postingOf(event) === posting || ("content" in event && event.content === content)
  )
  const state = Past.stateAt(call, seq)
  const line = Past.lineOf(state, webhook)
  if (isKnown || state === undefined || line === undefined || state.strays >= history.settings.maxStrays) return none
  if (isWithoutChange(line, webhook)) return none
  if (Past.isRefused(history, delivery.posting, seq)) return [remains(residuals.refused)]
  return Past.hasCompany(history, call, incarnation, seq)
    ? [remains(residuals.behind)]
    : [violation(`answered ${webhook.event} before it was durable (the line is ${line.phase})`)]
}

const isWithoutChange = (line: Call.CallLine, webhook: Webhook.Webhook): boolean => {
  const isSecond = line.referenceId !== undefined && line.referenceId !== webhook.referenceId
  const kind = Webhook.kind(webhook)
  const isEndAgain = kind === "CallCompleted" && (line.phase === "Closed" || line.phase === "Settling")
  const isAnswerAgain = kind === "DialCompleted" && line.answered
  return isSecond || isEndAgain || isAnswerAgain || line.closedBy === "ended" || line.phase === "Owing"
}

/** A dial is sent when its attempt is durable, by the process that recorded it. */
const attempts = (history: History.History, sent: History.Sent): Findings => {
  const { externalId } = sent.action
  const call = Past.of(history).calls.find(({ id }) => externalId !== undefined && Past.callIdIn(externalId) === id)
  const attempted = call === undefined ? undefined : Past.durable(
    call,
    (event) => event._tag === "DialAttempted" && event.externalId === externalId
  )
  if (attempted === undefined || attempted.seq > sent.begun.seq) return [violation("sent a dial before it was durable")]
  return attempted.incarnation === sent.incarnation ? none : [violation("sent a dial that another process recorded")]
}
