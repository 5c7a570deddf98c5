/**
 * The application of the demo as a process of its own, so that it can be killed. It takes one command a line (`open` first,
 * then `start <key> <number>` and `count <question>`) and prints one JSON object a line; what it logs goes to stderr. Everything it
 * must remember is in its database: SQLite in `DATABASE_FILE`, or PostgreSQL at `DATABASE_URL`, which several of them may share.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as PgClient from "@effect/sql-pg/PgClient"
import { Calls, EventStore, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import {
  type Cause,
  Config,
  Console,
  Effect,
  Layer,
  Logger,
  Option,
  type PlatformError,
  Queue,
  Stdio,
  Stream
} from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { flushCompileCache } from "node:module"
import { Delivery } from "./flow.ts"

const say = (message: object) => Console.log(JSON.stringify(message))

const settings = Effect.all({ port: Config.Int("PORT"), speed: Config.Number("SPEED") })

const database = Layer.unwrap(
  Effect.map(
    Config.option(Config.String("DATABASE_FILE")),
    Option.match({
      onSome: (filename) => SqliteClient.layer({ filename }),
      onNone: () => PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })
    })
  )
)

const application = Layer.unwrap(
  Effect.map(
    settings,
    ({ port, speed }) =>
      HttpRouter.serve(TelesignWebhook.layer({ path: "/telesign/events" }), {
        disableLogger: true,
        disableListenLog: true
      })
        .pipe(
          Layer.provideMerge(
            NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port, host: "127.0.0.1" })
          ),
          Layer.provideMerge(
            Calls.layer({ flows: [Delivery], settings: { speed, store: { lookEvery: 5000 / speed } } })
          ),
          Layer.provideMerge(SqlEventStore.layer),
          Layer.provide(database),
          Layer.provideMerge(Telesign.layerConfig),
          Layer.provide(NodeHttpClient.layerNodeHttp)
        )
  )
)

const start = Effect.fnUntraced(function*(key: string, number: string) {
  const from = yield* Telesign.callerId
  const call = yield* Calls.start(Delivery, { to: PhoneNumber.make(number), from }, { key })
  yield* say({ started: key, id: call.id })
  const outcome = yield* call.outcome.pipe(Effect.catch((error) => Effect.succeed(error._tag)))
  yield* say({ outcome: key, what: outcome })
})

/** How many calls of the store are not over. */
const count = Effect.fnUntraced(function*(question: string) {
  const store = yield* EventStore.EventStore
  const running = yield* store.due({ before: Number.MAX_SAFE_INTEGER })
  yield* say({ counted: question, running: running.length })
})

const obey = (command: string) => {
  const [verb, first = "", second = ""] = command.split(" ")
  return verb === "start" ? start(first, second) : count(first)
}

const serve = Effect.fnUntraced(function*(commands: Queue.Dequeue<string, Cause.Done | PlatformError.PlatformError>) {
  const { address } = yield* HttpServer.HttpServer
  yield* say({ ready: true, port: "port" in address ? address.port : 0 })
  yield* Stream.runForEach(Stream.fromQueue(commands), (line) => Effect.forkChild(obey(line)))
})

const program = Effect.gen(function*() {
  flushCompileCache() // What is killed cannot keep at its end what it has compiled.
  const { stdin } = yield* Stdio.Stdio
  const commands = yield* Stream.toQueue(Stream.splitLines(Stream.decodeText(stdin)), { capacity: "unbounded" })
  yield* Queue.take(commands) // `open`
  yield* Effect.provide(serve(commands), application)
})

/** What is logged would stand between the messages. */
const LogBeside = Layer.succeed(Logger.LogToStderr, true)

NodeRuntime.runMain(Effect.provide(Effect.scoped(program), Layer.merge(NodeStdio.layer, LogBeside)))
