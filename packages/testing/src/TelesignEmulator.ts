/**
 * A Telesign on localhost: `POST /v2/voice` and webhooks over real HTTP, with the lines of `PhoneLine` behind it.
 *
 * It checks what the documents say Telesign checks, the credentials among it: Basic, or a signature with HMAC-SHA256 or
 * HMAC-SHA1 and a date in `Date` or `x-ts-date`. It signs its events, and obeys the replies. The layer also gives the
 * `PhoneCompany`, so that who answers, who calls and what happened is told in the same words as with `FakeTransport`.
 *
 * What no public document settles, and what the emulator does about it:
 *
 * - A `POST` of anything but `dial` is refused with 400 `unsupported_call_state`: no field is known that names a call.
 * - A request that is no JSON or no action gets 400 `invalid_request`, a parameter without a documented status 400
 *   `invalid_parameter`. Both words are ours.
 * - A reply is read from any 2xx. Anything else, no connection, and nothing within five seconds is no reply, and is not
 *   asked for again unless `replies.askAgainAfter` says so. The call goes on without one.
 * - `play_multiple` as a reply is taken with any parameters, none of which is public, and `play_completed` ends it. Other
 *   methods that only the documents of an account describe are taken if `methods` names them.
 * - `send_dtmf` as a reply and an events URL per call need the name of a parameter that is not public.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { PhoneNumber } from "@ringback/core"
import type { Action, Transport } from "@ringback/core"
import { TelesignAuth, TelesignNode, TelesignWire } from "@ringback/http"
import { ByteSize, Clock, Context, Duration, Effect, Layer, Predicate, Redacted, Result } from "effect"
import { Base64 } from "effect/encoding"
import { FetchHttpClient, HttpIncomingMessage, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import { createServer } from "node:http"
import type * as Callee from "./Callee.ts"
import * as control from "./internal/emulator/control.ts"
import * as credentialsOf from "./internal/emulator/credentials.ts"
import * as eventPost from "./internal/emulator/eventPost.ts"
import * as Followers from "./internal/emulator/followers.ts"
import * as Knobs from "./internal/emulator/knobs.ts"
import * as Page from "./internal/emulator/shell.ts"
import { invalid, TurnedAway } from "./internal/emulator/turnedAway.ts"
import * as PhoneCompany from "./PhoneCompany.ts"
import * as PhoneLine from "./PhoneLine.ts"

/**
 * How the emulator behaves. Everything may be left out.
 *
 * @since 0.1.0
 */
export interface Options extends TelesignWire.Options {
  /** Where events go; it can be set later by `reportTo`. Without one, every event goes without a reply. */
  readonly eventsUrl?: string | URL | undefined
  /** Who may send requests, and whose key signs the events. `credentials` by default. */
  readonly credentials?: TelesignAuth.Credentials | undefined
  /** `127.0.0.1` by default. */
  readonly host?: string | undefined
  /** 0 by default: any free port. */
  readonly port?: number | undefined
  /** How lines behave and how fast: see `PhoneLine.Settings`. */
  readonly line?: PhoneLine.Changes | undefined
  /** Who answers at numbers that are not in `callees`: by default somebody who answers after 2 seconds and listens. */
  readonly callee?: Callee.Script | ReadonlyArray<Callee.Script> | undefined
  /** Who answers, by number. */
  readonly callees?: { readonly [number: string]: Callee.Script | ReadonlyArray<Callee.Script> } | undefined
  /** Numbers that are refused, each with one of the documented statuses, such as `to_number_blocked_by_country`. */
  readonly blocked?: { readonly [number: string]: TelesignWire.Refusal } | undefined
  /** The caller ids that are ours. With another one a dial gets 400 `caller_id_number_not_owned`. All by default. */
  readonly owned?: ReadonlyArray<string> | undefined
  /**
   * How far the date of a signed request may be from now: 15 minutes, which is ours. That there is a bound is documented
   * ("Authentication"), how wide it is is not public.
   */
  readonly signedWithin?: Duration.Input | undefined
  /** More requests than this in one second get 429. No limit by default. */
  readonly requestsPerSecond?: number | undefined
  /**
   * How long to wait for a reply (5 s, ours), and after which waits to ask again where there was none: never by default.
   * Real time, whatever the speed of the lines is.
   */
  readonly replies?: {
    readonly timeout?: Duration.Input | undefined
    readonly askAgainAfter?: ReadonlyArray<Duration.Input> | undefined
  } | undefined
  /**
   * How many times each event is posted, and how long after each other. Once by default. The first reply counts, the
   * others are recorded.
   */
  readonly copies?: { readonly count: number; readonly delay?: Duration.Input | undefined } | undefined
  /** How long each event is under way: not at all by default. Real time, as the next one. */
  readonly late?: Duration.Input | undefined
  /** How long each reply is under way, as if the application were slow: not at all by default. */
  readonly slow?: Duration.Input | undefined
  /**
   * Methods of replies that only the documents of an account describe, each with the event that ends it. Their parameters are
   * taken as they come. `play_multiple` is ended by `play_completed` unless this says otherwise. **All of it is a guess.**
   */
  readonly methods?: { readonly [method: string]: string } | undefined
  /**
   * Events that are never posted, and events whose reply is lost, by name: how many of each, the first ones. What is lost is
   * asked again if `replies.askAgainAfter` says so.
   */
  readonly lost?: {
    readonly events?: { readonly [event: string]: number } | undefined
    readonly replies?: { readonly [event: string]: number } | undefined
  } | undefined
  /**
   * Write `to` and `from` of each event at the top level too, where one of Telesign's demos reads them. `false`: documents
   * and other demos have them in `data` alone.
   */
  readonly partiesOnTop?: boolean | undefined
  /**
   * The parameter of `dial` that names another URL for the events of one call. That there is one is documented ("Voice -
   * Receive Events with webhooks"), its name is not public, so **whatever is given here is a guess**.
   */
  readonly eventsUrlParameter?: string | undefined
}

