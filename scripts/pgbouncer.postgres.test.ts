/** What works behind a pooler, and what is refused: a real PgBouncer before a real PostgreSQL. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, CallIndex, Calls, EventLog, EventStore, Flow, SqlEventStore, Transport } from "@ringback/core"
import * as ClusterCalls from "@ringback/core/ClusterCalls"
import { Cause, Context, Effect, Exit, Layer, Option, Redacted, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as PgBouncer from "./pgbouncer.ts"
import * as Postgres from "./testPostgres.ts"

if (PgBouncer.executable === undefined) process.stderr.write(`${PgBouncer.missing}\n`)
const server = PgBouncer.executable === undefined ? undefined : await Postgres.start()

/** An empty database behind a pooler, and the way past it. */
const behind = Effect.fnUntraced(function*(mode: PgBouncer.Mode) {
  const past = yield* Postgres.database(server!)
  const pooler = yield* Effect.acquireRelease(
    Effect.promise(() => PgBouncer.start(past, mode)),
    ({ stop }) => Effect.promise(stop)
  )
  return { past, url: pooler.url }
})

const clientOf = (url: string, prepare: boolean) => PgClient.layer({ url: Redacted.make(url), prepare })

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("1 second").pipe(Flow.as("rested" as const))
})

const Carrier = Layer.succeed(Transport.Transport, Transport.Transport.of({ send: () => Effect.never }))

const engine = (url: string, prepare = true) =>
  Calls.layer({ flows: [Nap] }).pipe(
    Layer.provideMerge(SqlEventStore.layer),
    Layer.provide(Carrier),
    Layer.provideMerge(clientOf(url, prepare))
  )

const lease = { millis: 15_000, renewing: () => () => {} }

const wordsOf = (exit: Exit.Exit<unknown, unknown>): string => Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""

const pooled = "A pooler gives each transaction another connection"

describe.skipIf(server === undefined)("a pooler that keeps a connection for a session", () => {
  it.effect("is no matter: calls run, processes see and hear each other", () =>
    Effect.gen(function*() {
      const { url } = yield* behind("session")
      const services = yield* Layer.build(engine(url))
      const outcome = yield* Calls.start(Nap, {}).pipe(
        Effect.flatMap((call) => call.outcome),
        Effect.provide(services)
      )
      assert.strictEqual(outcome, "rested")
      const processes = Context.get(services, EventStore.EventStore).processes!
      yield* processes.join("0000000a", new Set(["nap@1"]), lease)
      assert.deepStrictEqual((yield* processes.alive).get("0000000a"), new Set(["nap@1"]))
      const told = yield* processes.told("0000000a")
      const callId = CallEvent.CallId.make("0123456789abcdefghjk")
      yield* processes.tell(["0000000a"], { what: "look", calls: [callId], from: "0000000b" })
      assert.deepStrictEqual(
        Option.getOrThrow(yield* Stream.runHead(told)),
        { what: "look", calls: [callId], from: "0000000b" }
      )
    }).pipe(Effect.scoped, TestClock.withLive))

  it.effect("is no matter to the storage of a cluster", () =>
    Effect.gen(function*() {
      const { url } = yield* behind("session")
      yield* Layer.build(
        ClusterCalls.layerStorage({ host: "127.0.0.1", port: 1 }).pipe(Layer.provide(clientOf(url, true)))
      )
    }).pipe(Effect.scoped, TestClock.withLive))
})

describe.skipIf(server === undefined)("a pooler that gives each transaction another connection", () => {
  it.effect("is refused by an engine in words, and leaves no lock behind", () =>
    Effect.gen(function*() {
      const { past, url } = yield* behind("transaction")
      for (const prepare of [true, false]) {
        assert.include(wordsOf(yield* Effect.exit(Effect.scoped(Layer.build(engine(url, prepare))))), pooled)
      }
      const sql = Context.get(yield* Layer.build(clientOf(past, true)), SqlClient.SqlClient)
      assert.deepStrictEqual(yield* sql`SELECT FROM pg_locks WHERE locktype = 'advisory'`, [])
    }).pipe(Effect.scoped, TestClock.withLive))

  it.effect("is refused by the storage of a cluster, whatever its locks are", () =>
    Effect.gen(function*() {
      const { url } = yield* behind("transaction")
      for (const shardLockDisableAdvisory of [false, true]) {
        const storage = ClusterCalls.layerStorage({ host: "127.0.0.1", port: 1, config: { shardLockDisableAdvisory } })
        const exit = yield* Effect.exit(
          Effect.scoped(Layer.build(storage.pipe(Layer.provide(clientOf(url, false)))))
        )
        assert.include(wordsOf(exit), pooled)
      }
    }).pipe(Effect.scoped, TestClock.withLive))

  it.effect("serves who lists calls and follows the log, with prepared statements and without", () =>
    Effect.gen(function*() {
      const { past, url } = yield* behind("transaction")
      yield* Effect.scoped(Effect.gen(function*() {
        const services = yield* Layer.build(engine(past))
        const call = yield* Effect.provide(Calls.start(Nap, {}), services)
        yield* call.outcome
      }))
      for (const prepare of [true, false]) {
        const reading = yield* Layer.build(
          Layer.fresh(SqlEventStore.layerReading.pipe(Layer.provide(clientOf(url, prepare))))
        )
        for (let look = 0; look < 20; look++) {
          const { calls } = yield* Context.get(reading, CallIndex.CallIndex).list({}, { limit: 10 })
          const turns = yield* Context.get(reading, EventLog.EventLog).read({ limit: 10 })
          assert.strictEqual(calls.length, 1)
          assert.isAbove(turns.length, 0)
        }
      }
    }).pipe(Effect.scoped, TestClock.withLive))
})
