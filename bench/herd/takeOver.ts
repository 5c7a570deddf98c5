/** What a process that is killed leaves behind, how long nobody does it, and how long webhooks wait at the others meanwhile. */
import { PgClient } from "@effect/sql-pg"
import { CallEvent } from "@ringback/core"
import { Effect, Redacted } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { Asked, Told } from "./messages.ts"

/** What is measured. Times are in milliseconds. */
export interface Options {
  /** How many calls the process looks after that is killed. */
  readonly calls: number
  readonly processes: number
  /** The calls that sleep are due between the two, after their start. */
  readonly from: number
  readonly to: number
  /** So long the processes have to see each other, and the calls that were started to lie still. */
  readonly meet: number
  readonly settle: number
  readonly environment: Readonly<Record<string, string>>
}

/** So long is waited for all of them, in milliseconds. */
const patience = 400_000

/** So many lines are open at the process that is killed, whose next webhooks come to the others. */
const lines = 300

const runnerFile = fileURLToPath(new URL("runner.ts", import.meta.url))

const heard = async (runner: ChildProcess): Promise<Told> => {
  const [told] = await once(runner, "message")
  return told as Told
}

const ask = (runner: ChildProcess, asked: Asked): Promise<Told> => {
  runner.send(asked)
  return heard(runner)
}

const start = (url: string, name: string, environment: Options["environment"]) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = fork(runnerFile, [url, name], {
        execArgv: ["--conditions=source"],
        env: { ...process.env, ...environment }
      })
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

const waited = (who: string, waits: ReadonlyArray<number>): string =>
  `  ${who}: ${spread(waits, (millis) => `${millis.toFixed(0)} ms`)} (${waits.length})`

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
  function*(sql: PgClient.PgClient, count: number, killedAt: number, due: ReadonlyMap<string, number>) {
    const asleep = Array.from(due.values()).filter((at) => at >= killedAt).length
    while (Date.now() - killedAt < patience) {
      yield* Effect.sleep("1 second")
      const restarted = yield* done(sql, "Restarted", killedAt)
      const woken = yield* done(sql, "SleepElapsed", killedAt)
      if (restarted.length >= count / 2 && woken.length >= asleep) return { restarted, woken }
    }
    return { restarted: yield* done(sql, "Restarted", killedAt), woken: yield* done(sql, "SleepElapsed", killedAt) }
  }
)

/** Does it, and prints what was found. */
export const measure = Effect.fnUntraced(function*(url: string, options: Options) {
  const { calls, environment, from, meet, processes, settle, to } = options
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  const names = Array.from({ length: processes }, (_, n) => `process ${n + 1}`)
  const [dying, ...living] = yield* Effect.forEach(names, (name) => start(url, name, environment))
  yield* Effect.sleep(meet)
  const began = performance.now()
  yield* Effect.promise(() => ask(dying!, { what: "start", calls, from, to, lines }))
  console.log(`${calls} calls at process 1 of ${processes}, started in ${seconds(performance.now() - began)} s`)
  yield* Effect.forEach(living, (each) => Effect.promise(() => ask(each, { what: "listen" })))
  yield* Effect.sleep(settle)
  const report = Effect.promise(() => Promise.all(living.map((each) => ask(each, { what: "report" }))))
  const before = yield* report
  const due = yield* dueOf(sql)
  dying!.kill("SIGKILL")
  const killedAt = Date.now()
  for (const [place, each] of living.entries()) {
    yield* Effect.promise(() => ask(each, { what: "go on", of: "process 1", lines, place, places: living.length }))
  }
  const { restarted, woken } = yield* untilDone(sql, calls, killedAt, due)
  const after = yield* report
  const late = woken.map(({ at, call_id }) => at - Math.max(killedAt, due.get(call_id) ?? at)).filter((of) =>
    of >= 1000
  )
  const shown = (millis: number) => `${seconds(millis)} s`
  console.log(`  restarted after ${spread(restarted.map(({ at }) => at - killedAt), shown)} (${restarted.length})`)
  console.log(`  woken too late, by a second or more: ${late.length} of ${woken.length}, by ${spread(late, shown)}`)
  for (const [n, { name, ...of }] of after.entries()) {
    const was = before[n]!
    console.log(
      `  ${name} read ${of.reads - was.reads} calls and appended ${of.appends - was.appends} turns, ` +
        `${of.conflicts - was.conflicts} in conflict, ${of.duplicates - was.duplicates} of two owners`
    )
  }
  console.log(waited("callers at the others before", before.flatMap(({ waits }) => waits)))
  console.log(waited("callers at the others after it", after.flatMap(({ waits }) => waits)))
  console.log(waited("its own lines, whose webhooks come to the others", after.flatMap(({ theirs }) => theirs)))
})
