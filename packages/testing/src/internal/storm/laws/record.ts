/** Record first: what was answered and sent, held against what was durable by then. */
import { type CallLine, Webhook } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"
import * as holds from "./holds.ts"
import * as pruning from "./pruning.ts"

export const residuals = {
  ...holds.residuals,
  behind: "an event heard by a process that was behind another one"
} as const

export const check = (history: StormHistory.StormHistory): Findings => [
  ...history.deliveries.flatMap((delivery) =>
    delivery.answered === undefined ? none : claimed(history, delivery, delivery.answered)
  ),
  ...history.sent.flatMap((sent) => attempts(history, sent))
]

/** What a reply says that it rests on is so. */
const claimed = (
  history: StormHistory.StormHistory,
  delivery: StormHistory.Delivery,
  answered: StormHistory.Answered
): Findings => {
  switch (answered.basis) {
    case "recorded":
      return [...decisions(history, delivery, answered), ...facts(history, delivery, answered)]
    case "copy": // of what was answered before, which law 4 looks at
      return none
    case "unrecorded hold":
    case "unrecorded hang-up":
      return holds.unrecorded(history, delivery)
    case "unclaimed":
      return unclaimed(history, delivery)
    case "refused":
      return refused(history, delivery, answered)
  }
}

/** What is answered from the record is what that says of the line. */
const decisions = (
  history: StormHistory.StormHistory,
  delivery: StormHistory.Delivery,
  { action, seq }: StormHistory.Answered
): Findings => {
  const { webhook } = delivery
  if (isSaid(history, delivery) || (action === undefined && isToNobody(history, delivery))) return none
  const line = StoredCalls.lineAt(StoredCalls.of(history).callOf(webhook), webhook, seq)
  if (action?._tag === "Hangup" && line !== undefined && holds.isUnwanted(line, webhook)) return none
  const what = action?._tag ?? "nothing"
  return wasBehind(history, delivery)
    ? [remains(residuals.behind)]
    : [violation(`answered ${webhook.event} with ${what}, which is not on record (the line is ${line?.phase})`)]
}

/** Whether the end of a line had come in before an answer, though the store may have been late with its record. */
const isToNobody = (
  history: StormHistory.StormHistory,
  { answered, incarnation, webhook }: StormHistory.Delivery
): boolean =>
  history.deliveries.some((end) =>
    end.webhook.kind === "CallCompleted" && end.webhook.referenceId === webhook.referenceId &&
    end.incarnation === incarnation && end.taken !== undefined && end.taken.seq < answered!.seq
  )

/** Whether an answer is what the record said of its line at some moment between the webhook and the answer. */
export const isSaid = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): boolean =>
  isSaidSince(history, delivery, delivery.taken!.seq)

/** Whether it is what the record said before: another process went on with the call, and this one goes by its memory. */
export const wasBehind = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): boolean => {
  const { answered, incarnation, webhook } = delivery
  const call = StoredCalls.of(history).callOf(webhook)
  return call !== undefined && StoredCalls.hasCompany(history, call, incarnation, answered!.seq) &&
    isSaidSince(history, delivery, 0)
}

const isSaidSince = (
  history: StormHistory.StormHistory,
  { answered, webhook }: StormHistory.Delivery,
  since: number
): boolean => {
  const { action, seq: until } = answered!
  const turns = StoredCalls.of(history).callOf(webhook)?.turns ?? []
  const moments = turns.flatMap(({ turn: { seq } }) => seq > since && seq < until ? [seq + 1] : [])
  return [since, ...moments].some((seq) => StoredCalls.says(history, webhook, action, seq))
}

/** What is nobody's is of no call that was on record when it came, unless that was pruned. */
const unclaimed = (
  history: StormHistory.StormHistory,
  { answered, taken, webhook }: StormHistory.Delivery
): Findings => {
  const call = StoredCalls.of(history).callOf(webhook)
  const isThere = StoredCalls.lineAt(call, webhook, taken!.seq) !== undefined
  return isThere && !pruning.isPerhapsGone(history, call!, answered!.seq)
    ? [violation(`${webhook.event} of a call was answered as nobody's`)]
    : none
}

/** What is refused is not recorded: the store does not take it. */
const refused = (
  history: StormHistory.StormHistory,
  { posting, webhook }: StormHistory.Delivery,
  { action, seq }: StormHistory.Answered
): Findings => [
  StoredCalls.isRefused(history, posting, seq) && (action === undefined || action._tag === "Hangup")
    ? remains(residuals.refused)
    : violation(`${webhook.event} was refused, which the store takes`)
]

/** The webhook itself is on record, or it is one that changes nothing. */
const facts = (
  history: StormHistory.StormHistory,
  delivery: StormHistory.Delivery,
  { seq }: StormHistory.Answered
): Findings => {
  const { incarnation, posting, webhook } = delivery
  const call = StoredCalls.of(history).callOf(webhook)
  if (call === undefined) return none
  const known = StoredCalls.eventsBefore(call, seq)
  const content = Webhook.content(webhook, history.settings.copies.eventKey)
  const isKnown = known.some((event) =>
    StoredCalls.postingOf(event) === posting || ("content" in event && event.content === content)
  )
  const state = StoredCalls.stateAt(call, seq)
  const line = StoredCalls.lineOf(state, webhook)
  if (isKnown || state === undefined || line === undefined || state.strays >= history.settings.call.strays) return none
  if (isWithoutChange(line, webhook)) return none
  return StoredCalls.hasCompany(history, call, incarnation, seq)
    ? [remains(residuals.behind)]
    : [violation(`answered ${webhook.event} before it was durable (the line is ${line.phase})`)]
}

const isWithoutChange = (line: CallLine.CallLine, webhook: Webhook.Webhook): boolean => {
  const isSecond = line.referenceId !== undefined && line.referenceId !== webhook.referenceId
  const { kind } = webhook
  const isEndAgain = kind === "CallCompleted" && (line.phase === "Closed" || line.phase === "Settling")
  const isAnswerAgain = kind === "DialCompleted" && line.answered
  return isSecond || isEndAgain || isAnswerAgain || line.closedBy === "ended" || line.phase === "Owing"
}

/** A dial is sent when its attempt is durable, by the process that recorded it. */
const attempts = (history: StormHistory.StormHistory, sent: StormHistory.Sent): Findings => {
  const { externalId } = sent.action
  const call = StoredCalls.of(history).ofExternalId(externalId)
  const attempted = call === undefined ? undefined : StoredCalls.durable(
    call,
    (event) => event._tag === "DialAttempted" && event.externalId === externalId
  )
  if (attempted === undefined || attempted.seq > sent.begun.seq) return [violation("sent a dial before it was durable")]
  return attempted.incarnation === sent.incarnation ? none : [violation("sent a dial that another process recorded")]
}
