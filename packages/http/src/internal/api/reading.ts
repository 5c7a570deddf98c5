/** What is read of a call, as far as a request needs it. */
import { CallEvent, type Calls, EventStore } from "@ringback/core"
import { Effect, Option, Schema, type Scope } from "effect"
import * as Problem from "../../CallsApiProblem.ts"
import * as Showing from "./showing.ts"
import * as Viewing from "./viewing.ts"

/** The errors of the store as problems. */
export const stored = <A, E, R>(effect: Effect.Effect<A, E | EventStore.StoreError, R>) =>
  Effect.mapError(
    effect,
    (error) =>
      error instanceof EventStore.StoreError ? Problem.fromStore(error) : error as Exclude<E, EventStore.StoreError>
  )

/** There is no such call. */
export const notFound = (detail?: string) => new Problem.CallNotFound(detail === undefined ? {} : { detail })

const isCallId = Schema.is(CallEvent.CallId)

/** Reads calls of a store. */
export const make = (store: EventStore.EventStore["Service"], engine: Calls.Calls["Service"], scope: Scope.Scope) => {
  const keep = Viewing.keeping(scope)

  /** What is known of a call without its log. */
  const summary = Effect.fnUntraced(function*(callId: string) {
    if (!isCallId(callId)) return yield* notFound()
    const found = yield* stored(store.summary(callId))
    if (Option.isNone(found)) return yield* notFound()
    return found.value.status === "pruned" ? yield* notFound("It has been pruned") : found.value
  })

  /** A call with its log. */
  const known = Effect.fnUntraced(function*(callId: string) {
    return yield* read(yield* summary(callId))
  })

  const read = Effect.fnUntraced(function*(found: EventStore.Summary) {
    const whole: Showing.Known = {
      summary: found,
      turns: yield* stored(store.read(found.callId)),
      known: yield* engine.known(found)
    }
    return whole
  })

  /** All of a call as a page shows it. Its log is read once for all pieces of it. */
  const whole = Effect.fnUntraced(function*(found: EventStore.Summary, reveal: boolean) {
    const around = yield* engine.known(found)
    const key = JSON.stringify([found.callId, found.version, found.process, around, reveal])
    return yield* keep(key, Effect.map(read(found), (known) => Viewing.whole(known, engine, reveal)))
  })

  /** A place in a call. The log is read only where a turn alone is named, or one that it does not know. */
  const place = Effect.fnUntraced(function*(
    { callId, version }: EventStore.Summary,
    { events, turns }: { readonly turns: number; readonly events?: number }
  ) {
    if (turns === 0) return { turns, events: 0 }
    if (events !== undefined && turns <= version) return { turns, events }
    const before = (yield* stored(store.read(callId))).filter(({ version }) => version <= turns)
    return { turns: before.length, events: Showing.eventsOf(before).length }
  })

  return { summary, known, place, whole }
}
