/** Begins effects, some of them without a fiber: see `EventStore.unforked`. */
import { Effect, type Exit } from "effect"
import { beginOf } from "../EventStore.ts"
import type { Run } from "./background.ts"

/** Begins an effect: without a fiber, if it tells how, else in one. Either way it comes to its own end, not to an interrupt. */
export const begin = <A, E>(effect: Effect.Effect<A, E>, run: Run, answer: (exit: Exit.Exit<A, E>) => void): void => {
  const unforked = beginOf(effect)
  if (unforked !== undefined) return void unforked(answer)
  run(Effect.uninterruptible(Effect.onExitPrimitive(effect, (exit) => void answer(exit))))
}
