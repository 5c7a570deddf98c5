/**
 * Virtual time without waiting: whenever everything under it is idle and somebody sleeps, time jumps to the earliest
 * sleeper by itself. A test that sleeps ten minutes, or waits for one who does, simply goes on.
 *
 * ```ts
 * it.effect("waits", () => Effect.sleep("10 minutes").pipe(Effect.provide(FakeClock.layer))) // returns at once
 * ```
 *
 * The layer brings a `Clock` and a `Scheduler`. Every fiber under them shows each of its steps to the scheduler, so the
 * clock sees who runs. It jumps once nothing has run during some turns of the event loop and Node has no file operation,
 * name lookup, connection or `crypto` job under way. So promises that settle by themselves, files, hashes, and
 * requests to a server in the same process are waited for.
 *
 * What it cannot see is what takes real time elsewhere: a request to another process, a timer of `setTimeout`, a worker.
 * Wrap such an effect in `FakeClock.outside`, and time stands still while it runs. Fibers that run with another `Scheduler`
 * are not seen either.
 *
 * Order is fixed: who sleeps until the same time wakes in the order of going to sleep, one after another, each running
 * until everything is idle again.
 *
 * @since 0.1.0
 */
import { Calls } from "@ringback/core"
import { Clock, Context, Duration, Effect, Layer, Scheduler } from "effect"
import { createHook } from "node:async_hooks"
import * as rules from "./internal/rules.ts"

/**
 * Virtual time as a service, for tests that hold it in their hands.
 *
 * @since 0.1.0
 */
export class FakeClock extends Context.Service<FakeClock, {
  /** The time, in milliseconds since 1970. */
  readonly now: Effect.Effect<number>
  /** Waits until everything is idle. */
  readonly settle: Effect.Effect<void>
  /** Goes to the next time that somebody sleeps until, and lets them run. `false` if nobody sleeps. */
  readonly jump: Effect.Effect<boolean>
  /** Lets so much time pass, waking who is due on the way. */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void>
  /**
   * Sets the wall clock forward, or back by a negative duration, and nothing else: as somebody does who corrects it, or a
   * machine that slept. The monotonic clock, by which everybody sleeps, goes on as if nothing had happened. An engine is told
   * at once (`Calls.ClockChanges`), where in life it may take half a minute to notice.
   */
  readonly setForward: (duration: Duration.Input) => Effect.Effect<void>
  /** Runs an effect of which something happens where the clock cannot see it; time stands still meanwhile. */
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}>()("@ringback/testing/FakeClock") {}

/**
 * How a virtual clock behaves.
 *
 * @since 0.1.0
 */
export interface Options {
  /** The time at the start, in milliseconds since 1970: 2026-01-01T00:00:00Z if not said. */
  readonly start?: number
  /** `false`: time passes only by `jump` and `advance`. */
  readonly auto?: boolean
  /**
   * How idleness is made sure of before time jumps. `"thorough"`, the default, sees what is said above. `"brief"` is one
   * turn of the event loop and does not watch Node: cheaper, for tests that wait for nothing but Effect.
   */
  readonly patience?: "thorough" | "brief"
  /**
   * After how many milliseconds of real time a warning is printed, once, if nothing runs and nobody sleeps: 1000. Then a
   * test hangs, or waits for something that the clock cannot see.
   */
  readonly warnAfterMillis?: number
}

/** What they may be. */
const ruled: rules.Rules<Options> = {
  start: rules.moment,
  auto: rules.truth,
  patience: rules.word("thorough", "brief"),
  warnAfterMillis: rules.millis
}

/**
 * Virtual time with options. Each call makes a clock of its own; where several layers share one, keep the layer in a
 * variable.
 *
 * @since 0.1.0
 */
export const layerWith = (options: Options): Layer.Layer<FakeClock> => {
  rules.check("FakeClock", options, ruled)
  return Layer.effectContext(Effect.gen(function*() {
    const parent = yield* Scheduler.Scheduler
    const time = yield* Effect.acquireRelease(
      Effect.sync(() => new Time(options, parent)),
      (time) => Effect.sync(() => time.close())
    )
    return Context.make(FakeClock, time).pipe(
      Context.add(Clock.Clock, time),
      Context.add(Calls.ClockChanges, { clock: time, listen: time.listen }),
      Context.add(Scheduler.Scheduler, time.scheduler)
    )
  }))
}

/**
 * Time that starts at 2026-01-01T00:00:00Z and jumps by itself.
 *
 * @since 0.1.0
 */
