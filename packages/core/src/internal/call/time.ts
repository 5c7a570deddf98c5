/**
 * What time brings to a call: its deadlines, the hold that answers a webhook whose flow has not decided, and a restart.
 */
import * as Action from "../../Action.ts"
import { type Call, liveLines } from "../../Call.ts"
import type { Restored } from "../../CallInput.ts"
import { type CallLine, isRinging, status } from "../../CallLine.ts"
import type { Prompt } from "../../Prompt.ts"
import * as Settings from "../../Settings.ts"
import * as Step from "../../Step.ts"
import { type Body, type Collector, heldLine } from "./collector.ts"
import { dialGivenUp, heldWords, isHeldUp, isLetGo, plannedLine } from "./dial.ts"

/** Something that happens by itself: when, what is recorded, and its name in words. A planned dial records by itself. */
export interface Deadline {
  readonly at: number
  readonly what: string
  readonly fact?: Body
  /** What happens then, if nothing is recorded by itself. */
  readonly otherwise?: string
}

/** The end of all lines of this kind, whatever else is lost: the carrier's own limit and what is added to it. */
const lineLimit = (line: CallLine, settings: Settings.Settings): number => {
  const life = line.dialling === undefined ? 4 * 60 * 60 * 1000 : line.dialling.maxCallDurationSeconds * 1000
  const ring = line.dialling === undefined ? 0 : settings.line.ringLimit
  const end = line.openedAt + line.jumpedMillis + (ring + life) / settings.speed + settings.line.silence
  return Math.min(end, bridgeLimit(line, settings))
}

/** The end of a bridge, and with it of the line: the carrier's limit counts from when the bridging dial was answered. */
const bridgeLimit = ({ inFlight, jumpedMillis, phase }: CallLine, settings: Settings.Settings): number => {
  if (phase !== "Bridged" || inFlight?.action._tag !== "Dial") return Infinity
  const life = inFlight.action.maxCallDurationSeconds * 1000
  return inFlight.at + jumpedMillis + settings.line.ringLimit + life / settings.speed + settings.line.silence
}

/**
 * Since when something of the carrier has been listened for. A restart and a jump of the clock begin that anew, for nobody
 * knows what was missed meanwhile, or whether that time has passed at all.
 */
const listening = (call: Call, since: number): number => Math.max(since, call.listeningSince)

/** The end of listening for a dial that may ring: begun anew by a restart, but no later than the line's own limit. */
const ringHorizon = (call: Call, line: CallLine, settings: Settings.Settings): number =>
  Math.min(
    listening(call, line.phaseAt) + Settings.horizon(settings),
    listening(call, lineLimit(line, settings))
  )

const silenceHorizon = (call: Call, line: CallLine, settings: Settings.Settings): number => {
  const began = listening(call, line.inFlight?.at ?? line.phaseAt)
  const lasts = line.inFlight === undefined ? 0 : Settings.longest(settings, line.inFlight.action)
  return began + lasts + settings.line.silence
}

/** What time brings to a line first: never more than one thing counts. */
const lineDeadline = (
  call: Call,
  line: CallLine,
  settings: Settings.Settings,
  restored: ReadonlyArray<Restored> | undefined
): Deadline | undefined => {
  switch (status(line)) {
    case "Closed":
      return undefined
    case "Planned":
      return line.heldSince === undefined || isHeldUp(call, line) || isLetGo(call, line, restored)
        ? undefined
        : { at: line.notBefore, what: heldWords }
    case "Dialing":
      return line.phase === "Unknown"
        ? {
          at: ringHorizon(call, line, settings),
          what: "a sign of a dial whose fate is unknown",
          fact: { _tag: "DialGivenUp", line: line.id, reason: "unknown" }
        }
        : {
          at: listening(call, line.phaseAt) + (line.dialling?.ringForMillis ?? 0) / settings.speed,
          what: "an answer",
          fact: { _tag: "DialGivenUp", line: line.id, reason: "no answer" }
        }
    case "Owing":
    case "Acting": {
      const at = silenceHorizon(call, line, settings)
      const limit = lineLimit(line, settings)
      return limit < at
        ? presumed(line, limit)
        : { at, what: "an event of the line", fact: { _tag: "LineSilent", line: line.id } }
    }
    case "Bridged":
      return presumed(line, lineLimit(line, settings))
    case "Settling":
      return {
        at: listening(call, line.phaseAt) + settings.line.settle,
        what: "an answer that is still on its way",
        fact: { _tag: "SettleElapsed", line: line.id }
      }
    case "Closing": {
      if (line.presumed) return undefined
      if (line.phase === "Bridged") return presumed(line, lineLimit(line, settings))
      const at = isRinging(line)
        ? ringHorizon(call, line, settings)
        : line.hungUpAt === undefined
        ? silenceHorizon(call, line, settings)
        : line.hungUpAt + settings.line.afterHangup
      return presumed(line, Math.min(at, lineLimit(line, settings)))
    }
  }
}

