/** How ids are made from data: from a time and chance, from a key of the application, from a session of the carrier. */
import { md5 } from "effect/crypto/Digest"
import type { CallId } from "../CallEvent.ts"
import { alphabet, chanceFrom, digits, numberOf } from "./digits.ts"

export { chanceFrom, digits, numberOf }

/** `length` digits from `random`, which gives numbers from 0 to 1. */
export const chance = (random: () => number, length: number): string =>
  Array.from({ length }, () => alphabet[Math.floor(random() * 32)]).join("")

/** A new id: 9 digits of time, so that neighbours in time are neighbours in an index, and 11 (55 bits) of chance. */
export const newCallId = (now: number, random: () => number): CallId =>
  (digits(Math.floor(now), 9) + chance(random, 11)) as CallId // The time of a database is no whole number.

/** The id of a turn: the process that appends it, and how many that process has appended. */
export const turnId = (process: string, count: number): string => `${process}-${count}`

/** The process that appended a turn. */
export const processOf = (turnId: string): string => turnId.slice(0, turnId.lastIndexOf("-"))

/**
 * The id that a name stands for: the same name, the same id. The digest only spreads the name over 100 bits; whoever uses
 * it compares what is stored with what was asked for.
 */
export const namedCallId = (...name: ReadonlyArray<string>): CallId => {
  const digest = md5.implementation!(new TextEncoder().encode(JSON.stringify(name)))
  return Array.from({ length: 20 }, (_, i) => {
    const bit = i * 5
    const word = (digest[bit >> 3]! << 8) | (digest[(bit >> 3) + 1] ?? 0)
    return alphabet[(word >> (11 - (bit & 7))) & 31]
  }).join("") as CallId
}
