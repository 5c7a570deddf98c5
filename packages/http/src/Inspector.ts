/**
 * A page on which people see what calls do and why, and steer them: mounted by an application, behind its own login.
 *
 * @since 0.1.0
 */
import { CallEvent, Calls, FlowDrawing } from "@ringback/core"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import * as CallsApi from "./CallsApi.ts"
import * as Problem from "./CallsApiProblem.ts"
import * as CallsApiServer from "./CallsApiServer.ts"
import { challenge } from "./internal/challenge.ts"
import * as Origin from "./internal/inspector/origin.ts"
import * as Overlay from "./internal/inspector/overlay.ts"
import * as Shell from "./internal/inspector/shell.ts"
import * as StartOfTest from "./internal/inspector/startOfTest.ts"
import * as Paths from "./internal/paths.ts"
import { kindAndPlace } from "./internal/thrown.ts"
import * as Undecodable from "./internal/undecodable.ts"

/**
 * Who looks at the page: a name for the record (no secret), and what they may do. `read` shows calls, masked; `steer` signals and
 * cancels them; `reveal` shows what was said and pressed.
 *
 * @since 0.1.0
 */
export interface Visitor {
  readonly who: string
  readonly scopes: ReadonlyArray<"read" | "steer" | "reveal">
}

/**
 * Where the page is, and whom it lets in.
 *
 * @stability unstable
 * @since 0.1.0
 */
export interface Options<R = never> {
  /** The path under which all of it lies, such as `/ops/calls`. */
  readonly path: `/${string}`
  /**
   * Tells who makes a request, or fails with the answer that they get instead, such as a way to the login. It is asked at every request,
   * those of the page for data included. There is no default: a page about calls is nobody's by accident.
   */
  readonly authorize: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<Visitor, HttpServerResponse.HttpServerResponse, R>
  /**
   * The time zone of who is called, as IANA names it (`America/New_York`), where the application knows it. It is never guessed: without
   * it the page has no clock of the callee.
   */
  readonly calleeZone?: ((callId: CallEvent.CallId) => Effect.Effect<string | undefined, never, R>) | undefined
  /** Drawings of flows: over each the way is laid that a call took. `FlowExplorer.draw` of `@ringback/testing` makes them. */
  readonly drawings?: ReadonlyArray<FlowDrawing.FlowDrawing> | undefined
  /** What it may cost: see `CallsApiServer.Limits`. */
  readonly limits?: CallsApiServer.Limits | undefined
}

/**
 * The page and the routes that it reads, for the `HttpRouter` that an application already has. Under `path` lie the page, and under
 * `path/api` the routes of `CallsApi`, for those whom `authorize` lets in.
 *
 * The page asks no other host for anything, and its policy (`content-security-policy`) lets it run nothing but itself. What changes
 * something is refused to requests from other sites, so a login by cookie is enough. What a visitor reveals, signals and cancels is told
 * by the log with their name, and a signal and a cancel keep it on record.
 *
 * @example
 * const Page = Inspector.layer({
 *   path: "/ops/calls",
 *   authorize: (request) =>
 *     Sessions.use((sessions) => sessions.find(request.cookies["session"])).pipe(
 *       Effect.map(({ email }) => ({ who: email, scopes: ["read", "steer"] as const })),
 *       Effect.mapError(() => HttpServerResponse.redirect("/login"))
 *     )
 * })
 * @since 0.1.0
 */
export const layer = <R = never>(
  options: Options<R>
): Layer.Layer<never, never, Exclude<CallsApiServer.Needs, CallsApi.Authorization> | R> =>
  Layer.merge(pages(options), data(options))

type Request = HttpServerRequest.HttpServerRequest

type Response = HttpServerResponse.HttpServerResponse

/** The data that the page reads, for whoever the application lets in. */
const data = <R>({ authorize, drawings = [], limits, path }: Options<R>) =>
  CallsApiServer.layer({
    path: `${Paths.unslashed(path)}/api` as `/${string}`,
    limits,
    reference: false,
    drawings: asSvg(drawings)
  }).pipe(
    Layer.provide(Layer.effect(
      CallsApi.Authorization,
      Effect.map(Effect.context<R>(), (context) =>
        CallsApi.Authorization.of({
          bearer: Effect.fnUntraced(function*(answer) {
            const request = yield* HttpServerRequest.HttpServerRequest
            if (Origin.isForeign(request)) return yield* new Problem.NotAuthenticated({ detail: Origin.words })
            const { scopes, who } = yield* authorize(request).pipe(
              Effect.provide(context),
              Effect.catch(loggedOut)
            )
            return yield* Effect.provideService(answer, CallsApi.Caller, { actor: who, scopes: [...scopes] })
          })
        }))
    ))
  )

/** A browser that is challenged as the application does logs in by itself, where it knows how. */
const loggedOut = ({ headers }: Response) => {
  const how = headers["www-authenticate"]
  const failed = Effect.fail(new Problem.NotAuthenticated({ detail: "Log in again" }))
  return how === undefined ? failed : Effect.andThen(challenge(how), failed)
}

const asSvg = (drawings: ReadonlyArray<FlowDrawing.FlowDrawing>): CallsApiServer.Options["drawings"] =>
  Object.fromEntries(
    drawings.map((
      each
    ) => [`${each.flow}@${each.version}`, { mediaType: "image/svg+xml", text: FlowDrawing.svg(each) }])
  )

