/** What the living do when a process dies with many calls: each call is work for one of them. */
import { assert, describe } from "@effect/vitest"
import { Flow } from "@ringback/core"
import { Callee, PhoneCompany } from "@ringback/testing"
import { Clock, Effect, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Greeting, to } from "./fixtures/greeting.ts"
import { type Process, report, start, tags, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

/** Has an activity that takes a minute. */
const Booking = Flow.make("booking", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.activity("book", { success: Schema.String, within: "1 hour" }, Effect.as(Effect.sleep("1 minute"), "booked"))
})

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("20 seconds").pipe(Flow.as("rested" as const))
})

const many = 60

const flows = [Booking, Nap, Greeting]

const sum = (all: ReadonlyArray<Process>, of: (process: Process) => number) =>
  all.reduce((total, process) => total + of(process), 0)

describe.skipIf(server === undefined)("a process that dies with many calls", () => {
  test("leaves each of them to about one that lives, whose part is a fair one, and webhooks are answered in between", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const dying = yield* start({ flows })
      const living = [yield* start({ flows }), yield* start({ flows }), yield* start({ flows })]
      yield* Effect.sleep("12 seconds") // They have seen each other.
      yield* report(living[0]!)
      const each = Array.from({ length: many }, (_, n) => n)
      const bookings = yield* Effect.forEach(each, () => dying.calls.start(Booking, {}))
      const naps = yield* Effect.forEach(each, () => dying.calls.start(Nap, {}))
      const talk = yield* living[1]!.calls.start(Greeting, {})
      yield* Effect.sleep("1 second")
      const reads = living.map(({ reads }) => reads.length)
      yield* dying.kill
      const killedAt = yield* Clock.currentTimeMillis
      assert.strictEqual(yield* talk.outcome, "heard")
      yield* Effect.sleep("3 minutes")
      const readsOf = living.map(({ reads: all }, n) =>
        new Set(all.slice(reads[n]).filter((id) => id !== talk.id)).size
      )

      for (const { id } of bookings) {
        const recorded = yield* tags(living[0]!, id)
        assert.lengthOf(recorded.filter((tag) => tag === "Restarted"), 1)
        assert.strictEqual(recorded.at(-1), "FlowEnded")
      }
      let longest = 0
      for (const { id } of naps) {
        const elapsed = (yield* living[0]!.calls.events(id)).find(({ _tag }) => _tag === "SleepElapsed")
        longest = Math.max(longest, elapsed!.at - killedAt - 19_000)
      }
      assert.isBelow(longest, 12_000) // They are late by one look, and are seen at the next.
      assert.isAtMost(readsOf.reduce((total, count) => total + count, 0), 2 * many + 6)
      for (const count of readsOf) assert.isAbove(count, many / 6)
      assert.isAtMost(sum(living, (process) => process.conflicts()), 3)
    }))
})
