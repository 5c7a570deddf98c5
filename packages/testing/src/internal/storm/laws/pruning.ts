/** What is pruned stays pruned: who pruned, held against what was started, what came in, and what was left. */
import type { CallEvent } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

export const residuals = {
  fromMemory: "a start under the key of a pruned call that a process answered from memory, while the store failed"
} as const

/** How far clocks may be from each other, and after one of them was set, in milliseconds. */
const apart = { usual: 5_000, set: 5 * 60 * 60_000 }

export const check = (history: StormHistory.StormHistory): Findings =>
  history.prunings.length === 0 ? none : [
    ...history.told.started.flatMap((started) => starts(history, started)),
    ...history.told.keysPruned.flatMap((refused) => refusals(history, refused)),
    ...history.told.missing.flatMap(({ endedAt, id, seq }) =>
      wasGone(history, id, endedAt, seq) ? none : [violation("a call was called pruned that is there")]
    ),
    ...StoredCalls.of(history).calls.flatMap((call) => [...begins(history, call), ...behind(history, call)]),
    ...history.deliveries.flatMap((delivery) => answers(history, delivery)),
    ...history.looks.flatMap((look) => [...leftovers(look), ...victims(history, look)]),
    ...history.prunings.flatMap((pruning) => [...done(history, pruning), ...spared(history, pruning)])
  ]

/** Whether somebody pruned a call, that may have gone with that: it was over, and long enough ago or one too many. */
const takes = (
  { answered, endedBefore, keepAtMost }: StormHistory.Pruning,
  { over }: StoredCalls.StoredCall
): boolean =>
  over !== undefined && over.seq < (answered?.seq ?? Infinity) &&
  (keepAtMost !== undefined || (endedBefore !== undefined && over.turn.at < endedBefore))

/** When a call that went surely had gone, and until when it is surely remembered. */
interface Gone {
  readonly by: number
  readonly until: number
}

const goneOf = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Gone | undefined => {
  const ends = call.next?.turns[0]!.turn.seq ?? Infinity
  const look = history.looks.find(({ pruned, seq }) =>
    seq > call.turns[0]!.turn.seq && seq < ends && pruned.some(({ id }) => id === call.id)
  )
  if (look === undefined) return undefined
  const times = history.prunings.filter((pruning) => pruning.seq < look.seq && takes(pruning, call))
  const rememberFor = Math.min(...times.map(({ rememberFor }) => rememberFor))
  const isSet = history.lives.some(({ jumped }) => jumped.length > 0)
  return { by: look.seq, until: (call.over?.at ?? 0) + rememberFor - (isSet ? apart.set : apart.usual) }
}

/** Whether a call is gone when the run is over. */
export const isGone = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): boolean =>
  call.next !== undefined || goneOf(history, call) !== undefined

/** Whether a call may have gone before a moment. */
export const isPerhapsGone = (
  history: StormHistory.StormHistory,
  call: StoredCalls.StoredCall,
  before: number
): boolean => history.prunings.some((pruning) => pruning.seq < before && takes(pruning, call))

const isRemembered = (gone: Gone | undefined, since: number, at: number): gone is Gone =>
  gone !== undefined && gone.by < since && at < gone.until

/** A start under the key of a call that has gone fails, and gives no call: at most the old one, of which a process knows still. */
const starts = (history: StormHistory.StormHistory, started: StormHistory.Started): Findings => {
  const { at, begun, id, incarnation, isNew } = started
  const isOfGone = StoredCalls.of(history).calls.some((call) =>
    call.id === id && isRemembered(goneOf(history, call), begun.seq, at)
  )
  if (!isOfGone) return none
  const failed = history.lives[incarnation - 1]!.failed.some((failure) => failure >= begun.at && failure <= at)
  return failed && !isNew
    ? [remains(residuals.fromMemory)]
    : [violation("a start under the key of a call that was pruned gave one")]
}

/** Whether a call that was over at a time may have gone before a moment. */
const wasGone = (history: StormHistory.StormHistory, id: CallEvent.CallId, endedAt: number, before: number): boolean =>
  StoredCalls.of(history).calls.some((call) =>
    call.id === id && call.over?.turn.at === endedAt && isPerhapsGone(history, call, before)
  )

/** A start fails as pruned for a call that is, in words that name it and when it was over. */
const refusals = (
  history: StormHistory.StormHistory,
  { endedAt, id, message, seq }: StormHistory.KeyPruned
): Findings => {
  if (!wasGone(history, id, endedAt, seq)) return [violation("a start failed as if its call had been pruned")]
  return message.includes(id) && message.includes(new Date(endedAt).toISOString())
    ? none
    : [violation("a start failed without the words for it")]
}

