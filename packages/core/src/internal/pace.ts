/**
 * How fast a process dials: its share of what all processes on one store may, spread evenly, and less for a while when the
 * carrier throttles. Times are in milliseconds, by a clock that nobody sets.
 */

/** What bounds the dials of all processes together. */
export interface Limits {
  readonly dial: { readonly perSecond: number; readonly linesAtMost: number }
  /** How often each process looks who lives. */
  readonly store: { readonly lookEvery: number }
  /** How much faster than life the carrier runs. */
  readonly speed: number
}

/** Who shares: so many processes, of which this one is the `rank`th, from 0. */
export interface Members {
  readonly count: number
  readonly rank: number
}

/** How far the dials of a process have come. */
export interface Pace {
  /** No dial goes before this time. */
  readonly freeAt: number
  /** To which part of the pace the carrier has slowed it down last, and when. */
  readonly slowedTo: number
  readonly slowedAt: number
  readonly members: Members
  /** Since when this process would have a greater share if it could be sure of it, and the least of those it saw since. */
  readonly greater: { readonly since: number; readonly members: Members } | undefined
  /** Until when the share holds. */
  readonly holdsUntil: number
  /** How many lines others use over their shares, such as those that rang or talked when this process joined. */
  readonly over: number
}

/** So long a carrier that throttles no more is tested until the pace is whole again. */
const recovery = 60_000

/** Of what is throttled within so long, only the first counts: the others were on their way. */
const oneBurst = 1_000

const fresh = { freeAt: -Infinity, slowedTo: 1, slowedAt: -Infinity, greater: undefined, over: 0 }

/** The pace of a process that has its store for itself. */
export const alone: Pace = { ...fresh, members: { count: 1, rank: 0 }, holdsUntil: Infinity }

/** The pace of a process that has not looked yet who else there is: it has no share. */
export const joining: Pace = { ...fresh, members: { count: Infinity, rank: Infinity }, holdsUntil: -Infinity }

/** How long a share holds without another look. */
const holdsFor = ({ store: { lookEvery } }: Limits): number => 2 * lookEvery

const fewest = (one: Members, other: Members): Members => ({
  count: Math.max(one.count, other.count),
  rank: Math.max(one.rank, other.rank)
})

/**
 * This process has looked at `now` who lives, and was seen itself. A smaller share is taken at once, a greater one only when
 * it has been seen for as long as a share holds, and of what was seen meanwhile the least: by then every other process has
 * looked too, or has none any more. So the shares never are more than the whole in sum. A process that joins others, or was
 * not seen for as long, begins with none. One that finds itself alone when it begins has all of it at once.
 */
export const seen = (self: Pace, members: Members, now: number, limits: Limits): Pace => {
  const holdsUntil = now + holdsFor(limits)
  const isFirst = self.holdsUntil === -Infinity
  const isSure = isFirst || isHeld(self, now)
  const held = isSure ? self.members : joining.members
  const isSmaller = members.count >= held.count && members.rank >= held.rank
  if (isSmaller || (isFirst && members.count === 1)) return { ...self, members, greater: undefined, holdsUntil }
  const before = isSure ? self.greater : undefined
  const greater = { since: before?.since ?? now, members: fewest(before?.members ?? members, members) }
  return now - greater.since < holdsFor(limits)
    ? { ...self, members: fewest(members, held), greater, holdsUntil }
    : { ...self, members: greater.members, greater: { since: now, members }, holdsUntil }
}

/** At that very time it does not hold any more: another process takes it then. */
const isHeld = (self: Pace, now: number): boolean => now < self.holdsUntil

/** To which part of its pace this process is slowed down. It comes back evenly. */
const part = (self: Pace, now: number, { speed }: Limits): number =>
  Math.min(1, self.slowedTo + Math.max(0, now - self.slowedAt) * speed / recovery)

/** How many processes have a share of `members`, and 0 if this one has none: with fewer lines than processes not all have one. */
const sharing = ({ count, rank }: Members, { dial: { linesAtMost } }: Limits): number =>
  rank < linesAtMost ? Math.min(count, linesAtMost) : 0

/**
 * Which of the living have a share. With fewer lines than processes these are as many as there are lines, and they dial for
 * the others too: a line cannot go from hand to hand, because it is in use for as long as somebody talks.
 */
export const sharers = (living: Iterable<string>, { dial: { linesAtMost } }: Limits): ReadonlySet<string> =>
  new Set([...living].toSorted().slice(0, linesAtMost))

/** How many dials a second this process may send now. */
export const rate = (self: Pace, now: number, limits: Limits): number => {
  if (limits.dial.perSecond === Infinity) return Infinity
  const of = sharing(self.members, limits)
  return of > 0 && isHeld(self, now) ? limits.dial.perSecond / of * part(self, now, limits) : 0
}

/** How many lines of this process may ring or talk at a time. */
export const lines = (self: Pace, now: number, limits: Limits): number => {
  if (limits.dial.linesAtMost === Infinity) return Infinity
  return isHeld(self, now) ? Math.max(0, linesOf(self.members, limits) - self.over) : 0
}

/** How many lines are the share of one of so many. */
const linesOf = (members: Members, limits: Limits): number => {
  const of = sharing(members, limits)
  return of === 0 ? 0 : Math.ceil((limits.dial.linesAtMost - members.rank) / of)
}

/**
 * The others were seen to use so many lines, each with its rank among `count`. What one uses over its share goes off the share
 * of every other process, until it has ended: lines stay where they ring or talk when another process joins.
 */
export const used = (
  self: Pace,
  others: ReadonlyArray<{ readonly rank: number; readonly lines: number }>,
  count: number,
  limits: Limits
): Pace => ({
  ...self,
  over: limits.dial.linesAtMost === Infinity
    ? 0
    : others.reduce((over, { lines, rank }) => over + Math.max(0, lines - linesOf({ count, rank }, limits)), 0)
})

/** When the next dial may go: `Infinity` if that is not for time to bring. */
export const nextAt = (self: Pace, now: number, limits: Limits): number =>
  rate(self, now, limits) === 0 ? Infinity : self.freeAt

/** How long the next dial has to wait. A process without a share sends none, until it has one again. */
const gap = (self: Pace, now: number, limits: Limits): number => {
  const perSecond = rate(self, now, limits)
  return perSecond === 0 ? 0 : 1_000 / perSecond
}

/** A dial goes at `now`: the next one follows after its even part of a second. */
export const taken = (self: Pace, now: number, limits: Limits): Pace => ({
  ...self,
  freeAt: Math.max(self.freeAt, now) + gap(self, now, limits)
})

/** The carrier takes no more for now: the pace is half, but no less in the end than what comes back of it between two bursts. */
export const throttled = (self: Pace, now: number, limits: Limits): Pace => {
  if (now - self.slowedAt < oneBurst / limits.speed) return self
  const slower = { ...self, slowedTo: part(self, now, limits) / 2, slowedAt: now }
  return { ...slower, freeAt: Math.max(self.freeAt, now + gap(slower, now, limits)) }
}
