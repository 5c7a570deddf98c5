/** A call from the store: rebuilt from its events, and what became of an append of which nobody knew. */
import { type Cause, Deferred, Effect, Exit, Option } from "effect"
import * as Call from "../../Call.ts"
import { CallNotFound } from "../../CallError.ts"
import type { CallEvent, CallId } from "../../CallEvent.ts"
import { type EventStore, StoreError, type Turn, Unreadable } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import * as Replay from "../../Replay.ts"
import type { Divergence, Replayed } from "../../Replay.ts"
import * as ids from "../ids.ts"
import * as CallLog from "./callLog.ts"
import type { Deliveries } from "./deliveries.ts"
import type { Entities } from "./entities.ts"
import { type Entity, passed, type Unsure } from "./entity.ts"
import type { Hearsay } from "./hearsay.ts"
import { beginsWork } from "./pending.ts"
import type { Sessions } from "./sessions.ts"
import type { Storing } from "./storing.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Timing } from "./timing.ts"

/** Reads calls. */
export interface Loading {
  /**
   * Whether a call is in memory, and need not be read before it is decided on. It had better be where calls in memory were often
   * behind lately, because their webhooks come to other processes, too.
   */
  readonly isCurrent: (entity: Entity) => boolean
  /** Brings a call into memory, if it has any events, and reads what is new of one that is not current. For whoever has its turn. */
  readonly loaded: (entity: Entity) => Effect.Effect<LiveCall.LiveCall | undefined, StoreError>
  /** The same, as it is stored now. */
  readonly reload: (entity: Entity) => Effect.Effect<LiveCall.LiveCall | undefined, StoreError>
  /** Fails for a call that was pruned. */
  readonly notPruned: (id: CallId) => Effect.Effect<void, StoreError | CallNotFound>
  /** Whether another process has appended to a call, or it was pruned. */
  readonly isBehind: (entity: Entity) => Effect.Effect<boolean, StoreError>
  /** Brings a call up to date, and gives it if another process had gone on with it. */
  readonly refresh: (entity: Entity) => Effect.Effect<LiveCall.LiveCall | undefined, StoreError>
  /** Finds out what became of an append that failed: as soon as the store can be read, and once more when it has had time. */
  readonly findOut: (entity: Entity, unsure: Unsure) => Effect.Effect<void>
}

/** What loading needs of the other parts. */
export interface Parts {
  readonly entities: Entities
  readonly sessions: Sessions
  readonly deliveries: Deliveries
  readonly timing: Timing
  readonly storing: Storing
  readonly hearsay: Hearsay
}

/** What is not in the store so long after its append failed, in milliseconds, will not be. */
const longestCommit = 60_000

/** The turns of a call. One without events has lost them: what goes on without them may dial again, or wait for ever. */
export const turnsOf = (
  store: Pick<EventStore["Service"], "read">,
  id: CallId,
  after?: number
): Effect.Effect<ReadonlyArray<Turn>, StoreError> =>
  Effect.flatMap(store.read(id, after), (turns) => {
    const empty = turns.find(({ events }) => events.length === 0)
    return empty === undefined ? Effect.succeed(turns) : Effect.fail(emptyTurn(empty))
  })

/** When a call of which no turns are left was over; `undefined` if it was not pruned. */
export const prunedAt = (
  store: Pick<EventStore["Service"], "summary">,
  id: CallId
): Effect.Effect<number | undefined, StoreError> =>
  Effect.map(
    store.summary(id),
    (found) => Option.getOrUndefined(Option.filter(found, ({ status }) => status === "pruned"))?.at
  )

const emptyTurn = ({ callId, version }: Turn): StoreError =>
  new StoreError({
    operation: "read",
    reason: new Unreadable({
      problem: `Turn ${version} of call ${callId}: it has no events, and none such is ever stored.`
    })
  })

/** What is known of a call by its turns: all of them, or those that came since. */
const learn = (entity: Entity, turns: ReadonlyArray<Turn>): void => {
  const last = turns.at(-1)
  if (last === undefined) return
  const began = turns.findLast((turn) => turn.events.some(beginsWork))
  entity.version = last.version
  entity.writer = ids.processOf(last.id)
  if (began !== undefined) entity.worker = ids.processOf(began.id)
}

/** So many reads find nothing new before a call in memory is trusted again; that of one that was behind counts for four. */
const mostWary = 32

