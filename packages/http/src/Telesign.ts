/**
 * The transport to Telesign Voice: one `POST` per dial, sent once, and what became of it.
 *
 * It runs on any `HttpClient`. On Node choose `NodeHttpClient.layerUndici` or `layerNodeHttp` of `@effect/platform-node`;
 * `FetchHttpClient.layer` works everywhere. **Give it a client of its own that neither retries nor follows redirects**: the
 * carrier cannot recognise a dial that comes again, and the phone would ring twice. Its body leaves once, so a client that
 * repeats, races or redirects a request, and a `fetch` that does so after 421, is stopped, and the dial is `Lost`.
 *
 * What breaks, or is too late, before a client has asked for the body is `NotSent`, a break in the TLS handshake among it.
 * `layerNodeHttp` asks for it before there is a connection; there Node itself tells how far that has come.
 *
 * Each `POST` asks for a connection of its own (`Connection: close`), because a kept one that went stale breaks, and a
 * dial that met a broken connection was perhaps done. These clients do as asked on Node, as long as nothing else speaks
 * to Telesign through them. An agent of `node:http` that was made with `keepAlive` and the `fetch` of a browser do not.
 *
 * @since 0.1.0
 */
import { Action, PhoneNumber, Transport } from "@ringback/core"
import {
  ByteSize,
  Clock,
  Config,
  Context,
  Duration,
  Effect,
  Fiber,
  Layer,
  Option,
  Redacted,
  Result,
  Schema,
  Stream
} from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient, Headers, HttpClient, HttpClientRequest, HttpServer } from "effect/http"
import type { HttpClientResponse } from "effect/http"
import { judge } from "./internal/brokenConnection.ts"
import { telling } from "./internal/dialTrouble.ts"
import * as Handshake from "./internal/handshake.ts"
import { OnceBody } from "./internal/onceBody.ts"
import * as TelesignAuth from "./TelesignAuth.ts"
import * as TelesignWire from "./TelesignWire.ts"

/**
 * How to reach Telesign.
 *
 * @since 0.1.0
 */
export interface Options extends TelesignAuth.Credentials {
  /** Default `https://rest-ww.telesign.com` ("Send an action"; documented). */
  readonly baseUrl?: string | URL | undefined
  /**
   * How long to wait for the whole answer, 10 seconds by default. After that the dial is `Lost`, or `NotSent` if there was no
   * connection until then, or TLS not agreed on.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * `basic` by default. With `digest` each request is signed with HMAC-SHA256, over its body, its time and a nonce of its own, and
   * the API key itself does not travel ("Authentication"; the order of what is signed: Telesign's sample code).
   */
  readonly authentication?: "basic" | "digest" | undefined
  /**
   * What else is sent with every dial, by the names that your account's documentation gives, such as the address to which the
   * events of a call go (that there is such a parameter is documented, its name is not public). **Unproved here**: it is passed
   * on as it is. What `Flow.dial` says under `parameters` goes before it.
   */
  readonly parameters?: { readonly [name: string]: Schema.Json } | undefined
}

/**
 * What was given to reach Telesign cannot be used. `problems` names each setting and says what to do; no value is kept.
 *
 * @since 0.1.0
 */
export class InvalidSettings extends Schema.TaggedError<InvalidSettings>()("InvalidSettings", {
  problems: Schema.Array(Schema.Struct({ setting: Schema.String, problem: Schema.String }))
}) {
  override get message() {
    const lines = this.problems.map(({ problem, setting }) => `${setting} ${problem}`)
    return ["Telesign cannot be used with these settings.", ...lines].join("\n- ")
  }
}

/**
 * The caller id of an application, from `TELESIGN_CALLER_ID`: a number bought from Telesign, for use as `from`. Fails with
 * `InvalidSettings` if it is not set, or is no phone number.
 *
 * @since 0.1.0
 */
export const callerId: Effect.Effect<PhoneNumber.PhoneNumber, InvalidSettings> = Effect.suspend(() =>
  Effect.flatMap(
    variable(variableNames.callerId, Config.String),
    (text = "") => Effect.mapError(Effect.fromResult(PhoneNumber.from(text)), () => invalid(callerIdProblems(text)))
  )
)

