/**
 * Calls on many machines: the same `Calls`, whose machines know of each other by Effect Cluster. Each call has an owner, which looks
 * after what is due, and is asked for outcomes, signals, cancels and starts under a key. What is true is in the log, as before: an
 * owner that does not answer is passed by, and no webhook waits for the cluster.
 *
 * An entry point of its own, for Effect Cluster is unstable: it takes one release of Effect, exactly, and says so where it finds another.
 *
 * @since 0.1.0
 */
import { Duration, Effect, Layer, Option, Schema } from "effect"
import {
  MessageStorage,
  RunnerAddress,
  type RunnerStorage,
  Sharding,
  ShardingConfig,
  SqlRunnerStorage
} from "effect/cluster"
import type { SqlError } from "effect/sql"
import { SqlClient } from "effect/sql"
import type { DuplicateFlow, FlowsMissing } from "./CallError.ts"
import * as Calls from "./Calls.ts"
import { EventStore, type StoreError } from "./EventStore.ts"
import * as Checks from "./internal/cluster/checks.ts"
import * as Leftovers from "./internal/cluster/leftovers.ts"
import * as Placed from "./internal/cluster/placed.ts"
import { Cluster } from "./internal/engine/asked.ts"
import type { AnyDefinition } from "./LiveCall.ts"
import type { Transport } from "./Transport.ts"

/**
 * Machines cannot share calls so. `problem` says what is missing, and what to do instead.
 *
 * @since 0.1.0
 */
export class ClusterRefused extends Schema.TaggedError<ClusterRefused>()("ClusterRefused", {
  problem: Schema.String
}) {
  override get message() {
    return `Calls cannot be shared by a cluster. ${this.problem}`
  }
}

/**
 * How a machine is reached by the others.
 *
 * @since 0.1.0
 * @stability unstable
 */
export interface Machine {
  /** The name or address by which the others reach it, such as the address of its pod. */
  readonly host: string
  /** The port of the sockets between machines. Nobody else should reach it: what is said there is not encrypted. */
  readonly port: number
  /** Where it listens, if that is another name than `host`, such as `0.0.0.0`. */
  readonly listenHost?: string
  /** Values of `ShardingConfig` that shall be others than recommended. `shardsPerGroup` has to be the same at all machines. */
  readonly config?: Partial<ShardingConfig.ShardingConfig["Service"]>
}

/**
 * The recommended values for `NodeClusterSocket.layer({ shardingConfig })`, which differ from those of Effect for these reasons.
 *
 * - `shardLockExpiration` 15 s (35), `shardLockRefreshInterval` 5 s (10): a machine that hangs gives its shards back after so long.
 *   A pause that long is no garbage collection, and one that is none costs nothing but that timers move.
 * - `runnerHealthCheckInterval` 5 s (60): a machine that was killed is known to be dead after 5 to 9 s. A ping that fails is tried
 *   five times more, so one lost packet is no false alarm.
 * - `refreshAssignmentsInterval` 1 s (3): one small query a second and machine.
 * - `runnerJoinDebounce` 3 s (0): machines that come together, as in a deployment, move shards once.
 * - `simulateRemoteSerialization` off: nothing is sent to a machine by itself.
 *
 * @since 0.1.0
 * @stability unstable
 */
export const config = (machine: Machine): Partial<ShardingConfig.ShardingConfig["Service"]> => ({
  runnerAddress: Option.some(RunnerAddress.make(machine.host, machine.port)),
  runnerListenAddress: Option.some(RunnerAddress.make(machine.listenHost ?? machine.host, machine.port)),
  shardLockExpiration: Duration.seconds(15),
  shardLockRefreshInterval: Duration.seconds(5),
  runnerHealthCheckInterval: Duration.seconds(5),
  refreshAssignmentsInterval: Duration.seconds(1),
  runnerJoinDebounce: Duration.seconds(3),
  simulateRemoteSerialization: false,
  ...machine.config
})

