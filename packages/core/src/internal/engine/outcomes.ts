/** What an application sees of calls: how they stand, what is recorded of them, and how they end. */
import { Deferred, Effect, Option } from "effect"
import * as Call from "../../Call.ts"
import { CallNotFound } from "../../CallError.ts"
import type { CallEvent, CallId, Exit } from "../../CallEvent.ts"
import type { EventStore, StoreError } from "../../EventStore.ts"
import * as Closing from "./closing.ts"
import type { Joining } from "./joining.ts"
import { prunedAt, turnsOf } from "./loading.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"

/** Shows calls. */
export interface Outcomes {
  readonly outcome: (id: CallId) => Effect.Effect<Exit, StoreError | CallNotFound>
  readonly get: (id: CallId) => Effect.Effect<Option.Option<Call.Call>, StoreError>
  readonly events: (id: CallId) => Effect.Effect<ReadonlyArray<CallEvent>, StoreError>
}

const notWithin =
  "Inside of a transaction of its database no outcome can be waited for: the call begins after the commit"

/** Shows calls of an engine. `store` is read even when that has ended. */
export const make = (
  { closing, store: { processes } }: Surroundings,
  { entities, loading }: Parts,
  joining: Joining,
  store: EventStore["Service"]
): Outcomes => {
  /** The call in memory, unless another process has gone on with it. */
  const newest = Effect.fnUntraced(function*(id: CallId) {
    const live = entities.live(id)
    if (live === undefined) return undefined
    return processes !== undefined && (yield* loading.isBehind(entities.of(id))) ? undefined : live.call
  })

  const current = Effect.fnUntraced(function*(id: CallId) {
    const inMemory = yield* newest(id)
    if (inMemory !== undefined) return Option.some(inMemory)
    const stored = yield* turnsOf(store, id)
    return stored.length === 0 ? Option.none() : Option.some(Call.fold(id, stored.flatMap(({ events }) => events)))
  })

  const get: Outcomes["get"] = (id) => closing.answered(current(id))

  const exitOf = (id: CallId): Effect.Effect<Exit | undefined, StoreError | CallNotFound> =>
    Effect.flatMap(get(id), (call) => Option.isSome(call) ? Effect.succeed(call.value.exit) : notFound(id))

  const notFound = (id: CallId): Effect.Effect<never, StoreError | CallNotFound> =>
    Effect.flatMap(
      closing.answered(prunedAt(store, id)),
      (endedAt) => Effect.fail(new CallNotFound({ callId: id, ...(endedAt === undefined ? {} : { endedAt }) }))
    )

  /** The outcome of a call, whoever brings it to its end. The call need not be in memory meanwhile. */
  const ended = (id: CallId): Effect.Effect<Exit, StoreError | CallNotFound> =>
    Effect.suspend(() => {
      const entity = entities.of(id)
      entity.listeners++
      const found = Effect.flatMap(
        exitOf(id),
        (exit) => exit === undefined ? Deferred.await(entity.ended) : Effect.succeed(exit)
      )
      return Effect.ensuring(
        found,
        Effect.sync(() => {
          entity.listeners--
          entities.release(entity)
        })
      )
    })

  return {
    outcome: (id) =>
      Effect.suspend(() => closing.isOver() ? Effect.fail(Closing.closed) : joining.outside(ended(id), notWithin)),
    get,
    events: (id) => closing.answered(Effect.map(store.read(id), (turns) => turns.flatMap(({ events }) => events)))
  }
}
