/** A PostgreSQL for scripts: the one that `DATABASE_URL` names, or one that is started for them and forgets everything. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedPostgres from "./embeddedPostgres.ts"

/** The URL of a server, which goes with the scope. Without `fsync` it is faster and not durable. */
export const server = (options: { readonly fsync: "on" | "off" }) => {
  const given = process.env["DATABASE_URL"] ?? ""
  return given === "" ? start(options) : Effect.succeed(given)
}

let schemas = 0

/** The URL of an empty schema on a server, which goes with the scope. */
export const schema = Effect.fnUntraced(function*(server: string) {
  const name = `ringback_${process.pid}_${++schemas}`
  yield* Effect.acquireRelease(
    execute(server, `CREATE SCHEMA ${name}`),
    () => execute(server, `DROP SCHEMA ${name} CASCADE`)
  )
  const url = new URL(server)
  url.searchParams.set("options", `-c search_path=${name}`)
  return url.href.replaceAll("+", "%20")
})

const start = (options: { readonly fsync: "on" | "off" }) =>
  Effect.acquireRelease(
    Effect.promise(() => EmbeddedPostgres.start(options)),
    (server) => Effect.promise(server.stop)
  ).pipe(Effect.map(({ url }) => url))

const execute = (server: string, statement: string) =>
  Effect.scoped(Effect.flatMap(
    PgClient.makeClient({ url: Redacted.make(server) }),
    (sql) => sql.unsafe(statement)
  )).pipe(Effect.provide(Reactivity.layer), Effect.orDie)
