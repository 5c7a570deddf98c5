/**
 * Lines of the log about what may come without a bound: of each kind one at once, and then one a minute at most, with how often
 * it came.
 */
import { Clock, Effect } from "effect"

/** It came once more. */
export type Tell<Kind> = (kind: Kind, line: (count: number) => Effect.Effect<void>) => Effect.Effect<void>

/** Makes what tells. */
export const make = <Kind>(): Tell<Kind> => {
  const told = new Map<Kind, { at: number; count: number }>()
  return Effect.fnUntraced(function*(kind, line) {
    const last = told.get(kind) ?? { at: -Infinity, count: 0 }
    told.set(kind, last)
    last.count++
    const now = yield* Clock.currentTimeMillis
    if (now - last.at < 60_000) return
    const { count } = last
    last.at = now
    last.count = 0
    yield* line(count)
  })
}
