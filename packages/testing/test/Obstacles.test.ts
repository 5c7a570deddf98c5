/** What stands in the way of all dials says nothing about the people who were to be rung, over the whole engine. */
import { assert, describe, it } from "@effect/vitest"
import {
  type Action,
  type CallEvent,
  CallMetrics,
  Calls,
  EventStore,
  Explain,
  Flow,
  Line,
  PhoneNumber,
  type Settings,
  Transport
} from "@ringback/core"
import { Clock, Effect, Layer, Logger, Metric, Option, Schema } from "effect"
import { Callee, PhoneCompany } from "../src/index.ts"
import { life, world } from "./fixtures/lives.ts"

const [ours, foreign] = [PhoneNumber.make("15550170009"), PhoneNumber.make("15550170008")]
const numberOf = (n: number) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)
const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index)

const Notice = Flow.make("notice", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: (who) =>
    Line.speak("The library closes at six today.").pipe(
      Flow.as("heard"),
      Flow.dial(who),
      Flow.catchTag("NotAnswered", ({ reason }) => Flow.succeed(reason)),
      Flow.catchTag("HungUp", () => Flow.succeed("hung up"))
    )
})

const notice = (n: number, from: PhoneNumber.PhoneNumber = ours) => Calls.start(Notice, { to: numberOf(n), from })

/** A carrier before which something may stand. */
const carrier = () => {
  const sent: Array<{ readonly at: number; readonly from: string }> = []
  const state: { answer: (dial: Action.Dial) => Transport.TransportError["reason"] | undefined; latency: number } = {
    answer: () => undefined,
    latency: 200
  }
  const layer = Layer.effect(
    Transport.Transport,
    Effect.map(PhoneCompany.PhoneCompany, (company) => ({
      send: (dial: Action.Dial) =>
        Effect.gen(function*() {
          sent.push({ at: yield* Clock.currentTimeMillis, from: dial.from })
          yield* Effect.sleep(state.latency)
          const reason = state.answer(dial)
          if (reason === undefined) return yield* company.dial(dial)
          return yield* new Transport.TransportError({ reason })
        })
    }))
  )
  return { layer, sent, state }
}

const obstacle = (obstacle: CallEvent.Obstacle) =>
  new Transport.NotSent({ problem: `because of the ${obstacle}`, obstacle })

/** A world with this carrier, its log, and a store that outlives engines. */
const scene = () => {
  const lines: Array<string> = []
  const { layer, sent, state } = carrier()
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  ])
  return {
    lines,
    sent,
    state,
    engine: (settings: Settings.Options = {}) =>
      Layer.provideMerge(life([Notice], { settings, transport: layer }), logger)
  }
}

const warnings = (lines: ReadonlyArray<string>) => lines.filter((line) => /^(Warn|Error)/.test(line))

