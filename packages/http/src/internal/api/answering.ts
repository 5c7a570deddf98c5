/** What the endpoints of `CallsApi` answer. */
import { CallError, type CallEvent, CallIndex, Calls, EventLog, EventStore, Ladder, Retention } from "@ringback/core"
import { DateTime, Duration, Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as CallsApi from "../../CallsApi.ts"
import * as Problem from "../../CallsApiProblem.ts"
import * as Closing from "./closing.ts"
import * as Live from "./live.ts"
import * as Reading from "./reading.ts"
import { notFound, stored } from "./reading.ts"
import * as Showing from "./showing.ts"
import * as Starting from "./starting.ts"
import * as Telling from "./telling.ts"
import * as Viewing from "./viewing.ts"

/** What the application gives beside its engine. */
export interface Given {
  readonly api: typeof CallsApi.CallsApi
  readonly drawings: { readonly [flow: string]: typeof CallsApi.Drawing.Type }
  readonly limits: Live.Limits
  readonly streams: Live.Streams
}

/** The errors of what is asked of one call as problems. */
const ofOne = <A, E, R>(effect: Effect.Effect<A, E | EventStore.StoreError | CallError.CallNotFound, R>) =>
  Effect.mapError(
    stored(effect),
    (error) =>
      error instanceof CallError.CallNotFound ? notFound() : error as Exclude<typeof error, CallError.CallNotFound>
  )

const rejected = <E>(error: E | CallError.SignalRejected) =>
  error instanceof CallError.SignalRejected ? new Problem.SignalRejected({ detail: error.problem }) : error

/** How the flow of a call has ended, if it has. */
const exitOf = ({ turns }: Showing.Known): CallEvent.Exit | undefined => {
  const ended = Showing.eventsOf(turns).find(({ _tag }) => _tag === "FlowEnded")
  return ended?._tag === "FlowEnded" ? ended.exit : undefined
}

const asId = (id: string) => id as CallEvent.CallId

/** What is revealed, as the log names it. */
type Revealed = "log" | "outcome" | "ladder"

/** Whether what is masked is to be shown. It is asked for by name, needs a scope of its own, and is told to the log. */
const revealing = Effect.fnUntraced(function*(revealed: Revealed, reveal: boolean | undefined, call?: string) {
  if (reveal !== true) return false
  const { actor, scopes } = yield* CallsApi.Caller
  if (!scopes.includes("reveal")) return yield* new Problem.NotPermitted({ scope: "reveal" })
  const of = call === undefined ? { words: "all calls" } : { words: `call ${call}`, call: { call } }
  const about = { actor, revealed, ...of.call }
  yield* Effect.annotateLogs(Effect.logInfo(`The ${revealed} of ${of.words} was revealed`), about)
  return true
})

/** Who asks, and why, for the record. */
const by = (why: string | undefined) =>
  Effect.map(CallsApi.Caller, ({ actor }): CallEvent.By => ({ who: actor, ...(why === undefined ? {} : { why }) }))

/** Tells the log who has steered a call. */
const audited = (callId: string, what: string) =>
  Effect.flatMap(
    CallsApi.Caller,
    ({ actor }) =>
      Effect.annotateLogs(Effect.logInfo(`Call ${callId} was ${what} over the API`), { call: callId, actor })
  )

/** Calls. */
export const calls = ({ api, limits, streams }: Given) =>
  HttpApiBuilder.group(
    api,
    "calls",
    Effect.fnUntraced(function*(handlers) {
      const [engine, index, log, store] = [
        yield* Calls.Calls,
        yield* CallIndex.CallIndex,
        yield* EventLog.EventLog,
        yield* EventStore.EventStore
      ]
      const reading = Reading.make(store, engine, yield* Effect.scope)
      const { known } = reading

      const found = (filter: CallIndex.Filter, page: { readonly limit?: number; readonly after?: CallIndex.Cursor }) =>
        Effect.map(index.list(filter, page), ({ calls, next }) =>
          Showing.present({ calls: calls.map(Showing.entry), next }) as typeof CallsApi.Page.Type)

      const start = Starting.make(engine)

      /** How a flow ends, if it does so within some seconds, and before the server closes. */
      const awaited = (callId: CallEvent.CallId, seconds: number) =>
        seconds === 0 ? Effect.undefined : ofOne(Effect.raceFirst(
          engine.outcome(callId),
          Effect.as(Effect.raceFirst(Effect.sleep(Duration.seconds(seconds)), Closing.begins), undefined)
        ))

      const drawn = Effect.fnUntraced(function*<A>(
        callId: string,
        asked: boolean | undefined,
        draw: (known: Showing.Known, reveal: boolean) => A
      ) {
        const found = yield* known(callId)
        return draw(found, yield* revealing("ladder", asked, callId))
      })

      return handlers
        .handle("start", (request) =>
          start(request))
        .handle("list", ({ query: { after, limit, ...filter } }) =>
          stored(Effect.catchTag(found(filter, Showing.present({ after, limit })), "NumbersNotSearchable", Effect.die)))
        .handle("search", ({ payload: { after, limit, ...filter } }) =>
          stored(Effect.catchTag(
            found(filter, Showing.present({ after, limit })),
            "NumbersNotSearchable",
            () =>
              Effect.fail(new Problem.NumbersNotSearchable({}))
          )))
        .handle("counts", ({ query }) =>
          stored(Effect.catchTag(index.counts(query), "NumbersNotSearchable", Effect.die)))
        .handle("get", ({ params }) =>
          Effect.map(known(params.callId), (found) => Showing.detail(found, engine)))
        .handle(
          "events",
          Effect.fnUntraced(function*({ params: { callId }, query }) {
            const { turns } = yield* known(callId)
            const reveal = yield* revealing("log", query.reveal, callId)
            return Showing.page(turns, { ...query, reveal })
          })
        )
        .handle(
          "live",
          Effect.fnUntraced(function*({ headers, params: { callId }, query }) {
            const summary = yield* reading.summary(callId)
            const reveal = yield* revealing("log", query.reveal, callId)
            const { actor } = yield* CallsApi.Caller
            yield* streams.open(actor)
            const heard = Showing.placeOf(headers["last-event-id"]) ?? { turns: Math.max(0, query.after ?? 0) }
            const after = yield* reading.place(summary, heard)
            return yield* Live.response(Live.ofCall(log, store, summary.callId, { after, reveal }), limits)
          })
        )
        .handle(
          "outcome",
          Effect.fnUntraced(function*({ params: { callId }, query: { wait = 0, ...query } }) {
            const found = yield* known(callId)
            const reveal = yield* revealing("outcome", query.reveal, callId)
            const exit = exitOf(found) ?? (yield* awaited(asId(callId), wait))
            return exit === undefined
              ? { callId: asId(callId), outcome: "NotYet" as const, waiting: Showing.report(found, engine).waitingFor }
              : Showing.ended(asId(callId), exit, reveal)
          })
        )
        .handle(
          "signal",
          Effect.fnUntraced(function*({ headers, params: { callId }, payload: { name, reason, value } }) {
            const [id, key] = [asId(callId), headers["idempotency-key"]]
            const hasEnded = Option.exists(yield* stored(engine.get(id)), ({ exit }) => exit !== undefined)
            if (hasEnded && key === undefined) return yield* Telling.ended
            const options = Showing.present({ key, by: yield* by(reason) })
            const signal = yield* Telling.named(name)
            yield* ofOne(Effect.mapError(engine.signal(id, signal, value, options), rejected))
            if (key !== undefined) yield* Telling.checked(yield* stored(engine.events(id)), { key, name, value })
            yield* audited(callId, "told a signal")
          })
        )
        .handle(
          "cancel",
          Effect.fnUntraced(function*({ params: { callId }, payload: { reason } }) {
            yield* ofOne(engine.cancel(asId(callId), { by: yield* by(reason) }))
            yield* audited(callId, "cancelled")
          })
        )
        .handle("explain", ({ params }) => Effect.map(known(params.callId), (found) => Showing.report(found, engine)))
        .handle(
          "view",
          Effect.fnUntraced(function*({ params: { callId }, query }) {
            const found = yield* reading.summary(callId)
            const reveal = yield* revealing("ladder", query.reveal, callId)
            return Viewing.piece(yield* reading.whole(found, reveal), query)
          })
        )
        .handle("ladder", ({ params, query }) => drawn(params.callId, query.reveal, Showing.ladder))
        .handle("ladderText", ({ params, query }) =>
          drawn(params.callId, query.reveal, (found, reveal) =>
            Ladder.text(Showing.ladder(found, reveal))))
        .handle("ladderHtml", ({ params, query }) =>
          drawn(params.callId, query.reveal, Showing.ladderPage))
    })
  )

/** The flows that are registered, and their drawings. */
export const flows = ({ api, drawings }: Given) =>
  HttpApiBuilder.group(
    api,
    "flows",
    Effect.fnUntraced(function*(handlers) {
      const { flows } = yield* Calls.Calls
      const drawing = ({ name, version }: Calls.Registered["flow"]) => drawings[`${name}@${version}`] ?? drawings[name]
      return handlers.handleAll({
        list: () => Effect.succeed(flows.map((each) => Showing.flow(each, drawing(each.flow) !== undefined))),
        drawing: Effect.fnUntraced(function*({ params, query }) {
          const found = Starting.newest(flows, params.flow, query.version)
          if (found === undefined) return yield* new Problem.FlowNotRegistered({})
          return drawing(found.flow) ?? (yield* new Problem.NoDrawing({}))
        })
      })
    })
  )

/** The engine as a whole. */
export const engine = ({ api, limits, streams }: Given) =>
  HttpApiBuilder.group(
    api,
    "engine",
    Effect.fnUntraced(function*(handlers) {
      const [engine, log, retention] = [yield* Calls.Calls, yield* EventLog.EventLog, yield* Retention.Retention]
      return handlers.handleAll({
        live: Effect.fnUntraced(function*({ headers, query }) {
          const reveal = yield* revealing("log", query.reveal)
          const { actor } = yield* CallsApi.Caller
          const after = headers["last-event-id"] ?? query.after ?? (yield* stored(log.last)) ?? Live.beforeAll
          yield* Effect.mapError(log.read({ after, limit: 1 }), Problem.fromLog)
          yield* streams.open(actor)
          return yield* Live.response(Live.ofAll(log, { after, reveal }), limits)
        }),
        me: () => CallsApi.Caller,
        obstacles: () => Effect.map(engine.obstacles, (all) => all.map(Showing.obstacle)),
        prune: Effect.fnUntraced(function*({ payload: { endedBefore, keepAtMost, rememberForDays } }) {
          const pruned = yield* stored(retention.prune({
            endedBefore: endedBefore === undefined ? undefined : DateTime.makeUnsafe(endedBefore),
            keepAtMost,
            rememberFor: rememberForDays === undefined ? undefined : Duration.days(rememberForDays)
          }))
          const { actor } = yield* CallsApi.Caller
          yield* Effect.annotateLogs(Effect.logInfo(`Calls were pruned over the API: ${pruned.calls}`), { actor })
          return pruned
        })
      })
    })
  )
