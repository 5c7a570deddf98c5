/** How runners share calls: the layer that makes them one application. */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { Calls, type Settings } from "@ringback/core"
import * as ClusterCalls from "@ringback/core/ClusterCalls"
import { Config, Effect, Layer, Option } from "effect"
import { RunnerAddress } from "effect/cluster"
import * as Flows from "./flows.ts"

/**
 * `postgres`: several processes on one PostgreSQL, each of which answers whatever comes. `cluster`: the same, and each call has an owner,
 * which is asked.
 */
export const names = ["postgres", "cluster"] as const

export type Mode = typeof names[number]

/** What a runner of a mode is told of its place. */
export interface Opening {
  /** Where the others reach it. */
  readonly CLUSTER_PORT: string
  /** Where it listens: a wire leads there. */
  readonly CLUSTER_LISTENS: string
}

const options = (version: keyof typeof Flows.startable, settings: Settings.Options) => ({
  flows: Flows.startable[version],
  inbound: { [Flows.ourNumber]: Flows.Desk },
  settings
})

const host = "127.0.0.1"

const machine = Config.all({ port: Config.Int("CLUSTER_PORT"), listens: Config.Int("CLUSTER_LISTENS") })

/** The sockets of a machine, and who lives by the database. */
const Cluster = Layer.unwrap(Effect.map(machine, ({ listens, port }) => {
  const own = { host, port, config: { runnerListenAddress: Option.some(RunnerAddress.make(host, listens)) } }
  return NodeClusterSocket.layer({
    storage: "byo",
    serialization: "ndjson",
    shardingConfig: ClusterCalls.config(own)
  }).pipe(Layer.provide(ClusterCalls.layerStorage(own)))
}))

/** The engine of a runner, by mode. */
export const engine = (mode: Mode, version: keyof typeof Flows.startable, settings: Settings.Options) =>
  mode === "cluster"
    ? ClusterCalls.layer(options(version, settings)).pipe(Layer.provide(Cluster))
    : Calls.layer(options(version, settings))
