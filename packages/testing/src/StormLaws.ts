/**
 * The laws that hold however bad the day was, each with what it leaves open: a `Remains` is named, counted and allowed,
 * anything else is a `Violation`.
 *
 * @since 0.1.0
 */
import { CallEvent, Replay } from "@ringback/core"
import { isDeepStrictEqual } from "node:util"
import * as finding from "./internal/storm/finding.ts"
import * as activities from "./internal/storm/laws/activities.ts"
import * as copies from "./internal/storm/laws/copies.ts"
import * as deadlines from "./internal/storm/laws/deadlines.ts"
import * as holds from "./internal/storm/laws/holds.ts"
import * as lists from "./internal/storm/laws/lists.ts"
import * as order from "./internal/storm/laws/order.ts"
import * as others from "./internal/storm/laws/others.ts"
import * as owners from "./internal/storm/laws/owners.ts"
import * as pace from "./internal/storm/laws/pace.ts"
import * as pruning from "./internal/storm/laws/pruning.ts"
import * as record from "./internal/storm/laws/record.ts"
import * as rings from "./internal/storm/laws/rings.ts"
import * as secrets from "./internal/storm/laws/secrets.ts"
import * as shards from "./internal/storm/laws/shards.ts"
import * as StoredCalls from "./internal/storm/storedCalls.ts"
import type * as StormHistory from "./StormHistory.ts"

/**
 * What a law found in a history: a breach, or an outcome that the law names and allows.
 *
 * @since 0.1.0
 */
export type Finding = finding.Finding

/**
 * A law over a finished history. `remains` are the names of all that it leaves open: a finding of another name is a
 * mistake of the law, and counts as a breach.
 *
 * @since 0.1.0
 */
export type Law = finding.Law

/**
 * Makes a law of one's own.
 *
 * @example
 * const quick = StormLaws.make("it is over in an hour", (history) =>
 *   history.endedAt - history.turns[0]!.at > 3_600_000 ? [StormLaws.violation("it was not")] : [])
 * @since 0.1.0
 */
export const make = (name: string, check: Law["check"], remains: ReadonlyArray<string> = []): Law => ({
  name,
  check,
  remains
})

/**
 * A breach of a law. `problem` should hold no number, no key and no spoken word, for it is printed.
 *
 * @since 0.1.0
 */
export const violation: (problem: string) => Finding = finding.violation

/**
 * An outcome that a law allows, by its name.
 *
 * @since 0.1.0
 */
export const remains: (name: string) => Finding = finding.remains

const { none } = finding

/**
 * An intent is durable before the world sees it, and a webhook before it is answered. A dial is sent by the process that
 * recorded it.
 *
 * @since 0.1.0
 */
export const recordFirst: Law = make("record first", record.check, Object.values(record.residuals))

/**
 * No number rings twice without its author's permission: one ring for each dial that the flow asked for, and none while an
 * earlier one may ring.
 *
 * @since 0.1.0
 */
export const ringsOnce: Law = make(
  "a phone never rings twice by accident",
  rings.check,
  Object.values(rings.residuals)
)

/**
 * What was acknowledged to the application is in the store: a start, a signal, a cancellation. One key is one call, what
 * the application was told as an outcome is what is recorded, and the result of an activity is recorded once.
 *
 * @since 0.1.0
 */
export const nothingForgotten: Law = make("nothing decided is forgotten", (history) => {
  const { calls } = StoredCalls.of(history)
  const { cancelled, keysPruned, outcomes, signalled, started } = history.told
  const find = (id: CallEvent.CallId, seq: number) => StoredCalls.callAt(history, id, seq)
  const keys = StoredCalls.grouped([...started, ...keysPruned], ({ key }) => key)
  const breach = (is: boolean, problem: string) => is ? [violation(problem)] : none
  return [
    ...breach(keys.size < history.wanted, "no start was acknowledged"),
    ...started.flatMap(({ id, seq }) =>
      breach(find(id, seq) === undefined, "a call that was acknowledged is not stored")
    ),
    ...[...keys.values()].flatMap((starts) =>
      breach(starts.some(({ id }) => id !== starts[0]!.id), "one key became two calls")
    ),
    ...outcomes.flatMap(({ exit, id }) =>
      breach(
        !calls.some(({ call }) => call.id === id && isDeepStrictEqual(asStored(exit), asStored(call.exit))),
        "the application was told another outcome than the recorded one"
      )
    ),
    ...signalled.flatMap(({ id, key, seq }) =>
      breach(
        !isKept(find(id, seq), seq, (fact) => fact._tag === "SignalReceived" && fact.key === key),
        "a signal is lost"
      )
    ),
    ...cancelled.flatMap(({ id, seq }) =>
      breach(!isKept(find(id, seq), seq, (fact) => fact._tag === "Cancelled"), "a cancellation is lost")
    ),
    ...calls.flatMap(({ call, events }) =>
      breach(
        call.exit !== undefined && call.exit._tag !== "Stopped" && events.some(({ _tag }) => _tag === "Cancelled"),
        "a call went on as if nobody had cancelled it"
      )
    ),
    ...activities.check(history)
  ]
})

