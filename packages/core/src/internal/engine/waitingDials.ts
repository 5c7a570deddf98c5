/**
 * The dials of this process that wait for their places, in the order in which their time came. Those from a number of ours that
 * is not taken as the caller stand aside, so that others pass.
 */
import type { CallId } from "../../CallEvent.ts"
import type * as Settings from "../../Settings.ts"
import * as Heap from "../heap.ts"
import type { Account } from "./account.ts"
import type { Time } from "./time.ts"

/** What is known of a dial that waits: the number of ours, and when its flow asked for it, in milliseconds since 1970. */
export interface Dial {
  readonly from: string
  readonly dialledAt: number
}

/** A dial that waits, since a time by which alarms are set. What is not read yet is not known as a dial. */
export interface Waiting extends Heap.Entry {
  readonly id: CallId
  readonly at: number
  dial: Dial | undefined
  /** Its place among all that have come to wait. */
  readonly n: number
}

/** The dials that wait. */
export interface WaitingDials {
  /** A dial waits from `at` on. What waits from then on already keeps its place. Tells whether it has to be looked at. */
  readonly enter: (id: CallId, at: number, dial: Dial | undefined) => boolean
  readonly leave: (id: CallId) => void
  readonly count: () => number
  readonly calls: () => Iterable<CallId>
  /** The first whose time has come, but for those that stand aside. */
  readonly due: () => Waiting | undefined
  /** When the time of the first comes; `Infinity` if none waits. */
  readonly firstAt: () => number
  /** Puts a dial aside whose number is not taken. */
  readonly park: (waiting: Waiting) => void
  /** Puts back what may go: all from a number that nothing stands in the way of, and else one that probes. */
  readonly unpark: (elapsed: number) => void
  /** When the next dial may probe that stands aside, by the time that has elapsed. */
  readonly unparkAt: () => number
  /** Looks who has waited too long for what stands in the way, when it is time, and has those woken. */
  readonly sweepSoon: () => void
  readonly sweepIfDue: () => void
  readonly sweepAt: () => number
}

/** So long is a dial not looked at again that should have been given up, in milliseconds. */
const sweepAgain = 10_000

/** What is needed of the engine. */
interface Options {
  readonly time: Time
  readonly settings: Settings.Settings
  readonly account: Account
  /** Has a call looked at that may have to be given up. */
  readonly wake: (id: CallId) => void
}

/** Nobody waits. */
export const make = ({ account, settings, time, wake }: Options): WaitingDials => {
  const waiting = new Map<CallId, Waiting>()
  const queue = Heap.make<Waiting>((self, that) => self.at === that.at ? self.n < that.n : self.at < that.at)
  const parked = new Map<string, Set<Waiting>>()
  let sweepAt = Infinity
  let entered = 0

  /** When a dial has waited too long for what stands in its way. Of one that is not read yet it is not known when it began. */
  const givenUpAt = ({ at, dial }: Waiting): number => {
    const since = account.since(dial?.from)
    if (since === undefined) return Infinity
    const began = dial === undefined ? at : time.steadyAt(dial.dialledAt)
    return Math.max(began, time.steadyAt(since)) + settings.dial.giveUpAfter
  }

  /** Whoever is to be looked at again is, but not at once. */
  const sweep = (now: number): void => {
    sweepAt = Infinity
    for (const entry of waiting.values()) {
      const at = givenUpAt(entry)
      if (at <= now) wake(entry.id)
      sweepAt = Math.min(sweepAt, at <= now ? now + sweepAgain : at)
    }
  }

  const leave = (id: CallId): void => {
    const entry = waiting.get(id)
    if (entry === undefined) return
    if (entry.place >= 0) queue.remove(entry)
    else if (entry.dial !== undefined) parked.get(entry.dial.from)?.delete(entry)
    waiting.delete(id)
  }

  const add = (id: CallId, at: number, dial: Dial | undefined): Waiting => {
    const entry: Waiting = { id, at, dial, n: entered++, place: -1 }
    waiting.set(id, entry)
    queue.add(entry)
    return entry
  }

  return {
    enter: (id, at, dial) => {
      const before = waiting.get(id)
      if (before?.at === at && (before.dial !== undefined || dial === undefined)) return false
      if (before?.at === at) before.dial = dial
      else leave(id)
      const entry = before?.at === at ? before : add(id, at, dial)
      sweepAt = Math.min(sweepAt, givenUpAt(entry))
      return queue.first() === entry || sweepAt < Infinity
    },
    leave,
    count: () => waiting.size,
    calls: () => waiting.keys(),
    due: () => {
      const first = queue.first()
      return first !== undefined && first.at <= time.steady() ? first : undefined
    },
    firstAt: () => queue.first()?.at ?? Infinity,
    park: (entry) => {
      const from = entry.dial?.from ?? ""
      queue.remove(entry)
      const others = parked.get(from)
      if (others === undefined) parked.set(from, new Set([entry]))
      else others.add(entry)
    },
    unpark: (elapsed) => {
      for (const [from, entries] of parked) {
        if (account.freeAtFrom(from) > elapsed) continue
        const isClear = account.since(from) === undefined
        for (const entry of entries) {
          entries.delete(entry)
          queue.add(entry)
          if (!isClear) break
        }
        if (entries.size === 0) parked.delete(from)
      }
    },
    unparkAt: () => [...parked.keys()].reduce((at, from) => Math.min(at, account.freeAtFrom(from)), Infinity),
    sweepSoon: () => {
      sweepAt = -Infinity
    },
    sweepIfDue: () => {
      const now = time.steady()
      if (now >= sweepAt) sweep(now)
    },
    sweepAt: () => sweepAt
  }
}
