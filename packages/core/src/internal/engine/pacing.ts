/**
 * The dials of this process: those that wait, in the order in which their time came, and when the next one may go. A dial that
 * finds a place when it is planned does not wait. What waits is an entry in a queue, and its call need not be in memory.
 */
import { Effect, Latch } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type * as Settings from "../../Settings.ts"
import type { Run } from "../background.ts"
import * as Gathered from "../gathered.ts"
import * as Heap from "../heap.ts"
import * as Pace from "../pace.ts"
import type { Time } from "./time.ts"

/** Gives dials their places. */
export interface Pacing {
  /** The dial of a call waits, from `at` on (milliseconds since 1970) for a place. What waits from then on already stays. */
  readonly wait: (id: CallId, at: number) => void
  /** The call has no dial that waits any more. */
  readonly leave: (id: CallId) => void
  /** Whether a dial of a call may be attempted now: it was given a place, or there is one and nobody waits for it. */
  readonly hasPlace: (id: CallId, elapsed: number) => boolean
  /** A dial of the call is about to be recorded as attempted. */
  readonly attempted: (id: CallId, elapsed: number) => void
  /** Waits until a recorded dial may be sent: a store that was late brings many at once. */
  readonly beforeSending: (id: CallId) => Effect.Effect<void>
  /** The carrier takes no more dials for now. */
  readonly throttled: () => void
  /** So many lines of a call ring or talk. */
  readonly open: (id: CallId, lines: number) => void
  /** It is not known yet how many lines of a call do. */
  readonly isUnread: (id: CallId) => void
  /** The calls whose lines are counted. */
  readonly counted: () => ReadonlyArray<CallId>
  /** This process was seen to live at `at`, by the time that has elapsed, as one of so many. */
  readonly seen: (members: Pace.Members, at: number) => void
  /** Looks at once what may go, because the time has jumped. */
  readonly look: () => void
}

interface Entry extends Heap.Entry {
  readonly id: CallId
  readonly at: number
  /** Its place among all that have come to wait. */
  readonly n: number
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
}

/** Works until its scope closes. */
export const make = Effect.fnUntraced(function*(
  { go, isClosing, isShared, run, settings, time }: Options
): Effect.fn.Return<Pacing, never, Scope.Scope> {
  const waiting = new Map<CallId, Entry>()
  const queue = Heap.make<Entry>((self, that) => self.at === that.at ? self.n < that.n : self.at < that.at)
  let pace = isShared ? Pace.joining : Pace.alone
  let entered = 0
  /** The calls that have a place and have not used it, and from when on they wait for another one if they do not. */
  const placed = new Map<CallId, number | undefined>()
  /** The attempts that are decided and not yet sent, and since when. */
  const unsent = new Map<CallId, number>()
  let spacing = 0
  let sendsAt = -Infinity
  const lines = new Map<CallId, number>()
  let linesOpen = 0
  const unread = new Set<CallId>()
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

  const enter = (id: CallId, at: number): void => {
    const entry: Entry = { id, at, n: entered++, place: -1 }
    waiting.set(id, entry)
    queue.add(entry)
    if (queue.first() === entry) look()
  }

  const leave = (id: CallId): void => {
    if (placed.has(id)) placed.set(id, undefined)
    const entry = waiting.get(id)
    if (entry === undefined) return
    queue.remove(entry)
    waiting.delete(id)
  }

  /** The lines that ring, talk, or are about to. */
  const linesInUse = (): number => {
    let more = 0
    for (const id of placed.keys()) if (!lines.has(id)) more++
    for (const id of unsent.keys()) if (!lines.has(id) && !placed.has(id)) more++
    return linesOpen + more
  }

  const hasLine = (now: number): boolean =>
    settings.dial.linesAtMost === Infinity || unread.size === 0 && linesInUse() < Pace.lines(pace, now, settings)

  /** A store that is late holds back what follows: at most the dials of a second are decided and not sent. */
  const keepsUp = (now: number): boolean => placed.size + unsent.size < Math.max(1, Pace.rate(pace, now, settings))

  /** What was not recorded in time is not sent any more. */
  const forgetUnrecorded = (now: number): void => {
    for (const [id, since] of unsent) {
      if (now - since < settings.dial.sendWithin) return
      unsent.delete(id)
    }
  }

  const isFree = (now: number): boolean => {
    if (Pace.nextAt(pace, now, settings) > now || isClosing()) return false
    forgetUnrecorded(now)
    return hasLine(now) && keepsUp(now)
  }

  const take = (now: number): void => {
    pace = Pace.taken(pace, now, settings)
    spacing = Math.min(pace.freeAt - now, longestSpacing)
  }

  const isDue = (entry: Entry | undefined): entry is Entry => entry !== undefined && entry.at <= time.steady()

  /** Whether the place that is free is for another one. */
  const isBehind = (id: CallId): boolean => {
    const first = queue.first()
    return isDue(first) && first.id !== id
  }

  const release = (): void => {
    for (let first = queue.first(); isDue(first); first = queue.first()) {
      const now = time.elapsed()
      if (!isFree(now)) return
      const { id } = first
      leave(id)
      placed.set(id, undefined)
      take(now)
      run(Effect.ensuring(go(id), Effect.sync(() => unplace(id))))
    }
  }

  /** A call that was set back with its clock finds that the time of its dial has not come, and waits again. */
  const unplace = (id: CallId): void => {
    const at = placed.get(id)
    if (!placed.delete(id)) return
    if (at !== undefined) enter(id, Math.max(at, time.steady() + 1))
    look()
  }

  /** How long nothing changes by itself; `Infinity` if nothing does. */
  const pause = (): number => {
    const first = queue.first()
    if (first === undefined) return Infinity
    const now = time.elapsed()
    const wait = Math.max(first.at - time.steady(), Pace.nextAt(pace, now, settings) - now)
    return wait > 0 ? Math.max(1, Math.ceil(wait)) : lookAgain
  }

  const turn = Effect.gen(function*() {
    latch.closeUnsafe()
    release()
    const wait = pause()
    yield* wait === Infinity ? latch.await : Effect.raceFirst(Effect.sleep(wait), latch.await)
  })
  yield* Effect.forkScoped(Effect.forever(turn))

  return {
    wait: (id, from) => {
      const at = time.steadyAt(from)
      if (placed.has(id)) return void placed.set(id, at)
      if (waiting.get(id)?.at === at) return
      leave(id)
      enter(id, at)
    },
    leave,
    hasPlace: (id, now) => placed.has(id) || (!isBehind(id) && isFree(now)),
    attempted: (id, now) => {
      if (!placed.delete(id)) take(now)
      leave(id)
      unsent.delete(id)
      if (settings.dial.perSecond < Infinity || settings.dial.linesAtMost < Infinity) unsent.set(id, now)
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
    throttled: () => {
      const now = time.elapsed()
      const slower = Pace.throttled(pace, now, settings)
      if (slower !== pace) tellThrottled(Pace.rate(slower, now, settings))
      pace = slower
    },
    open: (id, count) => {
      if (settings.dial.linesAtMost === Infinity) return
      const wasUnread = unread.delete(id)
      const before = lines.get(id) ?? 0
      if (count === 0) lines.delete(id)
      else lines.set(id, count)
      linesOpen += count - before
      if (wasUnread || count < before) look()
    },
    isUnread: (id) => {
      if (settings.dial.linesAtMost < Infinity && !lines.has(id)) unread.add(id)
    },
    counted: () => [...lines.keys(), ...unread],
    seen: (members, at) => {
      pace = Pace.seen(pace, members, at, settings)
      look()
    },
    look
  }
})
