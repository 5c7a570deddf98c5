/**
 * What an engine does for calls on a store that others share: from time to time it looks for what a process that is gone has
 * left, for what is late, and for what others have brought to its end. A look reads events only of calls that need something.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { Processes, StoreError, Summary } from "../../EventStore.ts"
import * as Defect from "../defect.ts"
import { Report } from "../report.ts"
import type { CommonClock } from "./commonClock.ts"
import type { MissingFlows } from "./missingFlows.ts"
import type { Orphans } from "./orphans.ts"
import type { Owners } from "./owners.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"
import { isKnownTo, isUrgent } from "./takeover.ts"

/** Looks after the calls of a store that is shared. */
export interface Lookout {
  /** Joins the processes that share the store, and looks now and from time to time. */
  readonly watch: (
    processes: Processes,
    clock: CommonClock,
    flows: ReadonlySet<string>
  ) => Effect.Effect<void, StoreError, Scope.Scope>
}

/** What is said of looks that fail. */
const words = {
  fails: "Other processes cannot be looked after",
  next: "and that is tried again",
  over: "Other processes can be looked after again"
}

/** Looks for an engine. */
export const make = (
  surroundings: Surroundings,
  parts: Parts,
  orphans: Orphans,
  owners: Owners,
  missing: MissingFlows,
  listen: Effect.Effect<void>
): Lookout => {
  const { alarm, closing, elapsed, lease, neighbours, now, overdue, pacing, process, run, settings, store } =
    surroundings
  const { entities, intake, loading } = parts

  const isKnown = isKnownTo(surroundings)

  /** The time of a known call has come, or is near: it is brought up to date, or gets an alarm here. */
  const keep = (call: Summary): void => {
    const { callId, due, version } = call
    if (!owners.wakes(call)) return
    if (entities.isOutdated(callId, version)) run(Effect.ignore(intake.goOn(entities.of(callId))))
    else if (due !== null) alarm.setLatest(callId, due, isUrgent(call))
  }

  /**
   * Sees to its part of the timers of others: those of the living when they are late, those of the dead, which nobody else keeps,
   * before they are due. The alarm takes the urgent first.
   */
  const wakeLate = Effect.fnUntraced(function*() {
    const [here, { lookEvery }] = [now(), settings.store]
    const late = yield* store.due({ before: here + (neighbours.others().size === 0 ? lookEvery : -lookEvery) })
    overdue.learn(late.filter(({ due }) => due !== null && due <= here - lookEvery))
    owners.learnLate([...late.filter(isUrgent), ...late.filter((call) => !isUrgent(call))])
    for (const call of late) {
      if (isKnown(call)) keep(call)
      else yield* owners.pass(call)
    }
    const orphaned = late.filter(orphans.isOrphaned)
    orphans.attend(orphaned)
    if (!orphaned.every(missing.isNamed)) yield* missing.nameAll // It was left before the look that saw it.
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

  /** Brings calls up to date whose outcome is waited for here, if another process went on with them, or the database lost of them. */
  const hear = Effect.fnUntraced(function*() {
    const awaited = entities.awaited()
    if (awaited.length === 0) return
    const known = new Map(awaited.map((id) => [id, entities.of(id).version]))
    for (const { callId, version } of yield* store.summaries(awaited)) {
      const entity = entities.of(callId)
      if (version > entity.version) yield* loading.refresh(entity)
      else if (version < (known.get(callId) ?? 0)) yield* entities.holding(entity, loading.reload)
    }
  })

  /** Whether the last look saw this process itself. Who was not seen judges nobody: the database may have lost all of them. */
  let wasSeen = true

  const look = Effect.fnUntraced(function*(clock: CommonClock) {
    if (closing.isDraining()) return yield* whileDraining
    const mayJudge = wasSeen
    wasSeen = false
    yield* clock.adjust
    wasSeen = yield* neighbours.look
    if (wasSeen && mayJudge) yield* orphans.takeOver
    yield* wakeLate()
    yield* recount()
    yield* hear()
    yield* missing.look
  })

  /** What others do is heard. What is late, or left by the dead, is for those that go on. */
  const whileDraining = Effect.suspend(() => closing.isBegun() ? Effect.void : Effect.andThen(neighbours.look, hear()))

  const trouble = new Report(words, elapsed)

  const lookAgain = (clock: CommonClock): Effect.Effect<void> =>
    look(clock).pipe(
      Effect.andThen(Effect.suspend(() => trouble.over())),
      Effect.catch((error) => trouble.failed(error.message)),
      Effect.catchDefect((thrown) => trouble.failed(Defect.message(thrown))),
      Effect.delay(settings.store.lookEvery)
    )

  return {
    watch: Effect.fnUntraced(function*(processes, clock, flows) {
      yield* processes.join(process, flows, { millis: settings.store.lease, renewing: lease.renewing })
      yield* look(clock)
      run(listen)
      run(Effect.forever(lookAgain(clock)))
    })
  }
}
