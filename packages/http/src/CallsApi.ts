/**
 * Calls over HTTP: the contract. It starts, finds, follows, explains, signals and cancels calls. `CallsApiClient` asks it,
 * `CallsApiServer` implements it.
 *
 * Times are in milliseconds since 1970. Numbers, digits, spoken words, keys and values are masked or left out, unless they are asked for
 * by name (`reveal`) with a token that has the scope `reveal`.
 *
 * @since 0.1.0
 */
import { CallEvent, CallIndex, EventLog, Explain, Ladder, PhoneNumber } from "@ringback/core"
import { Context, Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi
} from "effect/http-api"
import * as Problem from "./CallsApiProblem.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Who may do what
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What a token allows. `read`: see calls, masked. `steer`: start, signal and cancel them. `reveal`: see what is masked. `admin`: prune.
 *
 * @since 0.1.0
 */
export const Scope = Schema.Literals(["read", "steer", "reveal", "admin"])

/**
 * What a token allows.
 *
 * @since 0.1.0
 */
export type Scope = typeof Scope.Type

/**
 * Who asks: a name for the record (of a person or a program, no secret), and what they may do.
 *
 * @since 0.1.0
 */
export const Actor = Schema.Struct({
  actor: Schema.String.check(Schema.isBetweenLength(1, 255)),
  scopes: Schema.Array(Scope)
}).annotate({ identifier: "Actor" })

/**
 * Who asks, as `Authorization` found out.
 *
 * @since 0.1.0
 */
export class Caller extends Context.Service<Caller, typeof Actor.Type>()("@ringback/http/CallsApi/Caller") {}

/**
 * Finds out who asks. An application replaces it by its own login; `CallsApiServer.layerTokens` is one for programs. There is no default:
 * without it the server does not compile.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: Caller }>()(
  "@ringback/http/CallsApi/Authorization",
  { security: { bearer: HttpApiSecurity.bearer }, error: Problem.NotAuthenticated }
) {}

/**
 * Lets nobody do what their scopes do not allow, or too often.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class Permission extends HttpApiMiddleware.Service<Permission, { requires: Caller }>()(
  "@ringback/http/CallsApi/Permission",
  { error: [Problem.NotPermitted, Problem.TooManyRequests] }
) {}

/**
 * Turns what cannot be read, is too large, or fails unexpectedly into a problem.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class Readable extends HttpApiMiddleware.Service<Readable>()("@ringback/http/CallsApi/Readable", {
  error: [Problem.InvalidRequest, Problem.BodyTooLarge, Problem.NotJson, Problem.Unexpected]
}) {}

/**
 * The scope that an endpoint asks for, as an annotation. One without it is refused to everybody.
 *
 * @since 0.1.0
 */
export class Needs extends Context.Service<Needs, Scope>()("@ringback/http/CallsApi/Needs") {}

// ---------------------------------------------------------------------------------------------------------------------
// What is shown
// ---------------------------------------------------------------------------------------------------------------------

const at = Schema.Finite

/** The last moment that a date can be, in milliseconds since 1970. */
const latest = 8_640_000_000_000_000

const Direction = Schema.Literals(["outbound", "inbound"])
const Status = Schema.Literals(["running", "over"])

/**
 * A call as a list shows it: see `CallIndex.Entry`.
 *
 * @since 0.1.0
 */
export const Entry = Schema.Struct({
  callId: CallEvent.CallId,
  flow: Schema.String,
  flowVersion: Schema.Int,
  direction: Direction,
  status: Status,
  startedAt: at,
  endedAt: Schema.optionalKey(at),
  outcome: Schema.optionalKey(CallIndex.Outcome),
  waitingFor: Schema.String,
  due: Schema.optionalKey(at),
  version: Schema.Int
}).annotate({ identifier: "Entry" })

/**
 * Some calls, those that were started last first, and where the next page begins.
 *
 * @since 0.1.0
 */
