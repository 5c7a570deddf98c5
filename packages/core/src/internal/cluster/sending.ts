/**
 * Sends to the owner of a call, within a bound of our own. Effect Cluster itself waits for as long as the owner is not known, not
 * reached, or has not got its shard yet, and whoever gives up a send waits for the owner to hear so; none of that can be waited for
 * where somebody is on the line. So a send runs by itself, and is left behind when it is late.
 */
import { Clock, Effect, Exit, Fiber, Option } from "effect"
import type { Scope } from "effect"

/** Sends. */
export interface Sending {
  /** The answer, if there is one in time. Whatever else becomes of it is no answer. */
  readonly ask: <A, E>(place: string, within: number, send: Effect.Effect<A, E>) => Effect.Effect<Option.Option<A>>
  /** The longest that anybody has waited for an answer that did not come, in milliseconds. */
  readonly longestWait: () => number
}

/** What is late at a place is taken from the log there for so long, in milliseconds: who asks next does not wait for it again. */
const passBy = 1_000

/** At most so many sends are under way, those that wait for outcomes among them. What comes on top is taken from the log at once. */
const mostUnderWay = 10_000

/** Works until its scope closes. */
export const make: Effect.Effect<Sending, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const late = new Map<string, number>()
  let underWay = 0
  let longest = 0

  const isPassedBy = (place: string): boolean => {
    const until = late.get(place)
    if (until !== undefined && until <= elapsed()) late.delete(place)
    return late.has(place)
  }

  const ask: Sending["ask"] = <A, E>(place: string, within: number, send: Effect.Effect<A, E>) =>
    Effect.gen(function*() {
      if (isPassedBy(place) || underWay >= mostUnderWay) return Option.none<A>()
      const began = elapsed()
      underWay++
      const sent = Effect.onExitPrimitive(Effect.exit(send), () => {
        underWay--
        return undefined
      })
      const fiber = yield* Effect.forkIn(Effect.interruptible(sent), scope, { startImmediately: true })
      const leave = Effect.sync(() => fiber.interruptUnsafe())
      const answer = yield* Effect.onInterrupt(Effect.timeoutOption(Fiber.await(fiber), within), () => leave)
      if (Option.isNone(answer)) {
        late.set(place, elapsed() + passBy)
        yield* leave
      }
      const exit = Option.getOrUndefined(Option.filter(answer, Exit.isSuccess))
      const found = exit === undefined ? Option.none<A>() : Exit.getSuccess(exit.value)
      if (Option.isNone(found)) longest = Math.max(longest, elapsed() - began)
      return found
    })

  return { ask, longestWait: () => longest }
})
