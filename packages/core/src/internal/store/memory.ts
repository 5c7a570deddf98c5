/** Calls in memory: what a store does that keeps nothing. What is read went through its stored form, as it would in a database. */
import { Clock, DateTime, Duration, Effect, Option, Result } from "effect"
import type { Array as Arr } from "effect"
import type { CallId } from "../../CallEvent.ts"
import { type CallIndex, type Counts, type Entry, type Filter, idOf, NumbersNotSearchable } from "../../CallIndex.ts"
import type { Position } from "../../EventLog.ts"
import { type Options, type Pruned, rememberFor } from "../../Retention.ts"
import { type StoreError, VersionConflict } from "../storeError.ts"
import { fromStored, notEncoded, type StoredTurn, type Summary, toStored, type Turn } from "../turn.ts"
import type { Hints } from "./hints.ts"
import * as Listing from "./listing.ts"
import * as Reading from "./reading.ts"

/** A call that is there. */
interface Kept {
  readonly turns: Array<StoredTurn>
  readonly startedAt: number
  readonly flow: string
  readonly flowVersion: number
  readonly numbers: Set<string>
  readonly direction: Entry["direction"]
  endedAt: number | undefined
  outcome: Entry["outcome"]
  summary: Summary
}

/** What stands at a position of the log. */
interface Logged {
  readonly callId: CallId
  readonly version: number
}