export const Page = Schema.Struct({
  calls: Schema.Array(Entry),
  next: Schema.optionalKey(CallIndex.Cursor)
}).annotate({ identifier: "Page" })

/**
 * How many calls there are.
 *
 * @since 0.1.0
 */
export const Counts = Schema.Struct({
  running: Schema.Int,
  over: Schema.Struct({ Success: Schema.Int, Failure: Schema.Int, Stopped: Schema.Int })
}).annotate({ identifier: "Counts" })

/**
 * A JSON Schema (draft 2020-12) of a value in its stored form, with its definitions.
 *
 * @since 0.1.0
 */
export const JsonSchema = Schema.Record(Schema.String, Schema.Json).annotate({ identifier: "JsonSchema" })

/**
 * What a call waits to be told, until when, with the schema of the value if its flow is registered here.
 *
 * @since 0.1.0
 */
export const Awaited = Schema.Struct({
  name: Schema.String,
  until: at,
  schema: Schema.optionalKey(JsonSchema)
}).annotate({ identifier: "Awaited" })

/**
 * A call: what a list shows of it, how it stands in words, what it waits for (until when at the latest, what happens by itself then, who may
 * end it sooner), and its lines. `waitingFor` is as of now, where a list tells it as of the last turn. `signal` is what it waits to be told,
 * if it waits for that now.
 *
 * @since 0.1.0
 */
export const Detail = Schema.Struct({
  ...Entry.fields,
  state: Explain.Report.fields.state,
  words: Schema.String,
  waiting: Explain.Report.fields.waitingFor,
  cancelled: Schema.Boolean,
  lines: Explain.Report.fields.lines,
  signal: Schema.optionalKey(Awaited)
}).annotate({ identifier: "Detail" })

const Extent = Schema.Struct({ events: Schema.Int, items: Schema.Int })

/**
 * A call as a page shows it, of one moment: how it stands, what it waits to be told, and a piece of its events and of its ladder, of which
 * there are `total` events and items. `place` is the `Last-Event-ID` from which on the call is followed, and the `after` by which a later
 * view is asked for what has changed. `next` is the `after` of the next piece; it is not there in the last one.
 *
 * Where it was asked for what comes `after` a place, so many events and items before it are as they were: see `joined`.
 *
 * @since 0.1.0
 */
export const View = Schema.Struct({
  report: Explain.Report,
  ladder: Ladder.Ladder,
  signal: Schema.optionalKey(Awaited),
  place: Schema.String,
  total: Extent,
  after: Schema.optionalKey(Extent),
  next: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "View" })

/**
 * An event of a call. `number` counts the events of a call from 1, as `Explain` and `Ladder` do; `text` says it in words; `decision` tells
 * what the flow decided from what came from outside; `data` is the event as it is stored, masked unless it is revealed.
 *
 * @since 0.1.0
 */
export const Event = Schema.Struct({
  number: Schema.optionalKey(Schema.Int),
  at,
  type: Schema.String,
  line: Schema.optionalKey(Schema.Int),
  text: Schema.String,
  decision: Schema.Boolean,
  data: Schema.Record(Schema.String, Schema.Json)
}).annotate({ identifier: "Event" })

/**
 * A turn: the events of one append, which happened together or not at all. `version` counts the turns of a call from 1.
 *
 * @since 0.1.0
 */
export const Turn = Schema.Struct({
  callId: CallEvent.CallId,
  version: Schema.Int,
  at,
  events: Schema.Array(Event)
}).annotate({ identifier: "Turn" })

/**
 * How a flow ended. `value` and `error` are there if they are revealed, in their stored form. `failure` names the error of a flow that
 * failed, and `stopped` says why one was stopped.
 *
 * @since 0.1.0
 */
