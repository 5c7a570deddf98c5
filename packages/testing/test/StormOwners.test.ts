/** Processes that are a cluster, in storms: whatever each of them believes of the owners of calls, and whatever comes of what they ask. */
import { assert, describe, it } from "@effect/vitest"
import { type EventStore, Flow } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { keepOrCancel, parties } from "./fixtures/flows.ts"
import { finding, input, patience, taking } from "./fixtures/storms.ts"

const Go = Flow.Signal("go", Schema.Boolean)

/** Calls that wait for a signal, and between two dials: there is something to ask, something to answer, and work that comes due. */
const Survey = Flow.make("survey", {
  signals: [Go],
  version: 1,
  input: parties,
  output: Schema.Literals(["kept", "cancelled", "unreached"]),
  run: (who) =>
    Flow.signal(Go, { within: "20 seconds" }).pipe(
      Flow.catchTag("TimedOut", () => Flow.succeed(false)),
      Flow.andThen(keepOrCancel.pipe(Flow.dial({ ...who, ringFor: "40 seconds" }))),
      Flow.retry({ times: 2, after: "30 seconds", while: (error) => error._tag === "NotAnswered" }),
      Flow.catchTag(["NotAnswered", "NoInput", "HungUp"], () => Flow.succeed("unreached" as const))
    )
})

const clustered = {
  ...StormFaults.only(
    "ownersStale",
    "ownersWrong",
    "askingLost",
    "askingLate",
    "askingDoubled",
    "answerLost",
    "cancel"
  ),
  clustered: 1,
  secondProcess: 1
}

const blow = (options: Storm.Options) =>
  Storm.run(Survey, input, {
    runs: 120,
    calls: 5,
    store: "postgres",
    faults: clustered,
    signals: { go: true },
    ...options
  })

/** What another process has appended meanwhile is passed by: the turn comes behind it, as if it had been decided then. */
const ignoring: Storm.Sabotage = {
  store: (store) => {
    const append: EventStore.EventStore["Service"]["append"] = (turn, summary, about) =>
      Effect.catchTag(store.append(turn, summary, about), "VersionConflict", (conflict) =>
        turn.version === 1
          ? Effect.fail(conflict)
          : append({ ...turn, version: turn.version + 1 }, { ...summary, version: turn.version + 1 }, about))
    return { ...store, append }
  }
}

/** Nobody finds what is late, or what a process has left behind. */
const blind: Storm.Sabotage = {
  store: (store) => ({ ...store, due: () => Effect.succeed([]), orphans: () => Effect.succeed([]) })
}

/** What is due seems to be late by ten minutes more. */
const early: Storm.Sabotage = {
  store: (store) => ({
    ...store,
    due: (by) => Effect.map(store.due(by), (all) => all.map((call) => ({ ...call, due: (call.due ?? 0) - 600_000 })))
  })
}

/** A shard is called behind that is not. */
const hasty: Storm.Sabotage = {
  calls: (calls) => ({
    ...calls,
    load: Effect.map(calls.load, (load) => ({ ...load, shardsBehind: [{ shard: "0", forMillis: 1 }] }))
  })
}

/** An owner says that it has told a signal, and has not. */
const forgetful: Storm.Sabotage = {
  owners: (owners) => ({
    ...owners,
    serve: (answer) =>
      owners.serve((message) => message.tag === "Signal" ? Effect.succeed({ _tag: "Told" }) : answer(message))
  })
}

describe("a cluster whose membership errs", () => {
  it.effect(
    "keeps every law, over crashes, thaws and processes that do not reach their store",
    () =>
      Effect.gen(function*() {
        const { faults } = yield* blow({
          faults: { ...clustered, crash: 0.9, freeze: 0.9, takeover: 0.5, storeUnreached: 0.5, postLost: 0.1 }
        })
        for (const kind of ["ownersWrong", "ownersStale", "askingLost", "askingDoubled", "answerLost"]) {
          assert.isAbove(faults[kind] ?? 0, 10, kind)
        }
      }),
    patience
  )

  it.effect(
    "keeps every law where each takes over what all others have, and asks nobody, but that nobody does: the log decides",
    () =>
      blow({
        faults: { ...clustered, freeze: 0.9, postLost: 0.2 },
        laws: StormLaws.all.filter((law) => law !== StormLaws.ownersAreTold),
        sabotage: taking
      }),
    patience
  )

  finding(StormLaws.nothingForgotten, blow)("an owner that says what it has not done", /./, { sabotage: forgetful })

  finding(StormLaws.replayIsTruth, blow)("a store that ignores the version that a turn expects", /./, {
    sabotage: ignoring
  })

  const findsInShards = finding(
    StormLaws.shardsAreTold,
    (options) => blow({ faults: { ...clustered, crash: 1 }, ...options })
  )

  findsInShards("processes that do not see what is late", /nothing was said/, { sabotage: blind })
  findsInShards("processes that take what is late for later than it is", /further behind/, { sabotage: early })
  findsInShards("processes that call a shard behind in which nothing is late", /less than a look/, { sabotage: hasty })
})