/**
 * The transport with settings from the program, and the account, by whose keys webhooks are verified. Fails with
 * `InvalidSettings` when it is built, not at the first call.
 *
 * With `FetchHttpClient`, fetch options are taken from the `FetchHttpClient.RequestInit` that is provided to this layer.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<Transport.Transport | TelesignAuth.Account, InvalidSettings, HttpClient.HttpClient> =>
  Layer.effectContext(make(options, optionNames))

/**
 * The same with settings from the configuration: `TELESIGN_CUSTOMER_ID` and `TELESIGN_API_KEY`, and, if they are set,
 * `TELESIGN_FURTHER_API_KEYS` (with commas between them), `TELESIGN_BASE_URL`, `TELESIGN_TIMEOUT` (such as `10 seconds`) and
 * `TELESIGN_AUTHENTICATION` (`basic` or `digest`).
 * Fails with `InvalidSettings`, which names the variables, `TELESIGN_CALLER_ID` among them if it is no phone number, or if it is
 * missing beside another. If it alone is missing a line of the log says so, for a program that only answers calls needs none.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<
  Transport.Transport | TelesignAuth.Account,
  InvalidSettings,
  HttpClient.HttpClient
> = Layer.effectContext(
  Effect.suspend(() => Effect.flatMap(configured, (options) => make(options, variableNames)))
)

// Settings

type Setting = "customerId" | "apiKey" | "furtherApiKeys" | "baseUrl" | "timeout" | "authentication" | "parameters"

type Names = Readonly<Record<Setting, string>>

const optionNames: Names = {
  customerId: "customerId",
  apiKey: "apiKey",
  furtherApiKeys: "furtherApiKeys",
  baseUrl: "baseUrl",
  timeout: "timeout",
  authentication: "authentication",
  parameters: "parameters"
}

const variableNames = {
  customerId: "TELESIGN_CUSTOMER_ID",
  apiKey: "TELESIGN_API_KEY",
  furtherApiKeys: "TELESIGN_FURTHER_API_KEYS",
  baseUrl: "TELESIGN_BASE_URL",
  timeout: "TELESIGN_TIMEOUT",
  authentication: "TELESIGN_AUTHENTICATION",
  parameters: "parameters",
  callerId: "TELESIGN_CALLER_ID"
}

/** What may be wrong with a caller id: told with the transport, which needs none, because a call would find it too late. */
const callerIdProblems = (text: string): InvalidSettings["problems"] => {
  const setting = variableNames.callerId
  if (text === "") return [{ setting, problem: "is not set. Set it to a number that you bought from Telesign." }]
  return Result.isSuccess(PhoneNumber.from(text))
    ? []
    : [{ setting, problem: "has to be a phone number: country code and number, 7 to 15 digits, a leading + at most." }]
}

const variable = <A>(name: string, read: (name: string) => Config.Config<A>) =>
  Config.option(read(name)).pipe(
    Effect.map(Option.getOrUndefined),
    Effect.mapError(() => invalid([{ setting: name, problem: "cannot be read from the configuration." }]))
  )

interface Configured extends Options {
  /** What the configuration says of it; absent where nobody asked the configuration. */
  readonly callerId?: string | undefined
}

const lacksCallerId = (options: Configured): boolean =>
  "callerId" in options && (options.callerId === undefined || options.callerId === "")

const configured: Effect.Effect<Configured, InvalidSettings> = Effect.gen(function*() {
  return {
    customerId: (yield* variable(variableNames.customerId, Config.Redacted)) ?? Redacted.make(""),
    apiKey: (yield* variable(variableNames.apiKey, Config.Redacted)) ?? Redacted.make(""),
    furtherApiKeys: listed(yield* variable(variableNames.furtherApiKeys, Config.Redacted)),
    baseUrl: yield* variable(variableNames.baseUrl, Config.String),
    // Text becomes a duration where the other settings are checked.
    timeout: (yield* variable(variableNames.timeout, Config.String)) as Duration.Input | undefined,
    authentication: (yield* variable(variableNames.authentication, Config.String)) as Options["authentication"],
    callerId: yield* variable(variableNames.callerId, Config.String)
  }
})

