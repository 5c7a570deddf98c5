/**
 * What every store promises, as a suite of tests: `EventStore`, and `CallIndex`, `EventLog` and `Retention` beside it. Run it
 * on each store, your own among them.
 *
 * It has its own entry point, `@ringback/testing/StoreContract`, because it works only inside of vitest.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, CallIndex, CallMetrics, EventLog, EventStore, PhoneNumber, Retention } from "@ringback/core"
import {
  Arbitrary,
  Context,
  DateTime,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Metric,
  Option,
  Redacted,
  Schema,
  Scope,
  Stream
} from "effect"
import { TestClock } from "effect/testing"

/**
 * What the layer of a store provides.
 *
 * @since 0.1.0
 */
export type Ports = EventStore.EventStore | CallIndex.CallIndex | EventLog.EventLog | Retention.Retention

/**
 * A place that keeps what is stored: run, it makes an empty one, and each build of the layer that it gives opens the same
 * place again.
 *
 * @since 0.1.0
 */
export type Place<E> = Effect.Effect<Layer.Layer<Ports, E>, never, Scope.Scope>

/**
 * Declares the suite. Each build of `layer` has to give an empty store.
 *
 * @example
 * StoreContract.suite("EventStore.layerMemory", EventStore.layerMemory)
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Ports, E>): void => {
  const test = (rule: string, body: Effect.Effect<void, unknown, Ports>) =>
    it.effect(rule, () => Effect.provide(body, layer))
  const testKeyed = (rule: string, body: Effect.Effect<void, unknown, Ports>) =>
    it.effect(rule, () => Effect.provide(body, Layer.provide(layer, numbersKey)))

  describe(name, () => {
    describe("append and read", () => {
      test("gives back each turn as it was, in order", readsBack)
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
      it.effect("tells a slow reader everything, and ends with the store", () => endsWithStore(layer))
    })

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

    describe("the log of all turns", () => {
      test("has all turns in one order, from any position on, in pages", readsLog)
      test("tells the turns that there are, and then those that come", tailsLog)
      test("holds nothing for a reader who is slow, and loses nothing", tailsSlowly)
      test("refuses a position that has not come yet", refusesAhead)
      test("tells the turns of one call until it is over", followsOne)
      it.effect("ends when the store closes", () => endsLog(layer))
    })

    describe("pruning", () => {
      test("removes calls that were over before a time, and no others", prunesEnded)
      test("keeps so many calls at most, those that ended last", prunesBeyond)
      test("never removes a call that is running", prunesNoneRunning)
      testKeyed("leaves nothing of a call but its id and its sessions", prunesEverything)
      test("lets nobody append to a call that was pruned, nor begin it again", refusesPruned)
      test("forgets a call when its time is over, and then it can begin again", forgetsPruned)
      test("leaves all other turns where they are in the log, and what comes behind them", prunesLog)
      test("removes calls of many turns, and many calls", prunesMany)
    })

    it.effect("has a namespace of 8 characters of 0-9 a-z", () =>
      Effect.gen(function*() {
        assert.match((yield* EventStore.EventStore).namespace, /^[0-9a-z]{8}$/)
      }).pipe(Effect.provide(layer)))
  })
}

/**
 * Declares the part of the suite that only a store can pass which outlives its process, and which counts its commits as
 * `SqlEventStore` does.
 *
 * @since 0.1.0
 */
export const durable = <E>(name: string, place: Place<E>): void => {
  describe(`${name}, opened again`, () => {
    it.effect("has everything that was stored", () => Effect.flatMap(place, keepsEverything))
    it.effect("has everything that was under way when it closed", () => Effect.flatMap(place, drains))
    it.effect("takes nothing after it has closed", () => Effect.flatMap(place, refusesLate))
    it.effect("shares a commit among concurrent appends", () => Effect.flatMap(place, sharesCommits))
  })
}

// What is stored

const callId = (n: number) => CallEvent.CallId.make(`c${String(n).padStart(19, "0")}`)

