/** Which server is to be written, as the connections of a pool show it. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Logger } from "effect"
import { SqlError } from "effect/sql"
import type { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as SqlServer from "../src/internal/store/sqlServer.ts"

interface Place {
  readonly database: string
  readonly timeline: number | null
}

interface Session extends Place {
  readonly since: number
  isOver: boolean
}

const refusal = new SqlError.SqlError({
  reason: new SqlError.UnknownError({
    cause: Object.assign(new Error("permission denied"), { code: "42501" }),
    message: "permission denied",
    operation: "query"
  })
})

/** A client whose pool gives the connection first that was used last, as that of `@effect/sql-pg` does. */
const poolOf = Effect.fnUntraced(function*(options: { readonly at: Place; readonly tells?: boolean }) {
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const pool = { at: options.at, idle: [] as Array<Session>, opened: 0, held: 0, most: 0 }
  const reserve = Effect.acquireRelease(
    Effect.sync((): Session => {
      pool.most = Math.max(pool.most, ++pool.held)
      const idle = pool.idle.pop()
      if (idle !== undefined) return idle
      pool.opened++
      return { ...pool.at, since: clock.currentTimeMillisUnsafe(), isOver: false }
    }),
    (session) =>
      Effect.sync(() => {
        pool.held--
        if (!session.isOver) pool.idle.push(session)
      })
  )
  const asConnection = (session: Session) => ({
    executeUnprepared: (statement: string) =>
      options.tells === false && statement.includes("pg_control_system")
        ? Effect.fail(refusal)
        : Effect.sync(() => [{
          age: clock.currentTimeMillisUnsafe() - session.since,
          database: statement.includes("pg_control_system") ? session.database : null,
          timeline: session.timeline === null || statement.includes("pg_walfile_name") ? session.timeline : 0
        }]),
    connection: { interrupt: Effect.sync(() => void (session.isOver = true)) }
  })
  const sql = { reserve: Effect.map(reserve, asConnection), config: { maxConnections: 3 } }
  return { pool, sql: sql as unknown as SqlClient.SqlClient }
})

/** A server of a pool that is watched, and what is said of it. */
const watched = Effect.fnUntraced(function*(options: Parameters<typeof poolOf>[0]) {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  const { pool, sql } = yield* poolOf(options)
  const server = yield* SqlServer.make(sql)
  yield* server.look
  yield* Effect.forkScoped(Effect.provideService(server.watch, Logger.CurrentLoggers, new Set([logger])))
  const pass = (seconds: number) =>
    Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), Effect.yieldNow), { times: seconds - 1 })
  return { lines, pass, pool, server, sql }
})

const first = { database: "a", timeline: 1 }
const follower = { database: "a", timeline: null }
const promoted = { database: "a", timeline: 2 }

describe("the server that is to be written", () => {
  it.effect("is looked for each ten seconds, with one connection at a time, and leaves no more behind", () =>
    Effect.gen(function*() {
      const { lines, pass, pool } = yield* watched({ at: first })
      yield* pass(600)
      assert.deepStrictEqual(lines, [])
      assert.deepStrictEqual([pool.most, pool.held, pool.idle.length], [1, 0, 1])
      assert.isAtLeast(pool.opened, 60)
      assert.isAtMost(pool.opened, 61)
    }))

  it.effect("is another one once a new connection leads to a later timeline: what is in hand is broken off", () =>
    Effect.gen(function*() {
      const { lines, pass, pool, server, sql } = yield* watched({ at: first })
      yield* Effect.scoped(Effect.all([sql.reserve, sql.reserve, sql.reserve])) // as after a burst
      const work = yield* Effect.forkChild(server.during(Effect.never))
      const moved = yield* Effect.forkChild(server.moved)
      pool.at = promoted
      yield* pass(12)
      assert.isTrue(Exit.isFailure(work.pollUnsafe()!))
      assert.isTrue(Exit.isFailure(moved.pollUnsafe()!))
      assert.isTrue(pool.idle.every(({ timeline }) => timeline === 2))
      yield* pass(600)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "The database has moved to another server (timeline 1, now 2)")
    }))

  it.effect("is looked for at once when work is not answered, and work that is answered late goes on", () =>
    Effect.gen(function*() {
      const { lines, pass, pool, server } = yield* watched({ at: first })
      yield* pass(2)
      const answer = yield* Deferred.make<string>()
      const slow = yield* Effect.forkChild(server.during(Deferred.await(answer)))
      const before = pool.opened
      yield* pass(4)
      assert.strictEqual(pool.opened, before + 1)
      yield* pass(60)
      assert.isBelow(pool.opened, before + 20) // it is looked less and less often
      yield* Deferred.succeed(answer, "stored")
      yield* pass(1)
      assert.deepStrictEqual(slow.pollUnsafe(), Exit.succeed("stored"))
      assert.deepStrictEqual(lines, [])
    }))

  it.effect("is none that is read-only: that is said once a minute, and when it is over", () =>
    Effect.gen(function*() {
      const { lines, pass, pool, server, sql } = yield* watched({ at: first })
      pool.at = follower
      server.suspect()
      yield* pass(140)
      assert.lengthOf(lines, 3)
      assert.isTrue(
        lines.every((line) => line.includes("a server that is not the primary") && line.includes("it follows"))
      )
      const taken = Effect.scoped(Effect.flatMap(sql.reserve, server.admit))
      assert.include((yield* Effect.flip(taken)).message, "read-only")
      pool.at = first
      yield* pass(3)
      assert.lengthOf(lines, 4)
      assert.match(lines[3]!, /^Connections to the database lead to the primary again, after/)
      yield* taken
    }))

  it.effect("is of an earlier timeline only when nothing else has come for a minute, which is said once", () =>
    Effect.gen(function*() {
      const { lines, pass, pool, server, sql } = yield* watched({ at: promoted })
      const taken = Effect.scoped(Effect.flatMap(sql.reserve, server.admit))
      pool.at = first
      server.suspect()
      yield* pass(50)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "its timeline is 1, and 2 has been seen")
      assert.include((yield* Effect.flip(taken)).message, "moved")
      yield* pass(600)
      assert.lengthOf(lines.filter((line) => line.includes("(timeline 2, now 1)")), 1)
      assert.isAtMost(lines.length, 4)
      yield* taken
    }))

  it.effect("is another one when its address leads to another database, which no old connection takes back", () =>
    Effect.gen(function*() {
      const { lines, pass, pool } = yield* watched({ at: { database: "a", timeline: 7 } })
      pool.at = { database: "b", timeline: 1 }
      yield* pass(60)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "(timeline 7, now 1)")
    }))

  it.effect("is known as read-only alone where the database tells no timeline", () =>
    Effect.gen(function*() {
      const { lines, pass, pool, server } = yield* watched({ at: first, tells: false })
      pool.at = promoted
      yield* pass(30)
      assert.deepStrictEqual(lines, [])
      pool.at = follower
      server.suspect()
      yield* pass(12)
      assert.lengthOf(lines, 1)
    }))
})
