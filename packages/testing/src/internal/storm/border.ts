/**
 * The border of a process. Every step across it goes through `cross`, where a process is killed, frozen, put to sleep or
 * taken over: then it gets no answer any more, or a late one, without anybody asking its fibers.
 */
import { type Clock, Deferred, Duration, Effect, Exit } from "effect"
import type * as StormFaults from "../../StormFaults.ts"
import { newest, type Process, type World } from "./world.ts"

/** A run with more steps than this does not come to an end by itself. */
const mostSteps = 50_000

/** A process that looks at the clock more often than this within one millisecond does the same over and over. */
const mostReadings = 100_000

/** A computer that does not answer for so long has lost its connections. */
const keepAlive = 14_000

/** The other side of the border has no answer any more. */
const gone: Effect.Effect<never> = Effect.never

/** Begins another process in a place. */
export type Boot = (place: number) => Effect.Effect<void>

export interface Border {
  /** A step across the border, as seen from the inside: it may never come back. */
  readonly cross: (process: Process) => Effect.Effect<void>
  /** Goes on when the process does: never, if it is dead. */
  readonly pass: (process: Process) => Effect.Effect<void>
  readonly kill: (process: Process) => void
  /** The time of a process. It does not wake while the process stands still, or after its death. */
  readonly clockOf: (process: Process) => Clock.Clock
  /** Somebody is spoken to: perhaps the clock is set meanwhile. */
  readonly talks: (process: Process) => void
  /** The run has taken more steps than any that ends. */
  readonly isExhausted: () => boolean
}

