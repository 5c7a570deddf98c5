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
import * as Gathered from "../gathered.ts"
import * as Pace from "../pace.ts"
import * as Account from "./account.ts"
import * as LinesInUse from "./linesInUse.ts"
import type { Time } from "./time.ts"
import * as WaitingDials from "./waitingDials.ts"

/** Gives dials their places. */
export interface Pacing {
  /** The dial of a call waits, from `at` on (milliseconds since 1970) for a place. What waits from then on already stays. */
  readonly wait: (id: CallId, at: number, dial?: WaitingDials.Dial) => void
  /** The call has no dial that waits any more. */
  readonly leave: (id: CallId) => void
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
  readonly seen: (members: Pace.Members, at: number, others: ReadonlyArray<Use>) => void
  /** How many lines ring or talk here, or may before the next look; nothing where they are not bounded. */
  readonly linesUsed: () => number | undefined
  /** Looks at once what may go, because the time has jumped. */
  readonly look: () => void
}

/** How many lines another process uses, and its rank among all. */
export interface Use {
  readonly rank: number
  readonly lines: number
}

/** So often it is looked again whether a dial may go that waits for something else than time, in milliseconds. */
const lookAgain = 1_000

/** Dials are kept apart for so long at most when they are sent, in milliseconds: each has a window for that. */
const longestSpacing = 1_000

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
  let pace = isShared ? Pace.joining : Pace.alone
  const account = Account.make({ time, settings, run })
  const waiting = WaitingDials.make({ time, settings, account, wake })
  const lines = LinesInUse.make()
  /** The calls that have a place and have not used it, and what of them waits for another one if they do not. */
  const placed = new Map<CallId, Pick<WaitingDials.Waiting, "at" | "dial"> | undefined>()
  /** The attempts that are decided and not yet sent, and since when. */
  const unsent = new Map<CallId, number>()
  /** Those of which it is not known that they are recorded, so that their line is not counted among those of its call. */
  const uncounted = new Set<CallId>()
  let spacing = 0
  let sendsAt = -Infinity
  const latch = yield* Latch.make()
  const look = (): void => void latch.openUnsafe()

  const tellThrottled = Gathered.make<number>(
    run,
    ([perSecond = 0], count) =>
      Effect.logWarning(
        `The carrier throttles dials (429, ${count === 1 ? "once" : `${count} times`}): ` +
          `this process sends ${perSecond.toFixed(1)} a second at most for now, and then slowly more`
      )
  )

  const enter = (id: CallId, at: number, dial: WaitingDials.Dial | undefined): void => {
    if (waiting.enter(id, at, dial)) look()
  }

  const leave = (id: CallId): void => {
    if (placed.has(id)) placed.set(id, undefined)
    waiting.leave(id)
  }

  /** The lines that ring, talk, or are about to. */
  const linesInUse = (): number => lines.count() + placed.size + uncounted.size

  const hasLine = (now: number): boolean =>
    settings.dial.linesAtMost === Infinity || lines.unread() === 0 && linesInUse() < Pace.lines(pace, now, settings)

  /** A store that is late holds back what follows: at most the dials of a second are decided and not sent. */
  const keepsUp = (now: number): boolean => placed.size + unsent.size < Math.max(1, Pace.rate(pace, now, settings))

  /** What was not recorded in time is not sent any more. */
  const forgetUnrecorded = (now: number): void => {
    for (const [id, since] of unsent) {
      if (now - since < settings.dial.sendWithin) return
      unsent.delete(id)
      uncounted.delete(id)
    }
  }

  const nextAt = (now: number): number => Math.max(Pace.nextAt(pace, now, settings), account.freeAt())

  const isFree = (now: number): boolean => {
    if (nextAt(now) > now || isClosing()) return false
    if (account.freeAt() > -Infinity && placed.size > 0) return false // one at a time probes
    forgetUnrecorded(now)
    return hasLine(now) && keepsUp(now)
  }

  const take = (now: number): void => {
    pace = Pace.taken(pace, now, settings)
    spacing = Math.min(pace.freeAt - now, longestSpacing)
  }

  /** Whether the place that is free is for another one. */
  const isBehind = (id: CallId): boolean => {
    const first = waiting.due()
    return first !== undefined && first.id !== id
  }

  const release = (): void => {
    for (let first = waiting.due(); first !== undefined; first = waiting.due()) {
      const now = time.elapsed()
      const { dial, id } = first
      if (dial !== undefined && account.freeAtFrom(dial.from) > Math.max(now, account.freeAt())) {
        waiting.park(first)
        continue
      }
      if (!isFree(now)) return
      leave(id)
      placed.set(id, undefined)
      take(now)
      run(Effect.ensuring(go(id), Effect.sync(() => unplace(id))))
    }
  }

  /**
   * A call that was set back with its clock finds that the time of its dial has not come, or one that was read only now that
   * something stands in its way, and waits again.
   */
  const unplace = (id: CallId): void => {
    const again = placed.get(id)
    if (!placed.delete(id)) return
    if (again !== undefined) enter(id, Math.max(again.at, time.steady() + 1), again.dial)
    look()
  }

  /** How long nothing changes by itself; `Infinity` if nothing does. */
  const pause = (): number => {
    const now = time.elapsed()
    const steady = time.steady()
    const next = Math.max(waiting.firstAt() - steady, nextAt(now) - now)
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
      if (placed.has(id)) return void placed.set(id, { at, dial })
      enter(id, at, dial)
    },
    leave,
    hasPlace: (id, now) => placed.has(id) || (!isBehind(id) && isFree(now)),
    standing: account.standing,
    attempted: (id, from, now) => {
      account.attempted(from, now)
      if (!placed.delete(id)) take(now)
      leave(id)
      unsent.delete(id)
      if (settings.dial.perSecond < Infinity || settings.dial.linesAtMost < Infinity) unsent.set(id, now)
      if (settings.dial.linesAtMost < Infinity) uncounted.add(id)
    },
    beforeSending: (id) =>
      Effect.suspend(() => {
        const now = time.elapsed()
        const wait = sendsAt - now
        sendsAt = Math.max(sendsAt, now) + spacing
        const sent = Effect.sync(() => {
          unsent.delete(id)
          look()
        })
        return wait > 0 ? Effect.andThen(Effect.sleep(Math.ceil(wait)), sent) : sent
      }),
    posted: (from, posted) => {
      if (account.posted(from, posted)) {
        waiting.sweepSoon()
        look()
      }
      if (posted._tag !== "NotSent" || posted.throttled !== true) return
      const now = time.elapsed()
      const slower = Pace.throttled(pace, now, settings)
      if (slower !== pace) tellThrottled(Pace.rate(slower, now, settings))
      pace = slower
    },
    open: (id, count) => {
      if (settings.dial.linesAtMost === Infinity) return
      const wasUncounted = uncounted.delete(id)
      if (lines.set(id, count) || wasUncounted) look()
    },
    isUnread: (id) => {
      if (settings.dial.linesAtMost < Infinity) lines.setUnread(id)
    },
    counted: lines.calls,
    seen: (members, at, others) => {
      pace = Pace.used(Pace.seen(pace, members, at, settings), others, members.count, settings)
      look()
    },
    linesUsed: () =>
      settings.dial.linesAtMost === Infinity
        ? undefined
        : Math.max(linesInUse() + lines.unread(), Pace.lines(pace, time.elapsed(), settings)),
    look
  }
})
