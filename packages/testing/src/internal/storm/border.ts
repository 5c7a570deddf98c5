/**
 * The border of a process. Every step across it goes through `cross`, where a process is killed, frozen, put to sleep or
 * taken over: then it gets no answer any more, or a late one, without anybody asking its fibers.
 */
import { type Clock, Deferred, Effect, Exit } from "effect"
import * as Clocks from "./clocks.ts"
import * as Fates from "./fates.ts"
import { newest, type Process, type World } from "./world.ts"

/** A run with more steps than this does not come to an end by itself. */
const mostSteps = 50_000

/** The other side of the border has no answer any more. */
const gone: Effect.Effect<never> = Effect.never

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

export const make = (world: World, boot: Fates.Boot): Border => {
  let steps = 0
  let crossings = 0

  const cross = (process: Process): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (process.dead) return gone
      if (++crossings > mostSteps) kill(process)
      if (newest(world, process.place) === process && process.frozen === 0 && process.calls !== undefined) {
        steps++
        for (const { at, strike } of fates) {
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

  const kill = (process: Process): void => {
    if (process.dead) return
    process.dead = true
    process.life.died = world.now()
    Deferred.doneUnsafe(process.died, Exit.void)
  }

  const clocks = Clocks.make(world, { kill, pass })
  const fates = Fates.draw({ world, boot, kill, setClock: clocks.set })

  return {
    cross,
    pass,
    kill,
    talks: clocks.talks,
    clockOf: clocks.clockOf,
    isExhausted: () => crossings > mostSteps
  }
}
