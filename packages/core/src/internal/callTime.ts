/**
 * What time brings to a call: its deadlines, the hold that answers a webhook whose flow has not decided, and a restart.
 */
import * as Action from "../Action.ts"
import * as Flow from "../Flow.ts"
import type { Prompt } from "../Prompt.ts"
import * as Settings from "../Settings.ts"
import { isHeldUp } from "./callDial.ts"
import { type Call, type CallLine, isRinging, status } from "./callState.ts"
import type { Body, Turn } from "./callTurn.ts"

/** Something that happens by itself: when, what is recorded, and its name in words. A planned dial records by itself. */
export interface Deadline {
  readonly at: number
  readonly what: string
  readonly fact?: Body
}

/** The end of all lines of this kind, whatever else is lost: the carrier's own limit and what is added to it. */
const lineLimit = (line: CallLine, settings: Settings.Settings): number => {
  const life = line.dialling === undefined ? 4 * 60 * 60 * 1000 : line.dialling.maxCallDurationSeconds * 1000
  const ring = line.dialling === undefined ? 0 : settings.ringLimit
  return line.openedAt + (ring + life + settings.silence) / settings.speed
}

/** The end of listening for a dial that may ring: begun anew by a restart, but no later than the line's own limit. */
const ringHorizon = (call: Call, line: CallLine, settings: Settings.Settings): number =>
  Math.min(
    Math.max(line.phaseAt, call.listeningSince) + Settings.horizon(settings),
    Math.max(lineLimit(line, settings), call.listeningSince)
  )

const silenceHorizon = (line: CallLine, settings: Settings.Settings): number => {
  const began = line.inFlight?.at ?? line.phaseAt
  const lasts = line.inFlight === undefined ? 0 : Settings.longest(settings, line.inFlight.action)
  return began + lasts + settings.silence / settings.speed
}

const lineDeadlines = (call: Call, line: CallLine, settings: Settings.Settings): ReadonlyArray<Deadline> => {
  const presumed: Body = { _tag: "LinePresumedClosed", line: line.id }
  switch (status(line)) {
    case "Closed":
      return []
    case "Planned":
      return isHeldUp(call, line) ? [] : [{ at: line.notBefore, what: "the next attempt to dial" }]
    case "Dialing":
      return line.phase === "Unknown"
        ? [{
          at: ringHorizon(call, line, settings),
          what: "a sign of a dial whose fate is unknown",
          fact: { _tag: "DialGivenUp", line: line.id, reason: "unknown" }
        }]
        : [{
          at: line.phaseAt + (line.dialling?.ringForMillis ?? 0) / settings.speed,
          what: "an answer",
          fact: { _tag: "DialGivenUp", line: line.id, reason: "no answer" }
        }]
    case "Owing":
    case "Acting":
      return [
        {
          at: silenceHorizon(line, settings),
          what: "an event of the line",
          fact: { _tag: "LineSilent", line: line.id }
        },
        { at: lineLimit(line, settings), what: "the end of the line", fact: presumed }
      ]
    case "Bridged":
      return [{ at: lineLimit(line, settings), what: "the end of the line", fact: presumed }]
    case "Settling":
      return [{
        at: line.phaseAt + settings.settle / settings.speed,
        what: "an answer that is still on its way",
        fact: { _tag: "SettleElapsed", line: line.id }
      }]
    case "Closing": {
      if (line.presumed) return []
      if (line.phase === "Bridged") {
        return [{ at: lineLimit(line, settings), what: "the end of the line", fact: presumed }]
      }
      const at = isRinging(line)
        ? ringHorizon(call, line, settings)
        : line.hungUpAt === undefined
        ? silenceHorizon(line, settings)
        : line.hungUpAt + settings.afterHangup / settings.speed
      return [{ at: Math.min(at, lineLimit(line, settings)), what: "the end of the line", fact: presumed }]
    }
  }
}

