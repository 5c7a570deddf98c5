/** The time of a call, and when it is woken. */
import * as Call from "../../Call.ts"
import * as Decider from "../../Decider.ts"
import * as Explain from "../../Explain.ts"
import * as LiveCall from "../../LiveCall.ts"
import { plannedLine } from "../call/dial.ts"
import type { Entity } from "./entity.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"
import type { Dial } from "./waitingDials.ts"

/** What time is to a call. */
export interface Timing {
  /** Whether another process went on with a call last, and is there: it keeps its time. */
  readonly isTheirs: (entity: Entity, call: Call.Call) => boolean
  /** The time of a call, which is that of the clock, but never before its own last record. */
  readonly timeOf: (entity: Entity, call: Call.Call, reading: Reading) => number
  /** Sets the alarm for when a call in memory is due, and lets its dial wait for a place. */
  readonly rest: (entity: Entity, live: LiveCall.LiveCall) => void
  /** The same for when it is known when that is. A call that is over is not woken. */
  readonly restUntil: (entity: Entity, call: Call.Call, due: number | null | undefined) => void
}

/** What the pace has to know of a dial that waits. */
const dialOf = (call: Call.Call, ahead: number): Dial | undefined => {
  const line = plannedLine(call)
  return line?.from === undefined ? undefined : { from: line.from, dialledAt: line.dialledAt - ahead }
}

/** By the clock and the alarm of an engine. */
export const make = ({ alarm, neighbours, now, pacing, restore, settings }: Surroundings): Timing => {
  /** When something happens to a call by itself that this process has to see to. */
  const dueOf = (live: LiveCall.LiveCall): number | undefined =>
    LiveCall.isWithoutFlow(live)
      ? Explain.waitingWithoutFlow(live.call, settings).until
      : Decider.wakeAt(live.call, settings, restore.verdicts)

  /** What is overdue without its flow waits for a process that lives and knows it: it is looked at again, but not at once. */
  const notAtOnce = (live: LiveCall.LiveCall, due: number | undefined): number | undefined =>
    due === undefined || !LiveCall.isWithoutFlow(live) || due > now() ? due : now() + settings.store.lookEvery

  const isTheirs: Timing["isTheirs"] = ({ writer }, { at }) =>
    writer !== undefined && neighbours.isThere(writer, now() - at)

  /**
   * Lets its dial wait for a place, if one is planned and this process sees to it, and counts its lines. Those of a process that has come
   * since the last look are counted here until then, for nobody has been told how many it uses.
   */
  const pace = (entity: Entity, call: Call.Call): void => {
    const isDialled = !isTheirs(entity, call) && entity.live?.definition !== undefined
    const from = isDialled ? Decider.dialFrom(call, restore.verdicts) : undefined
    if (from === undefined) pacing.leave(entity.id)
    else pacing.wait(entity.id, from - entity.ahead, dialOf(call, entity.ahead))
    const isCounted = entity.writer !== undefined && neighbours.others().has(entity.writer)
    pacing.open(entity.id, isCounted ? 0 : Call.openLines(call))
  }

  /** Where another process went on with the call, that one has its chance first. */
  const restUntil = (entity: Entity, call: Call.Call, due: number | null | undefined): void => {
    pace(entity, call)
    if (Call.isOver(call) || due === null || due === undefined) return alarm.clear(entity.id)
    const patience = isTheirs(entity, call) ? settings.store.lookEvery : 0
    alarm.set(entity.id, due - entity.ahead + patience, Call.isUrgent(call))
  }

  return {
    isTheirs,
    timeOf: (entity, call, { now }) => {
      entity.ahead = Math.max(entity.ahead, call.at - now)
      return now + entity.ahead
    },
    rest: (entity, live) => restUntil(entity, live.call, notAtOnce(live, dueOf(live))),
    restUntil
  }
}
