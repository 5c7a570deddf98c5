/** A call as a page shows it, piece by piece: what is in sight comes first, and what has changed since is all that comes later. */
import { Call, type Explain, type Ladder } from "@ringback/core"
import { type Duration, Effect, type Scope } from "effect"
import type * as CallsApi from "../../CallsApi.ts"
import * as Showing from "./showing.ts"

type View = typeof CallsApi.View.Type

/** All of a call at one moment, from which pieces are cut. */
export interface Whole {
  readonly report: Explain.Report
  readonly ladder: Ladder.Ladder
  readonly signal: View["signal"]
  /** How many events lie before each turn, and before the next one. */
  readonly before: ReadonlyArray<number>
}

/** Makes all of a call. */
export const whole = (known: Showing.Known, around: Showing.Around, reveal: boolean): Whole => {
  const { summary: { callId }, turns } = known
  let events = 0
  return {
    report: Showing.report(known, around),
    ladder: Showing.ladder(known, reveal),
    signal: Showing.awaited(Call.fold(callId, Showing.eventsOf(turns)), known, around),
    before: [0, ...turns.map((turn) => events += turn.events.length)]
  }
}

/** So many events are in a piece, unless it is asked for otherwise. */
export const pieceSize = { usual: 1000, most: 5000 }

/** A piece of a call: from its beginning, or after a place that it has, and no longer than is asked for but by the rest of a turn. */
export const piece = (
  { before, ladder, report, signal }: Whole,
  { after, limit = pieceSize.usual }: { readonly after?: string | undefined; readonly limit?: number | undefined }
): View => {
  const begin = turnsBefore(before, after)
  const left = before[begin]!
  const end = Math.max(begin, before.findIndex((events, turn) => turn > begin && events >= left + limit))
  const isLast = end <= begin || end === before.length - 1
  const to = isLast ? before.length - 1 : end
  const [first, last] = [unchanged(ladder, left), isLast ? ladder.items.length : unchanged(ladder, before[to]!)]
  return Showing.present({
    report: { ...report, events: report.events.slice(left, before[to]) },
    ladder: { ...ladder, items: ladder.items.slice(first, last) },
    signal,
    place: placeAt(before, before.length - 1),
    total: { events: report.events.length, items: ladder.items.length },
    after: begin === 0 ? undefined : { events: left, items: first },
    next: isLast ? undefined : placeAt(before, to)
  })
}

const placeAt = (before: ReadonlyArray<number>, turns: number): string =>
  Showing.idOf({ turns, events: before[turns]! })

/** How many turns lie before a place; none where it is not one of this call. */
const turnsBefore = (before: ReadonlyArray<number>, after: string | undefined): number => {
  const place = Showing.placeOf(after)
  return place?.events !== undefined && before[place.turns] === place.events ? place.turns : 0
}

/** How many items of a ladder are as they were when the call had so many events. An idle time came with what ended it. */
const unchanged = ({ items }: Ladder.Ladder, events: number): number => {
  const isNew = (item: Ladder.Item) => item._tag !== "Idle" && item.events.some((number) => number > events)
  const at = items.findIndex(isNew)
  return items[at - 1]?._tag === "Idle" ? at - 1 : at === -1 ? items.length : at
}

/** So many events of long calls are kept at most, but for the last call that somebody has asked for. */
const mostKept = 50_000

/** So long is a call kept after somebody has read in it. */
const idle: Duration.Input = "10 seconds"

/**
 * Keeps what was made of long calls while somebody reads on in them, so that the log is read and folded once for all pieces. What is kept
 * is of one version and of what was known around it then, so nothing is ever told that is not so any more.
 */
export const keeping = (scope: Scope.Scope) => {
  let kept: ReadonlyArray<{ readonly key: string; readonly whole: Whole }> = []
  let asked = 0

  const droppedWhenIdle = Effect.suspend(() => {
    const last = asked
    const drop = Effect.sync(() => void (asked === last && (kept = [])))
    return Effect.forkIn(Effect.andThen(Effect.sleep(idle), drop), scope)
  })

  /** Those that were asked for last, as many as there is room for. */
  const keep = (key: string, whole: Whole): void => {
    let events = whole.report.events.length
    const others = kept.filter((each) => each.key !== key)
    kept = [{ key, whole }, ...others.filter((each) => (events += each.whole.report.events.length) <= mostKept)]
  }

  return Effect.fnUntraced(function*<E, R>(key: string, make: Effect.Effect<Whole, E, R>) {
    asked++
    const found = kept.find((each) => each.key === key)?.whole
    const made = found ?? (yield* make)
    if (made.report.events.length <= pieceSize.usual) return made
    keep(key, made)
    yield* droppedWhenIdle
    return made
  })
}
