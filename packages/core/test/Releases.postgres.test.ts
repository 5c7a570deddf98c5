/** What an earlier release has written opens, and its calls go on, on SQLite and on PostgreSQL. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { CallIndex, Calls, EventLog, type Flow, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer, Redacted } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { inPlace, report, start, testsOn } from "./fixtures/processes.ts"
import { approval, Approved, hotline, hotlineNumber, later, survey } from "./fixtures/releases/flows.ts"
import { openPostgres, openSqlite, type Release, releases, sessionOf } from "./fixtures/releases/open.ts"
import { tempFile } from "./fixtures/tempFile.ts"

const server = await Postgres.start()
const testOnPostgres = testsOn(server)

const engine = { flows: [survey, later, approval], inbound: { [hotlineNumber]: hotline } }

/** The carrier goes on with the lines of a release: what it reports, and the words or the action that it is answered with. */
const carrier = (calls: Calls.Calls["Service"], release: Release, name: string) => {
  const referenceId = sessionOf(release, name)
  return (event: string, fields: { readonly status?: string; readonly digits?: string } = {}) =>
    Effect.gen(function*() {
      const reply = yield* calls.receive(TelesignWire.named({ event, referenceId, ...fields }))
      yield* reply.sent(true)
      if (reply.action === undefined) return ""
      return reply.action._tag === "Speak" ? reply.action.text : reply.action._tag
    })
}

const goesOn = (calls: Calls.Calls["Service"], release: Release) =>
  Effect.gen(function*() {
    const outcomeOf = <A, E, R>(flow: Flow.Definition<string, never, A, E, R>, name: string) =>
      calls.handle(flow, release.calls[name]!).outcome

    const asked = carrier(calls, release, "asked")
    assert.strictEqual(yield* asked("speak_completed", { digits: "2" }), "Thank you.")
    assert.strictEqual(yield* asked("speak_completed", { digits: "" }), "Hangup")
    assert.strictEqual(yield* asked("call_completed", { status: "hangup" }), "")
    assert.strictEqual(yield* outcomeOf(survey, "asked"), "two")

    const ringing = carrier(calls, release, "ringing")
    assert.strictEqual(yield* ringing("dial_completed", { status: "answered" }), "Press 1 or 2.")
    assert.strictEqual(yield* ringing("call_completed", { status: "hangup" }), "")
    assert.strictEqual(yield* outcomeOf(survey, "ringing"), "hung up")

    const incoming = carrier(calls, release, "incoming")
    assert.strictEqual(yield* incoming("speak_completed", { digits: "1234" }), "Hangup")
    assert.strictEqual(yield* outcomeOf(hotline, "incoming"), "1234")

    yield* calls.handle(approval, release.calls["approval"]!).signal(Approved, "yes")
    assert.strictEqual(yield* outcomeOf(approval, "approval"), "yes at 42")

    yield* PhoneCompany.callee("15550170004", Callee.answers("2 seconds"))
    assert.strictEqual(yield* outcomeOf(later, "waiting"), "heard")

    const again = yield* calls.start(survey, { to: PhoneNumber.make("15550170003") }, { key: "over" })
    assert.strictEqual(again.id, release.calls["over"])
    assert.strictEqual(yield* again.outcome, "one")
    assert.strictEqual((yield* PhoneCompany.rings).length, 1)
  })

/** What a release has left is listed as soon as it is opened, and all its turns are in the log. */
const isListed = (release: Release) =>
  Effect.gen(function*() {
    const index = yield* CallIndex.CallIndex
    const idsOf = (filter: CallIndex.Filter) =>
      Effect.map(index.list(filter), ({ calls }) => calls.map(({ callId }) => callId))
    assert.sameMembers(yield* idsOf({}), Object.values(release.calls))
    assert.deepStrictEqual(yield* idsOf({ direction: "inbound" }), [release.calls["incoming"]!])
    assert.deepStrictEqual(yield* idsOf({ outcome: "Success", status: "over" }), [release.calls["over"]!])
    assert.deepStrictEqual(yield* idsOf({ key: "approval" }), [release.calls["approval"]!])
    const [over] = (yield* index.list({ endedFrom: 0 })).calls
    assert.isTrue(over !== undefined && over.endedAt! > over.startedAt && over.endedAt! <= release.at)
    const turns = yield* EventLog.EventLog.use((log) => log.read({ limit: 1000 }))
    assert.lengthOf(turns, release.sqlite.rows["ringback_turns"]!.length)
  })

describe.each(releases)("a database that %s wrote", (_, release) => {
  it.effect("is listed on SQLite", () =>
    Effect.gen(function*() {
      const file = SqliteClient.layer({ filename: yield* tempFile })
      yield* Effect.provide(openSqlite(release), file)
      yield* Effect.provide(isListed(release), SqlEventStore.layer.pipe(Layer.provide(file)))
    }))

  describe.skipIf(server === undefined)("is listed on PostgreSQL", () => {
    it.effect("too", () =>
      Effect.gen(function*() {
        const client = PgClient.layer({ url: Redacted.make(yield* Postgres.schema(server!)) })
        yield* Effect.provide(openPostgres(release), client)
        yield* Effect.provide(isListed(release), SqlEventStore.layer.pipe(Layer.provide(client)))
      }))
  })

  it.effect("opens on SQLite, and its calls go on", () =>
    Effect.gen(function*() {
      const file = SqliteClient.layer({ filename: yield* tempFile })
      yield* Effect.provide(openSqlite(release), file)
      const living = TestCalls.connection.pipe(
        Layer.provideMerge(Calls.layer(engine)),
        Layer.provide(FakeTransport.layer),
        Layer.provide(SqlEventStore.layer),
        Layer.provide(file)
      )
      yield* Calls.Calls.use((calls) => goesOn(calls, release)).pipe(Effect.provide(living))
    }).pipe(Effect.provide(
      PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layerWith({ start: release.at + 1000 })))
    )))

  describe.skipIf(server === undefined)("opens on PostgreSQL", () => {
    testOnPostgres("and its calls go on", () =>
      Effect.gen(function*() {
        yield* inPlace(openPostgres(release))
        yield* FakeClock.advance(release.at + 1000 - (yield* FakeClock.now))
        const process = yield* start(engine)
        yield* report(process)
        yield* goesOn(process.calls, release)
      }))
  })
})