export const Ended = Schema.Struct({
  callId: CallEvent.CallId,
  outcome: CallIndex.Outcome,
  value: Schema.optionalKey(Schema.Json),
  error: Schema.optionalKey(Schema.Json),
  failure: Schema.optionalKey(Schema.Struct({ tag: Schema.String, reason: Schema.optionalKey(Schema.String) })),
  stopped: Schema.optionalKey(CallEvent.StopReason)
}).annotate({ identifier: "Ended" })

/**
 * A flow has not ended yet.
 *
 * @since 0.1.0
 */
export const NotYet = Schema.Struct({
  callId: CallEvent.CallId,
  outcome: Schema.Literal("NotYet"),
  waiting: Explain.Report.fields.waitingFor
}).annotate({ identifier: "NotYet" })

/**
 * What a start came to: a call that begins now, or (`replayed`) the one that the key stands for.
 *
 * @since 0.1.0
 */
export const Started = Schema.Struct({
  callId: CallEvent.CallId,
  flow: Schema.String,
  flowVersion: Schema.Int,
  status: Status,
  replayed: Schema.Literal(false)
}).annotate({ identifier: "Started" })

/**
 * The call that a key stands for: it was started before.
 *
 * @since 0.1.0
 */
export const Replayed = Schema.Struct({ ...Started.fields, replayed: Schema.Literal(true) }).annotate({
  identifier: "Replayed"
})

/**
 * A flow that the application has registered, with its values in their stored form as JSON Schema, for forms. `startable`: it can be
 * started, and does not only answer callers. `signals` are those that the flow has declared.
 *
 * @since 0.1.0
 */
export const FlowInfo = Schema.Struct({
  flow: Schema.String,
  version: Schema.Int,
  startable: Schema.Boolean,
  input: JsonSchema,
  output: JsonSchema,
  error: Schema.optionalKey(JsonSchema),
  signals: Schema.Record(Schema.String, JsonSchema),
  drawing: Schema.Boolean
}).annotate({ identifier: "FlowInfo" })

/**
 * A drawing of a flow, as the application gave it.
 *
 * @since 0.1.0
 */
export const Drawing = Schema.Struct({
  mediaType: Schema.Literals(["image/svg+xml", "text/vnd.mermaid"]),
  text: Schema.String
}).annotate({ identifier: "Drawing" })

/**
 * Something that stands in the way of all dials, or of those from one number of ours (masked), in words, and what to do.
 *
 * @since 0.1.0
 */
export const Obstacle = Schema.Struct({
  obstacle: CallEvent.Obstacle,
  words: Schema.String,
  from: Schema.optionalKey(Schema.String),
  since: at,
  todo: Schema.String
}).annotate({ identifier: "Obstacle" })

/**
 * What has been pruned.
 *
 * @since 0.1.0
 */
export const Pruned = Schema.Struct({ calls: Schema.Int, turns: Schema.Int, forgotten: Schema.Int }).annotate({
  identifier: "Pruned"
})

const sse = <const Name extends string, S extends Schema.ConstraintCodec<unknown, unknown, never, never>>(
  event: Name,
  data: S
) =>
  Schema.Struct({ id: Schema.optional(Schema.String), event: Schema.Literal(event), data: Schema.fromJsonString(data) })

/**
 * What a live stream sends. The `id` of each goes into `Last-Event-ID`.
 *
 * - `begin`: where the stream begins, at once.
 * - `turn`: one turn.
 * - `over`: the call is over, and the stream ends. Do not connect again.
 * - `problem`: the stream ends because of this problem. Connect again.
 *
 * @since 0.1.0
 */
export const Live = Schema.Union([
  sse("begin", Schema.Struct({})),
  sse("turn", Turn),
  sse("over", Schema.Struct({})),
  sse("problem", Schema.Struct({ type: Schema.String, title: Schema.String }))
])

/**
 * What a live stream sends.
 *
 * @since 0.1.0
 */
export type Live = typeof Live.Type

// ---------------------------------------------------------------------------------------------------------------------
// What is asked
// ---------------------------------------------------------------------------------------------------------------------

const Key = Schema.String.check(Schema.isBetweenLength(1, 255))

