/** How the log of all turns is read as a stream: in pages, and when there is nothing more, as it comes. */
import { Deferred, Duration, Effect, Exit, Option, Stream } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Entry, EventLog, Position } from "../../EventLog.ts"
import * as Masked from "../masked.ts"
import { Rejected, StoreError } from "../storeError.ts"
import type { Summary, Turn } from "../turn.ts"
import type { Hints, Listener } from "./hints.ts"

/** What a store can tell of its turns. */
export interface Source {
  readonly read: (after: Position | undefined, limit: number) => Effect.Effect<ReadonlyArray<Entry>, StoreError>
  readonly last: EventLog["Service"]["last"]
  readonly turns: (callId: CallId, after: number, limit: number) => Effect.Effect<ReadonlyArray<Turn>, StoreError>
  readonly status: (callId: CallId) => Effect.Effect<Summary["status"] | undefined, StoreError>
  /** Whether turns come of which `hints` tell nothing: those of other processes, or those that another one held up. */
  readonly isShared: boolean
}

/** So many turns are read at once, unless it is told otherwise, and at most. */
const pageSize = { usual: 256, most: 1000 }

/** How soon is looked again where hints do not tell all, in milliseconds. After a hint sooner: what is told comes at once. */
const pauses = { first: 20, longest: 1000 }

/** Why nothing can be read after a position. */
export const ahead = new StoreError({
  operation: "read",
  reason: new Rejected({
    problem:
      "The position to go on from has not come yet: it is of another store, or this one was restored from an earlier copy"
  })
})

const limited = (limit: number = pageSize.usual): number => Math.min(Math.max(1, Math.floor(limit)), pageSize.most)

/** The same source, of which all that is given prints masked. */
const masking = (source: Source): Source => ({
  ...source,
  read: (after, limit) => Effect.map(source.read(after, limit), (found) => found.map(Masked.copy)),
  turns: (callId, after, limit) => Effect.map(source.turns(callId, after, limit), (found) => found.map(Masked.copy))
})

type Page = ReadonlyArray<Entry>

/** So many pages are kept at most: that of the last turn, that of what comes after it, and those of a few who are behind. */
const mostPages = 8

/**
 * Reads a page once for all who follow and ask for it at a time. Most of them wait for the same turn: without that each new one would be
 * read as often as there are of them, in the thread or over the connections that turns are stored with.
 *
 * What has been read stays good until there is a hint, where hints tell all; else it is only shared with those who ask meanwhile.
 */
const sharing = (source: Source, hints: Hints) => {
  /** Under way, or read. It gives nothing if whoever reads for all has gone. */
  const pages = new Map<Position | undefined, Deferred.Deferred<Page | undefined, StoreError>>()
  let count = hints.count()

  const keep = (after: Position | undefined, page: Deferred.Deferred<Page | undefined, StoreError>): void => {
    pages.set(after, page)
    if (pages.size > mostPages) pages.delete(pages.keys().next().value)
  }

  const lead = (after: Position | undefined): Effect.Effect<Page, StoreError> => {
    const page = Deferred.makeUnsafe<Page | undefined, StoreError>()
    keep(after, page)
    return Effect.onExit(source.read(after, pageSize.usual), (exit) =>
      Effect.sync(() => {
        if ((source.isShared || Exit.isFailure(exit)) && pages.get(after) === page) pages.delete(after)
        Deferred.doneUnsafe(page, Exit.hasInterrupts(exit) ? Exit.succeed(undefined) : exit)
      }))
  }

  const read = (after: Position | undefined): Effect.Effect<Page, StoreError> =>
    Effect.suspend(() => {
      if (count !== hints.count()) pages.clear()
      count = hints.count()
      const page = pages.get(after)
      if (page === undefined) return lead(after)
      return Effect.flatMap(Deferred.await(page), (found) => found === undefined ? read(after) : Effect.succeed(found))
    })
  return read
}

/** The log over a source. */
export const make = (unmasked: Source, hints: Hints): EventLog["Service"] => {
  const source = masking(unmasked)
  const read = sharing(source, hints)
  /** The first that a look finds, or nothing if the store closes or there will be no more. */
  const next = Effect.fnUntraced(function*<A>(
    listener: Listener,
    look: Effect.Effect<{ readonly found: ReadonlyArray<A>; readonly isAll: boolean }, StoreError>
  ) {
    for (let pause = pauses.first;; pause = Math.min(2 * pause, pauses.longest)) {
      listener.reset()
      const { found, isAll } = yield* Effect.catchCause(
        look,
        (cause) => hints.isClosed() ? Effect.succeed({ found: [], isAll: true }) : Effect.failCause(cause)
      )
      if (found.length > 0 || isAll || hints.isClosed()) return found
      const isTold = yield* waited(listener, pause)
      if (isTold) pause = pauses.first / 2
    }
  })

  const waited = (listener: Listener, pause: number): Effect.Effect<boolean> => {
    const told = Effect.as(listener.something, true)
    if (!source.isShared) return told
    return Effect.timeoutOrElse(told, { duration: Duration.millis(pause), orElse: () => Effect.succeed(false) })
  }

  const pages = <A, S>(
    callId: CallId | undefined,
    start: S,
    look: (after: S) => Effect.Effect<{ readonly found: ReadonlyArray<A>; readonly isAll: boolean }, StoreError>,
    placeOf: (last: A) => S
  ): Stream.Stream<A, StoreError> =>
    Stream.unwrap(
      Effect.map(hints.listen(callId), (listener) =>
        Stream.paginate(start, (after: S) =>
          Effect.map(next(listener, look(after)), (found) => {
            const last = found.at(-1)
            return [found, last === undefined ? Option.none<S>() : Option.some(placeOf(last))] as const
          })))
    )

  const lookAt = (callId: CallId) => (after: number) =>
    Effect.flatMap(
      source.status(callId),
      (status) =>
        Effect.map(source.turns(callId, after, pageSize.usual), (found) => ({ found, isAll: status !== "running" }))
    )

  return {
    tail: ({ after } = {}) =>
      pages(
        undefined,
        after,
        (after: Position | undefined) => Effect.map(read(after), (found) => ({ found, isAll: false })),
        ({ position }: Entry): Position | undefined => position
      ),
    read: ({ after, limit } = {}) => source.read(after, limited(limit)),
    last: source.last,
    follow: (callId, { after = 0 } = {}) => pages(callId, after, lookAt(callId), ({ version }: Turn) => version)
  }
}
