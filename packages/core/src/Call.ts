/**
 * The call as an aggregate: what its events tell, and what is decided on the next input. Pure: time, ids and what became of
 * a reply come in as data.
 *
 * @since 0.1.0
 */
import { Equal } from "effect"
import type { CallEvent, CallId } from "./CallEvent.ts"
import { describe, isDecision } from "./CallEvent.ts"
import * as Flow from "./Flow.ts"
import * as copies from "./internal/call/copies.ts"
import * as dials from "./internal/call/dial.ts"
import * as state from "./internal/call/state.ts"
import * as table from "./internal/call/table.ts"
import * as time from "./internal/call/time.ts"
import * as turns from "./internal/call/turn.ts"
import { recordable } from "./internal/json.ts"
import type * as Request from "./Request.ts"
import type * as Settings from "./Settings.ts"
import * as Step from "./Step.ts"
import type * as Webhook from "./Webhook.ts"

/**
 * A call as its events tell it: one flow and its lines. Plain data.
 *
 * @since 0.1.0
 */
export type Call = state.Call

/**
 * One line of a call: one dial or one incoming call.
 *
 * @since 0.1.0
 */
export type CallLine = state.CallLine

/**
 * A call with its flow at the place that it has reached. The step is a cache; `rebuild` makes it again from the events.
 *
 * @since 0.1.0
 */
export type Live = turns.Live

/**
 * A flow's definition, whatever its types.
 *
 * @since 0.1.0
 */
export type AnyDefinition = turns.AnyDefinition

/**
 * A call before its first event.
 *
 * @since 0.1.0
 */
export const initial: (id: CallId) => Call = state.initial

/**
 * Changes the state by one fact. Total: what happened, happened.
 *
 * @since 0.1.0
 */
export const evolve: (self: Call, event: CallEvent) => Call = state.evolve

/**
 * The state that a history tells.
 *
 * @since 0.1.0
 */
export const fold = (id: CallId, events: ReadonlyArray<CallEvent>): Call => events.reduce(evolve, initial(id))

/**
 * What a line is to its call: the heads of the decision table (`docs/call-states.md`).
 *
 * @since 0.1.0
 */
export type Status = state.Status

/**
 * The state of a line in the words of the decision table.
 *
 * @since 0.1.0
 */
export const status: (line: CallLine) => Status = state.status

/**
 * Whether nothing is left to do: the flow has ended and every line is closed, or presumed so.
 *
 * @since 0.1.0
 */
export const isOver = (self: Call): boolean => self.exit !== undefined && self.quiet === self.lines.length

// ---------------------------------------------------------------------------------------------------------------------
// Deciding
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What can happen to a call. Everything that a decision needs beside the log is in here.
 *
 * @since 0.1.0
 */
export type Input =
  | {
    readonly _tag: "Start"
    readonly flow: string
    readonly version: number
    readonly input: unknown
    readonly key?: string
    /** Its flow does not begin in this turn, because it is part of a transaction that may not be committed. */
    readonly inTransaction?: true
  }
  | { readonly _tag: "Arrive"; readonly flow: string; readonly version: number; readonly webhook: Webhook.Webhook }
  | { readonly _tag: "Webhook"; readonly line: number; readonly received: Received }
  | { readonly _tag: "Posted"; readonly line: number; readonly posted: dials.Posted }
  | { readonly _tag: "Wake" }
  | { readonly _tag: "ReplyDue"; readonly line: number }
  | { readonly _tag: "ReplyBroke"; readonly line: number; readonly n: number }
  /** A hold went out that nobody has recorded, instead of the action of this number, or while the line owed one. */
  | { readonly _tag: "Held"; readonly line: number; readonly n: number | undefined }
  | { readonly _tag: "ActivityEnded"; readonly n: number; readonly result: Request.ActivityResult }
  | { readonly _tag: "ActivityDied"; readonly n: number; readonly message: string }
  | { readonly _tag: "Signalled"; readonly name: string; readonly value: unknown; readonly key?: string }
  | { readonly _tag: "Cancel" }
  | { readonly _tag: "Restart"; readonly crashedAt: number; readonly jumpedMillis?: number }
  | { readonly _tag: "FlowMissing" }

