/** The clocks of processes: those of one computer are set together, and what it sleeps through does not count. */
import { type Clock, Duration, Effect } from "effect"
import type { Process, World } from "./world.ts"

/** Gives processes their clocks. */
export interface Clocks {
  /** The time of a process. It does not wake while the process stands still, or after its death. */
  readonly clockOf: (process: Process) => Clock.Clock
  /** Sets the clock of its computer. */
  readonly set: (process: Process, by: number) => void
  /** Somebody is spoken to: perhaps the clock is set meanwhile. */
  readonly talks: (process: Process) => void
}

/** What the border of a process can do to it. */
interface Hands {
  readonly pass: (process: Process) => Effect.Effect<void>
  readonly kill: (process: Process) => void
}

/** A process that looks at the clock more often than this within one millisecond does the same over and over. */
const mostReadings = 100_000

export const make = (world: World, { kill, pass }: Hands): Clocks => {
  const { clock, now } = world

  const set: Clocks["set"] = (process, by) => {
    process.machine.ahead += by
    const shared = world.processes.filter(({ dead, machine }) => machine === process.machine && !dead)
    for (const { life } of shared) life.jumped.push(now())
  }

  let isSetInTalk = false
  const talks: Clocks["talks"] = (process) => {
    const dice = isSetInTalk ? undefined : world.strikes("clockForwardInTalk")
    if (dice === undefined) return
    isSetInTalk = true
    set(process, dice.pick([200_000, 300_000, 600_000]))
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

  const clockOf: Clocks["clockOf"] = (process) => {
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
  }

  return { clockOf, set, talks }
}
