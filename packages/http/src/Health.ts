/**
 * Routes that say how a process is: whether it lives, whether it may be given webhooks, and how calls are, for whoever is on duty.
 *
 * @since 0.1.0
 */
import { Calls, EventStore } from "@ringback/core"
import { Clock, Effect, Schema } from "effect"
import type { Layer } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { remedies } from "./internal/remedies.ts"
import { version } from "./internal/version.ts"

/**
 * How bad something is: `warn` for what somebody should look at in the day, `bad` for what somebody should be woken by.
 *
 * @since 0.1.0
 */
export const Level = Schema.Literals(["ok", "warn", "bad"])

/**
 * How bad something is.
 *
 * @since 0.1.0
 */
export type Level = typeof Level.Type

/**
 * One thing that is known, and what to do if it is not well. It holds no number of anybody, no id and no word that was said.
 *
 * @since 0.1.0
 */
export const Line = Schema.Struct({
  name: Schema.Literals([
    "engine",
    "store",
    "due",
    "credentials",
    "unreachable",
    "caller id",
    "unknown dials",
    "waiting dials",
    "live lines",
    "waiting webhooks"
  ]),
  level: Level,
  /** How much of it there is, in the unit that its words have: seconds, or how many. */
  value: Schema.Finite,
  says: Schema.String,
  /** What to do. Missing where it is well. */
  todo: Schema.optionalKey(Schema.String)
})

/**
 * One thing that is known.
 *
 * @since 0.1.0
 */
export type Line = typeof Line.Type

/**
 * How calls are, by what this process and its store know. `level` is that of its worst line.
 *
 * @since 0.1.0
 */
export const Status = Schema.Struct({ level: Level, version: Schema.String, lines: Schema.Array(Line) })

/**
 * How calls are.
 *
 * @since 0.1.0
 */
export type Status = typeof Status.Type

/**
 * Where the routes are, and who may ask.
 *
 * @stability unstable
 * @since 0.1.0
 */
