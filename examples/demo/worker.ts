/**
 * The application of the demo as a process of its own, so that it can be killed. It takes one command a line
 * (`start <key> <number>`, `find <id>`) and prints one JSON object a line. Everything it must remember is in its SQLite
 * file.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime, NodeStdio } from "@effect/platform-node"
import { Calls, PhoneNumber, SqlEventStore } from "@ringback/core"
import type { CallEvent } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignWebhook } from "@ringback/http"
import { Config, Console, Effect, Layer, Option, Stdio, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { Delivery } from "./flow.ts"

const say = (message: object) => Console.log(JSON.stringify(message))

const settings = Effect.all({
  port: Config.Int("PORT"),
  filename: Config.String("DATABASE_FILE"),
  speed: Config.Number("SPEED")
})

const application = Layer.unwrap(
  Effect.map(
    settings,
    ({ filename, port, speed }) =>
      HttpRouter.serve(TelesignWebhook.layer({ path: "/telesign/events" }), {
        disableLogger: true,
        disableListenLog: true
      })
        .pipe(
          Layer.provideMerge(Calls.layer({ flows: [Delivery], settings: { speed } })),
          Layer.provide(SqlEventStore.layer),
          Layer.provide(SqliteClient.layer({ filename })),
          Layer.provide(Telesign.layerConfig),
          Layer.provide(NodeHttpClient.layerNodeHttp),
          Layer.provideMerge(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" }))
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

const find = Effect.fnUntraced(function*(id: string) {
  const call = yield* Calls.get(id as CallEvent.CallId)
  yield* say({ found: id, yes: Option.isSome(call) })
})

const obey = (command: string) => {
  const [verb, first = "", second = ""] = command.split(" ")
  return verb === "start" ? start(first, second) : find(first)
}

const program = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  const stdio = yield* Stdio.Stdio
  yield* say({ ready: true, port: "port" in address ? address.port : 0 })
  yield* stdio.stdin.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Effect.forkChild(obey(line)))
  )
})

NodeRuntime.runMain(Effect.provide(program, Layer.merge(application, NodeStdio.layer)))