const listed = (keys: Redacted.Redacted | undefined): ReadonlyArray<Redacted.Redacted> =>
  keys === undefined || Redacted.value(keys).trim() === ""
    ? []
    : Redacted.value(keys).split(",").map((key) => Redacted.make(key.trim()))

const invalid = (problems: InvalidSettings["problems"]) => new InvalidSettings({ problems })

interface Settings extends TelesignAuth.Credentials {
  readonly url: URL
  readonly timeout: Duration.Duration
}

const check = (options: Configured, names: Names): Result.Result<Settings, InvalidSettings> => {
  const url = endpoint(options.baseUrl ?? "https://rest-ww.telesign.com")
  const timeout = Option.getOrUndefined(Duration.fromInput(options.timeout ?? "10 seconds"))
  const isUsable = timeout !== undefined && Duration.isFinite(timeout) && Duration.toMillis(timeout) > 0
  const problems = [
    ...secretProblem(names.customerId, "customer id", options.customerId, /[^\x21-\x39\x3b-\x7e]/),
    ...secretProblem(names.apiKey, "API key", options.apiKey, /[^\x21-\x7e]/),
    ...(options.furtherApiKeys ?? []).flatMap((key) =>
      secretProblem(names.furtherApiKeys, "API key", key, /[^\x21-\x7e]/)
    ).slice(0, 1),
    ...(url === undefined
      ? [{
        setting: names.baseUrl,
        problem: "has to be an http(s) address without user, query or fragment, such as https://rest-ww.telesign.com."
      }]
      : []),
    ...(isUsable
      ? []
      : [{ setting: names.timeout, problem: "has to be a duration above zero, such as `10 seconds`." }]),
    ...(options.authentication === undefined || ways.includes(options.authentication)
      ? []
      : [{ setting: names.authentication, problem: "has to be `basic` or `digest`." }]),
    ...parameterProblems(names.parameters, options.parameters),
    ...("callerId" in options && !lacksCallerId(options) ? callerIdProblems(options.callerId ?? "") : [])
  ]
  return url !== undefined && isUsable && problems.length === 0
    ? Result.succeed({ ...accountOf(options), url, timeout })
    : Result.fail(invalid(
      lacksCallerId(options) && problems.some(isMissing) ? [...problems, ...callerIdProblems("")] : problems
    ))
}

const isMissing = ({ problem }: InvalidSettings["problems"][number]): boolean => problem.startsWith("is not set")

const ways: ReadonlyArray<string> = ["basic", "digest"]

/** A dial that has them is made, to no avail. */
const parameterProblems = (setting: string, parameters: Options["parameters"]): InvalidSettings["problems"] => {
  const number = PhoneNumber.make("15550100000")
  if (parameters === undefined) return []
  try {
    Action.dial({ to: number, from: number, maxCallDurationSeconds: 1, parameters })
    return []
  } catch (error) {
    return [{ setting, problem: error instanceof Action.InvalidAction ? error.problem : "cannot be read." }]
  }
}

const accountOf = ({ apiKey, customerId, furtherApiKeys = [] }: Options): TelesignAuth.Credentials => ({
  customerId,
  apiKey,
  furtherApiKeys
})

const secretProblem = (setting: string, what: string, secret: Redacted.Redacted, forbidden: RegExp) => {
  const value = Redacted.value(secret)
  if (value === "") return [{ setting, problem: `is not set. Set it to the ${what} that the Telesign portal shows.` }]
  return forbidden.test(value)
    ? [{ setting, problem: `holds a space, a line break or another foreign character. Copy the ${what} again.` }]
    : []
}

