/**
 * Somebody who follows the log of all turns, as a report does that is made beside the engine: in any process, until it dies or they
 * stop, and then from where they were.
 */
import type { EventLog } from "@ringback/core"
import { Deferred, Effect, Stream } from "effect"
import type { Border } from "./border.ts"
import type * as Dice from "./dice.ts"
import { type Process, serving, type World } from "./world.ts"

/** How often they begin at most. */
const mostTimes = 6

/** Between one time and the next. */
const pauses = [0, 1_000, 20_000, 120_000] as const

/** How much is read at a time, and for how long. Where processes share a store, the log is looked at again and again meanwhile. */
const amounts = [1, 3, 10, 1_000] as const
const times = { alone: [500, 5_000, 60_000], shared: [200, 1_000, 3_000] } as const

/** Where somebody is who follows the log. */
export interface Follower {
  after: EventLog.Position | undefined
}

/** Reads on, for a while. A process that stands still reads nothing, and one that has died never does. */
const readOn = (
  world: World,
  border: Border,
  follower: Follower,
  process: Process,
  dice: Dice.Dice
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const done = Deferred.makeUnsafe<void>()
    const read = process.log!.tail({ after: follower.after }).pipe(
      Stream.take(dice.pick(amounts)),
      Stream.runForEach(({ position, turn }) =>
        Effect.map(border.pass(process), () => {
          follower.after = position
          world.records.followed.push({ ...world.moment(), turn: turn.id })
        })
      ),
      Effect.timeoutOption(dice.pick(world.options.store === "postgres" ? times.shared : times.alone)),
      Effect.onExit(() => Deferred.succeed(done, undefined))
    )
    yield* process.run(read)
    yield* Effect.raceFirst(Deferred.await(done), Deferred.await(process.died))
  })

const following = (world: World, border: Border, follower: Follower, dice: Dice.Dice): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let times = dice.between(1, mostTimes); times > 0; times--) {
      yield* Effect.sleep(dice.between(0, dice.pick(pauses)))
      const all = serving(world)
      if (all.length > 0) yield* readOn(world, border, follower, all[dice.between(0, all.length - 1)]!, dice)
    }
  })

/** Who follows the log in a run, if anybody does. */
export const appear = (world: World, border: Border, follower: Follower): Effect.Effect<void> => {
  const dice = world.strikes("logFollowed")
  return dice === undefined ? Effect.void : world.begin(following(world, border, follower, dice))
}
