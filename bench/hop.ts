/**
 * `npm run bench -- hop --seconds 3`: what a volatile message of Effect Cluster costs between two processes over a socket, with one webhook in it and with a quarter of all, beside
 * what it would save: to read a call again from PostgreSQL, of which another process has stored the newest turn. Processor time
 * counts at both ends, and that of the database.
 */
import { PgClient } from "@effect/sql-pg"
import { SqlEventStore } from "@ringback/core"
import { Effect, Layer, Redacted } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { freePort } from "../scripts/freePort.ts"
import * as Postgres from "../scripts/postgres.ts"
import { seed } from "./calls/seed.ts"
import type { Asked, Told } from "./hop/messages.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"

const { values } = parseArgs({
  options: { calls: { type: "string", default: "32,256" }, seconds: { type: "string", default: "3" } }
})
const seconds = positive("seconds", values.seconds)
const amounts = values.calls.split(",").map((each) => positive("calls", each))
const seeded = 1000

const runnerFile = fileURLToPath(new URL("hop/runner.ts", import.meta.url))

const ask = async (runner: ChildProcess, what: Asked["what"], atOnce = 0, together = 1): Promise<Told> => {
  runner.send({ what, atOnce, together, seconds, calls: seeded } satisfies Asked)
  const [told] = await once(runner, "message")
  return told as Told
}

const start = (url: string, port: number, serialization: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = fork(runnerFile, [url, String(port), serialization], { execArgv: ["--conditions=source"] })
      await once(child, "message")
      return child
    }),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

/** The processor time that a PostgreSQL has used so far, in microseconds: of all processes of the server. Only Linux tells. */
const databaseCpu = (postmaster: number): number => {
  const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ")]
    } catch {
      return [] // It has ended meanwhile.
    }
  })
  const own = stats.filter((fields) => Number(fields[1]) === postmaster)
  return own.reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0) * 10_000
}

const postmasterOf = (url: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.PgClient
    const [row] = yield* sql<{ readonly pid: number }>`SELECT pg_backend_pid() AS pid`
    return Number(readFileSync(`/proc/${row!.pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ")[1])
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })))

const shown = (name: string, atOnce: number, told: Told, rest: ReadonlyArray<readonly [string, number]>): string => {
  const each = (cpu: number) => `${(cpu / told.count).toFixed(0)} us`
  const whole = rest.reduce((sum, [, cpu]) => sum + cpu, told.cpu)
  const parts = [["own", told.cpu] as const, ...rest].map(([whose, cpu]) => `${whose} ${each(cpu)}`).join(", ")
  return `${String(atOnce).padStart(3)} at once  ${name.padEnd(22)} ${
    (told.count / seconds).toFixed(0).padStart(6)
  }/s  ` +
    `p50 ${told.p50.toFixed(2).padStart(6)}  p99 ${told.p99.toFixed(2).padStart(6)} ms  cpu each ${
      each(whole)
    } (${parts})`
}

const measureHops = Effect.fnUntraced(function*(url: string, serialization: string) {
  const [first, second] = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
  const [sender, owner] = yield* Effect.all([
    start(url, first, serialization),
    start(url, second, serialization)
  ], { concurrency: 2 })
  const both = Effect.promise(async () => [await ask(sender, "shards"), await ask(owner, "shards")] as const)
  yield* Effect.repeat(Effect.delay(both, "200 millis"), {
    until: ([own, others]) => own.count > 0 && others.count > 0 && own.count + others.count === 300
  })
  yield* Effect.promise(() => ask(sender, "hops", 32)) // warms both up
  for (const [atOnce, together] of amounts.flatMap((atOnce) => [[atOnce, 1], [atOnce, atOnce / 4]] as const)) {
    yield* Effect.promise(async () => {
      await ask(owner, "begin")
      const told = await ask(sender, "hops", atOnce, together)
      const { cpu } = await ask(owner, "end")
      const name = together === 1 ? "a hop" : `${together} in a hop`
      console.log(shown(`${name}, ${serialization}`, atOnce, told, [["owner", cpu]]))
    })
  }
  return sender
})

const measureReads = Effect.fnUntraced(function*(url: string, reader: ChildProcess) {
  const postmaster = yield* postmasterOf(url)
  yield* Effect.promise(() => ask(reader, "reads", 32))
  for (const atOnce of amounts) {
    yield* Effect.promise(async () => {
      const before = databaseCpu(postmaster)
      const told = await ask(reader, "reads", atOnce)
      console.log(shown("a re-read and a replay", atOnce, told, [["database", databaseCpu(postmaster) - before]]))
    })
  }
})

const program = Effect.gen(function*() {
  const url = yield* Effect.flatMap(Postgres.server({ fsync: "off" }), Postgres.schema)
  const store = SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
  yield* Effect.provide(seed({ finished: 0, waiting: 0, overdue: 0, ringing: seeded }), store)
  printMachine()
  yield* Effect.scoped(measureHops(url, "ndjson"))
  const sender = yield* measureHops(url, "binary")
  yield* measureReads(url, sender)
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)
