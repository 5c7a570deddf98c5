/** The way of a call over the drawing of its flow: of all ways that the drawing allows the one that explains most of the log. */
import * as Action from "../../Action.ts"
import * as Call from "../../Call.ts"
import type { CallEvent, CallId, Exit } from "../../CallEvent.ts"
import * as Prompt from "../../Prompt.ts"
import type { Box, Edge, FlowDrawing, Way } from "../drawing/items.ts"
import * as outcome from "../drawing/outcome.ts"
import * as spoken from "../spoken.ts"
import { resumption } from "./resumption.ts"

/** A decision that is a place of a conversation, and what happened before it at the place before. */
interface Moment {
  readonly event: CallEvent
  readonly number: number
  readonly happened: string | undefined
}

/** How the decision that the flow waited for came out, by the fact that it went on from. */
const happenedOf = (before: Call.Call, fact: CallEvent, after: Call.Call): string | undefined => {
  if (fact._tag === "DeadlinePassed" || fact._tag === "HoldExpired") return outcome.expired
  const found = resumption(before, fact, after)
  if (found === undefined || before.wait === undefined) return isGone(before, fact) ? outcome.hungUp : undefined
  if (found._tag === "Resume") return outcome.ofResponse(before.wait._tag, found.response)
  switch (found.why._tag) {
    case "Cancelled":
      return outcome.cancelled
    case "Overdue":
      return outcome.overdue
    case "Defect":
      return outcome.died
    case "Expired":
      return outcome.expired
  }
}

/** A hang-up that a hold notices ends a wait of another kind. */
const isGone = (before: Call.Call, fact: CallEvent): boolean =>
  (fact._tag === "CallEnded" || fact._tag === "LineSilent") && before.wait !== undefined

const isPlace = ({ _tag }: CallEvent): boolean =>
  _tag === "CallArrived" || _tag === "DialPlanned" || _tag === "ActionDecided" || _tag === "SleepStarted" ||
  _tag === "ActivityStarted" || _tag === "SignalAwaited" || _tag === "Drawn" || _tag === "FlowEnded"

const momentsOf = (
  events: ReadonlyArray<CallEvent>
): { readonly moments: ReadonlyArray<Moment>; readonly call: Call.Call } => {
  let call = Call.initial("" as CallId)
  let happened: string | undefined
  const moments: Array<Moment> = []
  events.forEach((event, i) => {
    const before = call
    call = Call.evolve(call, event)
    if (isPlace(event)) {
      moments.push({ event, number: i + 1, happened })
      happened = event._tag === "CallArrived" ? "calls" : atOnce(call, event)
    } else happened = happenedOf(before, event, call) ?? happened
  })
  return { moments, call }
}

/** What is answered in the turn that asks for it. */
const atOnce = (call: Call.Call, event: CallEvent): string | undefined => {
  if (event._tag === "Drawn") return `drawn:${event.value}`
  if (event._tag !== "SignalAwaited" || event.heard !== true) return undefined
  return call.exit === undefined ? "told:" : undefined
}

/** How badly a decision fits a box: 0 if it says the same; nothing if it is none of this box. */
const misfit = ({ matches }: Box, { event }: Moment): number | undefined => {
  switch (matches._tag) {
    case "Arrival":
      return event._tag === "CallArrived" ? 0 : undefined
    case "Dial":
      return event._tag === "DialPlanned" ? 0 : undefined
    case "Prompt":
      return event._tag === "ActionDecided" && event.action._tag !== "Dial"
        ? wordsMisfit(matches, event.action)
        : undefined
    case "Bridge":
      return event._tag === "ActionDecided" && event.action._tag === "Dial" ? 0 : undefined
    case "Sleep":
      return event._tag === "SleepStarted" ? (event.until - event.at === matches.millis ? 0 : 1) : undefined
    case "Activity":
      return event._tag === "ActivityStarted" && event.name === matches.name ? 0 : undefined
    case "Signal":
      return event._tag === "SignalAwaited" && event.name === matches.name ? 0 : undefined
    case "Draw":
      return event._tag === "Drawn" ? 0 : undefined
    case "End":
      return event._tag === "FlowEnded" ? endMisfit(matches, event.exit) : undefined
    case "Nothing":
      return undefined
  }
}

const wordsMisfit = (
  { collect, words }: { readonly collect: number; readonly words: ReadonlyArray<string> },
  action: Action.Action
): number | undefined => {
  if (Action.digits(action) !== collect) return undefined
  const said = wordsOf(action)
  return words.some((each) => fits(each, said)) ? 0 : 2
}

const wordsOf = (action: Action.Action): string =>
  action._tag === "Speak"
    ? Prompt.words({ _tag: spoken.isMarkup(action.text) ? "Ssml" : "Speech", text: action.text })
    : action._tag