describe("credentials that are not accepted", () => {
  it.effect(
    "leave all dials waiting, told in the log and in the store, and when they are mended each phone rings once",
    () => {
      const { engine, lines, sent, state } = scene()
      state.answer = () => obstacle("credentials")
      return Effect.gen(function*() {
        yield* PhoneCompany.everyone(Callee.answers("1 second"))
        const calls = yield* Effect.forEach(times(1_000), (n) => notice(n))
        yield* Effect.sleep("50 minutes")
        assert.isAtMost(sent.length, 9 + 60) // what was on its way, and the probes
        assert.lengthOf(yield* PhoneCompany.rings, 0)
        assert.match(warnings(lines)[0] ?? "", /^Warn No dials go, .*: the carrier does not accept the credentials$/)
        assert.isAtMost(warnings(lines).length, 51)
        const store = yield* EventStore.EventStore
        const summaries = yield* Effect.forEach(calls, ({ id }) => Effect.map(store.summary(id), Option.getOrThrow))
        assert.isTrue(
          summaries.every(({ waitingFor }) =>
            waitingFor === "the carrier to accept the credentials" ||
            waitingFor === "its place among the dials that wait"
          )
        )
        const late = yield* notice(1_000)
        const told = Option.getOrThrow(yield* store.summary(late.id))
        assert.strictEqual(told.waitingFor, "the carrier to accept the credentials")
        assert.lengthOf(yield* Calls.obstacles, 1)
        const { events, known } = yield* Calls.Calls
        for (const summary of summaries) {
          const report = Explain.report(summary.callId, yield* events(summary.callId), { known: yield* known(summary) })
          assert.strictEqual(report.waitingFor.what, "the carrier to accept the credentials")
        }
        state.answer = () => undefined
        const outcomes = yield* Effect.forEach([...calls, late], ({ outcome }) => outcome, { concurrency: "unbounded" })
        assert.deepStrictEqual(new Set(outcomes), new Set(["heard"]))
        assert.lengthOf(yield* PhoneCompany.rings, 1_001)
        assert.include(lines.at(-1), "Info Dials go again, after ")
        assert.lengthOf(yield* Calls.obstacles, 0)
      }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
    }
  )

  it.effect("are given up an hour after the plan of each, which is told its flow apart, and not before", () => {
    const { engine, state } = scene()
    state.answer = () => obstacle("credentials")
    return Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const early = yield* Effect.forEach(times(100), (n) => notice(n))
      yield* Effect.sleep("30 minutes")
      const late = yield* Effect.forEach(times(100), (n) => notice(n))
      const ended = (calls: typeof early) =>
        Effect.gen(function*() {
          const outcomes = yield* Effect.forEach(calls, ({ outcome }) => outcome, { concurrency: "unbounded" })
          assert.deepStrictEqual(new Set(outcomes), new Set(["not authorized"]))
          return (yield* Clock.currentTimeMillis) - began
        })
      const minutes = (millis: number) => Math.floor(millis / 60_000)
      assert.strictEqual(minutes(yield* ended(early)), 60)
      assert.strictEqual(minutes(yield* ended(late)), 90)
    }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
  })

  it.effect("are probed by one attempt at a time, each later than the one before, up to a minute", () => {
    const { engine, sent, state } = scene()
    state.answer = () => obstacle("credentials")
    state.latency = 5_000
    return Effect.gen(function*() {
      yield* notice(0)
      yield* Effect.sleep("6 seconds")
      yield* Effect.forEach(times(50), (n) => notice(n + 1))
      yield* Effect.sleep("20 minutes")
      const gaps = sent.slice(1).map(({ at }, index) => Math.floor((at - sent[index]!.at) / 1_000))
      assert.deepStrictEqual(gaps.slice(0, 9), [6, 7, 9, 13, 21, 37, 65, 65, 65])
    }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
  })

  it.effect("are met anew by the next process, and nobody rings twice or is forgotten", () => {
    const { engine, sent, state } = scene()
    state.answer = () => obstacle("credentials")
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const ids = yield* Effect.provide(
        Effect.gen(function*() {
          const calls = yield* Effect.forEach(times(40), (n) => notice(n))
          yield* Effect.sleep("10 minutes")
          return calls.map(({ id }) => id)
        }),
        engine()
      )
      yield* Effect.provide(Effect.sleep("10 minutes"), engine())
      const before = sent.length
      assert.isAtMost(before, 2 * (10 + 20))
      state.answer = () => undefined
      yield* Effect.provide(
        Effect.gen(function*() {
          const { handle } = yield* Calls.Calls
          const outcomes = yield* Effect.forEach(ids, (id) => handle(Notice, id).outcome, { concurrency: "unbounded" })
          assert.deepStrictEqual(new Set(outcomes), new Set(["heard"]))
        }),
        engine()
      )
      assert.lengthOf(yield* PhoneCompany.rings, 40)
    }).pipe(Effect.provide(world))
  })
})

describe("a carrier that is not reached", () => {
  it.effect("holds up dials for as long as that lasts, and uses up no attempt", () => {
    const { engine, state } = scene()
    state.answer = () => obstacle("unreachable")
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const calls = yield* Effect.forEach(times(20), (n) => notice(n))
      yield* Effect.sleep("40 minutes")
      state.answer = () => undefined
      const outcomes = yield* Effect.forEach(calls, ({ outcome }) => outcome, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(outcomes), new Set(["heard"]))
      assert.lengthOf(yield* PhoneCompany.rings, 20)
    }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
  })

  it.effect("is given up as not sent", () => {
    const { engine, state } = scene()
    state.answer = () => obstacle("unreachable")
    return Effect.gen(function*() {
      const call = yield* notice(0)
      assert.strictEqual(yield* call.outcome, "not sent")
    }).pipe(Effect.provide(engine({ dial: { giveUpAfter: "10 minutes" } }).pipe(Layer.provideMerge(world))))
  })
})

