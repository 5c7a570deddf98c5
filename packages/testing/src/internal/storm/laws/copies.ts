/** The same webhook gets the same reply: every delivery of it, held against every other and against the record. */
import { type CallLine, Settings, Webhook } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Finding, type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"
import * as holds from "./holds.ts"
import * as record from "./record.ts"

export const residuals = {
  copyTaken: "a copy that came late was taken for an answer",
  copyHeldUp: "a copy that waited for a process that stood still was taken for an answer",
  copyClock: "a copy was taken for an answer by a process that was not sure of the time",
  behind: "a copy answered by a process that was behind another one",
  leg: "a copy of an earlier leg's end was taken for the end of a later one",
  answerTaken: "a true answer was taken for a copy"
} as const

export const check = (history: StormHistory.StormHistory): Findings => [
  ...history.deliveries.flatMap((delivery) => again(history, delivery)),
  ...StoredCalls.of(history).calls.flatMap((call) => mistaken(history, call)),
  ...unheard(history)
]

/** A reply that says it is for a copy: an equal event came before, and the record, of which nothing is from this one, says so. */
const again = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): Findings => {
  const { answered, webhook } = delivery
  if (answered?.basis !== "copy") return none
  const content = contentOf(history, webhook)
  const isFirst = !history.deliveries.some((other) =>
    other !== delivery && other.webhook.referenceId === webhook.referenceId &&
    (other.taken?.seq ?? Infinity) < answered.seq && contentOf(history, other.webhook) === content
  )
  const isBehind = record.wasBehind(history, delivery)
  if (isFirst && isBehind) return [remains(residuals.behind)] // it knows of no action that this could end
  if (isFirst) return [violation(`the first ${webhook.event} of its kind was answered as a copy`)]
  if (isNews(history, delivery)) return [violation(`${webhook.event} was answered as a copy, and recorded for that`)]
  if (record.isSaid(history, delivery)) return none
  const what = answered.action?._tag ?? "nothing"
  return isBehind
    ? [remains(residuals.behind)]
    : [violation(`a copy of ${webhook.event} was answered with ${what}, which is not on record`)]
}

const contentOf = ({ settings }: StormHistory.StormHistory, webhook: Webhook.Webhook): string =>
  Webhook.content(webhook, settings.copies.eventKey)

/** Whether a process recorded a webhook before it answered this delivery of it, and had no other in hand. */
const isNews = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): boolean => {
  const { answered, incarnation, posting, taken } = delivery
  const recorded = history.turns.find(({ begun, incarnation: by, seq, turn }) =>
    by === incarnation && begun.seq > taken!.seq && seq < answered!.seq &&
    turn.events.some((event) => StoredCalls.postingOf(event) === posting)
  )
  return recorded !== undefined &&
    !history.deliveries.some((other) =>
      other !== delivery && other.posting === posting && other.incarnation === incarnation &&
      (other.taken?.seq ?? Infinity) < recorded.begun.seq
    )
}

/** A copy that was taken for an answer: two facts from one webhook. */
const mistaken = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const seen = new Set<number>()
  return call.events.flatMap((event, index): Findings => {
    const posting = StoredCalls.postingOf(event)
    if (posting === undefined || event._tag === "Stray") return none
    if (seen.has(posting)) return [mistake(history, call, index)]
    seen.add(posting)
    return none
  })
}

const mistake = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall, index: number): Finding => {
  const event = call.events[index]!
  if (event._tag === "LegEnded") return remains(residuals.leg)
  if (event._tag !== "PromptCompleted" && event._tag !== "HoldCompleted") {
    return violation(`one webhook was recorded twice, the second time as ${event._tag}`)
  }
  const inFlight = StoredCalls.lineBefore(call, index, event.line)?.inFlight
  if (inFlight === undefined) return remains(residuals.copyTaken)
  const withDigits = event._tag === "PromptCompleted" && event.digits !== ""
  const shortest = Settings.shortest(history.settings, inFlight.action, { withDigits })
  const began = call.turns.findLast(({ after, length }) =>
    length <= index && !after.lines.some((line) => isSame(line.inFlight, inFlight))
  )
  const since = (call.turns[began === undefined ? 0 : call.turns.indexOf(began) + 1] ?? call.turns[0]!).turn.begun.at
  const recorded = call.turns.find(({ length }) => length > index)!.turn
  const copies = history.deliveries.filter(({ posting, taken }) =>
    posting === StoredCalls.postingOf(event) && taken !== undefined && taken.seq < recorded.begun.seq
  )
  if (copies.some(({ arrived }) => arrived.at - since >= shortest)) return remains(residuals.copyTaken)
  if (copies.some(({ taken }) => taken!.at - since >= shortest)) return remains(residuals.copyHeldUp)
  return isTimeUnsure(history, since, recorded.at)
    ? remains(residuals.copyClock)
    : violation("a copy was taken for an answer sooner than that could be given")
}

const isSame = (self: CallLine.CallLine["inFlight"], that: CallLine.CallLine["inFlight"]): boolean =>
  self !== undefined && that !== undefined && self.n === that.n && self.at === that.at

/** A clock was set meanwhile, or two processes know the time of their store only roughly, by answers that came late. */
const isTimeUnsure = ({ lives }: StormHistory.StormHistory, from: number, to: number): boolean =>
  lives.some(({ jumped }) => jumped.some((at) => at >= from && at <= to)) ||
  (new Set(lives.map(({ computer }) => computer)).size > 1 &&
    lives.some(({ jumped, waited }) => waited.length > 0 || jumped.some((at) => at <= to)))

/** Completions that were never recorded, because they looked like copies: so the prompt was heard once more. */
const unheard = (history: StormHistory.StormHistory): Findings => {
  const stored = StoredCalls.of(history)
  const recorded = new Set(history.turns.flatMap(({ turn }) => turn.events.map(StoredCalls.postingOf)))
  const postings = new Map<string, Set<number>>()
  for (const delivery of history.deliveries) {
    const { answered, posting, webhook } = delivery
    const isPrompt = answered?.action?._tag === "Speak" || answered?.action?._tag === "Play"
    if (answered === undefined || !isPrompt || recorded.has(posting)) continue
    if (!Webhook.endsPrompt(webhook) || holds.isAfterHold(history, delivery)) continue
    const call = stored.callOf(webhook)
    const inFlight = StoredCalls.lineAt(call, webhook, answered.seq)?.inFlight
    const key = `${call?.id}/${inFlight?.n}@${inFlight?.at}`
    postings.set(key, (postings.get(key) ?? new Set()).add(posting))
  }
  return [...postings.values()].map(({ size }) =>
    size > history.settings.copies.atMost
      ? violation(`${size} answers to one prompt were taken for copies`)
      : remains(residuals.answerTaken)
  )
}