/** Why somebody steers, for the record. */
const reason = Schema.optionalKey(Schema.String.check(Schema.isMaxLength(500)))

const reveal = Schema.optionalKey(Schema.Boolean)

const idempotencyKey = { "idempotency-key": Schema.optionalKey(Key) }

const lastEventId = { "last-event-id": Schema.optionalKey(Schema.String) }

const call = { callId: Schema.String }

/**
 * Which calls are meant: see `CallIndex.Filter`. What is secret of it, `number` and `key`, goes by `search`, not into an address.
 *
 * @since 0.1.0
 */
export const Filter = {
  flow: Schema.optionalKey(Schema.String),
  flowVersion: Schema.optionalKey(Schema.Int),
  direction: Schema.optionalKey(Direction),
  status: Schema.optionalKey(Status),
  outcome: Schema.optionalKey(CallIndex.Outcome),
  startedFrom: Schema.optionalKey(at),
  startedBefore: Schema.optionalKey(at),
  endedFrom: Schema.optionalKey(at),
  endedBefore: Schema.optionalKey(at),
  dueBefore: Schema.optionalKey(at)
}

const paging = {
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: CallIndex.pageSize.most }))),
  after: Schema.optionalKey(CallIndex.Cursor)
}

const Text = (contentType: string) => Schema.String.pipe(HttpApiSchema.asText({ contentType }))

const told = (needs: Scope, summary: string, description: string) =>
  Context.merge(
    Context.make(Needs, needs),
    OpenApi.annotations({ summary, description: `${description} Scope: \`${needs}\`.` })
  )

const store = [Problem.StoreUnavailable, Problem.CallUnreadable] as const

const one = [Problem.CallNotFound, ...store] as const

