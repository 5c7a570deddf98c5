/**
 * Numbers by which parts of a place are compared: what is equal has one number, however long the way to it was. A part is
 * written out once, when it is met first, and a whole is the number of the numbers of its parts.
 */
import type { Content } from "./content.ts"

/** The number of a part of a place. */
export type Mark = number

/** What is not there. */
export const nothing: Mark = 0

const none: ReadonlyArray<string> = []

/** The numbers of one flow. They are not those of another one. */
export class Marks {
  private last: Mark = nothing
  private readonly contents = new Map<string, Mark>()
  private readonly pairs = new Map<Mark, Map<Mark, Mark>>()
  private readonly hidden = new Map<Mark, ReadonlyArray<string>>()

  /** Equal contents have one number. */
  ofContent({ opaque, text }: Content): Mark {
    const known = this.contents.get(text)
    if (known !== undefined) return known
    const mark = this.once()
    this.contents.set(text, mark)
    if (opaque.length > 0) this.hidden.set(mark, opaque)
    return mark
  }

  /** Equal pairs have one number, and no content has it. */
  ofPair(first: Mark, second: Mark): Mark {
    const seconds = this.pairs.get(first) ?? new Map<Mark, Mark>()
    const known = seconds.get(second)
    if (known !== undefined) return known
    const mark = this.once()
    this.pairs.set(first, seconds.set(second, mark))
    const opaque = both(this.opaque(first), this.opaque(second))
    if (opaque.length > 0) this.hidden.set(mark, opaque)
    return mark
  }

  /** A number that nothing else has. */
  once(): Mark {
    return ++this.last
  }

  /** The kinds of what in a part is equal to itself only. */
  opaque(mark: Mark): ReadonlyArray<string> {
    return this.hidden.get(mark) ?? none
  }
}

/** The kinds of two parts. Most of a whole was there before, so that most wholes share theirs with a part. */
const both = (first: ReadonlyArray<string>, second: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (first.length === 0) return second
  const more = second.filter((kind) => !first.includes(kind))
  return more.length === 0 ? first : [...first, ...more]
}
