/** A pooler before a PostgreSQL: Debian's `pgbouncer`, or the one that `PGBOUNCER` names. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { freePort } from "./freePort.ts"

/** Where the pooler is, if there is one. */
export const executable: string | undefined = [
  process.env["PGBOUNCER"] ?? "",
  "/usr/sbin/pgbouncer",
  "/usr/bin/pgbouncer"
].find((path) => existsSync(path))

/** Why there are no tests without it. */
export const missing =
  "No PgBouncer here, so what works behind a pooler is not tested: `apt-get install pgbouncer`, or name one with PGBOUNCER=…"

/** For how long a connection of the database belongs to a client. */
export type Mode = "session" | "transaction"

export interface Pooler {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** As root it refuses to run: then it runs as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

const configuration = (database: URL, port: number, mode: Mode): string =>
  `[databases]
* = host=${database.hostname} port=${database.port} user=${database.username} password=${database.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
max_client_conn = 500
default_pool_size = 20
`

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    socket.on("connect", () => resolve((socket.destroy(), true))).on("error", () => resolve(false))
  })

const end = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exit = once(server, "exit")
  server.kill("SIGKILL")
  await exit
}

/** Starts one before the database of a URL. Fails with an `Error` that says why if that is not possible. */
export const start = async (url: string, mode: Mode): Promise<Pooler> => {
  if (executable === undefined) throw new Error(missing)
  const folder = mkdtempSync(join(tmpdir(), "ringback-pgbouncer-"))
  const database = new URL(url)
  const port = await freePort()
  const file = join(folder, "pgbouncer.ini")
  writeFileSync(file, configuration(database, port, mode))
  if (nobody.uid !== undefined) { for (const path of [folder, file]) chownSync(path, nobody.uid, nobody.gid) }
  const server = spawn(executable, [file], { ...nobody, stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  server.stderr.on("data", (data) => void (said += String(data)))
  const stop = async () => {
    await end(server)
    rmSync(folder, { recursive: true, force: true })
  }
  while (!(await answers(port))) {
    if (server.exitCode !== null) {
      await stop()
      throw new Error(`PgBouncer has ended: ${said}`)
    }
    await pause(20)
  }
  return { url: Object.assign(database, { port: String(port) }).href, stop }
}
