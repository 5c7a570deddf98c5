import { PgClient } from "@effect/sql-pg"
import { describe } from "@effect/vitest"
import { SqlEventStore } from "@ringback/core"
import * as StoreContract from "@ringback/testing/StoreContract"
import { Effect, Layer, Redacted } from "effect"
import { afterAll } from "vitest"
import * as Postgres from "./fixtures/postgres.ts"

const server = await Postgres.start()
afterAll(() => server?.stop())

const database = Effect.suspend(() => Postgres.database(server!))

/** The store of one process, and the client below it, so that a test can look into the tables. */
const inDatabase = (url: string) =>
  SqlEventStore.layer.pipe(Layer.provideMerge(PgClient.layer({ url: Redacted.make(url) })))

const layer = Layer.unwrap(Effect.map(database, inDatabase))

describe.skipIf(server === undefined)("PostgreSQL", () => {
  StoreContract.suite("SqlEventStore.layer on PostgreSQL", layer)
  StoreContract.durable("SqlEventStore.layer on PostgreSQL", Effect.map(database, inDatabase))
})
