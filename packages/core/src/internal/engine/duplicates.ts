/** Counts and tells that this process and another one both act as the owner of a call. The append has decided between them. */
import { Effect } from "effect"
import * as Gathered from "../gathered.ts"
import * as ids from "../ids.ts"
import * as CallLog from "./callLog.ts"
import type { Entity } from "./entity.ts"
import * as OwnersWork from "./ownersWork.ts"
import type { Pending } from "./pending.ts"
import type { Surroundings } from "./surroundings.ts"

/** Watches for them. */
export interface Duplicates {
  /** Another process was first: counts the conflict, and looks whether it shows two owners. */
  readonly lost: (pending: Pending) => void
}

interface Found {
  readonly entity: Entity
  readonly other: string
}

/** So many turns before a conflict are looked at: more than come within a lease. */
const mostBefore = 32

/** Whether this process went on by itself. What comes from outside may find nothing to change but what time had brought by then. */
const isOwn = ({ message }: Pending): boolean => message === undefined || message.isOwn === true

/** Whether it is tried again because the store had failed. While that fails for all, whoever can appends what is late by then. */
const isLate = ({ entity: { trying } }: Pending): boolean => trying !== undefined

/** For an engine. */
export const make = (
  { figures, process, run, settings, store }: Pick<Surroundings, "figures" | "process" | "run" | "settings" | "store">
): Duplicates => {
  const words = ({ entity: { id }, other }: Found, count: number): string => {
    const more = count > 1 ? `, and so it is with ${count - 1} more` : ""
    return `Call ${id} has two owners: this process (${process}) and ${other} both went on with it by themselves within ` +
      `${
        settings.store.lease / 1000
      } s${more}. What ${other} did counts, and nobody is rung twice for it. One of the two hung, was ` +
      "cut off from the database, or owns the call no more and does not know it: find out which, and end that one if it goes on"
  }

  const tell = Gathered.make<Found>(
    run,
    ([found], count) =>
      found === undefined ? Effect.void : CallLog.about(found.entity, Effect.logWarning(words(found, count)))
  )

  const { lease } = settings.store

  /** Looks whose turn was first, and whose those before it were. What cannot be read is not counted. */
  const look = ({ entity, turn }: Pending): Effect.Effect<void> => {
    const turns = Effect.orElseSucceed(store.read(entity.id, Math.max(0, turn.version - 1 - mostBefore)), () => [])
    return Effect.map(turns, (turns) => {
      const first = turns.find(({ version }) => version === turn.version)
      const other = first === undefined ? process : ids.processOf(first.id)
      if (first === undefined || other === process) return
      if (!OwnersWork.isDuplicate(first, turn, lease)) return
      const before = turns.filter(({ version }) => version < turn.version).map(({ id }) => ids.processOf(id))
      if (OwnersWork.workOf(first.events) === "timer" && OwnersWork.isShared(before, process, other)) return
      figures.duplicated()
      tell({ entity, other })
    })
  }

  return {
    lost: (pending) => {
      figures.conflicted()
      if (isOwn(pending) && !isLate(pending) && OwnersWork.workOf(pending.turn.events) !== undefined) run(look(pending))
    }
  }
}
