/**
 * What may go out unrecorded: while the store is late with a webhook, the engine's own hold, a few times in a row, then a
 * hang-up.
 */
import { Action, type Call, Webhook } from "@ringback/core"
import { Equal } from "effect"
import type * as History from "../History.ts"
import { type Findings, remains, violation } from "./finding.ts"
import * as Past from "./past.ts"

export const residuals = {
  held: "a hold while the store was late",
  hungUp: "a hang-up while the store was late",
  over: "a hold for a line that was over, while the store was late",
  lost: "an event that was lost with its process while the store was late",
  refused: "an event that the store refused for good",
  still: "an event that waits for a store that failed until the storm was over"
} as const

/** A line that nobody wants by what is recorded. */
export const isUnwanted = (line: Call.CallLine | undefined, webhook: Webhook.Webhook): boolean =>
  line === undefined || line.left || line.phase === "Closed" || line.referenceId !== webhook.referenceId

const isHold = (history: History.History, action: Action.Action): boolean =>
  Equal.equals(action, Action.prompt(history.settings.hold))

/** Whether an answer, or a failure instead, took longer than the reply deadline: in all, or without the time for which its process stood still. */
const isSlow = (
  history: History.History,
  { answered, failed, incarnation, taken }: History.Delivery,
  { awake }: { readonly awake: boolean }
): boolean => {
  const until = answered?.at ?? failed?.at
  if (until === undefined || taken === undefined) return false
  const stood = awake ? Past.overlap(history.lives[incarnation - 1]!.stood, taken.at, until) : 0
  return until - taken.at - stood >= history.settings.replyDeadline
}

const isLate = (history: History.History, delivery: History.Delivery): boolean => {
  const { answered, arrived, failed, incarnation, taken } = delivery
  const until = answered?.at ?? failed?.at
  if (until === undefined || taken === undefined) return false
  // A process whose clock has just been set takes what it waits for to be late, but not what it answers at once.
  const since = until > taken.at ? arrived.at - justNow : taken.at
  return isSlow(history, delivery, { awake: false }) ||
    history.lives[incarnation - 1]!.jumped.some((at) => at >= since && at <= until)
}

const justNow = 60_000

const lineOf = (history: History.History, { answered, webhook }: History.Delivery): Call.CallLine | undefined =>
  Past.lineAt(Past.of(history).callOf(webhook), webhook, answered?.seq ?? Infinity)

/** Whether an answer is a hold or a hang-up of which nothing is recorded, at the reply deadline. */
export const isUnrecorded = (history: History.History, delivery: History.Delivery): boolean => {
  const action = delivery.answered?.action
  if (action === undefined || !isLate(history, delivery)) return false
  const line = lineOf(history, delivery)
  if (action._tag === "Hangup") return !isUnwanted(line, delivery.webhook)
  const isProbe = line?.probing !== undefined && isOpen(line) && !isNewLeg(line, delivery.webhook) &&
    !isSlow(history, delivery, { awake: true })
  // What changes nothing is answered from the record, if that came before the store was late by any clock.
  const isInTime = line?.seen.includes(Webhook.content(delivery.webhook)) === true &&
    !isSlow(history, delivery, { awake: false })
  const isRecorded = (isProbe && !isRecordedLater(history, delivery)) ||
    (isInFlight(line, action) &&
      (isInTime || isKnown(history, delivery) || isDecided(history, delivery) || isReportedOver(history, delivery)))
  return isHold(history, action) && !isRecorded
}

/** Whether the end of a line had come in before an answer: then nothing is said on it that is not on record. */
const isReportedOver = (history: History.History, { answered, incarnation, webhook }: History.Delivery): boolean =>
  history.deliveries.some((other) =>
    other.incarnation === incarnation && other.webhook.referenceId === webhook.referenceId &&
    Webhook.kind(other.webhook) === "CallCompleted" && (other.taken?.seq ?? Infinity) < answered!.seq
  )

/** Whether a webhook tells something new of a leg, which is recorded before anything is answered. */
const isNewLeg = (line: Call.CallLine, webhook: Webhook.Webhook): boolean =>
  Webhook.kind(webhook) === "LegCompleted" && !line.seen.includes(Webhook.content(webhook))

/** Whether a hold was recorded for a webhook that changed nothing. */
const isDecided = (history: History.History, { answered, taken, webhook }: History.Delivery): boolean =>
  Past.of(history).callOf(webhook)?.turns.some(({ turn }) =>
    turn.seq > (taken?.seq ?? Infinity) && turn.seq < (answered?.seq ?? 0) &&
    turn.turn.events.some((event) => event._tag === "HoldAnswered")
  ) === true

const isInFlight = (line: Call.CallLine | undefined, action: Action.Action): boolean =>
  line?.inFlight !== undefined && isOpen(line) && Equal.equals(line.inFlight.action, action)

/** Whether somebody is on a line whom the flow wants to talk to. */
const isOpen = ({ left, phase }: Call.CallLine): boolean => !left && phase !== "Closed"