/** How much is to be made of calls in memory: little, as long as processes that live were often found to have gone on with them. */
const trust = (neighbours: Surroundings["neighbours"]) => {
  let wariness = 0
  return {
    isLow: () => wariness > 0,
    weigh: (turns: ReadonlyArray<Turn>): void => {
      const others = neighbours.others()
      const isTheirs = ({ id }: Turn) => others.has(ids.processOf(id))
      wariness = turns.some(isTheirs) ? Math.min(wariness + 4, mostWary) : Math.max(wariness - 1, 0)
    }
  }
}

/** A call by its events: by all of them, or by those that came since it was `before`. */
const made = (
  { definition }: Surroundings,
  id: CallId,
  before: LiveCall.LiveCall | undefined,
  events: ReadonlyArray<CallEvent>
): Replayed => {
  const call = events.reduce(Call.evolve, before?.call ?? Call.initial(id))
  const flow = definition(call.flow, call.flowVersion)
  if (call.exit !== undefined) return { live: LiveCall.settled(call, flow), divergence: undefined }
  if (flow === undefined) return { live: LiveCall.withoutFlow(call), divergence: undefined }
  return before === undefined ? Replay.rebuild(id, flow, events) : Replay.goOn(before, events)
}

/** Ends a call whose flow disagrees with its events. `false` if somebody else was first. */
const diverging = ({ read }: Surroundings, { storing, timing }: Parts) =>
  Effect.fnUntraced(function*(entity: Entity, live: LiveCall.LiveCall, divergence: Divergence) {
    yield* CallLog.about(
      entity,
      Effect.logError(
        `Call ${entity.id} cannot go on: its flow ${live.call.flow} disagrees with its log at event ${divergence.at} ` +
          `(recorded ${divergence.recorded}, now ${divergence.now})`
      )
    )
    const reading = read()
    const ended = Replay.diverge(live, divergence, timing.timeOf(entity, live.call, reading))
    return yield* storing.commit(entity, ended, reading.elapsed)
  })

