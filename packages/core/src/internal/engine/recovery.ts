/** What an engine does for the calls of an earlier process when it begins, on a store that it has for itself. */
import type { Effect } from "effect"
import type { Summary } from "../../EventStore.ts"
import type { MissingFlows } from "./missingFlows.ts"
import type { Surroundings } from "./surroundings.ts"
import { dueBy, isKnownTo, isPlanned, isUrgent, latest, type Takeover, unlessAlive, wake } from "./takeover.ts"

/** Takes over what an earlier process left, and says which flows are missing. Reads no events. */
export const recover = (
  surroundings: Surroundings,
  takeover: Takeover,
  missing: MissingFlows,
  running: ReadonlyArray<Summary>
): Effect.Effect<void> => {
  keepAlarms(surroundings, running)
  takeDials(surroundings, takeover, running.filter(isPlanned))
  takeover.restartAll(running.filter(isUrgent), unlessAlive(new Set([surroundings.process]), latest(running)))
  return missing.name(running)
}

const keepAlarms = ({ alarm, now }: Surroundings, running: ReadonlyArray<Summary>): void => {
  const here = now()
  for (const call of running) {
    const due = dueBy(here, call)
    if (due !== null) alarm.set(call.callId, due, isUrgent(call))
  }
}

/** The dials that wait: here for their places, or for their flow to be registered. */
const takeDials = (surroundings: Surroundings, takeover: Takeover, planned: ReadonlyArray<Summary>): void => {
  const isKnown = isKnownTo(surroundings)
  takeover.queue(planned.filter(isKnown))
  for (const call of planned) if (!isKnown(call)) takeover.restart(call.callId, wake)
}
