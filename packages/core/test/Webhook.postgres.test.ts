import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Calls, SqlEventStore } from "@ringback/core"
import type { CallEvent, EventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWebhook, TelesignWire } from "@ringback/http"
import { Arbitrary, Effect, Layer, Option, Random, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { SqlClient } from "effect/sql"
import * as Postgres from "../../../scripts/testPostgres.ts"
import * as Desk from "./fixtures/desk.ts"
import { tempFile } from "./fixtures/tempFile.ts"

const server = await Postgres.start()

const engine = Desk.engine({ namespace: "ours" })

// What comes in

const texts = [
  "",
  "a".repeat(129),
  "ab".repeat(1500),
  "\u0000",
  "1\u0000",
  "\ud83d",
  "é".repeat(255),
  "a\nb",
  "\u001b[2J"
]

const Text = Schema.Union([Schema.Literals(texts), Schema.String])

const Anything = Schema.Union([Text, Schema.Json, Schema.Literals([-1, 1e300, 4e7, 12])])

const Fields = Schema.Record(Text, Schema.Union([Anything, Schema.Literal("a".repeat(1500))]))

const Body = Schema.Struct({
  event: Schema.Union([
    Schema.Literals(["incoming_call", "dial_completed", "speak_completed", "call_leg_completed", "call_completed"]),
    Anything
  ]),
  reference_id: Schema.Union([Schema.Literals(["1", "2", "3", "4"]), Text]),
  external_id: Schema.optionalKey(Schema.Union([Schema.Literal("ours.0123456789abcdefghjk.1"), Anything])),
  data: Schema.Union([
    Anything,
    Schema.Struct({
      to: Schema.Union([Schema.Literal(Desk.desk), Anything]),
      from: Schema.optionalKey(Anything),
      status: Schema.optionalKey(Schema.Union([Schema.Literal("answered"), Anything])),
      collected_digits: Schema.optionalKey(Schema.Union([Schema.Literal("12#"), Anything])),
      duration: Schema.optionalKey(Anything),
      extra: Schema.optionalKey(Schema.Union([Anything, Fields]))
    })
  ]),
  more: Schema.optionalKey(Schema.Union([Anything, Fields]))
})

const bodies = (seed: number) =>
  Effect.gen(function*() {
    const events = yield* Arbitrary.sampleEffect(Arbitrary.schema(Body), { count: 150, seed })
    const others = yield* Arbitrary.sampleEffect(Arbitrary.schema(Schema.Union([Text, Schema.Json])), {
      count: 30,
      seed
    })
    const deep = `{"event":"dial_completed","reference_id":"1","more":${"[".repeat(20_000)}${"]".repeat(20_000)}}`
    return [
      ...events.map((body) => JSON.stringify(body)),
      ...others.flatMap((other) => [JSON.stringify(other), typeof other === "string" ? other : "{"]),
      JSON.stringify({ ...events[0], more: "a".repeat(100_000) }),
      deep
    ]
  })

const isWord = (status: number, json: Record<string, unknown>): boolean =>
  status === 200 ? json["method"] !== undefined || Object.keys(json).length === 0 : typeof json["error"] === "string"

/** Posts all bodies, some at a time, and checks the answers. */
const postAll = Effect.fnUntraced(function*(all: ReadonlyArray<string>, seed: number) {
  const calls = yield* Calls.Calls
  const { dispose, handler } = HttpRouter.toWebHandler(
    TelesignWebhook.layer({ path: Desk.path, verify: "none" }).pipe(
      Layer.provide(Layer.succeed(Calls.Calls, calls)),
      Layer.provideMerge(HttpServer.layerServices)
    ),
    { disableLogger: true }
  )
  const statuses = yield* Effect.forEach(all, (body) =>
    Effect.promise(async () => {
      const response = await handler(new Request(`http://localhost${Desk.path}`, { method: "POST", body }))
      const json = await response.json() as Record<string, unknown>
      assert.include([200, 400, 413], response.status, `seed ${seed}: ${body.slice(0, 500)}`)
      assert.isTrue(isWord(response.status, json), `seed ${seed}: ${JSON.stringify(json)} to ${body.slice(0, 500)}`)
      return response.status
    }), { concurrency: 8 })
  yield* Effect.promise(dispose)
  return new Set(statuses)
})

const stored = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly call_id: CallEvent.CallId }>`SELECT DISTINCT call_id FROM ringback_turns`
  return rows.map((row) => row.call_id)
})

/** One life of a store and an engine on it. */
const life = <A, E, E2>(
  client: Layer.Layer<SqlClient.SqlClient, E2>,
  use: Effect.Effect<A, E, Calls.Calls | EventStore.EventStore | SqlClient.SqlClient>
) =>
  Effect.provide(
    use,
    engine.pipe(Layer.provideMerge(SqlEventStore.layer), Layer.provideMerge(client))
  )

const survives = <E>(client: Layer.Layer<SqlClient.SqlClient, E>) =>
  Effect.gen(function*() {
    const seed = yield* Random.nextIntBetween(0, 1_000_000)
    const statuses = yield* life(
      client,
      Effect.gen(function*() {
        const errand = yield* Calls.start(Desk.Errand, {})
        const statuses = yield* postAll(yield* bodies(seed), seed)
        assert.isTrue(Option.isSome(yield* Calls.get(errand.id)))
        yield* Calls.start(Desk.Errand, {})
        yield* Calls.receive(TelesignWire.named({ event: "incoming_call", referenceId: "7A10", to: Desk.desk }))
        return statuses
      })
    )
    assert.deepStrictEqual([...statuses].toSorted(), [200, 400, 413], `seed ${seed}`)
    const read = yield* life(
      client,
      Effect.flatMap(stored, (ids) => Effect.forEach(ids, Calls.events))
    )
    assert.isAtLeast(read.length, 3, `seed ${seed}`)
    for (const events of read) assert.isAbove(events.length, 0)
  })

describe("whatever bytes come in are answered in JSON, and what is taken of them can be read back", () => {
  it.effect("on SQLite", () => Effect.flatMap(tempFile, (filename) => survives(SqliteClient.layer({ filename }))))

  it.effect.skipIf(server === undefined)(
    "on PostgreSQL",
    () => Effect.flatMap(Postgres.schema(server!), (url) => survives(PgClient.layer({ url: Redacted.make(url) })))
  )

  it.effect.skipIf(server === undefined)(
    "on PostgreSQL, and one session that it could never store holds up nothing",
    () =>
      Effect.flatMap(Postgres.schema(server!), (url) =>
        life(
          PgClient.layer({ url: Redacted.make(url) }),
          Effect.gen(function*() {
            const referenceId = "0123456789abcdef".repeat(175)
            const webhook = { event: "incoming_call", referenceId, to: Desk.desk }
            const refused = yield* Effect.flip(Calls.receive(TelesignWire.named(webhook)))
            assert.strictEqual(refused._tag, "OutOfBounds")
            const { action } = yield* Calls.receive(TelesignWire.named({ ...webhook, referenceId: "7A10" }))
            assert.strictEqual(action?._tag, "Speak")
            yield* Calls.start(Desk.Errand, {})
          })
        ))
  )
})
