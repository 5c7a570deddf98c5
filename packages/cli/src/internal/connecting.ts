/** The API that verbs ask: that of a running application, or the same one in this process over a database. */
import { CallIndex, Calls, EventStore, Settings, SqlEventStore } from "@ringback/core"
import { CallsApiClient, type CallsApiProblem, CallsApiServer } from "@ringback/http"
import { Config, Context, Effect, Layer, Option, Redacted } from "effect"
import { FetchHttpClient, HttpClientError, HttpRouter, HttpServer } from "effect/http"
import type { SqlClient } from "effect/sql"
import { existsSync } from "node:fs"
import * as Arguments from "./arguments.ts"
import { type codes, fail, type Failure } from "./failure.ts"
import * as Printing from "./printing.ts"
import { root } from "./root.ts"

/** What verbs ask. */
export interface Connection {
  readonly api: CallsApiClient.Client
  /** Where it is, without anything secret. */
  readonly where: string
  readonly kind: "url" | "database"
  /** Whether an engine runs on the database now. */
  readonly isServed: Effect.Effect<boolean, EventStore.StoreError>
}

const variable = (name: string) => Config.option(Config.String(name)).pipe(Config.map(Option.getOrUndefined))

/** Where calls are: what was given, and else what the environment says. */
const place = Effect.gen(function*() {
  const given = yield* root
  const [url, database] = [Option.getOrUndefined(given.url), Option.getOrUndefined(given.database)]
  if (url !== undefined && database !== undefined) {
    return yield* fail("usage", "Give either --url or --database, not both")
  }
  if (url !== undefined) return { url }
  if (database !== undefined) return { database }
  const known = { url: yield* variable("RINGBACK_URL"), database: yield* variable("RINGBACK_DATABASE") }
  if (known.url !== undefined) return { url: known.url }
  if (known.database !== undefined) return { database: known.database }
  return yield* unsaid
})

/** Neither an argument nor the environment says where calls are. */
export const unsaid: Failure = fail(
  "usage",
  "Say where the calls are: --url https://example.com/ringback (or RINGBACK_URL), or --database postgres://… or calls.db"
)

/** A connection for as long as the scope is open. */
export const connection = Effect.gen(function*() {
  const where = yield* Effect.catchTag(place, "ConfigError", (error) => Effect.fail(fail("usage", error.message)))
  return where.url === undefined ? yield* overDatabase(where.database) : yield* overUrl(where.url)
})

const overUrl = Effect.fnUntraced(function*(url: string) {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return yield* fail("usage", "The URL has to be one of http or https")
  }
  const { host, password, pathname, username } = new URL(url)
  if (username !== "" || password !== "") {
    return yield* fail("usage", "The URL holds a name or a password, which the API does not go by: set RINGBACK_TOKEN")
  }
  const token = yield* Effect.orElseSucceed(Config.option(Config.Redacted("RINGBACK_TOKEN")), Option.none)
  if (Option.isNone(token)) {
    return yield* fail("notAllowed", "There is no token: set RINGBACK_TOKEN to one that the application knows")
  }
  if (!Arguments.isSendable(Redacted.value(token.value))) {
    return yield* fail("notAllowed", "RINGBACK_TOKEN is no token: it is empty, or holds what no header can")
  }
  const api = yield* Effect.provide(
    CallsApiClient.make({ url: url.replace(/\/$/, ""), token: token.value }),
    FetchHttpClient.layer
  )
  return { api, where: host + pathname, kind: "url", isServed: Effect.succeed(true) } satisfies Connection
})

/** The connection of a verb that changes calls. */
export const steering = Effect.flatMap(
  connection,
  (found) =>
    found.kind === "url" ? Effect.succeed(found) : Effect.fail(fail(
      "refused",
      "A database can only be read: a call is steered by the application that runs it. Give its address with --url"
    ))
)

/** The connection of the verb that removes calls: an engine knows what it has in memory, and shall do it itself. */
export const pruning = Effect.gen(function*() {
  const found = yield* connection
  if (found.kind === "database" && (yield* ask(found.isServed))) {
    return yield* fail("refused", "An application runs on this database: ask it to prune, by --url")
  }
  return found
})

// Over a database

const token = Redacted.make("this process asks itself")

/** An engine that runs nothing: what is stored can be looked at, and what has not ended does not end here. */
const onlooker = Layer.succeed(
  Calls.Calls,
  Calls.Calls.of({
    flows: [],
    settings: Settings.defaults,
    obstacles: Effect.succeed([]),
    known: () => Effect.succeed({}),
    outcome: () => Effect.never
  } as never)
)

/** `node:sqlite` and the client of PostgreSQL are read when they are needed: other verbs start sooner without them. */
const sqlite = (filename: string) =>
  Effect.map(
    Effect.promise(() => import("@ringback/core/SqliteClient")),
    (SqliteClient) => SqliteClient.layer({ filename, busyTimeout: "1 second" })
  )

const postgres = (url: string) =>
  Effect.map(
    Effect.promise(() => import("@effect/sql-pg/PgClient")),
    (PgClient) => PgClient.layer({ url: Redacted.make(url), maxConnections: 3, applicationName: "ringback" })
  )

/**
 * The stores of a database. Whether its tables are those of this release is seen first: somebody who looks shall not be the one who
 * changes them.
 */
const storesOf = <E>(client: Layer.Layer<SqlClient.SqlClient, E>) =>
  Layer.unwrap(Effect.as(Effect.scoped(Layer.build(SqlEventStore.layerReading)), SqlEventStore.layer)).pipe(
    Layer.provide([client, numbersKey])
  )