export const layer: Layer.Layer<FakeClock> = layerWith({})

/**
 * The time, in milliseconds since 1970.
 *
 * @since 0.1.0
 */
export const now: Effect.Effect<number, never, FakeClock> = FakeClock.use((clock) => clock.now)

/**
 * Waits until everything is idle. A clock that jumps by itself does not jump before.
 *
 * @since 0.1.0
 */
export const settle: Effect.Effect<void, never, FakeClock> = FakeClock.use((clock) => clock.settle)

/**
 * Goes to the next time that somebody sleeps until, and lets everybody run who slept until then. `false` if nobody sleeps.
 *
 * @since 0.1.0
 */
export const jump: Effect.Effect<boolean, never, FakeClock> = FakeClock.use((clock) => clock.jump)

/**
 * Lets so much time pass, waking who is due on the way, in order. At the end everybody who was due has run.
 *
 * @since 0.1.0
 */
export const advance = (duration: Duration.Input): Effect.Effect<void, never, FakeClock> =>
  FakeClock.use((clock) => clock.advance(duration))

/**
 * Sets the wall clock forward, or back by a negative duration, and nothing else: as somebody does who corrects it, or a
 * machine that slept. The monotonic clock, by which everybody sleeps, goes on as if nothing had happened. An engine is told at
 * once (`Calls.ClockChanges`), where in life it may take half a minute to notice.
 *
 * @example
 * yield* FakeClock.setForward("1 hour")
 * yield* FakeClock.setForward("-1 hours")
 * @since 0.1.0
 */
export const setForward = (duration: Duration.Input): Effect.Effect<void, never, FakeClock> =>
  FakeClock.use((clock) => clock.setForward(duration))

/**
 * Runs an effect of which something happens where the clock cannot see it, such as a request to another process. Time
 * stands still while it runs.
 *
 * @since 0.1.0
 */
export const outside = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | FakeClock> =>
  FakeClock.use((clock) => clock.outside(effect))

interface Sleeper {
  readonly at: number
  /** It is `advance` that waits: time may pass until then, and it wakes after everybody else of that time. */
  readonly byHand: boolean
  readonly wake: () => void
}

class Time implements Clock.Clock {
  readonly scheduler: Scheduler.Scheduler
  private readonly auto: boolean
  private readonly thorough: boolean
  private readonly warnAfterMillis: number
  private readonly start: number
  private time: number
  /** How far the wall clock is ahead of the time that everybody sleeps by. */
  private ahead = 0
  /** In the order in which they wake. */
  private readonly sleepers: Array<Sleeper> = []
  /** Those who wait until everything is idle. */
  private readonly idlers: Array<() => void> = []
  /** Those who are told when the wall clock is set. */
  private readonly listeners = new Set<() => void>()
  /** Counts the steps of all fibers. */
  private steps = 0
  /** Tasks that are scheduled and have not run. */
  private pending = 0
  private outsiders = 0
  private watching = false
  private closed = false
  private warned = false
  private warning: NodeJS.Timeout | undefined

  constructor(options: Options, parent: Scheduler.Scheduler) {
    this.start = this.time = options.start ?? Date.UTC(2026, 0, 1)
    this.auto = options.auto ?? true
    this.thorough = options.patience !== "brief"
    this.warnAfterMillis = options.warnAfterMillis ?? 1000
    this.scheduler = this.observe(parent)
    if (this.thorough) watchRequests()
  }

