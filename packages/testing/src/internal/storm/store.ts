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
import { CallEvent, EventStore } from "@ringback/core"
import { Effect } from "effect"
import type * as StormFaults from "../../StormFaults.ts"
import type { Border } from "./border.ts"
import { postingOf } from "./storedCalls.ts"
import type { Process, World } from "./world.ts"

/** What befalls the store of a process, whatever it is made of. */
export interface Weather<E> {
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
    const millis = slow + stuck
    if (millis === 0) return Effect.void
    process.life.waited.push({ from: now(), to: now() + millis })
    return world.outside(Effect.sleep(millis))
  })

  /** A statement that PostgreSQL has in its hands is carried out, whatever becomes of who sent it. */
  const unlessDead = world.options.store === "postgres" ? Effect.void : border.pass(process)

  const failing = (operation: "write" | "read", problem: Problem) => {
    process.life.failed.push(now())
    return Effect.fail(fail(operation, problem))
  }

  const fails = (operation: "write" | "read", kind: StormFaults.Kind) =>
    Effect.suspend(() => strikes(kind) === undefined ? Effect.void : failing(operation, "broken"))

  const fits = Effect.suspend(() => {
    const { disk } = world
    const full = disk.fullUntil === 0 ? strikes("storeFull") : undefined
    if (full !== undefined) disk.fullUntil = now() + full.pick(fullFor)
    return now() < disk.fullUntil ? failing("write", "full") : Effect.void
  })

  return {
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
  base: EventStore.EventStore["Service"]
): EventStore.EventStore["Service"] => {
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
  return EventStore.EventStore.of({
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