describe("a number of ours that is not taken as the caller", () => {
  it.effect("holds up the dials from it alone, however many wait before the others", () => {
    const { engine, sent, state } = scene()
    state.answer = ({ from }) => from === foreign ? obstacle("caller id") : undefined
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const wrong = yield* Effect.forEach(times(200), (n) => notice(n, foreign))
      const right = yield* Effect.forEach(times(200), (n) => notice(n + 200))
      const began = yield* Clock.currentTimeMillis
      const heard = yield* Effect.forEach(right, ({ outcome }) => outcome, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(heard), new Set(["heard"]))
      assert.isAtMost((yield* Clock.currentTimeMillis) - began, 15_000)
      yield* Effect.sleep("50 minutes")
      assert.isAtMost(sent.filter(({ from }) => from === foreign).length, 9 + 60)
      const outcomes = yield* Effect.forEach(wrong, ({ outcome }) => outcome, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(outcomes), new Set(["not authorized"]))
    }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
  })

  it.effect("is probed by one at a time after a restart too, when the calls that wait are not read yet", () => {
    const { engine, sent, state } = scene()
    state.answer = ({ from }) => from === foreign ? obstacle("caller id") : undefined
    const settings = { memory: { calls: 0 } }
    return Effect.gen(function*() {
      yield* Effect.provide(
        Effect.andThen(Effect.forEach(times(100), (n) => notice(n, foreign)), Effect.sleep("1 minute")),
        engine(settings)
      )
      const before = sent.length
      yield* Effect.provide(Effect.sleep("10 minutes"), engine(settings))
      assert.isAtMost(sent.length - before, 9 + 16)
    }).pipe(Effect.provide(world))
  })

  it.effect("lets its dials go when it is taken, in their order", () => {
    const { engine, state } = scene()
    state.answer = ({ from }) => from === foreign ? obstacle("caller id") : undefined
    return Effect.gen(function*() {
      yield* PhoneCompany.everyone(Callee.answers("1 second"))
      const calls = yield* Effect.forEach(
        times(50),
        (n) => Effect.tap(notice(n, foreign), () => Effect.sleep("1 millis"))
      )
      yield* Effect.sleep("10 seconds")
      yield* calls[30]!.cancel
      state.answer = () => undefined
      const outcomes = yield* Effect.forEach(
        calls.filter((_, n) => n !== 30),
        ({ outcome }) => outcome,
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(outcomes), new Set(["heard"]))
      const rung = (yield* PhoneCompany.rings).map(({ number }) => number)
      assert.lengthOf(rung, 49)
      const untried = rung.filter((number) => number > numberOf(20))
      assert.deepStrictEqual(untried, untried.toSorted())
    }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
  })
})

describe("dials", () => {
  it.effect("are counted by what became of them", () => {
    const { engine, state } = scene()
    const reasons = [
      undefined,
      new Transport.Refused({ status: "invalid_phone_number" }),
      new Transport.NotSent({ problem: "HTTP 429", throttled: true }),
      new Transport.Lost({ problem: "HTTP 500" }),
      obstacle("unreachable"),
      obstacle("credentials"),
      obstacle("caller id")
    ]
    let n = 0
    state.answer = () => reasons[n++]
    const counted = (result: CallMetrics.DialResult) =>
      Effect.map(Metric.value(CallMetrics.dials(result)), ({ count }) => Number(count))
    const results = ["accepted", "refused", "throttled", "lost", "unreachable", "credentials", "caller id"] as const
    return Effect.gen(function*() {
      const before = yield* Effect.forEach(results, counted)
      yield* Effect.forEach(times(4), (n) => notice(n))
      yield* Effect.sleep("20 minutes")
      const after = yield* Effect.forEach(results, counted)
      const [accepted, ...others] = after.map((count, index) => count - before[index]!)
      assert.isAtLeast(accepted!, 1)
      assert.deepStrictEqual(others, [1, 1, 1, 1, 1, 1])
    }).pipe(Effect.provide(engine().pipe(Layer.provideMerge(world))))
  })
})
