/** A store by which a process takes all others for dead: for tests of engines that are broken so. */
import type { EventStore } from "@ringback/core"
import { Effect } from "effect"

type Store = EventStore.EventStore["Service"]

/** Nobody but itself lives, as a process sees it: so it takes over what all others have, and asks nobody. */
export const alone = (store: Store): Store => {
  const { processes } = store
  if (processes === undefined) return store
  let own = ""
  const join: typeof processes.join = (name, ...how) => {
    own = name
    return processes.join(name, ...how)
  }
  const alive = Effect.map(processes.alive, (all) => new Map([...all].filter(([name]) => name === own)))
  return { ...store, processes: { ...processes, join, alive } }
}
