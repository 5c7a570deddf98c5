/**
 * One alarm clock for all calls: a heap with at most one entry a call. An entry may be early (what it was set for moved
 * on), never late; whoever is woken looks for itself.
 */
import { Effect, Latch } from "effect"
import type { Scope } from "effect"

interface Entry {
  readonly id: string
  readonly at: number
}

export interface Alarm {
  /** Wakes `id` at `at` (milliseconds since 1970), unless it is set to be woken before that. */
  readonly set: (id: string, at: number) => void
  /** Forgets `id`. */
  readonly clear: (id: string) => void
}

const push = (heap: Array<Entry>, entry: Entry): void => {
  let index = heap.push(entry) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (heap[parent]!.at <= entry.at) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = entry
}

const pop = (heap: Array<Entry>): Entry => {
  const first = heap[0]!
  const last = heap.pop()!
  const length = heap.length
  if (length === 0) return first
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= length) break
    if (child + 1 < length && heap[child + 1]!.at < heap[child]!.at) child++
    if (heap[child]!.at >= last.at) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
  return first
}

/** A timer of Node takes no more than 24 days. */
const longestSleep = 24 * 60 * 60 * 1000

/** Runs until its scope closes, by the time `now`; `ring` must not fail and should not take long. */
export const make = (
  now: Effect.Effect<number>,
  ring: (id: string) => Effect.Effect<void>
): Effect.Effect<Alarm, never, Scope.Scope> =>
  Effect.gen(function*() {
    const heap: Array<Entry> = []
    const armed = new Map<string, number>()
    const latch = yield* Latch.make()

    const wait = Effect.gen(function*() {
      const next = heap[0]
      if (next === undefined) return yield* latch.await
      const rest = next.at - (yield* now)
      if (rest > 0) {
        return yield* Effect.raceFirst(Effect.sleep(Math.min(rest, longestSleep)), latch.await)
      }
      pop(heap)
      if (armed.get(next.id) !== next.at) return
      armed.delete(next.id)
      yield* ring(next.id)
    })

    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sync(() => latch.closeUnsafe()), wait)))

    return {
      set(id, at) {
        const before = armed.get(id)
        if (before !== undefined && before <= at) return
        armed.set(id, at)
        const earliest = heap[0]
        push(heap, { id, at })
        if (earliest === undefined || at < earliest.at) latch.openUnsafe()
      },
      clear(id) {
        armed.delete(id)
      }
    }
  })
