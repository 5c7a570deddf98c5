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
  const appends = new Places<() => void>()
  let isOver = false

  const gone = Effect.andThen(Deferred.await(over), Effect.interrupt)
  const untilOver = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => isOver ? Effect.interrupt : Effect.raceFirst(effect, gone))

  /** Every turn passes here, so nothing is raced where the store can begin without a fiber. */
  const begun = <A, E>(beginning: Begin<A, E>): Begin<A, E> => (answer) => {
    if (isOver) return answer(interrupted)
    const place = appends.take()
    let isAnswered = false
    const once = (exit: Exit.Exit<A, E>) => {
      if (isAnswered) return
      isAnswered = true
      appends.leave(place)
      answer(exit)
    }
    appends.put(place, () => once(interrupted))
    return beginning(once)
  }

  const appending = <A, E>(append: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const beginning = beginOf(append)
    if (beginning === undefined) return untilOver(append)
    const bounded = begun(beginning)
    return unforked(Effect.callback(bounded), bounded)
  }

  const bounded = (store: EventStore["Service"]) =>
    EventStore.of({
      ...store,
      append: (...turn) => appending(store.append(...turn)),
      read: (callId) => untilOver(store.read(callId)),
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
      for (const letGo of appends.all()) letGo()
    }
  }
}
