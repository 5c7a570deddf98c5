/**
 * What the owners of calls see to, in a cluster: what is due, and what a machine that is gone has left. What an owner does not see to
 * after two looks is seen to by another, whichever is chosen for the call, and after four by all: a machine may be the owner by all that
 * the cluster knows, and do nothing. Who is chosen follows from who lives by the store, and from nothing that a machine has to hold.
 */
import { Effect } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Summary } from "../../EventStore.ts"
import { chosenOf, knowing } from "./neighbours.ts"
import type { Surroundings } from "./surroundings.ts"

/** Tells what is whose. Without a cluster nothing is anybody's. */
export interface Owners {
  /** Whether this process sees to the time of a call by now. */
  readonly wakes: (call: Summary) => boolean
  /** Tells a process that has registered the flow of a call, for this one has not: where calls lie, nobody asks for their flows. */
  readonly pass: (call: Summary) => Effect.Effect<void>
  /** Learns of what processes that are gone have left. */
  readonly learn: (left: ReadonlyArray<Summary>) => void
  /** Whether what is left of a call is still its owner's, which is another process. */
  readonly isTheirs: (call: Summary) => boolean
  readonly isOwn: (call: Summary) => boolean
}

/** So many looks an owner has, and so many who is chosen after it. */
const turn = 2

type Around = Pick<Surroundings, "elapsed" | "neighbours" | "now" | "placement" | "process" | "settings">

/** Of the calls of an engine. */
export const make = ({ elapsed, neighbours, now, placement, process, settings }: Around): Owners => {
  const patience = turn * settings.store.lookEvery
  /** Since when processes are not among those that see to their calls, by the time that has elapsed. */
  let gone: ReadonlyMap<string, number> = new Map()

  const isChosen = (id: CallId) => chosenOf([process, ...neighbours.others().keys()], id) === process

  const wakes: Owners["wakes"] = ({ callId, due }) => {
    if (placement === undefined || placement.isOwn(callId)) return true
    const late = due === null ? 0 : now() - due
    return late > 2 * patience || late > patience && isChosen(callId)
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

  return { wakes, pass, learn, isTheirs, isOwn: ({ callId }) => placement?.isOwn(callId) === true }
}
