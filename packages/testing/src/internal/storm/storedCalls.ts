/**
 * A history, looked up by call and by moment: which call a webhook belongs to, and what was durable of it when.
 */
import { type Action, Call, type CallEvent, type CallLine, type Webhook } from "@ringback/core"
import { Equal } from "effect"
import type * as StormHistory from "../../StormHistory.ts"

/** Work that failed goes on after at most so long, in milliseconds. */
export const afterFailure = 10_000

export type Events = ReadonlyArray<CallEvent.CallEvent>

/** One call of a history. */
export interface StoredCall {
  readonly id: CallEvent.CallId
  readonly events: Events
  /** The turns with the state after each and the number of events up to it. */
  readonly turns: ReadonlyArray<
    { readonly turn: StormHistory.Appended; readonly after: Call.Call; readonly length: number }
  >
  /** The state after all of it. */
  readonly call: Call.Call
  /** The turn since which it is over, if it is. */
  readonly over: StormHistory.Appended | undefined
  /** The call that began under the same id when this one had been pruned and its key forgotten. */
  readonly next: StoredCall | undefined
}

export interface StoredCalls {
  readonly calls: ReadonlyArray<StoredCall>
  /** The call that a webhook belongs to, if it is stored at all. */
  readonly callOf: (webhook: Webhook.Webhook) => StoredCall | undefined
  readonly ofReference: (referenceId: string) => StoredCall | undefined
  /** The call that recorded the attempt of an `external_id`, or else the one that it names. */
  readonly ofExternalId: (externalId: string | undefined) => StoredCall | undefined
}

const found = new WeakMap<StormHistory.StormHistory, StoredCalls>()

export const of = (history: StormHistory.StormHistory): StoredCalls => {
  const known = found.get(history)
  if (known !== undefined) return known
  const stored = make(history)
  found.set(history, stored)
  return stored
}

const make = (history: StormHistory.StormHistory): StoredCalls => {
  const turnsOf = grouped(history.turns, ({ turn }) => turn.callId)
  const calls = Array.from(turnsOf, ([id, turns]) => storedCalls(id, turns)).flat()
  const byId = new Map<string, StoredCall>(calls.map((call) => [call.id, call]))
  const byReference = new Map<string, StoredCall>()
  const byExternalId = new Map<string, StoredCall>()
  for (const call of calls) {
    for (const event of call.events) {
      if ("referenceId" in event) byReference.set(event.referenceId, call)
      if (event._tag === "DialAttempted") byExternalId.set(event.externalId, call)
    }
  }
  const ofExternalId = (id: string | undefined) =>
    id === undefined ? undefined : byExternalId.get(id) ?? byId.get(callIdIn(id))
  for (const { externalId, referenceId } of history.rings) {
    const call = ofExternalId(externalId)
    if (call !== undefined) byReference.set(referenceId, call)
  }
  const ofReference = (referenceId: string) => byReference.get(referenceId)
  return { calls, callOf: ({ referenceId }) => ofReference(referenceId), ofReference, ofExternalId }
}

/** The call of an id as it was at a moment: if none had begun by then, the first one. */
export const callAt = (history: StormHistory.StormHistory, id: string, seq: number): StoredCall | undefined => {
  const own = of(history).calls.filter((call) => call.id === id)
  return own.findLast(({ turns }) => turns[0]!.turn.seq < seq) ?? own[0]
}

/** What has one key in one list, in the order in which the keys come up. */
export const grouped = <A, K>(all: ReadonlyArray<A>, key: (one: A) => K): ReadonlyMap<K, ReadonlyArray<A>> => {
  const groups = new Map<K, Array<A>>()
  for (const one of all) {
    const group = groups.get(key(one))
    if (group === undefined) groups.set(key(one), [one])
    else group.push(one)
  }
  return groups
}

/** The call that an `external_id` names. */
export const callIdIn = (externalId: string): string => externalId.split(".")[1] ?? ""

/** The calls that began under one id, one after the other. */
const storedCalls = (
  id: CallEvent.CallId,
  appended: ReadonlyArray<StormHistory.Appended>
): ReadonlyArray<StoredCall> => {
  const again = appended.findLastIndex(({ turn }) => turn.version === 1)
  if (again <= 0) return [storedCall(id, appended, undefined)]
  const last = storedCall(id, appended.slice(again), undefined)
  const [first, ...rest] = storedCalls(id, appended.slice(0, again)).toReversed()
  return [...rest.toReversed(), { ...first!, next: last }, last]
}

