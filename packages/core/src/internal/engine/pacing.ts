/**
 * The dials of this process: those that wait, in the order in which their time came, and when the next one may go. A dial that
 * finds a place when it is planned does not wait. What waits is an entry in a queue, and its call need not be in memory.
 */
import { Effect, Latch } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Posted, Standing } from "../../CallInput.ts"
import type * as Settings from "../../Settings.ts"
import type { Run } from "../background.ts"
import type { Members } from "../pace.ts"
import * as Account from "./account.ts"
import * as PlacedDials from "./placedDials.ts"
import * as Rate from "./rate.ts"
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

/** So often it is looked again whether a dial may go that waits for something else than time, in milliseconds. */
const lookAgain = 1_000

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
  const latch = yield* Latch.make()
  const look = (): void => void latch.openUnsafe()

  const enter = (id: CallId, at: number, dial: WaitingDials.Dial | undefined): void => {
    if (waiting.enter(id, at, dial)) look()
  }

  const leave = (id: CallId): void => {
    if (placed.has(id)) placed.place(id, undefined)
    waiting.leave(id)
  }

  /** Whether the place that is free is for another one. */
  const isBehind = (id: CallId): boolean => {
    const first = waiting.due()
    return first !== undefined && first.id !== id
  }

  /** Whether something stands in the way of a dial because of the number that it is from. */
  const isAside = ({ dial }: WaitingDials.Waiting, now: number): boolean =>
    dial !== undefined && account.freeAtFrom(dial.from) > Math.max(now, account.freeAt())

  const release = (): void => {
    for (let first = waiting.due(); first !== undefined; first = waiting.due()) {
      const now = time.elapsed()
      if (isAside(first, now)) waiting.park(first)
      else if (placed.isFree(now)) letGo(first.id, now)
      else return
    }
  }

  const letGo = (id: CallId, now: number): void => {
    waiting.leave(id)
    placed.place(id, undefined)
    rate.take(now)
    run(Effect.ensuring(go(id), Effect.sync(() => unplace(id))))
  }

  /**
   * A call that was set back with its clock finds that the time of its dial has not come, or one that was read only now that
   * something stands in its way, and waits again.
   */
  const unplace = (id: CallId): void => {
    if (!placed.has(id)) return
    const again = placed.unplace(id)
    if (again !== undefined) enter(id, Math.max(again.at, time.steady() + 1), again.dial)
    look()
  }

  /** How long nothing changes by itself; `Infinity` if nothing does. */
  const pause = (): number => {
    const now = time.elapsed()
    const steady = time.steady()
    const next = Math.max(waiting.firstAt() - steady, placed.nextAt(now) - now)
    const wait = Math.min(next, waiting.sweepAt() - steady, waiting.unparkAt() - now)
    return wait > 0 ? Math.max(1, Math.ceil(wait)) : lookAgain
  }

  const turn = Effect.gen(function*() {
    latch.closeUnsafe()
    waiting.unpark(time.elapsed())
    release()
    waiting.sweepIfDue()
    const wait = pause()
    yield* wait === Infinity ? latch.await : Effect.raceFirst(Effect.sleep(wait), latch.await)
  })
  yield* Effect.forkScoped(Effect.forever(turn))

  return {
    wait: (id, from, dial) => {
      const at = time.steadyAt(from)
      if (placed.has(id)) placed.place(id, { at, dial })
      else enter(id, at, dial)
    },
    leave,
    waiting: waiting.count,
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
