/** What an `EventStore` promises: turns, the summaries of calls, and what is told of a change. */
import { assert, describe } from "@effect/vitest"
import { type CallEvent, EventStore } from "@ringback/core"
import { Arbitrary, Deferred, Effect, Exit, Fiber, type Layer, Option, Schema, Stream } from "effect"
import type { Ports, Rules } from "./rules.ts"
import { callId, ids, opened, read, startNow, stored, summary, times, tried, turn } from "./turns.ts"

/** Declares the rules of an `EventStore`. */
export const suite = ({ test, testOpening }: Rules): void => {
  describe("append and read", () => {
    test("gives back each turn as it was, in order", readsBack)
    test("gives the turns after a version", readsAfter)
    test("keeps every text, half of a surrogate pair and NUL among them", keepsTexts)
    test("knows nothing of a call that has no turns", knowsNothing)
    test("refuses a second turn of one version", refusesSecond)
    test("refuses a turn that leaves a gap, and a version below 1", refusesGap)
    test("lets exactly one of 50 concurrent appends of one version win", oneWins)
    test("lets a conflict fail alone", conflictFailsAlone)
    test("takes turns of one call that are appended at once, one after the other", takesPipelined)
    test("takes a thousand appends at once", takesMany)
    test("stores a turn that is appended again only once, and succeeds", storesOnce)
    test("stores without a fiber what it stores in one, if it can", storesUnforked)
    test("never stores an interrupted append twice, nor a part of it", survivesInterruption)
  })

  describe("find, due and summary", () => {
    test("finds the call that learned of a reference first", findsFirst)
    test("gives the running calls that are due, the earliest first", ordersDue)
    test("finds a call when it is due now, be that sooner or later than it was", followsDue)
    test("follows a call with its summary", followsCall)
    test("lets a refused append leave no trace", leavesNoTrace)
    test("has no due time for a call that is over", overIsNotDue)
    test("gives the running calls of which a process knows something that is gone", givesOrphans)
    test("gives the summaries of many calls at once, of those that it has", givesSummaries)
  })

  describe("changes", () => {
    test("tells turns as they are appended, and nothing of a refused one", tellsChanges)
    testOpening("tells a slow reader everything, and ends with the store", endsWithStore)
  })

  test("has a namespace of 8 characters of 0-9 a-z", hasNamespace)
}

// Append and read

const life: ReadonlyArray<CallEvent.CallEvent> = [
  { _tag: "CallStarted", at: 1, flow: "reminder", version: 1, input: { to: "1555", tries: [1, 2.5, null, true] } },
  {
    _tag: "ActionDecided",
    at: 1.5,
    line: 1,
    n: 1,
    action: { _tag: "Speak", text: "Grüß Gott 👋", collect: { max: 1 } }
  },
  { _tag: "CallEnded", at: 2, line: 1, referenceId: "r", content: "[]", extra: { unknown: { deep: ["field"] } } },
  { _tag: "FlowEnded", at: 2, exit: { _tag: "Success", value: null } }
]

const readsBack = Effect.gen(function*() {
  const turns = life.map((event, index) => turn(1, index + 1, { events: [event], at: event.at }))
  const last = turn(1, 5, { events: [...life, ...life], at: 3.25 })
  const none = turn(2, 1, { events: [] })
  for (const each of [...turns, last, none]) yield* stored(each)
  assert.deepStrictEqual(yield* read(1), [...turns, last])
  assert.deepStrictEqual(yield* read(2), [none])
})

const readsAfter = Effect.gen(function*() {
  const turns = life.map((event, index) => turn(1, index + 1, { events: [event], at: event.at }))
  for (const each of [...turns, turn(2, 1)]) yield* stored(each)
  const store = yield* EventStore.EventStore
  const asked = [...[0, 2, 3, 4, 5].map((after) => [1, after] as const), [2, 0], [2, 1], [3, 0]] as const
  const found = yield* Effect.forEach(asked, ([call, after]) => store.read(callId(call), after), {
    concurrency: "unbounded"
  })
  assert.deepStrictEqual(found, [turns, turns.slice(2), turns.slice(3), [], [], [turn(2, 1)], [], []])
})

const hardTexts = [
  "",
  "\ud800",
  "\udc00\ud800",
  "\u0000",
  "a\u0000b",
  "\\",
  "\\u0041",
  "\"",
  "'; DROP TABLE x; --",
  "😀\n"
]

