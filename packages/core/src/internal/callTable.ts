/**
 * The decision table of a call: for every state of a line and every input, what is recorded and what is answered.
 */
import * as Action from "../Action.ts"
import * as Flow from "../Flow.ts"
import type { Prompt } from "../Prompt.ts"
import * as Settings from "../Settings.ts"
import * as Webhook from "../Webhook.ts"
import type { Received } from "./callCopies.ts"
import { contentOf, endsProbe, isCopy, isFirstLeg, isOldLeg, isSeen, legOf, novelty } from "./callCopies.ts"
import { type Call, type CallLine, isRinging, markOf, status } from "./callState.ts"
import type { Body, Turn } from "./callTurn.ts"

/**
 * What a webhook is answered with: what the line owes (an action in flight, a hang-up if the line is not wanted, a wait if
 * the flow has not decided yet), a hang-up, or nothing.
 */
export type Answer = "line" | "hangup" | "nothing"

// ---------------------------------------------------------------------------------------------------------------------
// Webhooks
// ---------------------------------------------------------------------------------------------------------------------

const extraOf = (webhook: Webhook.Webhook) => webhook.extra === undefined ? {} : { extra: webhook.extra }

/** Fields that every fact about a webhook of a line has. */
const common = (line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings) => ({
  line: line.id,
  content: contentOf(webhook, settings),
  ...extraOf(webhook)
})

/**
 * Records an event that changes nothing; at most so many a call. One that came before is not recorded again, unless the
 * hang-up that answers it is the first, or nobody knows what the event means.
 */
const stray = (
  turn: Turn,
  line: CallLine,
  webhook: Webhook.Webhook,
  settings: Settings.Settings,
  hungUp = false
): void => {
  const isFirstHangup = hungUp && line.hungUpAt === undefined
  const isKnown = Webhook.kind(webhook) !== "Unknown" && isSeen(line, webhook, settings)
  if (isKnown && !isFirstHangup) return
  if (turn.call.strays >= settings.maxStrays) return
  turn.fact({ _tag: "Stray", event: webhook.event, hungUp, ...common(line, webhook, settings) })
}

/** Whether the carrier said that the call is over: then nobody can be on the line. */
const isOver = (line: CallLine): boolean => line.closedBy === "ended" || line.closedBy === "settled"

const dialFailure = (status: string, settings: Settings.Settings): "busy" | "no answer" | "failed" =>
  settings.busy.includes(status) ? "busy" : settings.noAnswer.includes(status) ? "no answer" : "failed"

const onAnswered = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  const fact = { referenceId: webhook.referenceId, ...common(line, webhook, settings) }
  switch (status(line)) {
    case "Planned":
      stray(turn, line, webhook, settings, true)
      return "hangup"
    case "Dialing":
      turn.fact({ _tag: "CallAnswered", ...fact })
      return "line"
    case "Owing":
    case "Acting":
      return "line"
    case "Bridged":
      if (isFirstLeg(line, webhook)) return probe(turn, line, settings)
      if (!isCopy(line, received, settings)) turn.fact({ _tag: "LegAnswered", ...common(line, webhook, settings) })
      return "nothing"
    case "Closing":
      if (isRinging(line)) turn.fact({ _tag: "LateAnswer", ...fact })
      return "hangup"
    case "Settling":
      if (!line.answered) turn.fact({ _tag: "CallAnswered", ...fact })
      return "nothing"
    case "Closed":
      return onClosed(turn, line, received, settings)
  }
}

/** Somebody is on a line that is closed: to be hung up on, unless the carrier itself said that the call is over. */
const onClosed = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  if (isOver(line) && isCopy(line, received, settings)) return "nothing"
  stray(turn, line, webhook, settings, !isOver(line))
  return isOver(line) ? "nothing" : "hangup"
}

/** A status of a dial that means nothing yet. A line that nobody wants is hung up on at every sign of life. */
const onIgnored = (turn: Turn, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): Answer => {
  const isUnwanted = status(line) === "Closing"
  stray(turn, line, webhook, settings, isUnwanted)
  if (isUnwanted) return "hangup"
  return status(line) === "Owing" || status(line) === "Acting" ? "line" : "nothing"
}

