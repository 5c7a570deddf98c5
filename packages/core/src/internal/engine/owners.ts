/**
 * Who sees to what is due, and to what a process that is gone has left. Of several processes each has its part (`portions`). In a
 * cluster the owner comes first: what it does not see to after two looks is seen to by another, whichever is chosen for the call, and
 * what is due by all after four: a machine may be the owner by all that the cluster knows, and do nothing. Who is chosen follows from
 * who lives by the store, and from nothing that a machine has to hold.
 */
import { Effect } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Summary } from "../../EventStore.ts"
import { chosenOf, knowing } from "./neighbours.ts"
import * as Portions from "./portions.ts"
import type { Surroundings } from "./surroundings.ts"

/** Tells what is whose. */
export interface Owners {
  /** Learns what is due and not seen to, the next first. */
  readonly learnLate: (late: ReadonlyArray<Summary>) => void
  /** Whether this process sees to the time of a call by now. */
  readonly wakes: (call: Summary) => boolean
  /** Whether this process looks after a call whose flow none has registered. */
  readonly attends: (call: Summary) => boolean
  /** Tells a process that has registered the flow of a call, for this one has not: where calls lie, nobody asks for their flows. */
  readonly pass: (call: Summary) => Effect.Effect<void>
  /** Learns of what processes that are gone have left. */
  readonly learn: (left: ReadonlyArray<Summary>) => void
  /** Learns which of it has to be restarted, the next first. */
  readonly learnUrgent: (urgent: ReadonlyArray<Summary>) => void
  /** Whether this process restarts a call that is not its owner's only. */
  readonly restarts: (call: Summary) => boolean
  /** Whether what is left of a call is still its owner's, which is another process. */
  readonly isTheirs: (call: Summary) => boolean
  readonly isOwn: (call: Summary) => boolean
}

/** So many looks an owner has, and so many who is chosen after it, or has a part. */
const turn = 2

type Around = Pick<Surroundings, "definition" | "elapsed" | "neighbours" | "now" | "placement" | "process" | "settings">

/** Of the calls of an engine. */
export const make = (
  { definition, elapsed, neighbours, now, placement, process, settings }: Around
): Owners => {
  const patience = turn * settings.store.lookEvery
  /** Since when processes are not among those that see to their calls, by the time that has elapsed. */
  let gone: ReadonlyMap<string, number> = new Map()

  /** The processes that know the flow of a call; all, if none does. */
  const candidates = (call: Summary): ReadonlyArray<string> => {
    const others = knowing(neighbours.others(), call)
    if (definition(call.flow, call.flowVersion) !== undefined) return [process, ...others]
    return others.length > 0 ? others : [process, ...neighbours.others().keys()]
  }

  const late = Portions.make({ process, candidates, elapsed, patience })
  const urgent = Portions.make({ process, candidates, elapsed, patience })

  const isChosen = (id: CallId) => chosenOf([process, ...neighbours.others().keys()], id) === process

  const wakes: Owners["wakes"] = (call) => {
    if (placement === undefined) return late.isOwn(call)
    if (placement.isOwn(call.callId)) return true
    const behind = call.due === null ? 0 : now() - call.due
    return behind > 2 * patience || behind > patience && isChosen(call.callId)
  }

  const pass: Owners["pass"] = (call) => {
    if (placement === undefined || !wakes(call)) return Effect.void
    return neighbours.tell(knowing(neighbours.others(), call).slice(0, 1), call.callId)
  }

  const learn: Owners["learn"] = (left) => {
    const names = new Set(left.flatMap((call) => call.process ?? []))
    gone = new Map(Array.from(names, (name) => [name, gone.get(name) ?? elapsed()]))
  }

  const isTheirs: Owners["isTheirs"] = ({ callId, process }) => {
    if (placement === undefined || placement.isOwn(callId)) return false
    return elapsed() - (gone.get(process ?? "") ?? elapsed()) < patience
  }

  const isOwn: Owners["isOwn"] = ({ callId }) => placement?.isOwn(callId) === true

  return {
    learnLate: late.learn,
    wakes,
    attends: (call) => placement !== undefined || late.isOwn(call),
    pass,
    learn,
    learnUrgent: urgent.learn,
    restarts: (call) => isOwn(call) || urgent.isOwn(call),
    isTheirs,
    isOwn
  }
}