const keepsTexts = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const drawn = yield* Arbitrary.sampleEffect(Arbitrary.schema(Schema.String), { count: 50, seed: 7 })
  const texts = [...new Set([...hardTexts, ...drawn])]
  for (const [n, text] of texts.entries()) {
    const hard = turn(n, 1, { id: text, events: [{ _tag: "Noted", at: 1, n: 1, name: text, data: { [text]: text } }] })
    yield* stored(hard, { flow: text, waitingFor: text }, text)
    assert.deepStrictEqual(yield* store.read(hard.callId), [hard])
    const found = Option.getOrThrow(yield* store.summary(hard.callId))
    assert.deepStrictEqual([found.flow, found.waitingFor], [text, text])
  }
  for (const [n, text] of texts.entries()) {
    assert.deepStrictEqual(yield* store.find(text), Option.some(callId(n)))
    yield* stored(turn(n, 1, { id: text })) // is known again by its id
  }
})

const knowsNothing = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  assert.deepStrictEqual(yield* store.read(callId(1)), [])
  assert.deepStrictEqual(yield* store.summary(callId(1)), Option.none())
  assert.deepStrictEqual(yield* store.find("r"), Option.none())
  assert.deepStrictEqual(yield* store.due({ before: Infinity }), [])
})

const refusesSecond = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  yield* stored(turn(1, 2))
  assert.strictEqual(yield* tried(turn(1, 1, { id: "other" })), "conflict")
  assert.strictEqual(yield* tried(turn(1, 2, { id: "other" })), "conflict")
  assert.deepStrictEqual(ids(yield* read(1)), ["1/1", "1/2"])
})

const refusesGap = Effect.gen(function*() {
  assert.strictEqual(yield* tried(turn(1, 2)), "conflict")
  for (const version of [0, -1]) assert.strictEqual(yield* tried(turn(1, version)), "conflict")
  assert.deepStrictEqual(yield* read(1), [])
  yield* stored(turn(1, 1))
  for (const version of [0, -1, 3]) assert.strictEqual(yield* tried(turn(1, version)), "conflict")
  assert.deepStrictEqual(ids(yield* read(1)), ["1/1"])
})

const oneWins = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  const outcomes = yield* Effect.forEach(times(50), (n) => tried(turn(1, 2, { id: `try ${n}` })), {
    concurrency: "unbounded"
  })
  assert.strictEqual(outcomes.filter((outcome) => outcome === "stored").length, 1)
  const winner = `try ${outcomes.indexOf("stored") + 1}`
  assert.deepStrictEqual(ids(yield* read(1)), ["1/1", winner])
})

const conflictFailsAlone = Effect.gen(function*() {
  yield* stored(turn(3, 1))
  const outcomes = yield* Effect.forEach(times(5), (n) => tried(turn(n, 1, { id: `new ${n}` })), {
    concurrency: "unbounded"
  })
  assert.deepStrictEqual(outcomes, ["stored", "stored", "conflict", "stored", "stored"])
  assert.deepStrictEqual(ids(yield* read(3)), ["3/1"])
  assert.deepStrictEqual(ids(yield* read(4)), ["new 4"])
})

const takesPipelined = Effect.gen(function*() {
  const outcomes = yield* Effect.forEach(times(5), (version) => tried(turn(1, version)), { concurrency: "unbounded" })
  assert.deepStrictEqual(outcomes, ["stored", "stored", "stored", "stored", "stored"])
  assert.deepStrictEqual(ids(yield* read(1)), ["1/1", "1/2", "1/3", "1/4", "1/5"])
})

const takesMany = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* Effect.forEach(times(1000), (n) => stored(turn(n, 1)), { concurrency: "unbounded", discard: true })
  assert.strictEqual((yield* store.due({ before: 5000 })).length, 1000)
  for (const n of [1, 256, 257, 1000]) assert.deepStrictEqual(yield* read(n), [turn(n, 1)])
})

/** An append that is begun as the engine begins it. */
const unforked = Effect.fnUntraced(function*(each: EventStore.Turn) {
  const store = yield* EventStore.EventStore
  const { callId, version } = each
  const append = store.append(each, { ...summary(1, 1), callId, version })
  const begin = EventStore.beginOf(append)
  return begin === undefined ? yield* Effect.exit(append) : yield* Effect.exit(Effect.callback(begin))
})

const storesUnforked = Effect.gen(function*() {
  assert.isTrue(Exit.isSuccess(yield* unforked(turn(1, 1))))
  assert.isTrue(Exit.isSuccess(yield* unforked(turn(1, 1))))
  const error = Option.getOrUndefined(Exit.findErrorOption(yield* unforked(turn(1, 1, { id: "other" }))))
  assert.strictEqual(error?._tag, "VersionConflict")
  yield* stored(turn(1, 2))
  assert.deepStrictEqual(ids(yield* read(1)), ["1/1", "1/2"])
})

