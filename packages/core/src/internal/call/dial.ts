/**
 * The dials of a call: when a planned one is attempted, and what the response to its `POST` brings.
 */
import { type Call, lineOf, liveLines } from "../../Call.ts"
import type { Obstacle } from "../../CallEvent.ts"
import type { Circumstances, Posted, Restored, Standing } from "../../CallInput.ts"
import { type CallLine, externalId, isRinging } from "../../CallLine.ts"
import type * as Settings from "../../Settings.ts"
import { longestWait } from "../obstacles.ts"
import type { Body, Collector } from "./collector.ts"

/** Another line of this call to the same number that has been given up on and may still ring. */
export const isHeldUp = (call: Call, line: CallLine): boolean =>
  liveLines(call).some((other) => other.id !== line.id && other.to === line.to && isRinging(other) && !other.presumed)

/** What a held dial waits for, in words. */
export const heldWords = "somebody to say whether its phone has rung"

/** After so long a held dial is looked at again, in milliseconds. */
const heldFor = 60 * 60 * 1000

/** So long is a dial held at most: nothing waits without an end for somebody who may not come. */
const longestHeld = 24 * heldFor

/** What becomes of the dials of a call that the store may know too little of. */
export const verdictOn = (call: Call, restored: ReadonlyArray<Restored>): Restored["dials"] =>
  restored.find(({ before }) => call.startedAt < before)?.dials ?? "dial"

/**
 * Attempts the planned dial, if its time has come and its number is free: a phone that this call has given up on may still
 * ring. A number that was left as unknown is not rung again unless this dial allows it, and neither is one that may have
 * been rung while the store was elsewhere.
 */
export const attemptDial = (
  turn: Collector,
  circumstances: Circumstances
): void => {
  const { hasPlace = true, namespace, now, obstacles, process, restored = [], settings } = circumstances
  const verdict = verdictOn(turn.call, restored)
  let line = plannedLine(turn.call)
  for (; line !== undefined; line = plannedLine(turn.call)) {
    const end = endOf(turn.call, line, { verdict, now, obstacles, settings })
    if (end === undefined) break
    turn.fact(end)
  }
  if (line === undefined || !isDue(line, verdict, now) || isHeldUp(turn.call, line)) return
  if (verdict === "hold") return turn.fact({ _tag: "DialHeld", line: line.id, until: now + heldFor })
  if (hasPlace && standingBefore(line, obstacles)?.mayProbe !== false) {
    turn.fact({
      _tag: "DialAttempted",
      line: line.id,
      externalId: externalId(namespace, turn.call.id, line.id, circumstances.chance),
      process
    })
  }
}

/** The dial that the call has planned and not attempted, if it has one. */
export const plannedLine = ({ lines }: Call): CallLine | undefined => {
  const line = lines.at(-1)
  return line?.phase === "Planned" && !line.left ? line : undefined
}

/** What a dial is told that was never sent, because its time is over. */
const waitedTooLong = "it has waited too long for its place among the dials"

/**
 * The end of a planned dial that waits for its place. One that was held may have rung, and waits as long from when it would
 * have been looked at again.
 */
export const dialGivenUp = (
  line: CallLine,
  settings: Settings.Settings
): { readonly at: number; readonly fact: Body } =>
  line.heldSince === undefined
    ? {
      at: line.dialledAt + settings.dial.waitAtMost,
      fact: { _tag: "DialNotSent", line: line.id, reason: waitedTooLong, final: true }
    }
    : {
      at: line.notBefore + settings.dial.waitAtMost,
      fact: { _tag: "DialGivenUp", line: line.id, reason: "unknown" }
    }

/** Whether a dial that was held may go. It is not known to who does not know what was said of the copy. */
export const isLetGo = (call: Call, { heldSince }: CallLine, restored?: ReadonlyArray<Restored>): boolean =>
  heldSince !== undefined && restored !== undefined && verdictOn(call, restored) !== "hold"

/** A held dial that may go waits no longer. */
const isDue = (line: CallLine, verdict: Restored["dials"], now: number): boolean =>
  line.notBefore <= now || (line.heldSince !== undefined && verdict !== "hold")

/** What ends a planned dial before it is attempted. */
const endOf = (call: Call, line: CallLine, { now, obstacles, settings, verdict }: Around): Body | undefined => {
  if (isHopeless(call, line, verdict, now)) return { _tag: "DialGivenUp", line: line.id, reason: "unknown" }
  if (line.heldSince !== undefined && verdict === "hold") return undefined
  const end = dialGivenUp(line, settings)
  if (now >= end.at) return end.fact
  const standing = standingBefore(line, obstacles)
  if (standing === undefined || now < obstructedUntil(line, standing, settings)) return undefined
  const { obstacle } = standing
  return line.heldSince === undefined
    ? { _tag: "DialNotSent", line: line.id, reason: obstructed(obstacle), obstacle, final: true }
    : { _tag: "DialGivenUp", line: line.id, reason: "unknown" }
}

/** What decides on the end of a planned dial. */
interface Around extends Pick<Circumstances, "now" | "settings"> {
  readonly verdict: Restored["dials"]
  readonly obstacles: ReadonlyArray<Standing> | undefined
}

/** What stands in the way of a dial. */
export const standingBefore = (
  { from }: CallLine,
  obstacles: ReadonlyArray<Standing> = []
): Standing | undefined => obstacles.find((standing) => standing.from === undefined || standing.from === from)

/** Until when a dial waits for what stands in its way. */
const obstructedUntil = (line: CallLine, { since }: Standing, settings: Settings.Settings): number =>
  Math.max(line.dialledAt, since) + settings.dial.giveUpAfter

