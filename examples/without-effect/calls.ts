/**
 * Calls for an application without Effect: functions that give promises. This file is the only one that knows Effect; the
 * application knows what `openCalls` gives.
 */
import { NodeHttpClient, NodeHttpServer, NodeHttpServerRequest } from "@effect/platform-node"
import { type CallEvent, Calls, PhoneNumber, Settings, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Inspector, Telesign, TelesignNode } from "@ringback/http"
import { Config, ConfigProvider, Effect, Layer, ManagedRuntime, Scope } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import type { IncomingMessage, Server } from "node:http"
import { TableReady } from "../table-ready/flow.ts"

/** The settings come from the environment (`RINGBACK_…`), and so do the account and the file. */
const CallsLive = Layer.unwrap(
  Effect.map(Settings.config, (settings) => Calls.layer({ flows: [TableReady], settings }))
).pipe(
  Layer.provideMerge(SqlEventStore.layer),
  Layer.provide(
    SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE").pipe(Config.withDefault("calls.db")) })
  ),
  Layer.provideMerge(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

/** Settings by their names, in place of those of the process. */
export type Environment = Readonly<Record<string, string>>

/** Starts the engine, and takes Telesign's webhooks from this server. Open it before the server listens. */
export const openCalls = async (server: Server, environment?: Environment) => {
  const runtime = ManagedRuntime.make(
    TelesignNode.layer(server, { path: "/telesign/events" }).pipe(
      Layer.provideMerge(CallsLive),
      Layer.provideMerge(ConfigProvider.layer(ConfigProvider.fromEnv(environment && { env: environment })))
    )
  )
  const from = await runtime.runPromise(Telesign.callerId) // fails here if a setting or the database does not do

  return {
    /** Starts the call of a reservation, or finds it. Done when it is on record, before the phone rings. */
    start: async (reservation: string, phone: string) => {
      const to = PhoneNumber.make(phone) // throws for what is no phone number
      const { id, isNew } = await runtime.runPromise(Calls.start(TableReady, { to, from }, { key: reservation }))
      return { call: id, isNew }
    },
    /** Waits for "coming", "not coming" or "unreached". Rejects with what the flow or the engine failed with: see `_tag`. */
    outcome: (call: string) => runtime.runPromise(outcomeOf(call)),
    /** A listener for requests below `/ops/calls`: the page of the calls, for whoever `who` knows. */
    page: (who: Who) => runtime.runPromise(Scope.provide(listener(who), runtime.scope)),
    /** Ends the engine, in the time that its settings give it. Close the server first. */
    close: () => runtime.dispose()
  }
}

const outcomeOf = (call: string) =>
  Effect.flatMap(Calls.Calls, (calls) => calls.handle(TableReady, call as CallEvent.CallId).outcome)

/** Who asks, as the application knows it; nothing for a stranger. */
export type Who = (request: IncomingMessage) => string | undefined

const stranger = HttpServerResponse.empty({ status: 401, headers: { "www-authenticate": "Basic" } })

const listener = Effect.fnUntraced(function*(who: Who) {
  const page = Inspector.layer({
    path: "/ops/calls",
    authorize: (request) => {
      const name = who(NodeHttpServerRequest.toIncomingMessage(request) as IncomingMessage)
      return name === undefined
        ? Effect.fail(stranger)
        : Effect.succeed({ who: name, scopes: ["read", "steer"] as const })
    }
  }).pipe(Layer.provide(NodeHttpServer.layerHttpServices))
  return yield* NodeHttpServer.makeHandler(yield* HttpRouter.toHttpEffect(page), { scope: yield* Effect.scope })
})
