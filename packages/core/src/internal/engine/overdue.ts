/**
 * How long the oldest due work of each shard of a cluster has waited. It is learned by looking for what is late, so it costs nothing; a
 * shard whose work waits for less than a look is not behind. Without a cluster there are no shards.
 */
import type { Summary } from "../../EventStore.ts"
import type { Placement } from "./placement.ts"

/** A shard that is behind. */
export interface Behind {
  /** The number of the shard, as the cluster has it. */
  readonly shard: string
  /** How long its oldest due work has waited, in milliseconds. */
  readonly forMillis: number
}

/** What is known of shards. */
export interface Overdue {
  /** Learns of all that is late. */
  readonly learn: (late: ReadonlyArray<Pick<Summary, "callId" | "due">>) => void
  /** The shards that are behind, the longest first. Grows while nobody can look. */
  readonly behind: (now: number) => ReadonlyArray<Behind>
  /** The shards that there are. */
  readonly shards: ReadonlyArray<string>
}

/** Nothing is late. */
export const make = (placement: Placement | undefined): Overdue => {
  /** Since when the oldest due work of each shard is due. */
  let since: ReadonlyMap<string, number> = new Map()

  return {
    learn: (late) => {
      if (placement === undefined) return
      const found = new Map<string, number>()
      for (const { callId, due } of late) {
        const shard = placement.shardOf(callId)
        if (due !== null) found.set(shard, Math.min(found.get(shard) ?? Infinity, due))
      }
      since = found
    },
    behind: (now) =>
      Array.from(since, ([shard, due]) => ({ shard, forMillis: now - due }))
        .filter(({ forMillis }) => forMillis > 0)
        .toSorted((self, that) => that.forMillis - self.forMillis),
    shards: placement?.shards() ?? []
  }
}
