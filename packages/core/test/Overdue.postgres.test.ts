/** What is known of shards of a cluster whose work nobody does. */
import { assert, describe } from "@effect/vitest"
import { CallMetrics, Flow } from "@ringback/core"
import { Effect, Metric, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Cluster } from "../src/internal/engine/asked.ts"
import { lying, start, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("1 minute").pipe(Flow.as("rested" as const))
})

describe.skipIf(server === undefined)("a shard whose owner hangs", () => {
  test("is known by how long its oldest due work has waited, until another does that", () =>
    Effect.gen(function*() {
      const one = yield* start({ flows: [Nap] })
      const other = yield* Effect.provideService(start({ flows: [Nap] }), Cluster, lying("elsewhere"))
      const age = (shard: string) => Effect.map(Metric.value(CallMetrics.shardDueAge(shard)), ({ value }) => value)
      const behind = Effect.map(other.calls.load, ({ shardsBehind }) => shardsBehind)
      const { id } = yield* one.calls.start(Nap, {})
      assert.deepStrictEqual(yield* behind, [])
      yield* one.freeze
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual([yield* behind, yield* age("17")], [[], 0])
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(yield* behind, [{ shard: "17", forMillis: 10_000 }])
      assert.deepStrictEqual([yield* age("17"), yield* age("18")], [10, 0])
      assert.strictEqual(yield* other.calls.handle(Nap, id).outcome, "rested")
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual([yield* behind, yield* age("17")], [[], 0])
    }))
})

describe.skipIf(server === undefined)("a machine that is alone", () => {
  test("is not behind with what it does in time, though it looks for that before it is due", () =>
    Effect.gen(function*() {
      const one = yield* Effect.provideService(start({ flows: [Nap] }), Cluster, lying("here"))
      yield* Effect.sleep("2 seconds") // Between two looks.
      const call = yield* one.calls.start(Nap, {})
      assert.strictEqual(yield* call.outcome, "rested")
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(yield* Effect.map(one.calls.load, ({ shardsBehind }) => shardsBehind), [])
    }))
})
