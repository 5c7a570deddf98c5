/** Every call ends, and nobody waits in silence: deadlines of calls and of replies, held against the time that passed. */
import { Call, type CallLine, Settings, Webhook } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"
import * as holds from "./holds.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Every line is closed and every call ends
// ---------------------------------------------------------------------------------------------------------------------

export const endResiduals = {
  ahead: "a call that waited anew, for its process was restarted after a clock had been set",
  asleep: "a call that waited on for as long as its machine slept, after a clock had been set",
  presumed: "a line presumed closed",
  stood: "a line that was given up because the process that heard of it stood still",
  unknown: "a call that ended without its flow, which no process knew"
} as const

export const ends = (history: StormHistory.StormHistory): Findings => {
  const stored = StoredCalls.of(history)
  return [
    ...(history.abandoned ? [violation("the calls did not come to their end")] : none),
    ...stored.calls.flatMap(({ call }) => [
      ...(call.exit === undefined ? [violation("a call has no outcome")] : none),
      ...(Call.isOver(call) ? none : [violation("a line was left open")]),
      ...call.lines.filter((line) => line.presumed && line.phase !== "Closed").map(() => remains(endResiduals.presumed))
    ]),
    ...stored.calls.flatMap((call) => [
      ...overdue(history, call),
      ...givenUp(history, call),
      ...withoutFlow(history, call)
    ])
  ]
}

/** Two processes may read the time so far apart. */
const apart = 5_000

/**
 * A line that lives counts as lost when it has been silent for longer than its action can last, in the time that passed and
 * not by a clock that was set.
 */
const givenUp = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings =>
  call.events.flatMap((event, index): Findings => {
    if (event._tag !== "LineSilent") return none
    const line = StoredCalls.lineBefore(call, index, event.line)
    if (line?.referenceId === undefined || line.holds >= history.settings.line.holds) return none
    const lost = call.turns.find(({ length }) => length > index)!
    const since = call.turns.findLast(({ after, length }) =>
      length <= index && !after.lines.some((other) => other.id === line.id && isAsBefore(other, line))
    )
    const heard = (since === undefined ? call.turns[0]! : call.turns[call.turns.indexOf(since) + 1]!).turn
    const began = heard.begun.at
    const lasts = line.inFlight === undefined ? 0 : Settings.longest(history.settings, line.inFlight.action)
    const horizon = lasts + history.settings.line.silence
    const silent = lost.turn.begun.at - began
    if (!isLive(history, line.referenceId, lost.turn.begun.at) || silent >= horizon - apart) return none
    const { stood, waited } = history.lives[heard.incarnation - 1]!
    // Who has slept reads the time as it was then, until it reaches its store.
    const hasSlept = ({ from, to }: StormHistory.Stretch) =>
      from <= began && began - to - StoredCalls.overlap(waited, to, began) <= apart
    return stood.some(hasSlept)
      ? [remains(endResiduals.stood)]
      : [violation(`a live line was given up ${silent} ms after it was last heard of`)]
  })

/** The processes that have registered the flow of a call in its version. */
const knowing = (
  { flow, lives }: StormHistory.StormHistory,
  { call }: StoredCalls.StoredCall
): ReadonlyArray<StormHistory.Life> =>
  call.flow === flow.name && call.flowVersion === flow.version ? lives.filter(({ knowsFlow }) => knowsFlow) : lives

/** A process that is not seen by the others is seen again after this time. */
const unseenFor = 30_000

/**
 * A call ends without its flow when it is cancelled and no process is there that knows it, or when none has been there for
 * as long as flows are waited for.
 */
const withoutFlow = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const index = call.turns.findIndex(({ turn }) => turn.turn.events.some(({ _tag }) => _tag === "FlowEnded"))
  const { exit } = call.call
  if (index < 0 || exit?._tag !== "Stopped") return none
  const { begun, incarnation } = call.turns[index]!.turn
  const able = knowing(history, call)
  if (exit.reason._tag === "FlowMissing") {
    const { flowPatience } = history.settings.call
    const waited = begun.at - neededSince(call, index)
    return [
      waited < flowPatience - apart
        ? violation(`a call ended without its flow after ${Math.round(waited / 1000)} s`)
        : healthy(history, begun.at - flowPatience, begun.at, able) > longestOverdue(history)
        ? violation("a call ended without its flow, which a process knew")
        : remains(endResiduals.unknown)
    ]
  }
  if (exit.reason._tag !== "Cancelled" || able.some((life) => life.incarnation === incarnation)) return none
  const isThere = able.some(({ closing, died, ready, stood }) =>
    ready !== undefined && ready < begun.at && Math.min(closing?.at ?? Infinity, died) > begun.at &&
    !stood.some(({ from, to }) => from <= begun.at && begun.at <= to)
  )
  const isHidden = history.faults.some(({ at, kind }) =>
    kind === "connectionLost" && at <= begun.at && begun.at <= at + unseenFor
  )
  return [
    isThere && !isHidden
      ? violation("a call was cancelled without its flow, which a process knew")
      : remains(endResiduals.unknown)
  ]
}

