/**
 * The HTTP API by which a test in any language, or the emulator's page, holds the emulator in its hands: it scripts callees, calls
 * in, steers a phone by hand, reads the record, skips waits, lets go wrong what can, and begins a new day. It lies under `/emulator` on the port of the emulator, with its OpenAPI document
 * at `/emulator/openapi.json`.
 *
 * It asks for no credentials and shows numbers, digits and words as they are, for it is there for tests on one machine.
 *
 * @since 0.1.0
 */
import { PhoneNumber } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSchema, OpenApi } from "effect/http-api"
import * as Callee from "./Callee.ts"

/**
 * A request to this API cannot be carried out; nothing has changed.
 *
 * @since 0.1.0
 */
export class Problem extends Schema.TaggedError<Problem>()("Problem", { problem: Schema.String }, {
  httpApiStatus: 400
}) {
  override get message() {
    return this.problem
  }
}

/**
 * There is no line of this `reference_id`.
 *
 * @since 0.1.0
 */
export class NoSuchCall extends Schema.TaggedError<NoSuchCall>()("NoSuchCall", {}, { httpApiStatus: 404 }) {
  override get message() {
    return "There is no line of this reference_id"
  }
}

/**
 * It cannot be done now: no phone rings there that is steered by hand, or nobody listens to keys.
 *
 * @since 0.1.0
 */
export class NotNow extends Schema.TaggedError<NotNow>()("NotNow", { problem: Schema.String }, { httpApiStatus: 409 }) {
  override get message() {
    return this.problem
  }
}

/**
 * Turns a request that cannot be read into a `Problem`.
 *
 * @stability unstable
 * @since 0.1.0
 */
export class Readable extends HttpApiMiddleware.Service<Readable>()("@ringback/testing/EmulatorApi/Readable", {
  error: Problem
}) {}

const Fields = Schema.Record(Schema.String, Schema.Json)

/**
 * An event as it was posted to the application.
 *
 * @since 0.1.0
 */
export const Event = Schema.Struct({
  event: Schema.String,
  reference_id: Schema.String,
  external_id: Schema.optionalKey(Schema.String),
  data: Fields
}).annotate({ identifier: "Event" })

/**
 * An action as it travels, read and written again: parameters that are not known are left out.
 *
 * @since 0.1.0
 */
export const Action = Schema.Struct({ method: Schema.String, params: Fields }).annotate({ identifier: "Action" })

const Said = { n: Schema.Int, at: Schema.String }

const OnLine = { ...Said, reference_id: Schema.String, event: Event }

const Reply = Schema.NullOr(Action)

/**
 * One thing that happened. `n` counts from 0 since the last reset, `at` is in UTC.
 *
 * @since 0.1.0
 */
export const Entry = Schema.Union([
  Schema.Struct({ ...Said, kind: Schema.Literal("requested"), reference_id: Schema.String, action: Action }),
  Schema.Struct({
    ...Said,
    kind: Schema.Literal("refused"),
    status: Schema.String,
    action: Schema.optionalKey(Action),
    problem: Schema.optionalKey(Schema.String)
  }),
  Schema.Struct({
    ...Said,
    kind: Schema.Literal("called"),
    reference_id: Schema.String,
    to: Schema.String,
    from: Schema.String
  }),
  Schema.Struct({ ...OnLine, kind: Schema.Literal("posted") }),
  Schema.Struct({ ...OnLine, kind: Schema.Literal("replied"), action: Reply }),
  Schema.Struct({ ...OnLine, kind: Schema.Literal("rejected"), action: Reply, reason: Schema.String }),
  Schema.Struct({ ...OnLine, kind: Schema.Literal("copied"), action: Reply }),
  Schema.Struct({ ...OnLine, kind: Schema.Literal("unanswered"), problem: Schema.String })
]).annotate({ identifier: "Entry" })

const Seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 60 }))

/**
 * Which part of the record is asked for, and how long to wait for it.
 *
 * @since 0.1.0
 */
export const Asked = {
  /** Only entries from this `n` on. */
  from: Schema.optionalKey(Schema.Int),
  kind: Schema.optionalKey(
    Schema.Literals(["requested", "refused", "called", "posted", "replied", "rejected", "copied", "unanswered"])
  ),
  /** Only entries about events of this name. */
  event: Schema.optionalKey(Schema.String),
  reference_id: Schema.optionalKey(Schema.String),
  /** Where nothing fits yet, how many seconds to wait for it: at most 60. */
  wait: Schema.optionalKey(Seconds)
}