const storesOnce = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  yield* stored(turn(1, 1))
  yield* stored(turn(1, 2))
  yield* stored(turn(1, 1))
  yield* Effect.forEach([1, 2, 3], () => stored(turn(1, 3)), { concurrency: "unbounded", discard: true })
  assert.deepStrictEqual(ids(yield* read(1)), ["1/1", "1/2", "1/3"])
})

const survivesInterruption = Effect.gen(function*() {
  const appends = yield* Effect.forEach(times(20), (n) => Effect.forkChild(stored(turn(n, 1)), startNow))
  yield* Effect.forEach(appends, Fiber.interrupt, { concurrency: "unbounded", discard: true })
  for (const n of times(20)) yield* stored(turn(n, 1))
  for (const n of times(20)) assert.deepStrictEqual(yield* read(n), [turn(n, 1)])
})

// Find, due and summary

const findsFirst = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* stored(turn(1, 1))
  yield* stored(turn(1, 2), {}, "session a")
  yield* stored(turn(2, 1), {}, "session b")
  yield* stored(turn(2, 2), {}, "session a")
  yield* stored(turn(1, 3), {}, "session c")
  assert.deepStrictEqual(yield* store.find("session a"), Option.some(callId(1)))
  assert.deepStrictEqual(yield* store.find("session b"), Option.some(callId(2)))
  assert.deepStrictEqual(yield* store.find("session c"), Option.some(callId(1)))
  assert.deepStrictEqual(yield* store.find("session"), Option.none())
  assert.deepStrictEqual(yield* store.find("SESSION A"), Option.none())
})

const ordersDue = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const dues: Array<number | null> = [300, 100.5, 200, null, 200, 100, 0]
  for (const [n, due] of dues.entries()) yield* stored(turn(n, 1), { due })
  const due = (before: number) => Effect.map(store.due({ before }), (all) => all.map((each) => each.due))
  assert.deepStrictEqual(yield* due(199), [0, 100, 100.5])
  assert.deepStrictEqual(yield* due(200), [0, 100, 100.5, 200, 200])
  assert.deepStrictEqual(yield* due(-1), [])
  const first = yield* store.due({ before: 200, limit: 2 })
  assert.deepStrictEqual(first.map((each) => each.due), [0, 100])
  assert.deepStrictEqual(
    (yield* store.due({ before: Infinity })).map((each) => each.callId),
    [6, 5, 1, 2, 4, 0].map(callId)
  )
  assert.deepStrictEqual((yield* store.due({ before: 0 }))[0], summary(6, 1, { due: 0 }))
})

const followsDue = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const minutes = [10, 10.4, 1, 60 * 24 * 365, 3, null, 3.5]
  for (const [n, at] of minutes.entries()) {
    const due = at === null ? null : at * 60_000
    yield* stored(turn(1, n + 1), { due })
    if (due === null) assert.deepStrictEqual(yield* store.due({ before: Infinity }), [])
    else {
      assert.deepStrictEqual(yield* store.due({ before: due - 0.5 }), [])
      assert.deepStrictEqual((yield* store.due({ before: due })).map((each) => each.due), [due])
    }
  }
})

const followsCall = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const first = summary(1, 1, { due: 10, process: "a0000001", waitingFor: "an answer to a dial" })
  const second = summary(1, 2, { due: null, flow: "renamed", flowVersion: 20_261_129_113_000, waitingFor: "a signal" })
  yield* stored(turn(1, 1), first)
  assert.deepStrictEqual(yield* store.summary(callId(1)), Option.some(first))
  assert.deepStrictEqual(yield* store.due({ before: 10 }), [first])
  yield* stored(turn(1, 2), second)
  assert.deepStrictEqual(yield* store.summary(callId(1)), Option.some(second))
  assert.deepStrictEqual(yield* store.due({ before: 10 }), [])
})

