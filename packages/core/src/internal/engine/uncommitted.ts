/** Calls that are started in a transaction, of whose commit their process may not hear. On a store of its own. */
import { Effect } from "effect"
import type { Fiber } from "effect"
import type { StoreError } from "../../EventStore.ts"
import type { Surroundings } from "./surroundings.ts"
import { isUrgent } from "./takeover.ts"

/** Looks after them. */
export interface Uncommitted {
  /**
   * A call is started in a transaction. Looks for what is due soon, and again each time after twice as long, for nobody tells
   * how long a transaction lasts or that it was rolled back.
   */
  readonly started: () => void
}

/** Looks in the background, after the first start. */
export const make = ({ alarm, closing, now, run, settings, store }: Surroundings): Uncommitted => {
  /** How long it sleeps until it looks; 0 if a call is started meanwhile, so that it begins anew. */
  let pause = Infinity
  let looking: Fiber.Fiber<unknown> | undefined

  const look: Effect.Effect<boolean, StoreError> = Effect.gen(function*() {
    if (closing.isBegun() || alarm.isCatchingUp()) return false
    for (const call of yield* store.due({ before: now() })) {
      if (call.due !== null) alarm.setLatest(call.callId, call.due, isUrgent(call))
    }
    return true
  })

  const lookAgain = Effect.suspend(() => {
    pause = Math.max(settings.store.lookEvery, 2 * pause)
    return Effect.map(Effect.orElseSucceed(Effect.delay(look, pause), () => false), (hasLooked) => {
      if (!hasLooked) pause = 0
    })
  })

  return {
    started: () => {
      const isFarOff = pause > settings.store.lookEvery
      pause = 0
      if (!isFarOff) return
      looking?.interruptUnsafe()
      looking = run(Effect.forever(lookAgain))
    }
  }
}