/** Brings calls into memory. */
const bringing = (surroundings: Surroundings, parts: Parts): Pick<Loading, "isCurrent" | "loaded" | "reload"> => {
  const { neighbours, store } = surroundings
  const { deliveries, hearsay, sessions, storing, timing } = parts
  const memory = trust(neighbours)
  const diverge = diverging(surroundings, parts)

  const isCurrent: Loading["isCurrent"] = ({ id, isRead, live, version }) =>
    live !== undefined && (isRead || !memory.isLow() && !hearsay.has(id, version))

  const bring = Effect.fnUntraced(function*(entity: Entity, live: LiveCall.LiveCall) {
    yield* sessions.learn(live.call)
    entity.known = live.call
    entity.live = live
    if (live.call.exit !== undefined) Deferred.doneUnsafe(entity.ended, Exit.succeed(live.call.exit))
    deliveries.read(entity, live)
    return live
  })

  /** Says of a call that the store has lost turns of it which it had. One that is over may have been removed. */
  const compare = Effect.fnUntraced(function*({ id, known, version }: Entity, found: number) {
    if (found >= version || known === undefined) return
    if (found === 0 && (known.exit !== undefined || (yield* prunedAt(store, id)) !== undefined)) return
    surroundings.restore.lost(id, { version, at: known.at, found })
  })

  const load: Loading["loaded"] = Effect.fnUntraced(function*(entity) {
    const stored = yield* turnsOf(store, entity.id)
    yield* compare(entity, stored.at(-1)?.version ?? 0)
    entity.live = entity.earlier = undefined
    entity.version = 0
    entity.writer = entity.worker = undefined
    learn(entity, stored)
    const events = stored.flatMap((turn) => turn.events)
    if (events.length === 0) return undefined
    const { divergence, live } = made(surroundings, entity.id, undefined, events)
    yield* bring(entity, live)
    if (divergence !== undefined && !(yield* diverge(entity, live, divergence))) return yield* load(entity)
    showUnsure(entity, stored)
    return entity.live
  })

  /** Tells a call what came since: nothing, or what another process has appended. All of it is read again if that does not fit. */
  const catchUp = Effect.fnUntraced(function*(entity: Entity, before: LiveCall.LiveCall) {
    const { version } = entity
    const turns = (yield* turnsOf(store, entity.id, version)).filter((turn) => turn.version > version)
    if (turns.length === 0 && entity.live === undefined) return yield* load(entity)
    memory.weigh(turns)
    if (turns.length === 0) return entity.live
    const { divergence, live } = made(surroundings, entity.id, before, turns.flatMap(({ events }) => events))
    if (turns[0]!.version !== version + 1 || divergence !== undefined) return yield* load(entity)
    entity.live = entity.earlier = undefined // What follows may fail, and the version is not theirs any more.
    learn(entity, turns)
    return yield* bring(entity, live)
  })

  /** Tells a call what others have told of it, unless that does not fit: then it is read. */
  const believe = (entity: Entity, before: LiveCall.LiveCall | undefined, told: ReadonlyArray<Turn>) => {
    const { divergence, live } = made(surroundings, entity.id, before, told.flatMap(({ events }) => events))
    if (divergence !== undefined) return consult(entity, before)
    entity.live = entity.earlier = undefined
    if (before === undefined) entity.writer = entity.worker = undefined
    learn(entity, told)
    return Effect.flatMap(bring(entity, live), () => loaded(entity))
  }

  const consult = (entity: Entity, before: LiveCall.LiveCall | undefined) => {
    entity.isRead = true
    return before === undefined ? load(entity) : catchUp(entity, before)
  }

  /** If an append of which nobody knew is stored, what follows from it still has to happen. */
  const showUnsure = (entity: Entity, stored: ReadonlyArray<Turn>): void => {
    const { live, unsure } = entity
    if (unsure.length === 0) return
    entity.unsure = unsure.filter(({ turn }) => turn.version > stored.length)
    const shown = unsure.find(({ turn: { id, version } }) => stored[version - 1]?.id === id)
    if (shown === undefined || live === undefined) return
    entity.found = shown
    entity.deliveries.clear() // nobody has heard what it decided
    storing.show(entity, shown, stored[shown.turn.version - 1]!.events, live.call)
    timing.rest(entity, live)
  }

  const loaded: Loading["loaded"] = (entity) => {
    if (isCurrent(entity)) return Effect.succeed(entity.live)
    if (entity.unsure.length > 0) return consult(entity, undefined)
    const before = entity.live ?? entity.earlier
    const told = hearsay.take(entity.id, before === undefined ? 0 : entity.version)
    return told.length === 0 ? consult(entity, before) : believe(entity, before, told)
  }

  const reload: Loading["reload"] = (entity) => {
    passed(entity)
    return loaded(entity)
  }

  return { isCurrent, loaded, reload }
}

/** From the store of an engine. */
export const make = (surroundings: Surroundings, parts: Parts): Loading => {
  const { store, troubles } = surroundings
  const { entities, timing } = parts
  const { loaded, isCurrent, reload } = bringing(surroundings, parts)

  const findOut: Loading["findOut"] = Effect.fnUntraced(function*(entity, unsure) {
    const isUnsure = () => entity.unsure.includes(unsure)
    const lost = (cause: Cause.Cause<unknown>) =>
      CallLog.lost(entity, "What became of an append of a call cannot be found out", cause)
    const again = (entity: Entity) => isUnsure() ? reload(entity) : loaded(entity)
    const look = Effect.catchCause(troubles.store.untilDone(entities.holding(entity, again)), lost)
    yield* look
    if (!isUnsure()) return
    yield* Effect.sleep(longestCommit)
    yield* look
    entity.unsure = entity.unsure.filter((each) => each !== unsure)
    entities.release(entity)
  })

  const isBehind: Loading["isBehind"] = (entity) =>
    Effect.map(
      store.summary(entity.id),
      (found) => Option.isSome(Option.filter(found, (is) => is.status === "pruned" || is.version > entity.version))
    )

  const notPruned: Loading["notPruned"] = (id) =>
    Effect.flatMap(
      prunedAt(store, id),
      (endedAt) => endedAt === undefined ? Effect.void : Effect.fail(new CallNotFound({ callId: id, endedAt }))
    )

  const refresh: Loading["refresh"] = (held) =>
    entities.holding(
      held,
      Effect.fnUntraced(function*(entity) {
        if (!(yield* isBehind(entity))) return undefined
        const live = yield* reload(entity)
        if (live !== undefined) timing.rest(entity, live)
        return live
      })
    )

  return { isCurrent, loaded, reload, notPruned, isBehind, refresh, findOut }
}
