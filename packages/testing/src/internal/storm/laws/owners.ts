/** Whoever is told that a call has two owners is told so with a reason: what the log says, held against what befell the processes. */
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, remains, violation } from "../finding.ts"

export const residuals = {
  gone: "a call with two owners, of whom one took the other for gone, was told of",
  hung: "a call with two owners, of whom one had hung, was told of",
  clock: "a call with two owners, the clock of one of whom was set, was told of",
  cluster: "a call with two owners, about whom a cluster erred, was told of"
} as const

const words = /Call \S+ has two owners: this process \(\S+\) and (\S+) both/

export const check = (history: StormHistory.StormHistory): Findings =>
  history.logged.flatMap(({ at, incarnation, text }) => {
    const name = words.exec(text)?.[1]
    if (name === undefined) return none
    const reason = reasonOf(history, [history.lives[incarnation - 1], lifeOf(history, name)], at)
    return [reason === undefined ? violation(`without a reason: ${text}`) : remains(residuals[reason])]
  })

/** A process by its name, which the ids of its turns begin with. */
const lifeOf = ({ lives, turns }: StormHistory.StormHistory, name: string): StormHistory.Life | undefined =>
  lives[(turns.find(({ turn }) => turn.id.startsWith(`${name}-`))?.incarnation ?? 0) - 1]

/** The longest that a machine of a cluster errs about owners. */
const longestError = 600_000

/**
 * Why two processes went on with a call by themselves, within a lease of each other. What a process took from another that it took for
 * gone it may do until it looks again, and what hung was on the way meanwhile. That one dies is no reason.
 */
const reasonOf = (
  { faults, settings: { store: { lease, lookEvery } } }: StormHistory.StormHistory,
  two: ReadonlyArray<StormHistory.Life | undefined>,
  at: number
): keyof typeof residuals | undefined => {
  const since = at - lookEvery - 2 * lease
  const isOf = ({ from, to }: StormHistory.Stretch) => from <= at && to >= since
  const is = (reason: (life: StormHistory.Life) => boolean) => two.some((life) => life !== undefined && reason(life))
  if (is(({ erred }) => erred.some(isOf))) return "gone"
  if (is(({ jumped }) => jumped.some((jumpedAt) => isOf({ from: jumpedAt, to: jumpedAt })))) return "clock"
  const lasted = (least: number) => (stretch: StormHistory.Stretch) =>
    isOf(stretch) && stretch.to - stretch.from >= least
  if (is(({ stood, waited }) => stood.some(lasted(lease / 2)) || waited.some(lasted(lease)))) return "hung"
  const errs = faults.some(({ at: from, kind }) =>
    (kind === "ownersWrong" || kind === "ownersStale") && isOf({ from, to: from + longestError })
  )
  return errs ? "cluster" : undefined
}
