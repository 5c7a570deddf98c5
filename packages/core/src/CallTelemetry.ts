/**
 * Sends the traces of calls out, beside the engine: it follows what this process appends, and nothing waits for it.
 *
 * @since 0.1.0
 */
import { Clock, Context, Effect, Exit, Layer, Option, Stream, Tracer } from "effect"
import * as Call from "./Call.ts"
import type { CallId } from "./CallEvent.ts"
import { CallIndex } from "./CallIndex.ts"
import * as CallTrace from "./CallTrace.ts"
import { EventStore, type StoreError, type Turn } from "./EventStore.ts"
import * as ids from "./internal/ids.ts"

/**
 * How traces go out.
 *
 * @since 0.1.0
 */
export interface Options {
  /**
   * Of how many calls the traces go out, from 0 to 1; 1 unless told otherwise. Which calls that are is in their ids, so that all
   * processes choose the same. Those of all calls may make a turn a quarter dearer in processor time (`bench/README.md`).
   */
  readonly ratio?: number | undefined
  /**
   * Whether each turn has a span of its own, which lasts until the next; `false` unless told otherwise, for they are most of what goes out
   * then: with Effect's OTLP tracer they take three times the processor time. Without them the turns are events of the span of their line.
   */
  readonly turns?: boolean | undefined
}

/** So many traces are kept in memory, those of the calls that came last. One that is not is read from the store again. */
const mostTraces = 10_000

/** What ended so shortly before its process did may not have gone out, in milliseconds. */
const doubt = 60_000

/** So many calls that have ended are looked at when a process starts. */
const mostEnded = 1_000

/**
 * Sends the spans of calls to the `Tracer` that the program has, such as that of `Otlp.layerJson`: one trace for a call, across restarts
 * and processes (`CallTrace`). A span goes out when it has ended, by the process that appended the turn which ended it.
 *
 * A call that runs for hours has in its trace the lines, activities, sleeps and signals that are over; what lasts is not there yet, nor is
 * the span of the call itself, so its spans stand below one that is missing until then.
 *
 * A process that dies may not have sent its last spans. So whoever goes on with a call sends again what had ended in the minute
 * before. Calls that were over by then nobody goes on with: a process that starts sends theirs again, of the same minute, if it
 * finds a `CallIndex`. What goes out twice has the same ids. A span is lost if its call was over and nobody started within the
 * minute, or more than a thousand others ended after it.
 *
 * It follows `EventStore.changes` and not `EventLog.tail`: each process sends what it has appended itself, from memory, where a tail would
 * have each send all, from the database.
 *
 * Each span is given its ids after the tracer has made it. The tracers of Effect take them; the SDK of OpenTelemetry draws the ids of
 * spans by itself: there the spans of a call are in one trace, and do not find their parents.
 *
 * Put it between the engine and the store (`Layer.provideMerge`), so that it closes after the engine and before the tracer.
 *
 * @since 0.1.0
 */
export const layer = ({ ratio = 1, turns = false }: Options = {}): Layer.Layer<never, never, EventStore> =>
  Layer.effectDiscard(Effect.withTracerEnabled(
    Effect.gen(function*() {
      const store = yield* EventStore
      const tracer = yield* Effect.tracer
      const follower = follow(store, turns, (span) => send(tracer, span))
      const isWanted = ({ callId }: { readonly callId: CallId }) => ratio >= 1 || shareOf(callId) < ratio
      const all = Stream.runForEachArray(store.changes, (turns) => followAll(follower, turns.filter(isWanted)))
      yield* Effect.forkScoped(all, { startImmediately: true })
      const index = yield* Effect.serviceOption(CallIndex)
      if (Option.isSome(index)) {
        yield* Effect.forkScoped(Effect.ignore(ofTheDead(store, index.value, isWanted, tracer, turns)))
      }
    }),
    false
  ))

/** A number from 0 to 1 that belongs to a call. */
const shareOf = (callId: CallId): number => Number.parseInt(CallTrace.traceId(callId).slice(-8), 16) / 2 ** 32

/** Follows turns one after the other; nearly all of them without an effect. */
const followAll = (follower: Follower, turns: ReadonlyArray<Turn>, from = 0): Effect.Effect<void> =>
  Effect.suspend(() => {
    for (let i = from; i < turns.length; i++) {
      const reading = follower(turns[i]!)
      if (reading !== undefined) return Effect.andThen(reading, followAll(follower, turns, i + 1))
    }
    return Effect.void
  })

/** Takes a turn; an effect if the store has to be read for it. */
type Follower = (turn: Turn) => Effect.Effect<void> | undefined

/** So many turns of a call that ended no span are kept before they are folded. */
const mostLater = 8

/** A call that is followed: its trace, and the turns behind it that end no span, so that they may be folded later, all at once. */
interface Followed {
  trace: CallTrace.Trace
  readonly later: Array<Turn>
}

