/** Text in the cells of a terminal: a letter takes one, a wide one (of Chinese, an emoji) two, and an accent none. */
import { displayWidth } from "effect/cli/CliOutput"

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** Each of these takes one cell. */
const isPlain = (text: string): boolean => /^[ -~•…“”─│┆◀▶├┤]*$/.test(text)

/** What stands in each cell: a wide letter leaves the next one empty. */
export const cells = (text: string): ReadonlyArray<string> => {
  if (isPlain(text)) return Array.from(text)
  const made: Array<string> = []
  for (const { segment } of graphemes.segment(text)) {
    const width = displayWidth(segment)
    if (width === 0 && made.length > 0) made[made.length - 1] += segment
    else made.push(segment, ...Array.from({ length: width - 1 }, () => ""))
  }
  return made
}

/** In so many cells at most. */
export const cut = (text: string, most: number): string => {
  const all = cells(text)
  if (all.length <= most) return text
  const isHalf = all[most - 1] === "" // of a wide letter
  return `${all.slice(0, isHalf ? most - 2 : most - 1).join("")}…`
}

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** Text that keeps its own direction to itself: what stands around it stays where it is. */
export const isolated = (text: string): string => rightToLeft.test(text) ? `\u2068${text}\u2069` : text