const pages = <R>(options: Options<R>): Layer.Layer<never, never, HttpRouter.HttpRouter | Calls.Calls | R> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const { authorize } = options
    const path = Paths.unslashed(options.path)
    const router = yield* HttpRouter.HttpRouter
    const calls = yield* Calls.Calls
    const context = yield* Effect.context<R>()
    const headers = yield* Shell.headers
    const page = (behind: number, status = 200) =>
      HttpServerResponse.text(Shell.html(behind), { status, contentType: "text/html; charset=utf-8", headers })

    /** What a visitor may read, or what the application answers in its place. */
    const forReaders =
      <Q>(answer: Effect.Effect<Response, never, Q | R>) => (request: Request): Effect.Effect<Response, never, Q> =>
        authorize(request).pipe(
          Effect.flatMap(({ scopes }) => scopes.includes("read") ? answer : Effect.succeed(forbidden)),
          Effect.catch((response) => Effect.succeed(response)),
          Effect.catchDefect(failed),
          Effect.provide(context)
        ) as Effect.Effect<Response, never, Q>

    /** The list, and the page at an address that is none of its own, which says so. */
    const other = (request: Request) => {
      const behind = partsBehind(path, request)
      return forReaders(Effect.succeed(page(behind, behind === 0 ? 200 : 404)))(request)
    }

    for (const [place, behind] of [["/file", 1], ["/call/:callId", 2]] as const) {
      yield* router.add("GET", `${path}${place}`, forReaders(Effect.succeed(page(behind))))
    }
    yield* router.add("GET", `${path}/zone/:callId`, forReaders(zoneOf(options)))
    yield* router.add("GET", `${path}/drawing/:callId`, forReaders(ofCall(calls, drawn(options))))
    yield* router.add("GET", `${path}/test/:callId`, forReaders(ofCall(calls, startOfTest(calls))))
    // At the root the application answers what is not there.
    if (path === "") return yield* router.add("GET", "/", other)
    yield* router.add("GET", `${path}/*`, other)
    yield* Undecodable.answered(router, { path, but: `${path}/api` }, other)
  }))

/** How many parts of an address stand behind the path. */
const partsBehind = (path: string, { url }: Request): number =>
  (url.slice(path.length).split(/[?#]/)[0] ?? "").split("/").filter((part) => part !== "").length

/** A defect of what the application has given is told to the log alone. */
const failed = (thrown: unknown) =>
  Effect.as(
    Effect.logError(`A request to the page of calls failed: ${kindAndPlace(thrown)}`),
    HttpServerResponse.text("Something failed that should not. The log of the application says where.", {
      status: 500,
      headers: unstored
    })
  )

type Told<R> = (
  callId: CallEvent.CallId,
  events: ReadonlyArray<CallEvent.CallEvent>
) => Effect.Effect<Response, never, R>

/** What is told of the call in the path, if there is one. */
const ofCall = <R>(
  calls: Calls.Calls["Service"],
  tell: Told<R>
): Effect.Effect<Response, never, HttpRouter.RouteContext | R> =>
  Effect.gen(function*() {
    const { callId } = yield* HttpRouter.params
    if (!isCallId(callId)) return yield* told(new Problem.CallNotFound({}))
    const events = yield* calls.events(callId)
    return events.length === 0 ? yield* told(new Problem.CallNotFound({})) : yield* tell(callId, events)
  }).pipe(Effect.catchTag("StoreError", (error) => told(Problem.fromStore(error))))

const isCallId = Schema.is(CallEvent.CallId)

/** A problem in the form of the API. */
const told = (problem: HttpServerRespondable.Respondable) =>
  Effect.map(HttpServerRespondable.toResponse(problem), HttpServerResponse.setHeaders(unstored))

const unstored = { "cache-control": "no-store", "x-content-type-options": "nosniff" }

/** The zone of the callee, where the application knows it. The log is not asked for it. */
const zoneOf = <R>(
  { calleeZone }: Options<R>
): Effect.Effect<Response, never, HttpRouter.RouteContext | R> =>
  Effect.gen(function*() {
    const { callId } = yield* HttpRouter.params
    if (!isCallId(callId)) return yield* told(new Problem.CallNotFound({}))
    const zone = calleeZone === undefined ? undefined : yield* calleeZone(callId)
    return HttpServerResponse.jsonUnsafe(zone === undefined ? {} : { zone }, { headers: unstored })
  })

/** The drawing of a call's flow, with its way. */
const drawn = <R>({ drawings = [] }: Options<R>): Told<never> => (_, events) => {
  const drawing = Overlay.of(drawings, events)
  return drawing === undefined
    ? told(new Problem.NoDrawing({}))
    : Effect.succeed(HttpServerResponse.jsonUnsafe(drawing, { headers: unstored }))
}

const startOfTest = ({ flows }: Calls.Calls["Service"]): Told<never> => (callId, events) => {
  const [begin] = events
  const isBegin = begin?._tag === "CallStarted" || begin?._tag === "CallArrived"
  const flow = flows.find(({ flow }) => isBegin && flow.name === begin.flow && flow.version === begin.version)?.flow
  return Effect.succeed(HttpServerResponse.text(StartOfTest.code(callId, events, flow), { headers: unstored }))
}

const forbidden = HttpServerResponse.text("You may not see the calls of this application.", { status: 403 })
