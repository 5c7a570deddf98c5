/**
 * Whether the store is a copy of an earlier day, and what becomes of the dials of calls that began before: a phone may have
 * rung for them that the copy does not know of.
 */
import { Effect, Option } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Restored } from "../../CallInput.ts"
import * as CallMetrics from "../../CallMetrics.ts"
import type { EventStore, StoreError, Summary } from "../../EventStore.ts"
import { type Testimony, Witness } from "../../Witness.ts"
import type { Run } from "../background.ts"
import { heldWords } from "../call/dial.ts"
import * as Gathered from "../gathered.ts"
import * as Witnessing from "./witnessing.ts"

/** What is known of a restored copy, and who is told. */
export interface Restore {
  /** What to do with the dials of calls that began before a time: the first that applies. */
  readonly verdicts: ReadonlyArray<Restored>
  /** A turn of this process is durable. */
  readonly stored: (callId: CallId, version: number) => void
  /** An event has named an attempt that the store does not know. */
  readonly suspect: () => void
  /** A call was stored up to a turn, which came at a time, and is now up to an earlier one. */
  readonly lost: (
    callId: CallId,
    turn: { readonly version: number; readonly at: number; readonly found: number }
  ) => void
  /** A dial of a call was held. */
  readonly held: (callId: CallId) => void
}

/** What is needed of the engine. */
interface Options {
  readonly store: EventStore["Service"]
  readonly now: () => number
  readonly run: Run
  readonly running: ReadonlyArray<Summary>
  /** What the application says. */
  readonly restored: Restored | undefined
}

/** So many calls are named in a line of the log. */
const longestList = 20

const named = (ids: ReadonlyArray<CallId>, count: number): string => {
  const some = ids.slice(0, longestList)
  return count === some.length ? some.join(", ") : `${some.join(", ")} and ${count - some.length} more`
}

const counted = (count: number): string => count === 1 ? "1 call" : `${count} calls`

const fromTheFuture = (restoredBefore: number): string =>
  `The witness says that the store was restored on ${
    new Date(restoredBefore).toISOString()
  }, which is yet to come: its ` +
  "clock was ahead then. Calls that are here now count as those of the copy, and new ones do not"

const remedy = (before: number): string =>
  "Cancel them, or say what to do with Calls.layer({ restored: { before: " +
  `DateTime.makeUnsafe("${new Date(before).toISOString()}"), dials: "dial" or "give up" } })`

const isRestored = (evidence: string, ids: ReadonlyArray<CallId>, before: number): string =>
  `${evidence}, so the store was restored from a copy. ${
    counted(ids.length)
  } that it says are running may have gone on ` +
  `since and rung phones, so they dial nobody: ${named(ids, ids.length) || "none"}. ${remedy(before)}`

const lostTurns = (callId: CallId, version: number, found: number): string => {
  const left = found === 0 ? "nothing of it" : `nothing of it after turn ${found}`
  return `Turn ${version} of call ${callId} was stored, and the database has ${left}: it has gone back in time. ` +
    (found === 0 ? "The call is lost, and a start under its key begins it anew" : "The call goes on from there")
}

const wentBack = (callId: CallId, count: number, before: number): string =>
  `The database has lost what was stored last, as call ${callId} shows: after a failover to a standby that was behind, or a restore. ` +
  `${counted(count)} that it says are running may have gone on since and rung phones, so they dial nobody. ${
    remedy(before)
  }`

/** Whether a store lacks a turn that was surely stored. */
const isMissing = (
  store: EventStore["Service"],
  { callId, version }: NonNullable<Testimony["turn"]>
): Effect.Effect<boolean, StoreError> =>
  Effect.map(store.summary(callId), (found) => Option.isNone(found) || found.value.version < version)

