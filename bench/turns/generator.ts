/**
 * The load: as many connections as there are calls at a time, each of which holds one call after another.
 *
 * `node generator.ts <port> <calls at a time> <seconds>` prints one line of JSON. With several ports, by commas, calls are
 * started at one server after the other, and stay there; if the environment says `SPREAD=1`, each webhook goes to any of them,
 * as behind a balancer. If it names the port of a `CARRIER`, a call is held as its user pays for it: an application's request starts it, and its webhooks come when its dial
 * has. Otherwise calls are started before, by `POST /start`, while the clock stands still: starts are no turns. A run stops
 * with the first connection that finds no call left, so that all connections are busy as long as it runs.
 */
import type { Socket } from "node:net"
import * as Carrier from "./carrier.ts"
import { carrierPort, type Usage } from "./conversation.ts"
import * as Dials from "./dials.ts"
import * as PostgresTime from "./postgresTime.ts"

/** What was measured while the clock ran. */
export interface Measured {
  readonly requests: number
  readonly perSecond: number
  readonly callsPerSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Processor time of the server and of the generator, in microseconds a request. */
  readonly serverMicros: number
  readonly generatorMicros: number
  readonly requestsPerCommit: number
  /** The processor time of the PostgreSQL whose first process is the `POSTMASTER` of the environment. */
  readonly postgresMicros: number
  readonly statementsPerRequest: number
  readonly readsPerRequest: number
  readonly conflictsPerRequest: number
  /** The most memory that the server ever had, in mebibytes. */
  readonly peakMebibytes: number
}

const [ports = "", ...numbers] = process.argv.slice(2)
const [connections = 1, seconds = 1] = numbers.map(Number)
const isSpread = process.env.SPREAD === "1"
const postmaster = process.env.POSTMASTER ?? ""

const servers = ports.split(",").map((port) => Carrier.make(Number(port)))
const dials = carrierPort === undefined ? undefined : await Dials.listen(Number(carrierPort))

/** A connection to each server. */
type Sockets = ReadonlyArray<Socket>

/** Sends a request to one of the servers and gives the body of its answer. */
type Ask = (request: Carrier.Request, server: number) => Promise<string>

/** A call that can be held, and the server at which it begins. */
interface Call {
  readonly home: number
  readonly hold: (ask: Ask) => Promise<void>
}

const anyServer = (): number => Math.floor(Math.random() * servers.length)

const askAll = (requests: ReadonlyArray<Carrier.Request>, home: number) => async (ask: Ask) => {
  for (const request of requests) await ask(request, isSpread ? anyServer() : home)
}

const whole = ({ of }: Dials.Dials, home: number) => async (ask: Ask) => {
  const { requestsOf, startOne } = servers[home]!
  const { id } = JSON.parse(await ask(startOne, home)) as { readonly id: string }
  await askAll(requestsOf(await of(id)), home)(ask)
}

const prepareAt = async (home: number, count: number): Promise<ReadonlyArray<Call>> =>
  dials === undefined
    ? (await servers[home]!.start(count)).map((requests) => ({ home, hold: askAll(requests, home) }))
    : Array.from({ length: count }, () => ({ home, hold: whole(dials, home) }))

/** Calls that begin at one server after the other. */
const prepare = async (count: number): Promise<Array<Call>> => {
  const each = Math.ceil(count / servers.length)
  const calls = await Promise.all(servers.map((_, home) => prepareAt(home, each)))
  return Array.from({ length: each }, (_, n) => calls.map((of) => of[n]!)).flat()
}

/** What all servers have used together. */
const usage = async (): Promise<Required<Usage>> => {
  const all = await Promise.all(servers.map((server) => server.usage()))
  const sum = (of: (usage: Usage) => number | undefined) =>
    all.reduce((total, usage) => total + (of(usage) ?? Number.NaN), 0)
  return {
    cpuMicros: sum((of) => of.cpuMicros),
    commits: sum((of) => of.commits),
    statements: sum((of) => of.statements),
    reads: sum((of) => of.reads),
    conflicts: sum((of) => of.conflicts),
    heapBytes: sum((of) => of.heapBytes),
    residentBytes: sum((of) => of.residentBytes),
    peakBytes: sum((of) => of.peakBytes)
  }
}

