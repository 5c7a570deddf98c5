/**
 * A runner of the nemesis suite: one process of an application that others run too. It takes commands and says what it does, one
 * JSON object a line; times are those of the machine, whatever its clock is set to.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime, NodeStdio } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { CallEvent, Calls, EventStore, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import { Health, Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import {
  type Cause,
  Clock,
  Config,
  ConfigProvider,
  Console,
  Duration,
  Effect,
  Layer,
  type PlatformError,
  Queue,
  Stdio,
  Stream
} from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { flushCompileCache } from "node:module"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Flows from "./flows.ts"
import * as Mode from "./mode.ts"
import * as Sabotage from "./sabotage.ts"

/** What a runner is told first: what is its own in its environment. */
export interface Opening extends Mode.Opening, Record<"DATABASE_URL" | "TELESIGN_BASE_URL" | "VERSION", string> {}

/** What it can be told then. */
export type Command =
  | {
    readonly tell: "start"
    readonly ask: number
    readonly flow: "survey" | "order"
    readonly key: string
    readonly to: string
  }
  | { readonly tell: "signal"; readonly ask: number; readonly id: string; readonly key: string }
  | { readonly tell: "cancel"; readonly ask: number; readonly id: string }
  | { readonly tell: "clock"; readonly ahead: number }

/** What a runner says, each with the time `at` which it did. */
export type Said =
  | { readonly says: "ready"; readonly port: number }
  | { readonly says: "process"; readonly name: string }
  | { readonly says: "closing" }
  | { readonly says: "done"; readonly ask: number; readonly id?: string; readonly isNew?: boolean }
  | { readonly says: "failed"; readonly ask: number; readonly problem: string }
  | { readonly says: "outcome"; readonly key: string; readonly id: string; readonly exit: CallEvent.Exit }
  | { readonly says: "ran"; readonly name: string; readonly key: string }
  | { readonly says: "sends"; readonly externalId: string }
  | { readonly says: "lag"; readonly millis: number }
  | { readonly says: "behind"; readonly millis: number }

const say = (said: Said) => Console.log(JSON.stringify({ ...said, at: Date.now() }))

// The clock of this machine, as the suite sets it.

let ahead = 0

const clockThatIsSet = (clock: Clock.Clock): Clock.Clock => {
  const millis = () => clock.currentTimeMillisUnsafe() + ahead
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(ahead) * 1_000_000n
  const monotonic = () => clock.monotonicTimeNanosUnsafe()
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep: (duration) => clock.sleep(duration)
  }
}

const SetClock = Layer.effect(Clock.Clock, Effect.map(Clock.Clock, clockThatIsSet))

// The application

const settings = Effect.all({
  speed: Config.Number("SPEED"),
  version: Config.Literals(["old", "next"], "VERSION"),
  mode: Config.Literals(Mode.names, "MODE"),
  sabotage: Config.Literals(Sabotage.names, "SABOTAGE")
})

const Work = Layer.succeed(Flows.Work, {
  run: Effect.fnUntraced(function*(name) {
    yield* say({ says: "ran", name, key: yield* Flows.activityKey })
    yield* Effect.sleep(Duration.millis(50 + Math.random() * 400))
  })
})

/** Tells under which name the engine joins the others. */
const Named = Layer.effect(
  EventStore.EventStore,
  Effect.map(EventStore.EventStore, (store) => {
    const { processes } = store
    if (processes === undefined) return store
    const join: typeof processes.join = (name, ...how) =>
      Effect.andThen(say({ says: "process", name }), processes.join(name, ...how))
    return { ...store, processes: { ...processes, join } }
  })
)

/** Tells when the engine sends a dial. */
const Telling = Layer.effect(
  Transport.Transport,
  Effect.map(Transport.Transport, ({ send }) => ({
    send: (action) => Effect.andThen(say({ says: "sends", externalId: action.externalId ?? "" }), send(action))
  }))
).pipe(Layer.provide(Telesign.layerConfig))

/** Tells when it has drained, and takes webhooks no more. */
const Closing = Layer.effectDiscard(Effect.addFinalizer(() => say({ says: "closing" })))

