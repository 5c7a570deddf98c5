/**
 * The stores of a storm, each with its behaviour under failure.
 *
 * - `memory` is the plain contract: one append after another, which may be slow, fail before or after it is stored, or be
 *   told of a conflict. Processes that overlap share it.
 * - `sqlite` is `SqlEventStore` over a database that one process holds until it dies: group commits, which fail as a whole.
 * - `postgres` is `SqlEventStore` over a database that several processes share, each by connections of its own.
 *
 * The database below the SQL stores is the SQLite of Node in memory, whose statements take virtual time and fail by the
 * dice. The statements of PostgreSQL differ from it in their text, not in what they do.
 */
import { CallEvent, CallIndex, EventLog, EventStore, Retention } from "@ringback/core"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import type * as StormFaults from "../../StormFaults.ts"
import type { Border } from "./border.ts"
import { postingOf } from "./storedCalls.ts"
import type { Process, View, World } from "./world.ts"

/** What a store gives. */
export type Services = EventStore.EventStore | CallIndex.CallIndex | EventLog.EventLog | Retention.Retention

/** The key that calls are found by number with. */
export const numbersKey = Layer.orDie(CallIndex.layerNumbersKey(Redacted.make("the key of a storm")))

/** What befalls the store of a process, whatever it is made of. */
export interface Weather<E> {
  /** Around a part of something that is done as a whole or not at all. */
  readonly failing: <A, F>(part: Effect.Effect<A, F>) => Effect.Effect<A, E | F>
  /** Around something that only reads. */
  readonly reading: <A>(read: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Around something that stores. `stored` runs right when it is durable. */
  readonly writing: <A, F>(
    write: Effect.Effect<A, F>,
    stored: () => void,
    isRefused: () => boolean
  ) => Effect.Effect<A, E | F>
}

/** Why an operation fails, by which its error is made. */
export type Problem = "broken" | "full" | "refused"

/** How long a disk stays full. */
const fullFor = [2_000, 10_000, 60_000, 60_000, 300_000] as const

export const weather = <E>(
  world: World,
  border: Border,
  process: Process,
  fail: (operation: "write" | "read", problem: Problem) => E
): Weather<E> => {
  const { now, strikes } = world

  const slowly = Effect.suspend(() => {
    const slow = strikes("storeSlow")?.between(1, 1_500) ?? 0
    const stuck = strikes("storeStuck")?.between(1_500, 15_000) ?? 0
    const millis = Math.max(slow + stuck, process.apartUntil - now())
    if (millis === 0) return Effect.void
    process.life.waited.push({ from: now(), to: now() + millis })
    return world.outside(Effect.sleep(millis))
  })

  /** A statement that PostgreSQL has in its hands is carried out, whatever becomes of who sent it. */
  const unlessDead = world.options.store === "postgres" ? Effect.void : border.pass(process)

  const failed = (operation: "write" | "read", problem: Problem) => {
    process.life.failed.push(now())
    return Effect.fail(fail(operation, problem))
  }

  const fails = (operation: "write" | "read", kind: StormFaults.Kind) =>
    Effect.suspend(() => strikes(kind) === undefined ? Effect.void : failed(operation, "broken"))

  const fits = Effect.suspend(() => {
    const { disk } = world
    const full = disk.fullUntil === 0 ? strikes("storeFull") : undefined
    if (full !== undefined) disk.fullUntil = now() + full.pick(fullFor)
    return now() < disk.fullUntil ? failed("write", "full") : Effect.void
  })

  return {
    failing: (part) => Effect.andThen(fails("write", "storeFails"), part),
    reading: (read) =>
      Effect.gen(function*() {
        yield* border.cross(process)
        yield* slowly
        yield* fails("read", "storeFails")
        const found = yield* read
        yield* border.cross(process)
        return found
      }),
    writing: (write, stored, isRefused) =>
      Effect.gen(function*() {
        yield* border.cross(process)
        yield* slowly
        yield* unlessDead
        yield* fits
        yield* fails("write", "storeFails")
        if (isRefused()) return yield* Effect.fail(fail("write", "refused"))
        const result = yield* write
        stored()
        yield* slowly
        yield* border.cross(process)
        yield* fails("write", "storeFailsAfter")
        return result
      })
  }
}

const reasons = {
  broken: new EventStore.Down({ problem: "It was made to fail" }),
  full: new EventStore.Down({ problem: "The disk is full" }),
  refused: new EventStore.Rejected({ problem: "It does not fit" })
}

/** Most turns that are refused in a run. */
const mostRefused = 2

/** What a turn brings: it is the same when it is decided anew. The end of a call that was refused something brings another. */
const contentOf = ({ callId, events, version }: Pick<EventStore.Turn, "callId" | "events" | "version">): string =>
  `${callId}/${version}/${events[0]?._tag}/${events.some(isDefect) ? "defect" : ""}`

const isDefect = (event: CallEvent.CallEvent): boolean =>
  event._tag === "FlowEnded" && event.exit._tag === "Stopped" && event.exit.reason._tag === "Defect"

/**
 * Perhaps the store never takes what a turn brings. The first turn of a call is left alone, for nobody could start it, and so
 * are what ends a call that was refused something and what closes its lines, for nobody could end it.
 */
const poison = (world: World, turn: EventStore.Turn): void => {
  const { options, refused, strikes } = world
  if (options.faults.storeRefuses === 0 || turn.version === 1 || refused.size >= mostRefused) return
  const isStop = [...refused.keys()].some((content) => content.startsWith(`${turn.callId}/${turn.version}/`))
  if (!isStop && !closesLines(world, turn) && strikes("storeRefuses") !== undefined) refused.set(contentOf(turn), 0)
}

/** Whether a turn brings what time brings to lines: they count as lost, or their call has its outcome and waits for them. */
const closesLines = ({ records }: World, { callId, events }: EventStore.Turn): boolean =>
  events.some(({ _tag }) => _tag === "LineSilent" || _tag === "LinePresumedClosed") ||
  (postingOf(events[0]!) === undefined &&
    records.turns.some(({ turn }) => turn.callId === callId && turn.events.some(({ _tag }) => _tag === "FlowEnded")))

/** Whether a turn is refused, which counts. */
export const refuses = ({ refused }: World, turn: Pick<EventStore.Turn, "callId" | "events" | "version">): boolean => {
  const content = contentOf(turn)
  const tries = refused.get(content)
  if (tries !== undefined) refused.set(content, tries + 1)
  return tries !== undefined
}

/** The plain contract. Processes that overlap share it. */
export const memory = (
  world: World,
  border: Border,
  process: Process,
  services: Context.Context<Services>
): Context.Context<Services> => {
  const base = Context.get(services, EventStore.EventStore)
  const retention = Context.get(services, Retention.Retention)
  const { reading, writing } = weather(
    world,
    border,
    process,
    (operation, problem) => new EventStore.StoreError({ operation, reason: reasons[problem] })
  )
  const conflicts = (turn: EventStore.Turn) =>
    Effect.suspend(() =>
      world.strikes("storeConflicts") === undefined
        ? Effect.void
        : Effect.fail(new EventStore.VersionConflict({ callId: turn.callId, version: turn.version }))
    )
  const store = EventStore.EventStore.of({
    namespace: base.namespace,
    append: (turn, summary, about) =>
      noting(
        world,
        process,
        turn,
        summary,
        writing(
          Effect.andThen(conflicts(turn), base.append(turn, summary, about)),
          () => stored(world, process, turn.id),
          () => refuses(world, turn)
        )
      ),
    read: (callId) => reading(base.read(callId)),
    find: (referenceId) => reading(base.find(referenceId)),
    due: (due) => reading(base.due(due)),
    orphans: (alive) => reading(base.orphans(alive)),
    summary: (callId) => reading(base.summary(callId)),
    summaries: (callIds) => reading(base.summaries(callIds)),
    processes: undefined,
    changes: base.changes
  })
  return services.pipe(
    Context.add(EventStore.EventStore, store),
    Context.add(Retention.Retention, {
      prune: (options) => writing(retention.prune(options), () => {}, () => false)
    })
  )
}

/** The plain contract, looked at from outside. */
export const viewOfMemory = ({ records }: World, services: Context.Context<Services>): View => {
  const store = Context.get(services, EventStore.EventStore)
  const index = Context.get(services, CallIndex.CallIndex)
  const log = Context.get(services, EventLog.EventLog)
  const ofCall = (id: CallEvent.CallId) =>
    Effect.map(store.summary(id), (found) =>
      Option.match(Option.filter(found, ({ status }) => status === "pruned"), {
        onNone: () => [],
        onSome: ({ due }) => [{ id, until: due ?? 0 }]
      }))
  const look = Effect.gen(function*() {
    const ids = [...new Set(records.turns.map(({ turn }) => turn.callId))]
    const pruned = (yield* Effect.forEach(ids, ofCall)).flat()
    const gone = new Set(pruned.map(({ id }) => id))
    const read = yield* Effect.forEach(pruned, ({ id }) => store.read(id))
    const listed = (yield* index.list({}, { limit: 1000 })).calls.filter(({ callId }) => gone.has(callId))
    const logged = (yield* log.read({ limit: 1000 })).filter(({ turn }) => gone.has(turn.callId))
    const rest = [...read.flat().map(() => "turns"), ...listed.map(() => "lists"), ...logged.map(() => "the log")]
    return { pruned, rest: [...new Set(rest)] }
  })
  return { look: Effect.orDie(look), index, log }
}

/** Remembers an append while it is under way. */
export const noting = <A, E extends EventStore.VersionConflict | EventStore.StoreError>(
  world: World,
  process: Process,
  turn: EventStore.Turn,
  summary: EventStore.Summary,
  append: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    process.appends.set(turn.id, { turn, summary, begun: world.moment() })
    process.appending++
    poison(world, turn)
    const confirmed = Effect.sync(() => {
      const appended = world.records.turns.findLast((appended) => appended.turn.id === turn.id)
      if (appended !== undefined) appended.confirmed = world.moment()
    })
    const refusal = (error: E) =>
      Effect.sync(() => {
        if (error._tag !== "StoreError" || error.reason._tag !== "Rejected") return
        const { now, records, refused } = world
        process.life.failed.push(now())
        const tries = refused.get(contentOf(turn))
        records.refused.push({
          ...world.moment(),
          turn,
          incarnation: process.id,
          isOwn: tries !== undefined,
          tries: tries ?? 0
        })
      })
    return Effect.ensuring(
      Effect.tap(Effect.tapError(append, refusal), confirmed),
      Effect.sync(() => void process.appending--)
    )
  })

/** A turn became durable. */
export const stored = (world: World, process: Process, id: string): void => {
  const append = process.appends.get(id)
  if (append === undefined) return
  process.appends.delete(id)
  const { begun, summary, turn } = append
  world.records.turns.push({
    ...world.moment(),
    begun,
    incarnation: process.id,
    turn: { ...turn, events: CallEvent.decode(CallEvent.encode(turn.events)) },
    summary
  })
}
