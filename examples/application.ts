/**
 * The application that the examples run in: an `HttpRouter` with the webhook's route, a SQLite file, Telesign. Settings
 * come from the environment: `TELESIGN_CUSTOMER_ID`, `TELESIGN_API_KEY`, `TELESIGN_CALLER_ID`, and if need be
 * `TELESIGN_BASE_URL`, `PORT` (4020) and `DATABASE_FILE` (the example's name, such as passcode.db).
 *
 * To run against the emulator, start it with `npm run emulator`; `examples/emulator.env` has the settings for it, such as
 * `npm run example -- --env-file=examples/emulator.env examples/appointment/main.ts +15550170001`.
 */
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { Call, type CallEvent, Calls, EventStore, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import { Config, Console, Effect, Layer, Option, Schedule, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { basename, dirname } from "node:path"

/** Each example has its own, for an engine refuses to start on running calls of flows that it does not know. */
const databaseFile = `${basename(dirname(process.argv[1] ?? "calls/main.ts"))}.db`

/**
 * Gives an engine what it needs: calls go out to Telesign, its events come in at `/telesign/events`. The services of the
 * flows' activities are left to provide.
 */
export const layer = <E, R>(calls: Layer.Layer<Calls.Calls, E, R>) => {
  const store = SqlEventStore.layer.pipe(
    Layer.provide(
      SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE").pipe(Config.withDefault(databaseFile)) })
    )
  )
  const engine = calls.pipe(
    Layer.provideMerge(store),
    Layer.provideMerge(Telesign.layerConfig),
    Layer.provide(NodeHttpClient.layerNodeHttp)
  )
  const server = NodeHttpServer.layerConfig(
    () => TelesignNode.keepEarly(createServer()),
    Config.all({
      port: Config.Int("PORT").pipe(Config.withDefault(4020)),
      gracefulShutdownTimeout: Config.succeed("5 seconds" as const)
    })
  )
  return HttpRouter.serve(TelesignWebhook.layer({ path: "/telesign/events" }), { disableLogger: true }).pipe(
    Layer.provideMerge(server),
    Layer.provideMerge(engine)
  )
}

/** The number to call, from the command line, and the one that the callee sees, from the environment. */
export const parties = Effect.gen(function*() {
  const from = yield* Telesign.callerId
  return { to: PhoneNumber.make(process.argv[2] ?? ""), from }
})

/**
 * What a call is known by: the first argument of the command line, so that the same command is the same call, after a crash
 * too. For another call set `AGAIN` to anything.
 */
export const key = `${process.argv[2] ?? ""} ${process.env["AGAIN"] ?? ""}`.slice(0, 255)

/** Waits for the outcome of a call and prints it, and then for the end of its line. */
export const report = <A, E extends { readonly _tag: string; readonly message: string }>(call: Calls.Handle<A, E>) =>
  call.outcome.pipe(
    Effect.flatMap((outcome) => Console.log(`Call ${call.id}: ${JSON.stringify(outcome)}`)),
    Effect.catch((error) => Console.log(`Call ${call.id} failed with ${error._tag}: ${error.message}`)),
    Effect.andThen(lineClosed(call.id))
  )

/** A line is closed shortly after its hang-up, or presumed so 30 s later. */
const lineClosed = (id: CallEvent.CallId) =>
  Calls.get(id).pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: Option.exists(Call.isOver) }),
    Effect.ignore
  )

/** Prints the outcome of every call until the program is stopped: what an application that is called does. */
export const reportAll = Effect.gen(function*() {
  const store = yield* EventStore.EventStore
  yield* Stream.runForEach(
    store.changes,
    ({ callId, events }) =>
      Effect.forEach(
        events,
        (event) =>
          event._tag === "FlowEnded" ? Console.log(`Call ${callId}: ${JSON.stringify(event.exit)}`) : Effect.void
      )
  )
})