/** With the key that the application has, calls are found by number. */
const numbersKey = Layer.unwrap(
  Effect.map(
    Config.option(Config.Redacted("RINGBACK_NUMBERS_KEY")),
    Option.match({ onNone: () => Layer.empty, onSome: (key) => CallIndex.layerNumbersKey(key) })
  )
)

const overDatabase = Effect.fnUntraced(function*(database: string) {
  const isPostgres = /^postgres(ql)?:\/\//.test(database)
  if (!isPostgres && !existsSync(database)) return yield* fail("notFound", missing(database))
  const stores = storesOf(isPostgres ? yield* postgres(database) : yield* sqlite(database))
  const context = yield* Effect.mapError(Layer.build(stores), (error) => unopened(isPostgres, error))
  const authorization = CallsApiServer.layerTokens([
    { token, actor: "this terminal", scopes: ["read", "reveal", "admin"] }
  ])
  const routes = CallsApiServer.layer({ reference: false, limits: { requestsPerMinute: 1_000_000 } }).pipe(
    Layer.provide([onlooker, Layer.orDie(authorization)]),
    Layer.provide(Layer.succeedContext(context)),
    Layer.provide([HttpServer.layerServices, Printing.logs])
  )
  const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
  yield* Effect.addFinalizer(() => Effect.promise(dispose))
  const inProcess = ((input: string | URL | Request, init?: RequestInit) =>
    handler(new Request(input, init))) as typeof fetch
  const api = yield* Effect.provide(
    CallsApiClient.make({ url: "http://127.0.0.1/ringback", token }),
    Layer.provide(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.Fetch, inProcess))
  )
  const { processes } = Context.get(context, EventStore.EventStore)
  const isServed = processes === undefined ? Effect.succeed(false) : Effect.map(processes.alive, ({ size }) => size > 0)
  return { api, where: isPostgres ? "the database" : database, kind: "database", isServed } satisfies Connection
})

/** An address that is misspelt may hold a password all the same, so it is not repeated. */
const missing = (database: string): string =>
  /:\/\/|[@=]/.test(database)
    ? "There is no such database: it is postgres://… or the path of a file of SQLite"
    : `There is no database ${database}`

/** What a client of PostgreSQL says may hold the address, and with it a password. */
const unopened = (isPostgres: boolean, error: Error): Failure => {
  if (/another process has it/.test(error.message)) {
    return fail("unavailable", "A running application has this SQLite database for itself: ask it by --url")
  }
  const isOfTables = error instanceof EventStore.StoreError && error.reason._tag === "Foreign"
  return fail("unavailable", isOfTables || !isPostgres ? error.message : unreached)
}

const unreached = "The database is not reached: is its address right, and does the server run?"

// What goes wrong

const codesOf: { readonly [Tag in CallsApiProblem.Problem["_tag"]]: keyof typeof codes } = {
  InvalidRequest: "usage",
  NotAuthenticated: "notAllowed",
  NotPermitted: "notAllowed",
  NoSuchPath: "failed",
  MethodNotAllowed: "failed",
  CallNotFound: "notFound",
  FlowNotRegistered: "notFound",
  NoDrawing: "notFound",
  StartInProgress: "refused",
  PlaceUnknown: "refused",
  KeyTaken: "refused",
  KeyPruned: "refused",
  BodyTooLarge: "usage",
  NotJson: "usage",
  InvalidInput: "refused",
  SignalRejected: "refused",
  NumbersNotSearchable: "refused",
  TooManyRequests: "unavailable",
  TooManyStreams: "unavailable",
  Unexpected: "failed",
  CallUnreadable: "failed",
  StoreUnavailable: "unavailable"
}

const isProblem = (error: unknown): error is CallsApiProblem.Problem =>
  typeof error === "object" && error !== null && "_tag" in error && (error._tag as string) in codesOf

/** What to do about a problem, if that is not said by its title. */
const advice = (problem: CallsApiProblem.Problem): string => {
  switch (problem._tag) {
    case "NotAuthenticated":
      return ": set RINGBACK_TOKEN to one that the application knows"
    case "NotPermitted":
      return `: it lacks the scope ${problem.scope}`
    case "InvalidRequest":
      return `: ${problem.errors.map(({ message, path }) => `${path.slice(1).join(".")} ${message}`).join("; ")}`
    default:
      return problem.detail === undefined ? "" : `. ${problem.detail}`
  }
}

/** The error of a request as that of a command. */
export const failureOf = (error: unknown): Failure => {
  if (isProblem(error)) return fail(codesOf[error._tag], `${error.title}${advice(error)}`)
  if (HttpClientError.isHttpClientError(error)) {
    const { response } = error
    return response === undefined
      ? fail("unavailable", "The application is not reached: does it run, and is the URL right?")
      : fail(
        "failed",
        `The answer (${response.status}) is not that of this API: does the URL end with its path, such as /ringback?`
      )
  }
  return fail("failed", "The answer is not that of this API: is the application of another release?")
}

/** Asks the API for something that may take long. */
export const askPatiently = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, Failure, R> =>
  Effect.mapError(request, failureOf)

/** So long is an answer waited for: longer than the API waits for an outcome. */
const patience = "90 seconds"

/** Asks the API. */
export const ask = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, Failure, R> =>
  Effect.timeoutOrElse(askPatiently(request), {
    duration: patience,
    orElse: () =>
      Effect.fail(
        fail("unavailable", `There is no answer after ${patience}: is the application well, and the URL right?`)
      )
  })
