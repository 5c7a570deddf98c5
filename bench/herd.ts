/**
 * `npm run bench -- herd --calls 10000 --processes 3`: a process is killed (`kill -9`) that looks after so many calls, on one PostgreSQL
 * with some others. Half of the calls have an activity under way and have to be restarted, half sleep and are due in the minute
 * after. Prints for how long each was left alone, what each process read for it, and how long callers waited meanwhile.
 */
import { PgClient } from "@effect/sql-pg"
import { CallEvent } from "@ringback/core"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Postgres from "../scripts/postgres.ts"
import type { Asked, Told } from "./herd/messages.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "10000" },
    processes: { type: "string", default: "3" },
    /** The calls that sleep are due between the two, in seconds after their start. */
    from: { type: "string", default: "90" },
    to: { type: "string", default: "150" }
  }
})
const count = positive("calls", values.calls)
const processes = positive("processes", values.processes)
const from = positive("from", values.from) * 1000
const to = positive("to", values.to) * 1000

/** So long is waited for all of them, in milliseconds. */
const patience = 400_000

const runnerFile = fileURLToPath(new URL("herd/runner.ts", import.meta.url))

const heard = async (runner: ChildProcess): Promise<Told> => {
  const [told] = await once(runner, "message")
  return told as Told
}

const ask = (runner: ChildProcess, asked: Asked): Promise<Told> => {
  runner.send(asked)
  return heard(runner)
}

const start = (url: string, name: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = fork(runnerFile, [url, name], { execArgv: ["--conditions=source"] })
      await heard(child)
      return child
    }),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

interface Row {
  readonly call_id: string
  readonly at: number
  readonly events: string
}

const quantile = (sorted: ReadonlyArray<number>, part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

const seconds = (millis: number): string => (millis / 1000).toFixed(1)

const spread = (all: ReadonlyArray<number>, shown: (value: number) => string): string => {
  const sorted = all.toSorted((self, that) => self - that)
  return `median ${shown(quantile(sorted, 0.5))}, p99 ${shown(quantile(sorted, 0.99))}, longest ${
    shown(sorted.at(-1) ?? 0)
  }`
}

const waited = (when: string, { name, waits }: Told): string =>
  `  callers at ${name} ${when}: ${spread(waits, (millis) => `${millis.toFixed(0)} ms`)} (${waits.length})`

/** The turns that restarted a call, or woke one that slept, since a time. */
const done = (sql: PgClient.PgClient, tag: string, since: number) =>
  sql<Row>`SELECT call_id, at, events FROM ringback_turns WHERE at >= ${since} AND events LIKE ${`%"${tag}"%`}`

const dueOf = (sql: PgClient.PgClient) =>
  Effect.map(
    sql<Row>`SELECT call_id, at, events FROM ringback_turns WHERE events LIKE ${`%"SleepStarted"%`}`,
    (rows) =>
      new Map(rows.flatMap(({ call_id, events }) =>
        CallEvent.decode(events).flatMap((event) =>
          event._tag === "SleepStarted" ? [[call_id, event.until] as const] : []
        )
      ))
  )

/** Waits until all are restarted and awake. */
const untilDone = Effect.fnUntraced(
  function*(sql: PgClient.PgClient, killedAt: number, due: ReadonlyMap<string, number>) {
    const asleep = Array.from(due.values()).filter((at) => at >= killedAt).length
    while (Date.now() - killedAt < patience) {
      yield* Effect.sleep("2 seconds")
      const restarted = yield* done(sql, "Restarted", killedAt)
      const woken = yield* done(sql, "SleepElapsed", killedAt)
      if (restarted.length >= count / 2 && woken.length >= asleep) return { restarted, woken }
    }
    return { restarted: yield* done(sql, "Restarted", killedAt), woken: yield* done(sql, "SleepElapsed", killedAt) }
  }
)

const measure = Effect.fnUntraced(function*(url: string) {
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  const names = Array.from({ length: processes }, (_, n) => `process ${n + 1}`)
  const [dying, ...living] = yield* Effect.forEach(names, (name) => start(url, name))
  yield* Effect.sleep("12 seconds") // They have seen each other.
  const began = performance.now()
  yield* Effect.promise(() => ask(dying!, { what: "start", calls: count, from, to }))
  console.log(`${count} calls at process 1 of ${processes}, started in ${seconds(performance.now() - began)} s`)
  yield* Effect.promise(() => ask(living[0]!, { what: "listen" }))
  yield* Effect.sleep("10 seconds")
  const report = Effect.promise(() => Promise.all(living.map((each) => ask(each, { what: "report" }))))
  const before = yield* report
  const due = yield* dueOf(sql)
  dying!.kill("SIGKILL")
  const killedAt = Date.now()
  const { restarted, woken } = yield* untilDone(sql, killedAt, due)
  const after = yield* report
  const behind = woken.map(({ at, call_id }) => at - (due.get(call_id) ?? at))
  console.log(
    `  restarted after ${
      spread(restarted.map(({ at }) => at - killedAt), (of) => `${seconds(of)} s`)
    } (${restarted.length})`
  )
  console.log(`  woken too late by ${spread(behind, (of) => `${seconds(of)} s`)} (${woken.length})`)
  for (const [n, { name, ...of }] of after.entries()) {
    const was = before[n]!
    console.log(
      `  ${name} read ${of.reads - was.reads} calls and appended ${of.appends - was.appends} turns, ` +
        `${of.conflicts - was.conflicts} in conflict, ${of.duplicates - was.duplicates} of two owners`
    )
  }
  console.log(waited("before", before[0]!))
  console.log(waited("after it", after[0]!))
})

printMachine()
await Effect.runPromise(Effect.scoped(
  Postgres.server({ fsync: "off" }).pipe(
    Effect.flatMap(Postgres.schema),
    Effect.flatMap(measure),
    Effect.provide(Reactivity.layer)
  )
))