const onNotAnswered = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  const dialStatus = webhook.status ?? "unknown"
  const fail = () =>
    turn.fact({
      _tag: "DialFailed",
      referenceId: webhook.referenceId,
      status: dialStatus,
      reason: dialFailure(dialStatus, settings),
      ...common(line, webhook, settings)
    })
  const note = () => stray(turn, line, webhook, settings)
  if (settings.ignored.includes(dialStatus)) return onIgnored(turn, line, webhook, settings)
  switch (status(line)) {
    case "Planned":
    case "Closed":
      note()
      return "nothing"
    case "Dialing":
      fail()
      return "hangup"
    case "Owing":
    case "Acting":
      note()
      return "line"
    case "Bridged":
      if (isFirstLeg(line, webhook)) {
        note()
        return "nothing"
      }
      if (isOldLeg(line, received, settings)) return probe(turn, line, settings)
      turn.fact({ _tag: "LegFailed", status: dialStatus, ...common(line, webhook, settings) })
      return "line"
    case "Closing":
      if (isRinging(line)) fail()
      else stray(turn, line, webhook, settings, true)
      return "hangup"
    case "Settling":
      if (line.answered) note()
      else fail()
      return "nothing"
  }
}

const onPromptCompleted = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  // It can only end a hold that went out unrecorded while the store was late: somebody did answer.
  const answered = () =>
    turn.fact({ _tag: "CallAnswered", referenceId: webhook.referenceId, ...common(line, webhook, settings) })
  switch (status(line)) {
    case "Planned":
    case "Closing":
      stray(turn, line, webhook, settings, true)
      return "hangup"
    case "Dialing":
      answered()
      return "line"
    case "Owing":
      // Nothing is in flight, so it ends a hold that went out unrecorded: noted, so that a copy of it is known later.
      stray(turn, line, webhook, settings)
      return "line"
    case "Acting":
      onEnd(turn, line, received, settings)
      return "line"
    case "Bridged":
      return onProbed(turn, line, received, settings)
    case "Settling":
      if (!line.answered) answered()
      else onEnd(turn, line, received, settings)
      return "nothing"
    case "Closed":
      return onClosed(turn, line, received, settings)
  }
}

/** A prompt ended while an action is in flight, or when the call was over before its answer came. */
const onEnd = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): void => {
  switch (novelty(line, received, settings)) {
    case "new":
      return complete(turn, line, received.webhook, settings)
    case "stray":
      return stray(turn, line, received.webhook, settings)
    case "copy":
      return
  }
}

const complete = (turn: Turn, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): void =>
  line.inFlight?.kind === "hold"
    ? turn.fact({ _tag: "HoldCompleted", ...common(line, webhook, settings) })
    : turn.fact({
      _tag: "PromptCompleted",
      n: line.inFlight?.n ?? 0,
      digits: webhook.digits ?? "",
      ...(webhook.status === undefined ? {} : { status: webhook.status }),
      ...common(line, webhook, settings)
    })

/**
 * A prompt ended on a line whose bridging dial may have been lost. A copy asks for a reply: a hold finds out. If that hold
 * was heard, no bridge had begun, and the dial is given again; at once if it is known that it never went out.
 */
const onProbed = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { unsent, webhook } = received
  if (unsent) {
    stray(turn, line, webhook, settings)
    return "line"
  }
  if (line.probing !== undefined) {
    if (endsProbe(line, received, settings)) {
      turn.fact({ _tag: "HoldCompleted", ...common(line, webhook, settings) })
    }
    return "line"
  }
  if (isSeen(line, webhook, settings)) return probe(turn, line, settings)
  stray(turn, line, webhook, settings)
  return "nothing"
}

const probe = (turn: Turn, line: CallLine, settings: Settings.Settings): Answer => {
  if (line.probing === undefined) {
    turn.fact({ _tag: "HoldAnswered", line: line.id, action: Action.prompt(settings.hold) })
  }
  return "line"
}

const onLegCompleted = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const note = (hungUp = false) => stray(turn, line, received.webhook, settings, hungUp)
  switch (status(line)) {
    case "Planned":
    case "Dialing":
    case "Settling":
    case "Closed":
      note()
      return "nothing"
    case "Owing":
      note()
      return "line"
    case "Acting":
      if (isCopy(line, received, settings)) return "line"
      note()
      return received.before || line.inFlight?.doubtful === true ? "line" : "nothing"
    case "Bridged":
      if (isOldLeg(line, received, settings)) return probe(turn, line, settings)
      turn.fact({ _tag: "LegEnded", leg: legOf(line, received.webhook), ...common(line, received.webhook, settings) })
      return "line"
    case "Closing":
      note(true)
      return "hangup"
  }
}

const onCallCompleted = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  switch (status(line)) {
    case "Planned":
      stray(turn, line, webhook, settings)
      return "nothing"
    case "Settling":
    case "Closed":
      return "nothing"
    case "Dialing":
    case "Owing":
    case "Acting":
    case "Bridged":
    case "Closing":
      turn.fact({
        _tag: "CallEnded",
        referenceId: webhook.referenceId,
        ...(webhook.status === undefined ? {} : { status: webhook.status }),
        ...(webhook.durationSeconds === undefined ? {} : { durationSeconds: webhook.durationSeconds }),
        ...common(line, webhook, settings)
      })
      return "nothing"
  }
}

