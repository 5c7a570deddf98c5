/** What is said of the shards of a cluster that are behind, held against when the work of their calls was due and when it was done. */
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

/** How far a process may be from the time of its store, and how long a look may take, in milliseconds. */
const apart = 2_000

/** Work that was due at a time, and how long it was the next of its call. */
interface Due {
  readonly due: number
  readonly from: number
  readonly to: number
}

const dues = (history: StormHistory.StormHistory): ReadonlyArray<Due> =>
  StoredCalls.of(history).calls.flatMap(({ turns }) =>
    turns.flatMap(({ turn: { at, summary: { due, status } } }, index) =>
      due === null || status !== "running" ? [] : [{ due, from: at, to: turns[index + 1]?.turn.at ?? history.endedAt }]
    )
  )

/** Whether a process looked in time, and found what its store had: it worked, and neither the process nor its clock was disturbed. */
const isWell = (
  { closing, failed, jumped, ready = Infinity, stood, waited }: StormHistory.Life,
  from: number,
  to: number
): boolean =>
  ready <= from && (closing?.at ?? Infinity) > to && StoredCalls.overlap([...stood, ...waited], from, to) === 0 &&
  ![...failed, ...jumped].some((at) => at >= from && at <= to)

/**
 * A process that is well says of no work that it has waited for less than a look, or for longer than any has, and does not keep silent
 * about work that has waited for two.
 */
export const check = (history: StormHistory.StormHistory): Findings => {
  if (history.behind.length === 0) return none
  const all = dues(history)
  const { lookEvery } = history.settings.store
  return history.behind.flatMap(({ at, forMillis, incarnation }): Findings => {
    if (!isWell(history.lives[incarnation - 1]!, at - 2 * lookEvery - apart, at)) return none
    if (forMillis === 0) {
      const missed = at - 2 * lookEvery - apart
      return all.some(({ due, from, to }) => Math.max(due, from) < missed && to > at)
        ? [violation("nothing was said of a shard whose work had waited for two looks")]
        : none
    }
    if (forMillis < lookEvery - apart) {
      return [violation("a shard was called behind for what was late by less than a look")]
    }
    const isSo = all.some(({ due, from, to }) =>
      due <= at - forMillis + apart && from <= at && to >= at - lookEvery - apart
    )
    return isSo ? none : [violation("a shard was called further behind than any of its work was")]
  })
}
