/**
 * Fibers that outlive whoever starts them and end with a scope.
 *
 * Each webhook starts one, and `Fiber.runIn` would keep it in a map of the scope. A map of things that come and go is copied
 * again and again, and V8 lets each copy keep the next one: what has lived long enough to be old, and is dead, then holds
 * fibers that are dead too, until the next collection of everything. So they stand in places, which are taken again.
 */
import { Effect, Fiber } from "effect"
import type { Context, Scope } from "effect"

/** Runs something from this moment on. It is interrupted when the scope closes, or at once if that is closed already. */
export type Run = <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>

/** Makes what runs fibers in the scope and the context of the moment. */
export const make: Effect.Effect<Run, never, Scope.Scope> = Effect.gen(function*() {
  const fork = Effect.runForkWith((yield* Effect.context<never>()) as Context.Context<never>)
  const running: Array<Fiber.Fiber<unknown, unknown> | undefined> = []
  const free: Array<number> = []
  let taken = 0
  let isClosed = false

  yield* Effect.addFinalizer(() => {
    isClosed = true
    return Fiber.interruptAll(running.filter((fiber) => fiber !== undefined))
  })

  return (effect) => {
    const place = free.pop() ?? taken++
    // Not by an observer of the fiber: that would be held as long as what a map holds.
    const leave = () => {
      running[place] = undefined
      free.push(place)
      return undefined
    }
    const fiber = fork(Effect.onExitPrimitive(effect, leave))
    if (fiber.pollUnsafe() !== undefined) return fiber
    if (isClosed) fiber.interruptUnsafe()
    else running[place] = fiber
    return fiber
  }
})
