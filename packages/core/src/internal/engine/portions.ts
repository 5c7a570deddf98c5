/**
 * Who sees to what is left alone, where any process that lives could: each has its part of it, and works that off in one order. Who
 * does not get on with its part, so that the first of it stays the first for some looks, is passed by: its part falls to the others. So
 * the death of a process with many calls is work for all that live, and each call is work for one.
 */
import type { CallId } from "../../CallEvent.ts"
import { chosenOf } from "./neighbours.ts"

/** What is known of a call that is left. */
export interface Left {
  readonly callId: CallId
}

/** The parts of what is left. */
export interface Portions<A extends Left> {
  /** Learns what is left now, the next to be worked off first. */
  readonly learn: (left: ReadonlyArray<A>) => void
  /** Whether a call is in the part of this process. */
  readonly isOwn: (call: A) => boolean
}

/** How they are divided. */
export interface Options<A extends Left> {
  readonly process: string
  /** The processes that could see to a call, this one among them if it could. */
  readonly candidates: (call: A) => ReadonlyArray<string>
  readonly elapsed: () => number
  /** So long the first of a part may stay the first, in milliseconds. */
  readonly patience: number
}

/** Nothing is left yet. */
export const make = <A extends Left>({ candidates, elapsed, patience, process }: Options<A>): Portions<A> => {
  /** The first of each part, and since when it is. */
  let firsts: ReadonlyMap<string, { readonly id: CallId; readonly since: number }> = new Map()

  const isPassed = (candidate: string): boolean =>
    candidate !== process && elapsed() - (firsts.get(candidate)?.since ?? Infinity) >= patience

  return {
    learn: (left) => {
      const found = new Map<string, { readonly id: CallId; readonly since: number }>()
      for (const call of left) {
        const chosen = chosenOf(candidates(call), call.callId)
        if (chosen === undefined || found.has(chosen)) continue
        const before = firsts.get(chosen)
        found.set(chosen, before?.id === call.callId ? before : { id: call.callId, since: elapsed() })
      }
      firsts = found
    },
    isOwn: (call) => {
      const all = candidates(call)
      const working = all.filter((candidate) => !isPassed(candidate))
      return chosenOf(working.length === 0 ? all : working, call.callId) === process
    }
  }
}
