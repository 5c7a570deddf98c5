/** A pace that is starved, and few lines: the law of the pace holds over every store, and finds an engine that breaks it. */
import { assert, describe, it } from "@effect/vitest"
import { EventStore, Flow, type Settings } from "@ringback/core"
import { Effect } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { announcing, finding, input, patience, stores } from "./fixtures/storms.ts"

/** Calls that are started at once and dial at times of their own. */
const Announcement = announcing((announced) =>
  Flow.gen(function*() {
    yield* Flow.sleep(1 + Math.floor(2_000 * (yield* Flow.random)))
    return yield* announced
  })
)

const starved = { ...StormFaults.none, paceStarved: 1, linesFew: 0.5 }

const blow = (options: Storm.Options) =>
  Storm.run(Announcement, input, { runs: 30, calls: 12, faults: starved, ...options })

describe("a starved pace", () => {
  it.effect(
    "counts each line, also one whose record is durable before its process hears so",
    () =>
      Effect.gen(function*() {
        const { faults } = yield* blow({
          store: "postgres",
          runs: 60,
          settings: { store: { lookEvery: 1_000 } },
          faults: { ...StormFaults.none, linesFew: 1, storeSlow: 0.3, storeStuck: 0.02 }
        })
        assert.isAbove(faults["linesFew"] ?? 0, 10)
      }),
    patience
  )

  for (const store of stores) {
    it.effect(
      `keeps order and forgets nobody, over crashes and deaths of others (${store})`,
      () =>
        Effect.gen(function*() {
          const { faults } = yield* blow({
            store,
            faults: {
              ...starved,
              crash: 0.9,
              cancel: 0.25,
              carrierThrottles: 0.05,
              secondProcess: 0.8,
              clockForward: 0.4
            }
          })
          assert.isAbove(faults["paceStarved"] ?? 0, 10)
        }),
      patience
    )

    it.effect(
      `among all that goes wrong (${store})`,
      () =>
        blow({ store, runs: 15, calls: 5, seed: 500, faults: { ...StormFaults.all, paceStarved: 1, linesFew: 0.5 } }),
      patience
    )
  }
})

const finds = finding(StormLaws.dialsArePaced, blow)

const set = (settings: Settings.Options): Storm.Options => ({ sabotage: { settings } })

/** A store that says of each call that it waits since another time. */
const telling = (dialFrom: (summary: EventStore.Summary) => number | undefined): Storm.Options => ({
  runs: 1000,
  calls: 4, // a process that is killed among its first steps is killed while dials wait
  faults: { ...starved, linesFew: 0, crash: 1 },
  sabotage: {
    store: (store) =>
      EventStore.EventStore.of({
        ...store,
        append: (turn, summary, options) => {
          const { dialFrom: before, ...rest } = summary
          const now = before === undefined ? undefined : dialFrom(summary)
          const isForgotten = before !== undefined && now === undefined
          return store.append(
            turn,
            isForgotten ? { ...rest, process: null } : now === undefined ? rest : { ...rest, dialFrom: now },
            options
          )
        }
      })
  }
})

describe("the law of the pace", () => {
  finds("dials without a pace", /more dials/, set({ dial: { perSecond: Infinity } }))
  finds("dials without a bound of lines", /all lines/, set({ dial: { linesAtMost: Infinity } }))
  finds(
    "a dial that is sent when its time is over",
    /too long|before its time/,
    set({ dial: { waitAtMost: "7 hours" } })
  )
  finds("a dial that is given up early", /before its time/, set({ dial: { waitAtMost: "1 second" } }))
  finds("an order that is lost in a restart", /waited longer/, telling((summary) => -summary.dialFrom!))
  finds("dials that are forgotten in a restart", /nobody was dialled/, {
    ...telling(() => undefined),
    settings: { dial: { waitAtMost: "3 hours" } }
  })
})
