/** How the log of all turns is read as a stream: in pages, and when there is nothing more, as it comes. */
import { Duration, Effect, Option, Stream } from "effect"
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

/** The log over a source. */
export const make = (unmasked: Source, hints: Hints): EventLog["Service"] => {
  const source = masking(unmasked)
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
        (after: Position | undefined) =>
          Effect.map(source.read(after, pageSize.usual), (found) => ({ found, isAll: false })),
        ({ position }: Entry): Position | undefined => position
      ),
    read: ({ after, limit } = {}) => source.read(after, limited(limit)),
    last: source.last,
    follow: (callId, { after = 0 } = {}) => pages(callId, after, lookAt(callId), ({ version }: Turn) => version)
  }
}