const asStored = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

/** What was acknowledged is recorded by then, once, unless the flow had ended before. */
const isKept = (
  call: StoredCalls.StoredCall | undefined,
  seq: number,
  is: (fact: CallEvent.CallEvent) => boolean
): boolean => {
  const kept = call === undefined ? [] : StoredCalls.eventsBefore(call, seq).filter(is)
  return kept.length === 1 ||
    (kept.length === 0 && call !== undefined && StoredCalls.stateAt(call, seq)?.exit !== undefined)
}

/**
 * A webhook that is delivered again gets the action in flight, and is recorded once.
 *
 * @since 0.1.0
 */
export const sameWebhookSameReply: Law = make(
  "the same webhook gets the same reply",
  copies.check,
  Object.values(copies.residuals)
)

/**
 * No event crashes anything, and nothing moves backwards: an outcome stands, a closed line stays closed, whoever answered
 * has answered. An answer that the end of its call overtook is heard all the same.
 *
 * @since 0.1.0
 */
export const orderDoesNotMatter: Law = make(
  "order does not matter",
  order.check,
  Object.values(order.residuals)
)

/**
 * A call reaches its outcome and its lines are closed, or presumed so. Whatever it waits for has a deadline, at which
 * something happens.
 *
 * @since 0.1.0
 */
export const everyCallEnds: Law = make(
  "every line is closed and every call ends",
  deadlines.ends,
  Object.values(deadlines.endResiduals)
)

/**
 * While a line is open, each event that can take an action and reaches the engine gets one before the reply deadline.
 *
 * @since 0.1.0
 */
export const noDeadAir: Law = make("no dead air", deadlines.air, Object.values(deadlines.airResiduals))

/**
 * The state in memory is what the log folds to, and the flow run over the log decides what is recorded: at every turn.
 *
 * @since 0.1.0
 */
export const replayIsTruth: Law = make("replay is truth", (history) => [
  ...history.strayed.map((when) => violation(`the state in memory differs from the log ${when}`)),
  ...StoredCalls.of(history).calls.filter(({ call }) => call.flow === history.flow.name).flatMap((
    { events, id, turns }
  ) => [
    ...untilCondemned(turns).flatMap(({ after, length }) => {
      const { divergence, live } = Replay.rebuild(id, history.flow, events.slice(0, length))
      if (divergence !== undefined) {
        return [violation(`a replay diverges at event ${divergence.at}: ${divergence.recorded}, now ${divergence.now}`)]
      }
      return isDeepStrictEqual(live.call, after) ? none : [violation("a replay gives another state than the fold")]
    }),
    ...events.flatMap((event) =>
      event._tag === "FlowEnded" && event.exit._tag === "Stopped" && event.exit.reason._tag === "FlowDiverged"
        ? [violation("the call was stopped as diverged")]
        : none
    )
  ])
])

/** The turns before the one that stopped a call whose decision threw: nothing of its flow runs in that, nor in a replay. */
const untilCondemned = (turns: StoredCalls.StoredCall["turns"]): StoredCalls.StoredCall["turns"] => {
  const condemned = turns.findIndex(({ turn: { turn: { events, version } } }) =>
    version > 1 && CallEvent.isDecision(events[0]!) &&
    events.some((event) =>
      event._tag === "FlowEnded" && event.exit._tag === "Stopped" && event.exit.reason._tag === "Defect"
    )
  )
  return condemned < 0 ? turns : turns.slice(0, condemned)
}

const takenOver = "an answer of a process that stood still and was taken over"
const unheardOf = "a dial that was recorded before the end of its call, of which its process had not heard"

/**
 * After its outcome a call sends nothing but a hang-up, to a line whose end was reported nothing at all, and no phone rings
 * for a dial that was not recorded before.
 *
 * @since 0.1.0
 */
export const nothingAfterTheEnd: Law = make("nothing after the end", (history) => [
  ...history.deliveries.flatMap((delivery) => answersAfterTheEnd(history, delivery)),
  ...StoredCalls.of(history).calls.flatMap((call) => dialsAfterTheEnd(history, call))
], [takenOver, unheardOf])

