/** What a page is sent of a call: piece by piece, and what has changed, which is the whole together with what it has. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, PhoneNumber, Settings } from "@ringback/core"
import { Arbitraries, type Callee, FakeClock, PhoneCompany } from "@ringback/testing"
import { Arbitrary, Effect, Option } from "effect"
import { afterAll, beforeAll } from "vitest"
import type { CallsApi } from "../src/index.ts"
import * as Showing from "../src/internal/api/showing.ts"
import * as Viewing from "../src/internal/api/viewing.ts"
import { joined } from "../src/internal/joined.ts"
import { type Application, application, from, Reminder, TableFree } from "./fixtures/inspected.ts"

const seed = Number(process.env["SEED"] ?? 20_261_130)
const count = 40

const around = { settings: Settings.defaults, flows: [] }

type View = typeof CallsApi.View.Type

/** A call as it was after so many turns. */
const asOf = (call: Showing.Known, turns: number, reveal: boolean): Viewing.Whole =>
  Viewing.whole({ ...call, turns: call.turns.slice(0, turns) }, around, reveal)

/** All of it in one piece. */
const all = (whole: Viewing.Whole): View => Viewing.piece(whole, { limit: Infinity })

/** What is told of a call, however it was put together. */
const told = ({ ladder, place, report, signal, total }: View) => ({ ladder, place, report, signal, total })

const begin = Effect.fnUntraced(function*(script: Callee.Script, n: number) {
  const to = PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)
  yield* PhoneCompany.callee(to, [script])
  return n % 3 === 0
    ? (yield* Calls.start(TableFree, { to, from })).id
    : (yield* Calls.start(Reminder, { to, from, when: "Tuesday at ten" })).id
})

/** Calls to people of all kinds, as far as each has come. */
const played = Effect.gen(function*() {
  const ids = yield* Effect.forEach(yield* Arbitrary.sampleEffect(Arbitraries.callee, { count, seed }), begin)
  yield* FakeClock.advance("15 minutes")
  const { read, summary } = yield* EventStore.EventStore
  return yield* Effect.forEach(
    ids,
    (id) =>
      Effect.map(Effect.all([summary(id), read(id)]), ([found, turns]): Showing.Known => ({
        summary: Option.getOrThrow(found),
        turns,
        known: {}
      }))
  )
})

describe(`a view (SEED=${seed})`, () => {
  let app: Application
  let calls: ReadonlyArray<Showing.Known> = []
  beforeAll(async () => {
    app = await application()
    calls = await app.run(played)
  })
  afterAll(() => app.close())

  for (const reveal of [false, true]) {
    const name = reveal ? "revealed" : "masked"

    it(`is the whole together with what was there before, ${name}`, () => {
      assert.isAbove(Math.max(...calls.map(({ turns }) => turns.length)), 10)
      for (const call of calls) {
        const whole = asOf(call, call.turns.length, reveal)
        for (let n = 1; n <= call.turns.length; n++) {
          const before = all(asOf(call, n, reveal))
          const changed = Viewing.piece(whole, { after: before.place, limit: Infinity })
          assert.deepStrictEqual(told(joined(before, changed)), told(all(whole)))
          assert.lengthOf(changed.report.events, Showing.eventsOf(call.turns.slice(n)).length)
        }
      }
    })

    it(`comes in pieces that are the whole together, ${name}, also while the call goes on`, () => {
      let most = 0
      for (const call of calls) {
        for (const limit of [1, 7, 1000]) {
          for (const goesOn of [0, 1, 3]) {
            let now = goesOn === 0 ? call.turns.length : 1
            let shown = Viewing.piece(asOf(call, now, reveal), { limit })
            let pieces = 1
            while (shown.next !== undefined || now < call.turns.length) {
              now = Math.min(call.turns.length, now + goesOn)
              const piece = Viewing.piece(asOf(call, now, reveal), { after: shown.next ?? shown.place, limit })
              assert.isNotEmpty(piece.report.events)
              shown = joined(shown, piece)
              pieces++
            }
            assert.deepStrictEqual(told(shown), told(all(asOf(call, now, reveal))))
            most = Math.max(most, pieces)
          }
        }
      }
      assert.isAbove(most, 10)
    })
  }

  it("holds no more events than it was asked for, but for the rest of a turn", () => {
    for (const call of calls) {
      const longest = Math.max(...call.turns.map(({ events }) => events.length))
      for (const limit of [1, 7, 20]) {
        const piece = Viewing.piece(asOf(call, call.turns.length, false), { limit })
        assert.isBelow(piece.report.events.length, limit + longest)
        assert.strictEqual(piece.total.events, Showing.eventsOf(call.turns).length)
        assert.strictEqual(piece.next === undefined, piece.report.events.length === piece.total.events)
      }
    }
  })

  it("begins at the beginning where the place is not one of this call", () => {
    const whole = asOf(calls[0]!, calls[0]!.turns.length, false)
    for (const after of ["1-99", "99-99", "0-0", "nonsense", "2"]) {
      assert.deepStrictEqual(Viewing.piece(whole, { limit: Infinity, after }), all(whole))
    }
  })
})