/** Neither a key that is remembered nor an event of a session begins a call. */
const begins = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const { calls } = StoredCalls.of(history)
  const { at, begun, turn: { events: [first] } } = call.turns[0]!.turn
  const isBefore = (other: StoredCalls.StoredCall) =>
    other !== call && isRemembered(goneOf(history, other), begun.seq, at)
  if (calls.some((other) => other.id === call.id && isBefore(other))) {
    return [violation("a call that was pruned and is remembered began again")]
  }
  return first?._tag === "CallArrived" && calls.some((other) => hasSession(other, first.referenceId) && isBefore(other))
    ? [violation("an event of a call that was pruned made a new call")]
    : none
}

const hasSession = ({ events }: StoredCalls.StoredCall, session: string): boolean =>
  events.some((event) => "referenceId" in event && event.referenceId === session)

/** Nothing is stored behind the end of a call that has gone. */
const behind = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const gone = goneOf(history, call)
  return gone !== undefined && call.turns.some(({ turn }) => turn.seq > gone.by)
    ? [violation("a turn was stored of a call that was pruned")]
    : none
}

/** What comes in of a call that has gone is answered with a hang-up at most, unless the store is late. */
const answers = (
  history: StormHistory.StormHistory,
  { answered, taken, webhook }: StormHistory.Delivery
): Findings => {
  const call = answered === undefined ? undefined : StoredCalls.of(history).callOf(webhook)
  const isGone = call !== undefined && isRemembered(goneOf(history, call), taken!.seq, answered!.at)
  if (!isGone || answered!.action === undefined || answered!.action._tag === "Hangup") return none
  return answered!.basis === "unrecorded hold"
    ? none
    : [violation(`${webhook.event} of a call that was pruned was acted on`)]
}

const leftovers = ({ rest }: StormHistory.Look): Findings =>
  rest.map((place) => violation(`something of a call that was pruned is left in ${place}`))

/** What has gone was over, and somebody had asked for it. */
const victims = (history: StormHistory.StormHistory, { pruned, seq }: StormHistory.Look): Findings =>
  pruned.flatMap(({ id }) => {
    const call = StoredCalls.callAt(history, id, seq)
    if (call?.over === undefined || call.over.seq > seq) return [violation("a call that runs was pruned")]
    return isPerhapsGone(history, call, seq)
      ? none
      : [violation("a call was pruned for which nobody had asked")]
  })

/** The look that follows when somebody has pruned. */
const lookAfter = (history: StormHistory.StormHistory, { answered }: StormHistory.Pruning) =>
  answered === undefined ? undefined : history.looks.find(({ seq }) => seq > answered.seq)

const isThere = ({ at, pruned, seq }: StormHistory.Look, history: StormHistory.StormHistory) => {
  const gone = new Set(pruned.map(({ id }) => id))
  const briefest = Math.min(...history.prunings.map(({ rememberFor }) => rememberFor)) - apart.set
  return (call: StoredCalls.StoredCall): boolean =>
    !gone.has(call.id) && call.turns[0]!.turn.seq < seq && call.next === undefined && at < call.over!.at + briefest
}

/** What was to go has gone. */
const done = (history: StormHistory.StormHistory, pruning: StormHistory.Pruning): Findings => {
  const look = lookAfter(history, pruning)
  const { endedBefore, keepAtMost, seq } = pruning
  if (look === undefined) return none
  const over = StoredCalls.of(history).calls.filter((call) =>
    call.over !== undefined && call.over.seq < seq && isThere(look, history)(call)
  )
  return [
    ...over.flatMap((call) =>
      endedBefore !== undefined && call.over!.turn.at < endedBefore
        ? [violation("a call stayed that was to be pruned")]
        : none
    ),
    ...over.length > (keepAtMost ?? Infinity) ? [violation("more calls stayed than were to be kept")] : none
  ]
}

/** What went is what nobody had asked to keep: the calls that ended last, as many as are kept. */
const spared = (history: StormHistory.StormHistory, { answered, seq }: StormHistory.Pruning): Findings => {
  if (answered === undefined) return none
  const ended = StoredCalls.of(history).calls.filter((call) => call.over !== undefined && call.over.seq < answered.seq)
  return answered.calls > ended.length && seq > 0 ? [violation("more calls were pruned than were over")] : none
}
