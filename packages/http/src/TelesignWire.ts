/**
 * The wire format of Telesign Voice: JSON to the words of `@ringback/core`, and back.
 *
 * It is pure, and open: the public documents are incomplete, so fields and words that are not known here are kept and
 * passed on, and no field name is invented. What is said about the protocol names the page it comes from; "demo" means
 * that only Telesign's public demo code shows it.
 *
 * @since 0.1.0
 */
import { Action, PhoneNumber, Transport, Webhook } from "@ringback/core"
import { Predicate, Result, Schema } from "effect"

/**
 * One action as it travels, in the body of a `POST` or in the answer to a webhook ("Voice - Actions"; documented).
 *
 * The documents speak of JSON-RPC, but their examples leave `jsonrpc` and `id` out, and so does Ringback.
 *
 * @since 0.1.0
 */
export interface Envelope {
  readonly method: string
  readonly params: { readonly [parameter: string]: unknown }
}

/**
 * What the public documents leave open about actions.
 *
 * @since 0.1.0
 */
export interface Options {
  /**
   * The parameter of the method `send_dtmf` that holds the tones. That the method exists is documented ("Voice -
   * Events"), the name of its parameter is not public, so **whatever is given here is a guess** until somebody has seen it work.
   */
  readonly sendDtmfParameter?: string | undefined
}

/**
 * There is no action: the body was empty, `{}`, `[]` or `[{}]`, which is how a server says that it has nothing to ask.
 *
 * @since 0.1.0
 */
export class NoAction extends Schema.TaggedClass<NoAction>()("NoAction", {}) {}

/**
 * The JSON is no action: it has no `method`, or it holds several, whose order of execution nobody documents.
 *
 * @since 0.1.0
 */
export class NotAnAction extends Schema.TaggedClass<NotAnAction>()("NotAnAction", {
  problem: Schema.String
}) {}

/**
 * The method is none that Ringback knows, or `not shown` if it looks like none. `play_multiple` is one of these: it exists, its parameters are not public.
 *
 * @since 0.1.0
 */
export class UnknownMethod extends Schema.TaggedClass<UnknownMethod>()("UnknownMethod", {
  method: Schema.String
}) {}

/**
 * A parameter is missing or not usable. `status` is what Telesign answers to it in a `POST`, where that is documented
 * ("Send an action"). The value is not kept: it may be somebody's number.
 *
 * @since 0.1.0
 */
export class BadParameter extends Schema.TaggedClass<BadParameter>()("BadParameter", {
  method: Schema.String,
  parameter: Schema.String,
  expected: Schema.String,
  status: Schema.optionalKey(Schema.String)
}) {}

/**
 * The action cannot be written down, because its parameters are not public. `setting` can be set to a guess.
 *
 * @since 0.1.0
 */
export class NotPublic extends Schema.TaggedClass<NotPublic>()("NotPublic", {
  method: Schema.String,
  setting: Schema.String
}) {}

/**
 * The JSON is no event: it is no object, or has no `event` or no `reference_id`.
 *
 * @since 0.1.0
 */
export class NotAnEvent extends Schema.TaggedClass<NotAnEvent>()("NotAnEvent", {
  problem: Schema.String
}) {}

/**
 * The event cannot be taken: its name or its session is too long, or holds control characters. `field` is the wire's name.
 *
 * @since 0.1.0
 */
export class OutOfBounds extends Schema.TaggedClass<OutOfBounds>()("OutOfBounds", {
  field: Schema.String,
  longest: Schema.Int
}) {}

/**
 * Something cannot be read from the wire or written to it; `reason` says what. It never holds a number, digits or words
 * that are spoken.
 *
 * @since 0.1.0
 */
export class WireError extends Schema.TaggedError<WireError>()("WireError", {
  reason: Schema.Union([NoAction, NotAnAction, UnknownMethod, BadParameter, NotPublic, NotAnEvent, OutOfBounds])
}) {
  override get message() {
    return explain(this.reason)
  }
}

const explain = (reason: WireError["reason"]): string => {
  switch (reason._tag) {
    case "NoAction":
      return "There is no action"
    case "NotAnAction":
      return `This is no action: ${reason.problem}`
    case "UnknownMethod":
      return `The method ${JSON.stringify(reason.method)} is not known`
    case "BadParameter":
      return `The parameter ${reason.parameter} of ${reason.method} has to be ${reason.expected}`
    case "NotPublic":
      return `The parameters of ${reason.method} are not public. Set ${reason.setting} to the name that your Telesign ` +
        "documents give, or send the tones with the dial"
    case "NotAnEvent":
      return `This is no event: ${reason.problem}`
    case "OutOfBounds":
      return `This event cannot be taken: ${reason.field} has to be a text of 1 to ${reason.longest} characters, none of ` +
        "them a control character"
  }
}

