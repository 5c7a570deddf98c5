/** The processes that share a store with this one. */
import { Effect } from "effect"
import type { Processes, StoreError } from "../../EventStore.ts"
import type { Members } from "../pace.ts"

/** Who lives beside this process. */
export interface Neighbours {
  /** The others that lived at the last look, each with the flows that it has registered. */
  readonly others: () => ReadonlyMap<string, ReadonlySet<string>>
  /** Looks who lives. `false` if the database has lost even this process: then the others are as little dead. */
  readonly look: Effect.Effect<boolean, StoreError>
}

/** The flow of a call as a process registers it. */
export const nameOf = (flow: string, version: number): string => `${flow}@${version}`

/**
 * Nobody has been seen yet. A store of one's own has no others. `seen` hears among how many this process was seen, and when it
 * asked, by the time that has `elapsed`.
 */
export const make = (
  process: string,
  processes: Processes | undefined,
  elapsed: () => number,
  seen: (members: Members, at: number) => void
): Neighbours => {
  let others: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  const see = (alive: ReadonlyMap<string, ReadonlySet<string>>, at: number): boolean => {
    const found = new Map(alive)
    const isSeen = found.delete(process)
    if (!isSeen) return false
    others = found
    seen({ count: alive.size, rank: [...alive.keys()].toSorted().indexOf(process) }, at)
    return true
  }
  return {
    others: () => others,
    look: processes === undefined ? Effect.succeed(true) : Effect.suspend(() => {
      const asked = elapsed()
      return Effect.map(processes.alive, (alive) => see(alive, asked))
    })
  }
}