/** With the times that "In production" names. */
const Application = Layer.unwrap(Effect.map(settings, ({ mode, sabotage, speed, version }) => {
  const broken = Sabotage.of(sabotage)
  const engine = broken.calls(Mode.engine(mode, version, { speed, ...broken.settings })).pipe(
    Layer.provideMerge(broken.store.pipe(Layer.provideMerge(Named.pipe(Layer.provideMerge(SqlEventStore.layer))))),
    Layer.provide(PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })),
    Layer.provide(Telling),
    Layer.provide(Work)
  )
  const routes = Layer.mergeAll(TelesignWebhook.layer({ path: "/telesign/events" }), Health.layer())
  return Calls.layerDrain({ within: "10 seconds", atLeast: "4 seconds" }).pipe(
    Layer.provideMerge(Closing),
    Layer.provideMerge(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
    Layer.provideMerge(NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), {
      port: 0,
      host: "127.0.0.1",
      gracefulShutdownTimeout: "5 seconds"
    })),
    Layer.provideMerge(engine),
    Layer.provide(Telesign.layerConfig),
    Layer.provide(NodeHttpClient.layerNodeHttp)
  )
}))

// Commands

/** What prints masked, as it is. */
const whole = (exit: CallEvent.Exit): CallEvent.Exit =>
  JSON.parse(CallEvent.encode([{ _tag: "FlowEnded", at: 0, exit }]))[0].exit

const started = Effect.fnUntraced(function*({ ask, flow, key, to }: Extract<Command, { readonly tell: "start" }>) {
  const calls = yield* Calls.Calls
  const version = yield* Config.Literals(["old", "next"], "VERSION")
  const newest = version === "old" ? Flows.Survey : Flows.NextSurvey
  const input = { to: PhoneNumber.make(to), from: Flows.ourNumber }
  const { id, isNew } = yield* flow === "survey"
    ? calls.start(newest, input, { key })
    : calls.start(Flows.Order, input, { key })
  yield* say({ says: "done", ask, id, isNew })
  yield* Effect.flatMap(calls.outcome(id), (exit) => say({ says: "outcome", key, id, exit: whole(exit) })).pipe(
    Effect.ignore
  )
})

const obey = Effect.fnUntraced(function*(command: Command) {
  if (command.tell === "clock") return void (ahead = command.ahead)
  if (command.tell === "start") return yield* started(command)
  const calls = yield* Calls.Calls
  const id = command.id as CallEvent.CallId
  yield* command.tell === "cancel" ? calls.cancel(id) : calls.signal(id, Flows.Ready, "ready", { key: command.key })
  yield* say({ says: "done", ask: command.ask })
})

const tried = (command: Command) =>
  obey(command).pipe(
    Effect.catch((error) =>
      "ask" in command ? say({ says: "failed", ask: command.ask, problem: error._tag }) : Effect.void
    )
  )

/** How long this process did not get to its work, told where it shows. */
const lag = Effect.gen(function*() {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  while (true) {
    yield* Effect.sleep("1 second")
    const millis = Math.round(delay.max / 1e6)
    delay.reset()
    if (millis > 200) yield* say({ says: "lag", millis })
  }
})

/** How long the oldest due work of a shard has waited: told while there is any, and when there is none any more. */
const behind = Effect.gen(function*() {
  const calls = yield* Calls.Calls
  for (let before = 0;;) {
    yield* Effect.sleep("1 second")
    const { shardsBehind: [first] } = yield* calls.load
    const millis = Math.round(first?.forMillis ?? 0)
    if (millis > 0 || before > 0) yield* say({ says: "behind", millis })
    before = millis
  }
})

const serve = Effect.fnUntraced(function*(commands: Queue.Dequeue<string, Cause.Done | PlatformError.PlatformError>) {
  const { address } = yield* HttpServer.HttpServer
  yield* say({ says: "ready", port: "port" in address ? address.port : 0 })
  yield* Effect.forkChild(lag)
  yield* Effect.forkChild(behind)
  yield* Stream.runForEach(
    Stream.fromQueue(commands),
    (line) => Effect.forkChild(tried(JSON.parse(line) as Command))
  )
})

const program = Effect.gen(function*() {
  flushCompileCache() // What is killed cannot keep at its end what it has compiled.
  const { stdin } = yield* Stdio.Stdio
  const commands = yield* Stream.toQueue(Stream.splitLines(Stream.decodeText(stdin)), { capacity: "unbounded" })
  const opening: Opening = JSON.parse(yield* Queue.take(commands))
  const environment = ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...process.env, ...opening } }))
  yield* Effect.provide(
    serve(commands),
    Application.pipe(Layer.provideMerge(SetClock), Layer.provideMerge(environment))
  )
})

NodeRuntime.runMain(Effect.provide(Effect.scoped(program), NodeStdio.layer))
