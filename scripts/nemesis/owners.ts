/** Who worked on which call when: work that nobody did, calls that were taken from the living, and calls with two owners. */
import type { StormHistory } from "@ringback/testing"
import type { Breach } from "./checks.ts"
import type { Gap } from "./overdue.ts"
import type { Run } from "./run.ts"
import * as Times from "./times.ts"

/** Work is done this soon after it was due, in milliseconds in which one runner could do it, all along. */
const longestGap = 20_000

const attended = (run: Run, { from, to }: Gap): number => Times.undisturbed(run, from, to)

/** The gaps, the longest first. */
export const gaps = (run: Run): ReadonlyArray<Gap & { readonly attended: number }> =>
  run.gaps.map((gap) => ({ ...gap, attended: attended(run, gap) })).toSorted((a, b) => b.to - b.from - (a.to - a.from))

export const checkGaps = (run: Run): ReadonlyArray<Breach> =>
  gaps(run).filter((gap) => gap.attended > longestGap * Times.business(run)).map((gap) => ({
    checker: "no work is left undone",
    problem: `what was ${gap.what} was not done for ${gap.to - gap.from} ms (${gap.words})`,
    callId: gap.callId
  }))

/** A process is taken for gone when its connections are or its lease is over, so for a while after that nobody can be blamed. */
const isExcused = (run: Run, life: Run["lives"][number], at: number): boolean =>
  at > Math.min(life.died, life.ending) || Times.isWithoutDatabase(run, life, at, at) ||
  Times.isPassedBy(run, life, at)

/** Whether a process that appends this runs an activity from then on. */
const beginsWork = ({ _tag }: { readonly _tag: string }): boolean => _tag === "ActivityStarted" || _tag === "Restarted"

/** Calls that were told to restart, though the process that had them was alive and had its database, and nobody gave them away. */
export const checkTaken = (run: Run, history: StormHistory.StormHistory): ReadonlyArray<Breach> => {
  /** Who runs the activity of a call, if any did; else who appended to it last. Another may have recorded a hold meanwhile. */
  const workers = new Map<string, number>()
  const last = new Map<string, number>()
  const had = new Map<string, Set<number>>()

  /** Who is about to end gives away what it had, whoever has appended since. */
  const isGiven = (callId: string, at: number) =>
    [...had.get(callId) ?? []].some((number) => {
      const { died, ending } = run.lives[number - 1]!
      return at > ending && at < died + Times.afterFailure * Times.business(run)
    })
  return history.turns.flatMap(({ at, incarnation, turn }) => {
    const before = run.lives[(workers.get(turn.callId) ?? last.get(turn.callId) ?? incarnation) - 1]!
    const isOfOneWhoGives = isGiven(turn.callId, at)
    last.set(turn.callId, incarnation)
    if (turn.events.some(beginsWork)) workers.set(turn.callId, incarnation)
    had.set(turn.callId, (had.get(turn.callId) ?? new Set()).add(incarnation))
    const isRestart = turn.events.some((event) => event._tag === "Restarted" && event.jumpedMillis === undefined)
    return isRestart && before.number !== incarnation && !isOfOneWhoGives && !isExcused(run, before, at)
      ? [{
        checker: "nothing is taken from the living",
        problem: `restarted by another runner than ${before.place + 1}, which lived`,
        callId: turn.callId
      }]
      : []
  })
}

/** Two that append to one call so shortly after each other, to and fro, do not know of each other. */
const toAndFro = 5_000

/** The calls that went from one runner to another and back so fast. */
export const duplicates = (history: StormHistory.StormHistory): number => {
  const turns = new Map<string, Array<{ readonly at: number; readonly incarnation: number }>>()
  for (const { at, incarnation, turn } of history.turns) {
    turns.set(turn.callId, [...turns.get(turn.callId) ?? [], { at, incarnation }])
  }
  const isDouble = (own: ReadonlyArray<{ readonly at: number; readonly incarnation: number }>) =>
    own.some(({ at, incarnation }, index) => {
      const [next, after] = [own[index + 1], own[index + 2]]
      return after !== undefined && next!.incarnation !== incarnation && after.incarnation === incarnation &&
        after.at - at <= toAndFro
    })
  return [...turns.values()].filter(isDouble).length
}
