/**
 * The dials of this process that have their places, until they are sent, and the lines that ring or talk: together what is in
 * use of a pace and of a bound for lines.
 */
import type { CallId } from "../../CallEvent.ts"
import type * as Settings from "../../Settings.ts"
import type { Account } from "./account.ts"
import * as LinesInUse from "./linesInUse.ts"
import type { Rate } from "./rate.ts"
import type { Waiting } from "./waitingDials.ts"

/** What of a call waits for another place, if its dial does not use the one that it has. */
export type Again = Pick<Waiting, "at" | "dial"> | undefined

/** The dials that have places. `now` is by the time that has elapsed. */
export interface PlacedDials {
  /** Whether one more may have a place now. */
  readonly isFree: (now: number) => boolean
  /** When time brings the next place: `Infinity` if that is not for time to bring. */
  readonly nextAt: (now: number) => number
  readonly has: (id: CallId) => boolean
  /** A dial gets a place, or what waits for another one is something else now. */
  readonly place: (id: CallId, again: Again) => void
  /** A place is left unused, if it still is. Gives what waits for another one. */
  readonly unplace: (id: CallId) => Again
  /** A dial is about to be recorded as attempted. Tells whether it had a place. */
  readonly attempt: (id: CallId, now: number) => boolean
  /** A recorded dial is sent. */
  readonly send: (id: CallId) => void
  /** So many lines of a call ring or talk. Tells whether there may be room for more now. */
  readonly open: (id: CallId, lines: number) => boolean
  /** It is not known yet how many lines of a call do. */
  readonly isUnread: (id: CallId) => void
  /** The calls whose lines are counted. */
  readonly counted: () => ReadonlyArray<CallId>
  /** How many lines ring or talk here, or may before the next look; nothing where they are not bounded. */
  readonly linesUsed: (now: number) => number | undefined
}

/** What is needed of the engine. */
interface Options {
  readonly settings: Settings.Settings
  readonly rate: Rate
  readonly account: Account
  /** Whether no dial is to begin any more. */
  readonly isClosing: () => boolean
}

/** No dial has a place. */
export const make = ({ account, isClosing, rate, settings }: Options): PlacedDials => {
  const isPaced = settings.dial.perSecond < Infinity
  const isBounded = settings.dial.linesAtMost < Infinity
  const lines = LinesInUse.make()
  const placed = new Map<CallId, Again>()
  /** The attempts that are decided and not yet sent, and since when. */
  const unsent = new Map<CallId, number>()
  /** Those of which it is not known that they are recorded, so that their line is not counted among those of its call. */
  const uncounted = new Set<CallId>()

  /** The lines that ring, talk, or are about to. */
  const inUse = (): number => lines.count() + placed.size + uncounted.size

  const haveLine = (now: number): boolean => !isBounded || (lines.unread() === 0 && inUse() < rate.lines(now))

  /** A store that is late holds back what follows: at most the dials of a second are decided and not sent. */
  const keepUp = (now: number): boolean => placed.size + unsent.size < Math.max(1, rate.perSecond(now))

  /** What was not recorded in time is not sent any more. */
  const forgetUnrecorded = (now: number): void => {
    for (const [id, since] of unsent) {
      if (now - since < settings.dial.sendWithin) return
      unsent.delete(id)
      uncounted.delete(id)
    }
  }

  const nextAt = (now: number): number => Math.max(rate.nextAt(now), account.freeAt())

  return {
    isFree: (now) => {
      if (nextAt(now) > now || isClosing()) return false
      if (account.freeAt() > -Infinity && placed.size > 0) return false // one at a time probes
      forgetUnrecorded(now)
      return haveLine(now) && keepUp(now)
    },
    nextAt,
    has: (id) => placed.has(id),
    place: (id, again) => void placed.set(id, again),
    unplace: (id) => {
      const again = placed.get(id)
      placed.delete(id)
      return again
    },
    attempt: (id, now) => {
      unsent.delete(id)
      if (isPaced || isBounded) unsent.set(id, now)
      if (isBounded) uncounted.add(id)
      return placed.delete(id)
    },
    send: (id) => void unsent.delete(id),
    open: (id, count) => {
      if (!isBounded) return false
      const wasUncounted = uncounted.delete(id)
      return lines.set(id, count) || wasUncounted
    },
    isUnread: (id) => {
      if (isBounded) lines.setUnread(id)
    },
    counted: lines.calls,
    linesUsed: (now) => isBounded ? Math.max(inUse() + lines.unread(), rate.lines(now)) : undefined
  }
}
