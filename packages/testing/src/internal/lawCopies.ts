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
  copyClock: "a copy was taken for an answer by a process that knew the time of the store only roughly",
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
  const then = Past.lineAt(call, first.webhook, one.seq)
  const later = Past.lineAt(call, first.webhook, two.seq)
  if (then === undefined || later === undefined) return none
  if (JSON.stringify(inFlightOf(then)) !== JSON.stringify(inFlightOf(later))) return none
  const isOver = Call.status(then) === "Closed" || Call.status(then) === "Settling"
  return isOver && isNothingOrHangup(one.action) && isNothingOrHangup(two.action)
    ? none
    : [violation(`two deliveries of one ${first.webhook.event} were answered differently (the line is ${then.phase})`)]
}

/** Another process went on with the call while this one was about to answer. */
const wasOvertaken = (call: Past.PastCall, { answered, incarnation, taken }: History.Delivery): boolean =>
  call.turns.some(({ turn }) =>
    turn.incarnation !== incarnation && turn.seq > (taken?.seq ?? Infinity) && turn.seq < (answered?.seq ?? 0)
  )

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

/** How far a process that shares its store may be off from the time of that: by half of a slow answer. */
const roughly = ({ lives }: History.History): number => {
  const places = new Set(lives.map(({ computer }) => computer))
  return places.size < 2
    ? 0
    : lives.flatMap(({ waited }) => waited).reduce((most, { from, to }) => Math.max(most, to - from), 0)
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
  const taken = history.deliveries.flatMap(({ arrived, posting, taken }) =>
    posting === Past.postingOf(event) && taken !== undefined ? [{ arrived, taken }] : []
  )
  // Event times are those of the process: its clock tells how late it took the webhook, the world's how late that came.
  const isLate = ({ taken }: { readonly taken: NonNullable<History.Delivery["taken"]> }) =>
    taken.clock <= event.at && taken.clock - inFlight.at >= shortest
  const late = taken.filter(isLate)
  if (late.length === 0) {
    const isRoughly = taken.some((each) => each.taken.clock - inFlight.at + roughly(history) >= shortest)
    return isRoughly
      ? remains(residuals.copyClock)
      : violation("a copy was taken for an answer sooner than that could be given")
  }
  return late.some(({ arrived, taken }) => taken.clock - (taken.at - arrived.at) - inFlight.at >= shortest)
    ? remains(residuals.copyTaken)
    : remains(residuals.copyHeldUp)
}

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
