/**
 * What an engine does when it begins: it takes over the calls that an earlier process left.
 */
import { Effect } from "effect"
import type { Summary } from "../EventStore.ts"
import type { Cell, Cells, Engine } from "./cells.ts"
import type * as Dispatch from "./dispatch.ts"

/** Takes over what an earlier process left: sets the alarms, and looks at once at what only that process knew of. */
export const recover = Effect.fnUntraced(function*(
  engine: Engine,
  cells: Cells,
  dispatch: Dispatch.Dispatch,
  running: ReadonlyArray<Summary>
) {
  const crashedAt = running.reduce((latest, { at }) => Math.max(latest, at), 0)
  const urgent = running.filter((summary) => summary.urgent).map((summary) => cells.of(summary.callId))
  for (const summary of running) {
    if (!summary.urgent && summary.due !== null) engine.alarm.set(summary.callId, summary.due)
  }
  yield* Effect.forEach(urgent, (cell) => cell.lock.withPermit(cells.loaded(cell)))
  const resume = Effect.fnUntraced(function*(cell: Cell) {
    yield* cells.takeSurely(cell, { _tag: "Restart", crashedAt })
    if (cell.activity === undefined) yield* dispatch.runActivity(cell)
  })
  yield* engine.fork(Effect.forEach(urgent, resume, { discard: true }))
})
