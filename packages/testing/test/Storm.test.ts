import { assert, describe, it } from "@effect/vitest"
import { type Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Callee, Faults, Storm, StormLaws } from "../src/index.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const parties = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }
const input = { to, from }

const Survey = Flow.make("survey", {
  version: 1,
  input: parties,
  output: Schema.Literals(["kept", "cancelled", "unreached"]),
  run: (who) =>
    Flow.gen(function*() {
      const choice = yield* Line.menu("Press 1 to keep it, 2 to cancel it.", {
        choices: { "1": "kept", "2": "cancelled" }
      })
      yield* Line.goodbye("Thank you.")
      return choice
    }).pipe(
      Flow.dial({ ...who, ringFor: "20 seconds" }),
      Flow.retry({ times: 2, after: "1 minute", while: (error) => error._tag === "NotAnswered" }),
      Flow.catchTag(["NotAnswered", "NoInput", "HungUp"], () => Flow.succeed("unreached" as const))
    )
})

/** An activity of seven seconds, once behind a hold of the flow's and once behind one of the engine's. */
const lookup = Flow.activity(
  "look up",
  { success: Schema.String, within: "40 seconds" },
  Effect.as(Effect.sleep("7 seconds"), "found")
)

const Desk = Flow.make("desk", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) =>
    Flow.gen(function*() {
      const digits = yield* Line.collect("Enter your number.", { max: 4 })
      const found = yield* Line.hold(lookup, "Please hold.")
      yield* Flow.sleep("5 seconds")
      const goOn = yield* Line.confirm("Shall we go on?")
      yield* lookup
      yield* Line.goodbye("Goodbye.")
      return `${digits} ${found} ${goOn}`
    }).pipe(
      Flow.dial(who),
      Flow.retry({ times: 1, after: "30 seconds", while: () => true }),
      Flow.catchTag(["NotAnswered", "NoInput", "HungUp"], (error) => Flow.succeed(error._tag))
    )
})

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

describe("a storm", () => {
  it.effect("breaks no law of a call that asks and tries again", () =>
    Effect.gen(function*() {
      const { faults, runs } = yield* Storm.run(Survey, input, { runs: 200, seed: 1 })
      assert.strictEqual(runs, 200)
      assert.deepStrictEqual(Faults.kinds.filter((kind) => faults[kind] === undefined), [])
    }), patience)

  it.effect(
    "breaks no law of a call that waits on a live line",
    () => Storm.run(Desk, input, { runs: 100, seed: 1 }),
    patience
  )

  it.effect(
    "breaks no law of a call that comes in and is connected",
    () => Storm.run(Reception, {}, { runs: 60, seed: 1, incoming: { to: from, from: "15550170044" } }),
    patience
  )

  it.effect("is the same storm again with the same seed", () =>
    Effect.gen(function*() {
      for (const seed of [7, 8, 9]) {
        const [one, again] = yield* Effect.all([
          Storm.once(Desk, input, { seed }),
          Storm.once(Desk, input, { seed })
        ])
        assert.isNotEmpty(one.history.turns)
        assert.deepStrictEqual(again.history, one.history)
      }
    }))

  it.effect("of nothing is a call like any other", () =>
    Effect.gen(function*() {
      const { findings, history } = yield* Storm.once(Survey, input, {
        faults: Faults.none,
        callees: { [to]: Callee.answers("3 seconds").presses("1") }
      })
      assert.deepStrictEqual(findings, [])
      assert.deepStrictEqual(history.faults, [])
      assert.deepStrictEqual(history.told.outcomes, ["\"kept\""])
    }))

  const harmless = Faults.only("webhookCopied", "webhookCopiedAfterEnd", "postSlow", "storeConflicts")
  it.effect("of copies, conflicts and slow responses changes no outcome", () =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= 40; seed++) {
        const calm = yield* Storm.once(Desk, input, { seed, faults: Faults.none })
        const rough = yield* Storm.once(Desk, input, { seed, faults: harmless })
        assert.deepStrictEqual(rough.history.told.outcomes, calm.history.told.outcomes, `seed ${seed}`)
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

/** The first failure of a storm over an engine with a broken part. */
const caught = (sabotage: Storm.Sabotage) => Effect.flip(Storm.run(Survey, input, { runs: 1000, sabotage }))

describe("a storm over a broken engine", () => {
  it.effect("finds a store that loses what it has confirmed", () =>
    Effect.gen(function*() {
      const failure = yield* caught({
        store: (store) => {
          let hasLost = false
          return EventStore.EventStore.of({
            ...store,
            append: (turn, summary, about) => {
              if (hasLost || turn.version !== 3) return store.append(turn, summary, about)
              hasLost = true
              return Effect.void
            }
          })
        }
      })
      assert.strictEqual(failure.law, StormLaws.recordFirst.name)
    }), patience)

  it.effect("finds a transport that sends again what was perhaps sent", () =>
    Effect.gen(function*() {
      const failure = yield* caught({
        transport: ({ send }) => ({ send: (action) => Effect.catch(send(action), () => send(action)) })
      })
      assert.strictEqual(failure.law, StormLaws.ringsOnce.name)
      assert.isAtMost(failure.faults.length, 3)
      assert.include(failure.test, `Storm.run(flow, input, { runs: 1, seed: ${failure.seed}`)
      assert.notInclude(failure.message, "5550170001")
    }))

  it.effect("finds an engine that is silent on a live line", () =>
    Effect.gen(function*() {
      const failure = yield* caught({
        calls: (calls) => ({
          ...calls,
          receive: (webhook) =>
            Effect.map(calls.receive(webhook), (reply) =>
              webhook.event === "speak_completed" && webhook.digits === "1" ? { ...reply, action: undefined } : reply)
        })
      })
      assert.strictEqual(failure.law, StormLaws.noDeadAir.name)
    }), patience)

  it.effect("finds an engine that answers a copy with what it said before", () =>
    Effect.gen(function*() {
      const failure = yield* caught({
        calls: (calls) => {
          let last: Calls.Reply | undefined
          return {
            ...calls,
            receive: (webhook) =>
              Effect.map(calls.receive(webhook), (reply) => {
                const before = last
                last = reply
                return webhook.event === "speak_completed" && before?.action !== undefined
                  ? { ...reply, action: before.action }
                  : reply
              })
          }
        }
      })
      assert.strictEqual(failure.law, StormLaws.sameWebhookSameReply.name)
    }), patience)
})