/** Whether the webhook of an answer was recorded before it. */
const isKnown = (history: History.History, { answered, posting, webhook }: History.Delivery): boolean => {
  const call = Past.of(history).callOf(webhook)
  return call !== undefined &&
    Past.eventsBefore(call, answered!.seq).some((event) => Past.postingOf(event) === posting)
}

/** Whether the webhook of an answer was recorded after it: that record was under way, or is that of no other copy. */
const isRecordedLater = (history: History.History, delivery: History.Delivery): boolean => {
  const { answered, posting, webhook } = delivery
  const turn = Past.of(history).callOf(webhook)?.turns.find(({ turn }) =>
    turn.turn.events.some((event) => Past.postingOf(event) === posting)
  )?.turn
  if (turn === undefined || turn.seq < answered!.seq) return false
  return turn.begun.seq < answered!.seq ||
    history.deliveries.every((other) => other === delivery || other.posting !== posting || other.arrived.seq > turn.seq)
}

/** Whether a line that is not wanted by the record was hung up before the event itself was recorded. */
export const isLateHangup = (history: History.History, delivery: History.Delivery): boolean =>
  delivery.answered?.action?._tag === "Hangup" && isLate(history, delivery) &&
  isUnwanted(lineOf(history, delivery), delivery.webhook)

/** An unrecorded answer is one of few, and its webhook is recorded later unless its process died first. */
export const unrecorded = (history: History.History, delivery: History.Delivery): Findings => {
  const action = delivery.answered!.action!
  const isHangup = action._tag === "Hangup"
  const line = lineOf(history, delivery)
  if (line?.phase === "Closed" || line?.presumed === true) return [remains(residuals.over)] // the engine has let go of it
  const { all, inARow } = holdsBefore(history, delivery)
  const most = history.settings.maxUnrecordedHolds
  if (isHangup && all < most) return [violation(`hung up after ${all} holds`)]
  if (!isHangup && inARow >= most) return [violation(`one more unrecorded hold after ${inARow}`)]
  const isSecond = isOfSecond(history, delivery)
  if (isSecond || isKept(history, delivery)) return [remains(isHangup ? residuals.hungUp : residuals.held)]
  if (Past.isRefused(history, delivery.posting, Infinity)) return [remains(residuals.refused)]
  const { died, failed } = history.lives[delivery.incarnation - 1]!
  if (died < history.endedAt) return [remains(residuals.lost)]
  return failed.some((at) => at >= history.endedAt - Past.afterFailure)
    ? [remains(residuals.still)]
    : [violation(`${delivery.webhook.event} was answered and never recorded`)]
}

/** Whether a webhook is of the second session of a `POST` that the carrier carried out twice. */
const isOfSecond = (history: History.History, { webhook }: History.Delivery): boolean => {
  const past = Past.of(history).callOf(webhook)
  const line = past === undefined ? undefined : Past.lineOf(past.call, webhook)
  return line?.referenceId !== undefined && line.referenceId !== webhook.referenceId
}

/**
 * Whether a call is known to another process alone, which held its line while the store was late: nothing else tells that
 * it is one of ours.
 */
export const isOfAnother = (history: History.History, { answered, incarnation, webhook }: History.Delivery): boolean =>
  answered !== undefined && Past.lineAt(Past.of(history).callOf(webhook), webhook, answered.seq) === undefined &&
  history.deliveries.some((other) =>
    other.incarnation !== incarnation && other.webhook.referenceId === webhook.referenceId &&
    other.answered !== undefined && other.answered.seq < answered.seq && isUnrecorded(history, other)
  )

/** Whether a process that shares its calls had to ask its store which call a webhook is of, for another one went on with it. */
export const isBesideAnother = (
  history: History.History,
  { arrived, incarnation, webhook }: History.Delivery
): boolean => {
  const call = Past.of(history).callOf(webhook)
  return call !== undefined && Past.hasCompany(history, call, incarnation, arrived.seq)
}

/** Whether a webhook is on record, or changed nothing when its turn came. */
const isKept = (history: History.History, { posting, webhook }: History.Delivery): boolean => {
  const past = Past.of(history).callOf(webhook)
  if (past === undefined) return false
  const content = Webhook.content(webhook)
  const isAnswerAgain = Webhook.kind(webhook) === "DialCompleted" && Past.lineOf(past.call, webhook)?.answered === true
  return isAnswerAgain || past.call.strays >= history.settings.maxStrays ||
    past.events.some((event) => Past.postingOf(event) === posting || ("content" in event && event.content === content))
}

/** Whether a webhook was recorded between this delivery of it and its answer. */
const isNews = (history: History.History, { answered, posting, taken }: History.Delivery): boolean =>
  history.turns.some(({ begun, turn }) =>
    begun.seq > (taken?.seq ?? Infinity) && begun.seq < (answered?.seq ?? 0) &&
    turn.events.some((event) => Past.postingOf(event) === posting)
  )

/**
 * The engine's holds that a line got before an answer: in all, and those unrecorded since its last recorded answer. One that
 * a stranger heard under its session counts in all: nothing tells the two apart.
 */