// ---------------------------------------------------------------------------------------------------------------------
// The endpoints
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Calls: start them, find them, look at them, steer them.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const calls = HttpApiGroup.make("calls").add(
  HttpApiEndpoint.post("start", "/calls", {
    headers: idempotencyKey,
    payload: Schema.Struct({
      flow: Schema.String,
      version: Schema.optionalKey(Schema.Int),
      input: Schema.Json
    }),
    success: [Started.pipe(HttpApiSchema.status(201)), Replayed],
    error: [
      Problem.FlowNotRegistered,
      Problem.InvalidInput,
      Problem.KeyTaken,
      Problem.KeyPruned,
      Problem.StartInProgress,
      ...store
    ]
  }).annotateMerge(told(
    "steer",
    "Start a call",
    "Of a registered flow, in its newest version unless another one is named. The answer comes when the start is durable. The header " +
      "`Idempotency-Key` is the key of the call: the same key and input of the same flow are the same call, and the answer is then 200 " +
      "with `replayed`, whatever became of it."
  )),
  HttpApiEndpoint.get("list", "/calls", { query: { ...Filter, ...paging }, success: Page, error: store }).annotateMerge(
    told("read", "List calls", "Those that were started last first. `next` is the `after` of the next page.")
  ),
  HttpApiEndpoint.post("search", "/calls/search", {
    payload: Schema.Struct({
      ...Filter,
      ...paging,
      number: Schema.optionalKey(PhoneNumber.PhoneNumber),
      key: Schema.optionalKey(Key)
    }),
    success: Page,
    error: [Problem.NumbersNotSearchable, ...store]
  }).annotateMerge(
    told("read", "Search calls by number or key", "As the list, by what should not stand in an address.")
  ),
  HttpApiEndpoint.get("counts", "/calls/counts", { query: Filter, success: Counts, error: store }).annotateMerge(
    told("read", "Count calls", "By status, and those that are over by outcome.")
  ),
  HttpApiEndpoint.get("get", "/calls/:callId", { params: call, success: Detail, error: one }).annotateMerge(
    told("read", "Look at a call", "Where it stands, what it waits for, its lines.")
  ),
  HttpApiEndpoint.get("events", "/calls/:callId/events", {
    params: call,
    query: { reveal, after: Schema.optionalKey(Schema.Int), limit: Schema.optionalKey(Schema.Int) },
    success: Schema.Struct({ turns: Schema.Array(Turn), next: Schema.optionalKey(Schema.Int) }),
    error: [Problem.NotPermitted, ...one]
  }).annotateMerge(told(
    "read",
    "The events of a call",
    "By turns, oldest first: those after the turn `after`, 200 at a time unless `limit` says otherwise (1 to 1000). `next` is the " +
      "`after` of the next page. With `reveal`, which needs the scope `reveal` and is logged, they are whole."
  )),
  HttpApiEndpoint.get("live", "/calls/:callId/live", {
    params: call,
    query: { reveal, after: Schema.optionalKey(Schema.Int) },
    headers: lastEventId,
    success: HttpApiSchema.StreamSse({ events: Live }),
    error: [Problem.NotPermitted, Problem.TooManyStreams, ...one]
  }).annotateMerge(told(
    "read",
    "Follow a call",
    "Its turns from the first one, or after `Last-Event-ID` (or `after`, the number of a turn), and then as they come, until it is over. " +
      "The id of an event is its place: the numbers of its turn and of its last event."
  )),
  HttpApiEndpoint.get("outcome", "/calls/:callId/outcome", {
    params: call,
    query: {
      reveal,
      wait: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 60 })))
    },
    success: [Ended, NotYet.pipe(HttpApiSchema.status(202))],
    error: [Problem.NotPermitted, ...one]
  }).annotateMerge(told(
    "read",
    "Wait for the outcome",
    "Of its flow. If there is none yet, for `wait` seconds at most (default 0, at most 60), and then 202."
  )),
  HttpApiEndpoint.post("signal", "/calls/:callId/signals", {
    params: call,
    headers: idempotencyKey,
    payload: Schema.Struct({ name: Schema.String, value: Schema.Json, reason }),
    success: HttpApiSchema.NoContent,
    error: [Problem.SignalRejected, ...one]
  }).annotateMerge(told(
    "steer",
    "Tell a call something",
    "A signal that its flow declares, by its name; what it declares stands in `GET /flows`. With the header `Idempotency-Key`, telling it twice is telling it once; " +
      "another signal under the same key is refused, and so is one to a flow that has ended. Who told it, and the `reason`, are on record."
  )),
  HttpApiEndpoint.post("cancel", "/calls/:callId/cancel", {
    params: call,
    payload: Schema.Struct({ reason }),
    success: HttpApiSchema.NoContent,
    error: one
  }).annotateMerge(told(
    "steer",
    "Cancel a call",
    "Cancelling it twice, or after its end, changes nothing. Who cancelled it, and the `reason`, are on record."
  )),
  HttpApiEndpoint.get("explain", "/calls/:callId/explain", { params: call, success: Explain.Report, error: one })
    .annotateMerge(
      told(
        "read",
        "Why a call did what it did",
        "Each event with what led to it, and what is next: see `Explain.report`."
      )
    ),
  HttpApiEndpoint.get("view", "/calls/:callId/view", {
    params: call,
    query: {
      reveal,
      after: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d{1,15}-\d{1,15}$/))),
      limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 })))
    },
    success: View,
    error: [Problem.NotPermitted, ...one]
  }).annotateMerge(
    told(
      "read",
      "A call as a page shows it",
      "Why it did what it did, its ladder, and the signal that it waits for, of one moment, piece by piece: 1000 events at a time unless " +
        "`limit` says otherwise (1 to 5000), and the rest of their turn. `next` is the `after` of the next piece. `place` is the " +
        "`Last-Event-ID` from which the call is followed, and the `after` by which a later view is asked for what has changed. With " +
        "`reveal` the words and keys of the ladder are shown."
    )
  ),
  HttpApiEndpoint.get("ladder", "/calls/:callId/ladder", {
    params: call,
    query: { reveal },
    success: Ladder.Ladder,
    error: [Problem.NotPermitted, ...one]
  }).annotateMerge(
    told(
      "read",
      "A call as a ladder",
      "Who told whom what, and when. With `reveal` the words and keys are shown; numbers never are."
    )
  ),
  HttpApiEndpoint.get("ladderText", "/calls/:callId/ladder.txt", {
    params: call,
    query: { reveal },
    success: Text("text/plain"),
    error: [Problem.NotPermitted, ...one]
  }).annotateMerge(told("read", "The ladder as text", "For a terminal or a message.")),
  HttpApiEndpoint.get("ladderHtml", "/calls/:callId/ladder.html", {
    params: call,
    query: { reveal },
    success: Text("text/html"),
    error: [Problem.NotPermitted, ...one]
  }).annotateMerge(
    told(
      "read",
      "The ladder as HTML",
      "A page of its own, without script, and with a style that any content security policy can allow."
    )
  )
)

