/** Live streams: server-sent events that can be gone on with from the last one that was heard. */
import { type CallEvent, EventLog, EventStore } from "@ringback/core"
import { Effect, Option, Schedule, Schema, Stream } from "effect"
import type { Duration, Scope } from "effect"
import { Sse } from "effect/encoding"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as CallsApi from "../../CallsApi.ts"
import * as Problem from "../../CallsApiProblem.ts"
import * as Closing from "./closing.ts"
import * as Showing from "./showing.ts"

/** How many streams may be open. */
export interface Limits {
  readonly streams: number
  readonly streamsPerActor: number
  readonly heartbeat: Duration.Duration
}

/** Opens streams. */
export interface Streams {
  /** Takes a place until the scope closes. */
  readonly open: (actor: string) => Effect.Effect<void, Problem.TooManyStreams, Scope.Scope>
}

/** Streams with places for so many. */
export const make = ({ streams, streamsPerActor }: Limits): Streams => {
  const open = new Map<string, number>()
  let all = 0
  const count = (actor: string, by: number) => {
    const left = (open.get(actor) ?? 0) + by
    all += by
    if (left === 0) open.delete(actor)
    else open.set(actor, left)
  }
  return {
    open: (actor) =>
      Effect.suspend(() => {
        if (all >= streams || (open.get(actor) ?? 0) >= streamsPerActor) {
          return Effect.fail(
            new Problem.TooManyStreams({ detail: "Close one, or try again later", retryAfterSeconds: 10 })
          )
        }
        return Effect.asVoid(
          Effect.acquireRelease(Effect.sync(() => count(actor, 1)), () => Effect.sync(() => count(actor, -1)))
        )
      })
  }
}

const encode = Schema.encodeUnknownSync(CallsApi.Live)

type Live = CallsApi.Live

const written = (live: Live): string => {
  const { data, event, id } = encode(live)
  return Sse.encoder.write({ _tag: "Event", event, id, data: data as string })
}

/** The turns of all calls as they are written, masked and whole: once for all who follow, for they are given the same ones. */
const turnsOfAll = (reveal: boolean) => {
  const known = new WeakMap<EventLog.Entry, string>()
  return (entry: EventLog.Entry): string => {
    const before = known.get(entry)
    if (before !== undefined) return before
    const data = Showing.turn(entry.turn, { reveal, first: undefined })
    const text = written({ event: "turn", id: entry.position, data })
    known.set(entry, text)
    return text
  }
}

const [maskedTurn, wholeTurn] = [turnsOfAll(false), turnsOfAll(true)]

/** A comment, which a reader passes over: it keeps the connection open and shows whoever is gone. */
const heartbeat = ": still here\n\n"

/** The response of a stream. What fails in it is told before it ends, and so is that the server closes. */
export const response = Effect.fnUntraced(function*(
  live: Stream.Stream<string, EventStore.StoreError>,
  { heartbeat: every }: Limits
) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const closing = Effect.andThen(Closing.begins, Effect.fail(closed))
  const ends = Stream.fromEffect(Effect.provideService(closing, HttpServerRequest.HttpServerRequest, request))
  const told = Stream.catch(Stream.merge(live, ends, { haltStrategy: "left" }), (error) => {
    const { title, type } = Problem.fromLog(error)
    return Stream.make(written({ event: "problem", data: { type, title } }))
  })
  const beats = Stream.map(Stream.fromSchedule(Schedule.spaced(every)), () => heartbeat)
  const text = Stream.merge(told, beats, { haltStrategy: "left" })
  return HttpServerResponse.stream(Stream.encodeText(text), {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
  })
})

const closed = new EventStore.StoreError({
  operation: "read",
  reason: new EventStore.Closed({ problem: "The server closes" })
})

/** Whether a call is over, and no turn of it came behind this one. One that was pruned since was over. */
const isEnd = ({ status, version }: EventStore.Summary, last: number): boolean =>
  status !== "running" && version <= (status === "pruned" ? last + 1 : last)

/** The turns of one call after a place, until it is over. */
export const ofCall = (
  log: EventLog.EventLog["Service"],
  store: EventStore.EventStore["Service"],
  callId: CallEvent.CallId,
  { after, reveal }: { readonly after: Showing.Place; readonly reveal: boolean }
): Stream.Stream<string, EventStore.StoreError> => {
  let { events, turns } = after
  const turn = (turn: EventStore.Turn): Live => {
    const data = Showing.turn(turn, { reveal, first: events + 1 })
    events += turn.events.length
    turns = turn.version
    return { event: "turn", id: Showing.idOf({ turns, events }), data }
  }
  const end = Stream.unwrap(Effect.map(
    store.summary(callId),
    (summary): Stream.Stream<Live, EventStore.StoreError> =>
      Option.exists(summary, (found) => isEnd(found, turns))
        ? Stream.make<ReadonlyArray<Live>>({ event: "over", id: Showing.idOf({ turns, events }), data: {} })
        : Stream.fail(closed)
  ))
  const begin: Live = { event: "begin", id: Showing.idOf(after), data: {} }
  const told = Stream.map(log.follow(callId, { after: after.turns }), turn)
  return Stream.map(Stream.concat(Stream.make(begin), Stream.concat(told, end)), written)
}

/** The place before the first turn of any store. */
export const beforeAll = EventLog.Position.make("0")

/** The turns of all calls after a place. */
export const ofAll = (
  log: EventLog.EventLog["Service"],
  { after, reveal }: { readonly after: EventLog.Position; readonly reveal: boolean }
): Stream.Stream<string, EventStore.StoreError> => {
  const begin = written({ event: "begin", id: after, data: {} })
  const turns = Stream.map(log.tail({ after }), reveal ? wholeTurn : maskedTurn)
  return Stream.concat(Stream.make(begin), Stream.concat(turns, Stream.fail(closed)))
}
