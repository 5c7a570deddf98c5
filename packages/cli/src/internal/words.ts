/** The words of a command line, before they are understood. */

/** What a flag looks like: `--since`, `--since=2h`, `-y`. */
const flag = /^(?:--[a-z][a-z-]*(?:=[^]*)?|-[a-z])$/i

/** A flag without its value. */
const name = /^--[a-z][a-z-]*$/i

/** A number below zero, which is taken for a value wherever it stands. */
const number = /^-(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** Begins with a dash, and is no flag: `-2h`, `- not today -`. */
const isDashed = (word: string): boolean =>
  word.length > 1 && word.startsWith("-") && !flag.test(word) && !number.test(word)

/** A word that begins with a dash, and is neither a flag nor its value. */
export interface Stray {
  readonly stray: string
}

/**
 * The words with each value that begins with a dash bound to its flag, for it would be read as flags of one letter: `--since -2h` as
 * `-h`, which asks for help. What stands behind `--` is as it is.
 */
export const bound = (words: ReadonlyArray<string>): ReadonlyArray<string> | Stray => {
  const end = words.indexOf("--")
  const read = end === -1 ? words : words.slice(0, end)
  const made: Array<string> = []
  for (const word of read) {
    const last = made.at(-1)
    if (!isDashed(word)) made.push(word)
    else if (last !== undefined && name.test(last)) made.splice(-1, 1, `${last}=${word}`)
    else return { stray: word }
  }
  return [...made, ...words.slice(read.length)]
}
