/** The calls that another process hands over which is about to end: this one looks after them from then on, and says so. */
import { Effect } from "effect"
import type { Summary, Told } from "../../EventStore.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"
import { handedOverBy, isKnownTo, isPlanned, isUrgent, type Takeover } from "./takeover.ts"

/** Takes what is handed over, unless this process drains too: then it is given to another one. */
export const make = (
  surroundings: Surroundings,
  { entities, intake }: Parts,
  takeover: Takeover
): (told: Told) => Effect.Effect<void> => {
  const { alarm, closing, neighbours, run, store } = surroundings
  const isKnown = isKnownTo(surroundings)

  const adopt = (call: Summary, from: string): void => {
    const { callId, due, status, version } = call
    if (status !== "running" || !isKnown(call)) return
    if (isPlanned(call)) takeover.queue([call])
    else if (isUrgent(call)) takeover.restart(callId, handedOverBy(from))
    else if (entities.isOutdated(callId, version)) run(Effect.ignore(intake.goOn(entities.of(callId))))
    else if (due !== null) alarm.setLatest(callId, due, false)
  }

  return ({ calls, from }) =>
    Effect.gen(function*() {
      if (closing.isDraining()) return
      neighbours.isLeaving(from)
      for (const call of yield* store.summaries(calls)) adopt(call, from)
      yield* neighbours.give(from, "mine", calls)
    }).pipe(Effect.ignore)
}
