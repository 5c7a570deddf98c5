/**
 * What Effect Cluster is known to do in this release, each as a test, with what Ringback does about it: an upgrade of Effect shows here
 * what has changed. What runs on a PostgreSQL is true of several machines; what runs on `TestRunner` is true of an entity alone.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import type { Scope } from "effect"
import {
  Entity,
  K8sHttpClient,
  RunnerAddress,
  RunnerHealth,
  RunnerStorage,
  ShardId,
  ShardingConfig,
  Singleton,
  SqlRunnerStorage,
  TestRunner
} from "effect/cluster"
import { HttpClient, HttpClientError } from "effect/http"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { freePort } from "../../../scripts/freePort.ts"
import * as Postgres from "../../../scripts/testPostgres.ts"
import * as ClusterCalls from "../src/ClusterCalls.ts"
import { type CallEvent, EventStore, Flow, SqlEventStore, Transport } from "../src/index.ts"
import * as Checks from "../src/internal/cluster/checks.ts"
import * as Groups from "../src/internal/cluster/groups.ts"
import * as Leftovers from "../src/internal/cluster/leftovers.ts"
import { Group } from "../src/internal/cluster/messages.ts"
import * as Owner from "../src/internal/cluster/owner.ts"
import * as Shards from "../src/internal/cluster/shards.ts"
import type { Local } from "../src/internal/engine/asked.ts"
import * as ids from "../src/internal/ids.ts"
import * as SqliteClient from "../src/SqliteClient.ts"
import * as Machines from "./fixtures/machines.ts"

const server = await Postgres.start()

const test = (rule: string, body: (url: string) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it(rule, () => Effect.runPromise(Effect.scoped(Effect.flatMap(Postgres.database(server!), body))))

/** Sleeps for longer than it takes to stop a machine. */
const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("15 seconds").pipe(Flow.as("rested" as const))
})

const Rung = Flow.Signal("rung", Schema.Boolean)

/** Waits to be told. */
const Bell = Flow.make("bell", {
  version: 1,
  input: {},
  output: Schema.Boolean,
  signals: [Rung],
  run: () =>
    Flow.signal(Rung, { within: "1 hour" }).pipe(
      Flow.catchTag("TimedOut", () => Flow.succeed(false))
    )
})

/** A runner as the storage of the cluster sees it, with a session of its own. */
const storage = (url: string, config: Partial<ShardingConfig.ShardingConfig["Service"]>) =>
  Effect.map(
    Layer.build(Layer.fresh(SqlRunnerStorage.layer.pipe(
      Layer.provide(ShardingConfig.layer(config)),
      Layer.provide(Machines.database(url))
    ))),
    (built) => Context.get(built, RunnerStorage.RunnerStorage)
  )

const [one, other] = [RunnerAddress.make("127.0.0.1", 1), RunnerAddress.make("127.0.0.1", 2)]
const shard = (id: number, group = "default") => ShardId.make(group, id)
const names = (shards: ReadonlyArray<ShardId.ShardId>) => shards.map((each) => each.toString()).toSorted()

/** Asks again until it is so. */
const until = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isSo, (so) => so ? Effect.void : Effect.andThen(Effect.sleep("100 millis"), until(isSo)))

const turnOf = (callId: CallEvent.CallId, process: string): EventStore.Turn => ({
  id: `${process}-1`,
  callId,
  version: 1,
  at: 1,
  events: [{ _tag: "CallStarted", at: 1, flow: "nap", version: 1, input: {} }]
})
const summaryOf = (callId: CallEvent.CallId): EventStore.Summary => ({
  callId,
  version: 1,
  flow: "nap",
  flowVersion: 1,
  status: "running",
  waitingFor: "a time",
  due: null,
  process: null,
  at: 1
})