/**
 * What an emulator offers: the company behind it, its address, and where it reports to.
 *
 * @since 0.1.0
 */
export interface Emulator
  extends Omit<PhoneCompany.PhoneCompany["Service"], "dial" | "connect" | "record" | "reset" | "skip" | "setSpeed">
{
  /** The base URL, such as `http://127.0.0.1:4010`, for `baseUrl` of the transport. */
  readonly url: string
  /** From now on events go to this URL. */
  readonly reportTo: (eventsUrl: string | URL) => Effect.Effect<void>
  /** Lets time pass at once, as `PhoneCompany.skip` does, for each `EmulatorClock` too. */
  readonly skip: (duration?: Duration.Input) => Effect.Effect<number>
  /** Forgets the day, as `PhoneCompany.reset` does; then everybody is again as the options say. */
  readonly reset: Effect.Effect<void>
}

/**
 * A Telesign on localhost.
 *
 * @since 0.1.0
 */
export class TelesignEmulator extends Context.Service<TelesignEmulator, Emulator>()(
  "@ringback/testing/TelesignEmulator"
) {}

/**
 * The credentials that an emulator accepts if it is not given others. They are public: for local use only.
 *
 * @since 0.1.0
 */
export const credentials: TelesignAuth.Credentials = {
  customerId: Redacted.make("00000000-0000-4000-8000-000000000000"),
  apiKey: Redacted.make(Base64.encode("An API key for the emulator only"))
}

/**
 * Starts an emulator, which listens until the scope closes. Fails with `InvalidApiKey` if the key of the credentials is
 * not base64 text, and with `ServeError` if it cannot listen, for instance because the port is taken.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<
  TelesignEmulator | PhoneCompany.PhoneCompany,
  TelesignAuth.InvalidApiKey | HttpServerError.ServeError
> =>
  Layer.effect(TelesignEmulator, make(options)).pipe(
    Layer.provideMerge(PhoneCompany.layerWith(options.line ?? {})),
    Layer.provide(NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), {
      host: options.host ?? "127.0.0.1",
      port: options.port ?? 0,
      gracefulShutdownTimeout: "1 second"
    })),
    Layer.provide(FetchHttpClient.layer)
  )

/**
 * The base URL of the emulator.
 *
 * @since 0.1.0
 */
export const url: Effect.Effect<string, never, TelesignEmulator> = TelesignEmulator.useSync((emulator) => emulator.url)

/**
 * From now on events go to this URL: for tests in which the server of the webhooks starts after the emulator.
 *
 * @since 0.1.0
 */
export const reportTo = (eventsUrl: string | URL): Effect.Effect<void, never, TelesignEmulator> =>
  TelesignEmulator.use((emulator) => emulator.reportTo(eventsUrl))

