/**
 * Runs the application: on SQLite (`DATABASE_FILE`, calls.db), or on PostgreSQL if `DATABASE_URL` is set. It needs the variables of
 * Telesign, and `OPERATOR_PASSWORD`, `RINGBACK_API_TOKENS` and `RINGBACK_NUMBERS_KEY`: `emulated.env` has all of them for an emulator.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { CallIndex, Calls, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode } from "@ringback/http"
import { Config, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import * as Telemetry from "../telemetry/telemetry.ts"
import { CallsLive, Routes } from "./application.ts"

const Database = process.env["DATABASE_URL"] === undefined
  ? SqliteClient.layerConfig({ filename: Config.String("DATABASE_FILE").pipe(Config.withDefault("calls.db")) })
  : PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })

// Calls are found by a number only where there is a key for that.
const Store = SqlEventStore.layer.pipe(
  Layer.provide(CallIndex.layerNumbersKey(Config.Redacted("RINGBACK_NUMBERS_KEY"))),
  Layer.provide(Database)
)

const Server = NodeHttpServer.layerConfig(
  () => TelesignNode.keepEarly(createServer()),
  Config.all({
    port: Config.Int("PORT").pipe(Config.withDefault(4020)),
    gracefulShutdownTimeout: Config.succeed("5 seconds" as const)
  })
)

// Told to end (SIGTERM), it drains while the server still answers: /health/ready is 503 from the first moment, for 4 seconds at least,
// so that a balancer which asks every 2 seconds sees it. Then the server closes, then the engine, then the database.
const Application = Calls.layerDrain({ within: "10 seconds", atLeast: "4 seconds" }).pipe(
  Layer.provide(HttpRouter.serve(Routes, { disableLogger: true })),
  Layer.provide(Server),
  Layer.provide(CallsLive),
  Layer.provideMerge(Telemetry.layer),
  Layer.provide(Store),
  Layer.provide(Telesign.layerConfig),
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

NodeRuntime.runMain(Layer.launch(Application))
