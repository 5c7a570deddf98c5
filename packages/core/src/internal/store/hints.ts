/**
 * Tells whoever waits for turns that there may be new ones. It is only a hint, so nothing is kept for those who are slow: what
 * there is they read from the store.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"

/** Who wakes, and whether there will be anything to wake for. */
export interface Hints {
  /** Turns of these calls were stored. */
  readonly tell: (turns: ReadonlyArray<{ readonly callId: CallId }>) => void
  /** Listens for one call, or for all of them. */
  readonly listen: (callId?: CallId) => Effect.Effect<Listener, never, Scope.Scope>
  /** Whether the store has closed. */
  readonly isClosed: () => boolean
  /** How often something was told. */
  readonly count: () => number
}

/** One who waits. */
export interface Listener {
  /** From now on there is nothing new. */
  readonly reset: () => void
  /** Ends when something came since `reset`, or the store closes. */
  readonly something: Effect.Effect<void>
}

class Waiting implements Listener {
  private isTold = false
  private wake: (() => void) | undefined = undefined

  reset(): void {
    this.isTold = false
  }

  tell(): void {
    this.isTold = true
    this.wake?.()
  }

  readonly something = Effect.callback<void>((resume) => {
    if (this.isTold) return resume(Effect.void)
    this.wake = () => resume(Effect.void)
    return Effect.sync(() => {
      this.wake = undefined
    })
  })
}

/** Nobody waits yet. Wakes all when its scope closes. */
export const make: Effect.Effect<Hints, never, Scope.Scope> = Effect.suspend(() => {
  const ofAll = new Set<Waiting>()
  const ofCalls = new Map<CallId, Set<Waiting>>()
  let isClosed = false
  let count = 0

  const tellAll = (some: Iterable<Waiting> | undefined): void => {
    for (const each of some ?? []) each.tell()
  }

  const add = (callId: CallId | undefined): Waiting => {
    const waiting = new Waiting()
    const before = callId === undefined ? ofAll : ofCalls.get(callId)
    if (before === undefined) ofCalls.set(callId!, new Set([waiting]))
    else before.add(waiting)
    if (isClosed) waiting.tell()
    return waiting
  }

  const remove = (waiting: Waiting, callId: CallId | undefined): void => {
    const some = callId === undefined ? ofAll : ofCalls.get(callId)
    some?.delete(waiting)
    if (callId !== undefined && some?.size === 0) ofCalls.delete(callId)
  }

  const hints: Hints = {
    tell: (turns) => {
      count++
      tellAll(ofAll)
      if (ofCalls.size > 0) { for (const { callId } of turns) tellAll(ofCalls.get(callId)) }
    },
    listen: (callId) =>
      Effect.acquireRelease(Effect.sync(() => add(callId)), (waiting) => Effect.sync(() => remove(waiting, callId))),
    isClosed: () => isClosed,
    count: () => count
  }
  const close = Effect.sync(() => {
    isClosed = true
    tellAll(ofAll)
    for (const some of ofCalls.values()) tellAll(some)
  })
  return Effect.as(Effect.addFinalizer(() => close), hints)
})