const presumed = (line: CallLine, at: number): Deadline => ({
  at,
  what: "the end of the line",
  fact: { _tag: "LinePresumedClosed", line: line.id }
})

const scopeDeadline = ({ n, until }: Call["deadlines"][number]): Deadline => ({
  at: until,
  what: "a deadline of the flow",
  fact: { _tag: "DeadlinePassed", n }
})

/**
 * The end of a dial that waits for its place. Without the flow it is not looked for: then nobody is dialled. What was held is
 * given up by who knows that it may go, so time alone records nothing of it.
 */
const placeDeadline = (
  call: Call,
  settings: Settings.Settings,
  restored: ReadonlyArray<Restored> | undefined
): Deadline | undefined => {
  const line = plannedLine(call)
  if (line === undefined) return undefined
  const what = "its place among the dials that wait"
  const end = dialGivenUp(line, settings)
  if (line.heldSince === undefined) return { ...end, what }
  return isLetGo(call, line, restored)
    ? { at: end.at, what, otherwise: "the flow is told that nobody knows whether it rang" }
    : undefined
}

const waitDeadline = (call: Call): Deadline | undefined => {
  const wait = call.wait
  switch (wait?._tag) {
    case "Sleep":
      return { at: wait.until, what: "a sleep", fact: { _tag: "SleepElapsed", n: wait.n } }
    case "Signal":
      return { at: wait.until, what: `the signal ${wait.name}`, fact: { _tag: "SignalExpired", n: wait.n } }
    case "Activity":
      return {
        at: wait.until,
        what: `the activity ${wait.name}`,
        fact: { _tag: "ActivityOverdue", n: wait.n, name: wait.name }
      }
    case "Dial":
    case "Prompt":
    case "Bridge":
    case undefined:
      return undefined
  }
}

const isFact = (deadline: Deadline | undefined): boolean => deadline?.fact !== undefined
const isAny = (deadline: Deadline | undefined): boolean => deadline !== undefined

/** Whose deadlines: those of the flow, of its lines, or both. */
type Whose = "flow" | "lines" | "both"

/** What time will bring to a call first, of those that count. */
const earliest = (
  call: Call,
  settings: Settings.Settings,
  counts: typeof isAny,
  whose: Whose = "both",
  restored?: ReadonlyArray<Restored>
): Deadline | undefined => {
  let first: Deadline | undefined
  const look = (deadline: Deadline | undefined) => {
    if (counts(deadline) && (first === undefined || deadline!.at < first.at)) first = deadline
  }
  if (whose !== "lines") {
    look(waitDeadline(call))
    for (const deadline of call.deadlines) look(scopeDeadline(deadline))
  }
  if (whose !== "flow") { for (const line of liveLines(call)) look(lineDeadline(call, line, settings, restored)) }
  if (whose === "both") look(placeDeadline(call, settings, restored))
  return first
}

/**
 * What a call has to be woken for next. A flow that has not heard of everything is to hear of it at once. For a dial it is not
 * woken: that has to wait for its place. `restored` is what is known of a store that is a copy; without it a dial that was held
 * counts as held.
 */
export const nextWake = (
  call: Call,
  settings: Settings.Settings,
  restored?: ReadonlyArray<Restored>
): Deadline | undefined =>
  call.unheardSince === undefined
    ? earliest(call, settings, isAny, "both", restored)
    : {
      at: call.unheardSince,
      what: call.decisions === 0
        ? "its flow to begin"
        : `a process that knows ${call.flow}, version ${call.flowVersion}`,
      otherwise: "the flow goes on there"
    }

/** When the flow itself should have gone on, if that is not for a line to tell. */
const flowDue = (call: Call, settings: Settings.Settings): number | undefined => {
  const { unheardSince, wait } = call
  const isTimed = wait?._tag === "Sleep" || wait?._tag === "Signal" || wait?._tag === "Activity"
  const since = isTimed ? undefined : unheardSince
  const deadline = earliest(call, settings, isAny, "flow")?.at
  return since === undefined || deadline === undefined ? since ?? deadline : Math.min(since, deadline)
}

/** When a flow is given up that no process has registered: not while time has something to bring to a line that it waits for. */
const missingAt = (call: Call, settings: Settings.Settings): number | undefined => {
  const isForLines = earliest(call, settings, isFact, "lines") !== undefined
  const due = flowDue(call, settings) ?? (isForLines ? undefined : call.at)
  return due === undefined ? undefined : due + settings.call.flowPatience
}

/** What time will bring to a call next in a process that has not registered its flow. */
export const nextWithoutFlow = (call: Call, settings: Settings.Settings): Deadline | undefined => {
  const at = missingAt(call, settings)
  const line = earliest(call, settings, isFact, "lines")
  return at === undefined || line !== undefined && line.at <= at
    ? line
    : { at, what: "its flow, which no process has registered", otherwise: "the call ends without its flow" }
}

