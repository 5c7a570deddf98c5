/** Looks from outside at work that is due, and how long nobody does it. */
import { EventStore } from "@ringback/core"
import { Effect } from "effect"
import type { Life } from "./runners.ts"

/** Work of a call that was due, and when it was seen undone last. */
export interface Gap {
  readonly callId: string
  readonly what: "due" | "orphaned"
  readonly words: string
  readonly from: number
  to: number
}

const every = "250 millis"

/** Looks until it is interrupted, and fills the list: each piece of work once. What the database does not tell now is not looked at. */
export const watch = Effect.fnUntraced(function*(lives: ReadonlyArray<Life>, gaps: Array<Gap>) {
  const store = yield* EventStore.EventStore
  const known = new Map<string, Gap>()
  const see = (gap: Gap) => {
    const name = `${gap.callId} ${gap.what} ${gap.from}`
    const before = known.get(name)
    if (before !== undefined) return void (before.to = gap.to)
    known.set(name, gap)
    gaps.push(gap)
  }
  const look = Effect.gen(function*() {
    const now = Date.now()
    for (const { callId, due, waitingFor } of yield* store.due({ before: now })) {
      see({ callId, what: "due", words: waitingFor, from: due ?? now, to: now })
    }
    const alive = new Set(lives.flatMap(({ died, name }) => name === undefined || died < Infinity ? [] : [name]))
    const endOf = new Map(lives.map(({ died, name }) => [name, died]))
    for (const { at, callId, process, waitingFor } of yield* store.orphans(alive)) {
      const from = Math.max(at, endOf.get(process ?? "") ?? at)
      see({ callId, what: "orphaned", words: waitingFor, from, to: now })
    }
  })
  return yield* Effect.forever(Effect.andThen(Effect.ignore(Effect.timeout(look, "2 seconds")), Effect.sleep(every)))
})
