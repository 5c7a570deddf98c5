/**
 * What an engine does for calls that another process left: when it begins, and, where processes share a store, from time to
 * time.
 */
import { Effect } from "effect"
import type * as Call from "../Call.ts"
import type { CallId } from "../CallEvent.ts"
import type { Processes, Summary } from "../EventStore.ts"
import { type Cell, type Cells, type Engine, ignore, knower } from "./cells.ts"
import type { CommonClock } from "./commonClock.ts"

// ---------------------------------------------------------------------------------------------------------------------
// A store of its own
// ---------------------------------------------------------------------------------------------------------------------

/** Takes over what an earlier process left: sets the alarms, and looks at once at what only that process knew of. */
export const recover = Effect.fnUntraced(function*(engine: Engine, cells: Cells, running: ReadonlyArray<Summary>) {
  const crashedAt = latest(running)
  for (const { callId, due, process } of running) {
    if (process === null && due !== null) engine.alarm.set(callId, due)
  }
  const orphans = running.filter(({ process }) => process !== null).map(({ callId }) => cells.of(callId))
  yield* Effect.forEach(orphans, (cell) => cell.lock.withPermit(cells.loaded(cell)))
  const alive = new Set([engine.process])
  yield* engine.fork(
    Effect.forEach(orphans, (cell) => cells.takeSurely(cell, takeOver(cell, alive, crashedAt)), { discard: true })
  )
})

/** When anything was last appended to any of these calls. */
const latest = (calls: ReadonlyArray<Summary>): number => calls.reduce((latest, { at }) => Math.max(latest, at), 0)

/** Restarts a call of a process that is gone. Who finds that another process has done so already leaves it alone. */
const takeOver = (cell: Cell, alive: ReadonlySet<string>, crashedAt: number) => ({ call }: Call.Live): Call.Input => {
  const process = knower(call, cell)
  return process === undefined || alive.has(process) ? { _tag: "Wake" } : { _tag: "Restart", crashedAt }
}

// ---------------------------------------------------------------------------------------------------------------------
// A store that others share
// ---------------------------------------------------------------------------------------------------------------------

/** What a look at the other processes on a store takes. */
export interface Surroundings {
  readonly processes: Processes
  readonly clock: CommonClock
  /** The calls whose outcome somebody waits for in this process. */
  readonly awaited: () => ReadonlyArray<CallId>
}

/**
 * Joins the processes that share a store, and looks now and from time to time for what others have left or brought to its
 * end. A look reads events only of calls that need something.
 */
export const watch = Effect.fnUntraced(function*(engine: Engine, cells: Cells, around: Surroundings) {
  yield* around.processes.join(engine.process)
  yield* look(engine, cells, around)
  const again = look(engine, cells, around).pipe(
    Effect.catch((error) => Effect.logWarning(`Other processes cannot be looked after: ${error.message}`)),
    Effect.delay(engine.settings.lookEvery)
  )
  yield* engine.fork(Effect.forever(again))
})

const look = Effect.fnUntraced(function*(engine: Engine, cells: Cells, { awaited, clock, processes }: Surroundings) {
  yield* clock.adjust
  const others = new Set(yield* processes.alive)
  others.delete(engine.process)
  engine.neighbours = others
  yield* takeOrphans(engine, cells)
  yield* wakeLate(engine)
  yield* hear(engine, cells, awaited())
})

/** Takes over what processes that are gone knew of, one call after another. What fails is found again by the next look. */
const takeOrphans = Effect.fnUntraced(function*(engine: Engine, cells: Cells) {
  const alive = new Set([...engine.neighbours, engine.process])
  const orphans = (yield* engine.store.orphans(alive)).filter(isKnown(engine))
  // Since the death others may have appended to these calls, but not for longer than from one look to the next.
  const crashedAt = latest(orphans) - engine.settings.lookEvery
  yield* Effect.forEach(orphans, ({ callId }) => {
    const cell = cells.of(callId)
    return Effect.catch(
      cells.take(cell, takeOver(cell, alive, crashedAt), ignore, { asks: true }),
      (error) => Effect.logWarning(`Call ${callId} cannot be taken over: ${error.message}`)
    )
  }, { discard: true })
})

/** Whether the flow of a call is registered here. During an upgrade another process may know more. */
const isKnown = ({ definition }: Engine) => ({ flow, flowVersion }: Summary): boolean =>
  definition(flow, flowVersion) !== undefined

/**
 * Sees to the timers of others: those of the living when they are late, those of the dead, which nobody else keeps, before
 * they are due.
 */
const wakeLate = Effect.fnUntraced(function*(engine: Engine) {
  const { lookEvery } = engine.settings
  const before = (yield* engine.now) + (engine.neighbours.size === 0 ? lookEvery : -lookEvery)
  for (const summary of (yield* engine.store.due({ before })).filter(isKnown(engine))) {
    if (summary.due !== null) engine.alarm.set(summary.callId, summary.due)
  }
})

/** Brings calls up to date whose outcome is waited for here, if another process went on with them. */
const hear = Effect.fnUntraced(function*({ store }: Engine, cells: Cells, awaited: ReadonlyArray<CallId>) {
  if (awaited.length === 0) return
  for (const { callId, version } of yield* store.summaries(awaited)) {
    const cell = cells.of(callId)
    if (version > cell.version) yield* cells.refresh(cell)
  }
})