/** Whether words are those of a pattern in which what is in braces may be anything. */
const fits = (pattern: string, words: string): boolean => {
  const parts = pattern.split(/\{[^{}]*\}/)
  if (parts.length === 1) return pattern === words
  let at = 0
  return parts.every((part, i) => {
    const found = i === parts.length - 1 ? words.length - part.length : words.indexOf(part, at)
    if (found < at || !words.startsWith(part, found) || (i === 0 && found !== 0)) return false
    at = found + part.length
    return true
  })
}

const endMisfit = (
  { exit: kind, values }: { readonly exit: Exit["_tag"]; readonly values: ReadonlyArray<string> },
  exit: Exit
): number | undefined => {
  if (exit._tag !== kind) return undefined
  switch (exit._tag) {
    case "Success":
      return values.includes(JSON.stringify(exit.value ?? null)) ? 0 : 1
    case "Failure":
      return values.includes(tagOf(exit.error)) ? 0 : 3
    case "Stopped":
      return 0
  }
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : ""

/** A way so far, by its last box: what speaks against it, and the way before. */
interface Candidate {
  readonly box: Box
  readonly edge: Edge | undefined
  readonly moment: Moment
  readonly cost: number
  readonly before: Candidate | undefined
}

/** To go on at a box to which nothing leads speaks more against a way than anything that differs along it. */
const jump = 100

class Walk {
  private readonly drawing: FlowDrawing
  private readonly boxes: ReadonlyMap<string, Box>
  private readonly leaving: ReadonlyMap<string, ReadonlyArray<Edge>>

  constructor(drawing: FlowDrawing) {
    this.drawing = drawing
    this.boxes = new Map(drawing.boxes.map((box) => [box.id, box]))
    const leaving = new Map<string, Array<Edge>>()
    for (const edge of drawing.edges) leaving.set(edge.from, [...leaving.get(edge.from) ?? [], edge])
    this.leaving = leaving
  }

  /** The best way to each box that the next decision may be of. */
  step(candidates: ReadonlyArray<Candidate>, moment: Moment): ReadonlyArray<Candidate> {
    const best = new Map<string, Candidate>()
    const offer = (candidate: Candidate) => {
      if (candidate.cost < (best.get(candidate.box.id)?.cost ?? Infinity)) best.set(candidate.box.id, candidate)
    }
    for (const before of candidates) for (const next of this.along(before, moment)) offer(next)
    if (best.size === 0) { for (const next of this.anywhere(candidates, moment)) offer(next) }
    return Array.from(best.values())
  }

  private along(before: Candidate, moment: Moment): ReadonlyArray<Candidate> {
    return (this.leaving.get(before.box.id) ?? []).flatMap((edge): ReadonlyArray<Candidate> => {
      const box = this.boxes.get(edge.to)
      const far = moment.happened === undefined ? 1 : outcome.distance(edge.on, moment.happened)
      const bad = box === undefined ? undefined : misfit(box, moment)
      if (box === undefined || far === undefined || bad === undefined) return []
      return [{ box, edge, moment, cost: before.cost + far + bad, before }]
    })
  }

  private anywhere(candidates: ReadonlyArray<Candidate>, moment: Moment): ReadonlyArray<Candidate> {
    const before = cheapest(candidates)
    const first = this.drawing.boxes[0]?.id
    return this.drawing.boxes.flatMap((box): ReadonlyArray<Candidate> => {
      const bad = misfit(box, moment)
      if (bad === undefined) return []
      const isBeginning = before === undefined && box.id === first
      return [{ box, edge: undefined, moment, cost: (before?.cost ?? 0) + bad + (isBeginning ? 0 : jump), before }]
    })
  }
}

const cheapest = (candidates: ReadonlyArray<Candidate>): Candidate | undefined =>
  candidates.reduce<Candidate | undefined>(
    (best, next) => best === undefined || next.cost < best.cost ? next : best,
    undefined
  )

export const way = (drawing: FlowDrawing, events: ReadonlyArray<CallEvent>): Way => {
  const { call, moments } = momentsOf(events)
  const walk = new Walk(drawing)
  let candidates: ReadonlyArray<Candidate> = []
  let isWhole = true
  for (const moment of moments) {
    const next = walk.step(candidates, moment)
    if (next.length === 0) isWhole = false
    else candidates = next
  }
  const last = cheapest(candidates)
  const steps: Array<Way["steps"][number]> = []
  for (let each = last; each !== undefined; each = each.before) {
    const { box, edge, moment } = each
    steps.push({
      box: box.id,
      ...(edge === undefined ? {} : { edge: edge.id }),
      event: moment.number,
      at: moment.event.at
    })
  }
  return {
    steps: steps.toReversed(),
    ...(last === undefined || call.exit !== undefined ? {} : { here: last.box.id }),
    isExact: isWhole && (last?.cost ?? 0) < jump
  }
}
