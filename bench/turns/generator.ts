/**
 * The load: as many connections as there are calls at a time, each of which holds one call after another.
 *
 * `node generator.ts <port> <calls at a time> <seconds>` prints one line of JSON. If the environment names the port of a
 * `CARRIER`, a call is held as its user pays for it: an application's request starts it, and its webhooks come when its dial
 * has. Otherwise calls are started before, by `POST /start`, while the clock stands still: starts are no turns. A run stops
 * with the first connection that finds no call left, so that all connections are busy as long as it runs.
 */
import type { Socket } from "node:net"
import * as Carrier from "./carrier.ts"
import { carrierPort, type Usage } from "./conversation.ts"
import * as Dials from "./dials.ts"

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
  /** The most memory that the server ever had, in mebibytes. */
  readonly peakMebibytes: number
}

const [port = 0, connections = 1, seconds = 1] = process.argv.slice(2).map(Number)

const carrier = Carrier.make(port)
const dials = carrierPort === undefined ? undefined : await Dials.listen(Number(carrierPort))

/** Sends a request and gives the body of its answer. */
type Ask = (request: Carrier.Request) => Promise<string>

/** A call that can be held. */
type Call = (ask: Ask) => Promise<void>

const askAll = (requests: ReadonlyArray<Carrier.Request>): Call => async (ask) => {
  for (const request of requests) await ask(request)
}

const whole = ({ of }: Dials.Dials): Call => async (ask) => {
  const { id } = JSON.parse(await ask(carrier.startOne)) as { readonly id: string }
  await askAll(carrier.requestsOf(await of(id)))(ask)
}

const prepare = async (count: number): Promise<Array<Call>> =>
  dials === undefined ? (await carrier.start(count)).map(askAll) : Array.from({ length: count }, () => whole(dials))

/** What a run of calls took. */
interface Run {
  readonly took: ReadonlyArray<number>
  /** While all connections were busy: how long that was, in milliseconds, and the requests and whole calls in it. */
  readonly elapsed: number
  readonly requests: number
  readonly calls: number
  readonly cpuMicros: number
  readonly ownMicros: number
  readonly commits: number
  readonly after: Usage
}

/** Holds so many calls, and tells how long each request took. */
const run = async (sockets: ReadonlyArray<Socket>, count: number): Promise<Run> => {
  const calls = await prepare(count)
  const took: Array<number> = []
  const before = { server: await carrier.usage(), own: process.cpuUsage() }
  const began = performance.now()
  let held = 0
  let busy = { elapsed: 0, requests: 0, calls: 0 }
  await Promise.all(sockets.map(async (socket) => {
    const ask: Ask = async (request) => {
      const sent = performance.now()
      const body = await Carrier.exchange(socket, request)
      took.push(performance.now() - sent)
      return body
    }
    for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
      await call(ask)
      held++
    }
    if (busy.elapsed === 0) busy = { elapsed: performance.now() - began, requests: took.length, calls: held }
  }))
  const { system, user } = process.cpuUsage(before.own)
  const after = await carrier.usage()
  return {
    took,
    ...busy,
    cpuMicros: after.cpuMicros - before.server.cpuMicros,
    ownMicros: user + system,
    commits: after.commits - before.server.commits,
    after
  }
}

/** Runs until the clock has run for so many milliseconds. The server holds no more calls than it has to. */
const runFor = async (sockets: ReadonlyArray<Socket>, millis: number): Promise<ReadonlyArray<Run>> => {
  const runs: Array<Run> = []
  for (let clock = 0; clock < millis; clock += runs.at(-1)!.elapsed) runs.push(await run(sockets, sockets.length * 8))
  return runs
}

/** A server is compiled while it runs, so it is measured when it has run for a while: 30,000 requests, or twenty seconds. */
const warmUp = async (sockets: ReadonlyArray<Socket>) => {
  const end = performance.now() + 20_000
  for (let requests = 0; requests < 30_000 && performance.now() < end;) {
    requests += (await run(sockets, sockets.length * 8)).took.length
  }
}

const summary = (runs: ReadonlyArray<Run>): Measured => {
  const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0)
  const sorted = Float64Array.from(runs.flatMap((run) => run.took)).toSorted()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  const perSecond = (count: number) => count / sum((run) => run.elapsed) * 1000
  return {
    requests: sorted.length,
    perSecond: perSecond(sum((run) => run.requests)),
    callsPerSecond: perSecond(sum((run) => run.calls)),
    p50: at(0.5),
    p99: at(0.99),
    serverMicros: sum((run) => run.cpuMicros) / sorted.length,
    generatorMicros: sum((run) => run.ownMicros) / sorted.length,
    requestsPerCommit: sorted.length / sum((run) => run.commits),
    peakMebibytes: Math.max(...runs.map(({ after }) => after.peakBytes)) / 2 ** 20
  }
}

const sockets = await Promise.all(Array.from({ length: Math.max(connections, 32) }, carrier.connect))
await warmUp(sockets)
console.log(JSON.stringify(summary(await runFor(sockets.slice(0, connections), seconds * 1000))))
for (const socket of sockets) socket.destroy()
