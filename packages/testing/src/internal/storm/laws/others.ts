/**
 * Nothing that comes in stops the rest: what strangers post, what flows throw, what the store refuses, what the carrier throttles,
 * and credentials that it does not accept, held against the record and the log.
 */
import { type CallEvent, CallLine } from "@ringback/core"
import { isDeepStrictEqual } from "node:util"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

export const check = (history: StormHistory.StormHistory): Findings => [
  ...StoredCalls.of(history).calls.flatMap((call) => [
    ...defects(history, call),
    ...oversized(call),
    ...takenOver(history, call),
    ...throttled(history, call),
    ...hindered(history, call)
  ]),
  ...history.refused.flatMap((refused) => refusal(history, refused)),
  ...history.strangers.flatMap((stranger) => turnedAway(history, stranger)),
  ...callers(history)
]

/** Who is turned away is written down by nobody. */
const turnedAway = (history: StormHistory.StormHistory, { answered, webhook }: StormHistory.Foreign): Findings =>
  webhook.kind === "IncomingCall" && answered?.basis === "refused" &&
    StoredCalls.of(history).ofReference(webhook.referenceId) !== undefined
    ? [violation("a caller who was turned away is on record")]
    : none

/** A process lets in no more callers than it has room for: those who began there and are not known to have left. */
const callers = (history: StormHistory.StormHistory): Findings => {
  const begun = StoredCalls.of(history).calls.filter(({ events }) => events[0]?._tag === "CallArrived")
  const { linesAtMost } = history.settings.inbound
  return begun.flatMap(({ turns }) => {
    const { incarnation, seq } = turns[0]!.turn
    const there = begun.filter((other) => {
      const [first] = other.turns
      const isBefore = first!.turn.incarnation === incarnation && first!.turn.seq < seq
      const line = isBefore ? StoredCalls.stateAt(other, seq)?.lines[0] : undefined
      return line !== undefined && !CallLine.isQuiet(line)
    })
    return there.length < linesAtMost ? none : [violation("more callers were let in than there was room for")]
  })
}

/**
 * How often at most the store is asked for what it refuses: with others, alone, for its answer, after other failures and deaths. Where
 * somebody waited for a store that hung, the refusal may have been on the way, and it is asked again.
 */
const mostTries = ({ lives }: StormHistory.StormHistory): number =>
  14 + lives.reduce((sum, { waited }) => sum + waited.length, 0)

/** What the store refuses is refused alone, is not tried again, and there is a word of it. */
const refusal = (history: StormHistory.StormHistory, refused: StormHistory.Refused): Findings => {
  const { at, incarnation, isOwn, tries, turn } = refused
  if (!isOwn) return [violation("a turn was refused for another one of its commit")]
  if (tries > mostTries(history)) return [violation(`a turn that is refused for good was tried ${tries} times`)]
  const { died, stood, waited } = history.lives[incarnation - 1]!
  // Another process was first: then it is decided anew, and nothing of this is missed.
  const isOvertaken = history.turns.some((other) =>
    other.turn.callId === turn.callId && other.turn.version === turn.version && other.incarnation !== incarnation
  )
  const isTold = turn.version === 1 || isOvertaken || isRecordedLater(history, refused) ||
    history.logged.some((line) => line.incarnation === incarnation && line.text.includes(turn.callId))
  // It is told when the stop of the call is stored, which a slow store may keep from a process that dies.
  const stopped = waited.reduce((until, { from, to }) => from <= until ? Math.max(until, to) : until, at)
  const hadTime = (died >= history.endedAt || stopped + tellsWithin < died) && !stood.some(({ to }) => to >= at)
  return isTold || !hadTime ? none : [violation("a turn was refused for good and no word of it")]
}

/** Whether what a turn brought was stored behind another one: that its call is to be stopped could not be stored before. */
const isRecordedLater = (history: StormHistory.StormHistory, { seq, turn }: StormHistory.Refused): boolean =>
  history.turns.some((later) =>
    later.seq > seq && later.turn.callId === turn.callId &&
    later.turn.events.some((event) => isDeepStrictEqual(timeless(event), timeless(turn.events[0]!)))
  )

/** What is decided anew later says the same at other times. */
const timeless = (event: CallEvent.CallEvent): unknown => ({ ...event, at: 0, retryAt: 0 })

/** A process that has heard of the end of a call has told of it this soon. */
const tellsWithin = 1_000

/** What is refused after the end is told in a line of its own. */
const afterOutcome = "after its outcome"