const endpoint = (baseUrl: string | URL): URL | undefined => {
  const url = URL.parse(String(baseUrl))
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  if (url.username + url.password + url.search + url.hash !== "") return undefined
  return new URL(url.pathname.replace(/\/*$/, "/v2/voice"), url)
}

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)

// Sending

type Reason = Transport.TransportError["reason"]

type Outcome = Result.Result<Transport.Accepted, Reason>

/** A layer sees what is provided after it: a server that is seen here was open before. */
const portBeforeEngine =
  "The port is open before the engine: webhooks come while nobody can answer. Provide the server first, and the engine after it"

const make = Effect.fnUntraced(function*(options: Configured, names: Names) {
  const settings = yield* Effect.fromResult(check(options, names))
  const client = yield* HttpClient.HttpClient
  const authorize = yield* authorizing(settings, options.authentication, names)
  yield* Handshake.watch
  const fetchOptions = Option.getOrUndefined(yield* Effect.serviceOption(FetchHttpClient.RequestInit))
  if (settings.url.protocol === "http:" && !isLoopback(settings.url.hostname)) {
    yield* Effect.logWarning(`${names.baseUrl} is not https: the credentials travel in clear text`)
  }
  if (Option.isSome(yield* Effect.serviceOption(HttpServer.HttpServer))) yield* Effect.logWarning(portBeforeEngine)
  if (lacksCallerId(options)) {
    yield* Effect.logInfo(`${variableNames.callerId} is not set: this program cannot dial from it (Telesign.callerId)`)
  }

  const outcomeOf = (dial: Action.Dial): Effect.Effect<Outcome> => {
    const [once, sending] = [new OnceBody(), new Handshake.Attempt()]
    return Effect.gen(function*() {
      const body = JSON.stringify(TelesignWire.encodeDial(withParameters(dial, options.parameters)))
      const request = HttpClientRequest.post(settings.url).pipe(
        HttpClientRequest.setHeaders(yield* authorize(body)),
        HttpClientRequest.setHeaders({ accept: contentType, connection: "close" }),
        HttpClientRequest.bodyText(body, contentType)
      )
      return yield* attempt(client, request, { once, sending, externalId: dial.externalId })
    }).pipe(
      // What is too late is judged before the client is interrupted, which leaves nothing to judge by.
      Effect.raceFirst(
        Effect.andThen(Effect.sleep(settings.timeout), Effect.suspend(() => tooLate(once, sending, settings.timeout)))
      ),
      Effect.provideService(Handshake.Current, sending),
      Effect.ensuring(Effect.sync(() => once.close())),
      // With any other word Node's fetch reads the body before there is a connection.
      Effect.provideService(FetchHttpClient.RequestInit, { ...fetchOptions, redirect: "error" }),
      Effect.updateService(FetchHttpClient.Fetch, (fetch) => once.guardFetch(fetch)),
      Effect.provideService(FetchHttpClient.StreamBodyFallback, "buffer"),
      // The span of this module says what is needed; the client's would add headers, and send trace ids to the carrier.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )
  }

  const tell = telling(names)

  const transport = Transport.Transport.of({
    send: Effect.fn("Telesign.send", { kind: "client" })(function*(dial) {
      const outcome = yield* Effect.tap(outcomeOf(dial), tell)
      const result = Result.isSuccess(outcome) ? "Accepted" : outcome.failure._tag
      yield* Effect.annotateCurrentSpan({ "ringback.result": result })
      if (Result.isSuccess(outcome)) return outcome.success
      return yield* new Transport.TransportError({ reason: outcome.failure })
    })
  })
  return Context.make(Transport.Transport, transport).pipe(Context.add(TelesignAuth.Account, accountOf(options)))
})

const withParameters = (dial: Action.Dial, parameters: Options["parameters"]): Action.Dial =>
  parameters === undefined ? dial : { ...dial, parameters: { ...parameters, ...dial.parameters } }

const contentType = "application/json"

/** Makes the headers that prove who sends a body. */
const authorizing = Effect.fnUntraced(function*(
  settings: Settings,
  authentication: Options["authentication"],
  names: Names
) {
  if (authentication !== "digest") {
    const headers = Headers.fromInput({ authorization: Redacted.value(TelesignAuth.basic(settings)) })
    return () => Effect.succeed(headers)
  }
  const random = yield* SecureRandom.SecureRandom
  const auth = yield* Effect.mapError(
    TelesignAuth.make(settings),
    (error) => invalid([{ setting: names.apiKey, problem: `cannot sign. ${error.message}.` }])
  )
  return Effect.fnUntraced(function*(body: string) {
    const date = new Date(yield* Clock.currentTimeMillis).toUTCString()
    const nonce = yield* random.uuidV4()
    const path = settings.url.pathname
    return yield* auth.signRequest(settings.customerId, { method: "POST", contentType, path, date, nonce, body })
  })
}, Effect.provide(SecureRandom.layerWebCrypto))

const lost = (problem: string): Effect.Effect<Outcome> => Effect.succeed(Result.fail(new Transport.Lost({ problem })))

const notSent = (problem: string): Effect.Effect<Outcome> =>
  Effect.succeed(Result.fail(new Transport.NotSent({ problem, obstacle: "unreachable" })))

const tooLate = (once: OnceBody, sending: Handshake.Attempt, timeout: Duration.Duration): Effect.Effect<Outcome> => {
  once.close()
  return once.isGone && !sending.giveUp()
    ? lost(`no answer within ${Duration.format(timeout)}`)
    : notSent(`no connection within ${Duration.format(timeout)}`)
}

/** What one dial is judged by. */
interface Evidence {
  readonly once: OnceBody
  readonly sending: Handshake.Attempt
  readonly externalId: string | undefined
}

const attempt = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  { externalId, once, sending }: Evidence
): Effect.Effect<Outcome> =>
  once.guard(client).execute(request).pipe(
    Effect.flatMap((response) => conclude(request, response, externalId)),
    Effect.catch(({ reason }) => {
      if (once.isRepeated) return lost(repeated)
      if (reason.request.url !== request.url) return lost(redirected)
      switch (reason._tag) {
        case "StatusCodeError": // a client that takes other codes than 2xx for failures
          return conclude(request, reason.response, externalId)
        case "TransportError":
          return Effect.succeed(Result.fail(judge(reason.cause, once, sending)))
        default:
          return lost("the HTTP client failed")
      }
    }),
    Effect.catchDefect((defect) => once.isRepeated ? lost(repeated) : Effect.die(defect))
  )

const repeated = "the HTTP client tried to repeat the request, and was stopped"

const redirected = "the HTTP client followed a redirect"

const conclude = Effect.fnUntraced(function*(
  request: HttpClientRequest.HttpClientRequest,
  response: HttpClientResponse.HttpClientResponse,
  externalId: string | undefined
): Effect.fn.Return<Outcome> {
  if (response.request.url !== request.url) return yield* lost(redirected)
  return TelesignWire.decodeResponse({
    httpStatus: response.status,
    body: yield* bodyOf(response),
    retryAfter: response.headers["retry-after"],
    receivedAt: yield* Clock.currentTimeMillis,
    externalId
  })
})

/** The body, as far as it says something. One that breaks off is as good as none, and of 401 the head has said what counts. */
const bodyOf = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> => {
  if (!TelesignWire.isDocumented(response.status)) return Effect.as(letGo(response), "")
  const text = Effect.orElseSucceed(readText(response), () => "")
  return response.status === 401 ? Effect.timeoutOrElse(text, { duration: "1 second", orElse: none }) : text
}

const none = () => Effect.succeed("")

/** Closes the connection of a response whose head says all, so that a body that never comes is not waited for. */
const letGo = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.ignore(Stream.runDrain(response.stream)).pipe(
    Effect.forkChild({ startImmediately: true }),
    Effect.flatMap(Fiber.interrupt)
  )

/**
 * No more is read than an answer of the carrier can have. One that says how short it is, is read whole: a client breaks a stream
 * off at its end, which costs as much as all else that a dial does.
 */
const readText = (response: HttpClientResponse.HttpClientResponse) =>
  isShort(response.headers)
    ? response.text
    : Stream.mkString(Stream.decodeText(Stream.limitBytes(response.stream, longest, () => Stream.empty)))

const longest = ByteSize.kibibytes(64)

const isShort = (headers: Headers.Headers): boolean =>
  Number(headers["content-length"] ?? Infinity) <= ByteSize.toNumberUnsafe(longest) &&
  headers["content-encoding"] === undefined
