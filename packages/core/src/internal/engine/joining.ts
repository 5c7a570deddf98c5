/**
 * What is asked of an engine inside of a transaction of the application on the database of its store. A start is part of the
 * transaction: it is written by the fiber that asks, and the call begins when that is committed. Everything else would wait
 * for a connection that the transaction holds, or happen though it is rolled back, and is refused.
 */
import { Effect } from "effect"
import * as Call from "../../Call.ts"
import { CallNotFound } from "../../CallError.ts"
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import { type EventStore, Rejected, StoreError, type Transaction } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import { prunedAt } from "./loading.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"

/** A call that was started, and whether it begins with that. */
export interface Begun {
  readonly call: Call.Call
  readonly isNew: boolean
}

/** What can be done inside of transactions. */
export interface Joining {
  /** The transaction that the fiber which asks is in, if any. */
  readonly current: Effect.Effect<Transaction | undefined, StoreError>
  /** Starts a call in a transaction, or gives the one that its key stands for. */
  readonly start: (
    transaction: Transaction,
    id: CallId,
    live: () => LiveCall.LiveCall,
    started: Extract<CallInput.CallInput, { readonly _tag: "Start" }>
  ) => Effect.Effect<Begun, StoreError | CallNotFound>
  /** Refuses what cannot be part of a transaction. */
  readonly outside: <A, E>(effect: Effect.Effect<A, E>, problem: string) => Effect.Effect<A, E | StoreError>
}

/**
 * `store` is the one that knows transactions: what stands around it for an engine that ends has fibers of its own. `starts`
 * hears of each start, whatever becomes of it.
 */
export const make = (
  { run }: Surroundings,
  { entities, intake, loading, storing }: Parts,
  store: EventStore["Service"],
  starts?: () => void
): Joining => {
  const current = store.transaction ?? Effect.undefined

  /** The commit is done, or was done while its answer was lost: then the call is found by its time. */
  const enter = (id: CallId): Effect.Effect<void> => {
    const entity = entities.of(id)
    return Effect.ignore(
      Effect.flatMap(
        entities.holding(entity, loading.loaded),
        (live) => live === undefined ? Effect.void : intake.takeSurely(entity, { _tag: "Wake" })
      )
    )
  }

  const known = (id: CallId): Effect.Effect<Call.Call | undefined, StoreError> =>
    Effect.map(
      store.read(id),
      (stored) => stored.length === 0 ? undefined : Call.fold(id, stored.flatMap(({ events }) => events))
    )

  const start: Joining["start"] = Effect.fnUntraced(function*(transaction, id, live, started) {
    const before = started.key === undefined ? undefined : yield* known(id)
    if (before !== undefined) return { call: before, isNew: false }
    starts?.()
    yield* transaction.afterCommit(Effect.sync(() => void run(enter(id))))
    const { decided, summary, turn } = storing.first(id, live(), { ...started, inTransaction: true })
    const isNew = yield* store.append(turn, summary).pipe(
      Effect.as(true),
      Effect.catchTag("VersionConflict", () => Effect.succeed(false))
    )
    if (isNew) return { call: decided.live.call, isNew }
    // Somebody else was first under the same key, or the call was pruned.
    const call = yield* known(id)
    const endedAt = call === undefined ? yield* prunedAt(store, id) : undefined
    if (endedAt !== undefined) return yield* new CallNotFound({ callId: id, endedAt })
    return { call: call ?? decided.live.call, isNew }
  })

  return {
    current,
    start,
    outside: <A, E>(effect: Effect.Effect<A, E>, problem: string) =>
      Effect.flatMap(
        current,
        (transaction): Effect.Effect<A, E | StoreError> =>
          transaction === undefined
            ? effect
            : Effect.fail(new StoreError({ operation: "write", reason: new Rejected({ problem }) }))
      )
  }
}
