/**
 * Times as people write them on one line: `2s`, `500ms`, `1.5 m`, and whatever Effect reads, such as `3 seconds`.
 */
import type { Duration } from "effect"

export const parse = (words: string): Duration.Input => {
  const short = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(words)
  return short === null ? words as Duration.Input : Number(short[1]) * units[short[2]!]!
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
