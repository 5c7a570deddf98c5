/**
 * Whether a webhook is a copy of an earlier one on its line. No id of a webhook is documented, so this compares contents, and
 * asks whether what is in flight can have ended so and so soon.
 *
 * What remains: a true answer taken for a copy costs one more hearing of the prompt; a copy taken for an answer needs equal
 * content, a delay beyond the shortest time, and a lost reply that looked delivered.
 */
import * as Action from "../../Action.ts"
import type { Received } from "../../CallInput.ts"
import { type CallLine, isRinging, markOf, status } from "../../CallLine.ts"
import * as PhoneNumber from "../../PhoneNumber.ts"
import * as Settings from "../../Settings.ts"
import * as Webhook from "../../Webhook.ts"

/** What a webhook is told from others by: its identity, if the application knows a field that holds one, else its content. */
export const contentOf = (webhook: Webhook.Webhook, settings: Settings.Settings): string =>
  Webhook.content(webhook, settings.copies.eventKey)

/** Whether something with this content came on this line before. */
export const isSeen = (line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): boolean =>
  line.seen.includes(contentOf(webhook, settings))

const hasIdentity = (webhook: Webhook.Webhook, settings: Settings.Settings): boolean =>
  Webhook.identity(webhook, settings.copies.eventKey) !== undefined

/** Whether a webhook echoes the mark of some action of this line. */
const isMarked = (line: CallLine, webhook: Webhook.Webhook, settings: Settings.Settings): boolean =>
  settings.copies.marks && line.externalId !== undefined &&
  webhook.externalId?.startsWith(`${line.externalId}.`) === true

const isCurrent = (line: CallLine, webhook: Webhook.Webhook): boolean =>
  line.inFlight !== undefined && webhook.externalId === markOf(line)

/**
 * Whether the completion of a prompt is `new`, a `copy` of an earlier webhook, or a `stray`: something that never came
 * before and cannot end the action in flight. While that action is unsent nothing can end it.
 */
export const novelty = (line: CallLine, received: Received, settings: Settings.Settings): "new" | "copy" | "stray" => {
  const { webhook } = received
  const isKnown = isSeen(line, webhook, settings)
  if (received.unsent) return isKnown ? "copy" : "stray"
  if (isMarked(line, webhook, settings)) return isCurrent(line, webhook) ? "new" : "copy"
  if (!isKnown) return canEnd(line, webhook) ? "new" : "stray"
  return hasIdentity(webhook, settings) || isAgain(line, received, settings) ? "copy" : "new"
}

/** Whether the action in flight can end so: by this event, and with digits only if it collects some. */
const canEnd = ({ inFlight }: CallLine, webhook: Webhook.Webhook): boolean =>
  inFlight !== undefined && Webhook.ends(webhook, inFlight.action) === true &&
  ((webhook.digits ?? "") === "" || Action.digits(inFlight.action) > 0)

/** Whether a completion with a content that came before is that of an earlier prompt. */
const isAgain = (line: CallLine, received: Received, settings: Settings.Settings): boolean => {
  const { before, copies, receivedAt, webhook } = received
  const action = line.inFlight
  if (action === undefined || before || !canEnd(line, webhook)) return true
  if (copies >= settings.copies.atMost) return false
  const shortest = Settings.shortest(settings, action.action, { withDigits: (webhook.digits ?? "") !== "" })
  return receivedAt - action.at < shortest || (action.doubtful && copies === 0)
}

/**
 * Whether what ends on a line that bridges is a hold, which finds out whether the bridge began. A hold takes no digits and
 * takes its time, so what comes with digits, or came before and comes too soon, is one more copy.
 */
export const endsProbe = (line: CallLine, received: Received, settings: Settings.Settings): boolean => {
  const { receivedAt, webhook } = received
  if (line.probing === undefined || (webhook.digits ?? "") !== "") return false
  if (isMarked(line, webhook, settings)) return isCurrent(line, webhook)
  if (!isSeen(line, webhook, settings)) return true
  const shortest = Settings.shortest(settings, Action.prompt(settings.reply.hold), { withDigits: false })
  return !hasIdentity(webhook, settings) && receivedAt - line.probing >= shortest
}

/** Which of two people an event is about: told by the numbers of the leg, if the carrier gives them. */
export const legOf = (line: CallLine, webhook: Webhook.Webhook): "them" | "caller" | "unknown" => {
  const dialled = line.inFlight?.action._tag === "Dial" ? line.inFlight.action.to : undefined
  if (PhoneNumber.isSame(webhook.to, dialled)) return "them"
  return PhoneNumber.isSame(webhook.to, line.to) || PhoneNumber.isSame(webhook.from, line.from) ? "caller" : "unknown"
}

/** Whether an event tells again what became of the dial of this line itself, and not of a leg that it bridges to. */
export const isFirstLeg = (line: CallLine, webhook: Webhook.Webhook): boolean =>
  line.direction === "outbound" && legOf(line, webhook) === "caller"

/**
 * A second delivery of what is known about an earlier leg: it tells nothing about the one that is dialled now. An event
 * without numbers may be about either, and is taken as new, for a bridge that never ends would be worse.
 */
export const isOldLeg = (line: CallLine, { before, webhook }: Received, settings: Settings.Settings): boolean =>
  isSeen(line, webhook, settings) &&
  (before || hasIdentity(webhook, settings) || (webhook.to !== undefined && legOf(line, webhook) !== "them"))

/** Whether the leg that is dialled now has had this event, or the event is about an earlier one. */
const isLegCopy = (line: CallLine, received: Received, settings: Settings.Settings): boolean => {
  const hadAnswer = line.inFlight?.legAnswered === true && received.webhook.status === "answered"
  return hadAnswer || isOldLeg(line, received, settings)
}

/** Whether a webhook of the line's session is a copy, of whichever kind. Before anybody answered nothing can be one. */
export const isCopy = (line: CallLine, received: Received, settings: Settings.Settings): boolean => {
  const { webhook } = received
  if (line.phase === "Planned" || isRinging(line)) return false
  switch (webhook.kind) {
    case "IncomingCall":
      return line.direction === "inbound"
    case "DialCompleted":
      if (status(line) === "Bridged") return isLegCopy(line, received, settings)
      return isSeen(line, webhook, settings) || (webhook.status === "answered" && line.answered)
    case "LegCompleted":
      return status(line) === "Bridged" ? isOldLeg(line, received, settings) : isSeen(line, webhook, settings)
    case "CallCompleted":
      return line.phase === "Settling" || line.closedBy === "ended" || line.closedBy === "settled"
    case "SpeakCompleted":
    case "PlayCompleted":
      return line.answered && novelty(line, received, settings) === "copy"
    case "OtherCompleted":
    case "Unknown":
      return hasIdentity(webhook, settings) && isSeen(line, webhook, settings)
  }
}