const turn = (call: number, version: number, fields: Partial<EventStore.Turn> = {}): EventStore.Turn => ({
  id: `${call}/${version}`,
  callId: callId(call),
  version,
  at: 1000 * version,
  events: [{ _tag: "Noted", at: 1000 * version, n: version, name: "note", data: "a note" }],
  ...fields
})

const summary = (call: number, version: number, fields: Partial<EventStore.Summary> = {}): EventStore.Summary => ({
  callId: callId(call),
  version,
  flow: "reminder",
  flowVersion: 1,
  status: "running",
  waitingFor: "an answer",
  due: 5000,
  process: null,
  at: 1000 * version,
  ...fields
})

/** Appends a turn whose summary is of no interest. */
const append = Effect.fnUntraced(function*(
  turn: EventStore.Turn,
  fields: Partial<EventStore.Summary> = {},
  referenceId?: string
) {
  const store = yield* EventStore.EventStore
  yield* store.append(turn, { ...summary(1, 1), callId: turn.callId, version: turn.version, ...fields }, {
    referenceId
  })
})

/** What becomes of an append that may be in conflict. */
const tried = (turn: EventStore.Turn, fields?: Partial<EventStore.Summary>, referenceId?: string) =>
  append(turn, fields, referenceId).pipe(
    Effect.as("stored" as const),
    Effect.catchTag("VersionConflict", (conflict) => {
      assert.deepStrictEqual([conflict.callId, conflict.version], [turn.callId, turn.version])
      return Effect.succeed("conflict" as const)
    })
  )

/** An append that has to win. */
const stored = (turn: EventStore.Turn, fields?: Partial<EventStore.Summary>, referenceId?: string) =>
  Effect.map(tried(turn, fields, referenceId), (outcome) => assert.strictEqual(outcome, "stored"))

const read = (call: number) => Effect.flatMap(EventStore.EventStore, (store) => store.read(callId(call)))

const ids = (turns: ReadonlyArray<EventStore.Turn>) => turns.map((turn) => turn.id)

const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index + 1)

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

const startNow = { startImmediately: true }

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

// The list of calls

const numbersKey = Layer.orDie(CallIndex.layerNumbersKey(Redacted.make("a key that is long enough")))

const number = (n: number) => PhoneNumber.make(`1555017${String(n).padStart(4, "0")}`)

/** A life in some turns, each with its time. */
interface Life {
  readonly flow?: string
  readonly flowVersion?: number
  readonly key?: string
  readonly from?: PhoneNumber.PhoneNumber
  readonly to?: ReadonlyArray<PhoneNumber.PhoneNumber>
  readonly startedAt: number
  readonly outcome?: CallIndex.Outcome
  readonly endedAt?: number
  readonly due?: number
  readonly session?: string
}

const began = ({ flow = "reminder", flowVersion = 1, from, key, startedAt: at }: Life): CallEvent.CallEvent =>
  from === undefined
    ? { _tag: "CallStarted", at, flow, version: flowVersion, input: {}, ...(key === undefined ? {} : { key }) }
    : { _tag: "CallArrived", at, flow, version: flowVersion, line: 1, referenceId: "r", from, content: "" }

const planned = (to: PhoneNumber.PhoneNumber, at: number): CallEvent.CallEvent => ({
  _tag: "DialPlanned",
  at,
  n: 1,
  line: 1,
  to,
  from: number(9999),
  ringForMillis: 30_000,
  maxCallDurationSeconds: 900
})

const exits: { readonly [K in CallIndex.Outcome]: CallEvent.Exit } = {
  Success: { _tag: "Success", value: null },
  Failure: { _tag: "Failure", error: "no" },
  Stopped: { _tag: "Stopped", reason: { _tag: "Cancelled" } }
}

