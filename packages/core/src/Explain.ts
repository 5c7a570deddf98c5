/**
 * Calls in words for people: numbers, digits, spoken words and ids are masked or left out.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { Action } from "./Action.ts"
import * as Call from "./Call.ts"
import { type By, type CallEvent, CallId, type Exit, type Obstacle } from "./CallEvent.ts"
import type { Circumstances } from "./CallInput.ts"
import { dialFrom } from "./Decider.ts"
import { plannedWords } from "./internal/call/dial.ts"
import * as time from "./internal/call/time.ts"
import { causesOf } from "./internal/explain/causes.ts"
import * as endersOf from "./internal/explain/enders.ts"
import * as reported from "./internal/explain/events.ts"
import * as lines from "./internal/explain/lines.ts"
import * as words from "./internal/explain/words.ts"
import * as Masked from "./internal/masked.ts"
import type { AnyDefinition, LiveCall } from "./LiveCall.ts"
import * as Replay from "./Replay.ts"
import * as Settings from "./Settings.ts"

/**
 * What a call waits for, in words without secrets: what, until when at the latest (milliseconds since 1970), and what else
 * happens by itself.
 *
 * @since 0.1.0
 */
export interface WaitingFor {
  readonly what: string
  readonly until: number | undefined
  readonly otherwise: string
}

/**
 * What is known around a call beside its log, by the process that runs it: what stands in the way of dials now, and whether the
 * store was restored from a copy. `Calls` tells it.
 *
 * @since 0.1.0
 */
export interface Known extends Pick<Circumstances, "restored" | "obstacles"> {}

/**
 * What a call waits for: its flow where that waits, its dial where that may not go yet, and else the end of its lines. Total: a
 * call that is not over always has something that will happen by itself. Without `known` a dial counts as held that was, and as
 * hindered by what stood in the way of its attempt.
 *
 * Lists of calls say so as of the last turn of each, and a report as of now.
 *
 * @since 0.1.0
 */
export const waitingFor = (
  self: Call.Call,
  settings: Settings.Settings,
  known: Known = {}
): WaitingFor => {
  const next = nextDeadline(self, settings, known)
  return waiting(self, next, awaited(self, next, known))
}

/**
 * What a call waits for next in a process that has not registered its flow: what time brings to its lines, and that its flow
 * is given up as missing.
 *
 * @since 0.1.0
 */
export const waitingWithoutFlow = (self: Call.Call, settings: Settings.Settings): WaitingFor =>
  waiting(self, time.nextWithoutFlow(self, settings))

const waiting = (self: Call.Call, next: time.Deadline | undefined, what = next?.what): WaitingFor => {
  if (Call.isOver(self)) return { what: "nothing: it is over", until: undefined, otherwise: "nothing" }
  return next === undefined
    ? { what: "nothing", until: undefined, otherwise: "nothing" }
    : { what: what ?? next.what, until: next.at, otherwise: consequence(next) }
}

/** What a call waits for, whatever time brings to it before. */
const awaited = (call: Call.Call, next: time.Deadline | undefined, known: Known): string | undefined => {
  if (call.unheardSince !== undefined) return next && Masked.line(next.what)
  return plannedWords(call, known) ?? (call.wait === undefined ? next?.what : waitOf(call, call.wait))
}

/** What a running flow waits for, and of a dial whether it surely rings. */
const waitOf = (call: Call.Call, each: Call.Wait): string =>
  each._tag === "Dial" && Call.lineOf(call, each.line)?.phase === "Unknown"
    ? `a sign of its dial on line ${each.line}, of which nobody knows whether it rings`
    : wait(each)

/** The next attempt of a dial, where its time has not come. It may have to wait for its place then. */
const attemptDeadline = (call: Call.Call, { restored }: Known): time.Deadline | undefined => {
  const at = dialFrom(call, restored)
  return at === undefined || at <= call.at ? undefined : { at, what: "the next attempt to dial" }
}

/** What time will bring to a call next. */
const nextDeadline = (call: Call.Call, settings: Settings.Settings, known: Known): time.Deadline | undefined => {
  const attempt = attemptDeadline(call, known)
  const next = time.nextWake(call, settings, known.restored)
  return attempt !== undefined && (next === undefined || attempt.at < next.at) ? attempt : next
}

/** What happens by itself when a deadline passes, in words. */
const consequence = ({ fact, otherwise }: time.Deadline): string => {
  switch (fact?._tag) {
    case undefined:
      return otherwise ?? "the dial is sent again"
    case "DialNotSent":
      return "the flow is told that it was not sent"
    case "DialGivenUp":
      return fact.reason === "unknown"
        ? "the flow is told that nobody knows whether it rang"
        : "the flow is told that nobody answered, and a later answer is hung up on"
    case "LineSilent":
      return "the line counts as lost, and the flow as hung up on"
    case "LinePresumedClosed":
      return "the line is presumed closed"
    case "SettleElapsed":
      return "the line is closed, and the flow counts as hung up on"
    case "SleepElapsed":
      return "the flow goes on"
    case "SignalExpired":
    case "DeadlinePassed":
      return "the flow is told that its time is over"
    case "ActivityOverdue":
      return "the flow is stopped as overdue"
    default:
      return "the call goes on"
  }
}