export const make = (world: World, boot: Boot): Border => {
  const { begin, clock, diceOf, now, record } = world
  let steps = 0
  let crossings = 0

  const cross = (process: Process): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (process.dead) return gone
      if (++crossings > mostSteps) kill(process)
      if (newest(world, process.place) === process && process.frozen === 0 && process.calls !== undefined) {
        steps++
        for (const { at, strike } of plans) {
          if (at.length > 0 && at[0]! <= steps && at.shift() !== undefined) {
            return Effect.andThen(strike(process), pass(process))
          }
        }
      }
      return pass(process)
    })

  const pass = (process: Process): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (process.dead) return gone
      return process.frozen > 0 ? Effect.andThen(process.thawed.await, pass(process)) : Effect.void
    })

  const isNewest = (process: Process): boolean => newest(world, process.place) === process

  const kill = (process: Process): void => {
    if (process.dead) return
    process.dead = true
    process.life.died = now()
    Deferred.doneUnsafe(process.died, Exit.void)
  }

  const crash = (process: Process): Effect.Effect<void> => {
    const downtime = diceOf("crash").pick([0, 50, 300, 1_000, 5_000, 30_000, 120_000, 600_000])
    record("crash")
    kill(process)
    return begin(Effect.andThen(Effect.sleep(downtime), boot(process.place)))
  }

  /** Webhooks come in as long as it closes: whoever stops a process does not always tell its balancer first. */
  const shutDown = (process: Process): Effect.Effect<void> => {
    if (process.life.closing !== undefined) return Effect.void
    const downtime = diceOf("shutdown").pick([0, 50, 1_000, 5_000, 30_000, 600_000])
    record("shutdown")
    process.life.closing = world.moment()
    const closed = Deferred.makeUnsafe<void>()
    return Effect.andThen(
      process.run(Effect.andThen(process.close, Deferred.succeed(closed, undefined))),
      begin(Effect.gen(function*() {
        yield* Effect.raceFirst(Deferred.await(closed), Deferred.await(process.died))
        if (process.dead) return
        kill(process)
        yield* Effect.sleep(downtime)
        if (isNewest(process)) yield* boot(process.place)
      }))
    )
  }

  const stand = (process: Process, millis: number, end: () => void = () => {}): Effect.Effect<void> => {
    process.frozen++
    process.life.stood.push({ from: now(), to: now() + millis })
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

  const freeze = (process: Process): Effect.Effect<void> => {
    record("freeze")
    return stand(process, diceOf("freeze").pick([100, 1_000, 3_000, 9_000, 20_000, 60_000]))
  }

  /** Everything on the computer stands still, and what its monotonic clock counts leaves that out. */
  const suspend = ({ machine }: Process): Effect.Effect<void> => {
    const millis = diceOf("suspend").pick([3_000, 20_000, 120_000, 1_800_000])
    record("suspend")
    const own = world.processes.filter((process) => process.machine === machine && !process.dead)
    let sleeping = true
    const wake = () => {
      if (sleeping) machine.slept += millis
      sleeping = false
    }
    machine.asleepUntil = now() + millis
    for (const { unseen } of own) unseen.push({ from: now() + keepAlive, to: now() + millis })
    return Effect.forEach(own, (process) => stand(process, millis, wake), { discard: true })
  }

  const jump = (kind: "clockForward" | "clockBack", direction: 1 | -1) => (process: Process): Effect.Effect<void> =>
    Effect.sync(() => {
      record(kind)
      setClock(process, direction * diceOf(kind).pick([300, 4_000, 20_000, 300_000, 3_600_000]))
    })

  const setClock = (process: Process, by: number): void => {
    process.machine.ahead += by
    const shared = world.processes.filter(({ dead, machine }) => machine === process.machine && !dead)
    for (const { life } of shared) life.jumped.push(now())
  }

  let isSetInTalk = false
  const talks = (process: Process): void => {
    const set = isSetInTalk ? undefined : world.strikes("clockForwardInTalk")
    if (set === undefined) return
    isSetInTalk = true
    setClock(process, set.pick([200_000, 300_000, 600_000]))
  }

  /** Another process takes over while this one stands still; this one goes on later, and is shut off after a while. */
  const takeOver = (process: Process): Effect.Effect<void> => {
    record("takeover")
    const stands = diceOf("takeover").pick([2_000, 9_000, 15_000, 60_000])
    return Effect.andThen(
      stand(process, stands),
      begin(Effect.gen(function*() {
        yield* Effect.sleep(stands / 2)
        if (!isNewest(process)) return // It was closing, and another one came after it.
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
      }))
    )
  }

  /** Another process on another computer works on the same calls from now on. */
  const join = (process: Process): Effect.Effect<void> => {
    record("secondProcess")
    return begin(boot(process.place + 1))
  }

  /** Sleeps by the monotonic clock: what its machine sleeps through does not count. */
  const sleep = (process: Process, millis: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { machine } = process
      const began = now() - machine.slept
      const rest = Effect.suspend(() => {
        const left = millis - (now() - machine.slept - began)
        return left > 0 ? sleep(process, left) : Effect.void
      })
      return Effect.andThen(Effect.andThen(clock.sleep(Duration.millis(millis)), pass(process)), rest)
    })

  const plan = (kind: StormFaults.Kind, most: number, strike: (process: Process) => Effect.Effect<void>) => ({
    at: world.moments(kind, most),
    strike
  })
  const plans = [
    plan("crash", 3, crash),
    plan("shutdown", 2, shutDown),
    plan("freeze", 2, freeze),
    plan("takeover", 1, takeOver),
    plan("suspend", 2, suspend),
    plan("clockForward", 2, jump("clockForward", 1)),
    plan("clockBack", 2, jump("clockBack", -1)),
    ...(world.options.store === "postgres" ? [plan("secondProcess", 1, join)] : [])
  ]

  return {
    cross,
    pass,
    kill,
    talks,
    clockOf: (process) => {
      const { machine } = process
      let [at, readings] = [0, 0]
      const wall = () => {
        const time = clock.currentTimeMillisUnsafe()
        if (time !== at) [at, readings] = [time, 0]
        if (++readings > mostReadings) {
          kill(process)
          throw new Error("It does the same over and over")
        }
        return time + machine.ahead
      }
      const monotonic = () => clock.monotonicTimeNanosUnsafe() - BigInt(machine.slept) * 1_000_000n
      const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(machine.ahead) * 1_000_000n
      return {
        currentTimeMillisUnsafe: wall,
        currentTimeMillis: Effect.sync(wall),
        currentTimeNanosUnsafe: nanos,
        currentTimeNanos: Effect.sync(nanos),
        monotonicTimeNanosUnsafe: monotonic,
        monotonicTimeNanos: Effect.sync(monotonic),
        sleep: (duration) => sleep(process, Duration.toMillis(duration))
      }
    },
    isExhausted: () => crossings > mostSteps
  }
}
