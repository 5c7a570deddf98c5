/** How fast this process dials, and how many lines it may use: its pace, as time and the carrier go on. */
import { Effect } from "effect"
import type * as Settings from "../../Settings.ts"
import type { Run } from "../background.ts"
import * as Gathered from "../gathered.ts"
import * as Pace from "../pace.ts"

/** How many lines another process uses, and its rank among all. */
export interface Use {
  readonly rank: number
  readonly lines: number
}

/** Keeps the pace. `now` is by the time that has elapsed. */
export interface Rate {
  /** How many dials a second may go. */
  readonly perSecond: (now: number) => number
  /** How many lines may ring or talk at a time. */
  readonly lines: (now: number) => number
  /** When the next dial may go: `Infinity` if that is not for time to bring. */
  readonly nextAt: (now: number) => number
  /** A dial goes. */
  readonly take: (now: number) => void
  /** How long a recorded dial waits until it is sent, and takes its place among those: a late store brings many at once. */
  readonly sendsIn: (now: number) => number
  /** The carrier takes no more for now. */
  readonly throttle: (now: number) => void
  /** This process was seen to live at `at` as one of so many, and what lines the others use. */
  readonly seen: (members: Pace.Members, at: number, others: ReadonlyArray<Use>) => void
}

/** Dials are kept apart for so long at most when they are sent, in milliseconds: each has a window for that. */
const longestSpacing = 1_000

/** What is needed of the engine. */
interface Options {
  readonly settings: Settings.Settings
  readonly run: Run
  /** Whether other processes share the store. */
  readonly isShared: boolean
}

/** No dial has gone. */
export const make = ({ isShared, run, settings }: Options): Rate => {
  let pace = isShared ? Pace.joining : Pace.alone
  let spacing = 0
  let sendsAt = -Infinity

  const tellThrottled = Gathered.make<number>(
    run,
    ([perSecond = 0], count) =>
      Effect.logWarning(
        `The carrier throttles dials (429, ${count === 1 ? "once" : `${count} times`}): ` +
          `this process sends ${perSecond.toFixed(1)} a second at most for now, and then slowly more`
      )
  )

  return {
    perSecond: (now) => Pace.rate(pace, now, settings),
    lines: (now) => Pace.lines(pace, now, settings),
    nextAt: (now) => Pace.nextAt(pace, now, settings),
    take: (now) => {
      pace = Pace.taken(pace, now, settings)
      spacing = Math.min(pace.freeAt - now, longestSpacing)
    },
    sendsIn: (now) => {
      const wait = sendsAt - now
      sendsAt = Math.max(sendsAt, now) + spacing
      return wait
    },
    throttle: (now) => {
      const slower = Pace.throttled(pace, now, settings)
      if (slower !== pace) tellThrottled(Pace.rate(slower, now, settings))
      pace = slower
    },
    seen: (members, at, others) => {
      pace = Pace.used(Pace.seen(pace, members, at, settings), others, members.count, settings)
    }
  }
}
