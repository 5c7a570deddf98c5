/**
 * How many callers are let in. Nobody asks before somebody calls, and each call is written down, so what comes in has a bound of
 * its own: so many a second, and so many at a time. Both count for this process, and for calls that began in it.
 */
import { Effect } from "effect"
import type { CallId } from "../../CallEvent.ts"
import { isQuiet } from "../../CallLine.ts"
import * as CallMetrics from "../../CallMetrics.ts"
import * as Gathered from "../gathered.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** Lets callers in. */
export interface Callers {
  /** Whether one more may begin; it counts from now on. */
  readonly letsIn: (id: CallId) => boolean
  /** One that was not let in, and that nobody has let in before, is refused. */
  readonly turnAway: () => void
  /** One that was let in has not begun: another call has its session, or it could not be recorded. */
  readonly forget: (id: CallId) => void
  /** A caller whose line is closed makes room. */
  readonly follow: Follow
}

/** The carrier ends each call by then, so the end of an older one was told to another process, or lost. */
const longest = 4 * 60 * 60 * 1000

/** By the settings of an engine. */
export const make = Effect.fnUntraced(function*({ elapsed, run, settings }: Surroundings): Effect.fn.Return<Callers> {
  const { linesAtMost, perSecond } = settings.inbound
  const context = yield* Effect.context<never>()
  const talking = new Map<CallId, number>()
  let free = Math.max(1, perSecond)
  let asOf = elapsed()

  const tell = Gathered.make<void>(run, (_, count) =>
    Effect.logWarning(
      `${count === 1 ? "1 caller was" : `${count} callers were`} turned away: at most ${perSecond} come in a second ` +
        `(inbound.perSecond) and ${linesAtMost} are there at a time (inbound.linesAtMost)`
    ))

  /** The places of this second: as many as one has, and none that were left over before. */
  const refill = (now: number): void => {
    if (perSecond === Infinity) return
    free = Math.min(Math.max(1, perSecond), free + (now - asOf) / 1000 * perSecond)
    asOf = now
  }

  const forgetLost = (now: number): void => {
    for (const [id, since] of talking) {
      if (now - since < longest / settings.speed) return // those behind it came later
      talking.delete(id)
    }
  }

  const hasRoom = (now: number): boolean => {
    refill(now)
    if (talking.size >= linesAtMost) forgetLost(now)
    return free >= 1 && talking.size < linesAtMost
  }

  return {
    letsIn: (id) => {
      if (talking.has(id)) return true
      const now = elapsed()
      if (!hasRoom(now)) return false
      free--
      talking.set(id, now)
      return true
    },
    turnAway: () => {
      CallMetrics.callersTurnedAway.updateUnsafe(1, context)
      tell()
    },
    forget: (id) => void talking.delete(id),
    follow: ({ id }, _, call) => {
      if (talking.size > 0 && call.lines[0] !== undefined && isQuiet(call.lines[0])) talking.delete(id)
    }
  }
})