/** Since when the store counts as restored, as the witness says it. A clock that was ahead may have dated calls ahead too. */
const restoredBeforeOf = (last: Testimony | undefined, latest: number): Effect.Effect<number | undefined> => {
  const before = last?.restoredBefore
  if (before === undefined || before <= latest) return Effect.succeed(before)
  return Effect.as(Effect.logWarning(fromTheFuture(before)), latest)
}

/** Looks whether the store is older than its witness. From now on the witness is written, until the scope closes. */
export const make = Effect.fnUntraced(function*({ now, restored, run, running, store }: Options) {
  const witness = yield* Witness
  const context = yield* Effect.context<never>()
  const began = now()
  const last = Option.getOrUndefined(witness?.last ?? Option.none())
  // Calls that are there now stay held.
  let restoredBefore = yield* restoredBeforeOf(
    last,
    running.reduce((latest, { at }) => Math.max(latest, at + 1), began)
  )
  const lost = last?.turn !== undefined && (yield* isMissing(store, last.turn)) ? last.turn : undefined
  const witnessing = Witnessing.make(witness, lost === undefined ? last?.turn : undefined, () => restoredBefore)

  /** Those of the calls that began before this engine and run still. */
  const startIds = new Set(running.map(({ callId }) => callId))
  const stillRunning = Effect.map(
    Effect.orElseSucceed(Effect.suspend(() => store.due({ before: Number.MAX_SAFE_INTEGER })), () => running),
    (running) => running.map(({ callId }) => callId).filter((id) => startIds.has(id))
  )

  const verdicts = (): ReadonlyArray<Restored> => [
    ...(restored === undefined ? [] : [restored]),
    ...(restoredBefore === undefined ? [] : [{ before: restoredBefore, dials: "hold" } as const])
  ]

  const holdBefore = (before: number): void => {
    restoredBefore = Math.max(restoredBefore ?? before, before)
    restore.verdicts = verdicts()
  }

  /** Holds what the application has not decided, and names it. */
  const hold = Effect.fnUntraced(function*(evidence: string) {
    holdBefore(began)
    yield* Effect.logError(isRestored(evidence, yield* stillRunning, began))
    yield* witnessing.write
  })

  /** The log went back while this process ran: all that it says is running may have gone on, and rung phones. */
  const holdAll = Effect.fnUntraced(function*(callId: CallId, before: number) {
    const running = yield* Effect.orElseSucceed(store.due({ before: Number.MAX_SAFE_INTEGER }), () => [])
    yield* Effect.logError(wentBack(callId, running.length, before))
    yield* witnessing.write
  })

  const tellHeld = Gathered.make<CallId>(run, (first, count) =>
    Effect.logWarning(
      `Dials of ${counted(count)} that began before the store was restored are held: ${named(first, count)}. ` +
        remedy(restoredBefore ?? restored?.before ?? began)
    ))

  const restore: { -readonly [Field in keyof Restore]: Restore[Field] } = {
    verdicts: verdicts(),
    stored: witnessing.stored,
    suspect: () => {
      if (restoredBefore !== undefined && restoredBefore >= began) return
      run(hold("An event names a dial of this installation that the store does not know"))
    },
    lost: (callId, { at, found, version }) => {
      const said = Effect.logError(lostTurns(callId, version, found))
      if (restoredBefore !== undefined && at <= restoredBefore) return void run(said) // It is known to have gone back since.
      const before = now()
      holdBefore(before)
      run(Effect.andThen(said, holdAll(callId, before)))
    },
    held: (callId) => {
      CallMetrics.dialsHeld.updateUnsafe(1, context)
      tellHeld(callId)
    }
  }

  yield* lost === undefined
    ? witnessing.write
    : hold(`The witness knows turn ${lost.version} of call ${lost.callId}, and the store does not`)
  yield* witnessing.watch
  return restore
})

/** The calls that wait for what the application says now. */
export const waiting = (running: ReadonlyArray<Summary>): ReadonlyArray<CallId> =>
  running.filter(({ waitingFor }) => waitingFor.includes(heldWords)).map(({ callId }) => callId)
