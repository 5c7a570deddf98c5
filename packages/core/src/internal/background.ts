/**
 * Fibers that outlive whoever starts them and end with a scope.
 *
 * Each webhook may start one, and `Fiber.runIn` would keep it in a map of the scope: see `places.ts`.
 */
import { Effect, Fiber } from "effect"
import type { Context, Scope } from "effect"
import { Places } from "./places.ts"

/** Runs something from this moment on. It is interrupted when the scope closes, or at once if that is closed already. */
export type Run = <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>

/** Makes what runs fibers in the scope and the context of the moment. */
export const make: Effect.Effect<Run, never, Scope.Scope> = Effect.gen(function*() {
  const fork = Effect.runForkWith((yield* Effect.context<never>()) as Context.Context<never>)
  const running = new Places<Fiber.Fiber<unknown, unknown>>()
  let isClosed = false

  yield* Effect.addFinalizer(() => {
    isClosed = true
    return Fiber.interruptAll(running.all())
  })

  return (effect) => {
    const place = running.take()
    // Not by an observer of the fiber: that would be held as long as what a map holds.
    const leave = () => {
      running.leave(place)
      return undefined
    }
    const fiber = fork(Effect.onExitPrimitive(effect, leave))
    if (fiber.pollUnsafe() !== undefined) return fiber
    if (isClosed) fiber.interruptUnsafe()
    else running.put(place, fiber)
    return fiber
  }
})
