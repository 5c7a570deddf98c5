/**
 * What an input brings to a call: what is recorded, how far its flow goes on, and how it is answered. Pure: time, ids and what
 * became of a reply come in as data.
 *
 * @since 0.1.0
 */
import * as Call from "./Call.ts"
import type { CallEvent } from "./CallEvent.ts"
import type { CallInput, Circumstances, Received, Restored } from "./CallInput.ts"
import * as CallLine from "./CallLine.ts"
import { Collector } from "./internal/call/collector.ts"
import * as copies from "./internal/call/copies.ts"
import * as declared from "./internal/call/declared.ts"
import * as dials from "./internal/call/dial.ts"
import * as table from "./internal/call/table.ts"
import * as time from "./internal/call/time.ts"
import { recordable } from "./internal/json.ts"
import * as LiveCall from "./LiveCall.ts"
import type * as Settings from "./Settings.ts"

/**
 * What one input brings: the events to append, the call after them, and how the webhook (if it was one) is answered.
 *
 * @since 0.1.0
 */
export interface Decided {
  readonly events: ReadonlyArray<CallEvent>
  readonly live: LiveCall.LiveCall
  readonly answer: CallLine.Answer
}

const begin = (
  turn: Collector,
  input: Extract<CallInput, { readonly _tag: "Start" | "Arrive" }>,
  circumstances: Circumstances
): CallLine.Answer => {
  const { namespace, settings } = circumstances
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
    ...(settings.copies.marks
      ? { externalId: CallLine.externalId(namespace, turn.call.id, 1, circumstances.chance) }
      : {}),
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
const admitted = (input: CallInput): CallInput | undefined => {
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

type Signalled = Extract<CallInput, { readonly _tag: "Signalled" }>

const isNewSignal = (call: Call.Call, { key }: Signalled): boolean =>
  call.exit === undefined && (key === undefined || !call.signalKeys.includes(key))

/**
 * Why a signal is refused, in words without its value: the flow does not declare it, it does not fit, or too many wait for a flow
 * that does not wait for them. A process that has not registered the flow knows nothing of the first two. Nothing, if it is taken, or changes nothing because it was told before or the flow has ended.
 *
 * @since 0.1.0
 */
export const signalProblem = (
  { call, definition, step }: Pick<LiveCall.LiveCall, "call" | "definition" | "step">,
  signal: Signalled,
  settings: Settings.Settings
): string | undefined => {
  if (!isNewSignal(call, signal)) return undefined
  const problem = definition === undefined ? undefined : declared.toldProblem(definition, signal)
  if (problem !== undefined) return problem
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

const waitsFor = (call: Call.Call, kind: "Activity" | "Signal", n: number): boolean =>
  call.wait?._tag === kind && call.wait.n === n

/** A log that has lost its last turns, as by a failover, may not know of a line that is spoken of. */
const isOfNoLine = (call: Call.Call, input: CallInput): boolean =>
  "line" in input && typeof input.line === "number" && Call.lineOf(call, input.line) === undefined

const apply = (turn: Collector, given: CallInput, circumstances: Circumstances): CallLine.Answer => {
  const input = admitted(given)
  if (input === undefined || isOfNoLine(turn.call, input)) return "nothing"
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
      dials.onPosted(turn, input.line, input.posted, circumstances)
      return "nothing"
    case "Wake":
      time.onWake(turn, now, settings)
      return "nothing"
    case "ReplyDue":
      time.onReplyDue(turn, input.line, settings)
      return "line"
    case "ReplyBroke": {
      const line = turn.line(input.line)
      const isOut = CallLine.status(line) === "Acting" || CallLine.status(line) === "Bridged"
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
      const by = input.by === undefined ? {} : { by: input.by }
      if (flow !== "" && exit === undefined && !cancelled) turn.fact({ _tag: "Cancelled", ...by })
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
export const decide = (live: LiveCall.LiveCall, input: CallInput, circumstances: Circumstances): Decided => {
  const turn = new Collector(live, circumstances.now)
  if (live.call.unheardSince !== undefined && !turn.isWithoutFlow) turn.fact({ _tag: "FlowResumed" })
  const answer = apply(turn, input, circumstances)
  if (!turn.isWithoutFlow) dials.attemptDial(turn, circumstances)
  return { events: turn.decided, live: turn.live, answer }
}

/**
 * Whether a webhook is a copy of an earlier one on this line, so that it gets the same reply and changes nothing.
 *
 * Exact where the application knows a field that identifies a webhook (`eventKey`), or the carrier echoes `marks`. Else a
 * prompt's completion is a copy if its content came before and the action in flight cannot have ended so, so soon, or was
 * perhaps not delivered.
 *
 * @since 0.1.0
 */
export const isCopy = (self: Call.Call, line: number, received: Received, settings: Settings.Settings): boolean => {
  const found = Call.lineOf(self, line)
  return found !== undefined && copies.isCopy(found, received, settings)
}

/**
 * Ends a call whose flow threw, or whose decision can be neither recorded nor stored: the flow is not trusted any more, so
 * nothing of it runs, its finalizers neither, and every line is left. What `problem` says is masked and cut.
 *
 * @since 0.1.0
 */
export const defect = (live: LiveCall.LiveCall, problem: unknown, now: number): Decided => {
  const turn = new Collector(live, now)
  turn.defected(problem)
  return { events: turn.decided, live: LiveCall.settled(turn.call, turn.definition), answer: "nothing" }
}

/**
 * When a call has to be woken at the latest, in milliseconds since 1970, if ever. Not for a dial, which waits for its place.
 *
 * @since 0.1.0
 */
export const wakeAt = (
  self: Call.Call,
  settings: Settings.Settings,
  restored?: ReadonlyArray<Restored>
): number | undefined => Call.isOver(self) ? undefined : time.nextWake(self, settings, restored)?.at

/**
 * From when on the planned dial of a call may be attempted, in milliseconds since 1970: its place among the dials that wait.
 * `undefined` if none is planned, or something else holds it up.
 *
 * @since 0.1.0
 */
export const dialFrom = (self: Call.Call, restored: ReadonlyArray<Restored> = []): number | undefined => {
  const line = dials.plannedLine(self)
  if (line === undefined || self.unheardSince !== undefined || dials.isHeldUp(self, line)) return undefined
  if (line.heldSince === undefined) return Math.max(line.dialledAt, line.notBefore)
  return dials.verdictOn(self, restored) === "hold" ? undefined : line.dialledAt
}