const onUnknown = (turn: Turn, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  if (isCopy(line, received, settings)) return status(line) === "Acting" ? "line" : "nothing"
  if (endsUnknown(line, received)) {
    complete(turn, line, webhook, settings)
    return "line"
  }
  stray(turn, line, webhook, settings)
  return "nothing"
}

/** Whether an unknown event ends the action in flight: one whose own event is not known. */
const endsUnknown = (line: CallLine, { before, unsent, webhook }: Received): boolean => {
  const action = line.inFlight?.action
  return status(line) === "Acting" && action !== undefined && Action.completion(action) === undefined &&
    webhook.event.endsWith("_completed") && !before && !unsent
}

/** An event of our attempt, but of another session than the line's: one `POST` that the carrier carried out twice. */
const onSecondLine = (turn: Turn, line: CallLine, webhook: Webhook.Webhook): Answer => {
  const isOpen = ["Owing", "Acting", "Bridged"].includes(status(line))
  if (isOpen && !line.otherReferenceIds.includes(webhook.referenceId)) {
    turn.fact({ _tag: "SecondLine", line: line.id, referenceId: webhook.referenceId })
  }
  return Webhook.kind(webhook) === "CallCompleted" ? "nothing" : "hangup"
}

/** A call that is known came in again: the same reply, but a bridging dial is not given twice without finding out. */
export const onIncomingAgain = (turn: Turn, lineId: number, settings: Settings.Settings): Answer => {
  const line = turn.line(lineId)
  return status(line) === "Bridged" ? probe(turn, line, settings) : "line"
}

const onIncoming = (turn: Turn, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): Answer => {
  switch (status(line)) {
    case "Planned":
      stray(turn, line, webhook, settings, true)
      return "hangup"
    case "Dialing":
      stray(turn, line, webhook, settings)
      return "nothing"
    default:
      return onIncomingAgain(turn, line.id, settings)
  }
}

