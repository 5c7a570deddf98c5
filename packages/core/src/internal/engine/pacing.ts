/**
 * The dials of this process: those that wait, in the order in which their time came, and when the next one may go. A dial that
 * finds a place when it is planned does not wait. What waits is an entry in a queue, and its call need not be in memory.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Posted, Standing } from "../../CallInput.ts"
import type * as Settings from "../../Settings.ts"
import type { Run } from "../background.ts"
import type { Members } from "../pace.ts"
import * as Account from "./account.ts"
import * as PlacedDials from "./placedDials.ts"
import * as Rate from "./rate.ts"
import * as Releasing from "./releasing.ts"
import type { Time } from "./time.ts"
import * as WaitingDials from "./waitingDials.ts"

/** Gives dials their places. */
export interface Pacing {
  /** The dial of a call waits, from `at` on (milliseconds since 1970) for a place. What waits from then on already stays. */
  readonly wait: (id: CallId, at: number, dial?: WaitingDials.Dial) => void
  /** The call has no dial that waits any more. */
  readonly leave: (id: CallId) => void
  /** How many dials wait. */
  readonly waiting: () => number
  /** The calls whose dials wait. */
  readonly waitingCalls: () => Iterable<CallId>
  /** Whether a dial of a call may be attempted now: it was given a place, or there is one and nobody waits for it. */
  readonly hasPlace: (id: CallId, elapsed: number) => boolean
  /** What stands in the way of dials, whoever is to be rung. */
  readonly standing: (elapsed: number) => ReadonlyArray<Standing>
  /** A dial of the call, from this number, is about to be recorded as attempted. */
  readonly attempted: (id: CallId, from: string, elapsed: number) => void
  /** Waits until a recorded dial may be sent: a store that was late brings many at once. */
  readonly beforeSending: (id: CallId) => Effect.Effect<void>
  /** What has become of the `POST` of a dial from this number. */
  readonly posted: (from: string, posted: Posted) => void
  /** So many lines of a call ring or talk. */
  readonly open: (id: CallId, lines: number) => void
  /** It is not known yet how many lines of a call do. */
  readonly isUnread: (id: CallId) => void
  /** The calls whose lines are counted. */
  readonly counted: () => ReadonlyArray<CallId>
  /** This process was seen to live at `at`, by the time that has elapsed, as one of so many, and what lines the others use. */
  readonly seen: (members: Members, at: number, others: ReadonlyArray<Rate.Use>) => void
  /** How many lines ring or talk here, or may before the next look; nothing where they are not bounded. */
  readonly linesUsed: () => number | undefined
  /** Looks at once what may go, because the time has jumped. */
  readonly look: () => void
}

/** What the engine lends. */
interface Options {
  readonly time: Time
  readonly settings: Settings.Settings
  readonly run: Run
  /** Whether other processes share the store. */
  readonly isShared: boolean
  /** Whether no dial is to begin any more. */
  readonly isClosing: () => boolean
  /** Lets a call go on whose dial has its place. */
  readonly go: (id: CallId) => Effect.Effect<void>
  /** Has a call looked at that may have to be given up. */
  readonly wake: (id: CallId) => void
}

/** Works until its scope closes. */
export const make = Effect.fnUntraced(function*(
  { go, isClosing, isShared, run, settings, time, wake }: Options
): Effect.fn.Return<Pacing, never, Scope.Scope> {
  const rate = Rate.make({ settings, run, isShared })
  const account = Account.make({ time, settings, run })
  const waiting = WaitingDials.make({ time, settings, account, wake })
  const placed = PlacedDials.make({ settings, rate, account, isClosing })
  const { enter, look } = yield* Releasing.make({ time, run, go, rate, account, waiting, placed })

  const leave = (id: CallId): void => {
    if (placed.has(id)) placed.place(id, undefined)
    waiting.leave(id)
  }

  /** Whether the place that is free is for another one. */
  const isBehind = (id: CallId): boolean => {
    const first = waiting.due()
    return first !== undefined && first.id !== id
  }

  return {
    wait: (id, from, dial) => {
      const at = time.steadyAt(from)
      if (placed.has(id)) placed.place(id, { at, dial })
      else enter(id, at, dial)
    },
    leave,
    waiting: waiting.count,
    waitingCalls: waiting.calls,
    hasPlace: (id, now) => placed.has(id) || (!isBehind(id) && placed.isFree(now)),
    standing: account.standing,
    attempted: (id, from, now) => {
      account.attempted(from, now)
      if (!placed.attempt(id, now)) rate.take(now)
      leave(id)
    },
    beforeSending: (id) =>
      Effect.suspend(() => {
        const wait = rate.sendsIn(time.elapsed())
        const sent = Effect.sync(() => {
          placed.send(id)
          look()
        })
        return wait > 0 ? Effect.andThen(Effect.sleep(Math.ceil(wait)), sent) : sent
      }),
    posted: (from, posted) => {
      if (account.posted(from, posted)) {
        waiting.sweepSoon()
        look()
      }
      if (posted._tag === "NotSent" && posted.throttled === true) rate.throttle(time.elapsed())
    },
    open: (id, lines) => {
      if (placed.open(id, lines)) look()
    },
    isUnread: placed.isUnread,
    counted: placed.counted,
    seen: (members, at, others) => {
      rate.seen(members, at, others)
      look()
    },
    linesUsed: () => placed.linesUsed(time.elapsed()),
    look
  }
})
