/** The calls in memory: one entity per call, for as long as something of it is under way or it has not rested long. */
import { Deferred, Effect, Exit } from "effect"
import * as Call from "../../Call.ts"
import type { CallId } from "../../CallEvent.ts"
import type { StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import * as Unforked from "../unforked.ts"
import { tolerance } from "./commonClock.ts"
import { type Entity, make as makeEntity } from "./entity.ts"
import type { Sessions } from "./sessions.ts"
import type { Surroundings } from "./surroundings.ts"

/** Which calls are in memory. */
export interface Entities {
  /** The entity of a call, of which nothing may be known yet. */
  readonly of: (id: CallId) => Entity
  /** The entity of a call, if there is one. */
  readonly find: (id: CallId) => Entity | undefined
  /** A call as it is in memory. */
  readonly live: (id: CallId) => LiveCall.LiveCall | undefined
  /** Whether a call is in memory as it was before another process went on with it. */
  readonly isOutdated: (id: CallId, version: number) => boolean
  readonly all: () => Iterable<Entity>
  /** The calls in memory that have something under way. */
  readonly underWay: () => ReadonlyArray<Call.Call>
  /** The calls of which something is being decided or stored, whatever will have come of it. */
  readonly beingTaken: () => ReadonlyArray<CallId>
  /** The calls whose outcome somebody waits for. */
  readonly awaited: () => ReadonlyArray<CallId>
  /** Does something with a call when what came before is done. The call stays in memory meanwhile. */
  readonly inTurn: (held: Entity, job: (entity: Entity, done: () => void) => void) => void
  /** The same for an effect, which is not to be interrupted. */
  readonly holding: <A, E>(held: Entity, use: (entity: Entity) => Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Lets a call leave memory if nothing of it is under way: at once if it is over, else when others have rested since. */
  readonly release: (entity: Entity) => void
  /** Whoever waits for an outcome waits no longer. */
  readonly giveUp: (error: StoreError) => void
  /** The clock was set forward by so much, or back: nothing in memory is set back with it. */
  readonly adjust: (by: number) => void
}

const isBusy = (entity: Entity): boolean =>
  entity.takers > 0 || entity.activity !== undefined || entity.unsure.length > 0 || entity.deliveries.size > 0 ||
  [...entity.waiters.values()].some((waiting) => waiting.size > 0)

/** No call in memory yet. */
export const make = ({ closing, run, settings }: Surroundings, sessions: Sessions): Entities => {
  const entities = new Map<CallId, Entity>()
  /** Calls in memory that need not be there, the one that has rested longest first. */
  const resting = new Set<Entity>()

  const of = (id: CallId): Entity => {
    const found = entities.get(id)
    if (found !== undefined) return found
    const entity = makeEntity(id)
    entities.set(id, entity)
    return entity
  }

  /** The one entity of a call. Whoever held on to it while the call left memory brings it back. */
  const enter = (held: Entity): Entity => {
    const entity = entities.get(held.id) ?? held
    entities.set(entity.id, entity)
    resting.delete(entity)
    entity.takers++
    return entity
  }

  const leave = (entity: Entity): void => {
    entity.takers--
    release(entity)
  }

  const inTurn: Entities["inTurn"] = (held, job) => {
    const entity = enter(held)
    entity.mailbox.post((done) =>
      job(entity, () => {
        leave(entity)
        done()
      })
    )
  }

  const holding: Entities["holding"] = <A, E>(held: Entity, use: (entity: Entity) => Effect.Effect<A, E>) =>
    Effect.uninterruptible(
      Effect.callback<A, E>((resume) =>
        inTurn(held, (entity, done) =>
          Unforked.begin(Effect.suspend(() => use(entity)), run, (exit) => {
            try {
              resume(exit)
            } finally {
              done()
            }
          }))
      )
    )

  /** Lets go of all of a call that the store can tell again. */
  const unload = (entity: Entity): void => {
    const call = entity.live?.call ?? entity.known
    if (call !== undefined) sessions.forget(call)
    entity.live = entity.earlier = entity.known = undefined
    if (entity.listeners === 0) entities.delete(entity.id)
  }

  const release = (entity: Entity): void => {
    // When nothing is recorded any more, what is known decides who hears a hold.
    if (isBusy(entity) || closing.isOver()) return
    if (entity.live === undefined || Call.isOver(entity.live.call)) return unload(entity)
    if (Call.isUrgent(entity.live.call) || entity.ahead > tolerance) return
    resting.add(entity)
    if (resting.size <= settings.memory.calls) return
    const [longest = entity] = resting
    resting.delete(longest)
    if (!isBusy(longest)) unload(longest)
  }

  return {
    of,
    find: (id) => entities.get(id),
    live: (id) => entities.get(id)?.live,
    isOutdated: (id, version) => {
      const entity = entities.get(id)
      return entity?.live !== undefined && entity.version < version
    },
    all: () => entities.values(),
    underWay: () =>
      [...entities.values()].flatMap(({ known, live }) => {
        const call = live?.call ?? known
        return call !== undefined && Call.isUrgent(call) ? [call] : []
      }),
    beingTaken: () => [...entities.values()].flatMap(({ id, takers }) => takers > 0 ? [id] : []),
    awaited: () => [...entities.values()].flatMap(({ id, listeners }) => listeners > 0 ? [id] : []),
    inTurn,
    holding,
    release,
    giveUp: (error) => {
      for (const { ended, listeners } of entities.values()) {
        if (listeners > 0) Deferred.doneUnsafe(ended, Exit.fail(error))
      }
    },
    adjust: (by) => {
      for (const entity of entities.values()) entity.ahead = Math.max(0, entity.ahead - by)
    }
  }
}