/** Records a webhook of a line and says how to answer it. */
export const onWebhook = (turn: Turn, lineId: number, received: Received, settings: Settings.Settings): Answer => {
  const line = turn.line(lineId)
  const { webhook } = received
  const hasSession = line.answered || line.phase === "Settling" || isOver(line)
  const isOther = hasSession && line.referenceId !== undefined && line.referenceId !== webhook.referenceId
  if (isOther) return onSecondLine(turn, line, webhook)
  switch (Webhook.kind(webhook)) {
    case "IncomingCall":
      return onIncoming(turn, line, webhook, settings)
    case "DialCompleted":
      return webhook.status === "answered"
        ? onAnswered(turn, line, received, settings)
        : onNotAnswered(turn, line, received, settings)
    case "PromptCompleted":
      return onPromptCompleted(turn, line, received, settings)
    case "LegCompleted":
      return onLegCompleted(turn, line, received, settings)
    case "CallCompleted":
      return onCallCompleted(turn, line, received, settings)
    case "Unknown":
      return onUnknown(turn, line, received, settings)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The response to a dial
// ---------------------------------------------------------------------------------------------------------------------

/** What became of a `POST`. */
export type Posted =
  | { readonly _tag: "Accepted"; readonly referenceId: string }
  | { readonly _tag: "Refused"; readonly status: string }
  | { readonly _tag: "NotSent"; readonly problem: string; readonly retryAfterMillis?: number }
  | { readonly _tag: "Lost"; readonly problem: string }

/** When a dial that surely did nothing may be sent again; never, if its attempts are used up or nobody wants it. */
const retryAt = (
  line: CallLine,
  posted: Extract<Posted, { readonly _tag: "NotSent" }>,
  now: number,
  settings: Settings.Settings
): number | undefined => {
  if (line.left || line.attempt >= settings.maxAttempts) return undefined
  const backoff = settings.backoff / settings.speed * 2 ** (line.attempt - 1)
  return now + Math.max(backoff, posted.retryAfterMillis ?? 0)
}

/** Records what became of the `POST` of a line. */
export const onPosted = (
  turn: Turn,
  lineId: number,
  posted: Posted,
  now: number,
  settings: Settings.Settings
): void => {
  const line = turn.line(lineId)
  if (line.phase === "Planned" || line.direction === "inbound") return
  switch (posted._tag) {
    case "Accepted":
      if (line.phase === "Closed") return
      return turn.fact({ _tag: "DialAccepted", line: line.id, referenceId: posted.referenceId })
    case "Refused":
      if (!isRinging(line)) return contradicted(turn, line, "dial refused", settings)
      return turn.fact({ _tag: "DialRefused", line: line.id, status: posted.status })
    case "NotSent": {
      if (!isRinging(line)) return contradicted(turn, line, "dial not sent", settings)
      const at = retryAt(line, posted, now, settings)
      return turn.fact({
        _tag: "DialNotSent",
        line: line.id,
        reason: posted.problem,
        ...(at === undefined ? {} : { retryAt: at })
      })
    }
    case "Lost":
      if (line.phase !== "Attempted" || line.left) return
      return turn.fact({ _tag: "DialUnknown", line: line.id, reason: posted.problem })
  }
}

/** Notes a response that says that nothing rang, where an event has shown that something did. */
const contradicted = (turn: Turn, line: CallLine, event: string, settings: Settings.Settings): void => {
  if (turn.call.strays >= settings.maxStrays) return
  turn.fact({ _tag: "Stray", line: line.id, event, hungUp: false, content: JSON.stringify([event]) })
}

// ---------------------------------------------------------------------------------------------------------------------
// Dials
// ---------------------------------------------------------------------------------------------------------------------

/** Another line of this call to the same number that has been given up on and may still ring. */
const isHeldUp = (call: Call, line: CallLine): boolean =>
  call.lines.some((other) => other.id !== line.id && other.to === line.to && isRinging(other) && !other.presumed)

/**
 * Attempts the planned dial, if its time has come and its number is free: a phone that this call has given up on may still
 * ring. A number that was left as unknown is not rung again unless this dial allows it.
 */
export const attemptDial = (turn: Turn, externalId: (line: number) => string, process: string, now: number): void => {
  const line = turn.call.lines.at(-1)
  if (line?.phase !== "Planned" || line.left) return
  const wasUnknown = turn.call.lines.some((other) => other.to === line.to && other.unknown && isRinging(other))
  if (wasUnknown && line.dialling?.evenIfUnknown !== true) {
    turn.fact({ _tag: "DialGivenUp", line: line.id, reason: "unknown" })
    return attemptDial(turn, externalId, process, now)
  }
  if (line.notBefore > now || isHeldUp(turn.call, line)) return
  turn.fact({ _tag: "DialAttempted", line: line.id, externalId: externalId(line.id), process })
}

// ---------------------------------------------------------------------------------------------------------------------
// Time
// ---------------------------------------------------------------------------------------------------------------------

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

const flowDeadlines = (call: Call): ReadonlyArray<Deadline> => [
  ...waitDeadlines(call),
  ...call.deadlines.map(({ n, until }): Deadline => ({
    at: until,
    what: "a deadline of the flow",
    fact: { _tag: "DeadlinePassed", n }
  }))
]

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
export const deadlines = (call: Call, settings: Settings.Settings): ReadonlyArray<Deadline> =>
  [...flowDeadlines(call), ...call.lines.flatMap((line) => lineDeadlines(call, line, settings))].toSorted((a, b) =>
    a.at - b.at
  )

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

// ---------------------------------------------------------------------------------------------------------------------
// Restart
// ---------------------------------------------------------------------------------------------------------------------

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

// ---------------------------------------------------------------------------------------------------------------------
// Replies
// ---------------------------------------------------------------------------------------------------------------------

/** What to answer to a webhook: an action, nothing, or not yet. */
export type Reply =
  | { readonly _tag: "Act"; readonly action: Action.Action; readonly n: number }
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Wait" }

/** The action of a reply, known from all others of its line by a mark of its own where those are asked for. */
const act = (
  line: CallLine,
  { action, n }: { readonly action: Action.Action; readonly n: number },
  settings: Settings.Settings
): Reply => {
  const mark = settings.marks ? markOf(line) : undefined
  return { _tag: "Act", action: mark === undefined ? action : Action.mark(action, mark), n }
}

const nothing: Reply = { _tag: "Nothing" }
const hangup: Reply = { _tag: "Act", action: Action.hangup, n: -1 }

/** While it is being found out whether a bridge began the reply is a hold; else the bridging dial itself. */
const bridgedReply = (line: CallLine, settings: Settings.Settings): Reply => {
  if (line.probing !== undefined) return act(line, { action: Action.prompt(settings.hold), n: 0 }, settings)
  return line.inFlight === undefined ? nothing : act(line, line.inFlight, settings)
}

/** The reply that a line gives, read from its state. */
export const reply = (line: CallLine, answer: Answer, settings: Settings.Settings): Reply => {
  if (answer === "nothing") return nothing
  if (answer === "hangup") return hangup
  switch (status(line)) {
    case "Owing":
      return { _tag: "Wait" }
    case "Acting":
      return line.inFlight === undefined ? nothing : act(line, line.inFlight, settings)
    case "Bridged":
      return bridgedReply(line, settings)
    case "Closing":
      return hangup
    case "Planned":
    case "Dialing":
    case "Settling":
    case "Closed":
      return nothing
  }
}
