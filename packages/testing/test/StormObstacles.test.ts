/** A carrier that accepts no credentials for a while, in storms: no flow is told of it as if nobody had answered. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, Transport } from "@ringback/core"
import { Effect } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { announcing, finding, input, patience, stores } from "./fixtures/storms.ts"

/** Calls that dial soon, and once more an hour later if nobody was reached. */
const Announcement = announcing(
  Flow.retry({ times: 1, after: "1 hour", while: (error) => error._tag === "NotAnswered" })
)

const locked = { ...StormFaults.none, accountLocked: 0.3 }

const blow = (options: Storm.Options) =>
  Storm.run(Announcement, input, { runs: 40, calls: 8, faults: locked, ...options })

describe("credentials that are not accepted for a while", () => {
  for (const store of stores) {
    it.effect(
      `keep every law, over crashes, cancels and other faults of dials (${store})`,
      () =>
        Effect.gen(function*() {
          const { faults } = yield* blow({
            store,
            faults: {
              ...locked,
              crash: 0.9,
              cancel: 0.25,
              postNotSent: 0.3,
              postLost: 0.1,
              postRefused: 0.1,
              carrierThrottles: 0.05,
              paceStarved: 0.2,
              secondProcess: 0.8,
              clockForward: 0.4
            }
          })
          assert.isAbove(faults["accountLocked"] ?? 0, 20)
        }),
      patience
    )

    it.effect(
      `keep every law among all that goes wrong (${store})`,
      () => blow({ store, runs: 15, calls: 4, seed: 700, faults: { ...StormFaults.all, accountLocked: 0.3 } }),
      patience
    )
  }

  const finds = finding(StormLaws.nothingStopsTheRest, blow)

  finds("dials that are given up too early for them", /before its time was over/, {
    sabotage: { settings: { dial: { giveUpAfter: "1 second" } } }
  })

  finds("dials that are refused for them", /was recorded as DialRefused/, {
    sabotage: {
      transport: ({ send }) =>
        Transport.Transport.of({
          send: (dial) =>
            Effect.mapError(send(dial), (error) =>
              error.reason._tag === "NotSent" && error.reason.obstacle !== undefined
                ? new Transport.TransportError({
                  ...error,
                  reason: new Transport.Refused({ status: "not_authorized" })
                })
                : error)
        })
    }
  })
})
