/**
 * Many writers, one commit: whoever comes while a commit is under way shares the next one.
 */
import { Cause, Deferred, Effect, Exit, Fiber, Queue } from "effect"
import type { Scope } from "effect"

/** What is written, and how. */
export interface Options<A, E> {
  /** Writes a batch and answers for each item, in the order of the batch. A failure is the answer for all of them. */
  readonly write: (batch: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<Exit.Exit<void, E>>, E>
  /** Two items of one key never share a batch: the second waits for the next commit. */
  readonly key: (item: A) => unknown
  /** The answer to whoever comes after the scope has closed: surely not written. */
  readonly closed: E
  /** How many items share a commit at most. */
  readonly batchSize: number
  /** How many items may wait for the writer; whoever comes then waits for room. */
  readonly capacity: number
}

interface Waiting<A, E> {
  readonly item: A
  readonly written: Deferred.Deferred<void, E>
}

/**
 * Starts the writer and gives the way to it. Whoever is interrupted while it waits for room is not written; once an item
 * has room it is written, whether anybody still waits for it or not. When the scope closes, what waits is written first.
 */
export const make = Effect.fnUntraced(function*<A, E>(
  options: Options<A, E>
): Effect.fn.Return<(item: A) => Effect.Effect<void, E>, never, Scope.Scope> {
  const queue = yield* Queue.bounded<Waiting<A, E>, Cause.Done>(options.capacity)
  const writer = yield* Effect.forkScoped(writeAll(queue, options))
  yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(queue), Fiber.await(writer)))
  const closed = Effect.fail(options.closed)

  return (item) =>
    Effect.suspend(() => {
      const written = Deferred.makeUnsafe<void, E>()
      return Effect.flatMap(
        Queue.offer(queue, { item, written }),
        (hasRoom) => hasRoom ? Deferred.await(written) : closed
      )
    })
})

const writeAll = Effect.fnUntraced(
  function*<A, E>(queue: Queue.Dequeue<Waiting<A, E>, Cause.Done>, options: Options<A, E>) {
    let held: ReadonlyArray<Waiting<A, E>> = []
    while (true) {
      yield* Effect.yieldNow // Lets those who were answered, and the network, come back before the next commit.
      const room = options.batchSize - held.length
      const mayTake = held.length === 0 || (room > 0 && Queue.sizeUnsafe(queue) > 0)
      const taken = mayTake ? yield* Queue.takeBetween(queue, 1, room) : []
      const [batch, rest] = split([...held, ...taken], options.key)
      held = rest
      answer(batch, yield* Effect.exit(options.write(batch.map((waiting) => waiting.item))))
    }
  },
  Effect.catchIf(Cause.isDone, () => Effect.void),
  Effect.withTracerEnabled(false)
)

/** The first of each key, and all others, both in the order in which they came. */
const split = <A, E>(all: ReadonlyArray<Waiting<A, E>>, key: Options<A, E>["key"]) => {
  const keys = new Set<unknown>()
  const first: Array<Waiting<A, E>> = []
  const rest: Array<Waiting<A, E>> = []
  for (const waiting of all) {
    const size = keys.size
    keys.add(key(waiting.item))
    const into = keys.size > size ? first : rest
    into.push(waiting)
  }
  return [first, rest] as const
}

const answer = <A, E>(
  batch: ReadonlyArray<Waiting<A, E>>,
  answers: Exit.Exit<ReadonlyArray<Exit.Exit<void, E>>, E>
): void => {
  for (const [index, { written }] of batch.entries()) {
    Deferred.doneUnsafe(written, Exit.isSuccess(answers) ? answers.value[index]! : Exit.failCause(answers.cause))
  }
}
