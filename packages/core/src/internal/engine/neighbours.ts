/** The processes that share a store with this one. */
import { Effect } from "effect"
import type { Processes, StoreError } from "../../EventStore.ts"

/** Who lives beside this process. */
export interface Neighbours {
  /** The others that lived at the last look, each with the flows that it has registered. */
  readonly others: () => ReadonlyMap<string, ReadonlySet<string>>
  /** Looks who lives. `false` if the database has lost even this process: then the others are as little dead. */
  readonly look: Effect.Effect<boolean, StoreError>
}

/** Nobody has been seen yet. A store of one's own has no others. */
export const make = (process: string, processes: Processes | undefined): Neighbours => {
  let others: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  const see = (alive: ReadonlyMap<string, ReadonlySet<string>>): boolean => {
    const found = new Map(alive)
    const isSeen = found.delete(process)
    if (isSeen) others = found
    return isSeen
  }
  return {
    others: () => others,
    look: processes === undefined ? Effect.succeed(true) : Effect.map(processes.alive, see)
  }
}
