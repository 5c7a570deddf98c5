/** Where calls lie among the shards of a cluster: each group of calls is one entity. */
import { Hash } from "effect"
import { EntityId, type Sharding } from "effect/cluster"
import type { CallId } from "../../CallEvent.ts"
import { groupOf, groups } from "./groups.ts"

/** How what a machine says of its shards begins, among the names of flows, each of which has an `@`. */
export const prefix = "cluster:"

/** What two machines have to agree on, so that a call has one owner: how many shards there are, told by where groups lie. */
export const fingerprint = (sharding: Sharding.Sharding["Service"]): string => {
  const places = placesOf(sharding)
  return `${prefix}${groups}/${Math.abs(Hash.string(places.join(",")))}`
}

const placesOf = (sharding: Sharding.Sharding["Service"]): ReadonlyArray<number> =>
  Array.from({ length: groups }, (_, n) => sharding.getShardId(EntityId.make(`g${n}`), "default").id)

/** The number of the shard that a group lies in. */
export const shardOf = (sharding: Sharding.Sharding["Service"], group: string): string =>
  String(sharding.getShardId(EntityId.make(group), "default").id)

/** The numbers of all shards that calls lie in. */
export const all = (sharding: Sharding.Sharding["Service"]): ReadonlyArray<string> =>
  Array.from(new Set(placesOf(sharding)), String)

/** Whether the shard of a group is at this machine. */
export const isOwnGroup = (sharding: Sharding.Sharding["Service"], group: string): boolean =>
  sharding.hasShardId(sharding.getShardId(EntityId.make(group), "default"))

/** Whether that of a call is. */
export const isOwn = (sharding: Sharding.Sharding["Service"], id: CallId): boolean => isOwnGroup(sharding, groupOf(id))
