/**
 * Numbers that look drawn and follow from a text: the same text, the same numbers, on any machine. Each fault has dice of
 * its own, so that switching one off leaves the draws of the others as they are.
 */

/** Draws one after another. */
export interface Dice {
  /** From 0 to less than 1. */
  readonly next: () => number
  /** Whether something happens that happens this often, from 0 to 1. Draws in any case. */
  readonly hit: (rate: number) => boolean
  /** A whole number, both ends included. */
  readonly between: (least: number, most: number) => number
  readonly pick: <A>(choices: readonly [A, ...ReadonlyArray<A>]) => A
}

/** The FNV-1a hash of a text, spread over 32 bits. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** Dice for a text, by the generator known as mulberry32. */
export const make = (text: string): Dice => {
  let state = hash(text)
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    hit: (rate) => next() < rate,
    between,
    pick: (choices) => choices[between(0, choices.length - 1)]!
  }
}