const failed = (reason: WireError["reason"]) => Result.fail(new WireError({ reason }))

type Fields = { readonly [field: string]: unknown }

const none: Fields = {}

// Actions

/**
 * Writes an action down, exactly as documented or shown by Telesign ("Voice - Actions", "Send an action"; `speak`,
 * `play` and `hangup`: demo). Only `SendDtmf` can fail, with `NotPublic`, unless `sendDtmfParameter` is set.
 *
 * `max_call_duration` is written as a string and `collect_digits.max` as a number, the forms that their samples show.
 *
 * @since 0.1.0
 */
export const encodeAction = (action: Action.Action, options?: Options): Result.Result<Envelope, WireError> => {
  switch (action._tag) {
    case "Dial":
      return Result.succeed(encodeDial(action))
    case "Speak":
      return Result.succeed({
        method: "speak",
        params: {
          tts: { message: action.text, ...(action.language === undefined ? none : { language: action.language }) },
          ...encodeCollect(action.collect),
          ...encodeMark(action.externalId)
        }
      })
    case "Play":
      return Result.succeed({
        method: "play",
        params: { url: action.url, ...encodeCollect(action.collect), ...encodeMark(action.externalId) }
      })
    case "SendDtmf":
      return options?.sendDtmfParameter === undefined
        ? notPublic("send_dtmf", "sendDtmfParameter")
        : Result.succeed({ method: "send_dtmf", params: { [options.sendDtmfParameter]: action.tones } })
    case "Raw":
      return Result.succeed({ method: action.method, params: action.params })
    case "Hangup":
      return Result.succeed({ method: "hangup", params: {} })
  }
}

/**
 * Writes the opening action down, which is all that a `POST` ever carries.
 *
 * @since 0.1.0
 */
export const encodeDial = (dial: Action.Dial): Envelope => ({
  method: "dial",
  params: {
    ...dial.parameters,
    to: dial.to,
    caller_id_number: dial.from,
    max_call_duration: String(dial.maxCallDurationSeconds),
    ...(dial.sendDtmf === undefined ? none : { send_dtmf: dial.sendDtmf }),
    ...(dial.externalId === undefined ? none : { external_id: dial.externalId })
  }
})

const encodeCollect = (collect: { readonly max: number } | undefined): Fields =>
  collect === undefined ? none : { collect_digits: { max: collect.max } }

/** "Voice - Actions" gives `external_id` to `dial` alone. That a prompt may carry one too is a guess, made by `marks`. */
const encodeMark = (externalId: string | undefined): Fields =>
  externalId === undefined ? none : { external_id: externalId }

/**
 * Reads an action, as the far side of the wire does: for emulators, and to check what was written.
 *
 * It takes an object or an array of exactly one, with or without `jsonrpc` and `id`, numbers as strings and strings as
 * numbers, and ignores parameters that it does not know. `undefined` stands for an empty body. A phone number is digits
 * only here: Telesign writes no `+`.
 *
 * @since 0.1.0
 */
export const decodeAction = (json: unknown, options?: Options): Result.Result<Action.Action, WireError> =>
  Result.map(readAction(json, options), Action.make)

const readAction = (json: unknown, options: Options | undefined): Result.Result<Action.Action, WireError> => {
  if (isEmpty(json)) return failed(new NoAction())
  const one = Array.isArray(json) && json.length === 1 ? json[0] : json
  if (isEmpty(one)) return failed(new NoAction())
  if (Array.isArray(one)) return notAnAction(`an array of ${one.length} actions, where one is expected`)
  if (!Predicate.isObject(one)) return notAnAction("neither an object nor an array of one object")
  if (typeof one.method !== "string") return notAnAction("its method is missing or no text")
  const params = one.params ?? none
  if (!Predicate.isObject(params)) return bad(tellable(one.method), "params", "an object")
  switch (one.method) {
    case "dial":
      return decodeDial(params)
    case "speak":
      return decodeSpeak(params)
    case "play":
      return decodePlay(params)
    case "send_dtmf":
      return decodeSendDtmf(params, options)
    case "hangup":
      return Result.succeed(Action.hangup)
    default:
      return failed(new UnknownMethod({ method: tellable(one.method) }))
  }
}