  currentTimeMillisUnsafe = (): number => this.time + this.ahead
  currentTimeNanosUnsafe = (): bigint => nanos(this.time + this.ahead)
  monotonicTimeNanosUnsafe = (): bigint => nanos(this.time - this.start)
  readonly currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe)
  readonly currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe)
  readonly monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe)
  readonly now = this.currentTimeMillis

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    return millis === Infinity ? Effect.never : this.wait(millis, false)
  }

  readonly settle: Effect.Effect<void> = Effect.callback((resume) => {
    const idler = () => resume(Effect.void)
    this.idlers.push(idler)
    this.watch()
    return Effect.sync(() => remove(this.idlers, idler))
  })

  readonly advance = (duration: Duration.Input): Effect.Effect<void> =>
    this.wait(Duration.toMillis(Duration.fromInputUnsafe(duration)), true)

  readonly jump: Effect.Effect<boolean> = Effect.flatMap(this.settle, () => {
    const next = this.sleepers[0]
    return next === undefined ? Effect.succeed(false) : Effect.as(this.wait(next.at - this.time, true), true)
  })

  readonly setForward = (duration: Duration.Input): Effect.Effect<void> =>
    Effect.sync(() => {
      this.ahead += Duration.toMillis(Duration.fromInputUnsafe(duration))
      for (const listener of this.listeners) listener()
    })

  readonly listen = (listener: () => void): () => void => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  readonly outside = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.sync(() => void this.outsiders++),
      () => effect,
      () =>
        Effect.sync(() => {
          this.outsiders--
          this.watch()
        })
    )

  close(): void {
    this.closed = true
    clearTimeout(this.warning)
    if (this.thorough) unwatchRequests()
  }

  private wait(millis: number, byHand: boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const sleeper: Sleeper = { at: this.time + millis, byHand, wake: () => resume(Effect.void) }
      const later = this.sleepers.findIndex((other) =>
        other.at > sleeper.at || (other.at === sleeper.at && other.byHand && !byHand)
      )
      this.sleepers.splice(later === -1 ? this.sleepers.length : later, 0, sleeper)
      this.watch()
      return Effect.sync(() => remove(this.sleepers, sleeper))
    })
  }

  private observe(parent: Scheduler.Scheduler): Scheduler.Scheduler {
    return {
      executionMode: parent.executionMode,
      shouldYield: (fiber) => {
        this.steps++
        return parent.shouldYield(fiber)
      },
      makeDispatcher: () => this.count(parent.makeDispatcher())
    }
  }

  private count(dispatcher: Scheduler.SchedulerDispatcher): Scheduler.SchedulerDispatcher {
    return {
      scheduleTask: (task, priority) => {
        this.pending++
        dispatcher.scheduleTask(() => {
          this.pending--
          this.steps++
          task()
        }, priority)
      },
      flush: () => dispatcher.flush()
    }
  }

  private watch(): void {
    if (this.watching || this.closed) return
    this.watching = true
    void this.turnWhenIdle()
  }

  private async turnWhenIdle(): Promise<void> {
    while (this.waited()) {
      if (await this.idle()) this.turn()
    }
    this.watching = false
    if (this.sleepers.length === 0) this.warnLater()
  }

  /** Somebody waits for what comes with idleness. */
  private waited(): boolean {
    if (this.closed || this.outsiders > 0) return false
    return this.idlers.length > 0 ||
      (this.sleepers.length > 0 && (this.auto || this.sleepers.some((sleeper) => sleeper.byHand)))
  }

  private async idle(): Promise<boolean> {
    const before = this.steps
    const quiet = () => this.steps === before && this.pending === 0 && this.outsiders === 0 && requests.size === 0
    let turns = this.thorough ? 10 : 1
    do await turnOfTheLoop()
    while (--turns > 0 && quiet())
    return quiet()
  }

  private turn(): void {
    const idler = this.idlers.shift()
    if (idler !== undefined) return idler()
    const sleeper = this.waited() ? this.sleepers.shift() : undefined
    if (sleeper === undefined) return
    this.time = Math.max(this.time, sleeper.at)
    sleeper.wake()
  }

  private warnLater(): void {
    clearTimeout(this.warning)
    if (this.warned || this.closed) return
    const { steps } = this
    this.warning = setTimeout(() => {
      if (this.steps !== steps || this.pending > 0 || this.outsiders > 0) return
      this.warned = true
      process.emitWarning(standstill, "FakeClock")
    }, this.warnAfterMillis).unref()
  }
}

const standstill =
  "Nothing runs and nobody sleeps, so virtual time stands still. If a test hangs, it waits for something that will not " +
  "come, or that happens where the clock cannot see it: then wrap that in FakeClock.outside."

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1000)) * 1000n

const remove = <A>(list: Array<A>, item: A): void => {
  const index = list.indexOf(item)
  if (index !== -1) list.splice(index, 1)
}

const turnOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

/** What Node has been asked to do outside of the event loop and has not done, by async id. */
const requests = new Set<number>()
const isRequest = /^(?!HTTP).*REQ|CONNECTWRAP|QUERYWRAP/
let watchers = 0

const hook = createHook({
  trackPromises: false, // known from Node 24 on; before, promises are slower while a thorough clock is open
  init(id, type) {
    if (isRequest.test(type)) requests.add(id)
  },
  after: (id) => void requests.delete(id),
  destroy: (id) => void requests.delete(id)
})

const watchRequests = () => {
  if (watchers++ === 0) hook.enable()
}

const unwatchRequests = () => {
  if (--watchers > 0) return
  hook.disable()
  requests.clear()
}
