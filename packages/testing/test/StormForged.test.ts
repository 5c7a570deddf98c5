/** Histories that were forged, and flows that look from outside like a broken engine: the laws find what is wrong. */
import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Flow, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"
import { requestOf, Visit } from "../../../scripts/storm.finalizers.ts"
import { Storm, StormFaults, type StormHistory, StormLaws } from "../src/index.ts"
import { parties } from "./fixtures/flows.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const input = { to, from, office: PhoneNumber.make("15550170002") }

/** For a machine that is busy with something else. */
const patience = 60_000

type Event = CallEvent.CallEvent

const eventsOf = (history: StormHistory.StormHistory): ReadonlyArray<Event> =>
  history.turns.flatMap(({ turn }) => turn.events)

const violations = (law: StormLaws.Law, history: StormHistory.StormHistory): ReadonlyArray<string> =>
  law.check(history).flatMap((finding) => finding._tag === "Violation" ? [finding.problem] : [])

/** The same turns with other events. */
const rewritten = (history: StormHistory.StormHistory, change: (event: Event) => Event): StormHistory.StormHistory => ({
  ...history,
  turns: history.turns.map((appended) => ({
    ...appended,
    turn: { ...appended.turn, events: appended.turn.events.map(change) }
  }))
})

/** The first history of the flow that has such an event. */
const historyWith = (is: (event: Event) => boolean) =>
  Effect.gen(function*() {
    for (let seed = 1;; seed++) {
      const { history } = yield* Storm.once(Visit, input, { seed, requestOf, faults: StormFaults.only("cancel") })
      if (eventsOf(history).some(is)) return history
    }
  })

