/**
 * What may go out unrecorded: while the store is late with a webhook or the engine closes, the engine's own hold, a few times
 * in a row, then a hang-up.
 */
import { Action, type CallLine, Webhook } from "@ringback/core"
import { Equal } from "effect"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Finding, type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"
import * as pruning from "./pruning.ts"

export const residuals = {
  held: "a hold while the store was late",
  closing: "a hold or a hang-up of an engine that was closing",
  hungUp: "a hang-up while the store was late",
  over: "a hold for a line that was over, while the store was late",
  lost: "an event that was lost with its process while the store was late",
  refused: "an event that the store refused for good",
  pruned: "an event of a call that others ended, and that was pruned before the store took it",
  still: "an event that waits for a store that failed until the storm was over"
} as const

/** A line that nobody wants by what is recorded. */
export const isUnwanted = (line: CallLine.CallLine | undefined, webhook: Webhook.Webhook): boolean =>
  line === undefined || line.left || line.phase === "Closed" || line.referenceId !== webhook.referenceId

const isHold = (history: StormHistory.StormHistory, action: Action.Action | undefined): boolean =>
  Equal.equals(action, Action.prompt(history.settings.reply.hold))

/** Whether an answer, or a failure instead, took longer than the reply deadline by the clock of its process. */
const isLate = (
  history: StormHistory.StormHistory,
  { answered, arrived, failed, incarnation, taken }: StormHistory.Delivery
): boolean => {
  const until = answered?.at ?? failed?.at
  if (until === undefined || taken === undefined) return false
  // A process whose clock has just been set takes what it waits for to be late, but not what it answers at once.
  const since = until > taken.at ? arrived.at - justNow : taken.at
  return until - taken.at >= history.settings.reply.deadline ||
    history.lives[incarnation - 1]!.jumped.some((at) => at >= since && at <= until)
}

const justNow = 60_000

/** Whether an answer is of an engine that had begun to close: it waits for its store no longer than it lives. */
const isOfClosing = ({ lives }: StormHistory.StormHistory, { answered, incarnation }: StormHistory.Delivery): boolean =>
  answered!.seq > (lives[incarnation - 1]!.closing?.seq ?? Infinity)

const lineOf = (
  history: StormHistory.StormHistory,
  { answered, webhook }: StormHistory.Delivery
): CallLine.CallLine | undefined =>
  StoredCalls.lineAt(StoredCalls.of(history).callOf(webhook), webhook, answered?.seq ?? Infinity)

/** Whether an answer is one that nobody has recorded. */
export const isUnrecorded = ({ answered }: StormHistory.Delivery): boolean =>
  answered?.basis === "unrecorded hold" || answered?.basis === "unrecorded hang-up"

/**
 * What a reply says of itself that nobody has recorded: the store was late or the engine closing, a hold is one of few in a row, and a hang-up comes
 * after as many or to a line that is not wanted. The webhook is recorded later, unless its process died first.
 */
export const unrecorded = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): Findings => {
  const { action, basis } = delivery.answered!
  const isHangup = basis === "unrecorded hang-up"
  if (!isHangup && !isHold(history, action)) return [violation(`${action?._tag} was called an unrecorded hold`)]
  if (isHangup && action?._tag !== "Hangup") return [violation(`${action?._tag} was called an unrecorded hang-up`)]
  const isLast = isOfClosing(history, delivery)
  if (!isLate(history, delivery) && !isLast) return [violation(`an ${basis}, though the store was not late`)]
  const line = lineOf(history, delivery)
  if (isHangup && isUnwanted(line, delivery.webhook)) return none
  if (line?.phase === "Closed" || line?.presumed === true) return [remains(residuals.over)] // the engine has let go of it
  const { all, inARow } = holdsBefore(history, delivery)
  const most = history.settings.reply.unrecordedHolds
  if (isHangup && all < most) return [violation(`hung up after ${all} holds`)]
  if (!isHangup && inARow >= most) return [violation(`one more unrecorded hold after ${inARow}`)]
  if (isLast) return [remains(residuals.closing)]
  return [
    isOfSecond(history, delivery) || isKept(history, delivery)
      ? remains(isHangup ? residuals.hungUp : residuals.held)
      : lost(history, delivery)
  ]
}

