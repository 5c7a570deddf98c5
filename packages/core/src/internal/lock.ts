/**
 * A lock that those who find it free take at once, in plain code: a `Semaphore` of Effect needs a fiber even for that, and
 * each webhook takes one.
 */
import { Effect } from "effect"

/** Held by one at a time. Whoever waits gets it in the order of coming, and is not to be interrupted meanwhile. */
export class Lock {
  private isHeld = false
  private waiting: Array<() => void> | undefined

  /** Takes it if it is free. */
  takeUnsafe(): boolean {
    if (this.isHeld) return false
    this.isHeld = true
    return true
  }

  /** Takes it when it is free. */
  readonly take: Effect.Effect<void> = Effect.suspend(() => this.takeUnsafe() ? Effect.void : this.handedOver)

  /** Gives it to whoever waits for it. They go on by themselves, so that a long line needs no deep stack. */
  releaseUnsafe(): void {
    const next = this.waiting?.shift()
    if (next === undefined) this.isHeld = false
    else next()
  }

  private readonly handedOver: Effect.Effect<void> = Effect.andThen(
    Effect.callback<void>((resume) => {
      this.waiting ??= []
      this.waiting.push(() => resume(Effect.void))
    }),
    Effect.yieldNow
  )
}