/** Since when a call has needed its flow, before one of its turns. */
const neededSince = ({ turns }: StoredCalls.StoredCall, index: number): number => {
  const { at, deadlines, unheardSince, wait } = turns[index - 1]!.after
  const timed = wait !== undefined && "until" in wait ? [wait.until] : []
  const since = [
    ...(unheardSince === undefined ? [] : [unheardSince]),
    ...timed,
    ...deadlines.map(({ until }) => until)
  ]
  return since.length === 0 ? at : Math.min(...since)
}

/** Whether the carrier has a line that it has not reported to be over. */
const isLive = (history: StormHistory.StormHistory, referenceId: string, at: number): boolean => {
  const own = history.log.filter((entry) => "referenceId" in entry && entry.referenceId === referenceId)
  return own.length > 0 &&
    !own.some((entry) => entry._tag === "Posted" && entry.at <= at && entry.webhook.kind === "CallCompleted")
}

const isAsBefore = (self: CallLine.CallLine, that: CallLine.CallLine): boolean =>
  self.phase === that.phase && self.phaseAt === that.phaseAt && self.inFlight?.n === that.inFlight?.n &&
  self.inFlight?.at === that.inFlight?.at

/**
 * A call that is due is looked at within this time, in which a process lives and its store works: by another one, if not by its own. Of a
 * cluster all look at what its owner has not seen to for four looks.
 */
const longestOverdue = ({ faults, settings }: StormHistory.StormHistory): number =>
  30_000 + (faults.some(({ kind }) => kind === "clustered") ? 5 : 3) * settings.store.lookEvery

/** A call has a time by which something happens, and then it does. */
const overdue = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings =>
  call.turns.flatMap(({ turn }, index): Findings => {
    const { due } = turn.summary
    if (due === null) return none
    const ahead = turn.turn.at - turn.begun.at // of the clock of its process
    const next = call.turns[index + 1]?.turn.at ?? history.endedAt
    const from = Math.max(due - ahead, turn.at)
    const isJumped = history.lives.some(({ jumped }) => jumped.some((at) => at >= turn.begun.at && at <= next))
    if (isJumped || next - from <= longestOverdue(history)) return none
    const most = longestOverdue(history)
    // A flow goes on where it is known. Elsewhere its lines are looked after, and it is given up at last.
    const late = healthy(history, from, next, knowing(history, call))
    const alone = healthy(history, from, next) - history.settings.call.flowPatience
    if (Math.max(late, alone) <= most) return none
    // How far a call is ahead of a clock that was set back is known to a process alone.
    const isRestarted = turn.incarnation !== call.turns[index + 1]?.turn.incarnation
    const wasSet = history.lives.some(({ jumped }) => jumped.some((at) => at <= next))
    if (isRestarted && wasSet) return [remains(endResiduals.ahead)]
    return wasSet && late - slept(history, turn.begun.at, next) <= most
      ? [remains(endResiduals.asleep)]
      : [violation(`a call was not looked at for ${Math.round((next - from) / 1000)} s after it was due`)]
  })

/**
 * For how long a machine slept. A clock that gains so much is either put right or that of a machine that slept: a call that
 * is ahead of a clock which was set back takes it for put right, so that nothing happens before its time.
 */
const slept = (history: StormHistory.StormHistory, from: number, to: number): number =>
  history.faults.some(({ at, kind }) => kind === "suspend" && at >= from && at <= to)
    ? StoredCalls.overlap(history.lives.flatMap(({ stood }) => stood), from, to)
    : 0

/** For how long some process lived undisturbed, with a store that worked. A look that fails is made up for by the next one. */
const healthy = (
  history: StormHistory.StormHistory,
  from: number,
  to: number,
  lives: ReadonlyArray<StormHistory.Life> = history.lives
): number => {
  const after = Math.max(StoredCalls.afterFailure, history.settings.store.lookEvery)
  const sick = history.lives.flatMap((life) => [
    ...life.stood,
    ...life.waited.map((waited) => ({ ...waited, to: waited.to + after })),
    ...life.failed.map((at) => ({ from: at, to: at + after }))
  ])
  const lived = lives.flatMap(({ died, ready }) => ready === undefined ? [] : [{ from: ready, to: died }])
  // What is left of the lives when the sick stretches are taken away.
  return StoredCalls.overlap(lived, from, to) -
    (StoredCalls.overlap(sick, from, to) - StoredCalls.overlap(sick.flatMap((each) => outside(each, lived)), from, to))
}

