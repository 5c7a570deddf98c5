/** What is asked of an engine inside of a transaction of the application, on the database of its store. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Calls, EventStore, Flow, Line, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Context, Effect, Exit, Fiber, Latch, Layer, Option, Queue, Redacted, Schema, Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { tempFile } from "./fixtures/tempFile.ts"

const server = await Postgres.start()

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

const Door = Flow.Signal("door", Schema.Boolean)

const Greeting = Flow.make("greeting", {
  version: 1,
  input: { text: Schema.String },
  output: Schema.String,
  signals: [Door],
  run: ({ text }) =>
    Line.speak(text).pipe(
      Flow.as("heard"),
      Flow.dial({ to, from }),
      Flow.catchTag(["HungUp", "NotAnswered"], (error) => Flow.succeed(error._tag))
    )
})

class Rings extends Context.Service<Rings, Queue.Queue<string>>()("test/Rings") {
  static readonly layer = Layer.effect(Rings, Queue.unbounded<string>())
}

const transport = Layer.effect(
  Transport.Transport,
  Effect.map(Rings, (rings) => ({
    send: (dial) =>
      Effect.as(Queue.offer(rings, dial.externalId ?? ""), { referenceId: `session of ${dial.externalId}` })
  }))
)

type Database = Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>

/** A second dial would wait for its place in the pace, and nobody lets the time of these tests pass. */
const unpaced = { dial: { perSecond: Infinity } }

const world = (database: Database) =>
  Calls.layer({ flows: [Greeting], settings: unpaced }).pipe(
    Layer.provideMerge(SqlEventStore.layer),
    Layer.provideMerge(database),
    Layer.provideMerge(transport),
    Layer.provideMerge(Rings.layer)
  )

const sqlite: Database = Layer.unwrap(Effect.map(tempFile, (filename) => SqliteClient.layer({ filename })))

const postgres: Database = Layer.unwrap(
  Effect.map(Effect.suspend(() => Postgres.schema(server!)), (url) => PgClient.layer({ url: Redacted.make(url) }))
)

const input = { text: "Good morning." }
const start = (key?: string, text = input.text) => Calls.start(Greeting, { text }, key === undefined ? {} : { key })

const rung = Effect.flatMap(Rings, Queue.take)
const rungSoFar = Effect.flatMap(Rings, Queue.size)

const eventsOf = (id: CallEvent.CallId) => Effect.map(Calls.events(id), (events) => events.map(({ _tag }) => _tag))

const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(effect))

const rolledBack = new Error("rolled back")

