/**
 * One machine of a cluster, as a process of its own. It takes webhooks at `PORT`, other machines reach it at `CLUSTER_PORT`, and all share
 * the PostgreSQL at `DATABASE_URL`. `VERSIONS` are the versions of the flow that it knows, such as `1,2`. It takes one command a line
 * (`start <key> <number>`) and prints one JSON object a line. Told to end (SIGTERM), it drains, while it still answers.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as PgClient from "@effect/sql-pg/PgClient"
import { Calls, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as ClusterCalls from "@ringback/core/ClusterCalls"
import { Health, Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import { Config, Console, Effect, Layer, Schedule, Stdio, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { parcel } from "./flow.ts"

const environment = Config.all({
  port: Config.Int("PORT"),
  clusterPort: Config.Int("CLUSTER_PORT"),
  versions: Config.map(Config.String("VERSIONS"), (text) => text.split(",").map(Number)),
  speed: Config.Number("SPEED").pipe(Config.withDefault(1))
})

const Database = PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })

/** The one layer that makes machines of processes: without it, and with `Calls.layer`, they are several processes on one database. */
const CallsLive = (clusterPort: number, versions: ReadonlyArray<number>, speed: number) => {
  const machine = { host: "127.0.0.1", port: clusterPort }
  const Cluster = NodeClusterSocket.layer({
    storage: "byo",
    serialization: "ndjson",
    shardingConfig: ClusterCalls.config(machine)
  }).pipe(Layer.provide(ClusterCalls.layerStorage(machine)))
  return ClusterCalls.layer({
    flows: versions.map(parcel),
    settings: { speed, dial: { perSecond: 40 }, store: { lookEvery: "2 seconds" } }
  }).pipe(Layer.provide(Cluster))
}

/** The webhooks, and whether a balancer may give them to this machine. */
const Routes = Layer.mergeAll(TelesignWebhook.layer({ path: "/telesign/events" }), Health.layer())

const application = Layer.unwrap(
  Effect.map(
    environment,
    ({ clusterPort, port, speed, versions }) =>
      Calls.layerDrain({ within: "10 seconds", atLeast: "4 seconds" }).pipe(
        Layer.provide(HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true })),
        Layer.provide(NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port, host: "127.0.0.1" })),
        Layer.provideMerge(CallsLive(clusterPort, versions, speed)),
        Layer.provideMerge(SqlEventStore.layer),
        Layer.provide(Database),
        Layer.provideMerge(Telesign.layerConfig),
        Layer.provide(NodeHttpClient.layerNodeHttp)
      )
  )
)

const say = (message: object) => Console.log(JSON.stringify(message))

/** Asks again while the store is late, or no machine takes it: by its key it is one call. */
const start = Effect.fnUntraced(function*(key: string, number: string) {
  const version = Math.max(...(yield* environment).versions)
  const calls = yield* Calls.Calls
  const flow = calls.flows.find((each) => each.flow.version === version)!.flow as ReturnType<typeof parcel>
  const from = yield* Telesign.callerId
  const input = { to: PhoneNumber.make(number), from }
  const call = yield* Effect.retry(calls.start(flow, input, { key }), Schedule.spaced("500 millis"))
  yield* say({ started: key, id: call.id })
})

const program = Effect.gen(function*() {
  const { stdin } = yield* Stdio.Stdio
  yield* say({ ready: true })
  yield* Stream.runForEach(Stream.splitLines(Stream.decodeText(stdin)), (line) => {
    const [, key = "", number = ""] = line.split(" ")
    return Effect.forkChild(start(key, number))
  })
})

NodeRuntime.runMain(Effect.provide(program, Layer.merge(application, NodeStdio.layer)))
