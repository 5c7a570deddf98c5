/**
 * The clock of an application that is tried by hand: real time, in which whatever is skipped at the emulator has passed too.
 * So a flow that sleeps until tomorrow goes on when a day is skipped, and a prompt that is skipped ends when it should.
 *
 * Give it to the whole program, beneath the engine and the server.
 *
 * Where the store has a clock of its own, as PostgreSQL has, times that are taken from there do not skip.
 *
 * @since 0.1.0
 */
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as EmulatorApi from "./EmulatorApi.ts"

/**
 * A clock that goes with the emulator at this address. While the emulator cannot be reached it is an ordinary clock. What
 * was skipped before does not count.
 *
 * @example
 * const Whole = Layer.provideMerge(Calls.layer({ flows }), EmulatorClock.layer("http://127.0.0.1:4010"))
 * @since 0.1.0
 */
export const layer = (url: string | URL): Layer.Layer<never> => Layer.effect(Clock.Clock, make(String(url)))

const make = Effect.fnUntraced(function*(baseUrl: string) {
  const clock = new SkippingClock(yield* Clock.Clock)
  const { day } = yield* HttpApiClient.make(EmulatorApi.EmulatorApi, { baseUrl })
  const first = yield* Effect.timeoutOption(Effect.option(day.skipped({ query: {} })), "2 seconds")
  let seen = Option.getOrUndefined(Option.flatten(first))?.millis
  const look = Effect.suspend(() => day.skipped({ query: seen === undefined ? {} : { beyond: seen, wait: 30 } })).pipe(
    Effect.map(({ millis }) => {
      clock.skip(millis - (seen ?? millis))
      seen = millis
    }),
    Effect.catch(() => Effect.sleep("1 second"))
  )
  yield* Effect.forkScoped(Effect.forever(look))
  return clock
}, Effect.provide(FetchHttpClient.layer))

interface Sleeper {
  readonly due: bigint
  readonly lookAgain: () => void
}

class SkippingClock implements Clock.Clock {
  private readonly life: Clock.Clock
  private skipped = 0n
  private readonly sleepers = new Set<Sleeper>()

  constructor(life: Clock.Clock) {
    this.life = life
  }

  currentTimeMillisUnsafe = (): number => this.life.currentTimeMillisUnsafe() + Number(this.skipped / 1_000_000n)
  currentTimeNanosUnsafe = (): bigint => this.life.currentTimeNanosUnsafe() + this.skipped
  monotonicTimeNanosUnsafe = (): bigint => this.life.monotonicTimeNanosUnsafe() + this.skipped
  readonly currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe)
  readonly currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe)
  readonly monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe)

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (millis === Infinity) return Effect.never
    return Effect.suspend(() => this.sleepUntil(this.monotonicTimeNanosUnsafe() + BigInt(Math.ceil(millis * 1e6))))
  }

  /** Who is due first looks first. */
  skip(millis: number): void {
    if (!(millis > 0)) return
    this.skipped += BigInt(Math.round(millis * 1e6))
    const sleepers = Array.from(this.sleepers).toSorted((a, b) => a.due < b.due ? -1 : a.due > b.due ? 1 : 0)
    for (const sleeper of sleepers) sleeper.lookAgain()
  }

  private sleepUntil(due: bigint): Effect.Effect<void> {
    return Effect.suspend(() => {
      const nanos = due - this.monotonicTimeNanosUnsafe()
      if (nanos <= 0n) return Effect.void
      const rest = this.life.sleep(Duration.nanos(nanos))
      return Effect.andThen(Effect.raceFirst(this.skipIsHeard(due), rest), this.sleepUntil(due))
    })
  }

  private skipIsHeard(due: bigint): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const sleeper: Sleeper = { due, lookAgain: () => resume(Effect.void) }
      this.sleepers.add(sleeper)
      return Effect.sync(() => void this.sleepers.delete(sleeper))
    })
  }
}
