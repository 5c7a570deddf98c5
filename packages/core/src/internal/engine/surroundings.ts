/** What all parts of one engine share. */
import { Clock, Effect, Random } from "effect"
import type { Context, Scope } from "effect"
import type * as Call from "../../Call.ts"
import type { CallEvent, CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type { EventStore, StoreError, Summary } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import type * as Settings from "../../Settings.ts"
import * as Background from "../background.ts"
import * as ids from "../ids.ts"
import { Report } from "../report.ts"
import * as Alarm from "./alarm.ts"
import { Chance } from "./chance.ts"
import type { Closing } from "./closing.ts"
import * as CommonClock from "./commonClock.ts"
import type { Entity } from "./entity.ts"
import * as Figures from "./figures.ts"
import * as Lease from "./lease.ts"
import * as Neighbours from "./neighbours.ts"
import * as Overdue from "./overdue.ts"
import * as Pacing from "./pacing.ts"
import type { Placement } from "./placement.ts"
import * as Restore from "./restore.ts"
import * as Time from "./time.ts"
import * as Tracing from "./tracing.ts"

/** What all parts of one engine share. None of it is a call's. */
export interface Surroundings {
  readonly store: EventStore["Service"]
  readonly settings: Settings.Settings
  readonly namespace: string
  /** That of the ids that were made before they had chance in them. */
  readonly formerNamespace: string
  /** 8 digits that nobody can guess. */
  readonly draw: () => string
  /** The name of this process incarnation. */
  readonly process: string
  readonly neighbours: Neighbours.Neighbours
  /** Who looks after which call, if more than the store says so. */
  readonly placement: Placement | undefined
  /** How long due work has waited, by shard. */
  readonly overdue: Overdue.Overdue
  /** Whether the others may have taken this process for dead. */
  readonly lease: Lease.Lease
  readonly definition: (name: string, version: number) => LiveCall.AnyDefinition | undefined
  /** Whether neither this process nor another that lived at the last look has registered a flow. */
  readonly isMissing: (name: string, version: number) => boolean
  readonly alarm: Alarm.Alarm
  readonly pacing: Pacing.Pacing
  readonly restore: Restore.Restore
  /** The time by which facts are recorded, which is that of all processes on this store, in milliseconds since 1970. */
  readonly now: () => number
  /** The time that tells how long something took, in milliseconds. */
  readonly elapsed: () => number
  /** Both of one moment. */
  readonly read: () => Time.Reading
  /** How this engine ends. */
  readonly closing: Closing
  /** Runs what is the application's as a part of the trace of a call. */
  readonly within: Tracing.Within
  /** What is counted. */
  readonly figures: Figures.Figures
  /** What is said of a store that fails, and of one that throws where it should fail. */
  readonly troubles: { readonly store: Report; readonly throws: Report }
  /** Runs something from this moment on that outlives whoever asked for it, until the engine ends. */
  readonly run: Background.Run
}

/**
 * What follows from a durable turn outside of its call: dials are sent, activities run, other processes are told. `since` is
 * when it was decided, by the time that has elapsed.
 */
export type Follow = (
  entity: Entity,
  events: ReadonlyArray<CallEvent>,
  call: Call.Call,
  since: number
) => void

/** How an engine is set up, as far as its parts share it. */
export interface Options {
  readonly definition: Surroundings["definition"]
  /** The names of the flows that are registered. */
  readonly flows: ReadonlySet<string>
  /** The services that the application has, those of activities among them. */
  readonly context: Context.Context<never>
  readonly namespace: string | undefined
  readonly settings: Settings.Settings
  /** The calls that are running in the store. */
  readonly running: ReadonlyArray<Summary>
  /** What the application says of a store that was restored from a copy. */
  readonly restored: CallInput.Restored | undefined
}

/** What is there before any part: a store, how it ends, and how a call is woken whose time or place has come. */
export interface Ground {
  readonly store: EventStore["Service"]
  readonly closing: Closing
  readonly wake: (id: CallId) => Effect.Effect<void>
  readonly placement: Placement | undefined
  /** The others may have taken this process for dead, of which they heard nothing for so many milliseconds. */
  readonly lapsed: (silence: number) => void
}

/** What the parts share, and the clocks behind it. */
export interface Made {
  readonly surroundings: Surroundings
  readonly time: Time.Time
  readonly clock: CommonClock.CommonClock
}

/** So many calls a second are woken that fell due while nobody looked, so that live ones find the store free. */
const latePerSecond = 200

/** Works until its scope closes. */
export const make = Effect.fnUntraced(function*(
  options: Options,
  { closing, lapsed, placement, store, wake }: Ground
): Effect.fn.Return<Made, StoreError, Scope.Scope> {
  const { context, definition, flows, running, restored, settings } = options
  const run = yield* Background.make
  const own = yield* Clock.Clock
  const changes = yield* Time.ClockChanges
  const clock = CommonClock.make(own, store.processes)
  yield* clock.adjust
  const time = Time.make(clock)
  const alarm = yield* Alarm.make(
    time,
    latePerSecond,
    (id) => Effect.sync(() => closing.isBegun() ? undefined : void run(wake(id as CallId))),
    changes?.clock === own ? changes : undefined
  )
  const isShared = store.processes !== undefined
  const pacing = yield* Pacing.make({
    time,
    settings,
    run,
    isShared,
    isClosing: closing.isDraining,
    go: wake,
    wake: (id) => alarm.setLatest(id, time.now(), false)
  })
  const restore = yield* Restore.make({ store, now: time.now, run, running, restored })
  const process = yield* nameOfProcess
  const neighbours = Neighbours.make(process, store.processes, time.elapsed, pacing)
  const { elapsed, now, read } = time
  const namespace = options.namespace ?? store.namespace.slice(0, longestNamespace)
  const formerNamespace = options.namespace ?? store.namespace
  const draw = yield* Chance
  const isMissing = missingBeside(neighbours, definition)
  const troubles = troublesSince(elapsed)
  const within = Tracing.make(context)
  const figures = yield* Figures.make({ elapsed, flows, settings })
  const lease = Lease.make(elapsed, settings.store.lease, lapsed)
  const about = {
    store,
    settings,
    namespace,
    formerNamespace,
    draw,
    process,
    neighbours,
    lease,
    placement,
    overdue: Overdue.make(placement),
    definition,
    isMissing
  }
  return {
    surroundings: { ...about, alarm, pacing, restore, now, elapsed, read, closing, figures, troubles, within, run },
    time,
    clock
  }
})

/** What a store has drawn is longer than it has to be, for an `external_id` of 36 characters. */
const longestNamespace = 6

const nameOfProcess = Effect.map(Random.Random, (random) => ids.chance(() => random.nextDoubleUnsafe(), 8))

const missingBeside =
  ({ others }: Neighbours.Neighbours, definition: Surroundings["definition"]): Surroundings["isMissing"] =>
  (flow, version) =>
    definition(flow, version) === undefined &&
    !Array.from(others().values()).some((flows) => flows.has(Neighbours.nameOf(flow, version)))

const troublesSince = (elapsed: () => number): Surroundings["troubles"] => ({
  store: new Report(
    { fails: "The store fails", next: "and is tried again", over: "The store fails no more" },
    elapsed
  ),
  throws: new Report({
    fails: "The store throws where it should fail",
    next: "and is tried again",
    over: "The store throws no more"
  }, elapsed)
})
