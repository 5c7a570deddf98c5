/**
 * The decision table of a line: for every state and every webhook what is recorded and what is answered. Cell by cell in
 * `docs/call-states.md`; the rows of dials are in `dial.ts`, those of time in `time.ts`.
 */
import * as Action from "../../Action.ts"
import type { Received } from "../../CallInput.ts"
import { type Answer, type CallLine, isRinging, status } from "../../CallLine.ts"
import type * as Settings from "../../Settings.ts"
import * as Webhook from "../../Webhook.ts"
import type { Collector } from "./collector.ts"
import { contentOf, endsProbe, isCopy, isFirstLeg, isOldLeg, isSeen, legOf, novelty } from "./copies.ts"

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
const noted = (
  turn: Collector,
  line: CallLine,
  webhook: Webhook.Webhook,
  settings: Settings.Settings,
  hungUp: boolean
): void => {
  const isFirstHangup = hungUp && line.hungUpAt === undefined
  const isKnown = isMeaningful(webhook) && isSeen(line, webhook, settings)
  if (isKnown && !isFirstHangup) return
  if (turn.call.strays >= settings.call.strays) return
  turn.fact({ _tag: "Stray", event: webhook.event, hungUp, ...common(line, webhook, settings) })
}

type Noting = (turn: Collector, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings) => void

/** Whether anybody knows what an event means. */
const isMeaningful = ({ kind }: Webhook.Webhook): boolean => kind !== "Unknown" && kind !== "OtherCompleted"

/** Notes what changes nothing. */
const note: Noting = (turn, line, webhook, settings) => noted(turn, line, webhook, settings, false)

/** Notes what changes nothing and is answered with a hang-up. */
const noteHungUp: Noting = (turn, line, webhook, settings) => noted(turn, line, webhook, settings, true)

/** Whether the carrier said that the call is over: then nobody can be on the line. */
const isOver = (line: CallLine): boolean => line.closedBy === "ended" || line.closedBy === "settled"

const dialFailure = (status: string, settings: Settings.Settings): "busy" | "no answer" | "failed" =>
  settings.dial.busy.includes(status) ? "busy" : settings.dial.noAnswer.includes(status) ? "no answer" : "failed"

const onAnswered = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  const fact = { referenceId: webhook.referenceId, ...common(line, webhook, settings) }
  switch (status(line)) {
    case "Planned":
      noteHungUp(turn, line, webhook, settings)
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
const onClosed = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  if (isOver(line) && isCopy(line, received, settings)) return "nothing"
  if (!isOver(line)) {
    noteHungUp(turn, line, webhook, settings)
    return "hangup"
  }
  note(turn, line, webhook, settings)
  return "nothing"
}

/** A status of a dial that means nothing yet. A line that nobody wants is hung up on at every sign of life. */
const onIgnored = (turn: Collector, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): Answer => {
  if (status(line) === "Closing") {
    noteHungUp(turn, line, webhook, settings)
    return "hangup"
  }
  note(turn, line, webhook, settings)
  return status(line) === "Owing" || status(line) === "Acting" ? "line" : "nothing"
}

const onNotAnswered = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
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
  if (settings.dial.ignored.includes(dialStatus)) return onIgnored(turn, line, webhook, settings)
  switch (status(line)) {
    case "Planned":
    case "Closed":
      note(turn, line, webhook, settings)
      return "nothing"
    case "Dialing":
      fail()
      return "hangup"
    case "Owing":
    case "Acting":
      note(turn, line, webhook, settings)
      return "line"
    case "Bridged":
      if (isFirstLeg(line, webhook)) {
        note(turn, line, webhook, settings)
        return "nothing"
      }
      if (isOldLeg(line, received, settings)) return probe(turn, line, settings)
      turn.fact({ _tag: "LegFailed", status: dialStatus, ...common(line, webhook, settings) })
      return "line"
    case "Closing":
      if (isRinging(line)) fail()
      else noteHungUp(turn, line, webhook, settings)
      return "hangup"
    case "Settling":
      if (line.answered) note(turn, line, webhook, settings)
      else fail()
      return "nothing"
  }
}

