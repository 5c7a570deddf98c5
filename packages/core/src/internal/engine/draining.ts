/**
 * What a process does that is about to end, while it still answers: each call that it looks after goes to another process that
 * lives and knows its flow, as soon as nothing of it is in hand here. Who takes a call says so. What is not taken in time is found
 * by the others when they see that this process is gone.
 */
import { Array as Arr, Effect, Latch } from "effect"
import * as Call from "../../Call.ts"
import type { CallId } from "../../CallEvent.ts"
import type { StoreError } from "../../EventStore.ts"
import type { Delivery, Entity } from "./entity.ts"
import * as Neighbours from "./neighbours.ts"
import type { Parts } from "./parts.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** Hands calls over. */
export interface Draining {
  /** A turn of a call that was handed over concerns another process. */
  readonly follow: Follow
  /** Gives to others what they can go on with, until there is nothing of it. */
  readonly handOver: Effect.Effect<void>
  /** The same for so many milliseconds at least, and until nothing is in hand either and no call under way is looked after here. */
  readonly finish: (atLeast: number) => Effect.Effect<void>
  /** Another process looks after these calls from now on. What it says of a call before something happened to that counts no more. */
  readonly letGo: (calls: ReadonlyArray<CallId>, to: string) => void
  /** How many calls others have taken. */
  readonly handedOver: () => number
  /** The calls that have something under way and are not handed over. */
  readonly left: () => ReadonlyArray<Call.Call>
}

/** So often it is looked what can be given, in milliseconds, if nothing happens meanwhile. */
const pause = 100

/** Who does not say in this time that it takes a call is asked again, or another one is, in milliseconds. */
const patience = 1_000

/** Where calls are that this process has looked after. */
class Handed {
  /** Those that were given to another process: when, to which, and to all that may say yet that they take it as it is. */
  readonly given = new Map<CallId, { readonly at: number; readonly to: string; readonly asked: ReadonlySet<string> }>()
  /** Those that another looks after, and which; nobody has to where they are over. And all that any did. */
  readonly taken = new Map<CallId, string | undefined>()
  readonly ever = new Set<CallId>()
  /** Those whose flow no other process knows. */
  readonly kept = new Set<CallId>()

  give(id: CallId, at: number, to: string): void {
    this.given.set(id, { at, to, asked: new Set(this.given.get(id)?.asked).add(to) })
  }

  /** Tells whether it was given to that process as it is. */
  take(id: CallId, by: string): boolean {
    if (this.given.get(id)?.asked.has(by) !== true) return false
    this.given.delete(id)
    this.taken.set(id, by)
    this.ever.add(id)
    return true
  }

  /** Who has taken a call may have died before anything of that was durable. */
  forgetDead(living: ReadonlySet<string>): void {
    for (const [id, by] of this.taken) if (by !== undefined && !living.has(by)) this.forget(id)
  }

  /** Something has happened to a call here. */
  forget(id: CallId): void {
    this.given.delete(id)
    this.taken.delete(id)
    this.kept.delete(id)
  }
}

/** Who was asked last, and did not take a call, may hang: then another one is asked, if there is one. */
const besides = (asked: string | undefined, all: ReadonlyArray<string>): ReadonlyArray<string> =>
  all.length < 2 ? all : all.filter((each) => each !== asked)

/** Tells whether something of a call happens here that no other process can know of. */
const inHand = ({ closing, now, process, settings }: Surroundings) => {
  /** Of a reply that is not told to be written for so long, nothing will be told. */
  const isBeingWritten = ({ at, isOurs, written }: Delivery): boolean =>
    isOurs && written === undefined && now() - at < settings.reply.lateAfter

  const isAttempted = (call: Call.Call): boolean =>
    Call.liveLines(call).some((line) => line.phase === "Attempted" && line.process === process)

  /** An engine that closes runs no activity any more. */
  return ({ activity, deliveries, known, live, takers, waiters }: Entity): boolean => {
    const call = live?.call ?? known
    return takers > 0 || (activity !== undefined && !closing.isBegun()) || (call !== undefined && isAttempted(call)) ||
      [...waiters.values()].some((waiting) => waiting.size > 0) || [...deliveries.values()].some(isBeingWritten)
  }
}

