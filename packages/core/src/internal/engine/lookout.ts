/**
 * What an engine does for calls on a store that others share: from time to time it looks for what a process that is gone has
 * left, for what is late, and for what others have brought to its end. A look reads events only of calls that need something.
 */
import { Effect, Hash } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Processes, StoreError, Summary } from "../../EventStore.ts"
import * as Defect from "../defect.ts"
import * as Pace from "../pace.ts"
import { Report } from "../report.ts"
import type { CommonClock } from "./commonClock.ts"
import type { Elsewhere } from "./elsewhere.ts"
import { nameOf } from "./neighbours.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"
import { isPlanned, isUrgent, latest, type Takeover, unlessAlive, wake } from "./takeover.ts"

/** Looks after the calls of a store that is shared. */
export interface Lookout {
  /** Joins the processes that share the store, and looks now and from time to time. */
  readonly watch: (
    processes: Processes,
    clock: CommonClock,
    flows: ReadonlySet<string>
  ) => Effect.Effect<void, StoreError, Scope.Scope>
}

/** All flows that these processes have registered. */
const registeredOf = (processes: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> =>
  new Set(Array.from(processes.values()).flatMap((flows) => [...flows]))

/** Looks for an engine. */
export const make = (surroundings: Surroundings, parts: Parts, takeover: Takeover, elsewhere: Elsewhere): Lookout => {
  const { alarm, closing, definition, elapsed, isMissing, neighbours, now, pacing, process, run, settings, store } =
    surroundings
  const { entities, intake } = parts

  /** Whether the flow of a call is registered here. During an upgrade another process may know more. */
  const isKnown = ({ flow, flowVersion }: Summary): boolean => definition(flow, flowVersion) !== undefined

  /** Whether no process that lives has registered the flow of a call. */
  const isOrphaned = ({ flow, flowVersion }: Summary): boolean => isMissing(flow, flowVersion)

  /** The processes that live, this one among them. */
  const living = (): ReadonlySet<string> => new Set([...neighbours.others().keys(), process])

  /** The processes that live and know the flow of a call. */
  const knowing = ({ flow, flowVersion }: Summary): ReadonlyArray<string> => {
    const name = nameOf(flow, flowVersion)
    const others = neighbours.others()
    return [...living()].filter((other) => other === process || others.get(other)?.has(name) === true)
  }

  /**
   * Of the processes that know the flow of a call and may dial, each takes its part of the dials that wait: of two, both would
   * try the same. If none that knows it may dial, the others see to it.
   */
  const isForThis = (call: Summary, sharers: ReadonlySet<string>): boolean => {
    const known = knowing(call)
    const dialling = known.filter((other) => sharers.has(other))
    const candidates = dialling.length === 0 ? known : dialling
    const rank = (other: string) => Hash.string(`${other}/${call.callId}`)
    const own = rank(process)
    return candidates.includes(process) && candidates.every((other) => other === process || rank(other) > own)
  }

  /** The calls whose dial waits at a process that is gone, and whose flow no living one has registered: it waits for the flow. */
  let stranded: ReadonlyArray<Summary> = []

  /** Takes over what processes that are gone knew of, and dials for those that have no share of the lines. */
  const takeOrphans = Effect.fnUntraced(function*() {
    const alive = living()
    const sharers = Pace.sharers(alive, settings)
    const found = yield* store.orphans(sharers.has(process) ? sharers : alive)
    takeover.queue(found.filter((call) => isPlanned(call) && isKnown(call) && isForThis(call, sharers)))
    const left = found.filter((call) => call.process !== null && !alive.has(call.process))
    stranded = left.filter((call) => isPlanned(call) && isOrphaned(call))
    const orphans = left.filter((call) => isUrgent(call) && (isKnown(call) || isOrphaned(call)))
    // Since the death others may have appended to these calls, but not for longer than from one look to the next.
    takeover.restartAll(orphans, unlessAlive(alive, latest(orphans) - settings.store.lookEvery))
  })

  /** The time of a known call has come, or is near: it is brought up to date, or gets an alarm here. */
  const keep = (call: Summary): void => {
    const { callId, due, version } = call
    if (entities.isOutdated(callId, version)) run(Effect.ignore(intake.goOn(entities.of(callId))))
    else if (due !== null) alarm.setLatest(callId, due, isUrgent(call))
  }

  /** The calls whose flow no process knows, as they were when this one looked at them: from then on it has their alarm. */
  let attended: ReadonlyMap<CallId, number> = new Map()

  const attend = (missing: ReadonlyArray<Summary>): void => {
    for (const { callId, version } of missing) {
      if (attended.get(callId) !== version) takeover.restart(callId, wake)
    }
    attended = new Map(missing.map(({ callId, version }) => [callId, version]))
  }

  /**
   * Sees to the timers of others: those of the living when they are late, those of the dead, which nobody else keeps, before
   * they are due.
   */
  const wakeLate = Effect.fnUntraced(function*() {
    const before = now() + (neighbours.others().size === 0 ? settings.store.lookEvery : -settings.store.lookEvery)
    const late = yield* store.due({ before })
    for (const call of late) if (isKnown(call)) keep(call)
    const missing = late.filter(isOrphaned)
    attend([...missing, ...stranded])
    if (!missing.every(elsewhere.isNamed)) yield* elsewhere.nameAllMissing // It was left before the look that saw it.
  })

  /** Counts no more lines of calls with which another process went on: that one counts them. */
  const recount = Effect.fnUntraced(function*() {
    const counted = pacing.counted()
    if (counted.length === 0) return
    for (const { callId, process: responsible, version } of yield* store.summaries(counted)) {
      // What this process itself has written may be durable before it hears so.
      if (responsible !== process && entities.isOutdated(callId, version)) pacing.open(callId, 0)
    }
  })

  /** Brings calls up to date whose outcome is waited for here, if another process went on with them. */
  const hear = Effect.fnUntraced(function*() {
    const awaited = entities.awaited()
    if (awaited.length === 0) return
    for (const { callId, version } of yield* store.summaries(awaited)) {
      const entity = entities.of(callId)
      if (version > entity.version) yield* intake.refresh(entity)
    }
  })

  /** The flows that others had registered at the last look. */
  let known: ReadonlySet<string> | undefined

  /** Says which flows are missing, if others have registered fewer than before, or one is back. */
  const nameMissing = Effect.fnUntraced(function*() {
    const registered = registeredOf(neighbours.others())
    const isLess = known === undefined || [...known].some((flow) => !registered.has(flow))
    if (isLess || elsewhere.isBack()) yield* elsewhere.nameAllMissing
    known = registered
  })

  /** Whether the last look saw this process itself. Who was not seen judges nobody: the database may have lost all of them. */
  let wasSeen = true

  const look = Effect.fnUntraced(function*(clock: CommonClock) {
    if (closing.isBegun()) return
    const mayJudge = wasSeen
    wasSeen = false
    yield* clock.adjust
    wasSeen = yield* neighbours.look
    if (wasSeen && mayJudge) yield* takeOrphans()
    yield* wakeLate()
    yield* recount()
    yield* hear()
    yield* nameMissing()
  })

  const trouble = new Report({
    fails: "Other processes cannot be looked after",
    next: "and that is tried again",
    over: "Other processes can be looked after again"
  }, elapsed)

  const lookAgain = (clock: CommonClock): Effect.Effect<void> =>
    look(clock).pipe(
      Effect.andThen(Effect.suspend(() => trouble.over())),
      Effect.catch((error) => trouble.failed(error.message)),
      Effect.catchDefect((thrown) => trouble.failed(Defect.message(thrown))),
      Effect.delay(settings.store.lookEvery)
    )

  return {
    watch: Effect.fnUntraced(function*(processes, clock, flows) {
      yield* processes.join(process, flows)
      yield* look(clock)
      run(elsewhere.listen(processes))
      run(Effect.forever(lookAgain(clock)))
    })
  }
}
