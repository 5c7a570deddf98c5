/** The placement of calls by the shards of Effect Cluster. */
import { Effect, Layer } from "effect"
import type { Scope } from "effect"
import type { Sharding } from "effect/cluster"
import type { CallId } from "../../CallEvent.ts"
import type { EventStore } from "../../EventStore.ts"
import type { Cluster } from "../engine/asked.ts"
import { groupOf } from "./groups.ts"
import * as Joined from "./joined.ts"
import { Group } from "./messages.ts"
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
    const reach = {
      isOwn: (id: CallId) => Shards.isOwn(sharding, id),
      shardOf: (id: CallId) => Shards.shardOf(sharding, groupOf(id)),
      shards: () => Shards.all(sharding),
      owner: yield* Group.client
    }
    const joined = yield* Joined.make(reach, [Shards.fingerprint(sharding)])
    yield* Layer.build(Owner.layer(joined.engine))
    return joined.cluster
  }
)