/** Stores a life: it begins, dials, ends its flow, and is over. Gives how many turns that took. */
const lives = Effect.fnUntraced(function*(id: CallEvent.CallId, life: Life) {
  const { endedAt, flow = "reminder", flowVersion = 1, outcome, startedAt, to = [] } = life
  let version = 0
  const next = (
    at: number,
    events: ReadonlyArray<CallEvent.CallEvent>,
    status: "running" | "over",
    session?: string
  ) => {
    version++
    return stored(
      { id: `${id}/${version}`, callId: id, version, at, events },
      { flow, flowVersion, status, due: status === "over" ? null : life.due ?? null },
      session
    )
  }
  const [first, ...others] = to
  yield* next(
    startedAt,
    [began(life), ...(first === undefined ? [] : [planned(first, startedAt)])],
    "running",
    life.session
  )
  for (const each of others) yield* next(startedAt, [planned(each, startedAt)], "running")
  if (outcome !== undefined) {
    const at = endedAt ?? startedAt
    yield* next(at, [{ _tag: "FlowEnded", exit: exits[outcome], at }], "running")
  }
  if (endedAt !== undefined) yield* next(endedAt, [{ _tag: "LineSilent", at: endedAt, line: 1 }], "over")
  return version
})

const list = (
  filter?: CallIndex.Filter,
  page?: { readonly limit?: number; readonly after?: CallIndex.Cursor | undefined }
) => CallIndex.CallIndex.use((index) => index.list(filter, page))

/** The calls of a list, page by page. */
const listed = Effect.fnUntraced(function*(filter: CallIndex.Filter, limit: number) {
  const found: Array<CallEvent.CallId> = []
  let after: CallIndex.Cursor | undefined
  do {
    const page: CallIndex.Page = yield* list(filter, { limit, after })
    assert.isAtMost(page.calls.length, limit)
    found.push(...page.calls.map((call) => call.callId))
    after = page.next === undefined ? undefined : yield* Schema.decodeUnknownEffect(CallIndex.Cursor)(page.next)
  } while (after !== undefined)
  return found
})

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

const someLives: ReadonlyArray<Life> = [
  { startedAt: 10, outcome: "Success", endedAt: 15 },
  { startedAt: 20, outcome: "Failure", endedAt: 90 },
  { startedAt: 30, due: 40 },
  { startedAt: 40, due: 60, outcome: "Stopped" },
  { startedAt: 50, flow: "survey", outcome: "Success", endedAt: 60 },
  { startedAt: 60, flow: "survey", flowVersion: 2, outcome: "Success", endedAt: 70 },
  { startedAt: 70, flow: "survey", flowVersion: 2, due: 100 },
  { startedAt: 80, flow: "hotline", from: number(8), outcome: "Stopped", endedAt: 81 },
  { startedAt: 80, flow: "hotline", from: number(9) },
  { startedAt: 90, flow: "hotline", flowVersion: 2, from: number(10), outcome: "Failure", endedAt: 95 }
]

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

// The log of all turns