/** A call that ends with a defect is told of once, as an error that names it, by the process that recorded the end. */
const defects = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  if (call.call.exit?._tag !== "Stopped" || call.call.exit.reason._tag !== "Defect") return none
  const ended = StoredCalls.durable(call, ({ _tag }) => _tag === "FlowEnded")!
  const { died, failed, stood } = history.lives[ended.incarnation - 1]!
  const lines = history.logged.filter(({ level, seq, text }) =>
    level === "Error" && text.includes(call.id) && !text.includes(afterOutcome) &&
    StoredCalls.callAt(history, call.id, seq) === call
  )
  const own = lines.filter(({ incarnation }) => incarnation === ended.incarnation)
  if (own.length > 1) return [violation(`a defect was told ${own.length} times`)]
  // An append that failed though it was stored is found out when the store works again.
  const heard = ended.confirmed?.at ?? Math.max(ended.at, ...failed) + StoredCalls.afterFailure
  const hadTime = heard + tellsWithin < Math.min(died, history.endedAt) && !stood.some(({ to }) => to >= heard)
  return lines.length === 0 && hadTime ? [violation("a call ended with a defect and no word of it")] : none
}

/** The characters that any store can keep of the id of a session. */
const longestId = 255

/** What is too large to be kept by any store is not recorded. */
const oversized = ({ events }: StoredCalls.StoredCall): Findings =>
  events.some((event) => "referenceId" in event && event.referenceId.length > longestId)
    ? [violation("a session was recorded that is out of bounds")]
    : none

/** What a stranger said of a line is never more than noted, unless the call is the stranger's own. */
const takenOver = (history: StormHistory.StormHistory, { events }: StoredCalls.StoredCall): Findings =>
  events.flatMap((event, index) =>
    isStrange(event) && event._tag !== "Stray" && !(event._tag === "CallArrived" && index === 0)
      ? [violation(`a stranger's webhook was recorded as ${event._tag}`)]
      : none
  ).concat(sessions(history, events))

const isStrange = (event: CallEvent.CallEvent): boolean => "extra" in event && event.extra?.["stranger"] === true

/** A call of a stranger has a session of its own. */
const sessions = (history: StormHistory.StormHistory, [first]: StoredCalls.Events): Findings =>
  first?._tag === "CallArrived" && isStrange(first) &&
    history.rings.some(({ at, referenceId }) => referenceId === first.referenceId && at < first.at)
    ? [violation("a stranger's call has the session of another one")]
    : none

/** A carrier that takes no more for now says nothing about the person, and uses up time but no attempts. */
const throttled = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings =>
  history.sent.flatMap(({ action: { externalId }, fault }): Findings => {
    const line = fault === "carrierThrottles" || fault === "postThrottled"
      ? call.call.lines.find((line) => line.externalId === externalId)
      : undefined
    const index = call.events.findIndex((event) => "line" in event && event.line === line?.id && isVerdict(event))
    const event = call.events[index]
    if (line === undefined || event === undefined) return none
    if (event._tag !== "DialNotSent") return [violation(`a dial that was throttled was recorded as ${event._tag}`)]
    const isTimeOver =
      event.at - line.dialledAt + history.settings.dial.longestBackoff >= history.settings.dial.waitAtMost
    const isWanted = StoredCalls.lineBefore(call, index, line.id)?.left === false
    return isWanted && event.retryAt === undefined && !isTimeOver
      ? [violation("a dial was given up because the carrier throttled it for a while")]
      : none
  })

/**
 * What stands in the way of all dials says nothing about the person: no flow is told of it before a dial has waited for as long
 * as it may, and then apart from what says that nobody answered.
 */
const hindered = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const { giveUpAfter, longestBackoff, waitAtMost } = history.settings.dial
  const locked = new Set(
    history.sent.flatMap(({ action, fault }) => fault === "accountLocked" ? [action.externalId] : [])
  )
  return call.events.flatMap((event, index): Findings => {
    if (!("line" in event) || !isVerdict(event)) return none
    const line = StoredCalls.lineBefore(call, index, event.line)
    const isHindered = event._tag === "DialNotSent" && event.obstacle !== undefined
    const wasLocked = line?.externalId !== undefined && locked.has(line.externalId) && line.left === false
    if (wasLocked && !isHindered) {
      return [violation(`a dial that met credentials which are not accepted was recorded as ${event._tag}`)]
    }
    if (!isHindered || line === undefined || line.left || event.retryAt !== undefined) return none
    const isTimeOver = event.at - line.dialledAt >= Math.min(giveUpAfter, waitAtMost - longestBackoff)
    return isTimeOver
      ? none
      : [violation("a dial was given up for what stands in the way of all before its time was over")]
  })
}

const isVerdict = ({ _tag }: CallEvent.CallEvent): boolean =>
  _tag === "DialNotSent" || _tag === "DialRefused" || _tag === "DialFailed"