/** Why a webhook was never recorded, though it was answered. */
const lost = (
  history: StormHistory.StormHistory,
  { incarnation, posting, webhook }: StormHistory.Delivery
): Finding => {
  if (StoredCalls.isRefused(history, posting, Infinity)) return remains(residuals.refused)
  const call = StoredCalls.of(history).callOf(webhook)
  if (call !== undefined && pruning.isGone(history, call)) return remains(residuals.pruned)
  const { died, failed } = history.lives[incarnation - 1]!
  if (died < history.endedAt) return remains(residuals.lost)
  return failed.some((at) => at >= history.endedAt - StoredCalls.afterFailure)
    ? remains(residuals.still)
    : violation(`${webhook.event} was answered and never recorded`)
}

/** Whether a webhook is of the second session of a `POST` that the carrier carried out twice. */
const isOfSecond = (history: StormHistory.StormHistory, { webhook }: StormHistory.Delivery): boolean => {
  const stored = StoredCalls.of(history).callOf(webhook)
  const line = stored === undefined ? undefined : StoredCalls.lineOf(stored.call, webhook)
  return line?.referenceId !== undefined && line.referenceId !== webhook.referenceId
}

/**
 * Whether a call is known to another process alone, which held its line while the store was late: nothing else tells that
 * it is one of ours.
 */
export const isOfAnother = (
  history: StormHistory.StormHistory,
  { answered, incarnation, webhook }: StormHistory.Delivery
): boolean =>
  answered !== undefined &&
  StoredCalls.lineAt(StoredCalls.of(history).callOf(webhook), webhook, answered.seq) === undefined &&
  history.deliveries.some((other) =>
    other.incarnation !== incarnation && other.webhook.referenceId === webhook.referenceId &&
    other.answered !== undefined && other.answered.seq < answered.seq && isUnrecorded(other)
  )

/** Whether a process that shares its calls had to ask its store which call a webhook is of, for another one went on with it. */
export const isBesideAnother = (
  history: StormHistory.StormHistory,
  { arrived, incarnation, webhook }: StormHistory.Delivery
): boolean => {
  const call = StoredCalls.of(history).callOf(webhook)
  return call !== undefined && StoredCalls.hasCompany(history, call, incarnation, arrived.seq)
}

/** Whether a webhook is on record, or changed nothing when its turn came. */
const isKept = (history: StormHistory.StormHistory, { posting, webhook }: StormHistory.Delivery): boolean => {
  const stored = StoredCalls.of(history).callOf(webhook)
  if (stored === undefined) return false
  const content = Webhook.content(webhook)
  const isAnswerAgain = webhook.kind === "DialCompleted" &&
    StoredCalls.lineOf(stored.call, webhook)?.answered === true
  return isAnswerAgain || stored.call.strays >= history.settings.call.strays ||
    stored.events.some((event) =>
      StoredCalls.postingOf(event) === posting || ("content" in event && event.content === content)
    )
}

/** Whether a webhook was recorded between this delivery of it and its answer. */
const isNews = (history: StormHistory.StormHistory, { answered, posting, taken }: StormHistory.Delivery): boolean =>
  history.turns.some(({ begun, turn }) =>
    begun.seq > (taken?.seq ?? Infinity) && begun.seq < (answered?.seq ?? 0) &&
    turn.events.some((event) => StoredCalls.postingOf(event) === posting)
  )

const isUnrecordedHold = ({ answered }: StormHistory.Delivery | StormHistory.Foreign): boolean =>
  answered?.basis === "unrecorded hold"

/**
 * The engine's holds that a line got before an answer: in all, and those unrecorded since its last recorded answer. One that
 * a stranger heard under its session counts in all: nothing tells the two apart.
 */
const holdsBefore = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery) => {
  const answers = history.deliveries.filter(({ answered, incarnation, webhook }) =>
    answered?.action !== undefined && webhook.referenceId === delivery.webhook.referenceId &&
    incarnation === delivery.incarnation && answered.seq < delivery.answered!.seq
  ).toSorted((one, other) => one.answered!.seq - other.answered!.seq)
  const isFirst = (answer: StormHistory.Delivery, index: number) =>
    answers.findIndex(({ posting }) => posting === answer.posting) === index // of its webhook, in this process
  const lastRecorded = answers.findLastIndex((answer, index) =>
    !isUnrecorded(answer) &&
    (isFirst(answer, index) || isNews(history, answer) || Webhook.endsPrompt(answer.webhook))
  )
  const strange = history.strangers.filter(({ answered, incarnation, webhook }) =>
    answered?.action !== undefined && webhook.referenceId === delivery.webhook.referenceId &&
    incarnation === delivery.incarnation && answered.seq < delivery.answered!.seq
  )
  return {
    all: [...answers, ...strange].filter(isUnrecordedHold).length,
    inARow: answers.slice(lastRecorded + 1).filter(isUnrecordedHold).length
  }
}

