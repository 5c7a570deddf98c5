/** Calls are pruned and their log is followed, whatever goes wrong: nothing of them comes up again, and lists and the log stay true. */
import { assert, describe, it } from "@effect/vitest"
import { CallError, type CallIndex, type Calls, type EventLog, Flow, type Retention } from "@ringback/core"
import { DateTime, Effect, Schema, Stream } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { parties } from "./fixtures/flows.ts"
import { announcement, finding, input, patience, stores } from "./fixtures/storms.ts"

const Announcement = Flow.make("announcement", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) => announcement(who).pipe(Flow.catchTag(["NotAnswered", "HungUp"], (error) => Flow.succeed(error._tag)))
})

const acts = { ...StormFaults.none, prune: 1, logFollowed: 1 }

const blow = (options: Storm.Options) => Storm.run(Announcement, input, { runs: 30, faults: acts, ...options })

describe("calls that are pruned at any time", () => {
  for (const store of stores) {
    it.effect(`stay pruned, and the log is followed without a gap (${store})`, () =>
      Effect.gen(function*() {
        const { faults } = yield* blow({ store })
        assert.isAbove(faults["prune"] ?? 0, 10)
        assert.isAbove(faults["logFollowed"] ?? 0, 10)
      }), patience)

    it.effect(
      `stay so among all that goes wrong (${store})`,
      () => blow({ store, runs: 20, seed: 700, faults: { ...StormFaults.all, prune: 1, logFollowed: 1 } }),
      patience
    )
  }

  it.effect("begin anew under their key when that is forgotten, as calls of their own", () =>
    Effect.gen(function*() {
      let again = 0
      for (let seed = 1; again < 2; seed++) {
        const { findings, history } = yield* Storm.once(Announcement, input, { seed, faults: acts })
        assert.deepStrictEqual(findings.filter(({ finding }) => finding._tag === "Violation"), [])
        const began = history.turns.filter(({ turn }) => turn.version === 1).map(({ turn }) => turn.callId)
        again += began.length - new Set(began).size
      }
    }), patience)
})

type Prune = Retention.Retention["Service"]["prune"]

const pruning = (change: (prune: Prune) => Prune): Storm.Options => ({
  sabotage: { retention: ({ prune }) => ({ prune: change(prune) }) }
})

type Start = Calls.Calls["Service"]["start"]

const starting = (
  change: (calls: Calls.Calls["Service"]) => (...args: Parameters<Start>) => unknown
): Storm.Options => ({
  sabotage: { calls: (calls) => ({ ...calls, start: change(calls) as never }) }
})

describe("the law of what is pruned", () => {
  const finds = finding(StormLaws.prunedForGood, blow)

  finds(
    "a key that is forgotten soon",
    /began again|gave one|stayed/,
    pruning((prune) => (options) => prune({ ...options, rememberFor: "1 minute" }))
  )
  finds(
    "calls that go though nobody asked for it",
    /nobody had asked|as if its call had been pruned/,
    pruning((prune) => ({ endedBefore, ...options }) =>
      prune({
        ...options,
        ...endedBefore === undefined ? {} : { endedBefore: DateTime.add(endedBefore, { hours: 3 }) }
      })
    )
  )
  finds(
    "calls that stay though they were to go",
    /stayed/,
    pruning(() => () => Effect.succeed({ calls: 0, turns: 0, forgotten: 0 }))
  )
  finds(
    "a start that gives what is not there any more",
    /gave one/,
    starting((calls) => (flow, input, options) =>
      Effect.catch(calls.start(flow, input, options), (error) =>
        error instanceof CallError.KeyPruned
          ? Effect.succeed({ ...calls.handle(flow, error.callId), isNew: false })
          : Effect.fail(error))
    )
  )
  finds(
    "a start that says of a call another end than it had",
    /as if its call had been pruned/,
    starting((calls) => (flow, input, options) =>
      Effect.mapError(calls.start(flow, input, options), (error) =>
        error instanceof CallError.KeyPruned
          ? new CallError.KeyPruned({ ...error, endedAt: error.endedAt + 1 })
          : error)
    )
  )
})

type Index = CallIndex.CallIndex["Service"]

const listing = (change: (entry: CallIndex.Entry) => ReadonlyArray<CallIndex.Entry>): Storm.Options => ({
  sabotage: {
    index: (index: Index): Index => ({
      ...index,
      list: (filter, page) =>
        Effect.map(index.list(filter, page), (found) => ({ ...found, calls: found.calls.flatMap(change) }))
    })
  }
})

const tailing = (change: (tail: EventLog.EventLog["Service"]["tail"]) => EventLog.EventLog["Service"]["tail"]) => ({
  sabotage: { log: (log: EventLog.EventLog["Service"]) => ({ ...log, tail: change(log.tail) }) }
})

describe("the law of lists and the log", () => {
  const finds = finding(StormLaws.listsAreTrue, blow)

  finds("a call that is not listed", /not listed/, listing((entry) => entry.version > 3 ? [] : [entry]))
  finds("a call that is listed twice", /not listed as its turns say/, listing((entry) => [entry, entry]))
  finds(
    "an end that is told another time",
    /endedAt/,
    listing((entry) => [{ ...entry, endedAt: entry.endedAt === undefined ? undefined : entry.endedAt + 1 }])
  )
  finds("calls that are not counted", /counted/, {
    sabotage: { index: (index) => ({ ...index, counts: () => index.counts({ status: "running" }) }) }
  })
  finds(
    "a follower who begins anew where the turn before was",
    /twice/,
    tailing((tail) => {
      const before = new Map<string, EventLog.Position | undefined>()
      return ({ after } = {}) => {
        let last = after
        return Stream.map(tail({ after: before.get(after ?? "") ?? after }), (entry) => {
          before.set(entry.position, last)
          last = entry.position
          return entry
        })
      }
    })
  )
  finds(
    "a log that leaves out what came while nobody read",
    /missed/,
    tailing((tail) => (options) => options?.after === undefined ? tail(options) : Stream.drop(tail(options), 1))
  )
  finds(
    "a log that gives turns in another order",
    /behind a later one|missed/,
    tailing((tail) => (options) =>
      Stream.flatMap(Stream.rechunk(tail(options), 1), Stream.succeed).pipe(
        Stream.grouped(2),
        Stream.flatMap((pair) => Stream.fromIterable(pair.toReversed()))
      )
    )
  )
})