/**
 * Who decides, and when.
 *
 * @since 0.1.0
 */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number
  /** The incarnation of the process: a dial is sent only by the one that recorded it. */
  readonly process: string
  /** The namespace of this installation, for the `external_id` of a dial. */
  readonly namespace: string
  readonly settings: Settings.Settings
  /** Whether the store is a copy of an earlier day: the first that applies to a call says what becomes of its dials. */
  readonly restored?: ReadonlyArray<Restored>
  /** Whether the pace of all dials has a place for this one; default `true`. If not, it stays planned. */
  readonly hasPlace?: boolean
}

/**
 * The store is a copy of an earlier day: what becomes of the dials of calls that began before a time.
 *
 * @since 0.1.0
 */
export type Restored = dials.Restored

/**
 * What one input brings: the events to append, the call after them, and how the webhook (if it was one) is answered.
 *
 * @since 0.1.0
 */
export interface Decided {
  readonly events: ReadonlyArray<CallEvent>
  readonly live: Live
  readonly answer: table.Answer
}

/**
 * The `external_id` of a dial: the namespace of the installation, the call and the attempt; at most 36 characters.
 *
 * @since 0.1.0
 */
export const externalId = (namespace: string, callId: CallId, line: number): string => `${namespace}.${callId}.${line}`

const begin = (
  turn: turns.Turn,
  input: Extract<Input, { readonly _tag: "Start" | "Arrive" }>,
  { namespace, settings }: Circumstances
): table.Answer => {
  if (turn.call.flow !== "") return input._tag === "Start" ? "nothing" : table.onIncomingAgain(turn, 1, settings)
  if (input._tag === "Start") {
    const { _tag, ...fields } = input
    turn.fact({ _tag: "CallStarted", ...fields })
    return "nothing"
  }
  const { webhook } = input
  turn.fact({
    _tag: "CallArrived",
    flow: input.flow,
    version: input.version,
    line: 1,
    referenceId: webhook.referenceId,
    ...(settings.copies.marks ? { externalId: externalId(namespace, turn.call.id, 1) } : {}),
    content: copies.contentOf(webhook, settings),
    ...(webhook.to === undefined ? {} : { to: webhook.to }),
    ...(webhook.from === undefined ? {} : { from: webhook.from }),
    ...(webhook.extra === undefined ? {} : { extra: webhook.extra })
  })
  return "line"
}

/**
 * An input as it may be recorded: what it brings can be read back, and nobody else holds it. What cannot be recorded is
 * refused to whoever brings it (`Calls`); here it changes nothing, or ends what it came from.
 */
const admitted = (input: Input): Input | undefined => {
  switch (input._tag) {
    case "Start": {
      const given = recordable(input.input)
      return given._tag === "Success" ? { ...input, input: given.success } : undefined
    }
    case "Signalled": {
      const told = recordable(input.value)
      return told._tag === "Success" ? { ...input, value: told.success } : undefined
    }
    case "ActivityEnded": {
      const { n, result } = input
      const value = recordable(result.value)
      return value._tag === "Success"
        ? { ...input, result: { ok: result.ok, value: value.success } }
        : { _tag: "ActivityDied", n, message: `The result of an activity cannot be recorded. ${value.failure}` }
    }
    default:
      return input
  }
}

type Signalled = Extract<Input, { readonly _tag: "Signalled" }>

const isNewSignal = (call: Call, { key }: Signalled): boolean =>
  call.exit === undefined && (key === undefined || !call.signalKeys.includes(key))

/**
 * Why a signal is refused, in words without its value: it does not fit where the flow waits for it, or too many wait for a
 * flow that does not. Nothing, if it is taken, or changes nothing because it was told before or the flow has ended.
 *
 * @since 0.1.0
 */
