/** What a `CallIndex` promises: the list of calls, by whichever filter, and how many they are. */
import { assert, describe } from "@effect/vitest"
import { type CallEvent, CallIndex } from "@ringback/core"
import { Effect } from "effect"
import { exits, list, listed, lives, number, someLives } from "./lives.ts"
import type { Rules } from "./rules.ts"
import { callId, stored, times, tried, turn } from "./turns.ts"

/** Declares the rules of a `CallIndex`. */
export const suite = ({ test, testKeyed }: Rules): void => {
  describe("the list of calls", () => {
    test("has the calls that were started last first, in pages that go on where one ended", pagesCalls)
    test("shows of a call what its turns say", showsCall)
    test("has the calls to which all of a filter applies, whichever filter", filtersCalls)
    test("is in the order of the ends where a filter says when calls ended", ordersByEnd)
    test("counts the calls of a filter by how they ended", countsCalls)
    test("finds a call by its key, with its flow and without", findsByKey)
    test("says in words that no call can be found by number without a key for that", needsNumbersKey)
    testKeyed("finds a call by each number that it dialled, and by that of its caller", findsByNumber)
    test("knows nothing of what was refused", listsNothingRefused)
  })
}

const pagesCalls = Effect.gen(function*() {
  assert.deepStrictEqual(yield* list(), { calls: [], next: undefined })
  for (const n of times(7)) yield* lives(callId(n), { startedAt: [10, 20.5, 30, 30, 30, 20.5, 5][n - 1]! })
  const newest = [5, 4, 3, 6, 2, 1, 7].map(callId)
  for (const limit of [1, 2, 3, 6, 7, 8]) assert.deepStrictEqual(yield* listed({}, limit), newest)
  const page = yield* list({}, { limit: 2 })
  yield* lives(callId(8), { startedAt: 40 })
  const rest = yield* list({}, { limit: 1000, after: page.next })
  assert.deepStrictEqual(rest.calls.map((call) => call.callId), newest.slice(2))
  yield* Effect.forEach(times(60), (n) => lives(callId(100 + n), { startedAt: 50 }), { concurrency: "unbounded" })
  assert.lengthOf((yield* list()).calls, 50)
  assert.lengthOf((yield* list({}, { limit: 0 })).calls, 1)
})

const showsCall = Effect.gen(function*() {
  yield* lives(callId(1), { startedAt: 10, flow: "a \"flow\"", flowVersion: 20_261_129_113_000, due: 70 })
  const first: CallIndex.Entry = {
    callId: callId(1),
    flow: "a \"flow\"",
    flowVersion: 20_261_129_113_000,
    direction: "outbound",
    status: "running",
    startedAt: 10,
    endedAt: undefined,
    outcome: undefined,
    waitingFor: "an answer",
    due: 70,
    version: 1
  }
  assert.deepStrictEqual((yield* list()).calls, [first])
  const fields = { flow: first.flow, flowVersion: first.flowVersion, due: 70 }
  const exit: CallEvent.CallEvent = { _tag: "FlowEnded", exit: exits.Failure, at: 20 }
  yield* stored(turn(1, 2, { at: 20, events: [exit] }), { ...fields, waitingFor: "the end of the line" })
  assert.deepStrictEqual((yield* list()).calls, [
    { ...first, outcome: "Failure", waitingFor: "the end of the line", version: 2 }
  ])
  yield* stored(turn(1, 3, { at: 30.5 }), { ...fields, status: "over", waitingFor: "" })
  const over: CallIndex.Entry = {
    ...first,
    status: "over",
    outcome: "Failure",
    endedAt: 30.5,
    due: undefined,
    waitingFor: "",
    version: 3
  }
  assert.deepStrictEqual((yield* list()).calls, [over])
  yield* stored(turn(1, 4, { at: 40 }), { ...fields, status: "over", waitingFor: "" })
  assert.deepStrictEqual((yield* list()).calls, [{ ...over, version: 4 }])
  yield* lives(callId(2), { startedAt: 50, from: number(2), outcome: "Success", endedAt: 50 })
  const [called] = (yield* list()).calls
  assert.deepStrictEqual([called?.direction, called?.outcome, called?.endedAt], ["inbound", "Success", 50])
})