describe.skipIf(server === undefined)("Effect Cluster on PostgreSQL", () => {
  test("gives a shard to a second runner when the lease of the first has run out: only the append tells them apart", (url) =>
    Effect.gen(function*() {
      const config = { shardLockDisableAdvisory: true, shardLockExpiration: "1 second" } as const
      const [first, second] = [yield* storage(url, config), yield* storage(url, config)]
      assert.deepStrictEqual(names(yield* first.acquire(one, [shard(1)])), names([shard(1)]))
      assert.deepStrictEqual(names(yield* second.acquire(other, [shard(1)])), [])
      yield* until(Effect.map(second.acquire(other, [shard(1)]), (shards) => shards.length === 1))
      // The first has heard nothing of that, and goes on.
      const store = SqlEventStore.layer.pipe(Layer.provide(Machines.database(url)))
      const append = (process: string) =>
        Effect.provide(
          Effect.flatMap(EventStore.EventStore, (events) => events.append(turnOf(id, process), summaryOf(id))),
          Layer.fresh(store)
        )
      const id = ids.namedCallId("a call of two owners")
      yield* append("secondaa")
      assert.strictEqual((yield* Effect.flip(append("firstaaa")))._tag, "VersionConflict")
      assert.deepStrictEqual(names(yield* first.refresh(one, [shard(1)])), [])
    }))

  test("takes a runner for healthy that does nothing: what is due of it is seen to by others", (url) =>
    Effect.gen(function*() {
      const settings = { store: { lookEvery: "200 millis" } } as const
      const idle = yield* Effect.promise(() => Promise.all([freePort(), freePort(), freePort()]))
      const config = { runnerHealthCheckInterval: "1 hour", shardLockExpiration: "1 hour" } as const
      const started = yield* Machines.start({ url, flows: [Nap], settings, config })
      yield* Machines.settled(started)
      // Three of them, for ports may divide the shards of two so that no call lies at the idle one.
      for (const port of idle) yield* Machines.pretend(url, port)
      yield* Machines.shared(started)
      const calls = yield* Effect.forEach(Array.from({ length: 40 }), () => started.calls.start(Nap, {}))
      yield* started.stop
      const looking = yield* Machines.start({ url, flows: [Nap], settings, config })
      yield* Machines.shared(looking)
      const theirs = calls.filter(({ id }) => !Shards.isOwn(looking.sharding, id))
      assert.isNotEmpty(theirs)
      // Whoever asked the machine for an outcome would make it look.
      const isOver = (id: CallEvent.CallId) =>
        Effect.map(
          looking.store.read(id),
          (turns) => turns.some(({ events }) => events.some(({ _tag }) => _tag === "FlowEnded"))
        )
      for (const { id } of theirs) yield* until(isOver(id))
    }))

  test("gets its shards back when the session that locks them is lost", (url) =>
    Effect.gen(function*() {
      const machine = yield* Machines.start({ url, flows: [Bell] })
      yield* Machines.settled(machine)
      yield* Effect.provide(
        SqlClient.SqlClient.use((sql) =>
          sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`
        ),
        Machines.database(url)
      )
      const call = yield* Effect.retry(machine.calls.start(Bell, {}), { times: 50 })
      yield* machine.calls.signal(call.id, Rung, true)
      assert.isTrue(yield* call.outcome)
      yield* Machines.settled(machine)
    }))

  test("stores no message, so that none can be claimed and skipped", (url) =>
    Effect.gen(function*() {
      const machine = yield* Machines.start({ url, flows: [Bell] })
      yield* machine.calls.start(Bell, {})
      const tables = yield* Effect.provide(
        SqlClient.SqlClient.use((sql) =>
          sql<{ readonly name: string }>`SELECT table_name AS name FROM information_schema.tables
            WHERE table_schema = current_schema() AND table_name LIKE 'cluster%' ORDER BY 1`
        ),
        Machines.database(url)
      )
      assert.deepStrictEqual(tables.map(({ name }) => name), [
        "cluster_locks",
        "cluster_runner_migrations",
        "cluster_runners"
      ])
    }))

  test("keeps runners that are gone: those that nobody has seen for an hour are removed", (url) =>
    Effect.gen(function*() {
      yield* storage(url, {}) // makes the tables
      const removed = SqlClient.SqlClient.use((sql) =>
        Effect.gen(function*() {
          yield* sql`INSERT INTO cluster_runners (address, runner, healthy, last_heartbeat) VALUES
            ('long gone', '', false, now() - interval '2 hours'), ('just gone', '', false, now()),
            ('there', '', true, now() - interval '2 hours')`
          yield* Leftovers.removeGone(sql)
          return yield* sql<{ readonly address: string }>`SELECT address FROM cluster_runners ORDER BY 1`
        })
      )
      const rows = yield* Effect.provide(removed, Machines.database(url))
      assert.deepStrictEqual(rows.map(({ address }) => address), ["just gone", "there"])
    }))

  test("locks the same shard of two groups apart", (url) =>
    Effect.gen(function*() {
      const config = { availableShardGroups: ["default", "others"] }
      const [first, second] = [yield* storage(url, config), yield* storage(url, config)]
      const all = (group: string) => Array.from({ length: 300 }, (_, n) => shard(n + 1, group))
      assert.lengthOf(yield* first.acquire(one, all("default")), 300)
      assert.lengthOf(yield* second.acquire(other, all("others")), 300)
    }))

  test("acquires no shard that was not asked for", (url) =>
    Effect.gen(function*() {
      const runner = yield* storage(url, {})
      yield* runner.acquire(one, [shard(1), shard(2)])
      assert.deepStrictEqual(names(yield* runner.acquire(one, [shard(3)])), names([shard(3)]))
    }))

  test("stops while another machine waits for an outcome there, for no finalizer sends anything", (url) =>
    Effect.gen(function*() {
      const settings = { store: { lookEvery: "200 millis" } } as const
      const leaving = yield* Machines.start({ url, flows: [Bell], settings })
      const staying = yield* Machines.start({ url, flows: [Bell], settings })
      yield* Machines.settled(leaving, staying)
      const call = yield* leaving.calls.start(Bell, {})
      const outcome = yield* Effect.forkChild(staying.calls.outcome(call.id), { startImmediately: true })
      yield* leaving.stop
      yield* staying.calls.signal(call.id, Rung, true)
      assert.deepStrictEqual(yield* Fiber.join(outcome), { _tag: "Success", value: true })
    }))

  test("lets go of the locks of a runner that hangs when its session has been idle for too long, from PostgreSQL 14 on", (url) =>
    Effect.gen(function*() {
      const [hangs, next] = [yield* storage(url, { shardLockExpiration: "1 second" }), yield* storage(url, {})]
      yield* hangs.acquire(one, [shard(7)])
      assert.deepStrictEqual(names(yield* next.acquire(other, [shard(7)])), [])
      yield* until(Effect.map(next.acquire(other, [shard(7)]), (shards) => shards.length === 1))
    }))

  test("is refused where machines have other numbers of shards, which Effect does not say", (url) =>
    Effect.gen(function*() {
      const machine = yield* Machines.start({ url, flows: [Bell] })
      yield* Machines.settled(machine)
      const error = yield* Effect.flip(Machines.start({ url, flows: [Bell], config: { shardsPerGroup: 100 } }))
      assert.include(String((error as Error).message), "another number of shards (shardsPerGroup)")
    }))
})

/** A client of a database that says this of itself. */
const saying = (
  options: { readonly version: number; readonly pids: ReadonlyArray<number>; readonly dialect?: "sqlite" }
) => {
  let n = 0
  const rows = () => Effect.succeed([{ version: options.version }])
  const connection = {
    executeUnprepared: (statement: string) =>
      Effect.sync(() => statement.includes("pid") ? [{ pid: options.pids[n++ % options.pids.length] }] : [])
  }
  return Object.assign(rows, {
    onDialectOrElse: (each: { readonly pg: () => unknown; readonly orElse: () => unknown }) =>
      options.dialect === undefined ? each.pg() : each.orElse(),
    reserve: Effect.succeed(connection)
  }) as never as SqlClient.SqlClient
}

describe("Effect Cluster", () => {
  const engine = (signal: Local["signal"]) => () => ({ signal, definition: () => undefined }) as never as Local

  it.effect("would lose the requests beside one whose handler dies: ours answers that the call is not here", () =>
    Effect.gen(function*() {
      const signal: Local["signal"] = (_, name) => name === "dies" ? Effect.die(new Error("boom")) : Effect.undefined
      const ask = yield* Entity.makeTestClient(Group, Owner.layer(engine(signal)))
      const group = yield* ask("g1")
      const id = ids.namedCallId("a call")
      const told = (name: string) => group.Signal({ id, name, value: null, key: "once" })
      const answers = yield* Effect.all([told("dies"), told("is taken"), told("dies")], { concurrency: "unbounded" })
      assert.deepStrictEqual(answers.map(({ _tag }) => _tag), ["NotHere", "Told", "NotHere"])
    }).pipe(Effect.scoped, Effect.provide(ShardingConfig.layerDefaults)))

  it.effect("lets one request wait for another: ours fork", () =>
    Effect.gen(function*() {
      const signal: Local["signal"] = (_, name) => name === "waits" ? Effect.never : Effect.undefined
      const group = yield* (yield* Entity.makeTestClient(Group, Owner.layer(engine(signal))))("g1")
      const told = (name: string) => group.Signal({ id: ids.namedCallId("a call"), name, value: null, key: "once" })
      yield* Effect.forkChild(told("waits"), { startImmediately: true })
      assert.strictEqual((yield* told("is taken"))._tag, "Told")
    }).pipe(Effect.scoped, Effect.provide(ShardingConfig.layerDefaults)))

  it.effect("makes an entity for each id, up to a bound: ours has 1,024, however many calls there are", () =>
    Effect.sync(() => {
      const groups = new Set(Array.from({ length: 50_000 }, (_, n) => Groups.groupOf(ids.namedCallId(`${n}`))))
      assert.strictEqual(groups.size, Groups.groups)
      assert.isBelow(Groups.groups, ShardingConfig.defaults.maxResidentEntities as number)
    }))

  it.effect("gives every runner every shard where runners are kept in memory: nothing of several machines is shown so", () =>
    Effect.gen(function*() {
      const memory = yield* RunnerStorage.makeMemory
      assert.lengthOf(yield* memory.acquire(one, [shard(1)]), 1)
      assert.lengthOf(yield* memory.acquire(other, [shard(1)]), 1)
    }))

  it.effect("starts a singleton no more that came to its end: ours never does", () =>
    Effect.gen(function*() {
      let runs = 0
      const ends = Singleton.make("ends", Effect.sync(() => void runs++))
      yield* Layer.build(ends.pipe(Layer.provide(TestRunner.layer)))
      for (let second = 0; second < 60; second++) yield* TestClock.adjust("1 second")
      assert.strictEqual(runs, 1)
    }).pipe(Effect.scoped))

  it.effect("takes every runner for healthy while Kubernetes does not answer: ping is what we recommend", () =>
    Effect.gen(function*() {
      const down = HttpClient.make((request) =>
        Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause: "down" })
          })
        )
      )
      const health = yield* RunnerHealth.makeK8s()
        .pipe(Effect.provideService(K8sHttpClient.K8sHttpClient, down))
      assert.isTrue(yield* health.isAlive(one))
    }).pipe(Effect.scoped))

  it.effect("says nothing of a database on which its locks do not hold: we refuse it in words", () =>
    Effect.gen(function*() {
      const own = [1, 2, 2, 1, 1, 2] // as the two are asked
      const problem = (options: Parameters<typeof saying>[0], rowLocks = false) =>
        Effect.map(Checks.databaseProblem(saying(options), rowLocks), (words) => words?.split(":")[0]?.slice(0, 40))
      assert.isUndefined(yield* problem({ version: 140_000, pids: own }))
      assert.strictEqual(
        yield* problem({ version: 130_012, pids: own }),
        "Before PostgreSQL 14 a machine that hang"
      )
      assert.strictEqual(
        yield* problem({ version: 180_000, pids: [1, 1, 1, 1, 1, 1] }),
        "A pooler gives each transaction another "
      )
      assert.strictEqual( // It takes turns over two.
        yield* problem({ version: 180_000, pids: [1, 2, 1, 2, 1, 2] }),
        "A pooler gives each transaction another "
      )
      assert.isUndefined(yield* problem({ version: 130_012, pids: own }, true))
      assert.strictEqual(yield* problem({ version: 0, pids: [1], dialect: "sqlite" }), "It needs PostgreSQL")
    }))

  it.effect("needs a database that machines share: SQLite and memory are refused in words", () =>
    Effect.gen(function*() {
      const carrier = Layer.succeed(Transport.Transport, Transport.Transport.of({ send: () => Effect.never }))
      const own = ClusterCalls.layer({ flows: [Bell] }).pipe(
        Layer.provide(EventStore.layerMemory),
        Layer.provide(carrier),
        Layer.provide(TestRunner.layer)
      )
      const refused = yield* Effect.flip(Layer.build(own))
      assert.strictEqual(refused._tag, "ClusterRefused")
      assert.include(refused.message, "This store belongs to one process")
      const onFile = ClusterCalls.layerStorage({ host: "127.0.0.1", port: 1 }).pipe(
        Layer.provide(SqliteClient.layer({ filename: ":memory:" }))
      )
      assert.include(String((yield* Effect.flip(Layer.build(onFile))).message), "It needs PostgreSQL")
    }).pipe(Effect.scoped))

  it("is taken in one release of Effect, exactly", () => {
    assert.isUndefined(Checks.effectProblem())
    assert.include(Checks.effectProblem("4.1.1"), "It is made for Effect 4.1.0, exactly, and this is 4.1.1")
  })
})