export const signalProblem = (
  { call, step }: Pick<Live, "call" | "step">,
  signal: Signalled,
  settings: Settings.Settings
): string | undefined => {
  if (!isNewSignal(call, signal)) return undefined
  if (call.wait?._tag === "Signal" && call.wait.name === signal.name) {
    const isFit = step._tag !== "Waiting" || step.request._tag !== "Signal" || step.request.fits(signal.value)
    return isFit ? undefined : "The value does not fit the signal's schema"
  }
  const { signals, signalsOfName } = settings.call
  if (call.signals.length >= signals) {
    return `${signals} signals wait already, and the flow waits for none of them`
  }
  const ofName = call.signals.filter(({ name }) => name === signal.name).length
  return ofName < signalsOfName
    ? undefined
    : `${signalsOfName} signals of this name wait already, and the flow does not wait for it`
}

const waitsFor = (call: Call, kind: "Activity" | "Signal", n: number): boolean =>
  call.wait?._tag === kind && call.wait.n === n

const apply = (turn: turns.Turn, given: Input, circumstances: Circumstances): table.Answer => {
  const input = admitted(given)
  if (input === undefined) return "nothing"
  const { now, settings } = circumstances
  switch (input._tag) {
    case "Start":
    case "Arrive":
      return begin(turn, input, circumstances)
    case "Webhook": {
      const answer = table.onWebhook(turn, input.line, input.received, settings)
      if (time.waitsLong(turn.call, now, settings)) time.onReplyDue(turn, input.line, settings)
      return answer
    }
    case "Posted":
      dials.onPosted(turn, input.line, input.posted, now, settings)
      return "nothing"
    case "Wake":
      time.onWake(turn, now, settings)
      return "nothing"
    case "ReplyDue":
      time.onReplyDue(turn, input.line, settings)
      return "line"
    case "ReplyBroke": {
      const line = turn.line(input.line)
      const isOut = state.status(line) === "Acting" || state.status(line) === "Bridged"
      const isNews = isOut && line.inFlight?.n === input.n && !line.inFlight.doubtful
      if (isNews) turn.fact({ _tag: "ReplyBroken", line: line.id })
      return "nothing"
    }
    case "Held":
      table.onHeld(turn, input.line, input.n, settings)
      return "nothing"
    case "ActivityEnded":
      if (waitsFor(turn.call, "Activity", input.n)) {
        turn.fact({ _tag: "ActivityCompleted", n: input.n, ...input.result })
      }
      return "nothing"
    case "ActivityDied":
      if (waitsFor(turn.call, "Activity", input.n)) {
        turn.fact({ _tag: "ActivityDied", n: input.n, message: input.message })
      }
      return "nothing"
    case "Signalled": {
      const { call } = turn
      if (isNewSignal(call, input) && call.flow !== "" && signalProblem(turn, input, settings) === undefined) {
        const { _tag, ...told } = input
        turn.fact({ _tag: "SignalReceived", ...told })
      }
      return "nothing"
    }
    case "Cancel": {
      const { cancelled, exit, flow } = turn.call
      if (flow !== "" && exit === undefined && !cancelled) turn.fact({ _tag: "Cancelled" })
      return "nothing"
    }
    case "Restart":
      time.onRestart(turn, circumstances.process, input, settings)
      time.onWake(turn, now, settings)
      return "nothing"
    case "FlowMissing":
      time.onFlowMissing(turn, now, settings)
      return "nothing"
  }
}

/**
 * Decides what an input brings: the table of states and inputs, then as far as the flow goes on, then the dial that it
 * planned. No events means that nothing changes. A flow that has not heard of everything hears of it first. A call without
 * its flow dials nobody.
 *
 * @since 0.1.0
 */
export const decide = (live: Live, input: Input, circumstances: Circumstances): Decided => {
  const turn = new turns.Turn(live, circumstances.now)
  if (live.call.unheardSince !== undefined && !turn.isWithoutFlow) turn.fact({ _tag: "FlowResumed" })
  const answer = apply(turn, input, circumstances)
  const nameDial = (line: number) => externalId(circumstances.namespace, live.call.id, line)
  if (!turn.isWithoutFlow) dials.attemptDial(turn, nameDial, circumstances)
  return { events: turn.decided, live: turn.live, answer }
}

