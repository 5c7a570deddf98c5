/** What the store tells when a run is over, page by page. */
import type { CallEvent, CallIndex, EventLog } from "@ringback/core"
import { PhoneNumber } from "@ringback/core"
import { Effect } from "effect"
import type * as StormHistory from "../../StormHistory.ts"
import type { View, World } from "./world.ts"

/** Small, so that lists have several pages. */
const pageSize = 2

const list = Effect.fnUntraced(function*(index: CallIndex.CallIndex["Service"], filter: CallIndex.Filter) {
  const calls: Array<CallIndex.Entry> = []
  for (let after: CallIndex.Cursor | undefined;;) {
    const page: CallIndex.Page = yield* index.list(filter, { limit: pageSize, after })
    calls.push(...page.calls)
    if (page.next === undefined) return calls
    after = page.next
  }
})

/** The ids of the turns after a place. */
const logAfter = Effect.fnUntraced(function*(log: EventLog.EventLog["Service"], after: EventLog.Position | undefined) {
  const ids: Array<string> = []
  for (let from = after;;) {
    const found: ReadonlyArray<EventLog.Entry> = yield* log.read({ after: from, limit: 1000 })
    ids.push(...found.map(({ turn }) => turn.id))
    if (found.length === 0) return ids
    from = found.at(-1)!.position
  }
})

/** Those whom calls dialled, who called, and with whom callers were connected. */
const numbersIn = ({ records }: World): ReadonlySet<string> => {
  const numbers = new Set<string>()
  for (const { turn } of records.turns) {
    for (const event of turn.events) {
      if (event._tag === "DialPlanned") numbers.add(event.to)
      if (event._tag === "CallArrived" && event.from !== undefined) numbers.add(event.from)
      if (event._tag === "ActionDecided" && event.action._tag === "Dial") numbers.add(event.action.to)
    }
  }
  return numbers
}

/** Reads it all. `unread` is what was left for who follows the log. */
export const read = (
  world: World,
  view: View,
  followedUntil: EventLog.Position | undefined
): Effect.Effect<StormHistory.Kept> =>
  Effect.gen(function*() {
    if (world.records.prunings.length > 0) world.records.looks.push({ ...world.moment(), ...yield* view.look })
    const index = world.options.sabotage.index?.(view.index) ?? view.index
    const byNumber = new Map<string, ReadonlyArray<CallEvent.CallId>>()
    for (const number of numbersIn(world)) {
      const calls = yield* list(index, { number: PhoneNumber.make(number) })
      byNumber.set(number, calls.map(({ callId }) => callId))
    }
    return {
      calls: yield* list(index, {}),
      counts: yield* index.counts(),
      byNumber,
      log: yield* logAfter(view.log, undefined),
      unread: yield* logAfter(view.log, followedUntil)
    }
  }).pipe(Effect.orDie)
