/** The same webhook gets the same reply: every delivery of it, held against every other and against the record. */
import { type Action, Call, Settings, Webhook } from "@ringback/core"
import { Equal } from "effect"
import type * as History from "../History.ts"
import { type Finding, type Findings, none, remains, violation } from "./finding.ts"
import * as holds from "./lawHolds.ts"
import * as Past from "./past.ts"

export const residuals = {
  copyTaken: "a copy that came late was taken for an answer",
  copyHeldUp: "a copy that waited for a process that stood still was taken for an answer",
  copyClock: "a copy was taken for an answer by a process that was not sure of the time",
  behind: "a copy answered by a process that was behind another one and could not ask its store",
  leg: "a copy of an earlier leg's end was taken for the end of a later one",
  answerTaken: "a true answer was taken for a copy"
} as const

const same = (self: Action.Action | undefined, that: Action.Action | undefined): boolean => Equal.equals(self, that)

export const check = (history: History.History): Findings => {
  const byPosting = Past.grouped(
    history.deliveries.filter((delivery) => delivery.answered !== undefined),
    ({ posting }) => posting
  )
  const pairs = [...byPosting.values()].flatMap((deliveries) => {
    const ordered = deliveries.toSorted((a, b) => a.answered!.seq - b.answered!.seq)
    return ordered.slice(1).flatMap((again, index) => sameReply(history, ordered[index]!, again))
  })
  return [...pairs, ...Past.of(history).calls.flatMap((call) => mistaken(history, call)), ...unheard(history)]
}

const inFlightOf = (line: Call.CallLine): ReadonlyArray<unknown> => [
  Call.status(line),
  line.inFlight?.n,
  line.inFlight?.at,
  line.holds,
  line.probing,
  line.left
]

const isNothingOrHangup = (action: Action.Action | undefined) => action === undefined || action._tag === "Hangup"

/** While nothing has changed on the line, two deliveries get one answer. */
const sameReply = (history: History.History, first: History.Delivery, again: History.Delivery): Findings => {
  const [one, two] = [first.answered, again.answered]
  const call = Past.of(history).callOf(first.webhook)
  if (one === undefined || two === undefined || call === undefined || same(one.action, two.action)) return none
  if (wasOvertaken(call, first) || wasOvertaken(call, again)) return none
  if ([first, again].some((delivery) => holds.isUnrecorded(history, delivery))) return none
  if ([first, again].some((delivery) => isToNobody(history, delivery))) return none
  const then = Past.lineAt(call, first.webhook, one.seq)
  const later = Past.lineAt(call, first.webhook, two.seq)
  if (then === undefined || later === undefined) return none
  if (JSON.stringify(inFlightOf(then)) !== JSON.stringify(inFlightOf(later))) return none
  const isOver = Call.status(then) === "Closed" || Call.status(then) === "Settling"
  if (isOver && isNothingOrHangup(one.action) && isNothingOrHangup(two.action)) return none
  return [first, again].some((delivery) => wasBehind(history, call, delivery))
    ? [remains(residuals.behind)]
    : [violation(`two deliveries of one ${first.webhook.event} were answered differently (the line is ${then.phase})`)]
}

/** Nothing was answered, because the end of the line had come in meanwhile, though the store was late with its record. */
const isToNobody = (history: History.History, { answered, incarnation, webhook }: History.Delivery): boolean =>
  answered !== undefined && answered.action === undefined &&
  history.deliveries.some((end) =>
    Webhook.kind(end.webhook) === "CallCompleted" && end.webhook.referenceId === webhook.referenceId &&
    end.incarnation === incarnation && end.taken !== undefined && end.taken.seq < answered.seq
  )

/** Another process went on with the call while this one was about to answer. */
const wasOvertaken = (call: Past.PastCall, { answered, incarnation, taken }: History.Delivery): boolean =>
  call.turns.some(({ turn }) =>
    turn.incarnation !== incarnation && turn.seq > (taken?.seq ?? Infinity) && turn.seq < (answered?.seq ?? 0)
  )

