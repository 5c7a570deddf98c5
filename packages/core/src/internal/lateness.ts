/**
 * One timer for everything that has the same time to be done: what is watched becomes late in the order in which it began.
 */
import { Effect, Latch, MutableList } from "effect"
import type { Scope } from "effect"

/** Something that is waited for. It sets itself to `undefined` when it is done, so that nothing is kept for the timer. */
export interface Watched<A> {
  readonly since: number
  item: A | undefined
}

/** Watches until its scope closes; `onLate` gets what is not done `millis` after it began. */
export const make = Effect.fnUntraced(function*<A>(
  steady: () => number,
  millis: number,
  onLate: (item: A) => Effect.Effect<void>
): Effect.fn.Return<(watched: Watched<A>) => void, never, Scope.Scope> {
  const waiting = MutableList.make<Watched<A>>()
  const latch = yield* Latch.make()

  const next = Effect.gen(function*() {
    latch.closeUnsafe()
    let first = MutableList.take(waiting)
    while (first !== MutableList.Empty && first.item === undefined) first = MutableList.take(waiting) // done in time
    if (first === MutableList.Empty) return yield* latch.await
    const left = first.since + millis - steady()
    if (left > 0) yield* Effect.sleep(left)
    if (first.item !== undefined) yield* onLate(first.item)
  })
  yield* Effect.forkScoped(Effect.forever(next))

  return (watched) => {
    MutableList.append(waiting, watched)
    latch.openUnsafe()
  }
})
