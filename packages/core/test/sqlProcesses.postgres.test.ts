/** What processes on one PostgreSQL know of each other, whatever happens between two of their statements. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, EventStore, SqlEventStore } from "@ringback/core"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Redacted, Scope, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Gate from "../../../scripts/gate.ts"
import * as Postgres from "../../../scripts/testPostgres.ts"

const server = await Postgres.start()

const lease = { millis: 15_000, renewing: () => () => undefined }

/** The URL of an empty place for the tables. */
const place = Effect.suspend(() => Postgres.schema(server!))

const connected = (url: string) =>
  Effect.map(
    Layer.build(Layer.fresh(SqlEventStore.layer.pipe(Layer.provideMerge(PgClient.layer({ url: Redacted.make(url) }))))),
    (context) => ({
      processes: Context.get(context, EventStore.EventStore).processes!,
      sql: Context.get(context, SqlClient.SqlClient)
    })
  )

/** A process whose way to the database goes through a gate. */
const behindGate = Effect.fnUntraced(function*(url: string, before?: Parameters<typeof Gate.open>[1]) {
  const way = new URL(url)
  const open = Effect.promise(() => Gate.open(Number(way.port), before))
  const gate = yield* Effect.acquireRelease(open, (gate) => Effect.sync(gate.shut))
  way.port = String(gate.port)
  return { gate, url: way.href }
})

const [dead, comer] = ["0000000d", "0000000c"]

const callId = CallEvent.CallId.make("0123456789abcdefghjk")

const rows = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<{ readonly process: string; readonly flows: string }>`SELECT process, flows FROM ringback_processes`,
    (rows) => new Map(rows.map(({ flows, process }) => [process, flows]))
  )

/** The statements of a process that removes what the dead have written down. */
const removal = ["SELECT process, ", "FROM pg_locks", "DELETE FROM ringback_processes"]

describe.skipIf(server === undefined)("what a process has written down", () => {
  for (const statement of removal) {
    for (const [comes, before] of [["joins", []], ["comes back", ["[\"a@1\"]"]]] as const) {
      it.effect(`stays if it ${comes} right before another that removes the dead says: ${statement}`, () =>
        Effect.gen(function*() {
          const url = yield* place
          const { processes, sql } = yield* connected(url)
          yield* sql`INSERT INTO ringback_processes VALUES (${dead}, '["a@1"]')`
          for (const flows of before) yield* sql`INSERT INTO ringback_processes VALUES (${comer}, ${flows})`
          const scope = yield* Effect.scope
          const joins = Scope.provide(processes.join(comer, new Set(["a@1"]), lease), scope)
          const run = Effect.runPromiseWith(yield* Effect.context<never>())
          let hasCome = false
          const way = yield* behindGate(url, (sent) => {
            if (hasCome || !sent.includes(statement)) return undefined
            hasCome = true
            return run(Effect.orDie(joins))
          })
          const remover = yield* connected(way.url)
          yield* remover.processes.join("0000000r", new Set(), lease)
          yield* Effect.repeat(rows(sql), { until: (rows) => !rows.has(dead) })
          assert.isTrue(hasCome)
          assert.deepStrictEqual((yield* processes.alive).get(comer), new Set(["a@1"]))
        }))
    }
  }
})

describe.skipIf(server === undefined)("what processes have written down", () => {
  it.effect("stays while the database has lost even who looks, for then nobody is known to be dead", () =>
    Effect.gen(function*() {
      const url = yield* place
      const { sql } = yield* connected(url)
      const lose = sql`SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND application_name = current_setting('application_name')`
      yield* sql`INSERT INTO ringback_processes VALUES (${comer}, '["a@1"]')`
      const run = Effect.runPromiseWith(yield* Effect.context<never>())
      const said: Array<string> = []
      let isLost = false
      const way = yield* behindGate(url, (sent) => {
        const statement = ["pg_advisory_lock_shared", ...removal].find((each) => sent.includes(each))
        if (statement === undefined) return undefined
        said.push(statement)
        return said.length === 3
          ? run(Effect.andThen(Effect.orDie(lose), Effect.sync(() => void (isLost = true))))
          : undefined
      })
      const remover = yield* connected(way.url)
      yield* remover.processes.join("0000000r", new Set(), lease)
      yield* Effect.repeat(sql`SELECT 1`, { until: () => isLost })
      yield* Effect.repeat(sql`SELECT 1`, { times: 50 }) // The look is answered before any time has passed.
      const slowly = Effect.andThen(TestClock.adjust("1 second"), Effect.repeat(sql`SELECT 1`, { times: 20 }))
      yield* Effect.repeat(slowly, { until: () => said.length >= 4 })
      const [first, ...others] = ["pg_advisory_lock_shared", ...removal]
      assert.deepStrictEqual(said.slice(0, 4), [first, ...others.slice(0, 2), first])
    }))
})

