/** Servers against each other under the same load, in one run of interleaved rounds. */
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Postgres from "../scripts/postgres.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import type { Measured } from "./turns/generator.ts"
import { measure, median } from "./turns/measure.ts"
import * as PostgresTime from "./turns/postgresTime.ts"

/** What a contest is told on the command line. `seconds` is for each round, `calls` how many at a time, by commas. */
export const options = {
  rounds: { type: "string", default: "4" },
  seconds: { type: "string", default: "3" },
  calls: { type: "string", default: "1,32,256" },
  store: { type: "string", default: "sqlite" },
  servers: { type: "string", default: "ringback,router,bare" },
  json: { type: "boolean", default: false }
} as const

/** The values of `options`. */
export type Values = { readonly [option in Exclude<keyof typeof options, "json">]: string } & { readonly json: boolean }

/** What is measured, and what it is compared with. */
export interface Contender {
  readonly name: string
  readonly server: string
  readonly against: string
  readonly environment: Readonly<Record<string, string>>
  /** How many of it run on one database; 1 if it is not said. */
  readonly processes?: number
}

/** The servers that were named, each in this environment and against the last of them. */
export const contenders = (values: Values, environment: Contender["environment"] = {}): ReadonlyArray<Contender> => {
  const servers = values.servers.split(",")
  return servers.map((server) => ({ name: server, server, against: servers.at(-1)!, environment }))
}

/** An empty place for a database, and the way to clear it away. */
export interface Place {
  readonly place: string
  readonly clear: () => Promise<void>
}

/** Does something with empty databases: files, or schemas of a PostgreSQL. */
export const withPlaces = async (store: string, use: (empty: () => Promise<Place>) => Promise<void>): Promise<void> => {
  const lifetime = Scope.makeUnsafe()
  const postgres = store === "postgres"
    ? await Effect.runPromise(Scope.provide(Postgres.server({ fsync: "on" }), lifetime))
    : undefined
  await use(() => postgres === undefined ? emptyFile() : emptySchema(postgres))
  await Effect.runPromise(Scope.close(lifetime, Exit.void))
}

/** An empty place for a database in a file. */
export const emptyFile = (): Promise<Place> => {
  const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))
  const clear = () => Promise.resolve(rmSync(folder, { recursive: true, force: true }))
  return Promise.resolve({ place: join(folder, "bench.db"), clear })
}

const emptySchema = async (postgres: string): Promise<Place> => {
  const scope = Scope.makeUnsafe()
  const place = await Effect.runPromise(Scope.provide(Postgres.schema(postgres), scope))
  return { place, clear: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

const fields = [
  "perSecond",
  "callsPerSecond",
  "p50",
  "p99",
  "serverMicros",
  "generatorMicros",
  "requestsPerCommit",
  "postgresMicros",
  "statementsPerRequest",
  "readsPerRequest",
  "conflictsPerRequest",
  "peakMebibytes"
] as const

/** The medians of all rounds, or those of the ratios within each round. */
export type Figures = Readonly<Record<typeof fields[number], number>>

const figures = (of: (field: typeof fields[number]) => number) =>
  Object.fromEntries(fields.map((field) => [field, of(field)])) as Figures

/** How what was found is printed: the figures, and the ratios. */
export interface Words {
  readonly shown: (of: Figures) => string
  readonly shownRatios: (of: Figures) => string
}

/** Holds the contest, each round on an empty database, and prints what was found. */
export const hold = async (
  values: Values,
  contenders: ReadonlyArray<Contender>,
  empty: () => Promise<Place>,
  { shown, shownRatios }: Words
): Promise<void> => {
  const rounds = positive("rounds", values.rounds)
  const seconds = positive("seconds", values.seconds)
  const round = async ({ environment, processes, server }: Contender, calls: number): Promise<Measured> => {
    const { clear, place } = await empty()
    const seen = processes === undefined ? {} : { POSTMASTER: await PostgresTime.postmasterOf(place) }
    try {
      return await measure(server, place, { calls, seconds }, { ...environment, ...seen }, processes)
    } finally {
      await clear()
    }
  }
  const found: Array<object> = []
  if (!values.json) printMachine()
  for (const calls of values.calls.split(",").map((calls) => positive("calls", calls))) {
    const measured = new Map<string, Array<Measured>>(contenders.map(({ name }) => [name, []]))
    for (let n = 0; n < rounds; n++) {
      for (const contender of contenders) measured.get(contender.name)!.push(await round(contender, calls))
    }
    for (const { against, name } of contenders) {
      const [all, others] = [measured.get(name)!, measured.get(against)!]
      const medians = figures((field) => median(all.map((each) => each[field])))
      const ratios = figures((field) => median(all.map((each, n) => each[field] / others[n]![field])))
      found.push({ calls, name, medians, against, ratios })
      if (values.json) continue
      const who = (name: string) => `${String(calls).padStart(3)} calls  ${name.padEnd(24)}`
      if (name !== against) console.log(who(`${name} / ${against}`) + shownRatios(ratios))
      console.log(who(name) + shown(medians))
    }
  }
  if (values.json) console.log(JSON.stringify(found))
}