const filters: ReadonlyArray<readonly [filter: CallIndex.Filter, calls: ReadonlyArray<number>]> = [
  [{}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
  [{ flow: "reminder" }, [4, 3, 2, 1]],
  [{ flow: "survey" }, [7, 6, 5]],
  [{ flow: "surve" }, []],
  [{ flowVersion: 2 }, [10, 7, 6]],
  [{ flow: "survey", flowVersion: 1 }, [5]],
  [{ direction: "inbound" }, [10, 9, 8]],
  [{ direction: "outbound" }, [7, 6, 5, 4, 3, 2, 1]],
  [{ status: "running" }, [9, 7, 4, 3]],
  [{ status: "over" }, [10, 8, 6, 5, 2, 1]],
  [{ outcome: "Success" }, [6, 5, 1]],
  [{ outcome: "Stopped" }, [8, 4]],
  [{ outcome: "Stopped", status: "over" }, [8]],
  [{ outcome: "Failure", direction: "inbound" }, [10]],
  [{ flow: "survey", status: "running" }, [7]],
  [{ flow: "hotline", outcome: "Stopped" }, [8]],
  [{ startedFrom: 40 }, [10, 9, 8, 7, 6, 5, 4]],
  [{ startedBefore: 40 }, [3, 2, 1]],
  [{ startedFrom: 20, startedBefore: 80 }, [7, 6, 5, 4, 3, 2]],
  [{ flow: "survey", startedFrom: 60, startedBefore: 70 }, [6]],
  [{ status: "over", startedBefore: 60 }, [5, 2, 1]],
  [{ dueBefore: 60 }, [3]],
  [{ dueBefore: 60.5 }, [4, 3]],
  [{ dueBefore: 1000, flow: "survey" }, [7]],
  [{ startedFrom: 95 }, []],
  [{ status: "running", endedFrom: 0 }, []]
]

const filtersCalls = Effect.gen(function*() {
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  for (const [filter, calls] of filters) {
    for (const limit of [1, 3, 10]) {
      assert.deepStrictEqual(yield* listed(filter, limit), calls.map(callId), JSON.stringify(filter))
    }
  }
})

const ordersByEnd = Effect.gen(function*() {
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  const byEnd: typeof filters = [
    [{ endedFrom: 0 }, [10, 2, 8, 6, 5, 1]],
    [{ endedFrom: 70 }, [10, 2, 8, 6]],
    [{ endedBefore: 81 }, [6, 5, 1]],
    [{ endedFrom: 60, endedBefore: 90 }, [8, 6, 5]],
    [{ endedFrom: 60, outcome: "Failure" }, [10, 2]],
    [{ endedFrom: 60, startedBefore: 60, flow: "reminder" }, [2]]
  ]
  for (const [filter, calls] of byEnd) {
    for (const limit of [1, 2, 10]) {
      assert.deepStrictEqual(yield* listed(filter, limit), calls.map(callId), JSON.stringify(filter))
    }
  }
})

const countsCalls = Effect.gen(function*() {
  const index = yield* CallIndex.CallIndex
  const none = { running: 0, over: { Success: 0, Failure: 0, Stopped: 0 } }
  assert.deepStrictEqual(yield* index.counts(), none)
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  assert.deepStrictEqual(yield* index.counts(), { running: 4, over: { Success: 3, Failure: 2, Stopped: 1 } })
  assert.deepStrictEqual(yield* index.counts({ flow: "survey" }), {
    running: 1,
    over: { Success: 2, Failure: 0, Stopped: 0 }
  })
  assert.deepStrictEqual(yield* index.counts({ flow: "surve" }), none)
  for (const [filter, calls] of filters) {
    const { over, running } = yield* index.counts(filter)
    assert.strictEqual(running + over.Success + over.Failure + over.Stopped, calls.length, JSON.stringify(filter))
  }
})

const findsByKey = Effect.gen(function*() {
  yield* lives(callId(1), { startedAt: 10 })
  const ids = { reminder: CallIndex.idOf("reminder", "order 7"), survey: CallIndex.idOf("survey", "order 7") }
  assert.deepStrictEqual(yield* listed({ key: "order 7" }, 10), [])
  yield* lives(ids.reminder, { startedAt: 20, key: "order 7" })
  yield* lives(ids.survey, { startedAt: 30, flow: "survey", key: "order 7" })
  assert.deepStrictEqual(yield* listed({ key: "order 7" }, 1), [ids.survey, ids.reminder])
  assert.deepStrictEqual(yield* listed({ key: "order 7", flow: "reminder" }, 10), [ids.reminder])
  assert.deepStrictEqual(yield* listed({ key: "order 7", startedFrom: 25 }, 10), [ids.survey])
  assert.deepStrictEqual(yield* listed({ key: "order" }, 10), [])
  assert.deepStrictEqual(yield* listed({ key: "order 7", flow: "hotline" }, 10), [])
})

const needsNumbersKey = Effect.gen(function*() {
  const index = yield* CallIndex.CallIndex
  yield* lives(callId(1), { startedAt: 10, to: [number(1)] })
  assert.strictEqual((yield* Effect.flip(index.list({ number: number(1) })))._tag, "NumbersNotSearchable")
  assert.strictEqual((yield* Effect.flip(index.counts({ number: number(1) })))._tag, "NumbersNotSearchable")
  assert.deepStrictEqual(yield* listed({}, 10), [callId(1)])
})

const findsByNumber = Effect.gen(function*() {
  yield* lives(callId(1), { startedAt: 10, to: [number(1)] })
  yield* lives(callId(2), { startedAt: 20, to: [number(1), number(2), number(1)], outcome: "Failure", endedAt: 25 })
  yield* lives(callId(3), { startedAt: 30, from: number(1), flow: "hotline" })
  const bridged: CallEvent.CallEvent = {
    _tag: "ActionDecided",
    at: 31,
    n: 1,
    line: 1,
    action: { _tag: "Dial", to: number(3), from: number(9999), maxCallDurationSeconds: 900 }
  }
  yield* stored(turn(3, 2, { at: 31, events: [bridged] }), { flow: "hotline" })
  for (const limit of [1, 2, 3]) {
    assert.deepStrictEqual(yield* listed({ number: number(1) }, limit), [3, 2, 1].map(callId))
  }
  assert.deepStrictEqual(yield* listed({ number: number(2) }, 10), [callId(2)])
  assert.deepStrictEqual(yield* listed({ number: number(3) }, 10), [callId(3)])
  assert.deepStrictEqual(yield* listed({ number: number(4) }, 10), [])
  assert.deepStrictEqual(yield* listed({ number: number(9999) }, 10), []) // it is ours
  assert.deepStrictEqual(yield* listed({ number: number(1), direction: "outbound" }, 1), [2, 1].map(callId))
  assert.deepStrictEqual(yield* listed({ number: number(1), endedFrom: 0 }, 1), [callId(2)])
  assert.deepStrictEqual(yield* listed({ number: number(1), startedBefore: 30, status: "running" }, 1), [callId(1)])
  const counts = yield* CallIndex.CallIndex.use((index) => index.counts({ number: number(1) }))
  assert.deepStrictEqual(counts, { running: 2, over: { Success: 0, Failure: 1, Stopped: 0 } })
})

const listsNothingRefused = Effect.gen(function*() {
  yield* lives(callId(1), { startedAt: 10 })
  const before = yield* list()
  const end: CallEvent.CallEvent = { _tag: "FlowEnded", exit: exits.Success, at: 20 }
  assert.strictEqual(yield* tried(turn(1, 1, { id: "other", events: [end] }), { status: "over" }), "conflict")
  assert.strictEqual(yield* tried(turn(1, 3, { events: [end] }), { status: "over" }), "conflict")
  assert.strictEqual(yield* tried(turn(2, 2, { events: [end] })), "conflict")
  assert.deepStrictEqual(yield* list(), before)
})
