/** What is logged about a call carries its id and its flow, and nothing of what foreign code said unmasked. */
import { Cause, Effect } from "effect"
import type { Cell } from "./cell.ts"
import * as Defect from "./defect.ts"

/** The log lines of an effect, with the call that they are about. */
export const about = <A, E, R>(cell: Cell, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const call = cell.live?.call ?? cell.known
  const flow = call === undefined || call.flow === "" ? {} : { flow: call.flow, version: call.flowVersion }
  return Effect.annotateLogs(effect, { call: cell.id, ...flow })
}

/** One line at `Error` about a call, with the stack of what was thrown. */
export const died = (cell: Cell, what: string, thrown: unknown): Effect.Effect<void> =>
  about(cell, Effect.logError(what, Cause.die(Defect.error(thrown))))