/** Empty. `hash` makes of numbers what they are found by; `tell` tells what was appended. */
export const make = (
  hash: Listing.Hash | undefined,
  hints: Hints,
  tell: (turns: Arr.NonEmptyReadonlyArray<Turn>) => Effect.Effect<void>
) => {
  const calls = new Map<CallId, Kept>()
  const pruned = new Map<CallId, Summary>()
  const references = new Map<string, CallId>()
  const log: Array<Logged | undefined> = []

  // Appending

  const store = (turn: Turn, summary: Summary, referenceId: string | undefined): void => {
    const { callId, version } = turn
    const stored = toStored(turn)
    const before = calls.get(callId)
    const kept = before ?? begun(turn, summary)
    const facts = Listing.factsOf(turn, summary.status, hash)
    kept.turns.push(stored)
    kept.outcome = facts?.outcome ?? kept.outcome
    for (const number of facts?.numbers ?? []) kept.numbers.add(number)
    if (before === undefined || summary.status !== kept.summary.status) {
      kept.endedAt = summary.status === "over" ? turn.at : undefined
    }
    kept.summary = { ...summary, callId, version, at: turn.at, due: summary.status === "over" ? null : summary.due }
    if (before === undefined) calls.set(callId, kept)
    log.push({ callId, version })
    if (referenceId !== undefined && !references.has(referenceId)) references.set(referenceId, callId)
  }

  const begun = (turn: Turn, summary: Summary): Kept => ({
    turns: [],
    startedAt: turn.at,
    flow: summary.flow,
    flowVersion: summary.flowVersion,
    numbers: new Set(),
    direction: Listing.factsOf(turn, summary.status, undefined)?.direction ?? "outbound",
    endedAt: undefined,
    outcome: undefined,
    summary
  })

  const told = (turn: Turn): Effect.Effect<void> => {
    hints.tell([turn])
    return tell([turn])
  }

  const append = (
    turn: Turn,
    summary: Summary,
    options?: { readonly referenceId?: string | undefined }
  ): Effect.Effect<void, VersionConflict | StoreError> =>
    Effect.suspend((): Effect.Effect<void, VersionConflict | StoreError> => {
      const { callId, id, version } = turn
      const stored = calls.get(callId)?.turns ?? []
      if (stored[version - 1]?.id === id) return told(turn)
      if (version !== stored.length + 1 || pruned.has(callId)) {
        return Effect.fail(new VersionConflict({ callId, version }))
      }
      const kept = Result.try({ try: () => store(turn, summary, options?.referenceId), catch: notEncoded })
      return Result.isSuccess(kept) ? told(turn) : Effect.fail(kept.failure)
    })

  // Finding

  const summaries = (): ReadonlyArray<Summary> => Array.from(calls.values(), ({ summary }) => summary)

  const summary = (callId: CallId): Summary | undefined => calls.get(callId)?.summary ?? pruned.get(callId)

  const isDue = (before: number) => ({ due, status }: Summary) => status === "running" && due !== null && due <= before

  const isOrphan = (alive: ReadonlySet<string>) => ({ process, status }: Summary) =>
    status === "running" && process !== null && !alive.has(process)

  // Listing

  const listed = Effect.fnUntraced(function*(filter: Filter) {
    if (filter.number !== undefined && hash === undefined) return yield* new NumbersNotSearchable()
    const number = filter.number === undefined ? undefined : hash?.(filter.number)
    return Array.from(calls.values()).filter((kept) => isMeant(kept, filter, number))
  })

  const list: CallIndex["Service"]["list"] = Effect.fnUntraced(function*(filter = {}, { after, limit } = {}) {
    const byEnd = Listing.isByEnd(filter)
    const placeOf = (kept: Kept): Listing.Place => ({
      time: byEnd ? kept.endedAt! : kept.startedAt,
      callId: kept.summary.callId
    })
    const all = Array.from(yield* listed(filter), (kept) => ({ kept, place: placeOf(kept) }))
      .toSorted((self, that) => Listing.compare(that.place, self.place))
    const from = after === undefined
      ? all
      : all.filter(({ place }) => Listing.compare(place, Listing.placeOf(after)) < 0)
    const page = from.slice(0, Listing.limitOf(limit))
    const last = page.at(-1)
    return {
      calls: page.map(({ kept }) => toEntry(kept)),
      next: last === undefined || page.length === from.length ? undefined : Listing.cursorOf(last.place)
    }
  })

  const counts: CallIndex["Service"]["counts"] = (filter = {}) =>
    Effect.map(listed(filter), (all): Counts => {
      const over = { Success: 0, Failure: 0, Stopped: 0 }
      const ended = all.filter(({ summary }) => summary.status === "over")
      for (const { outcome } of ended) if (outcome !== undefined) over[outcome]++
      return { running: all.length - ended.length, over }
    })

  // The log

  const entryAt = (index: number): Effect.Effect<ReadonlyArray<{ position: Position; turn: Turn }>, StoreError> => {
    const { callId, version } = log[index]!
    const position = String(index + 1) as Position
    return Effect.map(
      fromStored(callId, [calls.get(callId)!.turns[version - 1]!]),
      (turns) => turns.map((turn) => ({ position, turn }))
    )
  }

  const eventLog = Reading.make({
    isShared: false,
    read: (after, limit) =>
      Effect.suspend(() => {
        if (Number(after ?? 0) > log.length) return Effect.fail(Reading.ahead)
        const found: Array<number> = []
        for (let index = Number(after ?? 0); index < log.length && found.length < limit; index++) {
          if (log[index] !== undefined) found.push(index)
        }
        return Effect.map(Effect.forEach(found, entryAt), (entries) => entries.flat())
      }),
    last: Effect.sync(() => {
      const index = log.findLastIndex((each) => each !== undefined)
      return index === -1 ? undefined : String(index + 1) as Position
    }),
    turns: (callId, after, limit) =>
      Effect.suspend(() => fromStored(callId, (calls.get(callId)?.turns ?? []).slice(after, after + limit))),
    status: (callId) => Effect.sync(() => summary(callId)?.status)
  }, hints)

  // Pruning

  const remove = (callId: CallId, kept: Kept, until: number): void => {
    calls.delete(callId)
    pruned.set(callId, {
      ...kept.summary,
      version: kept.summary.version + 1,
      status: "pruned",
      waitingFor: "",
      due: until,
      process: null,
      at: kept.endedAt!
    })
    for (const [index, logged] of log.entries()) if (logged?.callId === callId) log[index] = undefined
  }

  const forget = (before: number): number => {
    const gone = Array.from(pruned.values()).filter(({ due }) => due! <= before)
    for (const { callId } of gone) pruned.delete(callId)
    const sessions = Array.from(references).filter(([, callId]) => !calls.has(callId) && !pruned.has(callId))
    for (const [session] of sessions) references.delete(session)
    return gone.length
  }

  const prune = (options: Options): Effect.Effect<Pruned> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const over = Array.from(calls).filter(([, { summary }]) => summary.status === "over")
        .toSorted(([, self], [, that]) =>
          that.endedAt! - self.endedAt! || (self.summary.callId < that.summary.callId ? 1 : -1)
        )
      const before = options.endedBefore === undefined ? -Infinity : DateTime.toEpochMillis(options.endedBefore)
      const going = over.filter(([, { endedAt }], index) =>
        endedAt! < before || index >= (options.keepAtMost ?? Infinity)
      )
      const remembered = Duration.toMillis(Duration.fromInputUnsafe(options.rememberFor ?? rememberFor))
      for (const [callId, kept] of going) remove(callId, kept, kept.endedAt! + remembered)
      hints.tell([])
      const turns = going.reduce((sum, [, kept]) => sum + kept.turns.length, 0)
      return { calls: going.length, turns, forgotten: forget(now) }
    })

  return {
    store: {
      append,
      read: (callId: CallId, after = 0) =>
        Effect.suspend(() => fromStored(callId, (calls.get(callId)?.turns ?? []).slice(after))),
      find: (referenceId: string) => Effect.sync(() => Option.fromNullishOr(references.get(referenceId))),
      due: ({ before, limit }: { readonly before: number; readonly limit?: number | undefined }) =>
        Effect.sync(() => summaries().filter(isDue(before)).toSorted(byDue).slice(0, limit)),
      orphans: (alive: ReadonlySet<string>) => Effect.sync(() => summaries().filter(isOrphan(alive)).toSorted(byId)),
      summary: (callId: CallId) => Effect.sync(() => Option.fromNullishOr(summary(callId))),
      summaries: (callIds: ReadonlyArray<CallId>) =>
        Effect.sync(() => callIds.flatMap((callId) => summary(callId) ?? []))
    },
    index: { list, counts },
    log: eventLog,
    retention: { prune }
  }
}

