/** Dials go at the pace of all together, in the order in which their time came, and none is forgotten. */
import { Call, type CallEvent, Decider } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

export const residuals = {
  unseen: "more dials than the pace allows while a process lived that the others could not see"
} as const

/** An attempt, when it was decided and by whom. */
interface Attempt {
  readonly call: StoredCalls.StoredCall
  readonly line: number
  readonly process: string
  readonly turn: StormHistory.Appended
}

/** What waits for its place: since when, at which process, and what became of it. */
interface Wait {
  readonly call: StoredCalls.StoredCall
  readonly line: number
  readonly from: number
  readonly process: string | null
  /** The turn after which it waited. */
  readonly turn: StormHistory.Appended
}

export const check = (history: StormHistory.StormHistory): Findings => {
  const { calls } = StoredCalls.of(history)
  const attempts = calls.flatMap(attemptsOf).toSorted((self, that) => self.turn.begun.seq - that.turn.begun.seq)
  const waits = calls.flatMap(waitsOf)
  return [
    ...overPace(history, attempts),
    ...overLines(history, calls, attempts),
    ...calls.flatMap((call) => tooLong(history, call)),
    ...outOfOrder(history, attempts, waits),
    ...forgotten(history, attempts, waits)
  ]
}

const attemptsOf = (call: StoredCalls.StoredCall): ReadonlyArray<Attempt> =>
  call.turns.flatMap(({ turn }) =>
    turn.turn.events.flatMap((event) =>
      event._tag === "DialAttempted" ? [{ call, line: event.line, process: event.process, turn }] : []
    )
  )

const waitsOf = (call: StoredCalls.StoredCall): ReadonlyArray<Wait> =>
  call.turns.flatMap(({ after, turn }): ReadonlyArray<Wait> => {
    const from = Decider.dialFrom(after)
    const { process } = turn.summary
    return from === undefined ? [] : [{ call, line: after.lines.length, from, process, turn }]
  })

/** Whether a process lived that the others could not see: then nobody can know how many share. */
const wasUnseen = ({ faults }: StormHistory.StormHistory): boolean =>
  faults.some(({ kind }) => kind === "connectionLost")

/** Whether two processes lived on a store that each believed to be its own. */
const wasTakenOver = ({ faults }: StormHistory.StormHistory): boolean => faults.some(({ kind }) => kind === "takeover")

/** What was given its place may be decided later, and together, where the store is late or a process stands still. */
const wasLate = ({ lives, settings }: StormHistory.StormHistory, from: number, to: number): boolean =>
  lives.some(({ failed, stood, waited }) =>
    failed.some((at) => at >= from - settings.dial.sendWithin && at <= to) ||
    [...stood, ...waited].some((stretch) => stretch.from <= to && stretch.to >= from - settings.dial.sendWithin)
  )

/** Moments of the processes, in their order. */
type Moments = ReadonlyArray<{ readonly at: number; readonly process: number }>

/** Whether some window has more moments than `allowed` for its length, but for one of each process and of each jump of its clock. */
const hasMore = (
  { lives }: StormHistory.StormHistory,
  moments: Moments,
  allowed: (from: number, to: number) => number
): boolean =>
  moments.some(({ at: from }, index) =>
    moments.slice(index).some(({ at: to }, more) => {
      const within = moments.slice(index, index + more + 1)
      const processes = new Set(within.map(({ process }) => process)).size
      const jumps = lives.flatMap(({ jumped }) => jumped).filter((at) => at >= from && at <= to).length
      return within.length > allowed(from, to) + processes + jumps + 1e-6
    })
  )

/** No time has more dials than the pace gives; and whatever the store does, no second has more on their way to the carrier. */
const overPace = (history: StormHistory.StormHistory, attempts: ReadonlyArray<Attempt>): Findings => {
  const perSecond = history.settings.dial.perSecond
  const decided = attempts.map(({ turn }) => ({ at: turn.begun.at, process: turn.incarnation }))
  const sent = history.sent.map(({ begun, incarnation }) => ({ at: begun.at, process: incarnation }))
  const stoodStill = (from: number, to: number) =>
    history.lives.some(({ stood }) => stood.some((stretch) => stretch.from <= to && stretch.to >= from))
  const isOver = hasMore(
    history,
    decided,
    (from, to) => wasLate(history, from, to) ? Infinity : (to - from) / 1_000 * perSecond
  ) || hasMore(
    history,
    sent,
    (from, to) => to - from >= 1_000 || stoodStill(from, to) ? Infinity : Math.max(1, perSecond)
  )
  if (!isOver) return none
  return wasUnseen(history)
    ? [remains(residuals.unseen)]
    : [violation("more dials were attempted than the pace allows")]
}

/** When a dial is attempted there is room for its line. */
const overLines = (
  history: StormHistory.StormHistory,
  calls: ReadonlyArray<StoredCalls.StoredCall>,
  attempts: ReadonlyArray<Attempt>
): Findings => {
  const { linesAtMost } = history.settings.dial
  if (linesAtMost === Infinity) return none
  const sent = new Set(history.sent.map(({ action }) => action.externalId))
  const isOver = attempts.some(({ turn }) => dialledAt(calls, sent, turn.begun.seq) >= linesAtMost)
  if (!isOver) return none
  return wasUnseen(history) || wasTakenOver(history)
    ? [remains(residuals.unseen)]
    : [violation("a dial was attempted while all lines were in use")]
}

