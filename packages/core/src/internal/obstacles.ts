/**
 * What stands in the way of dials, whoever is to be rung: the carrier does not accept the credentials, is not reached, or does
 * not take a number of ours as the caller. One attempt at a time probes whether that is over, and all others wait. Times are
 * in milliseconds by a clock that nobody sets, but for `since`.
 */
import type { Obstacle } from "../CallEvent.ts"

/** How long it may take to hear of an attempt, and how much faster than life the carrier runs. */
export interface Limits {
  readonly dial: { readonly sendWithin: number; readonly answerWithin: number }
  readonly speed: number
}

/** One obstacle: to all dials of the account, or to those from one number of ours. */
export interface Standing {
  readonly obstacle: Obstacle
  readonly from: string | undefined
  /** Since when, in milliseconds since 1970. */
  readonly since: number
  /** How long it is waited for the next probe. */
  readonly wait: number
  /** When an attempt may probe, at the earliest. */
  readonly probeAt: number
  /** Whether one is under way. */
  readonly isProbed: boolean
}

/** All that stand: at most one to the account, and one to each number. */
export type Obstacles = ReadonlyArray<Standing>

/** Nothing stands in the way. */
export const none: Obstacles = []

/** What an attempt has shown: an obstacle, or what else the carrier said, if anything is known of it. */
export type Shown = Obstacle | "accepted" | "refused" | "throttled" | "nothing"

/** A moment by the clock, and by the one that nobody sets. */
export interface Moment {
  readonly now: number
  readonly elapsed: number
}

const firstWait = 1_000

/** So long at most is it waited for the next probe, at the speed of life. */
export const longestWait = 60_000

const isInWayOf = (from: string) => (standing: Standing): boolean =>
  standing.from === undefined || standing.from === from

/** What stands in the way of a dial from this number. */
export const inWayOf = (self: Obstacles, from: string): Standing | undefined => self.find(isInWayOf(from))

/** When a dial from this number may be attempted: at once if nothing stands in its way, or else as the next probe. */
export const freeAt = (self: Obstacles, from: string): number =>
  self.reduce((at, standing) => isInWayOf(from)(standing) ? Math.max(at, standing.probeAt) : at, -Infinity)

/** When any dial may be attempted: what stands in the way of one number leaves the others alone. */
export const accountFreeAt = (self: Obstacles): number =>
  self.find(({ from }) => from === undefined)?.probeAt ?? -Infinity

/** An attempt from this number goes: if something stands in its way it is the probe, and no other goes until it is heard of. */
export const attempted = (self: Obstacles, from: string, elapsed: number, { dial }: Limits): Obstacles =>
  inWayOf(self, from) === undefined ? self : self.map((standing) =>
    isInWayOf(from)(standing)
      ? { ...standing, isProbed: true, probeAt: elapsed + dial.sendWithin + dial.answerWithin }
      : standing
  )

/** What an attempt from this number has shown. */
export const shown = (self: Obstacles, what: Shown, from: string, moment: Moment, limits: Limits): Obstacles => {
  switch (what) {
    case "accepted":
    case "refused": // because of who was to be rung: whether the number of ours was looked at before is not documented
      return without(self, isInWayOf(from))
    case "throttled":
      return again(without(self, ({ obstacle }) => obstacle === "unreachable"), from, moment)
    case "nothing":
      return again(self, from, moment)
    case "credentials":
    case "unreachable":
      return met(self, what, undefined, moment, limits)
    case "caller id":
      return met(without(self, isOfAccount), what, from, moment, limits)
  }
}

const isOfAccount = ({ from }: Standing): boolean => from === undefined

const without = (self: Obstacles, is: (standing: Standing) => boolean): Obstacles =>
  self.some(is) ? self.filter((standing) => !is(standing)) : self

/** A probe that has shown nothing is made again after the same wait. */
const again = (self: Obstacles, from: string, { elapsed }: Moment): Obstacles =>
  self.some((standing) => standing.isProbed && isInWayOf(from)(standing))
    ? self.map((standing) =>
      standing.isProbed && isInWayOf(from)(standing)
        ? { ...standing, isProbed: false, probeAt: elapsed + standing.wait }
        : standing
    )
    : self

/** Each probe in vain is followed by a longer wait. What was on its way before the first one is none. */
const met = (
  self: Obstacles,
  obstacle: Obstacle,
  from: string | undefined,
  { elapsed, now }: Moment,
  { speed }: Limits
): Obstacles => {
  const before = self.find((standing) => standing.from === from)
  if (before === undefined) {
    const wait = firstWait / speed
    return [...self, { obstacle, from, since: now, wait, probeAt: elapsed + wait, isProbed: false }]
  }
  const wait = Math.min(2 * before.wait, longestWait / speed)
  const isNews = before.isProbed || elapsed >= before.probeAt
  const after = { ...before, obstacle, ...(isNews ? { wait, probeAt: elapsed + wait, isProbed: false } : {}) }
  return self.map((standing) => standing === before ? after : standing)
}
