/**
 * Tells what happens to everyone who listens, and says when nothing more will come.
 */
import { Effect, Exit, PubSub, Stream } from "effect"
import type { Array as Arr, Scope, Take } from "effect"

/** One speaker and any number of listeners. */
export interface Broadcast<A> {
  /** Tells all listeners of the moment, without waiting for them. */
  readonly tell: (items: Arr.NonEmptyReadonlyArray<A>) => Effect.Effect<void>
  /** What is told from the moment somebody runs it. Ends with the scope of the broadcast. */
  readonly stream: Stream.Stream<A>
}

/** Makes a broadcast whose listeners lose nothing, however slow they are. */
export const make = <A>(): Effect.Effect<Broadcast<A>, never, Scope.Scope> =>
  Effect.acquireRelease(PubSub.unbounded<Take.Take<A>>(), (pubsub) => PubSub.end(pubsub, Exit.void)).pipe(
    Effect.map((pubsub) => ({
      tell: (items) => PubSub.publish(pubsub, items),
      stream: Stream.fromPubSubTake(pubsub)
    }))
  )
