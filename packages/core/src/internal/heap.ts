/**
 * A queue by priority whose entries can leave it from anywhere: a binary heap in which each entry knows its place.
 */

/** What is in a heap. `place` belongs to the heap: -1 outside of it. */
export interface Entry {
  place: number
}

/** Entries of which the first is the one before all others. */
export interface Heap<A extends Entry> {
  readonly size: () => number
  readonly first: () => A | undefined
  readonly add: (entry: A) => void
  readonly remove: (entry: A) => void
}

/** An empty heap. */
export const make = <A extends Entry>(isBefore: (self: A, that: A) => boolean): Heap<A> => {
  const entries: Array<A> = []

  const put = (entry: A, place: number): void => {
    entries[place] = entry
    entry.place = place
  }

  const rise = (entry: A, from: number): void => {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(entry, entries[parent]!)) break
      put(entries[parent]!, place)
      place = parent
    }
    put(entry, place)
  }

  const sink = (entry: A, from: number): void => {
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= entries.length) break
      if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child++
      if (!isBefore(entries[child]!, entry)) break
      put(entries[child]!, place)
      place = child
    }
    put(entry, place)
  }

  return {
    size: () => entries.length,
    first: () => entries[0],
    add: (entry) => rise(entry, entries.length),
    remove: (entry) => {
      const { place } = entry
      const last = entries.pop()!
      entry.place = -1
      if (last === entry) return
      sink(last, place)
      if (last.place === place) rise(last, place)
    }
  }
}
