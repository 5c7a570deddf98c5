/** What makes a measured process a machine of a cluster, with the values that are recommended: `CLUSTER=1` in its environment. */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterCalls from "@ringback/core/ClusterCalls"
import { Effect, Layer, Redacted } from "effect"
import { freePort } from "../scripts/freePort.ts"

/** Whether this process is one. */
export const isAsked = process.env.CLUSTER === "1"

/** Its sockets, on a port that is free, and its membership in the database at a URL. */
export const layer = (url: string) =>
  Layer.unwrap(Effect.map(Effect.promise(freePort), (port) => {
    const machine = { host: "127.0.0.1", port }
    return NodeClusterSocket.layer({
      storage: "byo",
      serialization: "ndjson",
      shardingConfig: ClusterCalls.config(machine)
    }).pipe(
      Layer.provide(ClusterCalls.layerStorage(machine)),
      Layer.provide(PgClient.layer({ url: Redacted.make(url) }))
    )
  }))
