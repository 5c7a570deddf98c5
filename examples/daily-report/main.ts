import { NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Config, Effect, Layer } from "effect"
import * as Report from "./report.ts"

// A process of its own: it reads the database of the engines (CALLS_URL) and writes a file of its own.
const Log = SqlEventStore.layerReading.pipe(Layer.provide(PgClient.layerConfig({ url: Config.Redacted("CALLS_URL") })))

NodeRuntime.runMain(Effect.provide(Report.keep, Layer.merge(Log, SqliteClient.layer({ filename: "report.db" }))))