describe.each(
  [["SQLite", sqlite], ["PostgreSQL", postgres]] as const
)("inside of a transaction on %s", (name, database) => {
  const test = <A, E>(
    words: string,
    effect: () => Effect.Effect<A, E, Calls.Calls | EventStore.EventStore | Rings | SqlClient.SqlClient | Scope.Scope>
  ) =>
    it.effect.skipIf(name === "PostgreSQL" && server === undefined)(
      words,
      () => Effect.provide(effect(), world(database)) as Effect.Effect<A, E>
    )

  test("a call that is started there exists and rings when it is committed, and not before", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE orders (id INTEGER PRIMARY KEY)`
      const call = yield* transaction(Effect.gen(function*() {
        yield* sql`INSERT INTO orders (id) VALUES (7)`
        const call = yield* start()
        assert.deepStrictEqual(yield* eventsOf(call.id), ["CallStarted"])
        assert.strictEqual(yield* rungSoFar, 0)
        return call
      }))
      assert.include(yield* rung, call.id)
      assert.deepStrictEqual((yield* eventsOf(call.id)).slice(0, 4), [
        "CallStarted",
        "FlowResumed",
        "DialPlanned",
        "DialAttempted"
      ])
      yield* call.cancel
      assert.strictEqual((yield* Effect.flip(call.outcome))._tag, "CallStopped")
    }))

  test("a call that is started there does not exist when it is rolled back, and nothing rings", () =>
    Effect.gen(function*() {
      const calls = yield* Calls.Calls
      let id = "" as CallEvent.CallId
      yield* Effect.flip(transaction(Effect.gen(function*() {
        id = (yield* start("order-7")).id
        return yield* Effect.fail(rolledBack)
      })))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Option.isNone(yield* calls.get(id)))
      assert.strictEqual((yield* Effect.flip(calls.cancel(id)))._tag, "CallNotFound")
      assert.strictEqual(yield* rungSoFar, 0)
      const other = yield* start("order-7", "Another text.") // the key is free
      assert.include(yield* rung, other.id)
    }))

  test("a savepoint that is rolled back takes its start with it, and leaves the others", () =>
    Effect.gen(function*() {
      const [first, second] = yield* transaction(Effect.gen(function*() {
        const first = yield* start("first")
        const second = yield* Effect.flip(
          transaction(Effect.flatMap(start("second"), (call) => Effect.fail(call.id)))
        )
        return [first.id, second] as const
      }))
      assert.include(yield* rung, first)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* eventsOf(second as CallEvent.CallId), [])
      assert.strictEqual(yield* rungSoFar, 0)
    }))

  test("a key stands for the same call as outside", () =>
    Effect.gen(function*() {
      const before = yield* start("before")
      yield* rung
      const [again, taken, first, second, other] = yield* transaction(Effect.gen(function*() {
        const again = yield* start("before")
        const taken = yield* Effect.flip(start("before", "Another text."))
        const first = yield* start("new")
        return [again, taken, first, yield* start("new"), yield* Effect.flip(start("new", "Another text."))] as const
      }))
      assert.strictEqual(again.id, before.id)
      assert.deepStrictEqual([taken._tag, other._tag], ["KeyTaken", "KeyTaken"])
      assert.strictEqual(first.id, second.id)
      assert.include(yield* rung, first.id)
      assert.strictEqual((yield* start("new")).id, first.id)
      assert.strictEqual(yield* rungSoFar, 0)
    }))

  test("an outcome is not waited for, nor is anything told or cancelled: it fails at once", () =>
    Effect.gen(function*() {
      const before = yield* start()
      yield* rung
      const errors = yield* transaction(Effect.gen(function*() {
        const call = yield* start()
        return yield* Effect.all([
          Effect.flip(call.outcome),
          Effect.flip(before.outcome),
          Effect.flip(call.cancel),
          Effect.flip(before.signal(Door, true))
        ])
      }))
      for (const error of errors) assert.include(error.message, "Inside of a transaction")
      yield* rung
    }))

  test("a commit whose hook is lost is found by its time", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const calls = yield* Calls.Calls
      // A transaction that was not begun by the client runs its hooks at once, before the commit.
      const id = yield* Effect.scoped(Effect.gen(function*() {
        const connection = yield* sql.reserve
        yield* connection.executeUnprepared("BEGIN", [], undefined)
        const call = yield* Effect.provideService(start(), sql.transactionService, [connection, 0])
        yield* connection.executeUnprepared("COMMIT", [], undefined)
        return call.id
      }))
      // In small steps, so that a database that is slow does not make its dial too old to be sent.
      while ((yield* rungSoFar) === 0) {
        yield* TestClock.adjust("1 second")
        assert.isNotEmpty(yield* calls.events(id))
      }
      assert.include(yield* rung, id)
    }))

  test("a process that ends between the commit and the first ring leaves the call to the next one", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const rings = yield* Rings
      const store = yield* EventStore.EventStore
      const life = yield* Scope.make()
      const engine = Layer.fresh(Calls.layer({ flows: [Greeting], settings: unpaced })).pipe(
        Layer.provide(Layer.succeed(EventStore.EventStore, store)),
        Layer.provide(Layer.succeed(Transport.Transport, {
          send: (dial) => Effect.as(Queue.offer(rings, dial.externalId ?? ""), { referenceId: "another session" })
        }))
      )
      const { start } = Context.get(yield* Layer.buildWithScope(engine, life), Calls.Calls)
      const ending = yield* Effect.forkChild(
        sql.withTransaction(Effect.tap(start(Greeting, input), () => Scope.close(life, Exit.void)))
      )
      while (ending.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 second") // An engine that closes offers its calls to others, and nobody may know them yet.
        yield* store.read("0".repeat(20) as CallEvent.CallId)
      }
      const { id } = yield* Fiber.join(ending)
      if (name === "SQLite") yield* Layer.build(engine) // Where processes share a store, the one that is still there sees it.
      // In small steps too: the presence of a process gives the database five seconds for an answer, and a dial ten.
      while ((yield* Queue.size(rings)) === 0) {
        yield* TestClock.adjust("1 second")
        assert.isNotEmpty(yield* store.read(id))
      }
      assert.include(yield* rung, id)
      assert.strictEqual(yield* rungSoFar, 0)
    }))
})

describe("on SQLite, which one process has for itself", () => {
  it.effect("calls are looked for only after a start in a transaction, and ever more seldom", () =>
    Effect.gen(function*() {
      let looks = 0
      const counted = Layer.effect(
        EventStore.EventStore,
        Effect.map(EventStore.EventStore, (store) =>
          EventStore.EventStore.of({
            ...store,
            due: (options) => Effect.andThen(Effect.sync(() => void looks++), store.due(options))
          }))
      ).pipe(Layer.provide(SqlEventStore.layer))
      const engine = Calls.layer({ flows: [Greeting], settings: unpaced }).pipe(
        Layer.provideMerge(counted),
        Layer.provideMerge(sqlite),
        Layer.provideMerge(transport),
        Layer.provideMerge(Rings.layer)
      )
      yield* Effect.gen(function*() {
        const begun = looks
        yield* TestClock.adjust("365 days")
        assert.strictEqual(looks, begun)
        yield* Effect.flip(transaction(Effect.andThen(start(), Effect.fail(rolledBack))))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(looks, begun + 3) // after 5, 15 and 35 seconds
        yield* Effect.flip(transaction(Effect.andThen(start(), Effect.fail(rolledBack))))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(looks, begun + 4)
      }).pipe(Effect.provide(engine))
    }))
})

describe.skipIf(server === undefined)("a start under a key that a transaction on PostgreSQL holds", () => {
  it.effect("holds up no other start, and no webhook", () =>
    Effect.gen(function*() {
      const [began, end] = [yield* Latch.make(), yield* Latch.make()]
      const first = yield* start()
      yield* rung
      const holding = yield* Effect.forkChild(transaction(Effect.gen(function*() {
        const call = yield* start("order-7")
        yield* began.open
        yield* end.await
        return call.id
      })))
      yield* began.await
      const waiting = yield* Effect.forkChild(start("order-7"), { startImmediately: true })
      const others = yield* Effect.all([start(), start(), first.cancel], { concurrency: "unbounded" })
      assert.isUndefined(waiting.pollUnsafe())
      yield* end.open
      assert.strictEqual((yield* Fiber.join(waiting)).id, yield* Fiber.join(holding))
      assert.strictEqual(others.length, 3)
    }).pipe(Effect.provide(world(postgres)), Effect.scoped))
})