const versionOf = ({ later, trace }: Followed): number => later.at(-1)?.version ?? trace.version

const followed = (trace: CallTrace.Trace): Followed => ({ trace, later: [] })

/** Follows the turns of this process. Those of others are read where they are missing, and sent by the others. */
const follow = (store: EventStore["Service"], turns: boolean, send: (span: CallTrace.Span) => void): Follower => {
  const calls = new Map<CallId, Followed>()

  const keep = (callId: CallId, call: Followed): void => {
    calls.set(callId, call)
    const [oldest] = calls.size > mostTraces ? calls.keys() : []
    if (oldest !== undefined) calls.delete(oldest)
  }

  const goOn = (call: Followed, turn: Turn): void => {
    call.later.push(turn)
    if (!turns && call.later.length < mostLater && !CallTrace.mayEnd(turn)) return
    for (const each of call.later) {
      const [now, ended] = CallTrace.next(call.trace, each, { turns })
      call.trace = now
      for (const span of ended) send(span)
    }
    call.later.length = 0
    if (Call.isOver(call.trace.call)) calls.delete(turn.callId)
  }

  /** Another process has gone on with the call, or the trace is not in memory any more. */
  const catchUp = (known: Followed | undefined, turn: Turn): Effect.Effect<void, StoreError> =>
    Effect.map(store.read(turn.callId), (all) => {
      const before = all.slice(0, turn.version - 1)
      const last = before.at(-1)
      const isOfAnother = last !== undefined && ids.processOf(last.id) !== ids.processOf(turn.id)
      if (known === undefined && isOfAnother) {
        for (const span of endedSince(turn.callId, before, last.at - doubt, turns)) send(span)
      }
      const initial = CallTrace.initial(turn.callId)
      const call = followed(before.reduce((trace, each) => CallTrace.next(trace, each, { turns })[0], initial))
      keep(turn.callId, call)
      goOn(call, turn)
    })

  return (turn) => {
    const known = calls.get(turn.callId)
    if (known !== undefined && turn.version <= versionOf(known)) return // it is told again
    if (known === undefined ? turn.version > 1 : turn.version > versionOf(known) + 1) {
      return Effect.ignore(catchUp(known, turn))
    }
    const call = known ?? followed(CallTrace.initial(turn.callId))
    if (known === undefined) keep(turn.callId, call)
    goOn(call, turn)
  }
}

const endedSince = (
  callId: CallId,
  all: ReadonlyArray<Turn>,
  since: number,
  turns: boolean
): ReadonlyArray<CallTrace.Span> => CallTrace.spans(callId, all, { turns }).filter(({ endedAt }) => endedAt >= since)

/** Sends what calls had that are over since a minute, and that no living process has gone on with. */
const ofTheDead = Effect.fnUntraced(function*(
  store: EventStore["Service"],
  index: CallIndex["Service"],
  isWanted: (call: { readonly callId: CallId }) => boolean,
  tracer: Tracer.Tracer,
  withTurns: boolean
) {
  const since = (yield* Clock.currentTimeMillis) - doubt
  const { calls } = yield* index.list({ status: "over", endedFrom: since }, { limit: mostEnded })
  const alive = store.processes === undefined ? new Map<string, unknown>() : yield* store.processes.alive
  for (const { callId } of calls.filter(isWanted)) {
    const turns = yield* store.read(callId)
    const last = turns.at(-1)
    if (last === undefined || alive.has(ids.processOf(last.id))) continue
    for (const span of endedSince(callId, turns, since, withTurns)) send(tracer, span)
  }
})

/** Of a time in milliseconds, which need not be whole. */
const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1000)) * 1000n

/** Makes a span of a tracer that has ended, under the ids that it has for everybody. */
const send = (tracer: Tracer.Tracer, { parentId, spanId, traceId, ...span }: CallTrace.Span): void => {
  const made = tracer.span({
    name: span.name,
    parent: parentId === undefined ? Option.none() : Option.some(Tracer.externalSpan({ traceId, spanId: parentId })),
    annotations: Context.empty(),
    links: [],
    startTime: nanos(span.startedAt),
    kind: "internal",
    root: parentId === undefined,
    sampled: true
  })
  Object.defineProperties(made, { traceId: { value: traceId }, spanId: { value: spanId } })
  for (const [name, value] of Object.entries(span.attributes)) made.attribute(name, value)
  for (const { at, name } of span.events) made.event(name, nanos(at))
  made.end(nanos(span.endedAt), span.problem === undefined ? Exit.void : Exit.fail(problem(span.problem)))
}

/** Without a stack: that of this place tells nothing. */
const problem = (words: string): Error => Object.assign(new Error(words), { name: "CallProblem", stack: words })