describe.skipIf(server === undefined)("what a process is writing down", () => {
  it.effect("stays though another takes what it wrote before for that of a dead one", () =>
    Effect.gen(function*() {
      const url = yield* place
      const { processes, sql } = yield* connected(url)
      yield* sql`INSERT INTO ringback_processes VALUES (${dead}, '["a@1"]'), (${comer}, '["a@1"]')`
      yield* sql`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$`
      yield* sql.unsafe(`CREATE TRIGGER wait AFTER UPDATE ON ringback_processes FOR EACH ROW EXECUTE FUNCTION wait()`)
      const latch = yield* sql.reserve
      yield* latch.executeUnprepared("SELECT pg_advisory_lock(1)", [], undefined)
      const waiting = (n: number) =>
        Effect.repeat(
          sql<{ readonly n: bigint }>`SELECT count(*) AS n FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE NOT granted AND application_name = current_setting('application_name')`,
          { until: ([row]) => Number(row?.n) === n }
        )
      const scope = yield* Effect.scope
      const run = Effect.runPromiseWith(yield* Effect.context<never>())
      let joining: Fiber.Fiber<void, EventStore.StoreError> | undefined
      const way = yield* behindGate(url, (sent) => {
        if (joining !== undefined || !sent.includes("DELETE FROM ringback_processes")) return undefined
        joining = Effect.runFork(Scope.provide(processes.join(comer, new Set(["a@1"]), lease), scope))
        return run(Effect.asVoid(Effect.orDie(waiting(1))))
      })
      const remover = yield* connected(way.url)
      yield* remover.processes.join("0000000r", new Set(), lease)
      yield* waiting(2)
      yield* latch.executeUnprepared("SELECT pg_advisory_unlock(1)", [], undefined)
      yield* Fiber.join(joining!)
      yield* Effect.repeat(rows(sql), { until: (rows) => !rows.has(dead) })
      assert.deepStrictEqual((yield* processes.alive).get(comer), new Set(["a@1"]))
    }))
})

/** Lets a second pass, and whatever comes over a connection meanwhile. */
const second = Effect.andThen(TestClock.adjust("1 second"), Effect.promise(() => new Promise(setImmediate)))

/** What a process says to the database, from when it joins to when it tells and hears others. */
const statements = [
  "tcp_keepalives_idle",
  "SELECT pg_advisory_lock_shared",
  "INSERT INTO ringback_processes",
  ...removal,
  "SELECT 1",
  "LISTEN",
  "SELECT pg_notify",
  "SELECT extract(epoch FROM clock_timestamp())"
]

/** In which a server is given up takes real time, so they run side by side. */
describe.skipIf(server === undefined).concurrent("a process whose database is frozen", () => {
  it.effect("ends though its store is not open yet", () =>
    Effect.gen(function*() {
      const way = yield* behindGate(yield* place)
      way.gate.freeze()
      const opening = yield* Effect.forkChild(Effect.scoped(connected(way.url)))
      yield* second
      const ending = yield* Effect.forkChild(Fiber.interrupt(opening))
      yield* Effect.repeat(second, { until: () => ending.pollUnsafe() !== undefined })
    }))

  it.effect("ends though it was told to right before it listened", () =>
    Effect.gen(function*() {
      const listens = yield* Deferred.make<Fiber.Fiber<void>>()
      const run = Effect.runForkWith(yield* Effect.context<never>())
      const way = yield* behindGate(yield* place, (sent) => {
        if (sent.includes("UNLISTEN")) return void way.gate.freeze()
        if (!sent.includes("LISTEN")) return undefined
        const end = Effect.andThen(Fiber.interrupt(living), Scope.close(scope, Exit.void))
        Deferred.doneUnsafe(listens, Exit.succeed(run(end)))
        return new Promise((resolve) => void setImmediate(resolve))
      })
      const scope = yield* Scope.make()
      const { processes } = yield* Scope.provide(connected(way.url), scope)
      const living = yield* Effect.forkChild(Effect.scoped(processes.told(comer)))
      const ending = yield* Deferred.await(listens)
      yield* Effect.repeat(second, { until: () => ending.pollUnsafe() !== undefined })
    }))

  for (const statement of statements) {
    it.effect(`ends, whatever it said last: ${statement}`, () =>
      Effect.gen(function*() {
        const url = yield* place
        const { sql } = yield* connected(url)
        yield* sql`SELECT 1 FROM ringback_turns`
        yield* sql`INSERT INTO ringback_processes VALUES (${dead}, '[]')`
        const frozen = yield* Deferred.make<void>()
        let isOpen = false
        const way = yield* behindGate(url, (sent) => {
          if (!isOpen || !sent.includes(statement)) return undefined
          way.gate.freeze()
          Deferred.doneUnsafe(frozen, Exit.void)
          return undefined
        })
        const scope = yield* Scope.make()
        const { processes } = yield* Scope.provide(connected(way.url), scope)
        isOpen = true
        const life = Effect.gen(function*() {
          yield* processes.join(comer, new Set(["a@1"]), lease)
          const told = yield* processes.told(comer)
          yield* Effect.forkScoped(Stream.runDrain(told))
          yield* processes.now
          yield* processes.tell([dead], { what: "look", calls: [callId], from: comer })
          return yield* Effect.never
        })
        const living = yield* Effect.forkChild(Effect.scoped(life))
        yield* Effect.raceFirst(Deferred.await(frozen), Fiber.join(living))
        const ending = yield* Effect.forkChild(Effect.andThen(Fiber.interrupt(living), Scope.close(scope, Exit.void)))
        yield* Effect.repeat(second, { until: () => ending.pollUnsafe() !== undefined })
      }))
  }
})

