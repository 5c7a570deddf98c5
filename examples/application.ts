/**
 * The application that the examples run in: an `HttpRouter` with the webhook's route, a SQLite file, Telesign. Settings
 * come from the environment: `TELESIGN_CUSTOMER_ID`, `TELESIGN_API_KEY`, `TELESIGN_CALLER_ID`, and if need be
 * `TELESIGN_BASE_URL`, `PORT` (4020) and `DATABASE_FILE` (calls.db).
 *
 * To run against the emulator, start it with
 * `npm run emulator -- --port 4010 --events-url http://127.0.0.1:4020/telesign/events`
 * and set `TELESIGN_BASE_URL=http://127.0.0.1:4010` and the credentials that it prints.
 */
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { Calls, type Flow, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignWebhook } from "@ringback/http"
import { Config, Console, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"

/** Runs these flows: calls go out to Telesign, and its events come in at `/telesign/events`. */
export const layer = <Name extends string, Input, A, E>(flow: Flow.Definition<Name, Input, A, E, never>) => {
  const store = SqlEventStore.layer.pipe(
    Layer.provide(
      SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE").pipe(Config.withDefault("calls.db")) })
    )
  )
  const calls = Calls.layer({ flows: [flow] }).pipe(
    Layer.provide(store),
    Layer.provide(Telesign.layerConfig),
    Layer.provide(NodeHttpClient.layerNodeHttp)
  )
  const server = NodeHttpServer.layerConfig(
    createServer,
    Config.all({ port: Config.Port("PORT").pipe(Config.withDefault(4020)) })
  )
  return HttpRouter.serve(TelesignWebhook.layer({ path: "/telesign/events" }), { disableLogger: true }).pipe(
    Layer.provideMerge(calls),
    Layer.provide(server)
  )
}

/** The number to call, from the command line, and the one that the callee sees, from the environment. */
export const parties = Effect.gen(function*() {
  const from = yield* Telesign.callerId
  return { to: PhoneNumber.make(process.argv[2] ?? ""), from }
})

/** Waits for the outcome of a call and prints it. */
export const report = <A, E extends { readonly _tag: string; readonly message: string }>(call: Calls.Handle<A, E>) =>
  call.outcome.pipe(
    Effect.flatMap((outcome) => Console.log(`Call ${call.id}: ${JSON.stringify(outcome)}`)),
    Effect.catch((error) => Console.log(`Call ${call.id} failed with ${error._tag}: ${error.message}`))
  )
