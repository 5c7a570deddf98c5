/**
 * Takes up calls that nobody has looked after for a while, one by one and in the background, so that webhooks find the
 * store free.
 */
import { Effect, Queue } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Summary } from "../../EventStore.ts"
import type { Parts } from "./parts.ts"
import { responsible } from "./pending.ts"
import type { Surroundings } from "./surroundings.ts"
import type { First } from "./unattended.ts"

/** Takes up calls that were left alone. */
export interface Takeover {
  /** Tells a call this before anything else: in the background, or when something comes for it before. */
  readonly restart: (id: CallId, first: First) => void
  /** Restarts calls that a process which is gone knew something of. Those that are overdue wait for their turn at the alarm. */
  readonly restartAll: (calls: ReadonlyArray<Summary>, first: First) => void
  /** Others restart these calls, and no more those of the last time: they are told this here only if something comes for them before. */
  readonly expect: (calls: ReadonlyArray<Summary>, first: First) => void
  /** Lets the dials of calls wait here for their places, in the order in which their time came. Reads no events. */
  readonly queue: (calls: ReadonlyArray<Summary>) => void
}

/** So many calls are restarted at a time. */
const atOnce = 8

/** By how much the clock was set back since a call was recorded: what was recorded before lies ahead of it. */
const setBack = (here: number, { at }: Summary): number => Math.max(0, at - here)

/** When a call is due by the clock as it is now. */
export const dueBy = (here: number, call: Summary): number | null =>
  call.due === null ? null : call.due - setBack(here, call)

/** Whether a call has a dial that waits for its place. Such a call has no line. */
export const isPlanned = ({ dialFrom }: Summary): boolean => dialFrom !== undefined

/** Whether somebody has to look at a call at once whose process is gone. */
export const isUrgent = (call: Summary): boolean => call.process !== null && !isPlanned(call)

/** Whether the flow of a call is registered here. During an upgrade another process may know more. */
export const isKnownTo =
  ({ definition }: Pick<Surroundings, "definition">) => ({ flow, flowVersion }: Summary): boolean =>
    definition(flow, flowVersion) !== undefined

/** When anything was last appended to any of these calls. */
export const latest = (calls: ReadonlyArray<Summary>): number =>
  calls.reduce((latest, { at }) => Math.max(latest, at), 0)

/** Only wakes a call. */
export const wake: First = () => ({ _tag: "Wake" })

/** Tells a call of a process that is gone to restart, unless another process has restarted it already. */
export const unlessAlive = (alive: ReadonlySet<string>, crashedAt: number): First => ({ call }, entity) => {
  const process = responsible(call, entity)
  return process === undefined || alive.has(process) ? { _tag: "Wake" } : { _tag: "Restart", crashedAt }
}

/** Tells a call to restart that a process has handed over which is about to end. Of its replies none is in doubt. */
export const handedOverBy = (process: string): First => ({ call }, entity) =>
  responsible(call, entity) === process ? { _tag: "Restart", crashedAt: Infinity } : { _tag: "Wake" }

/** Works until its scope closes. */
export const make = Effect.fnUntraced(function*(
  { closing, now, pacing }: Surroundings,
  { entities, intake, unattended }: Parts
): Effect.fn.Return<Takeover, never, Scope.Scope> {
  const work = yield* Queue.unbounded<CallId>()
  const queued = new Set<CallId>()

  const resume = (id: CallId): Effect.Effect<void> =>
    Effect.suspend(() => {
      queued.delete(id)
      return unattended.has(id) && !closing.isBegun()
        ? intake.takeSurely(entities.of(id), { _tag: "Wake" })
        : Effect.void
    })

  const worker = Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(work), resume)))
  yield* Effect.forEach(Array.from({ length: atOnce }), () => worker, { discard: true })

  const restart: Takeover["restart"] = (id, first) => {
    if (!queued.has(id)) Queue.offerUnsafe(work, id)
    queued.add(id)
    unattended.tell(id, first)
  }

  let expected: ReadonlyMap<CallId, First> = new Map()

  const expect: Takeover["expect"] = (calls, first) => {
    const found = new Map(calls.filter(({ callId }) => !queued.has(callId)).map(({ callId }) => [callId, first]))
    for (const [id, before] of expected) if (!found.has(id)) unattended.told(id, before)
    for (const id of found.keys()) unattended.tell(id, first)
    expected = found
  }

  const restartAll: Takeover["restartAll"] = (calls, first) => {
    const here = now()
    for (const call of calls) {
      const due = dueBy(here, call)
      pacing.isUnread(call.callId)
      if (due !== null && due <= here) unattended.tell(call.callId, first)
      else restart(call.callId, first)
    }
  }

  const queue: Takeover["queue"] = (calls) => {
    const here = now()
    for (const call of calls.toSorted((self, that) => self.dialFrom! - that.dialFrom!)) {
      pacing.wait(call.callId, call.dialFrom! - setBack(here, call))
    }
  }

  return { restart, restartAll, expect, queue }
})