/** What a run of calls took. */
interface Run {
  readonly took: ReadonlyArray<number>
  /** While all connections were busy: how long that was, in milliseconds, and the requests and whole calls in it. */
  readonly elapsed: number
  readonly requests: number
  readonly calls: number
  readonly ownMicros: number
  readonly postgresMicros: number
  readonly before: Required<Usage>
  readonly after: Required<Usage>
}

/** Holds so many calls, and tells how long each request took. */
const run = async (connections: ReadonlyArray<Sockets>, count: number): Promise<Run> => {
  const calls = await prepare(count)
  const took: Array<number> = []
  const before = await usage()
  const [own, postgres] = [process.cpuUsage(), PostgresTime.microsOf(postmaster)]
  const began = performance.now()
  let held = 0
  let busy = { elapsed: 0, requests: 0, calls: 0 }
  await Promise.all(connections.map(async (sockets) => {
    const ask: Ask = async (request, server) => {
      const sent = performance.now()
      const body = await Carrier.exchange(sockets[server]!, request)
      took.push(performance.now() - sent)
      return body
    }
    for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
      await call.hold(ask)
      held++
    }
    if (busy.elapsed === 0) busy = { elapsed: performance.now() - began, requests: took.length, calls: held }
  }))
  const { system, user } = process.cpuUsage(own)
  const postgresMicros = PostgresTime.microsOf(postmaster) - postgres
  return { took, ...busy, ownMicros: user + system, postgresMicros, before, after: await usage() }
}

/** Runs until the clock has run for so many milliseconds. The server holds no more calls than it has to. */
const runFor = async (connections: ReadonlyArray<Sockets>, millis: number): Promise<ReadonlyArray<Run>> => {
  const runs: Array<Run> = []
  for (let clock = 0; clock < millis; clock += runs.at(-1)!.elapsed) {
    runs.push(await run(connections, connections.length * 8))
  }
  return runs
}

/** A server is compiled while it runs, so it is measured when it has run for a while: 30,000 requests each, or so many seconds. */
const warmFor = Number(process.env.WARM ?? 20)

const warmUp = async (connections: ReadonlyArray<Sockets>) => {
  const [wanted, end] = [30_000 * servers.length, performance.now() + warmFor * 1000]
  for (let requests = 0; requests < wanted && performance.now() < end;) {
    requests += (await run(connections, connections.length * 8)).took.length
  }
}

const summary = (runs: ReadonlyArray<Run>): Measured => {
  const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0)
  const sorted = Float64Array.from(runs.flatMap((run) => run.took)).toSorted()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  const each = (of: "cpuMicros" | "commits" | "statements" | "reads" | "conflicts") =>
    sum((run) => run.after[of] - run.before[of]) / sorted.length
  const perSecond = (count: number) => count / sum((run) => run.elapsed) * 1000
  return {
    requests: sorted.length,
    perSecond: perSecond(sum((run) => run.requests)),
    callsPerSecond: perSecond(sum((run) => run.calls)),
    p50: at(0.5),
    p99: at(0.99),
    serverMicros: each("cpuMicros"),
    generatorMicros: sum((run) => run.ownMicros) / sorted.length,
    requestsPerCommit: 1 / each("commits"),
    postgresMicros: sum((run) => run.postgresMicros) / sorted.length,
    statementsPerRequest: each("statements"),
    readsPerRequest: each("reads"),
    conflictsPerRequest: each("conflicts"),
    peakMebibytes: Math.max(...runs.map(({ after }) => after.peakBytes)) / 2 ** 20
  }
}

const connect = (): Promise<Sockets> => Promise.all(servers.map((server) => server.connect()))

const all = await Promise.all(Array.from({ length: Math.max(connections, 32) }, connect))
await warmUp(all)
console.log(JSON.stringify(summary(await runFor(all.slice(0, connections), seconds * 1000))))
for (const socket of all.flat()) socket.destroy()