/** The parts of a stretch in which nobody lived. */
const outside = (
  stretch: StormHistory.Stretch,
  lived: ReadonlyArray<StormHistory.Stretch>
): ReadonlyArray<StormHistory.Stretch> =>
  lived.reduce<ReadonlyArray<StormHistory.Stretch>>(
    (left, life) =>
      left.flatMap(({ from, to }) =>
        [{ from, to: Math.min(to, life.from) }, { from: Math.max(from, life.to), to }].filter((part) =>
          part.to > part.from
        )
      ),
    [stretch]
  )

// ---------------------------------------------------------------------------------------------------------------------
// No dead air
// ---------------------------------------------------------------------------------------------------------------------

export const airResiduals = {
  clock: "a reply that came late because a clock was set meanwhile",
  elsewhere: "an event of a call that only another process knew, while the store was late",
  refused: "an event that the store would not take",
  crowded: "an event that was refused, for as many as may waited for the store",
  unanswered: "an event without a reply that is not asked again"
} as const

export const air = (history: StormHistory.StormHistory): Findings => [
  ...history.deliveries.flatMap((delivery) => [...late(history, delivery), ...silent(history, delivery)]),
  ...history.log.flatMap((entry): Findings => {
    switch (entry._tag) {
      case "Unanswered":
        return entry.webhook.kind === "CallCompleted" ? none : [remains(airResiduals.unanswered)]
      case "Rejected":
        return entry.reason.startsWith("unsupported")
          ? [violation(`the carrier rejected a reply: ${entry.reason}`)]
          : none
      default:
        return none
    }
  })
]

/**
 * Each event is answered before the reply deadline, less the time for which faults held the process up. A store that is late
 * is no excuse where somebody waits on the line: there a hold goes out.
 */
const late = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): Findings => {
  const { answered, arrived, failed, incarnation, webhook } = delivery
  if (failed !== undefined) {
    const hasStood = StoredCalls.overlap(history.lives[incarnation - 1]!.stood, arrived.at, failed.at) > 0
    const isHoldable = holds.isHoldable(history, delivery, arrived.seq)
    const isRefused = history.refused.some((refused) =>
      refused.incarnation === incarnation && refused.at >= arrived.at && refused.at <= failed.at
    )
    if (!isHoldable || hasStood || isRefused) return [remains(airResiduals.refused)]
    if (holds.isCrowded(history, delivery)) return [remains(airResiduals.crowded)]
    return [
      // A store that works tells whose call it is.
      failed.excused && holds.isBesideAnother(history, delivery)
        ? remains(airResiduals.elsewhere)
        : violation(`${webhook.event} failed, though a hold could be given`)
    ]
  }
  if (webhook.kind === "CallCompleted") return none
  const life = history.lives[incarnation - 1]!
  const until = answered?.at ?? Math.min(life.died, history.endedAt)
  const stood = until - arrived.at - StoredCalls.overlap(life.stood, arrived.at, until)
  const isHeld = holds.isHoldable(history, delivery, delivery.arrived.seq) &&
    holds.isHoldable(history, delivery, answered?.seq ?? Infinity)
  const waited = isHeld
    ? stood
    : until - arrived.at - StoredCalls.overlap([...life.stood, ...life.waited], arrived.at, until)
  // A store that has failed is late until it is tried again.
  const isStoreLate = [...life.waited, ...life.failed.map((at) => ({ from: at, to: at + StoredCalls.afterFailure }))]
    .some((
      { from, to }
    ) => to >= arrived.at && from <= until)
  const { reply, store } = history.settings
  if (waited <= (!isStoreLate ? reply.deadline : isHeld ? reply.lateAfter : store.patience)) return none
  if (life.jumped.some((at) => at >= arrived.at && at <= until)) return [remains(airResiduals.clock)]
  if (isStoreLate && holds.isBesideAnother(history, delivery)) return [remains(airResiduals.elsewhere)]
  return [
    violation(
      answered === undefined
        ? `${webhook.event} was never answered`
        : `${webhook.event} waited ${waited} ms for its reply`
    )
  ]
}

/** An answer that the carrier carried out on an open line is an action. */
const silent = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): Findings => {
  const { answered, obeyed, webhook } = delivery
  if (answered === undefined || !obeyed || answered.action !== undefined) return none
  const isUnreached = webhook.kind === "DialCompleted" && webhook.status !== "answered"
  if (!Webhook.asksForAction(webhook) || isUnreached) return none
  const isOpen = !history.log.some((entry) =>
    entry._tag === "Posted" && entry.referenceId === webhook.referenceId && entry.at <= answered.at &&
    entry.webhook.kind === "CallCompleted"
  )
  const line = StoredCalls.lineAt(StoredCalls.of(history).callOf(webhook), webhook, answered.seq)
  if (holds.isOfAnother(history, delivery)) return [remains(airResiduals.elsewhere)]
  return isOpen && line?.phase !== "Bridged" // two people may be talking
    ? [violation(`${webhook.event} of an open line was answered with nothing`)]
    : none
}