/** For an engine. */
export const make = (
  surroundings: Surroundings,
  { entities }: Parts
): Draining => {
  const { alarm, closing, elapsed, neighbours, pacing, store } = surroundings
  const latch = Latch.makeUnsafe()
  const handed = new Handed()
  const { given, kept, taken } = handed
  const isInHand = inHand(surroundings)

  const follow: Follow = ({ id }) => {
    if (!closing.isDraining()) return
    handed.forget(id)
    latch.openUnsafe()
  }

  /** The calls that this process looks after and has not handed over. */
  const own = (): ReadonlyArray<CallId> => {
    const underWay = entities.underWay().map(({ id }) => id)
    const all = new Set([...underWay, ...alarm.armed() as ReadonlyArray<CallId>, ...pacing.waitingCalls()])
    return [...all].filter((id) => !taken.has(id))
  }

  const canBeGiven = (id: CallId): boolean => {
    const entity = entities.find(id)
    const isGiven = elapsed() - (given.get(id)?.at ?? -Infinity) < patience
    return !isGiven && !kept.has(id) && (entity === undefined || !isInHand(entity))
  }

  const give = Effect.fnUntraced(function*(ids: ReadonlyArray<CallId>) {
    const parcels = new Map<string, Array<CallId>>()
    const found = yield* store.summaries(ids)
    for (const id of ids) kept.add(id)
    for (const { callId, status } of found) if (status === "over") taken.set(callId, undefined) // Here it is as it was once.
    for (const call of found) {
      const known = call.status === "running" ? Neighbours.knowing(neighbours.others(), call) : []
      const receiver = Neighbours.chosenOf(besides(given.get(call.callId)?.to, known), call.callId)
      if (receiver === undefined) continue
      kept.delete(call.callId)
      parcels.set(receiver, [...parcels.get(receiver) ?? [], call.callId])
    }
    for (const [receiver, calls] of parcels) {
      for (const id of calls) handed.give(id, elapsed(), receiver)
      yield* neighbours.give(receiver, "yours", calls)
    }
  })

  /** Those with something under way go first, then those that are due first. */
  const giveAll: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    if (neighbours.others().size === 0) return Effect.void
    return Effect.forEach(Arr.chunksOf(own().filter(canBeGiven), Neighbours.mostCalls), give, { discard: true })
  })

  /** Whether others are about to say that they take a call, or are given one as soon as nothing of it is in hand. */
  const isUnderWay = (): boolean => neighbours.others().size > 0 && own().some((id) => !kept.has(id))

  const working = (isDone: () => boolean): Effect.Effect<void> =>
    Effect.gen(function*() {
      let lookedAt = -Infinity
      let hasLeft = false
      while (true) {
        latch.closeUnsafe()
        if (elapsed() - lookedAt >= patience) {
          lookedAt = elapsed()
          kept.clear()
          if (!hasLeft) hasLeft = yield* Effect.isSuccess(neighbours.leave)
          yield* Effect.ignore(neighbours.look)
          handed.forgetDead(neighbours.living())
        }
        yield* Effect.ignore(giveAll)
        if (isDone()) return
        yield* Effect.raceFirst(latch.await, Effect.sleep(pause))
      }
    })

  const left = (): ReadonlyArray<Call.Call> => entities.underWay().filter(({ id }) => !taken.has(id))

  /** Nothing wakes them here. */
  const letGo: Draining["letGo"] = (calls, to) => {
    for (const id of calls) {
      if (!handed.take(id, to)) continue
      alarm.clear(id)
      pacing.leave(id)
    }
    latch.openUnsafe()
  }

  return {
    follow,
    handOver: store.processes === undefined ? Effect.void : working(() => !isUnderWay()),
    finish: (atLeast) =>
      Effect.suspend(() => {
        const until = elapsed() + atLeast
        return working(() => elapsed() >= until && closing.isIdle() && !isUnderWay() && left().length === 0)
      }),
    letGo,
    handedOver: () => handed.ever.size,
    left
  }
}