/**
 * A phone that rang because of a dial.
 *
 * @since 0.1.0
 */
export const Ring = Schema.Struct({
  at: Schema.String,
  number: Schema.String,
  reference_id: Schema.String,
  external_id: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Ring" })

/**
 * A line as it is now. `awaits` is the event whose reply is awaited. `rings` are the phones that ring now and are steered by hand:
 * that of the far end, and that of who is dialled by a bridge (`second`), whose number is `other`. `prompt` is what is heard now,
 * with how many keys it collects. Where the far end is steered by hand, `keys` were pressed into that prompt so far, `listens_for`
 * is how many more are heard, and `script` is what was done up to now as a callee in words.
 *
 * @since 0.1.0
 */
export const Line = Schema.Struct({
  reference_id: Schema.String,
  external_id: Schema.optionalKey(Schema.String),
  direction: Schema.Literals(["outbound", "inbound"]),
  to: Schema.String,
  from: Schema.String,
  state: Schema.Literals(["Ringing", "KeyingIn", "Quiet", "Prompting", "Bridging", "Talking", "Leaving", "Ended"]),
  awaits: Schema.NullOr(Schema.String),
  since: Schema.String,
  by_hand: Schema.Boolean,
  other_by_hand: Schema.Boolean,
  rings: Schema.Array(Schema.Literals(["first", "second"])),
  other: Schema.NullOr(Schema.String),
  prompt: Schema.NullOr(Schema.Struct({ words: Schema.String, collects: Schema.Int })),
  keys: Schema.String,
  listens_for: Schema.Int,
  script: Schema.NullOr(Schema.String)
}).annotate({ identifier: "Line" })

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

/** What the OpenAPI document says of a field. */
const meaning = (description: string) => ({ description })

const settings = {
  speed: Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 1000 }))
    .annotate(meaning("How many times faster than life calls go that begin from now on")),
  late: Seconds.annotate(meaning("How many seconds each event is under way, whatever the speed")),
  slow: Seconds.annotate(meaning("How many seconds each reply is under way, whatever the speed")),
  copies: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))
    .annotate(meaning("How many times each event is posted; the first reply counts")),
  ask_again: Schema.Array(Seconds).check(Schema.isMaxLength(10))
    .annotate(meaning("After which waits, in seconds, an event without a reply is posted again")),
  lose_events: Count.annotate(meaning("How many of the next events are lost, whichever they are; it counts down")),
  lose_replies: Count.annotate(meaning("How many of the next replies are lost; it counts down"))
}

/**
 * What can be changed while the emulator runs: how fast calls go, and what goes wrong between it and the application.
 *
 * @since 0.1.0
 */
export const Settings = Schema.Struct(settings).annotate({ identifier: "Settings" })

/**
 * Everything that a page shows: the lines, the oldest first, the settings, and where events go.
 *
 * @since 0.1.0
 */
export const State = Schema.Struct({
  now: Schema.String,
  lines: Schema.Array(Line),
  settings: Settings,
  events_url: Schema.NullOr(Schema.String),
  attended: Schema.Boolean
}).annotate({ identifier: "State" })

const Live = Schema.Union([Schema.Struct({
  id: Schema.optional(Schema.String),
  event: Schema.Literal("state"),
  data: Schema.fromJsonString(State)
})])

const whose = { whose: Schema.optionalKey(Schema.Literals(["first", "second"])) }

const line = { reference_id: Schema.String }

const Text = (contentType: string) => Schema.String.pipe(HttpApiSchema.asText({ contentType }))

const Callees = Schema.Struct({
  callees: Schema.NonEmptyArray(Callee.Words).annotate({
    description: "One per ring, the last one for all further rings"
  })
})

const number = { number: PhoneNumber.PhoneNumber }

const Refusal = Schema.Literals(Object.values(TelesignWire.refusals).flat())

const told = (summary: string, description: string) => OpenApi.annotations({ summary, description })

