/**
 * Lines of the log for what may come without a bound: what happens is gathered for a second and told, and then once a minute
 * at most.
 */
import { Effect } from "effect"
import type { Run } from "./background.ts"

/** So many of what was gathered are kept for the line; the others are counted. */
const kept = 20

/** Gathers one more. */
export type Gather<A> = (item: A) => void

/** `tell` is given the first that were gathered and how many there were in all. */
export const make = <A>(run: Run, tell: (first: ReadonlyArray<A>, count: number) => Effect.Effect<void>): Gather<A> => {
  let first: Array<A> = []
  let count = 0
  let isTelling = false

  const flush = Effect.suspend(() => {
    const gathered = first
    const all = count
    first = []
    count = 0
    return all === 0 ? Effect.void : tell(gathered, all)
  })

  const round = Effect.andThen(
    Effect.ensuring(Effect.sleep("1 second"), flush),
    Effect.onInterrupt(Effect.sleep("1 minute"), () => flush)
  )
  const rounds = Effect.whileLoop({ while: () => count > 0, body: () => round, step: () => undefined })
  const telling = Effect.andThen(
    rounds,
    Effect.sync(() => {
      isTelling = false
    })
  )

  return (item) => {
    count++
    if (first.length < kept) first.push(item)
    if (isTelling) return
    isTelling = true
    run(telling)
  }
}