const log = <A, E>(use: (log: EventLog.EventLog["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(EventLog.EventLog, use)

const turnsIn = (entries: ReadonlyArray<EventLog.Entry>) => ids(entries.map(({ turn }) => turn))

/** All turns of the log after a position, in pages. */
const readAll = Effect.fnUntraced(function*(limit: number, after?: EventLog.Position) {
  const entries: Array<EventLog.Entry> = []
  while (true) {
    const page: ReadonlyArray<EventLog.Entry> = yield* log((log) =>
      log.read({ after: entries.at(-1)?.position ?? after, limit })
    )
    if (page.length === 0) return entries
    assert.isAtMost(page.length, limit)
    entries.push(...page)
  }
})

const readsLog = Effect.gen(function*() {
  assert.deepStrictEqual(yield* log((log) => log.read()), [])
  assert.strictEqual(yield* log((log) => log.last), undefined)
  yield* Effect.forEach(times(5), (version) => Effect.forEach([1, 2], (n) => stored(turn(n, version))), {
    discard: true
  })
  yield* tried(turn(1, 2, { id: "other" }))
  const expected = times(5).flatMap((version) => [`1/${version}`, `2/${version}`])
  const all = yield* log((log) => log.read())
  assert.deepStrictEqual(turnsIn(all), expected)
  assert.deepStrictEqual(
    all.map(({ turn }) => turn),
    times(5).flatMap((version) => [turn(1, version), turn(2, version)])
  )
  for (const limit of [1, 3, 10, 11]) assert.deepStrictEqual(yield* readAll(limit), all)
  for (const [index, { position }] of all.entries()) {
    const kept = yield* Schema.decodeUnknownEffect(EventLog.Position)(position)
    assert.deepStrictEqual(yield* readAll(4, kept), all.slice(index + 1))
  }
  assert.strictEqual(yield* log((log) => log.last), all.at(-1)!.position)
})

const tailsLog = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  const { tail } = yield* EventLog.EventLog
  const heard = yield* Effect.forkChild(tail().pipe(Stream.take(5), Stream.runCollect), startNow)
  yield* stored(turn(1, 2))
  yield* tried(turn(1, 2, { id: "other" }))
  yield* Effect.forEach([2, 3, 4], (n) => stored(turn(n, 1)), { concurrency: "unbounded" })
  const entries = yield* Fiber.join(heard)
  assert.deepStrictEqual(turnsIn(entries).slice(0, 2), ["1/1", "1/2"])
  assert.sameMembers(turnsIn(entries), ["1/1", "1/2", "2/1", "3/1", "4/1"])
  const again = tail({ after: entries[1]!.position }).pipe(Stream.take(3), Stream.runCollect)
  assert.deepStrictEqual(yield* again, entries.slice(2))
})

const tailsSlowly = Effect.gen(function*() {
  const { tail } = yield* EventLog.EventLog
  const gate = yield* Deferred.make<void>()
  const slowly = Stream.mapEffect(tail(), (entry) => Effect.as(Deferred.await(gate), entry))
  const heard = yield* Effect.forkChild(slowly.pipe(Stream.take(700), Stream.runCollect), startNow)
  yield* Effect.forEach(times(700), (n) => stored(turn(n, 1)), { concurrency: "unbounded", discard: true })
  yield* Deferred.succeed(gate, undefined)
  assert.deepStrictEqual(turnsIn(yield* Fiber.join(heard)), turnsIn(yield* readAll(1000)))
})

const refusesAhead = Effect.gen(function*() {
  yield* stored(turn(1, 1))
  const last = (yield* log((log) => log.last))!
  const ahead = last.split(".").map((part) => `${part}000000`).join(".") as EventLog.Position
  const { read, tail } = yield* EventLog.EventLog
  for (const asked of [read({ after: ahead }), Stream.runCollect(tail({ after: ahead }))]) {
    const error = yield* Effect.flip<unknown, EventStore.StoreError, never>(asked)
    assert.deepStrictEqual([error.operation, error.reason._tag], ["read", "Rejected"])
  }
  assert.deepStrictEqual(yield* read({ after: last }), [])
})

const followsOne = Effect.gen(function*() {
  const { follow } = yield* EventLog.EventLog
  assert.deepStrictEqual(yield* Stream.runCollect(follow(callId(1))), [])
  yield* stored(turn(1, 1))
  yield* stored(turn(2, 1))
  const heard = yield* Effect.forkChild(Stream.runCollect(follow(callId(1))), startNow)
  yield* stored(turn(1, 2))
  yield* stored(turn(2, 2))
  yield* stored(turn(1, 3), { status: "over" })
  assert.deepStrictEqual(yield* Fiber.join(heard), [turn(1, 1), turn(1, 2), turn(1, 3)])
  assert.deepStrictEqual(yield* Stream.runCollect(follow(callId(1), { after: 1 })), [turn(1, 2), turn(1, 3)])
  assert.deepStrictEqual(yield* Stream.runCollect(follow(callId(1), { after: 3 })), [])
})

const endsLog = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  yield* Effect.provideContext(stored(turn(1, 1)), context)
  const { follow, tail } = Context.get(context, EventLog.EventLog)
  const gates = [yield* Deferred.make<void>(), yield* Deferred.make<void>()] as const
  const all = Stream.tap(tail(), () => Deferred.succeed(gates[0], undefined))
  const one = Stream.tap(follow(callId(1)), () => Deferred.succeed(gates[1], undefined))
  const heard = yield* Effect.forkChild(Stream.runCollect(all), startNow)
  const followed = yield* Effect.forkChild(Stream.runCollect(one), startNow)
  for (const gate of gates) yield* Deferred.await(gate)
  yield* Scope.close(scope, Exit.void)
  assert.deepStrictEqual(turnsIn(yield* Fiber.join(heard)), ["1/1"])
  assert.deepStrictEqual(yield* Fiber.join(followed), [turn(1, 1)])
})

