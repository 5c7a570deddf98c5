/**
 * A call made again from its events: the flow runs over the log, and what it decides now is compared with what it decided then.
 *
 * @since 0.1.0
 */
import { type Call, evolve } from "./Call.ts"
import { type CallEvent, type CallId, isDecision } from "./CallEvent.ts"
import type { Decided } from "./Decider.ts"
import { type Body, Collector, type Moment as MomentOf } from "./internal/call/collector.ts"
import * as Masked from "./internal/masked.ts"
import { type AnyDefinition, type LiveCall, over, prepare, settled } from "./LiveCall.ts"

/**
 * Where a flow first disagrees with a log. `recorded` and `now` name kinds and fields, never values.
 *
 * @since 0.1.0
 */
export interface Divergence {
  readonly at: number
  readonly recorded: string
  readonly now: string
}

/**
 * A call made again, and where its flow disagrees with the log.
 *
 * @since 0.1.0
 */
export interface Replayed {
  readonly live: LiveCall
  readonly divergence: Divergence | undefined
}

const differingField = (recorded: CallEvent, now: CallEvent): string | undefined => {
  const fields = new Set([...Object.keys(recorded), ...Object.keys(now)])
  for (const field of fields) {
    const [a, b] = [recorded, now].map((event) =>
      Masked.whole(() => JSON.stringify((event as Record<string, unknown>)[field]))
    )
    if (a !== b) return field
  }
  return undefined
}

const compare = (at: number, recorded: CallEvent | undefined, now: CallEvent | undefined): Divergence | undefined => {
  if (recorded?._tag !== now?._tag || recorded === undefined || now === undefined) {
    return { at, recorded: recorded?._tag ?? "nothing", now: now?._tag ?? "nothing" }
  }
  const field = differingField(recorded, now)
  return field === undefined
    ? undefined
    : { at, recorded: `${recorded._tag} with another ${field}`, now: `${now._tag}` }
}

/**
 * Makes a call again from its events: folds the state and runs the flow over the log, comparing what it decides now with
 * what it decided then. A difference is reported and the flow is not trusted any further.
 *
 * @since 0.1.0
 */
export const rebuild = (id: CallId, definition: AnyDefinition, events: ReadonlyArray<CallEvent>): Replayed => {
  const first = events[0]
  const input = first?._tag === "CallStarted" ? first.input : {}
  return replay(prepare(id, definition, input), events)
}

/**
 * Goes on with a call by the events that came since, of whole turns: what `rebuild` makes of all of them. A difference is counted
 * from the first of these.
 *
 * @since 0.1.0
 */
export const goOn = (live: LiveCall, events: ReadonlyArray<CallEvent>): Replayed => replay(live, events)

/**
 * What a flow did: it asked for something, went on from what became of that, or ended. `isOpen` says whether somebody was then on
 * the line that the flow held.
 *
 * @since 0.1.0
 */
export type Moment = MomentOf

/**
 * What the flow of a call did, from its log: each request with what became of it, those too that are answered at once. It ends
 * where the flow disagrees with the log.
 *
 * @since 0.1.0
 */
export const moments = (
  id: CallId,
  definition: AnyDefinition,
  events: ReadonlyArray<CallEvent>
): ReadonlyArray<Moment> => {
  const first = events[0]
  const found: Array<Moment> = []
  const input = first?._tag === "CallStarted" ? first.input : {}
  replay(prepare(id, definition, input), events, (moment) => found.push(moment))
  return found
}

/**
 * Runs a flow over a log: the facts are fed to it, and each decision that it takes is compared with the recorded one.
 * `before` is the call between two turns, or before its first event, with its flow not begun.
 */
const replay = (
  before: LiveCall,
  events: ReadonlyArray<CallEvent>,
  watch?: (moment: Moment) => void
): Replayed => {
  let live = before
  let expected: ReadonlyArray<CallEvent> = []
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!
    if (isDecision(event) && live.call.unheardSince !== undefined) {
      live = endedUnheard(live, event)
      continue
    }
    if (isDecision(event) || expected.length > 0) {
      const [now, ...rest] = expected
      const divergence = compare(i, event, now)
      if (divergence !== undefined) return { live: folded(live, before.call, events), divergence }
      expected = rest
      continue
    }
    const turn = new Collector(live, event.at, watch)
    const { at: _, ...body } = event
    turn.fact(body as Body)
    expected = turn.events.slice(1)
    live = turn.live
  }
  if (expected.length > 0) {
    return { live: folded(live, before.call, events), divergence: compare(events.length, undefined, expected[0])! }
  }
  return { live, divergence: undefined }
}

/** The end of a call whose flow has not heard of it: nothing of it runs any more. */
const endedUnheard = ({ call, definition, step }: LiveCall, event: CallEvent): LiveCall => ({
  call: evolve(call, event),
  definition,
  step: event._tag === "FlowEnded" ? over : step
})

/** The state that the log tells, where the flow is not to be trusted. */
const folded = (live: LiveCall, before: Call, events: ReadonlyArray<CallEvent>): LiveCall => ({
  ...live,
  call: events.reduce(evolve, before)
})

/**
 * Ends a call whose flow disagrees with its log.
 *
 * @since 0.1.0
 */
export const diverge = (live: LiveCall, divergence: Divergence, now: number): Decided => {
  const turn = new Collector(live, now)
  turn.diverged(divergence.at, divergence.recorded, divergence.now)
  return { events: turn.decided, live: settled(turn.call, turn.definition), answer: "nothing" }
}
