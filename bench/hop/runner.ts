/**
 * One runner of a cluster, as a process of its own. It answers webhooks as an engine would that has nothing to decide, and on a
 * word of its parent sends some to calls of the other runner, or reads and replays calls of the store.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import { EventStore, Replay, SqlEventStore } from "@ringback/core"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { ClusterSchema, Entity, EntityId, RunnerAddress, ShardId, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Announcement, idOf } from "../calls/seed.ts"
import type { Asked, Told } from "./messages.ts"

const [url = "", port = "0", serialization = "binary"] = process.argv.slice(2)

const Webhook = Schema.Struct({
  event: Schema.String,
  referenceId: Schema.String,
  externalId: Schema.String,
  status: Schema.String,
  digits: Schema.String,
  to: Schema.String,
  from: Schema.String
})
const Reply = Schema.Struct({
  basis: Schema.String,
  action: Schema.Struct({ _tag: Schema.Literal("Speak"), text: Schema.String })
})

const Call = Entity.make("Hop", [
  Rpc.make("Receive", { payload: { webhooks: Schema.Array(Webhook) }, success: Schema.Array(Reply) })
])
  .annotateRpcs(ClusterSchema.ClientTracingEnabled, false)

const reply = { basis: "recorded", action: { _tag: "Speak" as const, text: "It opens again at nine tomorrow." } }
const Answers = Call.toLayer({
  Receive: ({ payload }) => Rpc.fork(Effect.succeed(payload.webhooks.map(() => reply)))
}, {
  concurrency: "unbounded",
  mailboxCapacity: "unbounded",
  maxIdleTime: "1 minute"
})

const webhookOf = (id: string) => ({
  event: "speak_completed",
  referenceId: "35C4DCD3E8D40A4C8C0F6E0C29BA1C11",
  externalId: id,
  status: "completed",
  digits: "",
  to: "15550170001",
  from: "15550170009"
})

const tell = (told: Told) => void process.send?.(told)

/** How long each took, by so many at once, for a while. */
const measured = Effect.fnUntraced(function*<E, R>(
  atOnce: number,
  seconds: number,
  once: (n: number) => Effect.Effect<unknown, E, R>
) {
  const took: Array<number> = []
  const end = performance.now() + seconds * 1000
  let n = 0
  const one: Effect.Effect<void, E, R> = Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(once(n++), () => void took.push(performance.now() - began))
  })
  const client = Effect.whileLoop({ while: () => performance.now() < end, body: () => one, step: () => undefined })
  yield* Effect.all(Array.from({ length: atOnce }, () => client), { concurrency: "unbounded", discard: true })
  return took
})

const answered = (took: ReadonlyArray<number>, before: NodeJS.CpuUsage): Told => {
  const sorted = took.toSorted((a, b) => a - b)
  const { system, user } = process.cpuUsage(before)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { count: took.length, p50: at(0.5), p99: at(0.99), cpu: user + system }
}

const hops = Effect.fnUntraced(function*({ atOnce, seconds, together }: Asked) {
  const sharding = yield* Sharding.Sharding
  const clientOf = yield* Call.client
  const isElsewhere = (id: string) => !sharding.hasShardId(sharding.getShardId(EntityId.make(id), "default"))
  const ids = Array.from({ length: 20_000 }, (_, n) => idOf(3, n)).filter(isElsewhere).slice(0, atOnce)
  const before = process.cpuUsage()
  const took = yield* measured(atOnce / together, seconds, (n) => {
    const id = ids[n % ids.length]!
    return clientOf(id).Receive({ webhooks: Array.from({ length: together }, () => webhookOf(id)) })
  })
  const told = answered(took, before)
  return { ...told, count: told.count * together }
})

/** What a process does that meets a call of which another one has stored the newest turn. */
const reads = Effect.fnUntraced(function*({ atOnce, calls, seconds }: Asked) {
  const store = yield* EventStore.EventStore
  const before = process.cpuUsage()
  const took = yield* measured(atOnce, seconds, (n) => {
    const id = idOf(3, n % calls)
    return Effect.map(
      store.read(id),
      (turns) => Replay.rebuild(id, Announcement, turns.flatMap(({ events }) => events))
    )
  })
  return answered(took, before)
})

const address = Option.some(new RunnerAddress.RunnerAddress({ host: "127.0.0.1", port: Number(port) }))
const Database = PgClient.layer({ url: Redacted.make(url), maxConnections: 10 })
const Cluster = NodeClusterSocket.layer({
  storage: "sql",
  serialization: serialization === "ndjson" ? "ndjson" : "binary",
  shardingConfig: { runnerAddress: address, runnerListenAddress: address, refreshAssignmentsInterval: "1 second" }
})

const program = Effect.gen(function*() {
  const context = yield* Effect.context<Sharding.Sharding | EventStore.EventStore>()
  const run = Effect.runPromiseWith(context)
  const sharding = yield* Sharding.Sharding
  let before = process.cpuUsage()
  process.on("message", (asked: Asked) => {
    switch (asked.what) {
      case "shards": {
        const has = Array.from({ length: 300 }, (_, n) => n + 1).filter((n) =>
          sharding.hasShardId(ShardId.make("default", n))
        )
        return tell({ count: has.length, p50: 0, p99: 0, cpu: 0 })
      }
      case "begin":
        before = process.cpuUsage()
        return tell({ count: 0, p50: 0, p99: 0, cpu: 0 })
      case "end":
        return tell(answered([], before))
      case "hops":
        return void run(hops(asked)).then(tell)
      case "reads":
        return void run(reads(asked)).then(tell)
    }
  })
  tell({ count: 0, p50: 0, p99: 0, cpu: 0 })
  return yield* Effect.never
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(
      Answers.pipe(Layer.provideMerge(Cluster), Layer.provideMerge(SqlEventStore.layer), Layer.provide(Database))
    )
  )
)
