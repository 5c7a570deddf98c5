/** What an engine does for its calls when time has jumped: the clock was set, or the machine slept. */
import { Effect } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Takeover } from "./takeover.ts"
import type { Time } from "./time.ts"
import type { First } from "./unattended.ts"

/** Looks after everything anew when time has jumped. */
export const follow = (surroundings: Surroundings, parts: Parts, time: Time, takeover: Takeover): void => {
  const { alarm, now, pacing, run } = surroundings
  const { entities, unattended } = parts
  /** By how much the clock was set forward, for the calls that have not recorded it yet. */
  const jumped = new Map<CallId, number>()

  const leap = (id: CallId, before: number, by: number): First => {
    const jumpedMillis = (jumped.get(id) ?? 0) + Math.max(0, by)
    jumped.set(id, jumpedMillis)
    return () => ({ _tag: "Restart", crashedAt: before, jumpedMillis })
  }

  const tellAll = (before: number, by: number): void => {
    const underWay = new Set(entities.underWay().map(({ id }) => id))
    for (const id of underWay) takeover.restart(id, leap(id, before, by))
    // A call whose first turn is being stored may have a line then. Its alarm rings for it.
    for (const id of entities.beingTaken()) if (!underWay.has(id)) unattended.tell(id, leap(id, before, by))
  }

  time.onJump((before) => {
    const by = now() - before
    run(Effect.logWarning(wordsOf(by)))
    entities.adjust(by)
    for (const id of jumped.keys()) if (!unattended.has(id)) jumped.delete(id)
    tellAll(before, by)
    alarm.look()
    pacing.look()
  })
}

const wordsOf = (by: number): string => {
  const seconds = Math.round(Math.abs(by) / 1000)
  return by < 0
    ? `The clock was set back by ${seconds} s`
    : `The clock jumped by ${seconds} s, or the machine slept for so long`
}