/**
 * What a line answers: an action, nothing, or not yet, because the flow waits for something else.
 *
 * @since 0.1.0
 */
export const reply = (
  self: Call,
  line: number,
  answer: table.Answer,
  settings: Settings.Settings
): table.Reply => {
  const found = state.lineOf(self, line)
  return found === undefined ? { _tag: "Nothing" } : table.reply(found, answer, settings)
}

/**
 * A webhook with what its process knows of it beside the log: when it came, and what became of the reply in flight.
 *
 * @since 0.1.0
 */
export type Received = copies.Received

/**
 * Whether a webhook is a copy of an earlier one on this line, so that it gets the same reply and changes nothing.
 *
 * Exact where the application knows a field that identifies a webhook (`eventKey`), or the carrier echoes `marks`. Else a
 * prompt's completion is a copy if its content came before and the action in flight cannot have ended so, so soon, or was
 * perhaps not delivered.
 *
 * @since 0.1.0
 */
export const isCopy: (line: CallLine, received: Received, settings: Settings.Settings) => boolean = copies.isCopy

// ---------------------------------------------------------------------------------------------------------------------
// Replay
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Whether a call began with this input, in its stored form. The order of keys does not count.
 *
 * @since 0.1.0
 */
export const isSameInput = (self: Call, input: unknown): boolean => Equal.equals(stored(self.input), stored(input))

/** A value as it comes back from a store. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

/**
 * A call that has not begun, of a flow. Fails with the decoder's `Error` if `input` does not fit the flow's schema.
 *
 * @since 0.1.0
 */
export const prepare = (id: CallId, definition: AnyDefinition, input: unknown): Live => {
  // Decoded for each run, so that what one makes of its input is not seen by the next.
  const flow = Flow.suspend(() => {
    const decoded = definition.codec.decodeInput(input)
    if (decoded._tag === "Success") return definition.run(decoded.success as never)
    throw new Error("The recorded input does not fit the flow's schema any more")
  })
  return { call: initial(id), definition, step: Step.start(flow) }
}

/**
 * A call whose flow has ended: nothing of the flow runs any more, only its lines are still looked after.
 *
 * @since 0.1.0
 */
export const settled = (call: Call, definition: AnyDefinition | undefined): Live => ({
  call,
  definition,
  step: turns.over
})

/**
 * A call in a process that has not registered its flow. What happens to its lines is recorded and answered, with holds where
 * the flow would have to decide; the flow hears of it in a process that knows it.
 *
 * @since 0.1.0
 */
export const withoutFlow = (call: Call): Live => settled(call, undefined)

/**
 * Whether the flow of a call still runs, but not in this process, which has not registered it.
 *
 * @since 0.1.0
 */
export const isWithoutFlow = ({ call, definition }: Live): boolean =>
  definition === undefined && call.exit === undefined

/**
 * Makes a call again from its events: folds the state and runs the flow over the log, comparing what it decides now with
 * what it decided then. A difference is reported and the flow is not trusted any further.
 *
 * @since 0.1.0
 */
export const rebuild = (
  id: CallId,
  definition: AnyDefinition,
  events: ReadonlyArray<CallEvent>
): { readonly live: Live; readonly divergence: turns.Divergence | undefined } => {
  const first = events[0]
  const input = first?._tag === "CallStarted" ? first.input : {}
  return turns.replay(prepare(id, definition, input), events)
}

/**
 * Ends a call whose flow disagrees with its log.
 *
 * @since 0.1.0
 */
export const diverge = (live: Live, divergence: turns.Divergence, now: number): Decided => {
  const turn = new turns.Turn(live, now)
  turn.diverged(divergence.at, divergence.recorded, divergence.now)
  return { events: turn.decided, live: settled(turn.call, turn.definition), answer: "nothing" }
}