/** The first turn of those at the end after which a call is over. */
const overSince = (appended: ReadonlyArray<StormHistory.Appended>): StormHistory.Appended | undefined =>
  appended[appended.findLastIndex(({ summary }) => summary.status === "running") + 1]

const storedCall = (
  id: CallEvent.CallId,
  appended: ReadonlyArray<StormHistory.Appended>,
  next: StoredCall | undefined
): StoredCall => {
  const events: Array<CallEvent.CallEvent> = []
  let call = Call.initial(id)
  const turns = appended.map((turn) => {
    for (const event of turn.turn.events) {
      events.push(event)
      call = Call.evolve(call, event)
    }
    return { turn, after: call, length: events.length }
  })
  return { id, events, turns, call, over: overSince(appended), next }
}

const lastBefore = (stored: StoredCall, seq: number) => stored.turns.findLast(({ turn }) => turn.seq < seq)

/** The state of a call as it was durable at a moment. */
export const stateAt = (stored: StoredCall, seq: number): Call.Call | undefined => lastBefore(stored, seq)?.after

/** The events of a call that were durable at a moment. */
export const eventsBefore = (stored: StoredCall, seq: number): Events =>
  stored.events.slice(0, lastBefore(stored, seq)?.length ?? 0)

/** The turn that made the first event durable that is asked for. */
export const durable = (
  stored: StoredCall,
  is: (event: CallEvent.CallEvent) => boolean
): StormHistory.Appended | undefined => stored.turns.find(({ turn }) => turn.turn.events.some(is))?.turn

export const lineOf = (call: Call.Call | undefined, webhook: Webhook.Webhook): CallLine.CallLine | undefined =>
  call?.lines.find((line) => line.referenceId === webhook.referenceId) ??
    call?.lines.find((line) => line.externalId !== undefined && line.externalId === webhook.externalId)

/** The line of a webhook as it was at a moment. */
export const lineAt = (
  stored: StoredCall | undefined,
  webhook: Webhook.Webhook,
  seq: number
): CallLine.CallLine | undefined => stored === undefined ? undefined : lineOf(stateAt(stored, seq), webhook)

/** Whether the record said of the line of a webhook at a moment that it gets this action, or nothing. */
export const says = (
  history: StormHistory.StormHistory,
  webhook: Webhook.Webhook,
  action: Action.Action | undefined,
  seq: number
): boolean => {
  const stored = of(history).callOf(webhook)
  const state = stored === undefined ? undefined : stateAt(stored, seq)
  const line = lineOf(state, webhook)
  if (state === undefined || line === undefined) return false
  const reply = Call.reply(state, line.id, "line", history.settings)
  return reply._tag === "Act" ? Equal.equals(reply.action, action) : reply._tag === "Nothing" && action === undefined
}

/** A line right before one of the events. */
export const lineBefore = (stored: StoredCall, index: number, line: number): CallLine.CallLine | undefined => {
  const { id, events } = stored
  return Call.fold(id, events.slice(0, index)).lines.find((found) => found.id === line)
}

/** Another process had appended to the call before this one, which was born earlier, gave its answer. */
export const wasTakenOver = (stored: StoredCall, incarnation: number, seq: number): boolean =>
  stored.turns.some(({ turn }) => turn.seq < seq && turn.incarnation > incarnation)

/** Another process worked on the call beside this one. */
export const hasCompany = (
  history: StormHistory.StormHistory,
  stored: StoredCall,
  incarnation: number,
  seq: number
): boolean => {
  const born = history.lives[incarnation - 1]?.born.seq ?? 0
  return stored.turns.some(({ turn }) => turn.incarnation !== incarnation && turn.seq > born && turn.seq < seq)
}

/** How long a stretch of time overlaps with any of others. */
export const overlap = (stretches: ReadonlyArray<StormHistory.Stretch>, from: number, to: number): number => {
  let [covered, until] = [0, from]
  for (const stretch of stretches.toSorted((a, b) => a.from - b.from)) {
    const [start, end] = [Math.max(stretch.from, until), Math.min(stretch.to, to)]
    if (end > start) [covered, until] = [covered + end - start, end]
  }
  return covered
}

/** Which webhook a fact was recorded from. */
export const postingOf = (event: CallEvent.CallEvent): number | undefined =>
  "extra" in event && typeof event.extra?.["posting"] === "number" ? event.extra["posting"] : undefined

/** Whether the store had refused to take a webhook, for good, before a moment. */
export const isRefused = (history: StormHistory.StormHistory, posting: number, before: number): boolean =>
  history.refused.some(({ seq, turn }) => seq < before && turn.events.some((event) => postingOf(event) === posting))
