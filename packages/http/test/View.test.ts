/** What a page is sent of a call that goes on: what has changed, which is the whole together with what it has. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, PhoneNumber, Settings } from "@ringback/core"
import { Arbitraries, type Callee, FakeClock, PhoneCompany } from "@ringback/testing"
import { Arbitrary, Effect, Option } from "effect"
import { afterAll, beforeAll } from "vitest"
import type { CallsApi } from "../src/index.ts"
import * as Showing from "../src/internal/api/showing.ts"
import { type Application, application, from, Reminder, TableFree } from "./fixtures/inspected.ts"

const seed = Number(process.env["SEED"] ?? 20_261_130)
const count = 40

const around = { settings: Settings.defaults, flows: [] }

type View = typeof CallsApi.View.Type

/** As the page puts together what it has and what has changed. */
const joined = (before: View, { after, ...view }: View): View => {
  assert.isDefined(after)
  const { events, items } = after!
  return {
    ...view,
    report: { ...view.report, events: [...before.report.events.slice(0, events), ...view.report.events] },
    ladder: { ...view.ladder, items: [...before.ladder.items.slice(0, items), ...view.ladder.items] }
  }
}

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

describe(`what has changed in a view (SEED=${seed})`, () => {
  let app: Application
  let calls: ReadonlyArray<Showing.Known> = []
  beforeAll(async () => {
    app = await application()
    calls = await app.run(played)
  })
  afterAll(() => app.close())

  for (const reveal of [false, true]) {
    it(`is the whole together with what was there before, ${reveal ? "revealed" : "masked"}`, () => {
      assert.isAbove(Math.max(...calls.map(({ turns }) => turns.length)), 10)
      for (const call of calls) {
        const whole = Showing.view(call, around, { reveal })
        for (let n = 0; n <= call.turns.length; n++) {
          const turns = call.turns.slice(0, n)
          const before = Showing.view({ ...call, turns }, around, { reveal })
          const changed = Showing.view(call, around, { reveal, after: before.place })
          assert.deepStrictEqual(joined(before, changed), whole)
          assert.lengthOf(changed.report.events, Showing.eventsOf(call.turns.slice(n)).length)
        }
      }
    })
  }

  it("is all of it where the place is not one of this call", () => {
    const [call] = calls
    const whole = Showing.view(call!, around, { reveal: false })
    for (const after of ["1-99", "99-99", "nonsense", "2"]) {
      assert.deepStrictEqual(Showing.view(call!, around, { reveal: false, after }), whole)
    }
  })
})