/**
 * Ends a call whose flow threw, or whose decision can be neither recorded nor stored: the flow is not trusted any more, so
 * nothing of it runs, its finalizers neither, and every line is left. What `problem` says is masked and cut.
 *
 * @since 0.1.0
 */
export const defect = (live: Live, problem: unknown, now: number): Decided => {
  const turn = new turns.Turn(live, now)
  turn.defected(problem)
  return { events: turn.decided, live: settled(turn.call, turn.definition), answer: "nothing" }
}

/**
 * A call that has not begun and whose beginning threw: it begins with a flow that dies of that.
 *
 * @since 0.1.0
 */
export const stillborn = (live: Live, problem: unknown): Live => {
  const dies = Flow.suspend(() => {
    throw problem
  })
  return { ...live, step: Step.start(dies) }
}

// ---------------------------------------------------------------------------------------------------------------------
// Waiting
// ---------------------------------------------------------------------------------------------------------------------

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
 * What a call waits for next. Total: a call that is not over always has something that will happen by itself.
 *
 * @since 0.1.0
 */
export const waitingFor = (self: Call, settings: Settings.Settings): WaitingFor =>
  waiting(self, time.nextDeadline(self, settings))

/**
 * What a call waits for next in a process that has not registered its flow: what time brings to its lines, and that its flow
 * is given up as missing.
 *
 * @since 0.1.0
 */
export const waitingWithoutFlow = (self: Call, settings: Settings.Settings): WaitingFor =>
  waiting(self, time.nextWithoutFlow(self, settings))

/**
 * When a call has to be woken at the latest, in milliseconds since 1970, if ever. Not for a dial, which waits for its place.
 *
 * @since 0.1.0
 */
export const wakeAt = (self: Call, settings: Settings.Settings): number | undefined =>
  isOver(self) ? undefined : time.nextWake(self, settings)?.at

/**
 * From when on the planned dial of a call may be attempted, in milliseconds since 1970: its place among the dials that wait.
 * `undefined` if none is planned, or something else holds it up.
 *
 * @since 0.1.0
 */
export const dialFrom: (self: Call, restored?: ReadonlyArray<Restored>) => number | undefined = dials.dialFrom

/**
 * How many lines of a call ring or talk, as far as is known: those that were attempted and are neither closed nor presumed so.
 *
 * @since 0.1.0
 */
export const openLines = (self: Call): number =>
  state.liveLines(self).reduce((count, line) => isOpen(line) ? count + 1 : count, 0)

const isOpen = (line: CallLine): boolean => line.phase !== "Planned" && line.phase !== "Closed" && !line.presumed

const waiting = (self: Call, next: time.Deadline | undefined): WaitingFor => {
  if (isOver(self)) return { what: "nothing: it is over", until: undefined, otherwise: "nothing" }
  return next === undefined
    ? { what: "nothing", until: undefined, otherwise: "nothing" }
    : { what: next.what, until: next.at, otherwise: time.consequence(next) }
}

/**
 * One action of a call and what led to it.
 *
 * @since 0.1.0
 */
export interface Explanation {
  /** What was decided, in words without secrets. */
  readonly decision: string
  /** The fact that the flow went on from. */
  readonly because: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** Which decision of the flow it was, from 1; none for a hang-up or an end. */
  readonly n: number | undefined
}

/**
 * Tells for everything that a flow decided which fact it went on from, and at which place of the flow.
 *
 * @since 0.1.0
 */
export const explain = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Explanation> => {
  let because = "nothing"
  return events.flatMap((event): ReadonlyArray<Explanation> => {
    if (!isDecision(event)) {
      because = describe(event)
      return []
    }
    return [{ decision: describe(event), because, at: event.at, n: "n" in event ? event.n : undefined }]
  })
}

/**
 * Whether a restart has to look at the call at once: somebody may be on a line or is being dialled, or an activity runs. Its
 * process alone knows how far that has come.
 *
 * @since 0.1.0
 */
export const isUrgent = (self: Call): boolean =>
  self.wait?._tag === "Activity" ||
  state.liveLines(self).some(isOpen)
