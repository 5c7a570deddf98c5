/**
 * How an engine ends, within a bound. What is in hand is brought to its end for a while; then whoever waits for the store or
 * the carrier is let go of, and nothing goes on over what is closed by then. The next process goes on where the log says.
 */
import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import { Closed, type EventStore, StoreError } from "../../EventStore.ts"
import { Places } from "../places.ts"
import * as EndingStore from "./endingStore.ts"

/** What an engine has to know of its own end. */
export interface Closing {
  /** The process is about to end: no call is started and nobody dialled, and what can be goes to other processes. */
  readonly isDraining: () => boolean
  /** From now on nothing is begun that need not be. */
  readonly isBegun: () => boolean
  /** Nothing is recorded any more. */
  readonly isOver: () => boolean
  /** Something is in hand from now on: closing waits for its `end`. */
  readonly begin: () => void
  readonly end: () => void
  /** Nothing is in hand. */
  readonly isIdle: () => boolean
  /** Something that closing waits for. */
  readonly inHand: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /**
   * Tells when it is no use to wait for the carrier any longer, for what it says has to be recorded yet; at once if that is
   * so already. Gives the way to call that off.
   */
  readonly onLastCall: (tell: () => void) => () => void
  /** The answer of whoever is interrupted by the end is that the engine is closing. */
  readonly answered: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | StoreError>
}

/** What happens at an end. */
export interface Ends {
  /** Nothing is to be begun any more. */
  readonly onBegin: () => void
  /** Gives to other processes what they can go on with, until there is nothing of it. */
  readonly handOver: Effect.Effect<void>
  /** Nothing is recorded any more: tells what is left, before anything of it is let go of. */
  readonly onOver: Effect.Effect<void>
}

/** What a start is told while the process drains. */
export const draining = new StoreError({
  operation: "write",
  reason: new Closed({
    problem: "This process is about to end and starts no call. Ask another one, or ask again under the same key"
  })
})

export const closed = new StoreError({ operation: "write", reason: new Closed({ problem: "The engine is closing" }) })

const refused = Exit.fail(closed)

/** So much of the time is for what is in hand, and so much for that and what the carrier did not answer meanwhile. */
const shares = { inHand: 0.8, records: 0.9 }

/** Everything of one end. */
export interface Making {
  readonly closing: Closing
  /** The end is near. What comes in is answered, and what is in hand goes on. */
  readonly drain: () => void
  /** The same store, which lets go of whoever waits for it when the end has come, and does nothing from then on. */
  readonly bounded: (store: EventStore["Service"]) => EventStore["Service"]
  /** Ends an engine whose fibers live in `scope`, after `within` milliseconds at the latest. */
  readonly close: (scope: Scope.Closeable, within: number, ends: Ends) => Effect.Effect<void>
}

/** An engine that has not ended. */
export const make = (): Making => {
  const store = EndingStore.make()
  const waiting = new Places<() => void>()
  let state: "open" | "draining" | "begun" | "over" = "open"
  let isLast = false
  let count = 0
  let idle = (): void => undefined

  const begin = () => void count++
  const end = () => {
    if (--count === 0) idle()
  }
  const isOver = () => state === "over"

  const closing: Closing = {
    isDraining: () => state !== "open",
    isBegun: () => state === "begun" || isOver(),
    isOver,
    begin,
    end,
    isIdle: () => count === 0,
    inHand: (effect) =>
      Effect.suspend(() => {
        begin()
        return Effect.onExitPrimitive(effect, () => {
          end()
          return undefined
        })
      }),
    onLastCall: (tell) => {
      if (isLast) tell()
      const place = waiting.take()
      waiting.put(place, tell)
      return () => waiting.leave(place)
    },
    answered: <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.flatMap(
        Effect.exit(effect),
        (exit): Exit.Exit<A, E | StoreError> => isOver() && Exit.hasInterrupts(exit) ? refused : exit
      )
  }

  const untilIdle = Effect.callback<void>((resume) => {
    if (count === 0) return resume(Effect.void)
    idle = () => resume(Effect.void)
  })

  const close = Effect.fnUntraced(
    function*(scope: Scope.Closeable, within: number, { handOver, onBegin, onOver }: Ends) {
      const began = yield* Clock.currentTimeMillis
      /** A store that holds up the whole process, as SQLite does while it is locked, uses up the time of what comes later. */
      const until = <A>(share: number, effect: Effect.Effect<A>) =>
        Effect.flatMap(
          Clock.currentTimeMillis,
          (now) => Effect.timeoutOption(effect, Math.max(0, began + within * share - now))
        )
      state = "begun"
      onBegin()
      yield* until(shares.inHand, Effect.all([untilIdle, handOver], { concurrency: "unbounded", discard: true }))
      isLast = true
      for (const tell of waiting.all()) tell()
      yield* until(shares.records, untilIdle)
      yield* onOver
      state = "over"
      store.end()
      // What cannot be interrupted, such as an activity that forbids it, is not waited for.
      const letGo = yield* Effect.forkDetach(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* until(1, Fiber.await(letGo))
    }
  )

  const drain = () => {
    if (state === "open") state = "draining"
  }

  return { closing, drain, bounded: store.bounded, close }
}
