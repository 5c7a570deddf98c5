/** The lines of this process that ring or talk, call by call, where they are bounded. */
import type { CallId } from "../../CallEvent.ts"

/** Counts lines. */
export interface LinesInUse {
  /** So many lines of a call ring or talk. Tells whether there are fewer now, or one call fewer that was not read. */
  readonly set: (id: CallId, lines: number) => boolean
  /** It is not known yet how many lines of a call do. */
  readonly setUnread: (id: CallId) => void
  readonly count: () => number
  /** How many calls are not read yet. */
  readonly unread: () => number
  /** The calls whose lines are counted. */
  readonly calls: () => ReadonlyArray<CallId>
}

/** None rings. */
export const make = (): LinesInUse => {
  const lines = new Map<CallId, number>()
  const unread = new Set<CallId>()
  let count = 0
  return {
    set: (id, now) => {
      const wasUnread = unread.delete(id)
      const before = lines.get(id) ?? 0
      if (now === 0) lines.delete(id)
      else lines.set(id, now)
      count += now - before
      return wasUnread || now < before
    },
    setUnread: (id) => {
      if (!lines.has(id)) unread.add(id)
    },
    count: () => count,
    unread: () => unread.size,
    calls: () => [...lines.keys(), ...unread]
  }
}