const onPromptCompleted = (
  turn: Collector,
  line: CallLine,
  received: Received,
  settings: Settings.Settings
): Answer => {
  const { webhook } = received
  // It can only end a hold that went out unrecorded while the store was late: somebody did answer.
  const answered = () =>
    turn.fact({ _tag: "CallAnswered", referenceId: webhook.referenceId, ...common(line, webhook, settings) })
  switch (status(line)) {
    case "Planned":
    case "Closing":
      noteHungUp(turn, line, webhook, settings)
      return "hangup"
    case "Dialing":
      answered()
      return "line"
    case "Owing":
      // Nothing is in flight, so it ends a hold that went out unrecorded: noted, so that a copy of it is known later.
      note(turn, line, webhook, settings)
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
const onEnd = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): void => {
  switch (novelty(line, received, settings)) {
    case "new":
      return complete(turn, line, received.webhook, settings)
    case "stray":
      return note(turn, line, received.webhook, settings)
    case "copy":
      return
  }
}

const complete = (turn: Collector, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): void =>
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
const onProbed = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { unsent, webhook } = received
  if (unsent && line.probing === undefined) {
    note(turn, line, webhook, settings)
    return "line"
  }
  if (line.probing !== undefined) {
    if (endsProbe(line, received, settings)) {
      turn.fact({ _tag: "HoldCompleted", ...common(line, webhook, settings) })
    }
    return "line"
  }
  if (isSeen(line, webhook, settings)) return probe(turn, line, settings)
  note(turn, line, webhook, settings)
  return "nothing"
}

const probe = (turn: Collector, line: CallLine, settings: Settings.Settings): Answer => {
  if (line.probing === undefined) {
    turn.fact({ _tag: "HoldAnswered", line: line.id, action: Action.prompt(settings.reply.hold) })
  }
  return "line"
}

const onLegCompleted = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  switch (status(line)) {
    case "Planned":
    case "Dialing":
    case "Settling":
    case "Closed":
      note(turn, line, webhook, settings)
      return "nothing"
    case "Owing":
      note(turn, line, webhook, settings)
      return "line"
    case "Acting":
      if (isCopy(line, received, settings)) return "line"
      note(turn, line, webhook, settings)
      return isUndelivered(line, received) ? "line" : "nothing"
    case "Bridged":
      if (isOldLeg(line, received, settings)) return probe(turn, line, settings)
      turn.fact({ _tag: "LegEnded", leg: legOf(line, webhook), ...common(line, webhook, settings) })
      return "line"
    case "Closing":
      noteHungUp(turn, line, webhook, settings)
      return "hangup"
  }
}

/** Whether the reply in flight may not have arrived, and no hold stands in for it, whose end is the next chance to give it. */
const isUndelivered = (line: CallLine, { before, unsent }: Received): boolean =>
  !unsent && (before || line.inFlight?.doubtful === true)

