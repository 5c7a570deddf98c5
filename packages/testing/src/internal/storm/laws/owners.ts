/** Whoever is told that a call has two owners is told so with a reason: what the log says, held against what befell the processes. */
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

export const residuals = {
  two: "a call with two owners, of whom one had hung, was not seen or was succeeded, was told of"
} as const

const words = / has two owners: this process /

export const check = (history: StormHistory.StormHistory): Findings =>
  history.logged.filter(({ text }) => words.test(text)).map(({ at, text }) =>
    hasReason(history, at) ? remains(residuals.two) : violation(`without a reason: ${text}`)
  )

/** Faults by which a process that lives is not seen by others, or is taken for an owner that it is not. */
const unseen: ReadonlySet<string> = new Set(["connectionLost", "ownersWrong", "ownersStale"])

/** Who is not seen is seen again after so long, in milliseconds, though its store may hang a few times meanwhile. */
const unseenFor = 60_000

/** Whether a process had a successor that lived beside it: a store that is one process's tells neither of the other. */
const isSucceeded = ({ lives }: StormHistory.StormHistory, at: number): boolean => {
  const there = lives.filter(({ born, died }) => born.at <= at && died >= at).map(({ computer }) => computer)
  return new Set(there).size < there.length
}

/** Whether a process that lived could be taken for dead, within a lease of the moment. That one dies is no reason. */
const hasReason = (history: StormHistory.StormHistory, at: number): boolean => {
  const { faults, lives, settings: { store: { lease, lookEvery } } } = history
  const isNear = ({ from, to }: StormHistory.Stretch) => from <= at && to >= at - lease
  const hung = (stretches: ReadonlyArray<StormHistory.Stretch>) => StoredCalls.overlap(stretches, at - 2 * lease, at)
  return isSucceeded(history, at) ||
    lives.some(({ jumped, stood, waited }) =>
      hung([...stood, ...waited]) >= lease - lookEvery ||
      jumped.some((jumpedAt) => isNear({ from: jumpedAt, to: jumpedAt + lookEvery }))
    ) || faults.some(({ at: from, kind }) => unseen.has(kind) && isNear({ from, to: from + unseenFor }))
}
