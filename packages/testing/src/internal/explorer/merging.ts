/**
 * Which places of a search are one box. Two that say the same are one if one box leads to both, if the same leads from both to
 * one box, if one leads to the other, or if both are followed by nothing but an end. So the tries of a retry and the attempts of a
 * question are one place with a loop, and two places that only happen to say the same stay apart.
 */

/** One thing that may happen, and where it leads to. `isTelling` is not so of what may happen anywhere, such as a hang-up. */
export interface Link {
  readonly from: number
  readonly to: number
  readonly on: string
  readonly isTelling: boolean
}

/** Sets of places that grow together. */
class Sets {
  private readonly parents: Array<number>

  constructor(count: number) {
    this.parents = Array.from({ length: count }, (_, i) => i)
  }

  of(i: number): number {
    let root = i
    while (this.parents[root] !== root) root = this.parents[root]!
    for (let at = i; at !== root;) {
      const next = this.parents[at]!
      this.parents[at] = root
      at = next
    }
    return root
  }

  /** Whether two sets became one. */
  join(a: number, b: number): boolean {
    const [one, other] = [this.of(a), this.of(b)]
    if (one !== other) this.parents[Math.max(one, other)] = Math.min(one, other)
    return one !== other
  }
}

/** The places that are ends, and those that lead to nothing else but by what may happen anywhere. */
const lastOf = (ends: ReadonlySet<number>, links: ReadonlyArray<Link>): ReadonlySet<number> => {
  const last = new Set(links.filter(({ isTelling, to }) => isTelling && ends.has(to)).map(({ from }) => from))
  for (const { from, isTelling, to } of links) if (isTelling && !ends.has(to)) last.delete(from)
  return new Set([...ends, ...last])
}

/** The box of each place, by the first place that is in it. */
export const merged = (
  words: ReadonlyArray<string>,
  ends: ReadonlySet<number>,
  links: ReadonlyArray<Link>
): ReadonlyArray<number> => {
  const sets = new Sets(words.length)
  const lasts = new Map<string, number>()
  for (const place of lastOf(ends, links)) {
    sets.join(lasts.get(words[place]!) ?? place, place)
    lasts.set(words[place]!, place)
  }
  for (const { from, to } of links) if (words[from] === words[to]) sets.join(from, to)
  for (let grows = true; grows;) {
    grows = false
    const firsts = new Map<string, number>()
    const join = (key: string, place: number) => {
      const first = firsts.get(key)
      if (first === undefined) firsts.set(key, place)
      else grows = sets.join(first, place) || grows
    }
    for (const { from, isTelling, on, to } of links) {
      join(`> ${sets.of(from)} ${words[to]}`, to)
      if (isTelling) join(`< ${words[from]} ${on} ${sets.of(to)}`, from)
    }
  }
  return words.map((_, i) => sets.of(i))
}
