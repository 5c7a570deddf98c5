/**
 * Whoever prunes: at any time, by any process, the calls that ended by now, a moment ago or an hour ago, or all but a few. What has
 * gone is started again under its key, and its carrier says again what it said.
 */
import { Retention } from "@ringback/core"
import { DateTime, Deferred, Duration, Effect, Exit } from "effect"
import type * as StormHistory from "../../StormHistory.ts"
import type { Border } from "./border.ts"
import type * as Dice from "./dice.ts"
import { start } from "./people.ts"
import { post } from "./strangers.ts"
import { type Mutable, type Process, serving, type View, type World } from "./world.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** How long the keys of a run are remembered in every third one that starts calls, and then it goes on until that is over. */
const briefly = 4 * hour

/** How long nobody prunes, from one time to the next. */
const pauses = [second, 10 * second, minute, 5 * minute, 20 * minute] as const

/** How far from the present the ends are up to which calls go. */
const distances = [-hour, -10 * minute, -minute, -second, 0, second, minute, hour] as const

/** How many times somebody prunes. */
const mostTimes = 5

const drawn = ({ now }: World, dice: Dice.Dice): Retention.Options => {
  const isByCount = dice.hit(0.35)
  const keepAtMost = isByCount ? { keepAtMost: dice.between(0, 3) } : {}
  const before = now() + dice.pick(distances)
  return isByCount && dice.hit(0.5) ? keepAtMost : { ...keepAtMost, endedBefore: DateTime.makeUnsafe(before) }
}

const one = (world: World, dice: Dice.Dice): Process | undefined => {
  const all = serving(world)
  return all.length === 0 ? undefined : all[dice.between(0, all.length - 1)]
}

/** Has a process do something, and waits until that is done or the process is dead. */
const within = <A, E>(process: Process, work: Effect.Effect<A, E>): Effect.Effect<void> =>
  Effect.gen(function*() {
    const done = Deferred.makeUnsafe<void>()
    yield* process.run(Effect.onExit(work, () => Deferred.succeed(done, undefined)))
    yield* Effect.raceFirst(Deferred.await(done), Deferred.await(process.died))
  })

const prune = (world: World, border: Border, process: Process, options: Retention.Options) => {
  const pruning: Mutable<StormHistory.Pruning> = {
    ...world.moment(),
    incarnation: process.id,
    endedBefore: options.endedBefore === undefined ? undefined : DateTime.toEpochMillis(options.endedBefore),
    keepAtMost: options.keepAtMost,
    rememberFor: Duration.toMillis(Duration.fromInputUnsafe(options.rememberFor ?? Retention.rememberFor))
  }
  world.records.prunings.push(pruning)
  return Effect.gen(function*() {
    yield* border.cross(process)
    const exit = yield* Effect.exit(process.retention!.prune(options))
    yield* border.pass(process)
    if (Exit.isSuccess(exit)) pruning.answered = { ...world.moment(), ...exit.value }
  })
}

/** Starts a call again that was started before, whatever became of it. */
const startAgain = (world: World, border: Border, process: Process, dice: Dice.Dice) => {
  const keys = [...new Set([...world.records.started, ...world.records.keysPruned].map(({ key }) => key))]
  return keys.length === 0 ? Effect.void : start(world, border, process, keys[dice.between(0, keys.length - 1)]!)
}

/** Posts again what the carrier said of a call that has gone and is remembered: somebody has captured it. */
const replay = (world: World, border: Border, { pruned }: StormHistory.Look, dice: Dice.Dice) => {
  const { deliveries, turns } = world.records
  const remembered = new Set(pruned.filter(({ until }) => until > world.now() + 3 * hour).map(({ id }) => id))
  const sessions = new Set(
    turns.flatMap(({ turn }) =>
      remembered.has(turn.callId)
        ? turn.events.flatMap((event) => "referenceId" in event ? [event.referenceId] : [])
        : []
    )
  )
  const captured = deliveries.filter(({ webhook }) => sessions.has(webhook.referenceId))
  if (captured.length === 0) return Effect.void
  const { webhook } = captured[dice.between(0, captured.length - 1)]!
  return post(world, border, { ...webhook, extra: { stranger: true } })
}

/** Looks at what is left of the calls that went. */
const look = Effect.fnUntraced(function*(world: World, view: View) {
  const seen: StormHistory.Look = { ...world.moment(), ...yield* view.look }
  world.records.looks.push(seen)
  return seen
})

/** Prunes once, and has what has gone come up again. */
const once = Effect.fnUntraced(function*(
  world: World,
  border: Border,
  view: View,
  options: Retention.Options,
  dice: Dice.Dice
) {
  const process = one(world, dice)
  if (process === undefined) return
  yield* within(process, prune(world, border, process, options))
  for (let times = dice.between(0, 3); times > 0; times--) {
    const other = one(world, dice)
    const seen = yield* look(world, view)
    if (other === undefined) continue
    yield* dice.hit(0.5) ? within(other, startAgain(world, border, other, dice)) : replay(world, border, seen, dice)
    yield* Effect.sleep(dice.pick([0, second, 10 * second]))
  }
  yield* look(world, view)
})

/** Prunes until the keys are forgotten that were remembered briefly, and begins their calls anew. */
const outlast = Effect.fnUntraced(function*(world: World, border: Border, view: View, dice: Dice.Dice) {
  yield* Effect.sleep(briefly + 10 * minute)
  yield* once(world, border, view, { keepAtMost: dice.between(0, 3) }, dice)
  yield* Effect.sleep(minute)
})

const pruning = (world: World, border: Border, view: View, dice: Dice.Dice): Effect.Effect<void> =>
  Effect.gen(function*() {
    const isBrief = world.options.incoming === undefined && dice.hit(0.3)
    const rememberFor = isBrief ? { rememberFor: briefly } : {}
    for (let times = dice.between(1, mostTimes); times > 0; times--) {
      yield* Effect.sleep(dice.between(0, dice.pick(pauses)))
      yield* once(world, border, view, { ...drawn(world, dice), ...rememberFor }, dice)
    }
    if (isBrief) yield* outlast(world, border, view, dice)
  })

/** Whoever prunes in a run, if anybody does. */
export const appear = (world: World, border: Border, view: View): Effect.Effect<void> => {
  const dice = world.strikes("prune")
  return dice === undefined ? Effect.void : world.begin(pruning(world, border, view, dice))
}