// Pruning

const prune = (options: Retention.Options) => Retention.Retention.use((retention) => retention.prune(options))

const at = DateTime.makeUnsafe

const statusOf = (n: number) =>
  Effect.map(
    EventStore.EventStore.use((store) => store.summary(callId(n))),
    (found) => Option.getOrUndefined(Option.map(found, ({ status }) => status))
  )

const prunesEnded = Effect.gen(function*() {
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  assert.deepStrictEqual(yield* prune({}), { calls: 0, turns: 0, forgotten: 0 })
  assert.deepStrictEqual(yield* prune({ endedBefore: at(15) }), { calls: 0, turns: 0, forgotten: 0 })
  assert.deepStrictEqual(yield* prune({ endedBefore: at(81) }), { calls: 3, turns: 9, forgotten: 0 })
  assert.deepStrictEqual(yield* listed({}, 3), [10, 9, 8, 7, 4, 3, 2].map(callId))
  assert.deepStrictEqual(yield* prune({ endedBefore: at(81) }), { calls: 0, turns: 0, forgotten: 0 })
  assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3], statusOf), ["pruned", "over", "running"])
})

const prunesBeyond = Effect.gen(function*() {
  yield* Effect.forEach(someLives, (life, index) => lives(callId(index + 1), life))
  yield* prune({ keepAtMost: 6 })
  assert.lengthOf(yield* listed({}, 10), 10)
  assert.strictEqual((yield* prune({ keepAtMost: 4 })).calls, 2)
  assert.deepStrictEqual(yield* listed({ endedFrom: 0 }, 10), [10, 2, 8, 6].map(callId))
  assert.strictEqual((yield* prune({ keepAtMost: 3, endedBefore: at(85) })).calls, 2)
  assert.deepStrictEqual(yield* listed({ endedFrom: 0 }, 10), [10, 2].map(callId))
  assert.strictEqual((yield* prune({ keepAtMost: 0 })).calls, 2)
  assert.deepStrictEqual(yield* listed({}, 10), [9, 7, 4, 3].map(callId))
})

const prunesNoneRunning = Effect.gen(function*() {
  yield* lives(callId(1), { startedAt: 10, outcome: "Success" })
  yield* lives(callId(2), { startedAt: 10, outcome: "Success", endedAt: 20 })
  yield* stored(turn(2, 4), { status: "running" }) // it shows life again
  assert.strictEqual((yield* prune({ endedBefore: at(1e12), keepAtMost: 0 })).calls, 0)
  assert.lengthOf(yield* read(1), 2)
  assert.lengthOf(yield* read(2), 4)
})

