import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallIndex, Calls, EventStore, Flow, Line, PhoneNumber, SqlEventStore } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "@ringback/testing"
import * as StoreContract from "@ringback/testing/StoreContract"
import { Cause, Clock, Context, Effect, Fiber, Layer, Logger, Option, Redacted, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { randomBytes } from "node:crypto"
import { inspect } from "node:util"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { append, callId } from "./fixtures/turns.ts"

const server = await Postgres.start()

const lease = { millis: 15_000, renewing: () => () => undefined }

/** The URL of an empty place for the tables. */
const place = Effect.suspend(() => Postgres.schema(server!))

const client = (url: string) => PgClient.layer({ url: Redacted.make(url) })

/** The store of one process, and the client below it, so that a test can look into the tables. */
const inDatabase = (url: string) => SqlEventStore.layer.pipe(Layer.provideMerge(client(url)))

const layer = Layer.unwrap(Effect.map(place, inDatabase))

/** Two processes on one database. */
const both = Effect.gen(function*() {
  const url = yield* place
  return yield* Effect.all([Layer.build(inDatabase(url)), Layer.build(inDatabase(url))], { concurrency: "unbounded" })
})

const ids = (call: number) =>
  Effect.flatMap(EventStore.EventStore, (store) => store.read(callId(call))).pipe(
    Effect.map((turns) => turns.map((turn) => turn.id))
  )

const summary = (call: number) =>
  Effect.flatMap(EventStore.EventStore, (store) => store.summary(callId(call))).pipe(Effect.map(Option.getOrThrow))

const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index + 1)

/** No index takes so much, however well it is compressed. */
const tooLong = randomBytes(8000).toString("hex")

const atOnce = { concurrency: "unbounded" } as const

/** What everything that an error carries looks like. */
const laidOpen = (error: unknown): string =>
  [inspect(error, { depth: null, showHidden: true }), Cause.pretty(Cause.fail(error)), JSON.stringify(error)].join("\n")

/** Lets the turn with this id run a piece of PL/pgSQL before it is stored. */
const trap = (id: string, body: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe(`CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$`)
    yield* sql.unsafe(
      `CREATE TRIGGER trap BEFORE INSERT ON ringback_turns FOR EACH ROW WHEN (NEW.id = '${id}') EXECUTE FUNCTION trap()`
    )
  })

