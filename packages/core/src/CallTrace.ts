/**
 * A call as a trace: spans for the call, its lines, its turns, and what its flow waited for, from the events alone. So the same call
 * gives the same spans under the same ids, whoever makes them and how often.
 *
 * @since 0.1.0
 */
import * as Call from "./Call.ts"
import type { CallEvent, CallId } from "./CallEvent.ts"
import * as CallLine from "./CallLine.ts"
import { alphabet } from "./internal/digits.ts"
import * as Masked from "./internal/masked.ts"
import { mask } from "./PhoneNumber.ts"

/**
 * The ids by which a span is found: 32 and 16 digits of `0-9 a-f`, as W3C Trace Context and OpenTelemetry have them.
 *
 * @since 0.1.0
 */
export interface SpanId {
  readonly traceId: string
  readonly spanId: string
}

/**
 * A span that has ended. Times are in milliseconds since 1970, those of the record. Attributes hold no number, no digit, no word
 * that was said, and nothing that the application gave but names.
 *
 * @since 0.1.0
 */
export interface Span extends SpanId {
  readonly parentId: string | undefined
  readonly name: string
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: { readonly [name: string]: string | number | boolean }
  /** The turns of a line, the last 128 of them, if they have no spans: the events of each, and when it was recorded. */
  readonly events: ReadonlyArray<{ readonly name: string; readonly at: number }>
  /** What went wrong, in words without secrets; `undefined` if nothing did. */
  readonly problem: string | undefined
}

/** A turn of a line, and those before it. */
interface Mark {
  readonly line: number
  readonly name: string
  readonly at: number
  /** Its number among those that are kept. */
  readonly n: number
  readonly before: Mark | undefined
}

/**
 * What a trace has of a turn.
 *
 * @since 0.1.0
 */
export interface Turn {
  readonly version: number
  readonly at: number
  readonly events: ReadonlyArray<CallEvent>
}

/**
 * How far the trace of a call has come.
 *
 * @since 0.1.0
 */
export interface Trace {
  readonly traceId: string
  /** What the ids of its spans are made of. */
  readonly halves: readonly [number, number]
  readonly call: Call.Call
  /** How many turns it knows. */
  readonly version: number
  /** When what the flow waits for began, by the record. */
  readonly waitsSince: number
  /** The turns so far that belong to lines, the last one first; none if turns have spans. */
  readonly marks: Mark | undefined
  /** The last turn, which lasts until the next. */
  readonly turn: Turn | undefined
}

// Ids

/** What a span is of. Each has a number within its call. */
type Part = "call" | "line" | "turn" | "wait"

const codes: { readonly [P in Part]: number } = { call: 1, line: 2, turn: 3, wait: 4 }

/** Spreads 32 bits over 32 bits, each to another place. */
const spread = (bits: number): number => {
  const first = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) >>> 0
}

const hex = (bits: number): string => bits.toString(16).padStart(8, "0")

/** 25 of the 100 bits of an id. The last two of these words are its chance. */
const word = (callId: CallId, from: number): number => {
  let bits = 0
  for (let i = from; i < from + 5; i++) bits = (bits << 5) | alphabet.indexOf(callId.charAt(i))
  return bits
}

/**
 * The id of the trace of a call, made of the id of the call alone.
 *
 * @since 0.1.0
 */
export const traceId = (callId: CallId): string => {
  let [before, id] = [0x9e3779b1, ""]
  for (let from = 0; from < 20; from += 5) id += hex(before = spread(word(callId, from) ^ before))
  return id
}

/** What the ids of the spans of a trace are made of. */
const halvesOf = (traceId: string): readonly [number, number] => [
  Number.parseInt(traceId.slice(16, 24), 16),
  Number.parseInt(traceId.slice(24), 16)
]

/** Within a trace no two parts share an id, for each half of it is spread without a loss. */
const spanId = ([first, second]: readonly [number, number], part: Part, n: number): string => {
  const code = n * 4 + codes[part]
  return hex(spread(first ^ code)) + hex(spread(second ^ code))
}

const within = (traceId: string, part: Part, n = 0): SpanId => ({ traceId, spanId: spanId(halvesOf(traceId), part, n) })

/**
 * The span of a whole call.
 *
 * @since 0.1.0
 */
export const ofCall = (callId: CallId): SpanId => within(traceId(callId), "call")

/**
 * The span of one line of a call.
 *
 * @since 0.1.0
 */
export const ofLine = (callId: CallId, line: number): SpanId => within(traceId(callId), "line", line)

/**
 * The span of what a flow waited for by its decision `n`: an activity, a sleep or a signal.
 *
 * @since 0.1.0
 */
export const ofWait = (callId: CallId, n: number): SpanId => within(traceId(callId), "wait", n)

// Spans

/**
 * The trace of a call before its first turn.
 *
 * @since 0.1.0
 */
