/**
 * Says of what fails again and again that it does: one warning when it begins, at most one a minute while it lasts, with
 * how often it failed, and one line when it is over. Whatever is tried without an end has one.
 */
import { Effect, Schedule } from "effect"
import type { CallNotFound } from "../CallError.ts"
import type { StoreError } from "../EventStore.ts"
import * as Defect from "./defect.ts"

/** So long is nothing said again, in milliseconds. */
const pause = 60_000

/** Work that nobody waits for goes on trying while the store is down. */
const whileItFails = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("5 seconds")])

/** Whether trying again does not help: the call is not there, or the store refuses it, or this process cannot read it. */
export const isLasting = (error: StoreError | CallNotFound): boolean =>
  error._tag === "CallNotFound" || error.reason._tag === "Rejected" || error.reason._tag === "Unreadable"

/** How it is said that something fails, what then becomes of it, and how that it is over. */
interface Words {
  readonly fails: string
  readonly next?: string
  readonly over: string
}

/** What is said of one thing that may fail. */
export class Report {
  private readonly words: Words
  private readonly elapsed: () => number
  private failures = 0
  private since = 0
  private saidAt = -Infinity
  private isSaid = false
  private trying = 0

  constructor(words: Words, elapsed: () => number) {
    this.words = words
    this.elapsed = elapsed
  }

  /** Whether it failed and is not over. */
  get isBegun(): boolean {
    return this.failures > 0
  }

  /** How long it has failed, in milliseconds, and how often; `undefined` if it does not. */
  get failing(): { readonly forMillis: number; readonly failures: number } | undefined {
    return this.failures === 0 ? undefined : { forMillis: this.elapsed() - this.since, failures: this.failures }
  }

  /** It failed, or failed again. */
  failed(problem: string): Effect.Effect<void> {
    const now = this.elapsed()
    if (this.failures++ === 0) this.since = now
    if (now - this.saidAt < pause) return Effect.void
    this.saidAt = now
    const before = this.isSaid
    this.isSaid = true
    const { fails, next } = this.words
    const how = before ? `${this.lasting(now)}, ${this.times()}` : next
    return Effect.logWarning(`${fails}${how === undefined ? "" : `, ${how}`}: ${Defect.masked(problem)}`)
  }

  /** It works again, or nothing tries it any more. */
  over(): Effect.Effect<void> {
    if (this.failures === 0) return Effect.void
    const said = `${this.words.over}, ${this.lasting(this.elapsed())}, ${this.times()}`
    const { isSaid } = this
    this.failures = 0
    this.isSaid = false
    return isSaid ? Effect.logInfo(said) : Effect.void
  }

  /** Tries for as long as the failure may pass. A schedule costs much to begin, so it begins with the first failure. */
  readonly untilDone = <A, E extends StoreError | CallNotFound>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.catch(effect, (error) => isLasting(error) ? Effect.fail(error) : this.goOnTrying(effect, error))

  /** The same for what has failed already. */
  goOnTrying<A, E extends StoreError | CallNotFound>(effect: Effect.Effect<A, E>, first: E): Effect.Effect<A, E> {
    const said = Effect.tapError(effect, (error) => isLasting(error) ? Effect.void : this.failed(error.message))
    const tried = Effect.retry(said, { schedule: whileItFails, while: (error) => !isLasting(error) })
    return Effect.suspend(() => {
      this.trying++
      const begun = Effect.andThen(this.failed(first.message), Effect.delay(tried, "50 millis"))
      return Effect.ensuring(begun, Effect.suspend(() => --this.trying === 0 ? this.over() : Effect.void))
    })
  }

  private lasting(now: number): string {
    return `after ${Math.round((now - this.since) / 1000)} s`
  }

  private times(): string {
    return this.failures === 1 ? "1 failure" : `${this.failures} failures`
  }
}
