/**
 * The time that all processes on one store go by: this machine's clock, put right by what it is off from the store's.
 */
import type { Clock } from "effect"
import { Effect } from "effect"
import type { Processes, StoreError } from "../EventStore.ts"

/** A clock that is put right from time to time. */
export interface CommonClock {
  /** Milliseconds since 1970. */
  readonly now: Effect.Effect<number>
  /** Asks the store for its time. */
  readonly adjust: Effect.Effect<void, StoreError>
}

/** The clock of a process on a store that it shares with others, or has for itself. */
export const make = (clock: Clock.Clock, processes: Processes | undefined): CommonClock => {
  if (processes === undefined) return { now: clock.currentTimeMillis, adjust: Effect.void }
  let offset = 0
  return {
    now: Effect.sync(() => clock.currentTimeMillisUnsafe() + offset),
    adjust: Effect.gen(function*() {
      const asked = clock.currentTimeMillisUnsafe()
      const told = yield* processes.now
      const heard = clock.currentTimeMillisUnsafe()
      // What was told lies between the two, to the millisecond. An offset that allows for that may be the true one.
      const isPossible = asked - 1 <= told - offset && told - offset <= heard + 1
      if (!isPossible) offset = Math.round(told - (asked + heard) / 2)
    })
  }
}