/** Records what time has brought, in its order. What it brings to the flow is left to a process that knows the flow. */
export const onWake = (turn: Collector, now: number, settings: Settings.Settings): void => {
  for (;;) {
    const due = earliest(turn.call, settings, isFact, turn.isWithoutFlow ? "lines" : "both")
    if (due?.fact === undefined || due.at > now) return
    turn.fact(due.fact)
  }
}

/**
 * Answers an open webhook whose flow has not decided yet: with the words of the hold that the flow stands in, or with the
 * engine's own. When a line has been held too often in a row, a hold of the flow's fails; without one the line is lost to it.
 */
export const onReplyDue = (turn: Collector, lineId: number, settings: Settings.Settings): void => {
  const line = turn.line(lineId)
  if (status(line) !== "Owing") return
  if (line.holds >= settings.line.holds) expireHold(turn, line)
  if (status(turn.line(lineId)) !== "Owing") return
  turn.fact({ _tag: "HoldAnswered", line: line.id, action: Action.prompt(holdOf(turn.step) ?? settings.reply.hold) })
}

/** No more holds: what the flow waits for under its own is over, and without one the line is. */
const expireHold = (turn: Collector, line: CallLine): void => {
  const isHeld = heldLine(turn.call)?.id === line.id && holdOf(turn.step) !== undefined
  turn.fact({ _tag: isHeld ? "HoldExpired" : "LineSilent", line: line.id })
}

/** The words of the innermost hold that a flow stands in. */
const holdOf = (step: Step.Step<unknown, unknown>): Prompt | undefined => {
  const scopes = step._tag === "Waiting" ? Step.scopes(step).map(({ scope }) => scope) : []
  return scopes.find((scope) => scope._tag === "Hold")?.prompt
}

/** Whether the flow surely cannot decide before the reply deadline, so that the hold had better come at once. */
export const waitsLong = (call: Call, now: number, settings: Settings.Settings): boolean =>
  call.wait?._tag === "Sleep" && call.wait.until - now > settings.reply.deadline

/** Whether something of the carrier is waited for on a line, until a time that counts from when it was listened to. */
const isListenedTo = (line: CallLine): boolean => {
  switch (status(line)) {
    case "Planned":
    case "Closed":
    case "Bridged":
      return false
    case "Dialing":
    case "Owing":
    case "Acting":
    case "Settling":
      return true
    case "Closing":
      return !line.presumed && line.phase !== "Bridged" && line.hungUpAt === undefined
  }
}

/**
 * What is known of a restart: when the process that is gone last appended anything, or the time before the clock jumped, and
 * by how much it was set forward. One that was set back (0) is no machine that slept, so nothing was missed.
 */
export interface Restart {
  readonly crashedAt: number
  readonly jumpedMillis?: number
}

/** Takes a call over from a process that is gone, or from before a jump of the clock. */
export const onRestart = (
  turn: Collector,
  process: string,
  { crashedAt, jumpedMillis }: Restart,
  settings: Settings.Settings
): void => {
  for (const line of liveLines(turn.call)) {
    if (line.phase === "Attempted" && line.process !== process) {
      turn.fact({ _tag: "DialUnknown", line: line.id, reason: "the process that sent it is gone" })
    }
  }
  const isForward = jumpedMillis !== undefined && jumpedMillis > 0
  const isSetBack = jumpedMillis !== undefined && !isForward
  const doubtful = !isSetBack &&
    liveLines(turn.call).some((line) =>
      line.inFlight !== undefined && line.phase !== "Closed" &&
      line.inFlight.at >= crashedAt - settings.reply.unsureBeforeCrash
    )
  const listens = liveLines(turn.call).some((line) => isListenedTo(line) || (isForward && line.phase === "Bridged"))
  // Who restarts a call runs its activity from then on, and without the flow nobody can.
  if (turn.isWithoutFlow && turn.call.wait?._tag === "Activity") return
  if (doubtful || listens || turn.call.wait?._tag === "Activity") {
    turn.fact({ _tag: "Restarted", process, doubtful, ...(isForward ? { jumpedMillis } : {}) })
  }
}

/**
 * No process that lives has registered the flow: its lines are looked after. A call that was cancelled ends at once, and one
 * whose flow should have gone on long ago as missing it.
 */
export const onFlowMissing = (turn: Collector, now: number, settings: Settings.Settings): void => {
  onWake(turn, now, settings)
  const { call } = turn
  const at = missingAt(call, settings)
  if (call.cancelled) turn.abandoned({ _tag: "Cancelled" })
  else if (at !== undefined && at <= now) {
    turn.abandoned({ _tag: "FlowMissing", flow: call.flow, version: call.flowVersion })
  }
}
