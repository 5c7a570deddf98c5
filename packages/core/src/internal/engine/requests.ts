/** What an application asks of calls. It can ask again, so it waits for the store only for a while. */
import { Effect, type Exit } from "effect"
import type { Scope } from "effect"
import { Busy, Late, StoreError } from "../../EventStore.ts"
import * as Lateness from "../lateness.ts"
import * as Closing from "./closing.ts"
import type { Surroundings } from "./surroundings.ts"

/** Asks. */
export interface Requests {
  /**
   * Begins something that tells its end, and gives up waiting for it after `storePatience`. What was given up on may be done
   * all the same, and so may what nobody waits for any more.
   */
  readonly ask: <A, E>(begin: (answer: (exit: Exit.Exit<A, E>) => void) => void) => Effect.Effect<A, E | StoreError>
  /** Does something unless the engine is closing, or the store is late with what cannot wait. */
  readonly unlessRefused: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | StoreError>
  /** How many are under way. */
  readonly underWay: () => number
}

const refused = new StoreError({
  operation: "write",
  reason: new Busy({
    problem: "It is late with webhooks of calls that are live, so nothing else is asked of it. Try again later"
  })
})
const givenUp = new StoreError({
  operation: "write",
  reason: new Late({
    problem: "It did not answer in time. What was asked may still be done; with a key it can be asked again"
  })
})

/** Gives up in time until its scope closes. `isLate` tells whether the store is late with webhooks. */
export const make = Effect.fnUntraced(function*(
  { closing, elapsed, settings }: Surroundings,
  isLate: () => boolean
): Effect.fn.Return<Requests, never, Scope.Scope> {
  let count = 0
  const watch = yield* Lateness.make<() => void>(elapsed, settings.store.patience, (giveUp) => Effect.sync(giveUp))

  const unlessRefused = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | StoreError> =>
    Effect.suspend((): Effect.Effect<A, E | StoreError> => {
      if (closing.isBegun()) return Effect.fail(Closing.closed)
      return isLate() ? Effect.fail(refused) : effect
    })

  const ask: Requests["ask"] = <A, E>(begin: (answer: (exit: Exit.Exit<A, E>) => void) => void) =>
    unlessRefused(closing.answered(Effect.callback<A, E | StoreError>((resume) => {
      const watched = new Lateness.Watched(elapsed(), () => resume(Effect.fail(givenUp)))
      watch(watched)
      count++
      closing.begin()
      begin((exit) => {
        count--
        closing.end()
        watched.item = undefined
        resume(exit)
      })
    })))

  return { ask, unlessRefused, underWay: () => count }
})