const prunesEverything = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* lives(callId(1), { startedAt: 10, to: [number(1), number(2)], session: "a", outcome: "Success", endedAt: 20 })
  yield* stored(turn(1, 5, { at: 21 }), { status: "over" }, "b")
  yield* lives(callId(2), { startedAt: 10, to: [number(1)], session: "c", outcome: "Success", endedAt: 30 })
  assert.deepStrictEqual(yield* prune({ endedBefore: at(30), rememberFor: "1 minute" }), {
    calls: 1,
    turns: 5,
    forgotten: 0
  })
  assert.deepStrictEqual(yield* read(1), [])
  assert.deepStrictEqual(yield* Stream.runCollect((yield* EventLog.EventLog).follow(callId(1))), [])
  assert.deepStrictEqual(yield* listed({ number: number(1) }, 10), [callId(2)])
  assert.deepStrictEqual(yield* listed({ number: number(2) }, 10), [])
  assert.deepStrictEqual(yield* store.due({ before: Infinity }), [])
  for (const session of ["a", "b"]) assert.deepStrictEqual(yield* store.find(session), Option.some(callId(1)))
  const found = Option.getOrThrow(yield* store.summary(callId(1)))
  const { at: endedAt, due, flow, flowVersion, process, status, waitingFor } = found
  assert.deepStrictEqual({ endedAt, due, flow, flowVersion, process, status, waitingFor }, {
    endedAt: 20,
    due: 60_020,
    flow: "reminder",
    flowVersion: 1,
    process: null,
    status: "pruned",
    waitingFor: ""
  })
})

const refusesPruned = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  const length = yield* lives(callId(1), { startedAt: 10, session: "a", outcome: "Success", endedAt: 20 })
  yield* stored(turn(2, 1))
  yield* prune({ endedBefore: at(30) })
  for (const version of times(length + 3)) {
    assert.strictEqual(yield* tried(turn(1, version, { id: "new" }), {}, "b"), "conflict", `turn ${version}`)
    assert.strictEqual(yield* tried(turn(1, version, { id: `${callId(1)}/${version}` })), "conflict")
  }
  const outcomes = Effect.forEach([1, 2], (n) => tried(turn(n, n, { id: "new" })), { concurrency: "unbounded" })
  assert.deepStrictEqual(yield* outcomes, ["conflict", "stored"])
  assert.deepStrictEqual(yield* read(1), [])
  assert.deepStrictEqual(yield* store.find("a"), Option.some(callId(1)))
  assert.deepStrictEqual(yield* store.find("b"), Option.none())
})

const forgetsPruned = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* lives(callId(1), { startedAt: 10, session: "a", outcome: "Success", endedAt: 20 })
  yield* lives(callId(2), { startedAt: 10, outcome: "Success", endedAt: 60_000 })
  yield* prune({ endedBefore: at(30), rememberFor: "1 minute" })
  yield* prune({ endedBefore: at(60_001), rememberFor: "1 minute" })
  yield* lives(callId(3), { startedAt: 10 })
  yield* TestClock.setTime(60_019)
  assert.strictEqual((yield* prune({})).forgotten, 0)
  yield* TestClock.setTime(60_020)
  assert.deepStrictEqual(yield* prune({}), { calls: 0, turns: 0, forgotten: 1 })
  assert.deepStrictEqual(yield* store.find("a"), Option.none())
  assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3], statusOf), [undefined, "pruned", "running"])
  yield* stored(turn(1, 1), {}, "a")
  assert.deepStrictEqual(yield* read(1), [turn(1, 1)])
  assert.deepStrictEqual(yield* store.find("a"), Option.some(callId(1)))
  assert.deepStrictEqual(yield* listed({}, 10), [1, 3].map(callId))
})

const prunesLog = Effect.gen(function*() {
  yield* stored(turn(2, 1))
  yield* lives(callId(1), { startedAt: 10, session: "a", outcome: "Success", endedAt: 20 })
  yield* stored(turn(2, 2))
  yield* lives(callId(3), { startedAt: 10, outcome: "Success", endedAt: 20 })
  const before = yield* readAll(1000)
  yield* prune({ endedBefore: at(30), rememberFor: 0 })
  const left = before.filter(({ turn }) => turn.callId === callId(2))
  assert.deepStrictEqual(yield* readAll(1000), left)
  assert.strictEqual(yield* log((log) => log.last), left.at(-1)!.position)
  const [latest] = before.slice(-1)
  assert.deepStrictEqual(yield* readAll(1000, latest!.position), [])
  yield* stored(turn(2, 3))
  yield* stored(turn(4, 1))
  assert.deepStrictEqual(turnsIn(yield* readAll(1000, latest!.position)), ["2/3", "4/1"])
  assert.deepStrictEqual(turnsIn(yield* readAll(1000, left.at(-1)!.position)), ["2/3", "4/1"])
})

