/** What strikes processes, and at which of their steps: they crash, close, stand still, are taken over, and their clocks are set. */
import { Deferred, Effect } from "effect"
import type * as StormFaults from "../../StormFaults.ts"
import type { Clocks } from "./clocks.ts"
import { newest, type Process, type World } from "./world.ts"

/** Begins another process in a place. */
export type Boot = (place: number) => Effect.Effect<void>

/** What strikes with. */
interface Means {
  readonly world: World
  readonly boot: Boot
  readonly kill: (process: Process) => void
  readonly setClock: Clocks["set"]
}

type Strike = (process: Process) => Effect.Effect<void>

/** What strikes, and the steps of a run at which it still does, in order. */
export interface Fate {
  readonly at: Array<number>
  readonly strike: Strike
}

/** A computer that does not answer for so long has lost its connections. */
const keepAlive = 14_000

const isNewest = (world: World, process: Process): boolean => newest(world, process.place) === process

const crash = ({ boot, kill, world }: Means): Strike => (process) => {
  const downtime = world.diceOf("crash").pick([0, 50, 300, 1_000, 5_000, 30_000, 120_000, 600_000])
  world.record("crash")
  kill(process)
  return world.begin(Effect.andThen(Effect.sleep(downtime), boot(process.place)))
}

/** Webhooks come in as long as it closes: whoever stops a process does not always tell its balancer first. */
const shutDown = ({ boot, kill, world }: Means): Strike => (process) => {
  if (process.life.closing !== undefined) return Effect.void
  const downtime = world.diceOf("shutdown").pick([0, 50, 1_000, 5_000, 30_000, 600_000])
  world.record("shutdown")
  process.life.closing = world.moment()
  const closed = Deferred.makeUnsafe<void>()
  return Effect.andThen(
    process.run(Effect.andThen(process.close, Deferred.succeed(closed, undefined))),
    world.begin(Effect.gen(function*() {
      yield* Effect.raceFirst(Deferred.await(closed), Deferred.await(process.died))
      if (process.dead) return
      kill(process)
      yield* Effect.sleep(downtime)
      if (isNewest(world, process)) yield* boot(process.place)
    }))
  )
}

/** A process stands still for so long. */
const stand = (
  { begin, now, settings }: World,
  process: Process,
  millis: number,
  end: () => void = () => {}
): Effect.Effect<void> => {
  process.frozen++
  process.life.stood.push({ from: now(), to: now() + millis })
  if (millis >= settings.store.lease) process.unseen.push({ from: now() + settings.store.lease, to: now() + millis })
  return Effect.andThen(
    process.thawed.close,
    begin(Effect.andThen(
      Effect.sleep(millis),
      Effect.suspend(() => {
        end()
        return --process.frozen === 0 ? process.thawed.open : Effect.void
      })
    ))
  )
}

const freeze = ({ world }: Means): Strike => (process) => {
  world.record("freeze")
  return stand(world, process, world.diceOf("freeze").pick([100, 1_000, 3_000, 9_000, 20_000, 60_000]))
}

/** What it sends to its store waits in the network, and so do the answers. Nobody is told, until the database gives it up. */
const part = ({ world }: Means): Strike => (process) =>
  Effect.sync(() => {
    const until = world.now() + world.diceOf("storeUnreached").pick([1_000, 4_000, 12_000, 30_000, 60_000])
    world.record("storeUnreached")
    process.apartUntil = Math.max(process.apartUntil, until)
    process.unseen.push({ from: world.now() + keepAlive, to: until })
  })

/** Everything on the computer stands still, and what its monotonic clock counts leaves that out. */
const suspend = ({ world }: Means): Strike => ({ machine }) => {
  const { diceOf, now, processes, record } = world
  const millis = diceOf("suspend").pick([3_000, 20_000, 120_000, 1_800_000])
  record("suspend")
  const own = processes.filter((process) => process.machine === machine && !process.dead)
  let sleeping = true
  const wake = () => {
    if (sleeping) machine.slept += millis
    sleeping = false
  }
  machine.asleepUntil = now() + millis
  for (const { unseen } of own) unseen.push({ from: now() + keepAlive, to: now() + millis })
  return Effect.forEach(own, (process) => stand(world, process, millis, wake), { discard: true })
}

const jump = ({ setClock, world }: Means, kind: "clockForward" | "clockBack", direction: 1 | -1): Strike => (process) =>
  Effect.sync(() => {
    world.record(kind)
    setClock(process, direction * world.diceOf(kind).pick([300, 4_000, 20_000, 300_000, 3_600_000]))
  })

/** Another process takes over while this one stands still; this one goes on later, and is shut off after a while. */
const takeOver = (means: Means): Strike => (process) => {
  const { begin, diceOf, record } = means.world
  record("takeover")
  const stands = diceOf("takeover").pick([2_000, 9_000, 15_000, 60_000])
  return Effect.andThen(stand(means.world, process, stands), begin(succeed(means, process, stands)))
}

const succeed = Effect.fnUntraced(function*({ boot, kill, world }: Means, process: Process, stands: number) {
  yield* Effect.sleep(stands / 2)
  if (!isNewest(world, process)) return // It was closing, and another one came after it.
  yield* boot(process.place)
  const successor = newest(world, process.place)
  yield* Effect.sleep(stands / 2 + 60_000)
  kill(process)
  // What the first one began beside its successor is found by the next start, and by nothing before.
  const isOrphaned = world.records.turns.some((turn) =>
    turn.incarnation === process.id && turn.seq > (successor?.born.seq ?? 0)
  )
  const latest = newest(world, process.place)
  if (!isOrphaned || latest === undefined || latest.dead) return
  kill(latest)
  yield* boot(process.place)
})

/** Another process on another computer works on the same calls from now on. */
const join = ({ boot, world }: Means): Strike => (process) => {
  world.record("secondProcess")
  return world.begin(boot(process.place + 1))
}

/** Draws what strikes in a run. */
export const draw = (means: Means): ReadonlyArray<Fate> => {
  const { moments, options } = means.world
  const fate = (kind: StormFaults.Kind, most: number, strike: Strike): Fate => ({ at: moments(kind, most), strike })
  return [
    fate("crash", 3, crash(means)),
    fate("shutdown", 2, shutDown(means)),
    fate("freeze", 2, freeze(means)),
    fate("takeover", 1, takeOver(means)),
    fate("suspend", 2, suspend(means)),
    fate("clockForward", 2, jump(means, "clockForward", 1)),
    fate("clockBack", 2, jump(means, "clockBack", -1)),
    ...(options.store === "postgres"
      ? [fate("secondProcess", 1, join(means)), fate("storeUnreached", 2, part(means))]
      : [])
  ]
}