describe("a law over a forged history", () => {
  it.effect("finds a call that went on as if nobody had cancelled it", () =>
    Effect.gen(function*() {
      const history = yield* historyWith(({ _tag }) => _tag === "Cancelled")
      const forged = rewritten(
        history,
        (event) =>
          event._tag === "FlowEnded" && event.exit._tag === "Stopped"
            ? { ...event, exit: { _tag: "Success", value: "waited" } }
            : event
      )
      assert.notInclude(violations(StormLaws.nothingForgotten, history), "a call went on as if nobody had cancelled it")
      assert.include(violations(StormLaws.nothingForgotten, forged), "a call went on as if nobody had cancelled it")
    }), patience)

  it.effect("finds an activity with a result that never ran", () =>
    Effect.gen(function*() {
      const history = yield* historyWith(({ _tag }) => _tag === "ActivityCompleted")
      const forged = { ...history, ran: history.ran.map((ran) => ({ ...ran, key: "another/1" })) }
      const problem = "a result was recorded of an activity that never ran"
      assert.notInclude(violations(StormLaws.nothingForgotten, history), problem)
      assert.include(violations(StormLaws.nothingForgotten, forged), problem)
    }), patience)

  it.effect("finds a defect that nobody is told of, or more than once", () =>
    Effect.gen(function*() {
      const history = rewritten(
        yield* historyWith(({ _tag }) => _tag === "FlowEnded"),
        (event) =>
          event._tag === "FlowEnded"
            ? { ...event, exit: { _tag: "Stopped", reason: { _tag: "Defect", message: "broken" } } }
            : event
      )
      const { at, incarnation, seq, turn } = history.turns[0]!
      const told = { at, seq, incarnation, level: "Error" as const, text: `The flow of call ${turn.callId} threw` }
      const { nothingStopsTheRest } = StormLaws
      const one = { ...history, turns: history.turns.filter((appended) => appended.turn.callId === turn.callId) }
      assert.deepStrictEqual(violations(nothingStopsTheRest, one), ["a call ended with a defect and no word of it"])
      assert.deepStrictEqual(violations(nothingStopsTheRest, { ...one, logged: [told] }), [])
      assert.deepStrictEqual(violations(nothingStopsTheRest, { ...one, logged: [told, told] }), [
        "a defect was told 2 times"
      ])
    }), patience)

  it.effect(
    "finds a refused turn of which nobody is told, that is tried on, or that was refused for another one",
    () =>
      Effect.gen(function*() {
        const history = yield* historyWith(({ _tag }) => _tag === "CallAnswered")
        const { at, incarnation, seq, turn } = history.turns.find(({ turn }) => turn.version === 2)!
        const told = {
          at,
          seq,
          incarnation,
          level: "Error" as const,
          text: `The store refuses a turn of call ${turn.callId}`
        }
        const of = (refused: Partial<StormHistory.Refused>, logged: ReadonlyArray<StormHistory.Logged> = [told]) =>
          violations(StormLaws.nothingStopsTheRest, {
            ...history,
            logged,
            refused: [{ at, seq, incarnation, turn, isOwn: true, tries: 1, ...refused }]
          })
        assert.deepStrictEqual(of({}), [])
        assert.deepStrictEqual(of({}, []), ["a turn was refused for good and no word of it"])
        assert.deepStrictEqual(of({ tries: 40 }), ["a turn that is refused for good was tried 40 times"])
        assert.deepStrictEqual(of({ isOwn: false }), ["a turn was refused for another one of its commit"])
      }),
    patience
  )

  it.effect(
    "misses no word of a refused turn that was stored behind another one, at another time",
    () =>
      Effect.gen(function*() {
        const history = yield* historyWith(({ _tag }) => _tag === "CallAnswered")
        const appended = history.turns.find(({ turn }) => turn.version === 2)!
        const { at, incarnation, seq, turn } = appended
        const unsent = (at: number): Event => ({
          _tag: "DialNotSent",
          at,
          line: 1,
          reason: "no connection",
          retryAt: at + 1_000
        })
        const forged = (stored: Event): StormHistory.StormHistory => ({
          ...history,
          turns: [...history.turns, { ...appended, seq: seq + 1, turn: { ...turn, events: [stored] } }],
          refused: [{ at, seq, incarnation, turn: { ...turn, events: [unsent(at)] }, isOwn: true, tries: 1 }]
        })
        const { nothingStopsTheRest } = StormLaws
        assert.deepStrictEqual(violations(nothingStopsTheRest, forged(unsent(at + 9_000))), [])
        assert.deepStrictEqual(
          violations(nothingStopsTheRest, forged({ _tag: "DialGivenUp", at, line: 1, reason: "unknown" })),
          [
            "a turn was refused for good and no word of it"
          ]
        )
      }),
    patience
  )

  it.effect("finds a session that is out of bounds", () =>
    Effect.gen(function*() {
      const history = yield* historyWith(({ _tag }) => _tag === "CallAnswered")
      const forged = rewritten(
        history,
        (event) => event._tag === "CallAnswered" ? { ...event, referenceId: "x".repeat(3_000) } : event
      )
      const problem = "a session was recorded that is out of bounds"
      assert.notInclude(violations(StormLaws.nothingStopsTheRest, history), problem)
      assert.include(violations(StormLaws.nothingStopsTheRest, forged), problem)
    }), patience)

  it.effect("finds a stranger's call under the session of another one", () =>
    Effect.gen(function*() {
      const history = yield* historyWith(({ _tag }) => _tag === "CallAnswered")
      const answered = eventsOf(history).find((event) => event._tag === "CallAnswered")!
      const forged = rewritten(
        history,
        (event) =>
          event._tag === "CallStarted"
            ? {
              _tag: "CallArrived",
              at: answered.at,
              flow: event.flow,
              version: 1,
              line: 1,
              referenceId: answered.referenceId,
              content: "",
              extra: { stranger: true }
            }
            : event
      )
      assert.include(
        violations(StormLaws.nothingStopsTheRest, forged),
        "a stranger's call has the session of another one"
      )
    }), patience)
})

/** What a storm finds in a flow whose requests look like one: as if the engine had asked one request twice. */
const foundIn = (talk: Flow.Flow<void, Flow.NotAnswered | Flow.HungUp, Flow.NoLine>) => {
  const Twice = Flow.make("twice", {
    version: 1,
    input: parties,
    output: Schema.Void,
    run: () =>
      Flow.gen(function*() {
        yield* talk
        yield* talk
      }).pipe(Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed(undefined)))
  })
  return Effect.flip(Storm.run(Twice, { to, from }, { requestOf, faults: StormFaults.none }))
}

describe("a storm over an engine that asks a request twice", () => {
  it.effect("finds a phone that rings twice for it", () =>
    Effect.gen(function*() {
      const failure = yield* foundIn(Flow.dial(Line.speak("Good day."), { to, from, sendDtmf: "1" }))
      assert.strictEqual(failure.law, StormLaws.ringsOnce.name)
      assert.include(failure.message, "a phone rang twice for one request of the flow")
    }))

  it.effect("finds an activity that runs under two keys", () =>
    Effect.gen(function*() {
      const failure = yield* foundIn(Flow.activity("work", {}, Storm.ran("work")))
      assert.strictEqual(failure.law, StormLaws.nothingForgotten.name)
      assert.include(failure.message, "one request of the flow ran under two keys")
    }))
})
