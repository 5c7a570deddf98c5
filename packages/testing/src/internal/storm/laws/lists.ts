/** Lists and the log tell what is stored: what both said, held against the turns that became durable. */
import type { CallIndex } from "@ringback/core"
import { isDeepStrictEqual } from "node:util"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"
import { isGone } from "./pruning.ts"

export const check = (history: StormHistory.StormHistory): Findings => [
  ...listed(history),
  ...numbered(history),
  ...logged(history),
  ...followed(history)
]

const there = (history: StormHistory.StormHistory): ReadonlyArray<StoredCalls.StoredCall> =>
  StoredCalls.of(history).calls.filter((call) => !isGone(history, call))

/** How a call is listed, by its turns. */
const entryOf = ({ events, id, over, turns }: StoredCalls.StoredCall): CallIndex.Entry => {
  const { summary, turn } = turns.at(-1)!.turn
  const ended = events.findLast((event) => event._tag === "FlowEnded")
  return {
    callId: id,
    flow: summary.flow,
    flowVersion: summary.flowVersion,
    direction: events[0]!._tag === "CallArrived" ? "inbound" : "outbound",
    status: summary.status === "over" ? "over" : "running",
    startedAt: turns[0]!.turn.turn.at,
    endedAt: over?.turn.at,
    outcome: ended?._tag === "FlowEnded" ? ended.exit._tag : undefined,
    waitingFor: summary.waitingFor,
    due: summary.status === "over" ? undefined : summary.due ?? undefined,
    version: turn.version
  }
}

/** Newest first. */
const inOrder = (calls: ReadonlyArray<CallIndex.Entry>): ReadonlyArray<CallIndex.Entry> =>
  calls.toSorted((self, that) => that.startedAt - self.startedAt || (self.callId < that.callId ? 1 : -1))

const listed = (history: StormHistory.StormHistory): Findings => {
  const { calls, counts } = history.kept
  const expected = inOrder(there(history).map(entryOf))
  const wrong = calls.find((entry, index) => !isDeepStrictEqual(entry, expected[index]))
  const count = (outcome: CallIndex.Outcome) =>
    expected.filter((entry) => entry.status === "over" && entry.outcome === outcome).length
  const over = { Success: count("Success"), Failure: count("Failure"), Stopped: count("Stopped") }
  const running = expected.filter(({ status }) => status === "running").length
  return [
    ...wrong === undefined
      ? none
      : [violation(`a call is not listed as its turns say: ${difference(wrong, expected)}`)],
    ...calls.length < expected.length ? [violation("a call is not listed")] : none,
    ...isDeepStrictEqual(counts, { running, over }) ? none : [violation("calls are not counted as they are")]
  ]
}

/** The fields in which an entry differs from that of its call. */
const difference = (entry: CallIndex.Entry, expected: ReadonlyArray<CallIndex.Entry>): string => {
  const own = expected.find(({ callId }) => callId === entry.callId)
  if (own === undefined) return "it is not there"
  const fields = (Object.keys(entry) as Array<keyof CallIndex.Entry>).filter((field) => entry[field] !== own[field])
  return fields.length === 0 ? "its place" : fields.join(", ")
}

const numbered = (history: StormHistory.StormHistory): Findings => {
  const expected = inOrder(there(history).map(entryOf)).map(({ callId }) => callId)
  const calls = new Map<string, StoredCalls.StoredCall>(there(history).map((call) => [call.id, call]))
  return [...history.kept.byNumber].flatMap(([number, found]) =>
    isDeepStrictEqual(found, expected.filter((id) => hasNumber(calls.get(id)!, number)))
      ? none
      : [violation("other calls are found by a number than those that have it")]
  )
}

const hasNumber = ({ events }: StoredCalls.StoredCall, number: string): boolean =>
  events.some((event) =>
    (event._tag === "DialPlanned" && event.to === number) || (event._tag === "CallArrived" && event.from === number) ||
    (event._tag === "ActionDecided" && event.action._tag === "Dial" && event.action.to === number)
  )

/** The log has all turns in their order, but those of calls that went. */
const logged = (history: StormHistory.StormHistory): Findings => {
  const kept = new Set(there(history).flatMap(({ turns }) => turns.map(({ turn }) => turn.turn.id)))
  const expected = history.turns.flatMap(({ turn }) => kept.has(turn.id) ? [turn.id] : [])
  return isDeepStrictEqual(history.kept.log, expected) ? none : [violation("the log has other turns than were stored")]
}

/** Who follows the log has each turn once and in order; what is left out is of calls that may have gone meanwhile. */
const followed = (history: StormHistory.StormHistory): Findings => {
  const places = new Map(history.turns.map(({ turn }, place) => [turn.id, place]))
  const gone = new Set(
    StoredCalls.of(history).calls.flatMap((call) =>
      isGone(history, call) ? call.turns.map(({ turn }) => turn.turn.id) : []
    )
  )
  let next = 0
  const findings: Array<Findings[number]> = []
  for (const id of [...history.followed.map(({ turn }) => turn), ...history.kept.unread]) {
    const place = places.get(id)
    if (place === undefined) return [...findings, violation("who follows the log read a turn that nobody stored")]
    if (place < next) return [...findings, violation("who follows the log read a turn twice, or behind a later one")]
    const missed = history.turns.slice(next, place).find(({ turn }) => !gone.has(turn.id))
    if (missed !== undefined) return [...findings, violation("who follows the log missed a turn")]
    next = place + 1
  }
  const rest = history.turns.slice(next).find(({ turn }) => !gone.has(turn.id))
  return rest === undefined ? none : [violation("who follows the log missed the last turns")]
}
