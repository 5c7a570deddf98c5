/**
 * What time it is. Facts are recorded by the wall clock, which somebody may set and which goes on while a machine sleeps;
 * waiting is done by the monotonic clock, which does neither. Each reading compares the two.
 */
import { type Clock, Context } from "effect"
import { type CommonClock, tolerance } from "./commonClock.ts"

/** See `Calls.ClockChanges`. */
export interface ClockChanges {
  /** The clock of which it tells. */
  readonly clock: Clock.Clock
  /** Calls the listener whenever the wall clock is set, until what it gives is called. */
  readonly listen: (listener: () => void) => () => void
}

/** See `Calls.ClockChanges`. */
export const ClockChanges = Context.Reference<ClockChanges | undefined>("@ringback/core/Calls/ClockChanges", {
  defaultValue: () => undefined
})

/** What both clocks show at one moment, in milliseconds: see `Time`. */
export interface Reading {
  readonly now: number
  readonly elapsed: number
}

/** The clocks of an engine, in milliseconds. */
export interface Time {
  /** `now` and `elapsed` of one moment, for half of what the two cost. */
  readonly read: () => Reading
  /** The wall clock: milliseconds since 1970. */
  readonly now: () => number
  /**
   * The time that alarms are set by. It goes on with the wall clock, forward jumps and sleeping machines included, but is
   * not set back with it, so that nobody waits longer than was said.
   */
  readonly steady: () => number
  /** A time of the wall clock, by that clock, as the two were when they were last read. */
  readonly steadyAt: (wall: number) => number
  /**
   * The time that tells how long something took: the monotonic clock, and what a machine slept through. No small
   * correction of the wall clock shows in it.
   */
  readonly elapsed: () => number
  /**
   * Tells of each jump from now on, with the time right before it by the wall clock as it was. The listener runs inside of
   * the reading that notices.
   */
  readonly onJump: (listener: (before: number) => void) => void
}

/** If this machine's own clock gains more than this from one reading to the next, it slept, or was set forward. */
const longestStep = 1_000

/** Watches a clock. */
export const make = (clock: CommonClock): Time => {
  const listeners: Array<(before: number) => void> = []
  let ahead = clock.now() - clock.monotonic()
  let steadyAhead = ahead
  let ownAhead = ahead - clock.offset()
  let slept = 0

  const compare = (): { readonly wall: number; readonly waited: number } => {
    const wall = clock.now()
    const waited = clock.monotonic()
    const before = waited + ahead
    const drift = wall - before
    ahead += drift
    if (drift >= -tolerance) steadyAhead += drift
    const gained = wall - clock.offset() - waited - ownAhead
    ownAhead += gained
    if (gained > longestStep) slept += gained
    if (Math.abs(drift) > tolerance) { for (const listener of listeners) listener(before) }
    return { wall, waited }
  }

  return {
    read: () => {
      const { waited, wall } = compare()
      return { now: wall, elapsed: waited + slept }
    },
    now: () => compare().wall,
    steady: () => Math.round(compare().waited + steadyAhead),
    steadyAt: (wall) => wall + Math.round(steadyAhead - ahead),
    elapsed: () => compare().waited + slept,
    onJump: (listener) => void listeners.push(listener)
  }
}