const isEmpty = (json: unknown): boolean =>
  json === undefined || json === null || json === "" ||
  (Predicate.isObjectOrArray(json) && Object.keys(json).length === 0)

const notAnAction = (problem: string) => failed(new NotAnAction({ problem }))

const notPublic = (method: string, setting: string) => failed(new NotPublic({ method, setting }))

const bad = (method: string, parameter: string, expected: string, status?: string) =>
  failed(new BadParameter({ method, parameter, expected, ...(status === undefined ? none : { status }) }))

const phoneNumber = "a phone number: country code and number, 7 to 15 digits and nothing else"

const decodeDial = (params: Fields): Result.Result<Action.Action, WireError> => {
  const to = textOf(params.to)
  if (isBlank(params.to)) return bad("dial", "to", phoneNumber, "to_number_not_provided")
  if (!PhoneNumber.is(to)) return bad("dial", "to", phoneNumber, "invalid_phone_number")
  const from = textOf(params.caller_id_number)
  if (isBlank(params.caller_id_number)) {
    return bad("dial", "caller_id_number", phoneNumber, "caller_id_number_not_provided")
  }
  if (!PhoneNumber.is(from)) return bad("dial", "caller_id_number", phoneNumber)
  const seconds = integerOf(params.max_call_duration ?? longestCall)
  if (seconds === undefined || seconds < 1 || seconds > longestCall) {
    return bad("dial", "max_call_duration", `1 to ${longestCall} seconds`)
  }
  const tones = params.send_dtmf ?? undefined
  if (tones !== undefined && !isTones(tones)) return bad("dial", "send_dtmf", tonesExpected)
  const externalId = textOf(params.external_id)
  if (externalId === undefined && !isBlank(params.external_id)) return bad("dial", "external_id", "a text")
  return Result.succeed({
    _tag: "Dial",
    to,
    from,
    maxCallDurationSeconds: seconds,
    ...(tones === undefined ? none : { sendDtmf: tones }),
    ...(externalId === undefined ? none : { externalId })
  })
}

// "Voice - Actions": the default of max_call_duration, which can only be lowered.
const longestCall = 14_400

const tonesExpected = "DTMF tones: 0-9, A-D, * and #, with w for a pause"