/**
 * The storage of the cluster in the database of the calls, for `NodeClusterSocket.layer({ storage: "byo" })`: which runners there are, and
 * who holds which shard. Messages are not stored, for what they tell is in the log. Fails with `ClusterRefused` on a database on which
 * a wrong setting would be silent: another than PostgreSQL, one before 14, or behind a pooler that gives each transaction another connection.
 *
 * @since 0.1.0
 * @stability unstable
 */
export const layerStorage = (
  machine: Machine
): Layer.Layer<
  MessageStorage.MessageStorage | RunnerStorage.RunnerStorage,
  ClusterRefused | SqlError.SqlError,
  SqlClient.SqlClient
> =>
  Layer.unwrap(Effect.gen(function*() {
    const values = config(machine)
    const rowLocks = values.shardLockDisableAdvisory ?? false
    const sql = yield* SqlClient.SqlClient
    const problem = yield* Checks.databaseProblem(sql, rowLocks)
    if (problem !== undefined) return yield* new ClusterRefused({ problem })
    return Layer.mergeAll(
      MessageStorage.layerNoop,
      Layer.effectDiscard(Leftovers.keepRemoving(sql)),
      Layer.orDie(SqlRunnerStorage.layer).pipe(Layer.provide(ShardingConfig.layer(values)))
    )
  }))

/**
 * The engine of one machine of a cluster: `Calls.layer`, and the same options. It requires the `Sharding` of Effect Cluster.
 *
 * Webhooks are answered by the machine that they reach, from the log. Fails with `ClusterRefused` if the store is none that processes
 * can share, if this is another release of Effect than it is made for, or if machines that live have another number of shards.
 *
 * @example
 * const machine = { host: "10.0.0.5", port: 34431 }
 * const Cluster = NodeClusterSocket.layer({ storage: "byo", serialization: "ndjson", shardingConfig: ClusterCalls.config(machine) })
 * const CallsLive = ClusterCalls.layer({ flows: [Reminder] }).pipe(
 *   Layer.provide(Cluster),
 *   Layer.provide(ClusterCalls.layerStorage(machine)),
 *   Layer.provide(SqlEventStore.layer),
 *   Layer.provide(Database),
 *   Layer.provideMerge(Telesign.layerConfig)
 * )
 * @since 0.1.0
 * @stability unstable
 */
export const layer = <
  const Flows extends ReadonlyArray<AnyDefinition>,
  const Inbound extends { readonly [number: string]: Calls.Answering } = Record<never, never>
>(
  options: Calls.Options<Flows, Inbound> & { readonly inbound?: Calls.AnswersAll<Inbound> }
): Layer.Layer<
  Calls.Calls,
  ClusterRefused | DuplicateFlow | FlowsMissing | StoreError,
  EventStore | Transport | Sharding.Sharding | Calls.Needs<Flows[number] | Inbound[keyof Inbound]>
> => Calls.layer<Flows, Inbound>(options).pipe(Layer.provide(layerPlacement)) as never

const layerPlacement: Layer.Layer<never, ClusterRefused | StoreError, EventStore | Sharding.Sharding> = Layer.effect(
  Cluster,
  Effect.gen(function*() {
    const { processes } = yield* EventStore
    const refused = (problem: string) => new ClusterRefused({ problem })
    if (processes === undefined) {
      return yield* refused(
        "This store belongs to one process, as SQLite and one in memory do. It needs PostgreSQL; one process takes Calls.layer"
      )
    }
    const unfit = Checks.effectProblem()
    if (unfit !== undefined) return yield* refused(unfit)
    const placed = yield* Placed.make(yield* Sharding.Sharding)
    const others = yield* processes.alive
    const other = [...others.values()].some((marks) => Placed.disagree(placed.marks, marks))
    if (other) {
      return yield* refused(
        "A machine that lives has another number of shards (shardsPerGroup), so that a call would have two owners. " +
          "Give all machines the same number, and change it only when none runs"
      )
    }
    return placed
  })
)