describe.skipIf(server === undefined)("PostgreSQL", () => {
  StoreContract.suite("SqlEventStore.layer on PostgreSQL", layer)
  StoreContract.durable("SqlEventStore.layer on PostgreSQL", Effect.map(place, inDatabase))

  describe("two processes on one database", () => {
    it.effect("make the tables once when they open it together", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        assert.strictEqual(
          Context.get(one, EventStore.EventStore).namespace,
          Context.get(other, EventStore.EventStore).namespace
        )
        const migrations = yield* Context.get(one, SqlClient.SqlClient)`SELECT name FROM ringback_migrations`.values
        assert.deepStrictEqual(migrations, [
          ["turns_and_calls"],
          ["processes"],
          ["versions"],
          ["dials"],
          ["lines"],
          [
            "listing"
          ],
          ["order"],
          ["leases"]
        ])
      }))

    it.effect("have one winner among 50 concurrent appends of one version", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        yield* Effect.provide(append(1, 1), one)
        const outcomes = yield* Effect.forEach(times(50), (n) =>
          append(1, 2, `try ${n}`).pipe(Effect.provide(n % 2 === 0 ? one : other), Effect.result), atOnce)
        const failures = outcomes.flatMap((outcome) =>
          outcome._tag === "Failure" ? [outcome.failure] : []
        )
        assert.deepStrictEqual(
          failures,
          times(49).map(() => new EventStore.VersionConflict({ callId: callId(1), version: 2 }))
        )
        const winner = outcomes.findIndex((outcome) => outcome._tag === "Success") + 1
        for (const process of [one, other]) {
          assert.deepStrictEqual(yield* Effect.provide(ids(1), process), ["1/1", `try ${winner}`])
        }
      }))

    it.effect("store all turns of a commit but those that cannot be stored", () =>
      Effect.gen(function*() {
        const [one] = yield* both
        const poisoned = Effect.forEach(times(20), (n) =>
          Effect.result(append(n, 1, undefined, n === 4 ? tooLong : undefined)), atOnce)
        const outcomes = yield* Effect.provide(poisoned, one)
        const failed = outcomes.flatMap((outcome, index) =>
          outcome._tag === "Failure" ? [[index + 1, outcome.failure] as const] : []
        )
        assert.deepStrictEqual(
          failed.map(([n]) =>
            n
          ),
          [4]
        )
        const [[, error]] = failed as [typeof failed[number]]
        assert(error._tag === "StoreError")
        assert.strictEqual(error.reason._tag, "Rejected")
        assert.match(error.message, /54000/)
        for (const n of times(20)) {
          assert.strictEqual((yield* Effect.provide(ids(n), one)).length, n === 4 ? 0 : 1)
        }
      }))

    it.effect("find a call by its last turn, whoever of the two wrote it", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const minutes = (n: number) => n * 60_000
        for (const version of times(8)) {
          const racing = [[one, minutes(version)], [other, minutes(20 - version)]] as const
          const outcomes = yield* Effect.forEach(racing, ([process, due]) =>
            Effect.result(Effect.provide(append(1, version, `${version} ${due}`, undefined, { due }), process)), atOnce)
          const winner = outcomes.findIndex((outcome) =>
            outcome._tag === "Success"
          )
          const due = racing[winner]![1]
          const store = Context.get(racing[1 - winner]![0], EventStore.EventStore)
          assert.deepStrictEqual(yield* store.due({ before: due - 1 }), [])
          assert.deepStrictEqual(
            (yield* store.due({ before: due })).map((call) =>
              call.version
            ),
            [version]
          )
        }
      }))

    it.effect("see each other's calls at once", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const [store, theirs] = [Context.get(one, EventStore.EventStore), Context.get(other, EventStore.EventStore)]
        yield* Effect.provide(append(1, 1, "a", "session a"), one)
        yield* Effect.provide(append(2, 1, "b", "session b"), other)
        yield* Effect.provide(append(1, 2), other)
        assert.deepStrictEqual(yield* theirs.find("session a"), Option.some(callId(1)))
        assert.deepStrictEqual(yield* store.find("session b"), Option.some(callId(2)))
        const due = yield* store.due({ before: 2 })
        assert.deepStrictEqual(due.map((call) => [call.callId, call.version]), [[callId(2), 1], [callId(1), 2]])
        assert.deepStrictEqual(yield* theirs.due({ before: 2 }), due)
        assert.deepStrictEqual(yield* Effect.provide(ids(1), one), ["a", "1/2"])
      }))

    it.effect("never wait for each other in a circle, whatever the order of their batches", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        for (const version of times(3)) {
          const outcomes = yield* Effect.all([
            Effect.forEach(
              times(200),
              (n) => append(n, version, `${version} of one`).pipe(Effect.result, Effect.provide(one)),
              atOnce
            ),
            Effect.forEach(
              times(200).toReversed(),
              (n) => append(n, version, `${version} of the other`).pipe(Effect.result, Effect.provide(other)),
              atOnce
            )
          ], atOnce)
          const failures = outcomes.flat().flatMap((outcome) => outcome._tag === "Failure" ? [outcome.failure] : [])
          assert.deepStrictEqual(
            new Set(failures.map((failure) => failure._tag)),
            new Set(["VersionConflict"] as const)
          )
          assert.sameMembers(
            failures.map((failure) => failure._tag === "VersionConflict" && failure.callId),
            times(200).map(callId)
          )
        }
        assert.strictEqual((yield* Effect.provide(summary(7), one)).version, 3)
      }))

    it.effect("let a call be made anew only when no append is under way", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const sql = Context.get(one, SqlClient.SqlClient)
        yield* Effect.provide(append(1, 1), one)
        const waiting = sql<{ readonly n: bigint }>`SELECT count(*) AS n FROM pg_locks
          WHERE NOT granted AND relation = 'ringback_turns'::regclass`
        const rebuilt = yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`INSERT INTO ringback_turns
            (call_id, version, flow, flow_version, status, waiting_for, id, at, events)
            VALUES (${callId(1)}, 2, 'f', 1, 'over', '', 'by hand', 0, '[]')`
          const rebuild = yield* Effect.forkDetach(Effect.provide(SqlEventStore.rebuild, other))
          yield* Effect.repeat(waiting, { until: ([row]) => row?.n === 1n })
          return rebuild
        }))
        yield* Fiber.join(rebuilt)
        assert.strictEqual((yield* Effect.provide(summary(1), one)).version, 2)
      }))
  })

  describe("a process", () => {
    const processes = (context: Context.Context<EventStore.EventStore>) =>
      Context.get(context, EventStore.EventStore).processes!

    it.effect("is seen to live by all from when it joins until it leaves, with the flows that it has registered", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const living = new Map([["0000000z", new Set(["a@1", "a@2"])], ["zzzzzzzz", new Set(["a@2"])]])
        yield* Effect.scoped(Effect.gen(function*() {
          yield* processes(one).join("0000000z", new Set(["a@1", "a@2"]), lease)
          yield* processes(other).join("zzzzzzzz", new Set(["a@2"]), lease)
          assert.deepStrictEqual(yield* processes(one).alive, living)
          assert.deepStrictEqual(yield* processes(other).alive, living)
        }))
        assert.deepStrictEqual(yield* processes(other).alive, new Map())
      }))

    it.effect("is not seen by those who share the database and not the store", () =>
      Effect.gen(function*() {
        const [one] = yield* both
        const [stranger] = yield* both
        yield* processes(one).join("00000001", new Set(), lease)
        assert.deepStrictEqual(yield* processes(stranger).alive, new Map())
      }))

    it.effect("joins again when it has lost its connection", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const sql = Context.get(other, SqlClient.SqlClient)
        yield* processes(one).join("00000001", new Set(), lease)
        const killed =
          yield* sql`SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_stat_activity USING (pid)
          WHERE locktype = 'advisory' AND application_name = current_setting('application_name')`
        assert.lengthOf(killed, 1)
        yield* Effect.repeat(
          Effect.andThen(TestClock.adjust("1 second"), processes(other).alive),
          { until: (alive) => alive.has("00000001") }
        )
      }))

    it.effect("removes what those have written down that are dead", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const sql = Context.get(one, SqlClient.SqlClient)
        yield* sql`INSERT INTO ringback_processes VALUES ('0000000z', '["a@1"]')`
        yield* processes(other).join("00000001", new Set(), lease)
        assert.deepStrictEqual(yield* processes(one).alive, new Map([["00000001", new Set()]]))
        yield* Effect.repeat(sql`SELECT * FROM ringback_processes`, { until: (rows) => rows.length === 1 })
      }))

    it.effect("is told what is for it, and nothing else", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const told = yield* processes(one).told("00000001")
        const [first, second] = [callId(1), callId(2)]
        yield* processes(other).tell(["00000003"], { what: "look", calls: [first], from: "00000002" })
        yield* processes(other).tell(["00000003", "00000001"], {
          what: "yours",
          calls: [first, second],
          from: "00000002"
        })
        const heard = yield* Stream.runCollect(Stream.take(told, 1))
        assert.deepStrictEqual(heard, [{ what: "yours", calls: [first, second], from: "00000002" }])
      }))

    it.effect("is told of turns that the other has appended to be told, and of no other", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const told = yield* processes(one).told("00000001")
        const tell = (call: number, version: number, id: string, about: Parameters<typeof append>[4]) =>
          Effect.provide(append(call, version, id, undefined, about), other)
        yield* tell(1, 1, "a", {}) // It is not to be told.
        yield* tell(1, 2, "b", { isTold: true, data: "x".repeat(8_000) }) // It does not fit.
        yield* tell(1, 3, "c", { isTold: true, data: "\u00e9 \n\\" })
        yield* Effect.flip(tell(1, 3, "d", { isTold: true })) // It is in conflict.
        yield* Effect.flip(tell(2, 7, "e", { isTold: true })) // It leaves a gap.
        yield* tell(1, 4, "f", { isTold: true })
        const heard = yield* Stream.runCollect(Stream.take(told, 2))
        const stored = (yield* Effect.provide(EventStore.EventStore.use((store) => store.read(callId(1), 2)), one))
          .map((turn) => ({ ...EventStore.toStored(turn), callId: turn.callId }))
        assert.deepStrictEqual(heard, stored.map((turn) => ({ what: "turns" as const, turns: [turn] })))
      }))

    it.effect("stores turns that cannot be told, says so once, and tells nothing for a while", () =>
      Effect.gen(function*() {
        const lines: Array<unknown> = []
        const logger = Logger.make(({ message }) => void lines.push([message].flat()[0]))
        const url = yield* place
        const sql = Context.get(yield* Layer.build(inDatabase(url)), SqlClient.SqlClient)
        yield* sql`UPDATE ringback_meta SET value = ${"x".repeat(100)} WHERE name = 'channel'`
        yield* Effect.gen(function*() {
          for (const version of [1, 2, 3]) yield* append(1, version, undefined, undefined, { isTold: true })
          assert.lengthOf(yield* ids(1), 3)
        }).pipe(Effect.provide(Layer.provide(Layer.fresh(inDatabase(url)), Logger.layer([logger]))))
        assert.lengthOf(lines, 1)
        assert.match(String(lines[0]), /^Other processes cannot be told of turns, so they read them: /)
      }))

    it.effect("is told when it hears nothing any more", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const told = yield* processes(one).told("00000001")
        const sql = Context.get(other, SqlClient.SqlClient)
        yield* sql`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
          WHERE query LIKE 'LISTEN%' AND application_name = current_setting('application_name')`
        const error = yield* Effect.flip(Stream.runDrain(told))
        assert.strictEqual(error._tag, "StoreError")
      }))

    it.effect("is told that its pool has no room, instead of waiting for itself", () =>
      Effect.gen(function*() {
        const url = Redacted.make(yield* place)
        const small = PgClient.layer({ url, maxConnections: 1 })
        const store = yield* Layer.build(SqlEventStore.layer.pipe(Layer.provide(small)))
        const joining = yield* Effect.forkChild(
          Effect.flip(Effect.scoped(processes(store).join("00000001", new Set(), lease)))
        )
        // What the database answers arrives before time passes.
        const sql = Context.get(yield* Layer.build(PgClient.layer({ url })), SqlClient.SqlClient)
        const slowly = Effect.andThen(TestClock.adjust("1 second"), Effect.repeat(sql`SELECT 1`, { times: 20 }))
        yield* Effect.repeat(slowly, { until: () => joining.pollUnsafe() !== undefined })
        const { reason } = yield* Fiber.join(joining)
        assert.strictEqual(reason._tag, "Late")
        assert.include(reason.problem, "room for three at least")
      }))

    it.effect("reads the clock of the database", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        const read = Context.get(other, SqlClient.SqlClient)<{ readonly now: Date }>`SELECT clock_timestamp() AS now`
        const [before] = yield* read
        const now = yield* processes(one).now
        const [after] = yield* read
        assert.isAtLeast(now, before!.now.getTime())
        assert.isAtMost(Math.floor(now), after!.now.getTime())
      }))
  })

  describe("the tables", () => {
    it.effect("show the newest turn of each call", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        for (const [call, version] of [[1, 1], [1, 2], [2, 1]] as const) yield* append(call, version)
        const shown = yield* sql<{ readonly waiting_for: string }>`SELECT * FROM ringback_calls ORDER BY call_id`
        assert.deepStrictEqual(shown.map((call) => call.waiting_for), ["turn 2", "turn 1"])
      }).pipe(Effect.provide(layer)))

    it.effect("take many turns of one call in one statement, in any order, and show the newest", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* append(1, 1)
        yield* append(1, 2)
        yield* append(1, 3)
        yield* sql`CREATE TABLE old AS SELECT * FROM ringback_turns`
        yield* sql`TRUNCATE ringback_turns`
        yield* sql`INSERT INTO ringback_turns SELECT * FROM old ORDER BY version`
        assert.strictEqual((yield* summary(1)).waitingFor, "turn 3")
        yield* sql`DELETE FROM ringback_turns WHERE version = 1`
        yield* sql`INSERT INTO ringback_turns SELECT * FROM old WHERE version = 1`
        assert.strictEqual((yield* summary(1)).waitingFor, "turn 3")
        assert.deepStrictEqual(yield* ids(1), ["1/1", "1/2", "1/3"])
      }).pipe(Effect.provide(layer)))

    it.effect("look for no call that is over", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* append(1, 1)
        yield* append(2, 1)
        yield* append(1, 2, "the end", undefined, { status: "over" })
        assert.deepStrictEqual(yield* sql`SELECT call_id FROM ringback_unfinished`.values, [[callId(2)]])
      }).pipe(Effect.provide(layer)))

    it.effect("can be made anew from the turns", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const store = yield* EventStore.EventStore
        for (const [call, version] of [[1, 1], [1, 2], [2, 1]] as const) yield* append(call, version)
        const before = yield* store.due({ before: Infinity })
        assert.lengthOf(before, 2)
        yield* sql`DELETE FROM ringback_unfinished WHERE call_id = ${callId(2)}`
        yield* sql`UPDATE ringback_unfinished SET due_from = NULL, process = 'nobody'`
        yield* SqlEventStore.rebuild
        assert.deepStrictEqual(yield* store.due({ before: Infinity }), before)
      }).pipe(Effect.provide(layer)))

    it.effect("find due calls and sessions by an index", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const plan = (statement: string) =>
          sql.withTransaction(Effect.andThen(
            sql`SET LOCAL enable_seqscan = off`, // The tables are empty: whatever can be found by an index is.
            Effect.map(sql.unsafe(`EXPLAIN ${statement}`).values, (lines) => lines.flat().join("\n"))
          ))
        assert.include(
          yield* plan("SELECT * FROM ringback_running WHERE due_from <= 1 AND due <= 1 ORDER BY due, call_id"),
          "ringback_unfinished_due"
        )
        assert.include(
          yield* plan("SELECT call_id FROM ringback_references WHERE reference_id = 'r'"),
          "ringback_turns_reference"
        )
      }).pipe(Effect.provide(layer)))
  })

  describe("opening", () => {
    const problem = Effect.fnUntraced(function*(url: string) {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(inDatabase(url))))
      assert.strictEqual(error._tag === "StoreError" && error.operation, "open")
      return error._tag === "StoreError" ? error.reason.problem : ""
    })

    it.effect("names what is in the way of its tables, and makes none of them", () =>
      Effect.gen(function*() {
        const url = yield* place
        const sql = Context.get(yield* Layer.build(client(url)), SqlClient.SqlClient)
        yield* sql`CREATE TABLE ringback_calls (x integer)`
        assert.strictEqual(
          yield* problem(url),
          "Migration \"1_turns_and_calls\" failed: PgConnection: Query failed: " +
            "relation \"ringback_calls\" already exists (SQLSTATE 42P07)."
        )
        assert.deepStrictEqual(yield* sql`SELECT to_regclass('ringback_turns')`.values, [[null]])
      }))

    it.effect("refuses a database that cannot keep every text", () =>
      Effect.gen(function*() {
        const url = yield* Postgres.database(server!, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
        assert.include(yield* problem(url), "the encoding of the database is LATIN1, and has to be UTF8")
      }))

    it.effect("upgrades tables that the first version has made, and keeps what is in them", () =>
      Effect.gen(function*() {
        const url = yield* place
        const first = yield* Layer.build(inDatabase(url))
        yield* Effect.provide(append(1, 1), first)
        const sql = Context.get(first, SqlClient.SqlClient)
        yield* sql`DROP TABLE ringback_processes`
        const views = yield* sql<{ readonly name: string; readonly definition: string }>`
          SELECT viewname AS name, definition FROM pg_views WHERE viewname IN ('ringback_calls', 'ringback_running')`
        for (const { name } of views) yield* sql.unsafe(`DROP VIEW ${name}`)
        yield* sql`DROP FUNCTION ringback_list CASCADE`
        yield* sql`DROP TABLE ringback_listed, ringback_numbers`
        yield* sql`DROP INDEX ringback_turns_pruned`
        yield* sql`ALTER TABLE ringback_turns ALTER COLUMN flow_version TYPE integer,
          DROP COLUMN dial_from, DROP COLUMN facts, DROP COLUMN numbers, DROP COLUMN begun`
        for (const { definition, name } of views) {
          yield* sql.unsafe(`CREATE VIEW ${name} AS ${definition.replaceAll(/,\s*(\w+\.)?dial_from/g, "")}`)
        }
        yield* sql`DELETE FROM ringback_migrations WHERE migration_id > 1`
        const opened = yield* Layer.build(Layer.fresh(inDatabase(url)))
        const again = Context.get(opened, EventStore.EventStore)
        yield* again.processes!.join("00000001", new Set(["a@1"]), lease)
        assert.deepStrictEqual(yield* again.processes!.alive, new Map([["00000001", new Set(["a@1"])]]))
        assert.lengthOf(yield* again.read(callId(1)), 1)
        const types = yield* sql`SELECT data_type FROM information_schema.columns WHERE column_name = 'flow_version'`
          .values
        assert.deepStrictEqual(types.flat(), ["bigint", "bigint", "bigint", "bigint"])
        const { calls } = yield* Context.get(opened, CallIndex.CallIndex).list()
        assert.deepStrictEqual(calls.map((call) => call.callId), [callId(1)])
      }))

    it.effect("refuses tables that a later version has made", () =>
      Effect.gen(function*() {
        const url = yield* place
        const sql = Context.get(yield* Layer.build(inDatabase(url)), SqlClient.SqlClient)
        yield* sql`INSERT INTO ringback_migrations (migration_id, name) VALUES (9, 'future')`
        assert.strictEqual(
          yield* problem(url),
          "Its tables have version 9, of a later Ringback; this one knows version 8."
        )
      }))
  })

  describe("a failure", () => {
    it.effect("of the connection in the middle of a write is a StoreError, and the store goes on", () =>
      Effect.gen(function*() {
        yield* trap("fatal", "PERFORM pg_terminate_backend(pg_backend_pid());")
        yield* append(1, 1)
        const outcomes = yield* Effect.forEach(
          [2, 3, 4],
          (n) => Effect.flip(append(n, 1, n === 3 ? "fatal" : "small")),
          atOnce
        )
        for (const error of outcomes) {
          assert.strictEqual(error._tag === "StoreError" && error.reason._tag, "Down")
          assert.notInclude(laidOpen(error), "1555")
        }
        for (const n of [2, 3, 4]) {
          assert.deepStrictEqual(yield* ids(n), [])
          yield* append(n, 1)
        }
        assert.deepStrictEqual(yield* ids(3), ["3/1"])
      }).pipe(Effect.provide(layer)))

    it.effect("of all connections between two appends does not end the store", () =>
      Effect.gen(function*() {
        const [one, other] = yield* both
        yield* Effect.provide(append(1, 1), one)
        const killed = yield* Context.get(other, SqlClient.SqlClient)`SELECT pg_terminate_backend(pid)
          FROM pg_stat_activity WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`
        assert.isAtLeast(killed.length, 1)
        // Whether the client has heard of it yet is chance, but not more than its idle connections can be lost.
        yield* Effect.retry(Effect.provide(append(1, 2), one), {
          times: killed.length,
          while: (error) => error._tag === "StoreError"
        })
        assert.deepStrictEqual(yield* Effect.provide(ids(1), one), ["1/1", "1/2"])
      }))

    it.effect("tells nothing of the row that failed", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`ALTER TABLE ringback_turns ADD CONSTRAINT short CHECK (id <> 'long')`
        yield* trap("loud", "RAISE EXCEPTION 'bad: %', NEW.events USING DETAIL = NEW.events, HINT = NEW.events;")
        for (const [id, state] of [["long", "23514"], ["loud", "P0001"]] as const) {
          const error = yield* Effect.flip(append(1, 1, id))
          assert.strictEqual(
            error.message,
            `The event store failed to write. PgConnection: Query failed (SQLSTATE ${state}).`
          )
          assert.notInclude(laidOpen(error), "1555")
        }
        yield* append(1, 1)
      }).pipe(Effect.provide(layer)))

    it.effect("to make the calls anew leaves them as they were", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* append(1, 1)
        yield* sql`ALTER TABLE ringback_unfinished ADD CONSTRAINT stop CHECK (due_from > 0) NOT VALID`
        const error = yield* Effect.flip(SqlEventStore.rebuild)
        assert.strictEqual(error.operation, "write")
        const store = yield* EventStore.EventStore
        assert.lengthOf(yield* store.due({ before: 1 }), 1)
      }).pipe(Effect.provide(layer)))

    it.effect("takes an append inside a transaction of its caller into it, and does not wait for itself", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.flip(sql.withTransaction(Effect.andThen(append(1, 1), Effect.fail("rolled back"))))
        yield* sql.withTransaction(append(2, 1))
        assert.deepStrictEqual([yield* ids(1), yield* ids(2)], [[], ["2/1"]])
      }).pipe(Effect.provide(layer)))
  })

  describe("the engine", () => {
    it.effect("that is stopped while the phone rings goes on in a new one, and rings once", () =>
      inVirtualTime(Effect.fnUntraced(function*(url) {
        yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
        const life = TestCalls.connection.pipe(Layer.provideMerge(Layer.fresh(engine)), Layer.provide(storeOf(url)))
        const { id } = yield* Effect.provide(
          Effect.tap(Calls.start(Greeting, { to, from }), Effect.sleep("3 seconds")),
          life
        )
        yield* Effect.sleep("2 seconds")
        const outcome = yield* Effect.provide(
          Effect.flatMap(Calls.Calls, (calls) => calls.handle(Greeting, id).outcome),
          life
        )
        assert.strictEqual(outcome, "heard")
        assert.lengthOf(yield* PhoneCompany.rings, 1)
      })))

    it.effect("gives a webhook that reaches two processes at once one reply, and records it once", () =>
      inVirtualTime(Effect.fnUntraced(function*(url) {
        const process = Effect.map(
          Layer.build(Layer.fresh(engine).pipe(Layer.provide(storeOf(url)))),
          Context.get(Calls.Calls)
        )
        const [one, other] = [yield* process, yield* process]
        for (const round of times(5)) {
          const call = yield* one.start(Greeting, { to, from })
          const { externalId } = (yield* one.events(call.id)).find((event) => event._tag === "DialAttempted")!
          const webhook = { event: "dial_completed", referenceId: `session ${round}`, externalId, status: "answered" }
          const replies = yield* Effect.all(
            [one, other, one, other].map((calls) => calls.receive(TelesignWire.named(webhook))),
            atOnce
          )
          for (const { action } of replies) {
            assert.strictEqual(action?._tag === "Speak" ? action.text : action?._tag, "Good morning.")
          }
          const events = yield* other.events(call.id)
          assert.lengthOf(events.filter((event) => event._tag === "CallAnswered"), 1)
          assert.lengthOf(events.filter((event) => event._tag === "ActionDecided"), 1)
        }
      }, Effect.scoped)))
  })
})

