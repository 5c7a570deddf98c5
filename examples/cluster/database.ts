/** The PostgreSQL of `DATABASE_URL`. Where it names none, one is started for the run, and forgets everything. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedPostgres from "../../scripts/embeddedPostgres.ts"

/** The URL of an empty database, which goes with the scope: the locks of the shards of a cluster are numbers of a whole database. */
export const empty = Effect.gen(function*() {
  const given = process.env["DATABASE_URL"] ?? ""
  const server = given === "" ? yield* started : given
  const name = `ringback_${process.pid}`
  yield* Effect.acquireRelease(
    execute(server, `CREATE DATABASE ${name}`),
    () => execute(server, `DROP DATABASE ${name} WITH (FORCE)`)
  )
  return Object.assign(new URL(server), { pathname: `/${name}` }).href
})

const started = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => EmbeddedPostgres.start({ fsync: "on" })),
    ({ stop }) => Effect.promise(stop)
  ),
  ({ url }) => url
)

const execute = (server: string, statement: string) =>
  Effect.scoped(Effect.flatMap(
    PgClient.makeClient({ url: Redacted.make(server) }),
    (sql) => sql.unsafe(statement)
  )).pipe(Effect.provide(Reactivity.layer), Effect.orDie)
