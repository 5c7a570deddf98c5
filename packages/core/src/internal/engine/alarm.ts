/**
 * One alarm clock for all calls, with one entry a call. What is late all at once (after a restart, a jump of the clock, a
 * machine that slept) is woken at a bounded rate.
 */
import { Effect, Latch } from "effect"
import type { Scope } from "effect"
import * as Heap from "../heap.ts"
import type * as Time from "./time.ts"

interface Entry extends Heap.Entry {
  readonly id: string
  at: number
  urgent: boolean
  late: boolean
}

/** Wakes calls. */
export interface Alarm {
  /** Wakes `id` at `at` (milliseconds since 1970), and not when it was to be woken before. The urgent go first. */
  readonly set: (id: string, at: number, urgent: boolean) => void
  /** Wakes `id` at `at` at the latest: if it is to be woken before that, it stays so. */
  readonly setLatest: (id: string, at: number, urgent: boolean) => void
  /** Forgets `id`. */
  readonly clear: (id: string) => void
  /** All that are to be woken, the earliest first. */
  readonly armed: () => ReadonlyArray<string>
  /** Whether calls that are late wait for their turn. */
  readonly isCatchingUp: () => boolean
  /** Looks at once what is due, because the time has jumped. */
  readonly look: () => void
}

/** Whoever is woken no later than this is on time. */
const punctual = 1_000

/** So often the clocks are compared while nothing is due, where nobody tells when one is set. */
const lookEvery = 30_000

/**
 * Runs until its scope closes; `ring` must not fail and should not take long. `perSecond` bounds what is rung late.
 * `changes` tells when the clock is set, if anybody does.
 */
export const make = Effect.fnUntraced(function*(
  time: Time.Time,
  perSecond: number,
  ring: (id: string) => Effect.Effect<void>,
  changes?: Time.ClockChanges
): Effect.fn.Return<Alarm, never, Scope.Scope> {
  const longestSleep = changes === undefined ? lookEvery : Infinity
  const armed = new Map<string, Entry>()
  const due = Heap.make<Entry>((self, that) => self.at < that.at)
  const late = Heap.make<Entry>((self, that) => self.urgent === that.urgent ? self.at < that.at : self.urgent)
  const latch = yield* Latch.make()
  let paceFrom = -Infinity
  /** When the sleeper looks next by itself: only who is due before that has to wake it. */
  let looksAt = Infinity

  const heapOf = (entry: Entry) => entry.late ? late : due

  const wake = (entry: Entry): Effect.Effect<void> => {
    heapOf(entry).remove(entry)
    armed.delete(entry.id)
    return ring(entry.id)
  }

  /**
   * Rings who is due on time, and puts the others of that time behind each other. Whoever is rung may find that the clock
   * was set back, and be set again: so it looks at the clock before each.
   */
  const ringDue = Effect.fnUntraced(function*() {
    for (let entry = due.first(); entry !== undefined; entry = due.first()) {
      const behind = time.steady() - entry.at
      if (behind < 0) return
      if (behind <= punctual) yield* wake(entry)
      else {
        due.remove(entry)
        entry.late = true
        late.add(entry)
      }
    }
  })

  const ringLate = (now: number): Effect.Effect<void> => {
    const first = late.first()
    if (first === undefined || now < paceFrom) return Effect.void
    paceFrom = now + 1_000 / perSecond
    return wake(first)
  }

  const turn = Effect.gen(function*() {
    latch.closeUnsafe()
    yield* ringDue()
    const now = time.steady()
    yield* ringLate(now)
    const next = Math.min(due.first()?.at ?? Infinity, late.size() > 0 ? paceFrom : Infinity)
    looksAt = next === Infinity ? Infinity : Math.min(next, now + longestSleep)
    yield* looksAt === Infinity ? latch.await : Effect.raceFirst(Effect.sleep(looksAt - now), latch.await)
  })
  yield* Effect.forkScoped(Effect.forever(turn))

  const look = (): void => void latch.openUnsafe()
  if (changes !== undefined) yield* Effect.acquireRelease(Effect.sync(() => changes.listen(look)), Effect.sync)

  const clear = (id: string): void => {
    const entry = armed.get(id)
    if (entry === undefined) return
    heapOf(entry).remove(entry)
    armed.delete(id)
  }

  const set = (id: string, wall: number, urgent: boolean): void => {
    const at = time.steadyAt(wall)
    let entry = armed.get(id)
    if (entry === undefined) {
      entry = { id, at, urgent, late: false, place: -1 }
      armed.set(id, entry)
    } else {
      heapOf(entry).remove(entry)
      entry.at = at
      entry.urgent = urgent
      entry.late = false
    }
    due.add(entry)
    if (at < looksAt) latch.openUnsafe()
  }

  return {
    set,
    setLatest(id, at, urgent) {
      const entry = armed.get(id)
      if (entry === undefined || entry.at > time.steadyAt(at)) set(id, at, urgent)
    },
    clear,
    armed: () => [...armed.values()].toSorted((self, that) => self.at - that.at).map(({ id }) => id),
    isCatchingUp: () => late.size() > 0,
    look
  }
})
