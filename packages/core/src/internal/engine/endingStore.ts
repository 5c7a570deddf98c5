/** The store of an engine that may end: whoever waits for it is let go of then, and it does nothing from then on. */
import { Deferred, Effect, Exit } from "effect"
import { type Begin, beginOf, EventStore, unforked } from "../../EventStore.ts"
import { Places } from "../places.ts"

/** Lets go of whoever waits for a store. */
export interface EndingStore {
  /** The same store, as long as the engine has not ended. */
  readonly bounded: (store: EventStore["Service"]) => EventStore["Service"]
  /** The engine has ended. */
  readonly end: () => void
}

const interrupted = Exit.interrupt()

/** Of an engine that has not ended. */
export const make = (): EndingStore => {
  const over = Deferred.makeUnsafe<void>()
  const waiting = new Places<() => void>()
  let isOver = false

  const gone = Effect.andThen(Deferred.await(over), Effect.interrupt)
  const untilOver = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => isOver ? Effect.interrupt : Effect.raceFirst(effect, gone))

  /** Every turn passes here, and many a read, so nothing is raced where the store can begin without a fiber. */
  const begun = <A, E>(beginning: Begin<A, E>): Begin<A, E> => (answer) => {
    if (isOver) return answer(interrupted)
    const place = waiting.take()
    let isAnswered = false
    const once = (exit: Exit.Exit<A, E>) => {
      if (isAnswered) return
      isAnswered = true
      waiting.leave(place)
      answer(exit)
    }
    waiting.put(place, () => once(interrupted))
    const callOff = beginning(once)
    if (callOff === undefined) return
    return Effect.andThen(
      callOff,
      Effect.sync(() => {
        if (!isAnswered) waiting.leave(place)
        isAnswered = true
      })
    )
  }

  const letGo = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const beginning = beginOf(effect)
    if (beginning === undefined) return untilOver(effect)
    const bounded = begun(beginning)
    return unforked(Effect.callback(bounded), bounded)
  }

  const bounded = (store: EventStore["Service"]) =>
    EventStore.of({
      ...store,
      append: (...turn) => letGo(store.append(...turn)),
      read: (...asked) => letGo(store.read(...asked)),
      find: (referenceId) => untilOver(store.find(referenceId)),
      due: (options) => untilOver(store.due(options)),
      orphans: (alive) => untilOver(store.orphans(alive)),
      summary: (callId) => untilOver(store.summary(callId)),
      summaries: (callIds) => untilOver(store.summaries(callIds))
    })

  return {
    bounded,
    end: () => {
      isOver = true
      Deferred.doneUnsafe(over, Exit.void)
      for (const give of waiting.all()) give()
    }
  }
}