// The engine in virtual time

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

const Greeting = Flow.make("greeting", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literal("heard"),
  run: (who) =>
    Line.speak("Good morning.").pipe(
      Flow.andThen(Line.speak("How are you?")),
      Flow.as("heard" as const),
      Flow.dial({ ...who, ringFor: "40 seconds" }),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("heard" as const))
    )
})

/** Who joins others dials at once. */
const engine = Calls.layer({ flows: [Greeting], settings: { dial: { perSecond: Infinity } } }).pipe(
  Layer.provide(FakeTransport.layer)
)

const world = PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer))

/** Runs a body on an empty place. It is made and dropped before and after virtual time. */
const inVirtualTime = <E>(body: (url: string) => Effect.Effect<void, E, Layer.Success<typeof world>>) =>
  Effect.flatMap(place, (url) => Effect.provide(body(url), world))

/** The store of a process of its own, for whose server virtual time stands still. */
const storeOf = (url: string) =>
  Layer.fresh(Layer.effect(
    EventStore.EventStore,
    Effect.gen(function*() {
      const { outside } = yield* FakeClock.FakeClock
      const store = Context.get(yield* outside(Layer.build(inDatabase(url))), EventStore.EventStore)
      return EventStore.EventStore.of({
        ...store,
        processes: {
          join: () => Effect.void,
          leave: () => Effect.void,
          alive: Effect.succeed(new Map()),
          use: () => Effect.void,
          inUse: Effect.succeed(new Map()),
          tell: () => Effect.void,
          told: () => Effect.succeed(Stream.never),
          now: Clock.currentTimeMillis
        },
        orphans: (alive) => outside(store.orphans(alive)),
        summaries: (callIds) => outside(store.summaries(callIds)),
        append: (...turn) => outside(store.append(...turn)),
        read: (callId) => outside(store.read(callId)),
        find: (referenceId) => outside(store.find(referenceId)),
        due: (options) => outside(store.due(options)),
        summary: (callId) => outside(store.summary(callId))
      })
    })
  ))
