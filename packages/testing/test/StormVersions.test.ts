/** Processes that do not know the version of a call, as in a rolling deployment: what they hear is recorded, and told on. */
import { assert, describe, it } from "@effect/vitest"
import { Action, Calls, EventStore, Flow, Line, Settings } from "@ringback/core"
import { Effect, Equal, Schema } from "effect"
import { examples } from "../../../scripts/storm.examples.ts"
import { Storm, StormFaults, type StormHistory, StormLaws } from "../src/index.ts"
import { Desk } from "./fixtures/flows.ts"
import { input, survey } from "./fixtures/storms.ts"

const { from } = input
const signals = { paid: true }

/** For a machine that is busy with something else. */
const patience = 60_000

const Greeting = Flow.make("greeting", {
  version: 1,
  input: {},
  output: Schema.Literals(["pressed", "gone"]),
  run: () =>
    Flow.inbound(() =>
      Flow.gen(function*() {
        yield* Line.speak("Good day.")
        yield* Line.menu("Press 1.", { choices: { "1": "one" } })
        yield* Line.goodbye("Goodbye.")
        return "pressed" as const
      }).pipe(Flow.catchTag(["HungUp", "NoInput"], () => Flow.succeed("gone" as const)))
    )
})

const incoming = { to: from, from: "15550170044" }

/** What a deployment takes: processes come and go, and calls are cancelled meanwhile. */
const deployment = {
  ...StormFaults.only("secondProcess", "crash", "takeover", "cancel"),
  versionUnknown: 0.5
}

/** The same on a bad day. */
const everything = { ...StormFaults.all, versionUnknown: 0.8 }

const marks = ({ turns }: StormHistory.StormHistory) =>
  turns.flatMap(({ turn }) => turn.events).filter(({ _tag }) => _tag === "FlowAwaited" || _tag === "FlowResumed")

describe("a process that does not know the version of a call", () => {
  for (const [name, faults] of Object.entries({ deployment, everything })) {
    it.effect(
      `breaks no law of calls that wait (${name})`,
      () => Storm.run(Desk, input, { runs: 8, seed: 1, store: "postgres", signals, faults }),
      patience
    )

    it.effect(
      `breaks no law of calls that come in (${name})`,
      () => Storm.run(Greeting, {}, { runs: 8, seed: 1, store: "postgres", incoming, faults }),
      patience
    )
  }

  it.effect("records what it hears, and the flow goes on where it is known", () =>
    Effect.gen(function*() {
      const found = new Set<string>()
      for (let seed = 1; found.size < 2; seed++) {
        const options = { seed, store: "postgres", signals, faults: deployment } as const
        const { findings, history } = yield* Storm.once(Desk, input, options)
        assert.deepStrictEqual(findings.filter(({ finding }) => finding._tag === "Violation"), [])
        for (const { _tag } of marks(history)) found.add(_tag)
      }
    }), patience)

  it.effect("may die while it starts and takes over a call: nobody waits for it", () => {
    const faults = { ...StormFaults.only("secondProcess", "storeSlow", "crash"), versionUnknown: 0.5 }
    return examples["passcode"]!({ runs: 1, seed: 208, store: "postgres", faults })
  }, patience)

  it.effect("is none where processes share no store", () =>
    Effect.gen(function*() {
      for (const store of ["memory", "sqlite"] as const) {
        const { faults } = yield* Storm.run(Desk, input, { runs: 5, store, signals, faults: deployment })
        assert.notProperty(faults, "versionUnknown")
      }
    }), patience)
})

type StoreService = EventStore.EventStore["Service"]

/** An engine whose processes hear less of each other. */
const sharing = (change: (processes: EventStore.Processes) => Partial<EventStore.Processes>) => ({
  store: (store: StoreService): StoreService =>
    EventStore.EventStore.of({
      ...store,
      processes: store.processes === undefined ? undefined : { ...store.processes, ...change(store.processes) }
    })
})

/** Declares that a storm over an engine with this broken part finds this breach of this law. */
const finds = (part: string, law: StormLaws.Law, problem: RegExp, sabotage: Storm.Sabotage) =>
  it.effect(`finds ${part}`, () =>
    Effect.gen(function*() {
      const options = { runs: 1000, store: "postgres", faults: deployment, laws: [law] } as const
      const failure = yield* Effect.flip(Storm.run(Survey, input, { ...options, sabotage }))
      assert.match(failure.problem, problem)
      assert.include(failure.faults, "versionUnknown")
    }), patience)

/** Holds no line by itself where its flow is known. */
const Survey = survey(Flow.dial)

const held = Action.prompt(Settings.defaults.reply.hold)
const unavailable = new EventStore.StoreError({
  operation: "read",
  reason: new EventStore.Down({ problem: "It was made to fail" })
})

describe("a storm over processes of several versions", () => {
  finds("an engine that tells nobody and holds no line", StormLaws.noDeadAir, /waited \d+ ms for its reply/, {
    ...sharing(() => ({ tell: () => Effect.void })),
    settings: { reply: { deadline: 20_000 } }
  })

  finds("an engine that fails where another process must answer", StormLaws.orderDoesNotMatter, /failed: /, {
    calls: (calls) =>
      Calls.Calls.of({
        ...calls,
        receive: (webhook) =>
          Effect.flatMap(
            calls.receive(webhook),
            (reply) => Equal.equals(reply.action, held) ? Effect.fail(unavailable) : Effect.succeed(reply)
          )
      })
  })

  finds("an engine that gives a call up too early", StormLaws.everyCallEnds, /ended without its flow after \d+ s/, {
    settings: { call: { flowPatience: 1_000 } }
  })

  finds(
    "an engine that does not look who knows a call that is cancelled",
    StormLaws.everyCallEnds,
    /cancelled without its flow, which a process knew/,
    {
      ...sharing(() => ({ alive: Effect.succeed(new Map()) })),
      settings: { dial: { perSecond: Infinity, linesAtMost: Infinity } } // who is not seen has no share
    }
  )
})
