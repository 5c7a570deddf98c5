/** The words at the edges of a drawing. */
import type { Outcome } from "./outcomes.ts"

export const either = (words: ReadonlyArray<string>, most = 6): string => {
  const shown = words.length > most ? [...words.slice(0, most - 1), `${words.length - most + 1} others`] : words
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`
}

const reasons = ["busy", "no answer", "failed", "refused", "not authorized", "not sent", "unknown"]

const leavings = ["they leave", "the caller leaves", "one leaves"]

const one = (
  words: ReadonlyArray<string>,
  of: ReadonlyArray<string>,
  least: number,
  sum: string
): ReadonlyArray<string> => {
  const found = words.filter((word) => of.includes(word))
  return found.length < least ? words : [sum, ...words.filter((word) => !of.includes(word))]
}

/** Most reasons of a dial that reached nobody are one, and so is whoever ends a talk. */
const summedUp = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  one(one(words, reasons, 4, "not reached"), leavings, 3, "one of the two leaves")

const isKey = (word: string): boolean => /^[\d*#]$/.test(word)

/** Keys that mean nothing in particular: a row of them is a range, and more than a few are another key. */
const ranged = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const keys = words.filter(isKey).toSorted()
  const rest = words.filter((word) => !isKey(word))
  const isRow = keys.length > 2 && keys.every((key, i) => /\d/.test(key) && (i === 0 || +key === +keys[i - 1]! + 1))
  if (isRow) return [`${keys[0]} to ${keys.at(-1)}`, ...rest]
  return keys.length > 4 ? Array.from(new Set([...rest, "another key"])) : words
}

/** Where a flow goes on by itself, nobody asks what else leads there. */
const worded = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> => {
  const words = Array.from(new Set(outcomes.map(({ words }) => words)))
  return words.includes("") ? [] : ranged(summedUp(words.toSorted((a, b) => rankOf(a) - rankOf(b))))
}

/** What is said last: what no key stands for. */
const later = ["silence", "another key", "wrong keys", "hangs up"]
const rankOf = (word: string): number => later.indexOf(word)

/** What leads along an edge. What leads along a loop of the same box as well leads here at last. */
export const label = (
  outcomes: ReadonlyArray<Outcome>,
  again: ReadonlySet<string>,
  times: number | undefined
): string => {
  const isByItself = outcomes.some(({ words }) => words === "")
  const first = isByItself ? [] : worded(outcomes.filter(({ on }) => !again.has(on)))
  const last = isByItself ? [] : worded(outcomes.filter(({ on }) => again.has(on)))
  const words = [
    ...first.length === 0 ? [] : [either(first)],
    ...last.length === 0 ? [] : [`${either(last)} at last`]
  ].join(", or ")
  if (times === undefined) return words
  const bound = times === 1 ? "once" : `${times} times at most`
  return words === "" ? bound : `${words} (${bound})`
}

/** What may happen at many places alike. */
export const anywhere = (label: string, places: number): string => `${label}, at any of ${places} places`