/** A process that shares its calls asks the store before it answers a copy, and goes by its memory if that fails. */
const wasBehind = (
  history: History.History,
  call: Past.PastCall,
  { answered, incarnation, taken }: History.Delivery
): boolean =>
  Past.hasCompany(history, call, incarnation, answered?.seq ?? 0) &&
  history.lives[incarnation - 1]!.failed.some((at) => at >= (taken?.at ?? Infinity) && at <= (answered?.at ?? 0))

/** A copy that was taken for an answer: two facts from one webhook. */
const mistaken = (history: History.History, call: Past.PastCall): Findings => {
  const seen = new Set<number>()
  return call.events.flatMap((event, index): Findings => {
    const posting = Past.postingOf(event)
    if (posting === undefined || event._tag === "Stray") return none
    if (seen.has(posting)) return [mistake(history, call, index)]
    seen.add(posting)
    return none
  })
}

const mistake = (history: History.History, call: Past.PastCall, index: number): Finding => {
  const event = call.events[index]!
  if (event._tag === "LegEnded") return remains(residuals.leg)
  if (event._tag !== "PromptCompleted" && event._tag !== "HoldCompleted") {
    return violation(`one webhook was recorded twice, the second time as ${event._tag}`)
  }
  const inFlight = Past.lineBefore(call, index, event.line)?.inFlight
  if (inFlight === undefined) return remains(residuals.copyTaken)
  const withDigits = event._tag === "PromptCompleted" && event.digits !== ""
  const shortest = Settings.shortest(history.settings, inFlight.action, { withDigits })
  const began = call.turns.findLast(({ after, length }) =>
    length <= index && !after.lines.some((line) => isSame(line.inFlight, inFlight))
  )
  const since = (call.turns[began === undefined ? 0 : call.turns.indexOf(began) + 1] ?? call.turns[0]!).turn.begun.at
  const recorded = call.turns.find(({ length }) => length > index)!.turn
  const copies = history.deliveries.filter(({ posting, taken }) =>
    posting === Past.postingOf(event) && taken !== undefined && taken.seq < recorded.begun.seq
  )
  if (copies.some(({ arrived }) => arrived.at - since >= shortest)) return remains(residuals.copyTaken)
  if (copies.some(({ taken }) => taken!.at - since >= shortest)) return remains(residuals.copyHeldUp)
  return isTimeUnsure(history, since, recorded.at)
    ? remains(residuals.copyClock)
    : violation("a copy was taken for an answer sooner than that could be given")
}

const isSame = (self: Call.CallLine["inFlight"], that: Call.CallLine["inFlight"]): boolean =>
  self !== undefined && that !== undefined && self.n === that.n && self.at === that.at

/** A clock was set meanwhile, or two processes know the time of their store only roughly, by answers that came late. */
const isTimeUnsure = ({ lives }: History.History, from: number, to: number): boolean =>
  lives.some(({ jumped }) => jumped.some((at) => at >= from && at <= to)) ||
  (new Set(lives.map(({ computer }) => computer)).size > 1 &&
    lives.some(({ jumped, waited }) => waited.length > 0 || jumped.some((at) => at <= to)))

/** Completions that were never recorded, because they looked like copies: so the prompt was heard once more. */
const unheard = (history: History.History): Findings => {
  const past = Past.of(history)
  const recorded = new Set(history.turns.flatMap(({ turn }) => turn.events.map(Past.postingOf)))
  const postings = new Map<string, Set<number>>()
  for (const delivery of history.deliveries) {
    const { answered, posting, webhook } = delivery
    const isPrompt = answered?.action?._tag === "Speak" || answered?.action?._tag === "Play"
    if (answered === undefined || !isPrompt || recorded.has(posting)) continue
    if (Webhook.kind(webhook) !== "PromptCompleted" || holds.isAfterHold(history, delivery)) continue
    const call = past.callOf(webhook)
    const inFlight = Past.lineAt(call, webhook, answered.seq)?.inFlight
    const key = `${call?.id}/${inFlight?.n}@${inFlight?.at}`
    postings.set(key, (postings.get(key) ?? new Set()).add(posting))
  }
  return [...postings.values()].map(({ size }) =>
    size > history.settings.maxCopies
      ? violation(`${size} answers to one prompt were taken for copies`)
      : remains(residuals.answerTaken)
  )
}
