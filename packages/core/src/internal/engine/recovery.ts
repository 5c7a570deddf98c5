/**
 * What an engine does for calls that nobody has looked after for a while: those of an earlier process when it begins; where
 * processes share a store, those that another has left, from time to time; and all of its own when time has jumped.
 */
import { Effect, Hash, Queue } from "effect"
import type { Fiber, Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Processes, StoreError, Summary } from "../../EventStore.ts"
import * as Defect from "../defect.ts"
import * as Pace from "../pace.ts"
import { Report } from "../report.ts"
import type { CommonClock } from "./commonClock.ts"
import { type Elsewhere, nameOf } from "./elsewhere.ts"
import type { Parts } from "./parts.ts"
import { responsible } from "./pending.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Time } from "./time.ts"
import type { First } from "./unattended.ts"

/** Takes up calls that were left alone. */
export interface Recovery {
  /** Takes over what an earlier process left, on a store that this one has for itself. Reads no events. */
  readonly recover: (running: ReadonlyArray<Summary>) => Effect.Effect<void, StoreError>
  /**
   * On a store of its own: a call is started in a transaction, of whose commit this process may not hear. Looks for what is
   * due soon, and again each time after twice as long, for nobody tells how long a transaction lasts or that it was rolled
   * back.
   */
  readonly lookAfterStart: () => void
  /**
   * Joins the processes that share a store, and looks now and from time to time for what others have left or brought to its
   * end. A look reads events only of calls that need something.
   */
  readonly watch: (
    processes: Processes,
    clock: CommonClock,
    flows: ReadonlySet<string>
  ) => Effect.Effect<void, StoreError, Scope.Scope>
}