const isTones = (value: unknown): value is string => typeof value === "string" && /^[0-9A-D*#w]+$/.test(value)

const decodeSpeak = (params: Fields): Result.Result<Action.Action, WireError> => {
  const { language, message } = Predicate.isObject(params.tts) ? params.tts : none
  if (typeof message !== "string") return bad("speak", "tts.message", "a text")
  const tag = language ?? undefined
  if (tag !== undefined && typeof tag !== "string") return bad("speak", "tts.language", "a language tag or null")
  return Result.map(decodeCollect("speak", params), (collecting) => ({
    _tag: "Speak",
    text: message,
    ...(tag === undefined ? none : { language: tag }),
    ...collecting,
    ...decodeMark(params)
  }))
}

const decodePlay = (params: Fields): Result.Result<Action.Action, WireError> => {
  const { url } = params
  if (typeof url !== "string") return bad("play", "url", "the address of an audio file")
  return Result.map(
    decodeCollect("play", params),
    (collecting) => ({ _tag: "Play", url, ...collecting, ...decodeMark(params) })
  )
}

const decodeMark = ({ external_id }: Fields): { readonly externalId?: string } => {
  const externalId = textOf(external_id)
  return externalId === undefined ? {} : { externalId }
}

const decodeSendDtmf = (params: Fields, options: Options | undefined): Result.Result<Action.Action, WireError> => {
  const parameter = options?.sendDtmfParameter
  if (parameter === undefined) return notPublic("send_dtmf", "sendDtmfParameter")
  const tones = params[parameter]
  return isTones(tones) ? Result.succeed({ _tag: "SendDtmf", tones }) : bad("send_dtmf", parameter, tonesExpected)
}

const decodeCollect = (
  method: string,
  params: Fields
): Result.Result<{ readonly collect?: { readonly max: number } }, WireError> => {
  const collect = params.collect_digits ?? undefined
  if (collect === undefined) return Result.succeed({})
  const max = Predicate.isObject(collect) ? integerOf(collect.max) : undefined
  return max === undefined || max < 1 || max > 128
    ? bad(method, "collect_digits.max", "1 to 128 digits")
    : Result.succeed({ collect: { max } })
}

// Values that are a number in one sample and a string in another: all of these take both

const isBlank = (value: unknown): boolean => value === undefined || value === null || value === ""

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const stringOf = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

const textOf = (value: unknown): string | undefined => isCount(value) ? String(value) : stringOf(value)

const integerOf = (value: unknown): number | undefined =>
  isCount(value) ? value : typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : undefined

const secondsOf = (value: unknown): number | undefined => {
  if (typeof value === "string") return /^\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : undefined
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined
}

// Webhooks

const kinds = new Map<string, Webhook.Kind>([
  ["incoming_call", "IncomingCall"],
  ["dial_completed", "DialCompleted"],
  ["speak_completed", "SpeakCompleted"],
  ["play_completed", "PlayCompleted"],
  ["call_leg_completed", "LegCompleted"],
  ["call_completed", "CallCompleted"]
])

/**
 * What an event of this name means to a call ("Voice - Events"; documented but for `call_leg_completed`: demo). A name that is not
 * known and ends like those of actions is taken for the end of one.
 *
 * @since 0.1.0
 */
export const kind = (event: string): Webhook.Kind =>
  kinds.get(event) ?? (event.endsWith("_completed") ? "OtherCompleted" : "Unknown")

/**
 * An event by Telesign's name of it, for emulators and tests: `Webhook.make`, and its kind is that of the name.
 *
 * @since 0.1.0
 */
export const named = (fields: Omit<Webhook.Webhook, "kind">): Webhook.Webhook =>
  Webhook.make({ kind: kind(fields.event), ...fields })

/**
 * Reads an event, whatever its name ("Voice - Events"; the fields of most events: demo). Fails with `NotAnEvent`, or with
 * `OutOfBounds` if its name or its session is too long to be one.
 *
 * - `to` and `from` are read from `data`, else from the top level, where one demo has them. They are kept as they came:
 *   a caller may show a number without its country code.
 * - Where a prompt completed and no key was pressed, `digits` is `""`: Telesign may send `""`, `null` or nothing for
 *   that, and two deliveries of one event have to compare equal. Other events have `digits` only if they bring some.
 * - `null` in a known field means that it is absent. A known field of a type that makes no sense counts as unknown.
 * - Unknown fields are kept in `extra`, those of `data` in `extra.data`, as they came.
 * - What is out of bounds is left out, and the event goes on without it (`Webhook.bounded`): more than 2 KiB of unknown
 *   fields, what nests deeper than 64 levels, keys that no phone has, a duration of more than a year.
 *
 * @since 0.1.0
 */
export const decodeWebhook = (json: unknown): Result.Result<Webhook.Webhook, WireError> => {
  if (!Predicate.isObject(json)) return notAnEvent("the body is no object")
  const { data, event, reference_id } = json
  if (typeof event !== "string" || event === "") return notAnEvent("event is missing or no text")
  if (typeof reference_id !== "string" || reference_id === "") return notAnEvent("reference_id is missing or no text")
  const webhook: Draft = named({ event, referenceId: reference_id })
  const details = Predicate.isObject(data) ? readInto(webhook, data, dataFields) : none
  const rest = readInto(webhook, json, topFields, details)
  const saysNothing = webhook.digits === undefined && !Object.hasOwn(details, "collected_digits")
  if (saysNothing && Webhook.endsPrompt(webhook)) webhook.digits = ""
  const kept = Predicate.isObject(data) ? details : data
  const extra = isEmpty(kept) ? rest : { ...rest, data: kept }
  if (!isEmpty(extra)) webhook.extra = extra
  return Result.mapError(Webhook.bounded(webhook), outOfBounds)
}

const notAnEvent = (problem: string) => failed(new NotAnEvent({ problem }))

const outOfBounds = ({ field, longest }: Webhook.OutOfBounds) =>
  new WireError({ reason: new OutOfBounds({ field: field === "event" ? "event" : "reference_id", longest }) })

type Draft = { -readonly [Field in keyof Webhook.Webhook]: Webhook.Webhook[Field] }

interface Reader {
  readonly name: keyof Draft
  readonly read: (value: unknown) => string | number | undefined
}

const parties: ReadonlyArray<readonly [field: string, Reader]> = [
  ["to", { name: "to", read: textOf }],
  ["from", { name: "from", read: textOf }]
]

const dataFields = new Map<string, Reader>([
  ["status", { name: "status", read: stringOf }],
  ["collected_digits", { name: "digits", read: textOf }],
  ["duration", { name: "durationSeconds", read: secondsOf }],
  ...parties
])

const topFields = new Map<string, Reader | "read apart">([
  ["event", "read apart"],
  ["reference_id", "read apart"],
  ["data", "read apart"],
  ["external_id", { name: "externalId", read: stringOf }],
  ...parties
])

/** Moves the fields that are known, and not `settled` elsewhere, into the draft. Answers with the others, mostly none. */
const readInto = (
  draft: Draft,
  fields: Fields,
  readers: ReadonlyMap<string, Reader | "read apart">,
  settled: Fields = none
): Fields => {
  let others: Array<[string, unknown]> | undefined
  const keep = (field: string, value: unknown) => {
    others ??= []
    others.push([field, value])
  }
  for (const field of Object.keys(fields)) {
    const reader = readers.get(field)
    if (reader === "read apart") continue
    const value = fields[field]
    if (reader === undefined || draft[reader.name] !== undefined || Object.hasOwn(settled, field)) {
      keep(field, value)
    } else if (value !== null) {
      const known = reader.read(value)
      if (known === undefined) keep(field, value)
      else put(draft, reader.name, known)
    }
  }
  return others === undefined ? none : Object.fromEntries(others)
}

const put = (draft: { [field: string]: unknown }, name: string, value: unknown) => {
  draft[name] = value
}

/**
 * Writes an event down, for emulators and tests. What `decodeWebhook` gave comes back from it unchanged, and every field
 * that it did not know is in its place again.
 *
 * @since 0.1.0
 */
export const encodeWebhook = (webhook: Webhook.Webhook): { readonly [field: string]: unknown } => {
  const { data: details, ...rest } = webhook.extra ?? none
  const top = defined({ event: webhook.event, reference_id: webhook.referenceId, external_id: webhook.externalId })
  const parties = defined({ to: webhook.to, from: webhook.from })
  // Where `data` came as something else than an object it is kept, and only the parties can have been beside it.
  if (details !== undefined && !Predicate.isObject(details)) return { ...rest, ...top, ...parties, data: details }
  const { digits: collected_digits, durationSeconds: duration, status } = webhook
  return { ...rest, ...top, data: { ...details, ...parties, ...defined({ status, collected_digits, duration }) } }
}

const defined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

// The response to a POST

/**
 * The documented answers that refuse an action, by their HTTP status ("Send an action"; documented). The `200` are
 * failures too: only 202 is a success.
 *
 * @since 0.1.0
 */
export const refusals = {
  200: [
    "premium_to_number_rejected",
    "to_number_blocked_by_country",
    "to_number_blocked_by_customer",
    "to_number_blocked_by_telesign"
  ],
  400: [
    "caller_id_number_not_owned",
    "caller_id_number_not_provided",
    "invalid_phone_number",
    "to_number_not_provided",
    "unsupported_call_state"
  ],
  401: ["credentials_not_provided", "not_authorized"]
} as const

/**
 * The status of a documented refusal. `Transport.Refused` keeps it as a string, so that a list that grows breaks nobody.
 *
 * @since 0.1.0
 */
export type Refusal = typeof refusals[keyof typeof refusals][number]

/**
 * One response to `POST /v2/voice`, as data.
 *
 * @since 0.1.0
 */
export interface Response {
  readonly httpStatus: number
  readonly body: string
  /**
   * The header `Retry-After`: seconds or an HTTP date. None is documented for Voice; a proxy may send one. At most an hour
   * of it is believed, of which the engine waits no more than `dial.longestBackoff`.
   */
  readonly retryAfter?: string | undefined
  /** When the response came, in milliseconds since 1970, to which a date in `retryAfter` is compared. */
  readonly receivedAt: number
  /** The `external_id` that was sent with the dial, to which the one in the response is compared. */
  readonly externalId?: string | undefined
}

/**
 * Whether the body of a response says something: 202, and where a refusal is documented. Of any other status the head says all.
 *
 * @since 0.1.0
 */
export const isDocumented = (httpStatus: number): httpStatus is 202 | keyof typeof refusals =>
  httpStatus === 202 || Object.hasOwn(refusals, httpStatus)

/**
 * Tells what the response to a dial proves ("Send an action"; documented).
 *
 * - **202** with a `reference_id`: accepted. The word in `status` is not looked at, for the number says it all. Without a
 *   `reference_id`, or with one that is too long to be kept (`Webhook.isId`), the phone may ring and its session is not
 *   known: lost. So it is if the `external_id` is not ours, for then the session is another dial's. It is not sent again, and an
 *   event with our `external_id` still shows what became of it.
 * - **200, 400** with a status documented for that number: refused, surely not done.
 * - **401**: surely not done, and an `obstacle` to all dials, whatever the body says: by its definition such a request has not been
 *   applied (RFC 9110, 15.5.2), whether the carrier or a proxy before it asks who we are. Its two statuses are documented.
 * - **400** about the caller id: surely not done, and not because of who was to be rung, so it is an `obstacle` to other dials too.
 * - Any other status under **200 and 400**, or a body that is no JSON, may come from a proxy or a newer protocol, about whose
 *   effects nothing is known: lost.
 * - **429**: surely not done and `throttled`, whatever the body says; the carrier or a proxy before it turned the request
 *   away.
 * - **Anything else**, redirects and 5xx among it: lost. A server that fails may have dialled before it failed.
 *
 * @since 0.1.0
 */
export const decodeResponse = (
  response: Response
): Result.Result<Transport.Accepted, Transport.Refused | Transport.NotSent | Transport.Lost> => {
  const { httpStatus } = response
  if (httpStatus === 429) {
    const retryAfterMillis = decodeRetryAfter(response)
    return Result.fail(
      new Transport.NotSent({
        problem: "HTTP 429: too many requests",
        throttled: true,
        ...(retryAfterMillis === undefined ? none : { retryAfterMillis })
      })
    )
  }
  if (!isDocumented(httpStatus)) return lost(`HTTP ${httpStatus}, which is not documented`)
  const json = parse(response.body)
  if (httpStatus === 401) return Result.fail(unauthorized(json))
  if (!Predicate.isObject(json)) return lost(`HTTP ${httpStatus} with a body that is no JSON object`)
  const { reference_id: referenceId, status } = json
  if (httpStatus !== 202) {
    return isRefusal(httpStatus, status)
      ? Result.fail(refused(httpStatus, status))
      : lost(`HTTP ${httpStatus} with a status that is not documented: ${tellable(status)}`)
  }
  if (!isBlank(json.external_id) && textOf(json.external_id) !== response.externalId) {
    return lost("HTTP 202 with an external_id that is not that of the dial")
  }
  return Webhook.isId(referenceId)
    ? Result.succeed({ referenceId })
    : lost("HTTP 202 without a reference_id that can be kept")
}

const lost = (problem: string) => Result.fail(new Transport.Lost({ problem }))

const isRefusal = (httpStatus: keyof typeof refusals, status: unknown): status is Refusal =>
  (refusals[httpStatus] as ReadonlyArray<unknown>).includes(status)

/** Nobody was asked for: this is about us. */
const unauthorized = (json: unknown): Transport.NotSent => {
  const status = Predicate.isObject(json) ? json.status : undefined
  const word = isRefusal(401, status) ? status : "no documented status"
  return new Transport.NotSent({ problem: `HTTP 401: ${word}`, obstacle: "credentials" })
}

/** What a refusal proves: some are about us, and say nothing about the person who was to be rung. */
const refused = (httpStatus: keyof typeof refusals, status: Refusal): Transport.Refused | Transport.NotSent =>
  status.startsWith("caller_id_number_")
    ? new Transport.NotSent({ problem: `HTTP ${httpStatus}: ${status}`, obstacle: "caller id" })
    : new Transport.Refused({ status })

/** A foreign word goes into an error only if it looks like a status, and so holds no number. */
const tellable = (status: unknown): string =>
  typeof status === "string" && /^[a-z_]{1,64}$/.test(status) ? status : "not shown"

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const decodeRetryAfter = ({ receivedAt, retryAfter }: Response): number | undefined => {
  if (retryAfter === undefined) return undefined
  if (/^\d{1,15}$/.test(retryAfter)) return Math.min(longestRetryAfter, Number(retryAfter) * 1000)
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(retryAfter)
    ? Date.parse(retryAfter)
    : Number.NaN
  return Number.isNaN(at) ? undefined : Math.min(longestRetryAfter, Math.max(0, at - receivedAt))
}

const longestRetryAfter = 60 * 60 * 1000