export const initial = (callId: CallId): Trace => {
  const id = traceId(callId)
  return {
    traceId: id,
    halves: halvesOf(id),
    call: Call.initial(callId),
    version: 0,
    waitsSince: 0,
    marks: undefined,
    turn: undefined
  }
}

/** What a span is made from. */
type At = Pick<Trace, "call" | "traceId" | "halves" | "marks">

/** One span of a call. All but that of the call itself stand below that, or below a line. */
const span = (
  { call, halves, traceId }: At,
  [part, n]: readonly [Part, number],
  line: number | undefined,
  rest: Pick<Span, "name" | "startedAt" | "endedAt" | "attributes"> & Partial<Pick<Span, "events" | "problem">>
): Span => ({
  traceId,
  spanId: spanId(halves, part, n),
  parentId: part === "call"
    ? undefined
    : line !== undefined && line <= call.lines.length
    ? spanId(halves, "line", line)
    : spanId(halves, "call", 0),
  name: rest.name,
  startedAt: rest.startedAt,
  endedAt: Math.max(rest.startedAt, rest.endedAt),
  attributes: rest.attributes,
  events: rest.events ?? none,
  problem: rest.problem
})

const none: Span["events"] = []

/** As many events as a span has by the rules of OpenTelemetry. */
const mostEvents = 128

const turnsOf = (marks: Mark | undefined, line: number): Span["events"] => {
  const events: Array<Span["events"][number]> = []
  for (let mark = marks; mark !== undefined && events.length < mostEvents; mark = mark.before) {
    if (mark.line === line) events.push({ name: mark.name, at: mark.at })
  }
  return events.toReversed()
}

const marked = (before: Mark | undefined, mark: Omit<Mark, "n" | "before">): Mark => {
  const n = (before?.n ?? 0) + 1
  return n > 2 * mostEvents ? marked(latest(before), mark) : { ...mark, n, before }
}

/** The last ones alone, so that a call without an end does not fill the memory. */
const latest = (marks: Mark | undefined): Mark | undefined => {
  const kept: Array<Mark> = []
  for (let mark = marks; mark !== undefined && kept.length < mostEvents; mark = mark.before) kept.push(mark)
  return kept.reduceRight<Mark | undefined>((before, mark) => ({ ...mark, n: (before?.n ?? 0) + 1, before }), undefined)
}

const namesOf = (events: ReadonlyArray<CallEvent>): string => events.map(({ _tag }) => _tag).join(" ")

const lineOf = (events: ReadonlyArray<CallEvent>): number | undefined => {
  for (const event of events) if ("line" in event) return event.line
  return undefined
}

/** What the call did on one line from a turn to the next. */
const turnSpan = (trace: At, { at, events, version }: Turn, until: number): Span => {
  const decided = events.findLast((event) => event._tag === "ActionDecided" || event._tag === "HoldAnswered")
  return span(trace, ["turn", version], lineOf(events), {
    name: `turn ${events[0]?._tag ?? "without events"}`,
    startedAt: at,
    endedAt: until,
    attributes: {
      "ringback.turn": version,
      "ringback.events": namesOf(events),
      ...(decided === undefined ? {} : { "ringback.action": decided.action._tag })
    }
  })
}

/**
 * Whom a line is with, masked in ASCII: one other sign makes a whole batch of spans a text of two bytes a sign, which took an exporter
 * 1.7 times the processor time.
 */
const party = (name: string, number: string | undefined) =>
  number === undefined ? {} : { [name]: mask(number).replaceAll("•", "*") }

const lineSpan = (trace: At, line: CallLine.CallLine, at: number): Span => {
  const isDialled = line.direction === "outbound"
  return span(trace, ["line", line.id], undefined, {
    name: isDialled ? "line dialled" : "line answered",
    startedAt: line.openedAt,
    endedAt: at,
    attributes: {
      "ringback.answered": line.answered || !isDialled,
      "ringback.closed_by": line.closedBy ?? "presumed",
      ...(line.attempt === 1 ? {} : { "ringback.attempt": line.attempt }),
      ...(isDialled ? party("ringback.to", line.to) : party("ringback.from", line.from))
    },
    events: turnsOf(trace.marks, line.id),
    problem: line.unknown ? "nobody knows whether it rang" : undefined
  })
}

type Wait = Extract<Call.Wait, { readonly _tag: "Activity" | "Sleep" | "Signal" }>

/** What a flow waited for away from its lines, and what ended that. */
const waitSpan = (trace: At, wait: Wait, since: number, { _tag, at, ...event }: CallEvent): Span => {
  const isFailed = "ok" in event && !event.ok
  return span(trace, ["wait", wait.n], undefined, {
    name: wait._tag === "Sleep" ? "sleep" : `${wait._tag.toLowerCase()} ${Masked.line(wait.name)}`,
    startedAt: since,
    endedAt: at,
    attributes: { "ringback.ended_by": isFailed ? "error" : _tag },
    problem: _tag === "ActivityDied" ? "it died" : _tag === "ActivityOverdue" ? "it took longer than it may" : undefined
  })
}

