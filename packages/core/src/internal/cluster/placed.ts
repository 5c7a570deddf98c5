/** The placement of calls by the shards of Effect Cluster. */
import { Effect, Layer } from "effect"
import type { Scope } from "effect"
import type { Sharding } from "effect/cluster"
import type { EventStore } from "../../EventStore.ts"
import type { Cluster, Local } from "../engine/asked.ts"
import * as Asking from "./asking.ts"
import * as Owner from "./owner.ts"
import * as Shards from "./shards.ts"

/** Whether two machines have not agreed on where calls lie. One that is no machine of a cluster disagrees with nobody. */
export const disagree = (own: ReadonlyArray<string>, others: ReadonlySet<string>): boolean => {
  const marks = [...others].filter((mark) => mark.startsWith(Shards.prefix))
  return marks.length > 0 && !own.every((mark) => marks.includes(mark))
}

/**
 * Registers the entity until the scope closes: that is after the engine has ended, for Effect interrupts what an entity does as soon
 * as its runner goes.
 */
export const make: (
  sharding: Sharding.Sharding["Service"]
) => Effect.Effect<Cluster, never, EventStore | Sharding.Sharding | Scope.Scope> = Effect.fnUntraced(
  function*(sharding) {
    const context = yield* Effect.context<EventStore | Sharding.Sharding | Scope.Scope>()
    let engine: Local | undefined
    let asking: Asking.Asking | undefined
    yield* Layer.build(Owner.layer(() => engine))

    return {
      isOwn: (id) => Shards.isOwn(sharding, id),
      shardOf: (id) => Shards.shardOf(sharding, Shards.groupOf(id)),
      shards: () => Shards.all(sharding),
      marks: [Shards.fingerprint(sharding)],
      join: Effect.fnUntraced(function*(local) {
        asking = yield* Effect.provideContext(Asking.make(sharding, local), context)
        engine = local
        return asking.asked
      }),
      leave: () => void (engine = undefined),
      over: (id) => asking?.over(id)
    }
  }
)