const prunesMany = Effect.gen(function*() {
  const long = 1100
  for (const n of times(3)) {
    yield* Effect.forEach(times(long), (version) => stored(turn(n, version, { at: n })), { concurrency: "unbounded" })
    yield* stored(turn(n, long + 1, { at: n }), { status: "over" })
  }
  yield* Effect.forEach(times(200), (n) => lives(callId(10 + n), { startedAt: 10, endedAt: 10 + n % 7 }), {
    concurrency: "unbounded"
  })
  yield* stored(turn(500, 1))
  assert.deepStrictEqual(yield* prune({ keepAtMost: 10 }), {
    calls: 193,
    turns: 3 * (long + 1) + 190 * 2,
    forgotten: 0
  })
  assert.lengthOf(yield* listed({ endedFrom: 0 }, 100), 10)
  assert.lengthOf(yield* readAll(1000), 21)
})

// Durability

/** A store that is closed by hand. */
const opened = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  return { store: Context.get(context, EventStore.EventStore), close: Scope.close(scope, Exit.void) }
})

const keepsEverything = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const namespace = yield* Effect.gen(function*() {
    yield* Effect.forEach(times(20), (n) => stored(turn(n, 1), { due: n }, `session ${n}`), {
      concurrency: "unbounded"
    })
    yield* stored(turn(1, 2), { status: "over" })
    return (yield* EventStore.EventStore).namespace
  }).pipe(Effect.provide(layer))
  yield* Effect.gen(function*() {
    const store = yield* EventStore.EventStore
    assert.strictEqual(store.namespace, namespace)
    assert.deepStrictEqual(yield* read(1), [turn(1, 1), turn(1, 2)])
    assert.deepStrictEqual(yield* store.find("session 20"), Option.some(callId(20)))
    assert.deepStrictEqual((yield* store.due({ before: 3 })).map((each) => each.callId), [2, 3].map(callId))
    assert.strictEqual(yield* tried(turn(1, 2, { id: "other" })), "conflict")
    yield* stored(turn(1, 3))
  }).pipe(Effect.provide(layer))
})

const drains = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const { close, store } = yield* opened(layer)
  const appends = yield* Effect.forEach(times(600), (n) =>
    stored(turn(n % 300, n <= 300 ? 1 : 2)).pipe(
      Effect.provideService(EventStore.EventStore, store),
      Effect.forkChild(startNow)
    ))
  yield* close
  yield* Effect.forEach(appends, Fiber.join, { discard: true })
  yield* Effect.gen(function*() {
    for (const n of [0, 1, 150, 299]) assert.deepStrictEqual(yield* read(n), [turn(n, 1), turn(n, 2)])
    assert.strictEqual((yield* (yield* EventStore.EventStore).due({ before: Infinity })).length, 300)
  }).pipe(Effect.provide(layer))
})

const refusesLate = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const { close, store } = yield* opened(layer)
  yield* close
  const error = yield* Effect.flip(store.append(turn(1, 1), summary(1, 1)))
  assert.strictEqual(error._tag === "StoreError" && error.reason._tag, "Closed")
  assert.deepStrictEqual(yield* Effect.provide(read(1), layer), [])
})

const sharesCommits = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const counted = Effect.all([
    Effect.map(Metric.value(CallMetrics.storeCommits), ({ count }) => Number(count)),
    Effect.map(Metric.value(CallMetrics.storeTurns), ({ count }) => Number(count))
  ])
  yield* Effect.gen(function*() {
    const [commits, turns] = yield* counted
    yield* Effect.forEach(times(64), (n) => stored(turn(n, 1)), { concurrency: "unbounded" })
    const [commitsThen, turnsThen] = yield* counted
    assert.strictEqual(turnsThen - turns, 64)
    assert.isAtMost(commitsThen - commits, 4)
    assert.isAtLeast(commitsThen - commits, 1)
  }).pipe(Effect.provide(layer))
})
