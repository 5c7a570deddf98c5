/**
 * The time that all processes on one store go by: this machine's clock, put right by what it is off from the store's.
 */
import { type Clock, Effect } from "effect"
import type { Processes, StoreError } from "../../EventStore.ts"

/** The two clocks have jumped apart when they differ by more than this from one reading to the next. */
export const tolerance = 5_000

/** A clock that is put right from time to time. */
export interface CommonClock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** How far that is ahead of this machine's own clock. */
  readonly offset: () => number
  /** Milliseconds of the clock that nobody sets. */
  readonly monotonic: () => number
  /** Asks the store for its time. */
  readonly adjust: Effect.Effect<void, StoreError>
}

/**
 * The clock of a process on a store that it shares with others, or has for itself. If this machine's clock jumps on a store
 * that is shared, the time goes on as if it had not, until the store is asked: that alone tells whether the clock was set or
 * the machine slept, and so nobody takes a call for overdue that is not.
 */
export const make = (clock: Clock.Clock, processes: Processes | undefined): CommonClock => {
  const own = () => clock.currentTimeMillisUnsafe()
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  if (processes === undefined) return { now: own, offset: () => 0, monotonic, adjust: Effect.void }
  let offset = 0
  let ahead = own() - monotonic()
  const now = (): number => {
    const here = own()
    const gained = here - monotonic() - ahead
    ahead += gained
    if (Math.abs(gained) > tolerance) offset -= gained
    return here + offset
  }
  return {
    now,
    offset: () => offset,
    monotonic,
    adjust: Effect.gen(function*() {
      const asked = own()
      const told = yield* processes.now
      const heard = own()
      now()
      // What was told lies between the two, to the millisecond. An offset that allows for that may be the true one; else the
      // nearest that does is taken, so that an answer which took long never leads further away.
      const [least, most] = [told - heard, told - asked]
      if (offset < least - 1 || offset > most + 1) offset = Math.min(Math.max(offset, least), most)
    })
  }
}
