/**
 * The lease of this process: whether the others may have taken it for dead, because it hung or was cut off. A process that thaws
 * learns so before it does anything, for whoever asks compares the time since the last sign of life that arrived. It counts from when
 * that was sent: the others count from when the database had it, which is no earlier.
 */

/** The lease of this process among those that share a store. */
export interface Lease {
  /** A sign of life is sent. What it gives is called when that has arrived. */
  readonly renewing: () => () => void
  /** How many times it was over until now. What was known of calls before the last time may be out of date. */
  readonly lapses: () => number
  /** Whether it is over now, so that others may go on with calls at any time. */
  readonly isOver: () => boolean
}

/** Of a process that is seen to live from the first renewal on. `lapsed` is told how long nothing was heard of it. */
export const make = (elapsed: () => number, millis: number, lapsed: (silence: number) => void): Lease => {
  let renewedAt = Infinity
  let isOver = false
  let count = 0

  const look = (): void => {
    const silence = elapsed() - renewedAt
    if (isOver || silence < millis) return
    isOver = true
    count++
    lapsed(silence)
  }

  return {
    renewing: () => {
      const sentAt = elapsed()
      return () => {
        look()
        renewedAt = sentAt
        isOver &&= elapsed() - sentAt >= millis
      }
    },
    lapses: () => {
      look()
      return count
    },
    isOver: () => {
      look()
      return isOver
    }
  }
}
