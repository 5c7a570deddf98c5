import { assert, it } from "@effect/vitest"
import { Calls, EventLog, PhoneNumber } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TableReady } from "../table-ready/flow.ts"
import * as Report from "./report.ts"

/** The application's own database beside the engine and its store. */
const world = Layer.merge(TestCalls.layer({ flows: [TableReady] }), SqliteClient.layer({ filename: ":memory:" }))

const from = PhoneNumber.make("+15550170009")

const invite = Effect.fnUntraced(function*(guest: string, callee: Callee.Callee) {
  yield* PhoneCompany.callee(guest, callee)
  const call = yield* Calls.start(TableReady, { to: PhoneNumber.make(guest), from })
  yield* call.outcome
})

/** Lets the report be kept until it has everything that there is, and stops it then, as a deployment would. */
const keepForAWhile = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const last = yield* EventLog.EventLog.use((log) => log.last)
  const keeping = yield* Effect.forkChild(Report.keep, { startImmediately: true })
  const kept = Effect.map(sql`SELECT position FROM daily_report_position`, ([row]) => row?.["position"] === last)
  yield* Effect.repeat(Effect.andThen(Effect.yieldNow, kept), { until: (isKept) => isKept })
  yield* Fiber.interrupt(keeping)
})

it.effect("a report counts each call once, through restarts and a crash in the middle", () =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* invite("+15550170001", Callee.answers().presses("1"))
    yield* keepForAWhile
    assert.deepStrictEqual(yield* Report.of("2026-01-01"), { began: 1, Success: 1 })

    yield* invite("+15550170002", Callee.answers().presses("2")) // while nobody keeps the report
    yield* sql`CREATE TRIGGER crash BEFORE INSERT ON daily_report_position BEGIN SELECT RAISE(ABORT, 'power cut'); END`
    yield* Effect.flip(Report.keep)
    assert.deepStrictEqual(yield* Report.of("2026-01-01"), { began: 1, Success: 1 })

    yield* sql`DROP TRIGGER crash`
    yield* invite("+15550170003", Callee.answers().staysSilent())
    yield* keepForAWhile
    yield* keepForAWhile
    assert.deepStrictEqual(yield* Report.of("2026-01-01"), { began: 3, Success: 3 })
  }).pipe(Effect.provide(world)))
