/**
 * Calls in words for people: numbers, digits, spoken words and ids are masked or left out.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import * as ActionModule from "./Action.ts"
import type { Action } from "./Action.ts"
import * as Call from "./Call.ts"
import { type By, type CallEvent, CallId, type Exit, isDecision, type Obstacle, type StopReason } from "./CallEvent.ts"
import type { Circumstances } from "./CallInput.ts"
import * as CallLine from "./CallLine.ts"
import { dialFrom } from "./Decider.ts"
import { plannedWords } from "./internal/call/dial.ts"
import * as time from "./internal/call/time.ts"
import * as Masked from "./internal/masked.ts"
import type { AnyDefinition, LiveCall } from "./LiveCall.ts"
import { mask } from "./PhoneNumber.ts"
import * as Replay from "./Replay.ts"
import * as Settings from "./Settings.ts"
import * as Silence from "./Silence.ts"
import * as Step from "./Step.ts"

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

/** The last fact before an event, and why a flow went on from it. */
interface Cause {
  readonly cause: number | undefined
  readonly rule: string
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

/** The cause of each decision, in the place of its event; none in those of facts. */
const causesOf = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Cause | undefined> => {
  let call = Call.initial("" as CallId)
  let cause: Cause = { cause: undefined, rule: "nothing led to it" }
  return events.map((each, i) => {
    const before = call
    call = Call.evolve(call, each)
    if (isDecision(each)) return cause
    cause = { cause: i + 1, rule: ruleOf(before, each) }
    return undefined
  })
}

/** Why a flow goes on from a fact: what it waited for. */
const ruleOf = (before: Call.Call, fact: CallEvent): string => {
  switch (fact._tag) {
    case "CallStarted":
    case "CallArrived":
      return "a call begins with its flow"
    case "FlowResumed":
      return "the flow hears what was recorded without it"
    case "Cancelled":
      return "the application stops the flow"
    case "DeadlinePassed":
      return "a part of the flow has to end by its deadline"
    case "HoldExpired":
      return "a line bears no more holds in a row"
    case "DialNotSent":
      if (fact.retryAt !== undefined) return "a dial that surely did nothing is tried again"
      break
    default:
      break
  }
  return before.wait === undefined ? "the flow waited for nothing" : `the flow waited for ${wait(before.wait)}`
}

/**
 * What a running flow waits for, in words without secrets.
 *
 * @since 0.1.0
 */
export const wait = (wait: Call.Wait): string => {
  switch (wait._tag) {
    case "Dial":
      return `an answer to its dial on line ${wait.line}`
    case "Prompt":
      return `the end of what it says on line ${wait.line}`
    case "Bridge":
      return `the end of the talk on line ${wait.line}`
    case "Sleep":
      return "the end of a sleep"
    case "Activity":
      return `the activity ${Masked.line(wait.name)}`
    case "Signal":
      return `the signal ${Masked.line(wait.name)}`
  }
}

/**
 * Something that stands in the way of dials, in words without a number.
 *
 * @since 0.1.0
 */
export const obstacle = (obstacle: Obstacle): string => {
  switch (obstacle) {
    case "credentials":
      return "the carrier does not accept the credentials"
    case "unreachable":
      return "the carrier is not reached"
    case "caller id":
      return "the carrier does not take a number of ours as the caller"
  }
}

/**
 * One event in a line for people: numbers, digits, words and ids are masked or left out.
 *
 * @since 0.1.0
 */
export const event = (event: CallEvent): string => {
  const where = "line" in event ? ` on line ${event.line}` : ""
  return `${event._tag}${where}${detail(event)}`
}

const detail = (event: CallEvent): string => {
  switch (event._tag) {
    case "CallStarted":
      return `: ${Masked.line(event.flow)}, version ${event.version}, ${
        event.key === undefined ? "without a key" : "under a key"
      }`
    case "CallArrived":
      return `: ${Masked.line(event.flow)}, version ${event.version}`
    case "DialPlanned":
      return `: to ${mask(event.to)}, at most ${event.maxCallDurationSeconds} s`
    case "ActionDecided":
    case "HoldAnswered":
      return `: ${action(event.action)}`
    case "ActivityStarted":
    case "SignalAwaited":
    case "Noted":
      return `: ${Masked.line(event.name)}`
    case "SignalReceived":
      return `: ${Masked.line(event.name)}${steered(event.by)}`
    case "Cancelled":
      return steered(event.by)
    case "FlowEnded":
      return `: ${event.exit._tag === "Stopped" ? `stopped, ${event.exit.reason._tag}` : event.exit._tag.toLowerCase()}`
    case "DialRefused":
      return `: ${Masked.word(event.status)}`
    case "DialNotSent":
    case "DialUnknown":
    case "DialGivenUp":
      return `: ${Masked.line(event.reason)}`
    case "DialFailed":
      return `: ${event.reason} (${Masked.word(event.status)})`
    case "PromptCompleted":
      return event.digits === "" ? "" : `: ${event.digits.length} ${event.digits.length === 1 ? "key" : "keys"}`
    case "LateAnswer":
    case "SecondLine":
      return ": hung up on"
    case "Stray":
      return `: ${Masked.word(event.event)}${event.hungUp ? ", hung up on" : ""}`
    case "CallEnded":
      return event.durationSeconds === undefined ? "" : `: after ${event.durationSeconds} s`
    case "LineLeft":
    case "SleepStarted":
    case "DialHeld":
    case "DialAttempted":
    case "DialAccepted":
    case "CallAnswered":
    case "HoldCompleted":
    case "ReplyBroken":
    case "SettleElapsed":
    case "LineSilent":
    case "HoldExpired":
    case "LinePresumedClosed":
    case "SleepElapsed":
    case "SignalExpired":
    case "ActivityOverdue":
    case "ActivityCompleted":
    case "ActivityDied":
    case "DeadlineSet":
    case "DeadlineLifted":
    case "DeadlinePassed":
    case "Drawn":
    case "LegAnswered":
    case "LegFailed":
    case "LegEnded":
    case "Restarted":
    case "FlowAwaited":
    case "FlowResumed":
      return ""
  }
}

/**
 * Who steered a call and why, behind what they did; nothing where that is not on record.
 *
 * @since 0.1.0
 */
export const steered = (by: By | undefined): string => {
  if (by === undefined) return ""
  return ` by ${Masked.line(by.who)}${by.why === undefined ? "" : ` (${Masked.line(by.why)})`}`
}

/**
 * One action in a word or two for people: the party, what is said and the digits are left out.
 *
 * @since 0.1.0
 */
export const action = (action: Action): string => {
  switch (action._tag) {
    case "Dial":
      return "dial"
    case "Speak":
      return action.collect === undefined ? "speak" : `speak, collect ${action.collect.max}`
    case "Play":
      return action.collect === undefined ? "play" : `play, collect ${action.collect.max}`
    case "SendDtmf":
      return "send_dtmf"
    case "Raw":
      return /^[a-z_]{1,64}$/.test(action.method) ? action.method : "an action of its own"
    case "Hangup":
      return "hangup"
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The whole of a call
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The codec of `Ender`.
 *
 * @since 0.1.0
 */
export const Ender = Schema.Struct({
  who: Schema.Literals(["callee", "carrier", "application", "Ringback"]),
  how: Schema.Literals(["answer", "keys", "hang-up", "event", "signal", "cancel", "result", "process"]),
  /** The signal or the activity. */
  name: Schema.optionalKey(Schema.String),
  line: Schema.optionalKey(Schema.Int),
  words: Schema.String,
  certain: Schema.Boolean
})

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
export const LineReport = Schema.Struct({
  line: Schema.Int,
  direction: Schema.Literals(["outbound", "inbound"]),
  /** Masked. */
  to: Schema.optionalKey(Schema.String),
  /** Masked. */
  from: Schema.optionalKey(Schema.String),
  status: Schema.Literals(["Planned", "Dialing", "Owing", "Acting", "Bridged", "Closing", "Settling", "Closed"]),
  words: Schema.String,
  attempt: Schema.Int,
  openedAt: Schema.Finite,
  answered: Schema.Boolean,
  silence: Schema.optionalKey(Silence.Silence)
})

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
export const EventReport = Schema.Struct({
  /** Its place in the log, from 1. */
  number: Schema.Int,
  at: Schema.Finite,
  /** The turn that it was appended with, from 1, if the turns were given. */
  turn: Schema.optionalKey(Schema.Int),
  kind: Schema.String,
  words: Schema.String,
  line: Schema.optionalKey(Schema.Int),
  /** Of a decision: the number of the event that led to it, and by which rule. */
  cause: Schema.optionalKey(Schema.Int),
  rule: Schema.optionalKey(Schema.String),
  /** Of a decision: which one of the flow it was, from 1. */
  n: Schema.optionalKey(Schema.Int),
  isDecision: Schema.Boolean
})

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
    lines: lineReports(call, events),
    events: eventReports(events, turns),
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
export const exitWords = (exit: Exit): string => {
  switch (exit._tag) {
    case "Success":
      return "ended with its output"
    case "Failure":
      return `failed: ${errorWords(exit.error)}`
    case "Stopped":
      return `stopped: ${stopWords(exit.reason)}`
  }
}

const errorWords = (error: unknown): string => {
  if (typeof error !== "object" || error === null || !("_tag" in error) || typeof error._tag !== "string") {
    return "an error of its own"
  }
  const reason = "reason" in error && typeof error.reason === "string" ? ` (${Masked.word(error.reason)})` : ""
  return `${Masked.word(error._tag)}${reason}`
}

const stopWords = (reason: StopReason): string => {
  switch (reason._tag) {
    case "Cancelled":
      return "the application has cancelled it"
    case "Defect":
      return `a defect of the flow, ${Masked.line(reason.message)}`
    case "Overdue":
      return `the activity ${Masked.line(reason.activity)} took too long`
    case "FlowDiverged":
      return `its flow disagrees with its log at event ${reason.at + 1}`
    case "FlowMissing":
      return `no process had registered ${Masked.line(reason.flow)}, version ${reason.version}, for too long`
  }
}

// What is waited for, and who may end that sooner.

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

const ender = (
  who: Ender["who"],
  how: Ender["how"],
  words: string,
  more: { readonly name?: string; readonly line?: number; readonly certain?: boolean } = {}
): Ender => ({ who, how, words, certain: true, ...more })

/**
 * Who may end what a call waits for before its time. With the flow where it stands it is known whether a hang-up is noticed.
 *
 * @since 0.1.0
 */
export const enders = (call: Call.Call, live?: Pick<LiveCall, "step"> | undefined): ReadonlyArray<Ender> => {
  if (Call.isOver(call)) return []
  if (call.exit !== undefined) return Call.liveLines(call).filter((line) => !CallLine.isQuiet(line)).map(endOfLine)
  const unheard = call.unheardSince === undefined
    ? []
    : [ender("Ringback", "process", "a process that has registered the flow")]
  const cancel = call.flow === "" || call.cancelled
    ? []
    : [ender("application", "cancel", "the application by a cancel")]
  return [...unheard, ...call.wait === undefined ? [] : endersOf(call, call.wait, live), ...cancel]
}

const endOfLine = (line: CallLine.CallLine): Ender =>
  ender("carrier", "event", `the carrier, which tells that line ${line.id} is over`, { line: line.id })

const endersOf = (
  call: Call.Call,
  wait: Call.Wait,
  live: Pick<LiveCall, "step"> | undefined
): ReadonlyArray<Ender> => {
  switch (wait._tag) {
    case "Dial":
      return dialEnders(Call.lineOf(call, wait.line), wait.line)
    case "Prompt":
      return promptEnders(Call.lineOf(call, wait.line), wait)
    case "Bridge":
      return [
        ender("callee", "hang-up", "either of the two by hanging up", { line: wait.line }),
        ender("carrier", "event", "the carrier, which tells that nobody was reached", { line: wait.line })
      ]
    case "Sleep":
      return hangUpEnders(call, live)
    case "Activity": {
      const name = Masked.line(wait.name)
      return [
        ender("application", "result", `the end of the activity ${name}`, { name }),
        ...hangUpEnders(call, live)
      ]
    }
    case "Signal": {
      const name = Masked.line(wait.name)
      return [
        ender("application", "signal", `the application by the signal ${name}`, { name }),
        ...hangUpEnders(call, live)
      ]
    }
  }
}

const dialEnders = (line: CallLine.CallLine | undefined, id: number): ReadonlyArray<Ender> =>
  line?.phase === "Planned"
    ? [ender("Ringback", "process", "its place among the dials that wait", { line: id })]
    : [
      ender("callee", "answer", "the callee by answering", { line: id }),
      ender("carrier", "event", "the carrier, which tells that nobody was reached", { line: id })
    ]

const promptEnders = (
  line: CallLine.CallLine | undefined,
  { line: id, n }: Extract<Call.Wait, { readonly _tag: "Prompt" }>
): ReadonlyArray<Ender> => {
  const action = [line?.inFlight, line?.next].find((each) => each?.n === n)?.action
  const keys = action === undefined ? 0 : ActionModule.digits(action)
  return [
    ...keys === 0 ? [] : [
      ender(
        "callee",
        "keys",
        keys === 1 ? "the callee by pressing a key" : `the callee by pressing up to ${keys} keys`,
        {
          line: id
        }
      )
    ],
    ender("callee", "hang-up", "the callee by hanging up", { line: id }),
    ender("carrier", "event", "the carrier, which tells that it was heard to its end", { line: id })
  ]
}

/** A hang-up ends a wait under a hold, and no other: only the flow knows which it is. */
const hangUpEnders = (call: Call.Call, live: Pick<LiveCall, "step"> | undefined): ReadonlyArray<Ender> => {
  const line = Call.liveLines(call).findLast(({ answered, left, phase, released }) =>
    answered && !left && !released && phase !== "Closed"
  )
  if (line === undefined) return []
  if (live?.step._tag !== "Waiting") {
    return [ender("callee", "hang-up", "the callee by hanging up, if the flow notices that here", {
      line: line.id,
      certain: false
    })]
  }
  const isHeld = Step.scopes(live.step).some(({ scope }) => scope._tag === "Hold")
  return isHeld ? [ender("callee", "hang-up", "the callee by hanging up", { line: line.id })] : []
}

// Lines and events.

const lineReports = (call: Call.Call, events: ReadonlyArray<CallEvent>): ReadonlyArray<LineReport> => {
  const silences = new Map(Silence.ofCall(events).map((silence) => [silence.line, silence]))
  return call.lines.map((line) => {
    const silence = silences.get(line.id)
    return {
      line: line.id,
      direction: line.direction,
      ...(line.to === undefined ? {} : { to: mask(line.to) }),
      ...(line.from === undefined ? {} : { from: mask(line.from) }),
      status: CallLine.status(line),
      words: lineWords(line),
      attempt: line.attempt,
      openedAt: line.openedAt,
      answered: line.answered,
      ...(silence === undefined ? {} : { silence })
    }
  })
}

const closedWords: Record<NonNullable<CallLine.CallLine["closedBy"]>, string> = {
  refused: "the carrier refused the dial",
  "not sent": "the dial was not sent",
  failed: "nobody was reached",
  "given up": "the dial was given up",
  ended: "it has ended",
  left: "it was not dialled",
  settled: "it has ended, and no answer came behind it"
}

const lineWords = (line: CallLine.CallLine): string => {
  switch (CallLine.status(line)) {
    case "Planned":
      return "it is to be dialled"
    case "Dialing":
      return line.phase === "Unknown"
        ? "nobody knows whether it rings"
        : line.phase === "Ringing"
        ? "it rings"
        : "it is dialled"
    case "Owing":
      return "somebody is there, and the flow has not decided yet"
    case "Acting":
      return line.inFlight?.kind === "hold" ? "a hold is heard" : "something is said"
    case "Bridged":
      return "it is connected with a third party"
    case "Closing":
      return line.presumed ? "it is presumed closed" : "it is to be hung up"
    case "Settling":
      return "it has ended, and an answer may still come"
    case "Closed":
      return line.closedBy === undefined ? "it is closed" : closedWords[line.closedBy]
  }
}

const eventReports = (
  events: ReadonlyArray<CallEvent>,
  turns: ReadonlyArray<number> | undefined
): ReadonlyArray<EventReport> => {
  const causes = causesOf(events)
  const turnOf = turns?.flatMap((length, i) => Array.from({ length }, () => i + 1)) ?? []
  return events.map((each, i) => {
    const turn = turnOf[i]
    const why = causes[i]
    return {
      number: i + 1,
      at: each.at,
      ...(turn === undefined ? {} : { turn }),
      kind: each._tag,
      words: event(each),
      ...("line" in each ? { line: each.line } : {}),
      ...(why === undefined ? {} : { rule: why.rule }),
      ...(why?.cause === undefined ? {} : { cause: why.cause }),
      ...("n" in each ? { n: each.n } : {}),
      isDecision: why !== undefined
    }
  })
}