const scopeDeadline = ({ n, until }: Call["deadlines"][number]): Deadline => ({
  at: until,
  what: "a deadline of the flow",
  fact: { _tag: "DeadlinePassed", n }
})

const waitDeadlines = (call: Call): ReadonlyArray<Deadline> => {
  const wait = call.wait
  switch (wait?._tag) {
    case "Sleep":
      return [{ at: wait.until, what: "a sleep", fact: { _tag: "SleepElapsed", n: wait.n } }]
    case "Signal":
      return [{ at: wait.until, what: `the signal ${wait.name}`, fact: { _tag: "SignalExpired", n: wait.n } }]
    case "Activity":
      return [{
        at: wait.until,
        what: `the activity ${wait.name}`,
        fact: { _tag: "ActivityOverdue", n: wait.n, name: wait.name }
      }]
    case "Dial":
    case "Prompt":
    case "Bridge":
    case undefined:
      return []
  }
}

/** Everything that time will bring to a call, the earliest first. */
export const deadlines = (call: Call, settings: Settings.Settings): ReadonlyArray<Deadline> => {
  const all = [...waitDeadlines(call)]
  for (const deadline of call.deadlines) all.push(scopeDeadline(deadline))
  for (const line of call.lines) all.push(...lineDeadlines(call, line, settings))
  return all.length < 2 ? all : all.toSorted((self, that) => self.at - that.at)
}

/** What happens by itself when a deadline passes, in words. */
export const consequence = ({ fact }: Deadline): string => {
  switch (fact?._tag) {
    case undefined:
      return "the dial is sent again"
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

/** Records what time has brought, in its order. */
export const onWake = (turn: Turn, now: number, settings: Settings.Settings): void => {
  for (;;) {
    const due = deadlines(turn.call, settings).find((deadline) => deadline.fact !== undefined)
    if (due?.fact === undefined || due.at > now) return
    turn.fact(due.fact)
  }
}

/**
 * Answers an open webhook whose flow has not decided yet: with the words of the hold that the flow stands in, or with the
 * engine's own. A line that has been held too often in a row is lost to the flow.
 */
export const onReplyDue = (turn: Turn, lineId: number, settings: Settings.Settings): void => {
  const line = turn.line(lineId)
  if (status(line) !== "Owing") return
  if (line.holds >= settings.maxHolds) return turn.fact({ _tag: "LineSilent", line: line.id })
  turn.fact({ _tag: "HoldAnswered", line: line.id, action: Action.prompt(holdOf(turn.step) ?? settings.hold) })
}

/** The words of the innermost hold that a flow stands in. */
const holdOf = (step: Flow.Step<unknown, unknown>): Prompt | undefined => {
  const scopes = step._tag === "Waiting" ? Flow.scopes(step).map(({ scope }) => scope) : []
  return scopes.find((scope) => scope._tag === "Hold")?.prompt
}

/** Whether the flow surely cannot decide before the reply deadline, so that the hold had better come at once. */
export const waitsLong = (call: Call, now: number, settings: Settings.Settings): boolean =>
  call.wait?._tag === "Sleep" && call.wait.until - now > settings.replyDeadline

/** Takes a call over from a process that is gone. `crashedAt` is when that process last appended anything. */
export const onRestart = (turn: Turn, process: string, crashedAt: number, settings: Settings.Settings): void => {
  for (const line of turn.call.lines) {
    if (line.phase === "Attempted" && line.process !== process) {
      turn.fact({ _tag: "DialUnknown", line: line.id, reason: "the process that sent it is gone" })
    }
  }
  const doubtful = turn.call.lines.some((line) =>
    line.inFlight !== undefined && line.phase !== "Closed" && line.inFlight.at >= crashedAt - settings.doubt
  )
  const listens = turn.call.lines.some((line) => isRinging(line) && !line.presumed)
  if (doubtful || listens || turn.call.wait?._tag === "Activity") {
    turn.fact({ _tag: "Restarted", process, doubtful })
  }
}