const answersAfterTheEnd = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): finding.Findings => {
  const { answered, incarnation, webhook } = delivery
  const call = StoredCalls.of(history).callOf(webhook)
  if (answered?.action === undefined || call === undefined) return none
  if (holds.isUnrecorded(delivery)) return none
  const { action, basis, seq } = answered
  // How its lines ended went with the call: one that shows life is hung up on.
  if (basis === "unclaimed" && pruning.isPerhapsGone(history, call, seq)) return none
  const breach = (
    problem: string
  ) => [StoredCalls.hasCompany(history, call, incarnation, seq) ? remains(takenOver) : violation(problem)]
  const ended = StoredCalls.durable(call, (event) => event._tag === "FlowEnded")
  if (ended !== undefined && seq > ended.seq && action._tag !== "Hangup") {
    return breach(`${action._tag} was sent after the outcome`)
  }
  if (webhook.kind === "CallCompleted") return [violation(`${action._tag} was sent in answer to the end`)]
  const closed = StoredCalls.durable(
    call,
    (event) => event._tag === "CallEnded" && event.referenceId === webhook.referenceId
  )
  const isOther = StoredCalls.lineAt(call, webhook, seq)?.referenceId !== webhook.referenceId
  return closed !== undefined && seq > closed.seq && !isOther
    ? breach(`${action._tag} was sent to a line whose end was recorded`)
    : none
}

const dialsAfterTheEnd = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): finding.Findings => {
  const end = call.events.findIndex((event) => event._tag === "FlowEnded")
  const ended = StoredCalls.durable(call, (event) => event._tag === "FlowEnded")
  if (ended === undefined) return none
  const recorded = call.events.slice(end).filter((event) => event._tag === "DialAttempted")
  const sent = history.sent.filter(({ action, begun }) =>
    begun.seq > (ended.confirmed?.seq ?? Infinity) &&
    StoredCalls.of(history).ofExternalId(action.externalId) === call
  )
  return [
    ...recorded.map(() => violation("a dial was recorded after the outcome")),
    ...sent.map(({ begun, incarnation }) => {
      if (ended.incarnation !== incarnation) return remains(unheardOf)
      // The attempt was recorded before, and the store had not told yet that the end was recorded too.
      const isStoring = history.lives[incarnation - 1]!.waited.some(({ from, to }) =>
        from <= begun.at && begun.at <= to && ended.at <= to && from <= ended.at
      )
      return isStoring ? remains(unheardOf) : violation("a dial was sent after the outcome")
    })
  ]
}

/**
 * Nothing that is shown outside holds a phone number, what somebody pressed, or what was spoken: no line of the log, span,
 * metric or error, and none of the words about a call for people.
 *
 * @since 0.1.0
 */
export const secretsStayInside: Law = make("secrets stay inside", secrets.check)

/**
 * What arrives holds up nothing else: a stranger takes no call over, and a call whose flow throws ends with a word of it.
 *
 * @since 0.1.0
 */
export const nothingStopsTheRest: Law = make("nothing that comes in stops the rest", others.check)

/**
 * Dials go at the pace of all calls and processes together, in the order in which their time came, while there is a line for
 * them, and none is forgotten: each is attempted, given up by its flow, or told that it was not sent.
 *
 * @since 0.1.0
 */
export const dialsArePaced: Law = make("dials are paced", pace.check, Object.values(pace.residuals))

/**
 * Who is told that a call has two owners is told so with a reason: one of the two had stood still, was cut off, was not seen by the
 * others, had a successor, or erred about owners. The death of one is no reason.
 *
 * @since 0.1.0
 */
export const ownersAreTold: Law = make(
  "two owners are told of with a reason",
  owners.check,
  Object.values(owners.residuals)
)

/**
 * What a process of a cluster says of the shards that are behind is so: none is called behind for longer than its oldest due work has
 * waited, and none is kept silent about whose work has waited for two looks.
 *
 * @since 0.1.0
 */
export const shardsAreTold: Law = make("shards that are behind are told of as they are", shards.check)

/**
 * What is pruned stays pruned, for as long as it is remembered: a start under its key fails in words, no event of its session makes
 * a call, and nothing is left of it but that it was. Only calls that are over and that somebody wanted gone are.
 *
 * @since 0.1.0
 */
export const prunedForGood: Law = make(
  "what is pruned stays pruned",
  pruning.check,
  Object.values(pruning.residuals)
)

/**
 * The list of calls, their counts and the calls of a number are what the turns of all calls say; the log has all turns in one order,
 * and who follows it reads each once. Calls that were pruned are in neither.
 *
 * @since 0.1.0
 */
export const listsAreTrue: Law = make("lists and the log tell what is stored", lists.check)

/**
 * All laws, in the order of the design.
 *
 * @since 0.1.0
 */
export const all: ReadonlyArray<Law> = [
  recordFirst,
  ringsOnce,
  nothingForgotten,
  sameWebhookSameReply,
  orderDoesNotMatter,
  everyCallEnds,
  noDeadAir,
  replayIsTruth,
  nothingAfterTheEnd,
  secretsStayInside,
  nothingStopsTheRest,
  dialsArePaced,
  ownersAreTold,
  shardsAreTold,
  prunedForGood,
  listsAreTrue
]