describe.skipIf(server === undefined)("looks for the server that is to be written", () => {
  it.effect("renew connections, and leave none behind", () =>
    Effect.gen(function*() {
      const url = yield* place
      const stores = yield* Effect.forEach(Array.from({ length: 11 }, (_, n) => n), () => connected(url))
      yield* Effect.forEach(
        stores,
        ({ processes }, n) => processes.join(`000000${String(10 + n)}`, new Set(), lease),
        { concurrency: "unbounded" }
      )
      const { sql } = stores[0]!
      const open = sql<{ readonly pid: number }>`SELECT pid FROM pg_stat_activity
        WHERE application_name = current_setting('application_name')`
      const all = new Set<number>()
      const counts: Array<number> = []
      yield* Effect.repeat(
        Effect.gen(function*() {
          yield* TestClock.adjust("1 second")
          const pids = yield* open
          counts.push(pids.length)
          for (const { pid } of pids) all.add(pid)
        }),
        { until: () => counts.length >= 600 && all.size >= 66 }
      )
      assert.isAtMost(Math.max(...counts), 5 * stores.length)
      assert.isAtMost(counts.at(-1)!, counts[0]! + stores.length)
    }))
})

describe.skipIf(server === undefined)("a process that others do not see any more", () => {
  it.effect("says so: when that begins, once a minute while it lasts, and when it is over", () =>
    Effect.gen(function*() {
      const url = yield* place
      const { processes, sql } = yield* connected(url)
      const way = yield* behindGate(url)
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))
      const lost = "The connection by which other processes see this one is lost"
      yield* Effect.gen(function*() {
        yield* (yield* connected(way.url)).processes.join(comer, new Set(["a@1"]), lease)
        assert.deepStrictEqual(lines, [])
        way.gate.shut()
        yield* Effect.repeat(second, { until: () => lines.length === 2 })
        assert.isFalse((yield* processes.alive).has(comer))
        yield* Effect.promise(way.gate.reopen)
        const slowly = Effect.andThen(TestClock.adjust("1 second"), Effect.repeat(sql`SELECT 1`, { times: 20 }))
        yield* Effect.repeat(slowly, { until: () => lines.some((line) => line.startsWith("Info")) })
        yield* Effect.repeat(Effect.andThen(slowly, processes.alive), { until: (alive) => alive.has(comer) })
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.match(lines[0]!, new RegExp(`^Warn: ${lost}: The event store failed to`))
      assert.match(lines[1]!, new RegExp(`^Warn: ${lost}, after 6[0-9] s, [0-9]+ failures: The event store failed to`))
      const over = lines.find((line) => line.startsWith("Info"))!
      assert.match(over, new RegExp(`^Info: Other processes see this one again, after [0-9]+ s, [0-9]+ failures$`))
    }))

  it.effect("says nothing of a connection that it never had: whoever wants to join is told", () =>
    Effect.gen(function*() {
      const way = yield* behindGate(yield* place)
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => void lines.push(message))
      const { processes } = yield* connected(way.url)
      way.gate.shut()
      const joining = Effect.scoped(processes.join(comer, new Set(), lease))
      const error = yield* Effect.flip(Effect.provide(joining, Logger.layer([logger])))
      assert.strictEqual(error._tag, "StoreError")
      assert.deepStrictEqual(lines, [])
    }))
})