const leavesNoTrace = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* stored(turn(1, 1), { waitingFor: "the first" })
  const refused = { waitingFor: "another", due: 0, process: "a0000001" }
  assert.strictEqual(yield* tried(turn(1, 1, { id: "other" }), refused, "session"), "conflict")
  assert.strictEqual(yield* tried(turn(1, 1, { id: "over" }), { status: "over" }, "session"), "conflict")
  assert.strictEqual(yield* tried(turn(1, 3), refused, "session"), "conflict")
  assert.strictEqual(yield* tried(turn(2, 2), refused, "session"), "conflict")
  assert.deepStrictEqual(yield* store.summary(callId(1)), Option.some(summary(1, 1, { waitingFor: "the first" })))
  assert.deepStrictEqual(yield* store.summary(callId(2)), Option.none())
  assert.deepStrictEqual(yield* store.find("session"), Option.none())
  assert.deepStrictEqual(yield* store.due({ before: Infinity }), [summary(1, 1, { waitingFor: "the first" })])
  assert.deepStrictEqual(yield* store.orphans(new Set()), [])
})

const overIsNotDue = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* stored(turn(1, 1))
  yield* stored(turn(1, 2), { status: "over", due: 7 })
  assert.deepStrictEqual(yield* store.summary(callId(1)), Option.some(summary(1, 2, { status: "over", due: null })))
  assert.deepStrictEqual(yield* store.due({ before: Infinity }), [])
})

const givesOrphans = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const processes = ["a0000001", null, "b0000002", "a0000001"]
  for (const [n, process] of processes.entries()) yield* stored(turn(n, 1), { process, due: null })
  const orphans = (...alive: ReadonlyArray<string>) =>
    Effect.map(store.orphans(new Set(alive)), (all) => all.map((each) => each.callId))
  assert.deepStrictEqual(yield* orphans(), [0, 2, 3].map(callId))
  assert.deepStrictEqual(yield* orphans("a0000001"), [callId(2)])
  assert.deepStrictEqual(yield* orphans("b0000002", "c0000003"), [0, 3].map(callId))
  assert.deepStrictEqual(yield* orphans("a0000001", "b0000002"), [])
  assert.deepStrictEqual(yield* store.orphans(new Set(["a0000001"])), [
    summary(2, 1, { process: "b0000002", due: null })
  ])
  yield* stored(turn(2, 2), { process: "b0000002", due: null, status: "over" })
  yield* stored(turn(3, 2), { process: null, due: null })
  assert.deepStrictEqual(yield* orphans(), [callId(0)])
  yield* stored(turn(0, 2), { process: "d0000004", due: null })
  yield* stored(turn(1, 2), { process: "e0000005", due: null })
  assert.deepStrictEqual(yield* orphans("d0000004"), [callId(1)])
})

const givesSummaries = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  assert.deepStrictEqual(yield* store.summaries([]), [])
  yield* stored(turn(1, 1), { waitingFor: "the first" })
  yield* stored(turn(2, 1), { status: "over" })
  yield* stored(turn(3, 1))
  assert.sameDeepMembers([...yield* store.summaries([callId(1), callId(2), callId(7)])], [
    summary(1, 1, { waitingFor: "the first" }),
    summary(2, 1, { status: "over", due: null })
  ])
  yield* Effect.forEach(times(1500), (n) => stored(turn(100 + n, 1)), { concurrency: "unbounded", discard: true })
  assert.lengthOf(yield* store.summaries(times(1500).map((n) => callId(100 + n))), 1500)
})

// Changes

const tellsChanges = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* stored(turn(1, 1)) // before anybody listens
  const heard = yield* Effect.forkChild(store.changes.pipe(Stream.take(4), Stream.runCollect), startNow)
  yield* stored(turn(1, 2))
  yield* tried(turn(1, 2, { id: "other" }))
  yield* stored(turn(2, 1))
  yield* Effect.forEach([3, 4], (version) => stored(turn(1, version)), { concurrency: "unbounded" })
  assert.deepStrictEqual(yield* Fiber.join(heard), [turn(1, 2), turn(2, 1), turn(1, 3), turn(1, 4)])
})

const endsWithStore = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const { close, store } = yield* opened(layer)
  const gate = yield* Deferred.make<void>()
  const slowly = Stream.tap(store.changes, () => Deferred.await(gate))
  const heard = yield* Effect.forkChild(Stream.runCollect(slowly), startNow)
  yield* Effect.provideService(
    Effect.forEach(times(100), (n) => stored(turn(n, 1)), { concurrency: "unbounded" }),
    EventStore.EventStore,
    store
  )
  yield* close
  yield* Deferred.succeed(gate, undefined)
  assert.sameMembers(ids(yield* Fiber.join(heard)), ids(times(100).map((n) => turn(n, 1))))
})

const hasNamespace = EventStore.EventStore.useSync(({ namespace }) => assert.match(namespace, /^[0-9a-z]{8}$/))