const isWithin = (time: number | undefined, from: number | undefined, before: number | undefined): boolean =>
  (from === undefined && before === undefined) ||
  (time !== undefined && time >= (from ?? -Infinity) && time < (before ?? Infinity))

const isMeant = (kept: Kept, filter: Filter, number: string | undefined): boolean => {
  const { direction, endedAt, flow, flowVersion, numbers, outcome, startedAt, summary } = kept
  const { callId, due, status } = summary
  const isEqual = <A>(wanted: A | undefined, value: A) => wanted === undefined || wanted === value
  return isEqual(filter.flow, flow) && isEqual(filter.flowVersion, flowVersion) &&
    isEqual(filter.direction, direction) && isEqual(filter.status, status as Entry["status"]) &&
    isEqual(filter.outcome, outcome) &&
    isWithin(startedAt, filter.startedFrom, filter.startedBefore) &&
    isWithin(endedAt, filter.endedFrom, filter.endedBefore) &&
    isWithin(due ?? undefined, undefined, filter.dueBefore) &&
    (number === undefined || numbers.has(number)) &&
    (filter.key === undefined || callId === idOf(flow, filter.key))
}

const toEntry = ({ direction, endedAt, flow, flowVersion, outcome, startedAt, summary }: Kept): Entry => ({
  callId: summary.callId,
  flow,
  flowVersion,
  direction,
  status: summary.status === "over" ? "over" : "running",
  startedAt,
  endedAt,
  outcome,
  waitingFor: summary.waitingFor,
  due: summary.due ?? undefined,
  version: summary.version
})

const byId = (self: Summary, that: Summary): number => self.callId < that.callId ? -1 : 1

const byDue = (self: Summary, that: Summary): number => self.due! - that.due! || byId(self, that)