export interface Options<R = never> {
  /** The path under which they lie, `/health` unless told otherwise. */
  readonly path?: HttpRouter.PathInput | undefined
  /**
   * Whether the process may be given webhooks, besides: whatever the application itself knows. That it drains or closes, the engine says.
   */
  readonly ready?: Effect.Effect<boolean, never, R> | undefined
  /** Who may see the status; by default anybody, for it shows nobody's number. Others get 401. */
  readonly authorize?: ((request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean, never, R>) | undefined
}

const levels: ReadonlyArray<Level> = Level.literals

const worst = (lines: ReadonlyArray<Line>): Level =>
  levels[Math.max(...lines.map(({ level }) => levels.indexOf(level)))] ?? "ok"

/** A line whose value is well up to a bound, and bad from another on. */
const bounded = (
  name: Line["name"],
  value: number,
  { bad = Infinity, says, todo, warn = Infinity }: {
    readonly warn?: number
    readonly bad?: number
    readonly says: string
    readonly todo: string
  }
): Line => {
  const level = value >= bad ? "bad" : value >= warn ? "warn" : "ok"
  return { name, level, value, says, ...(level === "ok" ? {} : { todo }) }
}

const seconds = (millis: number): number => Math.max(0, Math.round(millis / 1000))

const storeLine = (failing: Calls.Load["storeFailing"]): Line => {
  const value = failing === undefined ? 0 : Math.max(1, seconds(failing.forMillis))
  return bounded("store", value, {
    warn: 1,
    bad: 60,
    says: failing === undefined ? "The store is well" : `The store has failed or been late for ${value} s`,
    todo: "Look at the database, its disk and its connections. Live lines are held meanwhile, and then hung up on"
  })
}

const dueLine = (age: number | undefined, [behind, ...rest]: Calls.Load["shardsBehind"]): Line =>
  age === undefined
    ? {
      name: "due",
      level: "bad",
      value: 0,
      says: "It is not known what is due, for the store cannot be read",
      todo: "Look at the database and its connections"
    }
    : bounded("due", age, {
      warn: 10,
      bad: 60,
      says: `The oldest due work has waited for ${age} s${behind === undefined ? "" : shardWords(behind, rest.length)}`,
      todo:
        "Nobody does what is due: see whether all processes run, and whether versions of flows are missing (the log names them)"
    })

const shardWords = ({ forMillis, shard }: Calls.Load["shardsBehind"][number], others: number): string =>
  `, in shard ${shard} for ${seconds(forMillis)} s, and ${others} more ${
    others === 1 ? "shard is" : "shards are"
  } behind`

const obstacleLine = (
  obstacle: Calls.Hindrance["obstacle"],
  obstacles: ReadonlyArray<Calls.Hindrance>,
  now: number
): Line => {
  const { says, todo, well } = remedies[obstacle]
  const found = obstacles.find((each) => each.obstacle === obstacle)
  if (found === undefined) return { name: obstacle, level: "ok", value: 0, says: well }
  const value = Math.max(1, seconds(now - found.since.epochMilliseconds))
  return { name: obstacle, level: "bad", value, says: `${says}, for ${value} s`, todo }
}

const loadLines = (load: Calls.Load): ReadonlyArray<Line> => [
  bounded("unknown dials", load.dialsUnknown, {
    warn: 1,
    says: `Dials of which nobody knows yet whether the phone rang: ${load.dialsUnknown}`,
    todo:
      "Look at the network to the carrier, if there are many. Each is waited for up to four minutes, and none is sent again"
  }),
  bounded("waiting dials", load.dialsWaiting, {
    says: `Dials that wait for their place in the pace: ${load.dialsWaiting}`,
    todo: ""
  }),
  bounded("live lines", load.linesLive, { says: `Lines that ring or talk: ${load.linesLive}`, todo: "" }),
  bounded("waiting webhooks", load.webhooksWaiting, {
    warn: 100,
    bad: 1000,
    says: `Webhooks in hand that are not recorded: ${load.webhooksWaiting}`,
    todo: "The store is too slow for what comes in: look at its disk, and at what else works on it"
  })
]

const engineLine = ({ isClosing, isDraining }: Calls.Load): Line =>
  bounded("engine", isDraining ? 1 : 0, {
    warn: 1,
    says: isClosing ? "The engine closes" : isDraining ? "The engine drains" : "The engine runs",
    todo: "Nothing, if somebody has told the process to end"
  })

/** How long ago the oldest due work was due, in seconds; `undefined` if the store cannot say. */
const dueAge = (store: EventStore.EventStore["Service"], now: number): Effect.Effect<number | undefined> =>
  Effect.match(store.due({ before: now, limit: 1 }), {
    onFailure: () => undefined,
    onSuccess: ([first]) => seconds(now - (first?.due ?? now))
  })

/** So long is the store waited for, in milliseconds: whoever asks for the status wants to hear that it does not answer. */
const patience = 2_000

/**
 * How calls are, as the route says it.
 *
 * @since 0.1.0
 */
export const status: Effect.Effect<Status, never, Calls.Calls | EventStore.EventStore> = Effect.gen(function*() {
  const calls = yield* Calls.Calls
  const store = yield* EventStore.EventStore
  const now = yield* Clock.currentTimeMillis
  const load = yield* calls.load
  const obstacles = yield* calls.obstacles
  const age = yield* Effect.timeoutOrElse(dueAge(store, now), {
    duration: patience,
    orElse: () => Effect.undefined
  })
  const lines = [
    engineLine(load),
    storeLine(load.storeFailing),
    dueLine(age, load.shardsBehind),
    obstacleLine("credentials", obstacles, now),
    obstacleLine("unreachable", obstacles, now),
    obstacleLine("caller id", obstacles, now),
    ...loadLines(load)
  ]
  return { level: worst(lines), version, lines }
})

const headers = { "cache-control": "no-store" }

/** Whoever probes does so every few seconds. */
const unlogged = HttpMiddleware.withLoggerDisabled

const answer = (body: unknown, code = 200) => HttpServerResponse.jsonUnsafe(body, { status: code, headers })

/**
 * Three routes for the `HttpRouter` that an application already has:
 *
 * | route | answer | for |
 * | --- | --- | --- |
 * | `GET /health/live` | 200 while the process answers at all | who restarts processes |
 * | `GET /health/ready` | 200, or 503 from when the engine drains (`Calls.drain`) or closes, or `ready` says so | who gives it webhooks |
 * | `GET /health/status` | 200 with a `Status`, whatever its level | people, and a monitor that reads `level` |
 *
 * Ready says whether **this** process may be given webhooks, and nothing else. A store that is late, work that is overdue,
 * credentials that are not accepted concern all processes: if they took themselves out for it, nobody would answer live calls.
 * That is what the status and alerts are for.
 *
 * Wired as in the README the port opens when the engine is there, so until then nobody is ready, nor live.
 *
 * @example
 * const Web = Layer.merge(TelesignWebhook.layer({ path: "/telesign/events" }), Health.layer())
 * @stability unstable
 * @since 0.1.0
 */
export const layer = <R = never>(
  options: Options<R> = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Calls.Calls | EventStore.EventStore | R> =>
  routes(options as Options) as Layer.Layer<
    never,
    never,
    HttpRouter.HttpRouter | Calls.Calls | EventStore.EventStore | R
  >

const routes = ({ authorize, path = "/health", ready }: Options) =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const context = yield* Effect.context<Calls.Calls | EventStore.EventStore>()
    const calls = yield* Calls.Calls
    const at = (name: string) => `${path}/${name}` as HttpRouter.PathInput
    const isReady = Effect.provideContext(ready ?? Effect.succeed(true), context)

    yield* router.add("GET", at("live"), unlogged(Effect.succeed(answer({ status: "live" }))))
    yield* router.add(
      "GET",
      at("ready"),
      unlogged(Effect.zipWith(calls.load, isReady, ({ isClosing, isDraining }, isReady) => {
        const reason = isClosing ? "closing" : isReady && !isDraining ? undefined : "draining"
        return reason === undefined ? answer({ status: "ready" }) : answer({ status: reason }, 503)
      }))
    )
    yield* router.add(
      "GET",
      at("status"),
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        const isAllowed = authorize === undefined || (yield* Effect.provideContext(authorize(request), context))
        if (!isAllowed) return HttpServerResponse.empty({ status: 401, headers })
        return answer(yield* Effect.provideContext(status, context))
      })
    )
  }))