const callSpan = (trace: At, at: number): Span => {
  const { exit, flowVersion, id, startedAt } = trace.call
  const flow = Masked.line(trace.call.flow)
  const reason = exit?._tag === "Stopped" ? exit.reason._tag : undefined
  return span(trace, ["call", 0], undefined, {
    name: `call ${flow}`,
    startedAt,
    endedAt: at,
    attributes: {
      "ringback.call": id,
      "ringback.flow": flow,
      "ringback.flow_version": flowVersion,
      ...(exit === undefined ? {} : { "ringback.outcome": exit._tag }),
      ...(reason === undefined ? {} : { "ringback.stopped_by": reason })
    },
    problem: reason === undefined || reason === "Cancelled" ? undefined : `it was stopped: ${reason}`
  })
}

const isAway = (wait: Call.Wait | undefined): wait is Wait =>
  wait?._tag === "Activity" || wait?._tag === "Sleep" || wait?._tag === "Signal"

/** The line that an event closed, or presumed so. */
const closedBy = (event: CallEvent, before: Call.Call, call: Call.Call): CallLine.CallLine | undefined => {
  if (!("line" in event) || before.lines === call.lines) return undefined
  const [was, is] = [Call.lineOf(before, event.line), Call.lineOf(call, event.line)]
  return is !== undefined && CallLine.isQuiet(is) && (was === undefined || !CallLine.isQuiet(was)) ? is : undefined
}

/**
 * Goes on by a turn, and gives the spans that it ended. A turn lasts until the next one of its call; what comes after the end of
 * a call takes no time. Without `turns` they have no spans, and are events of that of their line.
 *
 * @since 0.1.0
 */
export const next = (
  trace: Trace,
  turn: Turn,
  { turns = true }: { readonly turns?: boolean } = {}
): readonly [Trace, ReadonlyArray<Span>] => {
  const { halves, traceId } = trace
  const spans: Array<Span> = []
  if (turns && trace.turn !== undefined) spans.push(turnSpan(trace, trace.turn, turn.at))
  let { call, waitsSince } = trace
  const line = turns ? undefined : lineOf(turn.events)
  const marks = line === undefined
    ? trace.marks
    : marked(trace.marks, { line, name: namesOf(turn.events), at: turn.at })
  for (const event of turn.events) {
    const before = call
    call = Call.evolve(before, event)
    const isElse = call.wait?.n !== before.wait?.n
    const at = { traceId, halves, marks, call }
    if (isElse && isAway(before.wait)) spans.push(waitSpan(at, before.wait, waitsSince, event))
    const closed = closedBy(event, before, call)
    if (closed !== undefined) spans.push(lineSpan(at, closed, event.at))
    if (Call.isOver(call) && !Call.isOver(before)) spans.push(callSpan(at, event.at))
    if (isElse) waitsSince = event.at
  }
  const isOver = Call.isOver(call)
  const now = { ...trace, call, waitsSince, marks, version: turn.version, turn: isOver ? undefined : turn }
  if (turns && isOver) spans.push(turnSpan(now, turn, turn.at))
  return [now, spans]
}

/** What ends no span of a call, a line or a wait in any log that an engine has written. */
const endless: ReadonlySet<CallEvent["_tag"]> = new Set<CallEvent["_tag"]>([
  "CallStarted",
  "CallArrived",
  "DialPlanned",
  "DialHeld",
  "DialAttempted",
  "DialAccepted",
  "CallAnswered",
  "ActionDecided",
  "PromptCompleted",
  "HoldAnswered",
  "HoldCompleted",
  "SleepStarted",
  "ActivityStarted",
  "SignalAwaited",
  "Noted",
  "Drawn",
  "DeadlineSet",
  "DeadlineLifted",
  "LegAnswered",
  "ReplyBroken"
])

/**
 * Whether a turn may end a span of a call, a line or a wait, told by what is in it alone. If not, it may be folded later, with the turn
 * that does: `next` gives no span for it, but for that of the turn before if turns have spans.
 *
 * @since 0.1.0
 */
export const mayEnd = ({ events }: Turn): boolean => events.some(({ _tag }) => !endless.has(_tag))

/**
 * All spans of a call that have ended.
 *
 * @since 0.1.0
 */
export const spans = (
  callId: CallId,
  turns: ReadonlyArray<Turn>,
  options?: { readonly turns?: boolean }
): ReadonlyArray<Span> => {
  const all: Array<Span> = []
  let trace = initial(callId)
  for (const turn of turns) {
    const [after, ended] = next(trace, turn, options)
    trace = after
    all.push(...ended)
  }
  return all
}