const holdsBefore = (history: History.History, delivery: History.Delivery) => {
  const answers = history.deliveries.filter(({ answered, incarnation, webhook }) =>
    answered?.action !== undefined && webhook.referenceId === delivery.webhook.referenceId &&
    incarnation === delivery.incarnation && answered.seq < delivery.answered!.seq
  ).toSorted((one, other) => one.answered!.seq - other.answered!.seq)
  const isUnrecordedHold = (answer: History.Delivery) =>
    isUnrecorded(history, answer) && answer.answered?.action?._tag !== "Hangup"
  const isFirst = (answer: History.Delivery, index: number) =>
    answers.findIndex(({ posting }) => posting === answer.posting) === index // of its webhook, in this process
  const lastRecorded = answers.findLastIndex((answer, index) =>
    !isUnrecorded(history, answer) &&
    (isFirst(answer, index) || isNews(history, answer) || Webhook.kind(answer.webhook) === "PromptCompleted")
  )
  const strange = history.strangers.filter(({ answered, incarnation, webhook }) =>
    answered?.action !== undefined && webhook.referenceId === delivery.webhook.referenceId &&
    incarnation === delivery.incarnation && answered.seq < delivery.answered!.seq
  )
  return {
    all: [...answers, ...strange].filter(({ answered }) => isHold(history, answered!.action!)).length,
    inARow: answers.slice(lastRecorded + 1).filter(isUnrecordedHold).length
  }
}

/** Whether a webhook may tell of the end of an unrecorded hold: that was the last action on its line before it came. */
export const isAfterHold = (history: History.History, { arrived, webhook }: History.Delivery): boolean => {
  const last = history.deliveries.filter(({ answered, obeyed, webhook: other }) =>
    obeyed && answered?.action !== undefined && answered.seq < arrived.seq && other.referenceId === webhook.referenceId
  ).reduce<History.Delivery | undefined>(
    (last, each) => last === undefined || each.answered!.seq > last.answered!.seq ? each : last,
    undefined
  )
  return last !== undefined && isUnrecorded(history, last)
}

/**
 * Whether a webhook was refused at once, because as many as may wait for the store did so when it came: some without an
 * answer, some that were answered late and of which nothing had been recorded since they came.
 */
export const isCrowded = (history: History.History, { failed, incarnation, taken }: History.Delivery): boolean => {
  if (failed === undefined || taken === undefined || failed.at > taken.at) return false
  const life = history.lives[incarnation - 1]!
  const isRecorded = (other: History.Delivery): boolean =>
    history.turns.some(({ at, begun, confirmed, incarnation: writer, turn }) => {
      if (begun.seq < other.taken!.seq || confirmed === undefined || confirmed.seq > taken.seq) return false
      if (!turn.events.some((event) => Past.postingOf(event) === other.posting)) return false
      const isOwn = writer === incarnation && confirmed.seq > (other.answered?.seq ?? 0)
      return isOwn || !isHeldUp(life, at, taken.at) // It was recorded from a copy: this one still has its turn.
    })
  const mayWait = (other: History.Delivery): boolean => {
    const isAnswered = other.answered !== undefined && other.answered.seq < taken.seq
    return isAnswered || other.failed !== undefined ? isLate(history, other) && !isRecorded(other) : true
  }
  const before = history.deliveries.filter((other) =>
    other.incarnation === incarnation && other.taken !== undefined && other.taken.seq < taken.seq
  )
  const strange = history.strangers.filter((stranger) =>
    stranger.incarnation === incarnation && stranger.seq < taken.seq && isStranded(history, stranger, taken)
  )
  return before.filter(mayWait).length + strange.length >= history.settings.maxWaiting
}

/** Whether what a stranger posted may wait for the store at a moment: it has no answer then, or one that came late. */
const isStranded = (
  history: History.History,
  { answered, at, failed, incarnation }: History.Foreign,
  then: History.Moment
): boolean => {
  const end = answered ?? failed
  if (end === undefined || end.seq > then.seq) return true
  return end.at - at >= history.settings.replyDeadline && isHeldUp(history.lives[incarnation - 1]!, end.at, then.at)
}

/** Whether something may wait for the store of a process from a moment on until then, because that failed or was slow. */
const isHeldUp = ({ failed, waited }: History.Life, since: number, until: number): boolean =>
  failed.some((at) => at >= since - Past.afterFailure && at <= until) ||
  waited.some(({ from, to }) => from <= until && to >= since)

/** Whether a webhook can be answered with a hold, whatever the store does: its call is known by name, its line is open. */
export const isHoldable = (history: History.History, { arrived, webhook }: History.Delivery, seq: number): boolean => {
  const kind = Webhook.kind(webhook)
  const isPrompt = kind === "PromptCompleted" || (kind === "DialCompleted" && webhook.status === "answered")
  if (!isPrompt || webhook.externalId === undefined) return false
  const isOver = history.log.some((entry) =>
    entry._tag === "Posted" && entry.referenceId === webhook.referenceId &&
    entry.at <= arrived.at + history.settings.replyDeadline &&
    entry.webhook.event === "call_completed"
  )
  if (isOver) return false
  const line = Past.lineAt(Past.of(history).callOf(webhook), webhook, seq)
  return line !== undefined && !line.left && (line.phase === "Acting" || line.phase === "Owing")
}