const make = Effect.fnUntraced(function*(options: Options) {
  const company = yield* PhoneCompany.PhoneCompany
  const account = options.credentials ?? credentials
  const auth = yield* TelesignAuth.make(account)
  const addresses: Addresses = { account: options.eventsUrl, calls: new Map() }
  yield* people(company, options)
  const knobs = Knobs.make(options)
  yield* reportEvents(company, { auth, account, addresses, knobs, options })
  const reportTo = (eventsUrl: string | URL) => Effect.sync(() => void (addresses.account = eventsUrl))
  const reset = company.reset.pipe(
    Effect.andThen(people(company, options)),
    Effect.andThen(Effect.sync(() => {
      addresses.calls.clear()
      Object.assign(knobs, Knobs.make(options))
    })),
    Effect.andThen(Effect.suspend(() => company.setSpeed(knobs.speed)))
  )

  const followers = Followers.make()
  const skip = (duration?: Duration.Input) => company.skip(duration, followers.pass)

  const admit = yield* gate({ account, options })
  const voice = (request: HttpServerRequest.HttpServerRequest) =>
    admit(request).pipe(
      Effect.flatMap(({ action, eventsUrl }) => accept(company, addresses, action, eventsUrl)),
      Effect.catch((turnedAway) => refuse(company, turnedAway))
    )
  const routes = Layer.mergeAll(
    HttpRouter.add("POST", "/v2/voice", voice),
    HttpRouter.add("GET", "/", Page.response),
    control.layer({
      ...options,
      company,
      knobs,
      eventsUrl: () => addresses.account === undefined ? null : String(addresses.account),
      reportTo,
      reset,
      skip,
      followers
    })
  )
  const served = yield* HttpRouter.toHttpEffect(routes)
  yield* HttpServer.serveEffect(Effect.catchReason(served, "HttpServerError", "RouteNotFound", nowhere))

  const { connect: _, dial: __, record: ___, setSpeed: ____, ...shape } = company
  return TelesignEmulator.of({
    ...shape,
    url: HttpServer.formatAddress((yield* HttpServer.HttpServer).address),
    reportTo,
    reset,
    skip
  })
})

interface Addresses {
  account: string | URL | undefined
  readonly calls: Map<string, string>
}

interface Account {
  readonly account: TelesignAuth.Credentials
  readonly options: Options
}

const people = Effect.fnUntraced(function*(company: PhoneCompany.PhoneCompany["Service"], options: Options) {
  const { blocked = {}, callee, callees = {} } = options
  if (callee !== undefined) yield* company.everyone(callee)
  for (const [number, scripts] of Object.entries(callees)) yield* company.callee(number, scripts)
  for (const [number, status] of Object.entries(blocked)) yield* company.block(number, status)
})

// Events

const reportEvents = Effect.fnUntraced(function*(
  company: PhoneCompany.PhoneCompany["Service"],
  { account, addresses, auth, knobs, options }: Account & {
    readonly auth: TelesignAuth.TelesignAuth
    readonly addresses: Addresses
    readonly knobs: Knobs.Knobs
  }
) {
  const post = yield* eventPost.make({
    ...options,
    auth,
    customerId: account.customerId,
    partiesOnTop: options.partiesOnTop ?? false,
    knobs,
    methods: { play_multiple: "play_completed", ...options.methods },
    audioMillis: options.line?.audioMillis ?? PhoneLine.defaults.audioMillis,
    timeout: Duration.fromInputUnsafe(options.replies?.timeout ?? "5 seconds"),
    copied: Effect.fnUntraced(function*(webhook, action) {
      const { referenceId } = webhook
      const isOfToday = (yield* company.lines).some((line) => line.referenceId === referenceId)
      if (isOfToday) yield* company.record({ _tag: "Copied", referenceId, webhook, action })
    })
  })
  yield* company.connect((webhook) => {
    const to = addresses.calls.get(webhook.referenceId) ?? addresses.account
    return to === undefined ? Effect.fail("no events URL is set") : post(String(to), webhook)
  })
})

// Requests

interface Admitted {
  readonly action: Action.Dial
  readonly eventsUrl: string | undefined
}

const gate = Effect.fnUntraced(function*({ account, options }: Account) {
  const signedWithin = Duration.fromInputUnsafe(options.signedWithin ?? "15 minutes")
  const authorize = yield* credentialsOf.make({ account, signedWithin })
  const withinLimit = limiting(options.requestsPerSecond ?? Infinity)
  return Effect.fnUntraced(function*(
    request: HttpServerRequest.HttpServerRequest
  ): Effect.fn.Return<Admitted, TurnedAway> {
    const body = yield* request.text.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.kibibytes(64)),
      Effect.mapError(() => invalid("the body cannot be read"))
    )
    yield* authorize(request, body)
    yield* withinLimit
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
      return yield* invalid("the content type is not application/json")
    }
    const json = yield* Effect.try({
      try: (): unknown => JSON.parse(body),
      catch: () => invalid("the body is not JSON")
    })
    return { action: yield* Effect.fromResult(dialIn(json, options)), eventsUrl: eventsUrlIn(json, options) }
  })
})