/** All flows that these processes have registered. */
const registeredOf = (processes: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> =>
  new Set(Array.from(processes.values()).flatMap((flows) => [...flows]))

/** So many calls are restarted at a time, so that webhooks find the store free. */
const atOnce = 8

/** When anything was last appended to any of these calls. */
const latest = (calls: ReadonlyArray<Summary>): number => calls.reduce((latest, { at }) => Math.max(latest, at), 0)

/** By how much the clock was set back since a call was recorded: what was recorded before lies ahead of it. */
const setBack = (here: number, { at }: Summary): number => Math.max(0, at - here)

/** When a call is due by the clock as it is now. */
const dueBy = (here: number, call: Summary): number | null => call.due === null ? null : call.due - setBack(here, call)

/** Whether a call has a dial that waits for its place. Such a call has no line. */
const isPlanned = ({ dialFrom }: Summary): boolean => dialFrom !== undefined

/** Whether somebody has to look at a call at once whose process is gone. */
const isUrgent = (call: Summary): boolean => call.process !== null && !isPlanned(call)

/** Restarts a call of a process that is gone. Who finds that another process has done so already leaves it alone. */
const unlessAlive = (alive: ReadonlySet<string>, crashedAt: number): First => ({ call }, entity) => {
  const process = responsible(call, entity)
  return process === undefined || alive.has(process) ? { _tag: "Wake" } : { _tag: "Restart", crashedAt }
}

/** Works until its scope closes. From now on it also looks after everything anew when time has jumped. */
export const make = Effect.fnUntraced(function*(
  surroundings: Surroundings,
  parts: Parts,
  time: Time,
  elsewhere: Elsewhere
): Effect.fn.Return<Recovery, never, Scope.Scope> {
  const { alarm, closing, definition, elapsed, isMissing, neighbours, now, pacing, process, run, settings, store } =
    surroundings
  const { entities, intake, unattended } = parts
  const work = yield* Queue.unbounded<Effect.Effect<void>>()
  const worker = Effect.forkScoped(Effect.forever(Effect.flatten(Queue.take(work))))
  yield* Effect.forEach(Array.from({ length: atOnce }), () => worker, { discard: true })

  const restart = (id: CallId, first: First): void => {
    if (!unattended.has(id)) Queue.offerUnsafe(work, resume(id))
    unattended.tell(id, first)
  }

  const resume = (id: CallId): Effect.Effect<void> =>
    Effect.suspend(() =>
      unattended.has(id) && !closing.isBegun() ? intake.takeSurely(entities.of(id), { _tag: "Wake" }) : Effect.void
    )

  /**
   * Restarts calls one by one in the background, or when something comes for them before. Those that are overdue wait for
   * their turn at the alarm, like all that are.
   */
  const takeOver = (calls: ReadonlyArray<Summary>, first: First): void => {
    const here = now()
    for (const call of calls) {
      const due = dueBy(here, call)
      if (due !== null && due <= here) unattended.tell(call.callId, first)
      else restart(call.callId, first)
    }
  }

  /** Lets the dials of calls wait here for their places, in the order in which their time came. Reads no events. */
  const queue = (calls: ReadonlyArray<Summary>): void => {
    const here = now()
    for (const call of calls.toSorted((self, that) => self.dialFrom! - that.dialFrom!)) {
      pacing.wait(call.callId, call.dialFrom! - setBack(here, call))
    }
  }

  const recover = (running: ReadonlyArray<Summary>) => {
    const here = now()
    for (const call of running) {
      const due = dueBy(here, call)
      if (due !== null) alarm.set(call.callId, due, isUrgent(call))
    }
    const planned = running.filter(isPlanned)
    queue(planned.filter(isKnown))
    for (const call of planned) if (!isKnown(call)) restart(call.callId, () => ({ _tag: "Wake" }))
    const orphans = running.filter(isUrgent)
    for (const { callId } of orphans) pacing.isUnread(callId)
    takeOver(orphans, unlessAlive(new Set([process]), latest(running)))
    return elsewhere.nameMissing(running)
  }

  /** By how much the clock was set forward, for the calls that have not recorded it yet. */
  const jumped = new Map<CallId, number>()

  time.onJump((before) => {
    const by = now() - before
    const seconds = Math.round(Math.abs(by) / 1000)
    const words = by < 0
      ? `The clock was set back by ${seconds} s`
      : `The clock jumped by ${seconds} s, or the machine slept for so long`
    Queue.offerUnsafe(work, Effect.logWarning(words))
    entities.adjust(by)
    for (const id of jumped.keys()) if (!unattended.has(id)) jumped.delete(id)
    const leap = (id: CallId): First => {
      const jumpedMillis = (jumped.get(id) ?? 0) + Math.max(0, by)
      jumped.set(id, jumpedMillis)
      return () => ({ _tag: "Restart", crashedAt: before, jumpedMillis })
    }
    const underWay = new Set(entities.underWay().map(({ id }) => id))
    for (const id of underWay) restart(id, leap(id))
    // A call whose first turn is being stored may have a line then. Its alarm rings for it.
    for (const id of entities.beingTaken()) if (!underWay.has(id)) unattended.tell(id, leap(id))
    alarm.look()
    pacing.look()
  })

  // -------------------------------------------------------------------------------------------------------------------
  // A store that others share
  // -------------------------------------------------------------------------------------------------------------------

  /** Whether the flow of a call is registered here. During an upgrade another process may know more. */
  const isKnown = ({ flow, flowVersion }: Summary): boolean => definition(flow, flowVersion) !== undefined

  /** Whether no process that lives has registered the flow of a call. */
  const isOrphaned = ({ flow, flowVersion }: Summary): boolean => isMissing(flow, flowVersion)

  /** The processes that live, this one among them. */
  const living = (): ReadonlySet<string> => new Set([...neighbours.others().keys(), process])

  /**
   * Of the processes that know the flow of a call and may dial, each takes its part of the dials that wait: of two, both would
   * try the same. If none that knows it may dial, the others see to it.
   */
  const isForThis = ({ callId, flow, flowVersion }: Summary, sharers: ReadonlySet<string>): boolean => {
    const name = nameOf(flow, flowVersion)
    const others = neighbours.others()
    const knowing = [...living()].filter((other) => other === process || others.get(other)?.has(name) === true)
    const dialling = knowing.filter((other) => sharers.has(other))
    const rank = (other: string) => Hash.string(`${other}/${callId}`)
    const own = rank(process)
    return (dialling.length === 0 || sharers.has(process)) &&
      (dialling.length === 0 ? knowing : dialling).every((other) => other === process || rank(other) > own)
  }

  /** The calls whose dial waits at a process that is gone, and whose flow no living one has registered: it waits for the flow. */
  let stranded: ReadonlyArray<Summary> = []

  /** Takes over what processes that are gone knew of, and dials for those that have no share of the lines. */
  const takeOrphans = Effect.fnUntraced(function*() {
    const alive = living()
    const sharers = Pace.sharers(alive, settings)
    const found = yield* store.orphans(sharers.has(process) ? sharers : alive)
    queue(found.filter((call) => isPlanned(call) && isKnown(call) && isForThis(call, sharers)))
    const left = found.filter((call) => call.process !== null && !alive.has(call.process))
    stranded = left.filter((call) => isPlanned(call) && isOrphaned(call))
    const orphans = left.filter((call) => isUrgent(call) && (isKnown(call) || isOrphaned(call)))
    for (const { callId } of orphans) pacing.isUnread(callId)
    // Since the death others may have appended to these calls, but not for longer than from one look to the next.
    takeOver(orphans, unlessAlive(alive, latest(orphans) - settings.store.lookEvery))
  })

  /**
   * Sees to the timers of others: those of the living when they are late, those of the dead, which nobody else keeps, before
   * they are due.
   */
  const wakeLate = Effect.fnUntraced(function*() {
    const before = now() + (neighbours.others().size === 0 ? settings.store.lookEvery : -settings.store.lookEvery)
    const late = yield* store.due({ before })
    for (const call of late.filter(isKnown)) {
      const { callId, due, version } = call
      if (entities.isOutdated(callId, version)) run(Effect.ignore(intake.goOn(entities.of(callId))))
      else if (due !== null) alarm.setLatest(callId, due, isUrgent(call))
    }
    const missing = late.filter(isOrphaned)
    attend([...missing, ...stranded])
    if (!missing.every(elsewhere.isNamed)) yield* elsewhere.nameAllMissing // It was left before the look that saw it.
  })

  /** The calls whose flow no process knows, as they were when this one looked at them: from then on it has their alarm. */
  let attended: ReadonlyMap<CallId, number> = new Map()

  const attend = (missing: ReadonlyArray<Summary>): void => {
    for (const { callId, version } of missing) {
      if (attended.get(callId) !== version) restart(callId, () => ({ _tag: "Wake" }))
    }
    attended = new Map(missing.map(({ callId, version }) => [callId, version]))
  }

  /** Counts no more lines of calls with which another process went on: that one counts them. */
  const recount = Effect.fnUntraced(function*() {
    const counted = pacing.counted()
    if (counted.length === 0) return
    for (const { callId, process: knower, version } of yield* store.summaries(counted)) {
      // What this process itself has written may be durable before it hears so.
      if (knower !== process && entities.isOutdated(callId, version)) pacing.open(callId, 0)
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

  const watch = Effect.fnUntraced(
    function*(processes: Processes, clock: CommonClock, flows: ReadonlySet<string>) {
      let wasSeen = true
      let known: ReadonlySet<string> | undefined
      const look = Effect.gen(function*() {
        if (closing.isBegun()) return
        const mayJudge = wasSeen
        wasSeen = false
        yield* clock.adjust
        wasSeen = yield* neighbours.look
        if (wasSeen && mayJudge) yield* takeOrphans()
        yield* wakeLate()
        yield* recount()
        yield* hear()
        const registered = registeredOf(neighbours.others())
        const isLess = known === undefined || [...known].some((flow) => !registered.has(flow))
        if (isLess || elsewhere.isBack()) yield* elsewhere.nameAllMissing
        known = registered
      })
      yield* processes.join(process, flows)
      yield* look
      run(elsewhere.listen(processes))
      const trouble = new Report({
        fails: "Other processes cannot be looked after",
        next: "and that is tried again",
        over: "Other processes can be looked after again"
      }, elapsed)
      const again = look.pipe(
        Effect.andThen(Effect.suspend(() => trouble.over())),
        Effect.catch((error) => trouble.failed(error.message)),
        Effect.catchDefect((thrown) => trouble.failed(Defect.message(thrown))),
        Effect.delay(settings.store.lookEvery)
      )
      run(Effect.forever(again))
    }
  )

  const lookForDue = Effect.gen(function*() {
    if (closing.isBegun() || alarm.isCatchingUp()) return false
    for (const call of yield* store.due({ before: now() })) {
      if (call.due !== null) alarm.setLatest(call.callId, call.due, isUrgent(call))
    }
    return true
  })

  /** How long it sleeps until it looks for what is due; 0 if a call is started meanwhile, so that it begins anew. */
  let pause = Infinity
  let looking: Fiber.Fiber<unknown> | undefined

  const lookAgain = Effect.suspend(() => {
    pause = Math.max(settings.store.lookEvery, 2 * pause)
    return Effect.map(Effect.orElseSucceed(Effect.delay(lookForDue, pause), () => false), (hasLooked) => {
      if (!hasLooked) pause = 0
    })
  })

  const lookAfterStart = (): void => {
    const isFarOff = pause > settings.store.lookEvery
    pause = 0
    if (!isFarOff) return
    looking?.interruptUnsafe()
    looking = run(Effect.forever(lookAgain))
  }

  return { recover, watch, lookAfterStart }
})