/** Whether a webhook may tell of the end of an unrecorded hold: that was the last action on its line before it came. */
export const isAfterHold = (
  history: StormHistory.StormHistory,
  { arrived, webhook }: StormHistory.Delivery
): boolean => {
  const last = history.deliveries.filter(({ answered, obeyed, webhook: other }) =>
    obeyed && answered?.action !== undefined && answered.seq < arrived.seq && other.referenceId === webhook.referenceId
  ).reduce<StormHistory.Delivery | undefined>(
    (last, each) => last === undefined || each.answered!.seq > last.answered!.seq ? each : last,
    undefined
  )
  return last !== undefined && isUnrecorded(last)
}

/**
 * Whether a webhook was refused at once, because as many as may wait for the store did so when it came: some without an
 * answer, some that were answered late and of which nothing had been recorded since they came.
 */
export const isCrowded = (
  history: StormHistory.StormHistory,
  { failed, incarnation, taken }: StormHistory.Delivery
): boolean => {
  if (failed === undefined || taken === undefined || failed.at > taken.at) return false
  const life = history.lives[incarnation - 1]!
  const isRecorded = (other: StormHistory.Delivery): boolean =>
    history.turns.some(({ at, begun, confirmed, incarnation: writer, turn }) => {
      if (begun.seq < other.taken!.seq || confirmed === undefined || confirmed.seq > taken.seq) return false
      if (!turn.events.some((event) => StoredCalls.postingOf(event) === other.posting)) return false
      const isOwn = writer === incarnation && confirmed.seq > (other.answered?.seq ?? 0)
      return isOwn || !isHeldUp(life, at, taken.at) // It was recorded from a copy: this one still has its turn.
    })
  const mayWait = (other: StormHistory.Delivery): boolean => {
    const isAnswered = other.answered !== undefined && other.answered.seq < taken.seq
    return isAnswered || other.failed !== undefined ? isLate(history, other) && !isRecorded(other) : true
  }
  const before = history.deliveries.filter((other) =>
    other.incarnation === incarnation && other.taken !== undefined && other.taken.seq < taken.seq
  )
  const strange = history.strangers.filter((stranger) =>
    stranger.incarnation === incarnation && stranger.seq < taken.seq && isStranded(history, stranger, taken)
  )
  return before.filter(mayWait).length + strange.length >= history.settings.store.waiting
}

/** Whether what a stranger posted may wait for the store at a moment: it has no answer then, or one that came late. */
const isStranded = (
  history: StormHistory.StormHistory,
  { answered, at, failed, incarnation }: StormHistory.Foreign,
  then: StormHistory.Moment
): boolean => {
  const end = answered ?? failed
  if (end === undefined || end.seq > then.seq) return true
  return end.at - at >= history.settings.reply.deadline && isHeldUp(history.lives[incarnation - 1]!, end.at, then.at)
}

/** Whether something may wait for the store of a process from a moment on until then, because that failed or was slow. */
const isHeldUp = ({ failed, waited }: StormHistory.Life, since: number, until: number): boolean =>
  failed.some((at) => at >= since - StoredCalls.afterFailure && at <= until) ||
  waited.some(({ from, to }) => from <= until && to >= since)

/** Whether a webhook can be answered with a hold, whatever the store does: its call is known by name, its line is open. */
export const isHoldable = (
  history: StormHistory.StormHistory,
  { arrived, webhook }: StormHistory.Delivery,
  seq: number
): boolean => {
  const { kind } = webhook
  const isPrompt = Webhook.endsPrompt(webhook) || (kind === "DialCompleted" && webhook.status === "answered")
  if (!isPrompt || webhook.externalId === undefined) return false
  const isOver = history.log.some((entry) =>
    entry._tag === "Posted" && entry.referenceId === webhook.referenceId &&
    entry.at <= arrived.at + history.settings.reply.deadline &&
    entry.webhook.kind === "CallCompleted"
  )
  if (isOver) return false
  const line = StoredCalls.lineAt(StoredCalls.of(history).callOf(webhook), webhook, seq)
  return line !== undefined && !line.left && (line.phase === "Acting" || line.phase === "Owing")
}
