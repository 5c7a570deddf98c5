/**
 * Whether other processes are told of the turns of this one: only where webhooks of one call come to several. Where each call stays at
 * its process, nobody would want to know.
 */
import type { Neighbours } from "./neighbours.ts"

/** A turn of a call with which another process went on counts for so many of calls that stayed here, and at most so many in all. */
const weight = 8
const most = 1_024

/** Each process hears of the turns of all others, so with more of them it costs more than the reads do. */
const mostOthers = 8

/** Tells whether the next turn of a call is told, by who appended the one before. */
export const make = (process: string, { others }: Pick<Neighbours, "others">) => {
  let mixed = 0
  return (writer: string | undefined): boolean => {
    if (writer === process) mixed = Math.max(mixed - 1, 0)
    else if (writer !== undefined) mixed = Math.min(mixed + weight, most)
    const { size } = others()
    return mixed > 0 && size > 0 && size <= mostOthers
  }
}
