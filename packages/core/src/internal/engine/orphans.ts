/**
 * Calls that are left alone on a store that processes share: of a process that is gone, or of a flow that none knows. And the
 * dials of processes that have no share of the lines.
 */
import { Effect } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { StoreError, Summary } from "../../EventStore.ts"
import * as Pace from "../pace.ts"
import * as Neighbours from "./neighbours.ts"
import type { Owners } from "./owners.ts"
import type { Surroundings } from "./surroundings.ts"
import { isKnownTo, isPlanned, isUrgent, latest, type Takeover, unlessAlive, wake } from "./takeover.ts"

/** Sees to them. */
export interface Orphans {
  /** Takes over what processes that are gone knew of. */
  readonly takeOver: Effect.Effect<void, StoreError>
  /** Whether no process that lives has registered the flow of a call. */
  readonly isOrphaned: (call: Summary) => boolean
  /** Looks after calls of flows that no process knows: those that are due, and those that were found without their process. */
  readonly attend: (late: ReadonlyArray<Summary>) => void
}

/** For an engine. */
export const make = (
  { definition, isMissing, neighbours, process, settings, store }: Surroundings,
  takeover: Takeover,
  owners: Owners
): Orphans => {
  const isKnown = isKnownTo({ definition })

  const isOrphaned = ({ flow, flowVersion }: Summary): boolean => isMissing(flow, flowVersion)

  /** The processes that live and know the flow of a call. */
  const knowing = (call: Summary): ReadonlyArray<string> => [process, ...Neighbours.knowing(neighbours.others(), call)]

  /**
   * Of the processes that know the flow of a call and may dial, each takes its part of the dials that wait: of two, both would
   * try the same. If none that knows it may dial, the others see to it.
   */
  const isForThis = (call: Summary, sharers: ReadonlySet<string>): boolean => {
    const known = knowing(call)
    const dialling = known.filter((other) => sharers.has(other))
    const candidates = dialling.length === 0 ? known : dialling
    return Neighbours.chosenOf(candidates, call.callId) === process
  }

  /** The calls whose dial waits at a process that is gone, and whose flow no living one has registered: it waits for the flow. */
  let stranded: ReadonlyArray<Summary> = []

  /** Takes over what processes that are gone knew of, and dials for those that have no share of the lines. */
  const takeOver = Effect.gen(function*() {
    const alive = neighbours.living()
    const sharers = Pace.sharers(alive, settings)
    const all = yield* store.orphans(sharers.has(process) ? sharers : alive)
    owners.learn(all)
    const found = all.filter((call) => !owners.isTheirs(call))
    const isTaken = (call: Summary) => owners.isOwn(call) && sharers.has(process) || isForThis(call, sharers)
    takeover.queue(found.filter((call) => isPlanned(call) && isKnown(call) && isTaken(call)))
    const left = found.filter((call) => call.process !== null && !alive.has(call.process))
    stranded = left.filter((call) => isPlanned(call) && isOrphaned(call))
    const orphans = left.filter((call) => isUrgent(call) && (isKnown(call) || isOrphaned(call)))
    owners.learnUrgent(orphans)
    // Since the death others may have appended to these calls, but not for longer than from one look to the next.
    const first = unlessAlive(alive, latest(orphans) - settings.store.lookEvery)
    takeover.restartAll(orphans.filter(owners.restarts), first)
    takeover.expect(orphans.filter((call) => !owners.restarts(call)), first)
  })

  /** The calls whose flow no process knows, as they were when this one looked at them: from then on it has their alarm. */
  let attended: ReadonlyMap<CallId, number> = new Map()

  const attend = (late: ReadonlyArray<Summary>): void => {
    const missing = [...late, ...stranded].filter(owners.attends)
    for (const { callId, version } of missing) {
      if (attended.get(callId) !== version) takeover.restart(callId, wake)
    }
    attended = new Map(missing.map(({ callId, version }) => [callId, version]))
  }

  return { takeOver, isOrphaned, attend }
}