/**
 * The flows that the application has registered.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const flows = HttpApiGroup.make("flows").add(
  HttpApiEndpoint.get("list", "/flows", { success: Schema.Array(FlowInfo) }).annotateMerge(
    told("read", "The registered flows", "With what they take and give, as JSON Schema.")
  ),
  HttpApiEndpoint.get("drawing", "/flows/:flow/drawing", {
    params: { flow: Schema.String },
    query: { version: Schema.optionalKey(Schema.Int) },
    success: Drawing,
    error: [Problem.FlowNotRegistered, Problem.NoDrawing]
  }).annotateMerge(told("read", "The drawing of a flow", "Of its newest version unless another one is named."))
)

/**
 * The engine as a whole.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const engine = HttpApiGroup.make("engine").add(
  HttpApiEndpoint.get("live", "/live", {
    query: { reveal, after: Schema.optionalKey(EventLog.Position) },
    headers: { "last-event-id": Schema.optionalKey(EventLog.Position) },
    success: HttpApiSchema.StreamSse({ events: Live }),
    error: [Problem.NotPermitted, Problem.TooManyStreams, Problem.PlaceUnknown, ...store]
  }).annotateMerge(told(
    "read",
    "Follow all calls",
    "The turns of all calls, from now on or after `Last-Event-ID` (or `after`; `0` is before the first). The id of an event is its place " +
      "in the order of all turns."
  )),
  HttpApiEndpoint.get("me", "/me", { success: Actor }).annotateMerge(
    told("read", "Who you are", "As the server knows you, and what you may do.")
  ),
  HttpApiEndpoint.get("obstacles", "/obstacles", { success: Schema.Array(Obstacle) }).annotateMerge(
    told("read", "What stands in the way of dials", "Of this process: credentials, the network, a caller id.")
  ),
  HttpApiEndpoint.post("prune", "/prune", {
    payload: Schema.Struct({
      endedBefore: Schema.optionalKey(at.check(Schema.isBetween({ minimum: -latest, maximum: latest }))),
      keepAtMost: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
      rememberForDays: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 3650 })))
    }),
    success: Pruned,
    error: store
  }).annotateMerge(told(
    "admin",
    "Remove calls that are over",
    "Those that ended before a time, or all but so many. Their keys are remembered for 400 days, unless `rememberForDays` says otherwise."
  ))
)

/**
 * The whole API, for `HttpApiClient` and for its OpenAPI document.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const CallsApi = HttpApi.make("calls-api").add(calls, flows, engine)
  .middleware(Permission).middleware(Authorization).middleware(Readable)
  // A filter that is misspelt would be no filter, and a list that of all calls.
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error" })
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error" })
  .annotateMerge(OpenApi.annotations({
    title: "Calls of Ringback",
    version: "0.1.0",
    description:
      "Starts, finds, follows, explains, signals and cancels phone calls. Everything is masked that is not asked for by name."
  }))
