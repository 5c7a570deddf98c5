/**
 * One timer for everything that has the same time to be done: what is watched becomes late in the order in which it began.
 * What comes to be watched out of that order, which is seldom, has a timer of its own.
 */
import { Effect, Latch, MutableList } from "effect"
import type { Scope } from "effect"
import * as Background from "./background.ts"

/** Something that is waited for. It sets itself to `undefined` when it is done, so that nothing is kept for the timer. */
export class Watched<A> {
  readonly since: number
  item: A | undefined
  constructor(since: number, item: A) {
    this.since = since
    this.item = item
  }
}

/** Watches until its scope closes; `onLate` gets what is not done `millis` after it began. */
export const make = Effect.fnUntraced(function*<A>(
  elapsed: () => number,
  millis: number,
  onLate: (item: A) => Effect.Effect<void>
): Effect.fn.Return<(watched: Watched<A>) => void, never, Scope.Scope> {
  const waiting = MutableList.make<Watched<A>>()
  const latch = yield* Latch.make()
  const run = yield* Background.make
  let latest = -Infinity

  const untilLate = (watched: Watched<A>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = watched.since + millis - elapsed()
      return left > 0 ? Effect.sleep(left) : Effect.void
    })

  const late = (watched: Watched<A>): Effect.Effect<void> =>
    Effect.suspend(() => watched.item === undefined ? Effect.void : onLate(watched.item))

  const next = Effect.gen(function*() {
    latch.closeUnsafe()
    let first = MutableList.take(waiting)
    while (first !== MutableList.Empty && first.item === undefined) first = MutableList.take(waiting) // done in time
    if (first === MutableList.Empty) return yield* latch.await
    yield* untilLate(first)
    yield* late(first)
  })
  yield* Effect.forkScoped(Effect.forever(next))

  return (watched) => {
    if (watched.since < latest) return void run(Effect.andThen(untilLate(watched), late(watched)))
    latest = watched.since
    MutableList.append(waiting, watched)
    latch.openUnsafe()
  }
})
