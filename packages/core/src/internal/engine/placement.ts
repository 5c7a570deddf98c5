/** Who looks after which call, where more than the store says so: a cluster of machines. Without one it is nobody's question. */
import type { CallId } from "../../CallEvent.ts"

/**
 * Where calls are looked after. It can err for a while, as all that knows machines can: who decides on a call is who appends to it
 * first, and never who owns it.
 */
export interface Placement {
  /** Whether this process looks after a call. */
  readonly isOwn: (id: CallId) => boolean
  /** The number of the shard that a call lies in, and those of all shards. */
  readonly shardOf: (id: CallId) => string
  readonly shards: () => ReadonlyArray<string>
  /** What this process tells others of itself beside its flows. */
  readonly marks: ReadonlyArray<string>
  /** From now on this process is asked nothing. */
  readonly leave: () => void
}