const onCallCompleted = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  switch (status(line)) {
    case "Planned":
      note(turn, line, webhook, settings)
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

const onUnknown = (turn: Collector, line: CallLine, received: Received, settings: Settings.Settings): Answer => {
  const { webhook } = received
  if (isCopy(line, received, settings)) {
    return status(line) === "Acting" && webhook.kind === "OtherCompleted"
      ? "line"
      : "nothing"
  }
  if (endsUnknown(line, received)) {
    complete(turn, line, webhook, settings)
    return "line"
  }
  note(turn, line, webhook, settings)
  return "nothing"
}

/** Whether an unknown event ends the action in flight: one whose own event it is, or whose own event is not known. */
const endsUnknown = (line: CallLine, { before, unsent, webhook }: Received): boolean => {
  const action = line.inFlight?.action
  if (status(line) !== "Acting" || action === undefined || before || unsent) return false
  return Webhook.ends(webhook, action) ?? webhook.kind === "OtherCompleted"
}

/** Whether a webhook is of our attempt, but of another session: the carrier has carried out one `POST` twice. */
const isOfSecondLine = (line: CallLine, { referenceId }: Webhook.Webhook): boolean => {
  const hasSession = line.answered || line.phase === "Settling" || isOver(line)
  return hasSession && line.referenceId !== undefined && line.referenceId !== referenceId
}

/** Whoever is on a second line is hung up on. */
const onSecondLine = (
  turn: Collector,
  line: CallLine,
  webhook: Webhook.Webhook,
  settings: Settings.Settings
): Answer => {
  const isOpen = ["Owing", "Acting", "Bridged"].includes(status(line))
  const isNew = !line.otherReferenceIds.includes(webhook.referenceId)
  if (isOpen && isNew && line.otherReferenceIds.length < settings.call.strays) {
    turn.fact({ _tag: "SecondLine", line: line.id, referenceId: webhook.referenceId })
  }
  return webhook.kind === "CallCompleted" ? "nothing" : "hangup"
}

/**
 * A hold went out unrecorded, while the store was late with what the line owes or has in flight: the hold is in flight
 * instead, and what nobody was given comes after it. Whoever hears of its end knows so what has ended.
 */
export const onHeld = (turn: Collector, lineId: number, n: number | undefined, settings: Settings.Settings): void => {
  const line = turn.line(lineId)
  const isOpen = ["Owing", "Acting", "Bridged"].includes(status(line))
  const isKnown = line.inFlight?.kind === "hold" || line.probing !== undefined
  const isGiven = line.inFlight?.legAnswered === true || line.inFlight?.n !== n
  if (!isOpen || isKnown || isGiven) return
  turn.fact({ _tag: "HoldAnswered", line: line.id, action: Action.prompt(settings.reply.hold) })
}

/** A call that is known came in again: the same reply, but a bridging dial is not given twice without finding out. */
export const onIncomingAgain = (turn: Collector, lineId: number, settings: Settings.Settings): Answer => {
  const line = turn.line(lineId)
  return status(line) === "Bridged" ? probe(turn, line, settings) : "line"
}

const onIncoming = (turn: Collector, line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): Answer => {
  switch (status(line)) {
    case "Planned":
      noteHungUp(turn, line, webhook, settings)
      return "hangup"
    case "Dialing":
      note(turn, line, webhook, settings)
      return "nothing"
    default:
      return onIncomingAgain(turn, line.id, settings)
  }
}

/** Records a webhook of a line and says how to answer it. */
export const onWebhook = (turn: Collector, lineId: number, received: Received, settings: Settings.Settings): Answer => {
  const line = turn.line(lineId)
  const { webhook } = received
  if (isOfSecondLine(line, webhook)) return onSecondLine(turn, line, webhook, settings)
  switch (webhook.kind) {
    case "IncomingCall":
      return onIncoming(turn, line, webhook, settings)
    case "DialCompleted":
      return webhook.status === "answered"
        ? onAnswered(turn, line, received, settings)
        : onNotAnswered(turn, line, received, settings)
    case "SpeakCompleted":
    case "PlayCompleted":
      return onPromptCompleted(turn, line, received, settings)
    case "LegCompleted":
      return onLegCompleted(turn, line, received, settings)
    case "CallCompleted":
      return onCallCompleted(turn, line, received, settings)
    case "OtherCompleted":
    case "Unknown":
      return onUnknown(turn, line, received, settings)
  }
}

/**
 * What a webhook gets that the store could not record in time. A hold, where somebody waits on the line: it decides
 * nothing. A hang-up, where the record says already that the line is not wanted. Else nothing may be answered. Without a
 * `line` nothing is known of it but that it is ours.
 */
export const unrecorded = (line: CallLine | undefined, webhook: Webhook.Webhook): "hold" | "hangup" | "nothing" => {
  if (!Webhook.asksForAction(webhook)) return "nothing"
  if (line !== undefined && isOfSecondLine(line, webhook)) return "hangup"
  const { kind } = webhook
  const isAnswer = kind === "DialCompleted" && webhook.status === "answered"
  switch (line === undefined ? "Owing" : status(line)) {
    case "Planned":
    case "Closing":
      return "hangup"
    case "Closed":
      return isAnswer && line?.closedBy !== "ended" && line?.closedBy !== "settled" ? "hangup" : "nothing"
    case "Settling":
      return "nothing"
    case "Dialing":
      return isAnswer || Webhook.endsPrompt(webhook) ? "hold" : "nothing"
    case "Owing":
      return kind === "DialCompleted" && !isAnswer ? "nothing" : "hold"
    case "Acting":
      return kind === "LegCompleted" ? "nothing" : "hold"
    case "Bridged":
      return isAnswer ? "nothing" : "hold"
  }
}
