import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Callee, Storm, StormFaults, StormLaws } from "../src/index.ts"
import { Desk } from "./fixtures/flows.ts"
import { input, stores, survey } from "./fixtures/storms.ts"

const { from, to } = input

const Survey = survey((conversation, who) =>
  conversation.pipe(
    Flow.dial({ ...who, ringFor: "20 seconds" }),
    Flow.retry({ times: 2, after: "1 minute", while: (error) => error._tag === "NotAnswered" })
  )
)

const Reception = Flow.make("reception", {
  version: 1,
  input: {},
  output: Schema.Literals(["talked", "gone"]),
  run: () =>
    Flow.inbound(() =>
      Flow.gen(function*() {
        yield* Line.speak("One moment, please.")
        for (const agent of ["15550170002", "15550170003"]) {
          const leg = yield* Line.bridge({ to: PhoneNumber.make(agent), from })
          if (leg._tag === "Left") break
          yield* Line.speak("We try another one.")
        }
        yield* Line.goodbye("Goodbye.")
        return "talked" as const
      }).pipe(Flow.catchTag("HungUp", () => Flow.succeed("gone" as const)))
    )
})

/** For a machine that is busy with something else. */
const patience = 60_000

const signals = { paid: true }

describe("a storm", () => {
  for (const store of stores) {
    it.effect(`breaks no law of calls that ask and try again (${store})`, () =>
      Effect.gen(function*() {
        const { runs } = yield* Storm.run(Survey, input, { runs: 40, seed: 1, store })
        assert.strictEqual(runs, 40)
      }), patience)

    it.effect(
      `breaks no law of calls that wait on a live line (${store})`,
      () => Storm.run(Desk, input, { runs: 20, seed: 1, store, signals }),
      patience
    )

    it.effect(
      `breaks no law of calls that come in and are connected (${store})`,
      () => Storm.run(Reception, {}, { runs: 20, seed: 1, store, incoming: { to: from, from: "15550170044" } }),
      patience
    )
  }

  it.effect("sees to a call in time that is ahead of the clock, though its end was refused for good", () => {
    const incoming = { to: from, from: "15550170044" }
    return Storm.run(Reception, {}, { runs: 1, seed: 16, store: "memory", incoming })
  }, patience)

  it.effect("knows every kind of fault", () =>
    Effect.gen(function*() {
      const missing = new Set<string>(StormFaults.kinds.filter((kind) => StormFaults.all[kind] > 0))
      for (let seed = 100; seed < 160 && missing.size > 0; seed++) {
        for (const store of stores) {
          const { history } = yield* Storm.once(Survey, input, { seed, store, laws: [], throwing: () => input })
          for (const { kind } of history.faults) missing.delete(kind)
        }
      }
      assert.deepStrictEqual([...missing], [])
    }), patience)

  it.effect("is the same storm again with the same seed", () =>
    Effect.gen(function*() {
      for (const store of stores) {
        for (const seed of [7, 8, 9]) {
          const [one, again] = yield* Effect.all([
            Storm.once(Desk, input, { seed, store, signals }),
            Storm.once(Desk, input, { seed, store, signals })
          ])
          assert.isNotEmpty(one.history.turns)
          assert.deepStrictEqual(again.history, one.history)
        }
      }
    }), patience)

  const outcomes = ({ history }: Storm.Run) => history.told.outcomes.map(({ exit }) => exit)

  it.effect("of nothing is a call like any other", () =>
    Effect.gen(function*() {
      const { findings, history } = yield* Storm.once(Survey, input, {
        faults: StormFaults.none,
        calls: 1,
        callees: { [to]: Callee.answers("3 seconds").presses("1") }
      })
      assert.deepStrictEqual(findings, [])
      assert.deepStrictEqual(history.faults, [])
      assert.deepStrictEqual(outcomes({ findings, history }), [{ _tag: "Success", value: "kept" }])
    }))

  const harmless = StormFaults.only("webhookCopied", "webhookCopiedAfterEnd", "postSlow", "storeConflicts")
  it.effect("of copies, conflicts and slow responses changes no outcome", () =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= 40; seed++) {
        const calm = yield* Storm.once(Desk, input, { seed, faults: StormFaults.none, calls: 1 })
        const rough = yield* Storm.once(Desk, input, { seed, faults: harmless, calls: 1 })
        assert.deepStrictEqual(outcomes(rough), outcomes(calm), `seed ${seed}`)
      }
    }), patience)

  it.effect("holds a user's own law too", () =>
    Effect.gen(function*() {
      const quick = StormLaws.make("it is over in a second", (history) =>
        history.turns.some(({ at }) =>
            at > history.turns[0]!.at + 1000
          )
          ? [StormLaws.violation("it was not")]
          : [])
      const failure = yield* Effect.flip(Storm.run(Survey, input, { runs: 1, laws: [quick] }))
      assert.strictEqual(failure.law, "it is over in a second")
      assert.deepStrictEqual(failure.faults, [])
    }))
})
