/** The processor time of a PostgreSQL on this machine: that of its own processes, one for each connection. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { readFileSync } from "node:fs"

/** A file of `/proc`, empty if the process is gone or the system has none. */
const text = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** What follows the name of a program, which may hold anything: its state, the process that it is of, and so on (`man proc_pid_stat`). */
const statOf = (pid: string): ReadonlyArray<string> => text(`/proc/${pid}/stat`).replace(/.*\) /s, "").split(" ")

const parentOf = (pid: string): string => statOf(pid)[1] ?? ""

/** What the system counts the time of ended processes in, in microseconds. */
const tick = 10_000

/** The processor time of all that a process has begun and that have ended, as connections do that are renewed. */
const endedMicros = (pid: string): number => {
  const [user, system] = statOf(pid).slice(13, 15).map(Number)
  return ((user ?? 0) + (system ?? 0)) * tick
}

/** The first process of the PostgreSQL at a URL, as text; empty if it is not to be seen from here. */
export const postmasterOf = (url: string): Promise<string> =>
  Effect.runPromise(
    Effect.scoped(Effect.gen(function*() {
      const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
      const [row] = yield* sql<{ readonly pid: number }>`SELECT pg_backend_pid() AS pid`
      return parentOf(String(row?.pid)) // before the connection ends, and its process with it
    })).pipe(Effect.provide(Reactivity.layer))
  )

/** The processor time of all that a process has begun, in microseconds. `NaN` if none is to be seen. */
export const microsOf = (postmaster: string): number => {
  const children = text(`/proc/${postmaster}/task/${postmaster}/children`).split(" ").filter((pid) => pid !== "")
  if (children.length === 0) return Number.NaN
  return children.reduce(
    (sum, pid) => sum + Number(text(`/proc/${pid}/schedstat`).split(" ")[0]) / 1000,
    endedMicros(postmaster)
  )
}