/**
 * One action of a call and what led to it.
 *
 * @since 0.1.0
 */
export interface Explanation {
  /** The number of its event in the log, from 1. */
  readonly number: number
  /** What was decided, in words without secrets. */
  readonly decision: string
  /** The fact that the flow went on from. */
  readonly because: string
  /** The number of the event of that fact; none if the log begins with a decision. */
  readonly cause: number | undefined
  /** What the flow waited for, by which that fact let it go on. */
  readonly rule: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** Which decision of the flow it was, from 1; none for a hang-up or an end. */
  readonly n: number | undefined
}

/**
 * Tells for everything that a flow decided which fact it went on from, by which rule, and at which place of the flow.
 *
 * @since 0.1.0
 */
export const decisions = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Explanation> => {
  const causes = causesOf(events)
  return events.flatMap((each, i): ReadonlyArray<Explanation> => {
    const why = causes[i]
    if (why === undefined) return []
    const because = why.cause === undefined ? "nothing" : event(events[why.cause - 1]!)
    return [{ number: i + 1, decision: event(each), because, ...why, at: each.at, n: "n" in each ? each.n : undefined }]
  })
}

/**
 * What a running flow waits for, in words without secrets.
 *
 * @since 0.1.0
 */
export const wait: (wait: Call.Wait) => string = words.wait

/**
 * Something that stands in the way of dials, in words without a number.
 *
 * @since 0.1.0
 */
export const obstacle: (obstacle: Obstacle) => string = words.obstacle

/**
 * One event in a line for people: numbers, digits, words and ids are masked or left out.
 *
 * @since 0.1.0
 */
export const event: (event: CallEvent) => string = words.event

/**
 * Who steered a call and why, behind what they did; nothing where that is not on record.
 *
 * @since 0.1.0
 */
export const steered: (by: By | undefined) => string = words.steered

/**
 * One action in a word or two for people: the party, what is said and the digits are left out.
 *
 * @since 0.1.0
 */
export const action: (action: Action) => string = words.action

/**
 * What ends an action, in two words for people; `completed` where nobody knows, or without an action.
 *
 * @since 0.1.0
 */
export const completion: (action: Action | undefined) => string = words.completion

// ---------------------------------------------------------------------------------------------------------------------
// The whole of a call
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The codec of `Ender`.
 *
 * @since 0.1.0
 */
export const Ender = endersOf.Ender

/**
 * Who may end what a call waits for before its time, and how. `callee` is whoever is at the far end, a caller too. It is not
 * `certain` where that depends on a place of the flow that the log does not tell: whether a hang-up ends a wait, for example.
 *
 * @since 0.1.0
 */
export type Ender = typeof Ender.Type

/**
 * The codec of `LineReport`.
 *
 * @since 0.1.0
 */
export const LineReport = lines.LineReport

/**
 * One line of a call, for people. Numbers are masked.
 *
 * @since 0.1.0
 */
export type LineReport = typeof LineReport.Type

/**
 * The codec of `EventReport`.
 *
 * @since 0.1.0
 */
export const EventReport = reported.EventReport

/**
 * One event of a call, for people: its place, its words, and of a decision why it was taken.
 *
 * @since 0.1.0
 */
export type EventReport = typeof EventReport.Type

/**
 * The codec of `Report`.
 *
 * @since 0.1.0
 */
export const Report = Schema.Struct({
  callId: CallId,
  flow: Schema.String,
  flowVersion: Schema.Int,
  direction: Schema.Literals(["outbound", "inbound"]),
  /** `closing`: its flow has ended, and a line is not closed yet. */
  state: Schema.Literals(["not begun", "running", "closing", "over"]),
  words: Schema.String,
  startedAt: Schema.Finite,
  /** When its last event was recorded. */
  at: Schema.Finite,
  outcome: Schema.optionalKey(Schema.Struct({
    kind: Schema.Literals(["Success", "Failure", "Stopped"]),
    at: Schema.Finite,
    words: Schema.String
  })),
  waitingFor: Schema.Struct({
    what: Schema.String,
    /** At the latest, in milliseconds since 1970. */
    until: Schema.optionalKey(Schema.Finite),
    otherwise: Schema.String,
    enders: Schema.Array(Ender)
  }),
  lines: Schema.Array(LineReport),
  events: Schema.Array(EventReport),
  /** The flow that is registered now decides otherwise than the log: at which event, what was recorded, what it decides now. */
  divergence: Schema.optionalKey(Schema.Struct({ number: Schema.Int, recorded: Schema.String, now: Schema.String }))
})

