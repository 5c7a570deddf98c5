/**
 * What the owners of calls see to, in a cluster: what is due, and what a machine that is gone has left. What an owner does not see to
 * after two looks is everybody's whom it may concern, for its machine may be the one that is gone.
 */
import { Effect } from "effect"
import type { Summary } from "../../EventStore.ts"
import { nameOf } from "./neighbours.ts"
import type { Surroundings } from "./surroundings.ts"

/** Tells what is whose. Without a cluster nothing is anybody's. */
export interface Owners {
  /** Whether this process sees to the time of a call: its owner, and for all that is later the one that looks for all. */
  readonly wakes: (call: Summary) => boolean
  /** Tells a process that has registered the flow of a call, for this one has not: where calls lie, nobody asks for their flows. */
  readonly pass: (call: Summary) => Effect.Effect<void>
  /** Learns of what processes that are gone have left. */
  readonly learn: (left: ReadonlyArray<Summary>) => void
  /** Whether what is left of a call is still its owner's, which is another process. */
  readonly isTheirs: (call: Summary) => boolean
  readonly isOwn: (call: Summary) => boolean
}

/** So many looks an owner has. */
const ownersTime = 2

/** Of the calls of an engine. */
export const make = ({ elapsed, neighbours, now, placement, settings }: Surroundings): Owners => {
  const patience = ownersTime * settings.store.lookEvery
  /** Since when processes are not among those that see to their calls, by the time that has elapsed. */
  let gone: ReadonlyMap<string, number> = new Map()

  const wakes: Owners["wakes"] = ({ callId, due }) =>
    placement === undefined || placement.isOwn(callId) ||
    placement.isWatching() && due !== null && due < now() - patience

  const pass: Owners["pass"] = (call) => {
    if (placement === undefined || !wakes(call)) return Effect.void
    const name = nameOf(call.flow, call.flowVersion)
    const knowing = [...neighbours.others()].flatMap(([other, flows]) => flows.has(name) ? other : [])
    return neighbours.tell(knowing.slice(0, 1), call.callId)
  }

  const learn: Owners["learn"] = (left) => {
    const names = new Set(left.flatMap((call) => call.process ?? []))
    gone = new Map(Array.from(names, (name) => [name, gone.get(name) ?? elapsed()]))
  }

  const isTheirs: Owners["isTheirs"] = ({ callId, process }) => {
    if (placement === undefined || placement.isOwn(callId)) return false
    return elapsed() - (gone.get(process ?? "") ?? elapsed()) < patience
  }

  return { wakes, pass, learn, isTheirs, isOwn: ({ callId }) => placement?.isOwn(callId) === true }
}
