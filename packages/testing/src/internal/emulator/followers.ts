/**
 * Those whose clocks go with the emulator's: they hear of a skipped wait, and have passed over it, before the lines do.
 */
import { Deferred, Effect, Option } from "effect"
import type { Duration } from "effect"

export interface Followers {
  /** How much was skipped so far; if that is no more than `beyond`, as soon as it is more, or after `wait`. */
  readonly follow: (beyond: number | undefined, wait: Duration.Duration) => Effect.Effect<number>
  /** Tells all who listen, and waits until they have heard, for two seconds at most. */
  readonly pass: (millis: number) => Effect.Effect<void>
}

export const make = (): Followers => {
  let skipped = 0
  let listening = 0
  let news = Deferred.makeUnsafe<number>()
  let asked: { missing: number; readonly heard: Deferred.Deferred<void> } | undefined

  const hear = Effect.suspend(() =>
    asked === undefined || --asked.missing > 0 ? Effect.void : Deferred.succeed(asked.heard, undefined)
  )

  const listen = (wait: Duration.Duration) =>
    Effect.acquireUseRelease(
      Effect.sync(() => void listening++),
      () => Effect.timeoutOption(Deferred.await(news), wait),
      () => Effect.sync(() => void listening--)
    )

  return {
    follow: Effect.fnUntraced(function*(beyond, wait) {
      if (beyond === skipped) yield* hear
      return beyond === skipped ? Option.getOrElse(yield* listen(wait), () => skipped) : skipped
    }),
    pass: Effect.fnUntraced(function*(millis) {
      skipped += millis
      const told = news
      news = Deferred.makeUnsafe<number>()
      const heard = Deferred.makeUnsafe<void>()
      asked = listening === 0 ? undefined : { missing: listening, heard }
      yield* Deferred.succeed(told, skipped)
      if (asked !== undefined) yield* Effect.timeoutOption(Deferred.await(heard), "2 seconds")
    })
  }
}
