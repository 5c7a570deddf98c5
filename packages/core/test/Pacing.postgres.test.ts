/** Processes that share a store share the pace of their dials. */
import { assert, describe } from "@effect/vitest"
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany } from "@ringback/testing"
import { Effect, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { type Process, reportInTurns, start, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

const from = PhoneNumber.make("15550170009")
const numberOf = (n: number) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)

const Announcement = Flow.make("announcement", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: ({ to }) =>
    Line.speak("The library closes at six today.").pipe(
      Flow.as("heard"),
      Flow.dial({ to, from }),
      Flow.catchTag(["NotAnswered", "HungUp"], (error) => Flow.succeed(error._tag))
    )
})

/** Rings for long. */
const Patient = Flow.make("patient", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: ({ to }) =>
    Line.speak("The library closes at six today.").pipe(
      Flow.as("heard"),
      Flow.dial({ to, from, ringFor: "20 minutes" }),
      Flow.catchTag(["NotAnswered", "HungUp"], (error) => Flow.succeed(error._tag))
    )
})

const paced = { flows: [Announcement], settings: { dial: { perSecond: 2 } } }

/** Starts calls to numbers from `first` on, one a millisecond. */
const announce = ({ calls }: Process, first: number, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => first + n),
    (n) => Effect.andThen(calls.start(Announcement, { to: numberOf(n) }), FakeClock.advance(1)),
    { discard: true }
  )

const ringsSince = (began: number) =>
  Effect.map(PhoneCompany.rings, (rings) => rings.map(({ at, number }) => ({ at: at - began, number })))

/** The most that rang in any second. */
const most = (rings: ReadonlyArray<{ readonly at: number }>): number =>
  Math.max(...rings.map(({ at }) => rings.filter((other) => other.at >= at && other.at < at + 1_000).length))

describe.skipIf(server === undefined)("processes on one PostgreSQL", () => {
  test("share the pace: who joins waits until the others have looked, and in sum they are not over", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const one = yield* start(paced)
      const began = yield* FakeClock.now
      yield* announce(one, 0, 60)
      const two = yield* start(paced)
      yield* reportInTurns([one, two])
      yield* announce(two, 100, 20)
      yield* FakeClock.advance("9 seconds")
      assert.isTrue((yield* ringsSince(began)).every(({ number }) => number < numberOf(100)))
      yield* FakeClock.advance("1 minute")
      const rings = yield* ringsSince(began)
      assert.lengthOf(rings, 80)
      assert.isAtMost(most(rings), 3)
      for (const first of [0, 100]) {
        const own = rings.map(({ number }) => number).filter((number) =>
          number.startsWith(numberOf(first).slice(0, -2))
        )
        assert.deepStrictEqual(own, own.toSorted())
      }
    }))

  test("have too few lines for each: who has one dials for the other too, in the order of their time, each once", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const few = { flows: [Announcement], settings: { dial: { linesAtMost: 1 } } }
      const all = [yield* start(few), yield* start(few), yield* start(few)]
      for (let round = 0; round < 3; round++) {
        for (const [place, one] of all.entries()) yield* announce(one, 100 * place + round, 1)
      }
      yield* reportInTurns(all)
      yield* FakeClock.advance("5 minutes")
      const rings = yield* PhoneCompany.rings
      assert.deepStrictEqual(
        rings.map(({ number }) => number).toSorted(),
        [0, 1, 2, 100, 101, 102, 200, 201, 202].map(numberOf)
      )
      for (const first of [0, 100, 200]) {
        const own = rings.map(({ number }) => number).filter((number) =>
          number.startsWith(numberOf(first).slice(0, -2))
        )
        assert.deepStrictEqual(own, own.toSorted())
      }
      let open = 0
      for (const entry of yield* PhoneCompany.log) {
        if (entry._tag === "Requested") open++
        if (entry._tag === "Posted" && entry.webhook.event === "call_completed") open--
        assert.isAtMost(open, 1)
      }
    }))

  test("are never over their lines, though those of one were in use when the other joined", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("10 minutes"))
      const few = {
        flows: [Patient],
        settings: { dial: { linesAtMost: 2 }, line: { ringLimit: "30 minutes" } }
      } as const
      const one = yield* start(few)
      for (const n of [1, 2]) yield* one.calls.start(Patient, { to: numberOf(n) })
      yield* FakeClock.advance("5 seconds")
      const two = yield* start(few)
      yield* reportInTurns([one, two])
      yield* two.calls.start(Patient, { to: numberOf(3) })
      yield* FakeClock.advance("9 minutes")
      assert.lengthOf(yield* PhoneCompany.rings, 2)
      yield* FakeClock.advance("3 minutes")
      assert.lengthOf(yield* PhoneCompany.rings, 3)
    }))

  test("take over what waits at one that is gone, in its order, each once", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const one = yield* start(paced)
      const two = yield* start(paced)
      yield* reportInTurns([two])
      yield* announce(one, 0, 20)
      yield* one.kill
      yield* FakeClock.advance("2 minutes")
      const rung = (yield* PhoneCompany.rings).map(({ number }) => number)
      assert.deepStrictEqual(rung.toSorted(), Array.from({ length: 20 }, (_, n) => numberOf(n)))
      assert.deepStrictEqual(rung, rung.toSorted())
    }))
})