/**
 * Callers and lines.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const calls = HttpApiGroup.make("calls").add(
  HttpApiEndpoint.post("call", "/calls", {
    payload: Schema.Struct({
      from: PhoneNumber.PhoneNumber,
      to: PhoneNumber.PhoneNumber,
      callee: Schema.optionalKey(Callee.Words)
    }),
    success: Schema.Struct({ reference_id: Schema.String }).pipe(HttpApiSchema.status(201)),
    error: Problem
  }).annotateMerge(told(
    "Call one of your numbers",
    "Somebody calls: `incoming_call` is posted. What they do is told by `callee`, whose way of being reached does not matter."
  )),
  HttpApiEndpoint.get("list", "/calls", { success: Schema.Array(Line) }).annotateMerge(told(
    "The lines as they are now",
    "The oldest first, those that have ended among them."
  )),
  HttpApiEndpoint.delete("hangUp", "/calls/:reference_id", {
    params: line,
    query: whose,
    success: HttpApiSchema.NoContent,
    error: NoSuchCall
  }).annotateMerge(told("Hang up", "The far end of the line hangs up now; a phone that still rings is declined."))
)

/**
 * Phones that are steered by hand: at numbers whose callee is `by hand`, of callers who are, and, while somebody follows `/live` with
 * `attend`, at all numbers of which nothing is said.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const phones = HttpApiGroup.make("phones").add(
  HttpApiEndpoint.post("answer", "/calls/:reference_id/answer", {
    params: line,
    query: whose,
    success: HttpApiSchema.NoContent,
    error: [NoSuchCall, NotNow]
  }).annotateMerge(
    told("Answer", "The phone that rings is picked up. `whose=second` is that of who is dialled by a bridge.")
  ),
  HttpApiEndpoint.post("decline", "/calls/:reference_id/decline", {
    params: line,
    query: whose,
    success: HttpApiSchema.NoContent,
    error: [NoSuchCall, NotNow]
  }).annotateMerge(told("Be busy", "The phone that rings is declined, which counts as busy.")),
  HttpApiEndpoint.post("machine", "/calls/:reference_id/machine", {
    params: line,
    success: HttpApiSchema.NoContent,
    error: [NoSuchCall, NotNow]
  }).annotateMerge(told("Let a machine answer", "It presses nothing, and hangs up when its tape is full.")),
  HttpApiEndpoint.post("press", "/calls/:reference_id/keys", {
    params: line,
    payload: Schema.Struct({ keys: Schema.String.check(Schema.isPattern(/^[0-9A-D*#]{1,128}$/)) }),
    success: HttpApiSchema.NoContent,
    error: [Problem, NoSuchCall, NotNow]
  }).annotateMerge(told(
    "Press keys",
    "They belong to the prompt that is heard, if it collects. Whether Telesign takes keys that are pressed into its words is not public."
  )),
  HttpApiEndpoint.get("ladder", "/calls/:reference_id/ladder", {
    params: line,
    success: Text("text/html"),
    error: NoSuchCall
  }).annotateMerge(
    told("The call as a ladder", "Who told whom what, as HTML without a script; numbers and keys are masked.")
  ),
  HttpApiEndpoint.get("test", "/calls/:reference_id/test", {
    params: line,
    success: Text("text/plain"),
    error: NoSuchCall
  }).annotateMerge(told("What was done by hand as a test", "For an application in TypeScript, to paste.")),
  HttpApiEndpoint.get("live", "/live", {
    query: { attend: Schema.optionalKey(Schema.Boolean) },
    success: HttpApiSchema.StreamSse({ events: Live })
  }).annotateMerge(told(
    "Everything as it changes",
    "An event `state` at once, after each change, and every 15 seconds. With `attend`, phones of which nothing is said are steered by hand meanwhile."
  ))
)

/**
 * Who answers, and whom the carrier does not dial.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const people = HttpApiGroup.make("people").add(
  HttpApiEndpoint.put("callee", "/callees/:number", {
    params: number,
    payload: Callees,
    success: HttpApiSchema.NoContent
  }).annotateMerge(told("Say who answers at a number", "In the words that the command takes with `--callee`.")),
  HttpApiEndpoint.put("everyone", "/callees", { payload: Callees, success: HttpApiSchema.NoContent }).annotateMerge(
    told("Say who answers everywhere else", "At all numbers of which nothing else is said.")
  ),
  HttpApiEndpoint.get("leftover", "/callees/leftover", {
    success: Schema.Array(Schema.Struct({ number: Schema.String, steps: Schema.Array(Schema.String) }))
  }).annotateMerge(told("Steps that nobody has used", "Empty if every script was followed to its end.")),
  HttpApiEndpoint.put("refuse", "/refusals/:number", {
    params: number,
    payload: Schema.Struct({ status: Refusal }),
    success: HttpApiSchema.NoContent
  }).annotateMerge(told("Refuse dials to a number", "With one of the documented statuses and its HTTP status.")),
  HttpApiEndpoint.delete("accept", "/refusals/:number", { params: number, success: HttpApiSchema.NoContent })
    .annotateMerge(told("Take dials to a number again", "Nothing happens if they were not refused."))
)

/**
 * What has happened.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const record = HttpApiGroup.make("record").add(
  HttpApiEndpoint.get("rings", "/rings", { success: Schema.Array(Ring) }).annotateMerge(
    told("Every phone that rang", "Because of a dial, first legs and bridged ones alike.")
  ),
  HttpApiEndpoint.get("entries", "/record", {
    query: Asked,
    success: Schema.Struct({ entries: Schema.Array(Entry), next: Schema.Int })
  }).annotateMerge(told(
    "Requests, events and replies",
    "In their order. `next` is the `from` that asks for what comes later. With `wait`, the answer comes as soon as there is one.\n\n" +
      "`requested` is a dial that was accepted, `refused` a request that was not, with the `problem`; `called` is a caller. `posted` is an " +
      "event, `replied` the reply that was carried out (`null`: no action), `rejected` one that could not be, with the `reason`; `copied` " +
      "is the reply to another copy of an event, never carried out; `unanswered` is an event that stays without a reply, with the `problem`."
  ))
)

/**
 * The day as a whole.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const day = HttpApiGroup.make("day").add(
  HttpApiEndpoint.get("settings", "/settings", { success: Settings }).annotateMerge(
    told("How fast calls go and what goes wrong", "What was asked for at the start, and changed since.")
  ),
  HttpApiEndpoint.patch("change", "/settings", {
    payload: Schema.Struct({
      speed: Schema.optionalKey(settings.speed),
      late: Schema.optionalKey(settings.late),
      slow: Schema.optionalKey(settings.slow),
      copies: Schema.optionalKey(settings.copies),
      ask_again: Schema.optionalKey(settings.ask_again),
      lose_events: Schema.optionalKey(settings.lose_events),
      lose_replies: Schema.optionalKey(settings.lose_replies)
    }),
    success: Settings
  }).annotateMerge(told("Change that", "What is left out stays as it is. A reset brings back the start.")),
  HttpApiEndpoint.put("reportTo", "/events-url", {
    payload: Schema.Struct({
      url: Schema.String.check(Schema.makeFilter((text) => isAddress(text) || "Expected an http or https address"))
    }),
    success: HttpApiSchema.NoContent
  }).annotateMerge(told("Say where events go", "From now on events are posted to this address.")),
  HttpApiEndpoint.get("skipped", "/skipped", {
    query: {
      beyond: Schema.optionalKey(Schema.Int),
      wait: Schema.optionalKey(Seconds)
    },
    success: Schema.Struct({ millis: Schema.Int })
  }).annotateMerge(told(
    "How much was skipped so far",
    "For a clock that goes with the emulator's. If that is still `beyond`, the answer comes when it is more, or after `wait` seconds."
  )),
  HttpApiEndpoint.post("skip", "/skip", {
    // `Schema.Null` takes a request without a body, which is what `curl -X POST` sends.
    payload: [
      Schema.Struct({ seconds: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))) }),
      Schema.Null
    ],
    success: Schema.Struct({ skipped: Schema.Finite })
  }).annotateMerge(told(
    "Skip a wait",
    "So many seconds pass at once, for lines and for clocks that go with them; without `seconds`, until something happens on a line."
  )),
  HttpApiEndpoint.post("reset", "/reset", { success: HttpApiSchema.NoContent }).annotateMerge(told(
    "Begin a new day",
    "Lines are dropped without a word, the record is empty, callees and refusals are those of the start. Events go where they went."
  ))
)

const isAddress = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/**
 * The whole API, for `HttpApiClient` and for its OpenAPI document.
 *
 * @example
 * const api = yield* HttpApiClient.make(EmulatorApi.EmulatorApi, { baseUrl: "http://127.0.0.1:4010" })
 * yield* api.people.callee({ params: { number: to }, payload: { callees: [Callee.busy, Callee.answers().presses("1")] } })
 * @stability unstable
 * @since 0.1.0
 */
export const EmulatorApi = HttpApi.make("emulator").add(calls, phones, people, record, day).middleware(Readable)
  // A setting that is misspelt would change nothing, and a filter that is would be none.
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error" })
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error" })
  .prefix("/emulator").annotateMerge(OpenApi.annotations({
    title: "The emulator of Telesign Voice",
    version: "0.1.0",
    description:
      "Scripts callees, steers phones by hand, calls in, reads the record, skips waits. For tests on one machine: it asks for no credentials."
  }))