const limiting = (perSecond: number) => {
  let recent: ReadonlyArray<number> = []
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    recent = [...recent.filter((at) => at > now - 1000), now]
    return recent.length > perSecond
      ? Effect.fail(new TurnedAway({ httpStatus: 429, status: "rate_limit_exceeded" }))
      : Effect.void
  })
}

const dialIn = (json: unknown, options: Options): Result.Result<Action.Dial, TurnedAway> => {
  const unsupported = new TurnedAway({
    httpStatus: 400,
    status: "unsupported_call_state",
    problem: "a request can only dial; a call is steered by the replies to its events"
  })
  const action = TelesignWire.decodeAction(json, options)
  if (Result.isFailure(action)) return Result.fail(turnedAway(action.failure) ?? unsupported)
  if (action.success._tag !== "Dial") return Result.fail(unsupported)
  return options.owned === undefined || options.owned.map(PhoneNumber.digits).includes(action.success.from)
    ? Result.succeed(action.success)
    : Result.fail(new TurnedAway({ httpStatus: 400, status: "caller_id_number_not_owned" }))
}

const turnedAway = ({ message, reason }: TelesignWire.WireError): TurnedAway | undefined => {
  if (reason._tag === "NoAction" || reason._tag === "NotAnAction") return invalid(message)
  if (reason._tag !== "BadParameter" || reason.method !== "dial") return undefined
  const own = reason.parameter === "caller_id_number" ? "caller_id_number_not_owned" : "invalid_parameter"
  return new TurnedAway({ httpStatus: 400, status: reason.status ?? own, problem: message })
}

const eventsUrlIn = (json: unknown, { eventsUrlParameter }: Options): string | undefined => {
  const one = Array.isArray(json) ? json[0] : json
  const params = Predicate.isObject(one) && Predicate.isObject(one.params) ? one.params : {}
  const url = eventsUrlParameter === undefined ? undefined : params[eventsUrlParameter]
  return typeof url === "string" ? url : undefined
}

// Answers

const accept = Effect.fnUntraced(function*(
  company: PhoneCompany.PhoneCompany["Service"],
  addresses: Addresses,
  action: Action.Dial,
  eventsUrl: string | undefined
) {
  const referenceId = yield* PhoneCompany.newReferenceId
  if (eventsUrl !== undefined) addresses.calls.set(referenceId, eventsUrl)
  return yield* Effect.matchEffect(company.dial(action, referenceId), {
    onSuccess: () => {
      const echoed = action.externalId === undefined ? {} : { external_id: action.externalId }
      return Effect.succeed(answer(202, { reference_id: referenceId, status: "dial_accepted", ...echoed }))
    },
    onFailure: ({ reason }: Transport.TransportError) => {
      const status = reason._tag === "Refused" ? reason.status : reason._tag
      return Effect.succeed(answer(httpStatusOf(status), { reference_id: referenceId, status }))
    }
  })
})

const refuse = Effect.fnUntraced(function*(
  company: PhoneCompany.PhoneCompany["Service"],
  { httpStatus, problem, status }: TurnedAway
) {
  yield* company.record({ _tag: "Refused", status, ...(problem === undefined ? {} : { problem }) })
  return answer(httpStatus, { reference_id: yield* PhoneCompany.newReferenceId, status })
})

/** What is asked for in vain is told where it is to be found. */
const nowhere = ({ request }: HttpServerError.RouteNotFound) => {
  const { pathname } = new URL(request.url, "http://localhost")
  const problem =
    `${request.method} ${pathname} is not here. Dials are POST /v2/voice, the phone is GET /, and what a test can ` +
    "ask is in GET /emulator/openapi.json"
  return Effect.succeed(answer(404, { problem }))
}

const answer = (status: number, body: object) => HttpServerResponse.jsonUnsafe(body, { status })

const httpStatusOf = (status: string): number => {
  const documented = Object.entries(TelesignWire.refusals).find(([, statuses]) =>
    (statuses as ReadonlyArray<string>).includes(status)
  )
  return Number(documented?.[0] ?? 400)
}