/** Why a dial was not sent, in words. */
const obstructed = (obstacle: Obstacle): string => {
  switch (obstacle) {
    case "credentials":
      return "the carrier has not accepted the credentials for too long"
    case "unreachable":
      return "the carrier has not been reached for too long"
    case "caller id":
      return "the carrier has not taken this number as the caller for too long"
  }
}

/**
 * What the planned dial of a call waits for, in words, if it has one. Where it is not known what stands in the way now, it is what
 * stood in the way of its attempt.
 */
export const plannedWords = (
  call: Call,
  { obstacles, restored }: Pick<Circumstances, "obstacles" | "restored">
): string | undefined => {
  const line = plannedLine(call)
  if (line === undefined) return undefined
  if (isHeldUp(call, line)) return "the end of an earlier dial to its number, which may still ring"
  if (line.heldSince !== undefined && !isLetGo(call, line, restored)) return heldWords
  const obstacle = obstacles === undefined ? line.obstacle : standingBefore(line, obstacles)?.obstacle
  if (obstacle !== undefined) return clearedWords(obstacle)
  return line.heldSince === undefined && line.notBefore > call.at
    ? "the next attempt to dial"
    : "its place among the dials that wait"
}

const clearedWords = (obstacle: Obstacle): string => {
  switch (obstacle) {
    case "credentials":
      return "the carrier to accept the credentials"
    case "unreachable":
      return "the carrier to be reached"
    case "caller id":
      return "the carrier to take its number as the caller"
  }
}

const isHopeless = (call: Call, line: CallLine, verdict: Restored["dials"], now: number): boolean =>
  isDoubted(call, line, verdict) ||
  (verdict === "hold" && line.heldSince !== undefined && now - line.heldSince >= longestHeld)

/** Whether nobody knows if the number of a planned dial rings or has rung, and this dial does not allow for that. */
const isDoubted = (call: Call, line: CallLine, verdict: Restored["dials"]): boolean =>
  line.dialling?.evenIfUnknown !== true &&
  (verdict === "give up" || call.unknown.some((id) => mayRing(call, id, line.to)))

const mayRing = (call: Call, id: number, number: CallLine["to"]): boolean => {
  const line = lineOf(call, id)
  return line !== undefined && line.to === number && isRinging(line)
}

type NotSent = Extract<Posted, { readonly _tag: "NotSent" }>

/**
 * When a dial that surely did nothing may be sent again; never, if nobody wants it or it was tried enough. What says nothing
 * about this dial uses up time, and no attempt: a carrier that takes no more for now, or something that stands in the way of
 * others too.
 */
const retryAt = (
  line: CallLine,
  posted: NotSent,
  { now, obstacles, settings }: Circumstances
): number | undefined => {
  if (line.left) return undefined
  const at = now + waitOf(line, posted, settings)
  if (posted.throttled !== true && posted.obstacle === undefined) {
    return line.attempt >= settings.dial.attempts ? undefined : at
  }
  const standing = posted.obstacle === undefined ? undefined : standingBefore(line, obstacles)
  const isOver = standing !== undefined && now >= obstructedUntil(line, standing, settings)
  return isOver || at > line.dialledAt + settings.dial.waitAtMost ? undefined : at
}

/**
 * How long a dial waits for its next attempt: each time longer, or as the carrier wishes, but never longer than a bound; if
 * something stood in its way, no longer than a probe of that does.
 */
const waitOf = (line: CallLine, posted: NotSent, settings: Settings.Settings): number => {
  const isCounted = posted.throttled !== true && posted.obstacle === undefined
  const backoff = settings.dial.backoff * 2 ** (isCounted ? line.attempt - 1 : line.uncounted)
  const longest = posted.obstacle === undefined ? Infinity : longestWait / settings.speed
  return Math.min(Math.max(backoff, posted.retryAfterMillis ?? 0), settings.dial.longestBackoff, longest)
}

/** Records what became of the `POST` of a line. */
export const onPosted = (turn: Collector, lineId: number, posted: Posted, circumstances: Circumstances): void => {
  const { settings } = circumstances
  const line = turn.line(lineId)
  if (line.phase === "Planned" || line.direction === "inbound") return
  switch (posted._tag) {
    case "Accepted":
      if (line.phase === "Closed") return
      return turn.fact({ _tag: "DialAccepted", line: line.id, referenceId: posted.referenceId })
    case "Refused":
      if (!isRinging(line)) return contradicted(turn, line, "dial refused", settings)
      return turn.fact({
        _tag: "DialRefused",
        line: line.id,
        status: posted.status
      })
    case "NotSent": {
      if (!isRinging(line)) return contradicted(turn, line, "dial not sent", settings)
      const at = retryAt(line, posted, circumstances)
      return turn.fact({
        _tag: "DialNotSent",
        line: line.id,
        reason: posted.problem,
        ...(posted.throttled === true ? { throttled: true } : {}),
        ...(posted.obstacle === undefined ? {} : { obstacle: posted.obstacle }),
        ...(at === undefined ? { final: true } : { retryAt: at })
      })
    }
    case "Lost":
      if (line.phase !== "Attempted" || line.left) return
      return turn.fact({ _tag: "DialUnknown", line: line.id, reason: posted.problem })
  }
}

/** Notes a response that says that nothing rang, where an event has shown that something did. */
const contradicted = (turn: Collector, line: CallLine, event: string, settings: Settings.Settings): void => {
  if (turn.call.strays >= settings.call.strays) return
  turn.fact({ _tag: "Stray", line: line.id, event, hungUp: false, content: JSON.stringify([event]) })
}
