/** Effects that can also be begun without a fiber: what `EventStore.startable` promises to authors of stores. */
import { Effect, type Exit } from "effect"
import type { Run } from "./running.ts"

/** Begins something, whose end is told by a callback. If that can be called off, gives the way to do so. */
export type Start<A, E> = (answer: (exit: Exit.Exit<A, E>) => void) => Effect.Effect<void> | void

const key = Symbol("@ringback/core/startable")

/** An effect that `begin` begins by `start`. */
export const make = <A, E>(effect: Effect.Effect<A, E>, start: Start<A, E>): Effect.Effect<A, E> =>
  Object.assign(effect, { [key]: start })

/** How to begin an effect without a fiber, if it tells. */
export const startOf = <A, E>(effect: Effect.Effect<A, E>): Start<A, E> | undefined =>
  (effect as { readonly [key]?: Start<A, E> })[key]

/** Begins an effect: without a fiber, if it tells how, else in one. Either way it comes to its own end, not to an interrupt. */
export const begin = <A, E>(effect: Effect.Effect<A, E>, run: Run, answer: (exit: Exit.Exit<A, E>) => void): void => {
  const start = startOf(effect)
  if (start !== undefined) return void start(answer)
  run(Effect.uninterruptible(Effect.onExitPrimitive(effect, (exit) => void answer(exit))))
}