/**
 * A call for people, whole: how it stands, what it waits for, who may end that sooner, and each of its events with its reason.
 * Plain data that holds nothing secret: numbers, digits, words, inputs, values and keys are masked or left out. Times are in
 * milliseconds since 1970.
 *
 * @since 0.1.0
 */
export type Report = typeof Report.Type

/**
 * What a report may rest on beside the events.
 *
 * @since 0.1.0
 */
export interface ReportOptions {
  /** Default: the defaults. Times until which something is waited for come from them. */
  readonly settings?: Settings.Settings | undefined
  /** How many events each turn of the call has, in their order: then each event knows its turn. */
  readonly turns?: ReadonlyArray<number> | undefined
  /** What is known around the call: see `waitingFor`. `Calls` tells it. */
  readonly known?: Known | undefined
  /** The flow of the call as it is registered now. With it the report knows whether a hang-up ends what is waited for. */
  readonly flow?: AnyDefinition | undefined
}

/**
 * Everything about a call for people, from its events. Total: there is no log that makes it throw.
 *
 * @example
 * const turns = yield* EventStore.EventStore.use((store) => store.read(id))
 * Explain.report(id, turns.flatMap(({ events }) => events), { turns: turns.map(({ events }) => events.length) })
 * @since 0.1.0
 */
export const report = (
  id: CallId,
  events: ReadonlyArray<CallEvent>,
  { flow, known = {}, settings = Settings.defaults, turns }: ReportOptions = {}
): Report => {
  const call = Call.fold(id, events)
  const replayed = flow === undefined || Call.isOver(call) ? undefined : replay(id, flow, events)
  const outcome = outcomeOf(events)
  return {
    callId: id,
    flow: Masked.line(call.flow),
    flowVersion: call.flowVersion,
    direction: call.lines[0]?.direction === "inbound" ? "inbound" : "outbound",
    ...stateOf(call, events.length === 0),
    startedAt: call.startedAt,
    at: call.at,
    ...(outcome === undefined ? {} : { outcome }),
    waitingFor: wholeWait(call, replayed?.live, settings, known),
    lines: lines.lineReports(call, events),
    events: reported.eventReports(events, turns),
    ...divergenceOf(replayed)
  }
}

/** The call with its flow, where that is; a flow that cannot be run again says nothing. */
const replay = (
  id: CallId,
  flow: AnyDefinition,
  events: ReadonlyArray<CallEvent>
): Replay.Replayed | undefined => {
  try {
    return Replay.rebuild(id, flow, events)
  } catch {
    return undefined
  }
}

const divergenceOf = (replayed: Replay.Replayed | undefined): Pick<Report, "divergence"> => {
  if (replayed?.divergence === undefined) return {}
  const { at, now, recorded } = replayed.divergence
  return { divergence: { number: at + 1, recorded, now } }
}

const stateOf = (call: Call.Call, isEmpty: boolean): Pick<Report, "state" | "words"> => {
  if (isEmpty) return { state: "not begun", words: "nothing is on record" }
  if (Call.isOver(call)) return { state: "over", words: "it is over" }
  if (call.exit !== undefined) return { state: "closing", words: "its flow has ended, and a line is not closed yet" }
  if (call.unheardSince !== undefined) return { state: "running", words: "its flow has not heard of everything" }
  return {
    state: "running",
    words: call.wait === undefined ? "its flow runs" : `its flow waits for ${wait(call.wait)}`
  }
}

const outcomeOf = (events: ReadonlyArray<CallEvent>): Report["outcome"] => {
  const ended = events.find((each) => each._tag === "FlowEnded")
  return ended === undefined ? undefined : { kind: ended.exit._tag, at: ended.at, words: exitWords(ended.exit) }
}

/**
 * How a flow ended, in words: the kind of an error and its reason, but never a value.
 *
 * @since 0.1.0
 */
export const exitWords: (exit: Exit) => string = words.exitWords

const wholeWait = (
  call: Call.Call,
  live: LiveCall | undefined,
  settings: Settings.Settings,
  known: Known
): Report["waitingFor"] => {
  const { otherwise, until, what } = waitingFor(call, settings, known)
  return {
    what,
    ...(until === undefined || !Number.isFinite(until) ? {} : { until }),
    otherwise,
    enders: enders(call, live)
  }
}

/**
 * Who may end what a call waits for before its time. With the flow where it stands it is known whether a hang-up is noticed.
 *
 * @since 0.1.0
 */
export const enders: (
  call: Call.Call,
  live?: Pick<LiveCall, "step"> | undefined
) => ReadonlyArray<Ender> = endersOf.enders