/** How many lines that were dialled ring or talk. An attempt that is never sent, for the store was late with it, is no line. */
const dialledAt = (
  calls: ReadonlyArray<StoredCalls.StoredCall>,
  sent: ReadonlySet<string | undefined>,
  seq: number
): number =>
  calls.reduce((sum, call) => {
    const state = StoredCalls.stateAt(call, seq)
    if (state === undefined || state.lines[0]?.direction === "inbound") return sum
    const unsent = state.lines.filter(({ externalId, phase }) => phase === "Attempted" && !sent.has(externalId))
    return sum + Call.openLines(state) - unsent.length
  }, 0)

/** A dial is attempted before its time is over, and not given up as unsent before. */
const tooLong = ({ settings }: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings =>
  call.events.flatMap((event, index): Findings => {
    if (event._tag !== "DialAttempted" && event._tag !== "DialNotSent") return none
    const line = StoredCalls.lineBefore(call, index, event.line)
    if (line === undefined || line.phase !== "Planned" || line.heldSince !== undefined) return none
    const isLate = event.at >= line.dialledAt + settings.dial.waitAtMost
    if (event._tag === "DialNotSent" && event.obstacle !== undefined) return none // a law of what comes in
    if (event._tag === "DialNotSent") return isLate ? none : [violation("a dial was given up before its time was over")]
    if (line.left) return [violation("a dial was attempted that its flow had given up")]
    return isLate ? [violation("a dial was attempted that had waited too long")] : none
  })

/** A store that is late, or a clock that jumps, may bring what was given its place first behind what was given one later. */
const isExcused = (history: StormHistory.StormHistory, since: number, until: number): boolean =>
  history.lives.some(({ failed, jumped, stood, waited }) =>
    [...failed, ...jumped].some((at) => at >= since - StoredCalls.afterFailure && at <= until) ||
    [...stood, ...waited].some(({ from, to }) => from <= until && to >= since)
  )

/** A call whose clock was set back goes on ahead of it, each as far as its own past was: their times are not compared. */
const isReset = ({ lives }: StormHistory.StormHistory, since: number, until: number): boolean =>
  lives.some(({ jumped }) => jumped.some((at) => at >= since && at <= until))

const beganAt = ({ turns }: StoredCalls.StoredCall): number => turns[0]!.turn.begun.at

/** Of two dials that wait at one process, the one goes first whose time came first. */
const outOfOrder = (
  history: StormHistory.StormHistory,
  attempts: ReadonlyArray<Attempt>,
  waits: ReadonlyArray<Wait>
): Findings =>
  attempts.flatMap((later): Findings => {
    const place = waits.findLast((wait) => isOf(wait, later)) ?? placeOf(waits, later)
    const from = Math.min(place?.from ?? Infinity, later.turn.begun.at) // What it follows may have been tried again later only.
    const passed = waits.some((wait) => {
      const went = attempts.find((attempt) => isOf(wait, attempt))
      return went !== undefined && went.process === later.process && wait.from < from &&
        wait.process === (waits.findLast((wait) => isOf(wait, later))?.process ?? later.process) &&
        wait.turn.confirmed !== undefined && wait.turn.confirmed.seq < later.turn.begun.seq &&
        later.turn.begun.seq < went.turn.begun.seq && later.turn.begun.at < went.turn.begun.at &&
        !isExcused(history, wait.turn.begun.at, went.turn.begun.at) &&
        !isReset(history, Math.min(beganAt(wait.call), beganAt(later.call)), went.turn.begun.at)
    })
    return passed ? [violation("a dial was attempted before one that had waited longer")] : none
  })

/** A dial that is planned in the turn of its attempt has the place of the one that its flow has given up there. */
const placeOf = (waits: ReadonlyArray<Wait>, { call, turn }: Attempt): Wait | undefined =>
  waits.findLast((wait) => wait.call.id === call.id && wait.turn.begun.seq < turn.begun.seq)

const isOf = (self: { readonly call: StoredCalls.StoredCall; readonly line: number }, that: typeof self): boolean =>
  self.call.id === that.call.id && self.line === that.line

/** How long some process was there and awake between two moments. */
const awake = ({ lives }: StormHistory.StormHistory, from: number, to: number): number =>
  StoredCalls.overlap(
    lives.flatMap(({ died, ready }) => ready === undefined ? [] : [{ from: ready, to: died }]),
    from,
    to
  ) -
  StoredCalls.overlap(lives.flatMap(({ stood }) => stood), from, to)

/** So long does nobody wait while nobody is dialled: a pace that a carrier has slowed down comes back sooner. */
const longestPause = 60 * 60 * 1000

/** While a dial waits, dials go on. */
const forgotten = (
  history: StormHistory.StormHistory,
  attempts: ReadonlyArray<Attempt>,
  waits: ReadonlyArray<Wait>
): Findings =>
  waits.flatMap((wait): Findings => {
    const end = endOf(wait.call, wait) ?? history.endedAt
    const between = attempts.filter(({ turn: { at } }) => at > wait.from && at < end).map(({ turn }) => turn.at)
    const all = [Math.max(wait.from, wait.turn.at), ...between, end]
    return all.some((at, index) => index > 0 && awake(history, all[index - 1]!, at) > longestPause)
      ? [violation("a dial waited for an hour while nobody was dialled")]
      : none
  })

/** When something became of a line that was planned. */
const endOf = ({ turns }: StoredCalls.StoredCall, { line, turn }: Wait): number | undefined =>
  turns.find((next) => next.turn.seq > turn.seq && next.turn.turn.events.some((event) => isEnd(event, line)))?.turn.at

const isEnd = (event: CallEvent.CallEvent, line: number): boolean => "line" in event && event.line === line
